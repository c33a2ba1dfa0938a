/**
 * Reads that a plan asks for. Each result wakes the next plan at once, so whoever waits for a read would hammer a gateway
 * that answers or refuses quickly. The pause between two reads is therefore kept in this one place, for every phase.
 */
import { earlier } from './plan.ts'
import type { Action } from './plan.ts'
import { gatewayOf } from './trunk-health.ts'
import type { DurationMs, EpochMs, GatewayTopology, InterfaceKey, TrunkTopology } from './topology.ts'
import { interfaceState } from './world.ts'
import type { InterfaceState, TrunkState, World } from './world.ts'

/** Pause between two reads while something is awaited. */
export const READ_EVERY_MS = 250
/** After a read that failed: it may have failed at once. */
const FAILED_PAUSE_MS = 1000

/**
 * When a gateway may be read again. One that refused our account is left to the steady reads, which come twice as often
 * as that: many devices lock an account after a few wrong logins.
 *
 * @param everyMs - the wanted pause
 */
function readDueAt (gateway: GatewayTopology, own: InterfaceState, everyMs: DurationMs): EpochMs {
  const { observed, attempt } = own
  const lastMs = Math.max(observed?.atMs ?? 0, attempt?.atMs ?? 0)
  if (attempt === null || attempt.reason === null) return lastMs + everyMs
  const pauseMs = attempt.reason === 'auth-failed' ? 2 * gateway.observe.intervalMs : FAILED_PAUSE_MS
  return lastMs + Math.max(everyMs, pauseMs)
}

/** Reads of those gateways whose pause is over, and when the next one is due (null: nobody waits). */
export function readings (world: World, trunk: TrunkTopology, state: TrunkState, keys: readonly InterfaceKey[], everyMs: DurationMs, nowMs: EpochMs): { readonly actions: readonly Action[]; readonly dueMs: EpochMs | null } {
  const actions: Action[] = []
  let nextMs: EpochMs | null = null
  for (const iface of trunk.interfaces) {
    if (!keys.includes(iface.key)) continue
    const dueMs = readDueAt(gatewayOf(world.topology, iface), interfaceState(state, iface.key), everyMs)
    if (nowMs < dueMs) nextMs = earlier(nextMs, dueMs)
    else if (!actions.some((action) => action.kind === 'observe' && action.gateway === iface.gateway)) actions.push({ kind: 'observe', gateway: iface.gateway })
  }
  return { actions, dueMs: nextMs }
}
