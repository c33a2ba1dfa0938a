/** Since when each interface has been well without a break: what a failback waits for. Counts anew after a restart. */
import { disablesOf } from './demands.ts'
import type { Demand } from './rules.ts'
import type { InterfaceHealth } from './trunk-health.ts'
import type { EpochMs, InterfaceKey } from './topology.ts'
import { interfaceState, withInterface } from './world.ts'
import type { TrunkState } from './world.ts'

/** Usable, every evidence of its own up, and named by no alert, be it silenced or disputed. */
export function keepWell (state: TrunkState, health: ReadonlyMap<InterfaceKey, InterfaceHealth>, demands: readonly Demand[], nowMs: EpochMs): TrunkState {
  let next = state
  for (const its of health.values()) {
    const { wellSinceMs } = interfaceState(state, its.key)
    const isWell = its.usable && its.upSinceMs !== null && disablesOf(demands, its.key).length === 0
    // It may have been unknown for a while that no plan has seen.
    const sinceMs = isWell ? Math.max(wellSinceMs ?? nowMs, its.upSinceMs) : null
    if (sinceMs !== wellSinceMs) next = withInterface(next, its.key, { wellSinceMs: sinceMs })
  }
  return next
}
