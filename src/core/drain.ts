/**
 * Draining: a planned move away from a working interface waits until its calls have ended. No kind of gateway can refuse new
 * calls and keep its registration, so it waits for a moment without calls, and for so long at most as the trunk allows.
 */
import type { Proposal } from './interlocks/judgement.ts'
import type { InterfaceHealth } from './trunk-health.ts'
import type { EpochMs, InterfaceKey, TrunkTopology } from './topology.ts'
import { interfaceState } from './world.ts'
import type { SwitchoverCause, TrunkState } from './world.ts'

type HealthMap = ReadonlyMap<InterfaceKey, InterfaceHealth>

/** Moves that can wait. */
const PLANNED: ReadonlySet<SwitchoverCause> = new Set(['failback', 'prefer', 'operator'])
/** A count of calls is older than this: it says nothing about now. */
const FRESH_MS = 2000

export type Drain =
  | { readonly state: 'over'; readonly because: string }
  | { readonly state: 'waiting'; readonly detail: string; readonly untilMs: EpochMs }

/** Whether a move begins with waiting: it is planned, leaves what works, and its gateway tells its calls. */
export function drainsFirst (trunk: TrunkTopology, state: TrunkState, health: HealthMap, { from, cause, byOperator }: Proposal): boolean {
  if (from === null || trunk.failback.drainMs === null || !PLANNED.has(cause) || (byOperator && state.request?.force === true)) return false
  const { observed } = interfaceState(state, from)
  return observed?.calls !== undefined && observed.admin !== 'disabled' && health.get(from)?.verdict !== 'down'
}

/** @param sinceMs - when the waiting began */
export function drainOf (trunk: TrunkTopology, state: TrunkState, health: HealthMap, key: InterfaceKey | null, sinceMs: EpochMs, nowMs: EpochMs): Drain {
  const its = key === null ? undefined : health.get(key)
  if (key === null || its === undefined || its.enabled === false) return { state: 'over', because: 'it is off' }
  if (its.verdict === 'down') return { state: 'over', because: `${key} is down` }
  const untilMs = sinceMs + (trunk.failback.drainMs ?? 0)
  if (nowMs >= untilMs) return { state: 'over', because: 'its time is over' }
  const { observed } = interfaceState(state, key)
  const fresh = observed !== null && nowMs - observed.atMs <= FRESH_MS
  if (fresh && observed.calls === 0) return { state: 'over', because: 'there is no call' }
  return { state: 'waiting', detail: fresh && observed.calls !== undefined ? `${key} has ${observed.calls} call${observed.calls === 1 ? '' : 's'}` : `nobody can say how many calls ${key} has`, untilMs }
}
