/** May anything be sent for a trunk outside a switchover? Debts and re-registrations are exempt from most interlocks, not from people. */
import type { EpochMs, TrunkTopology } from './topology.ts'
import type { TrunkState, World } from './world.ts'

/** A person's pause, an unexplained change, an unclear first state and the mode hold everything. */
export function maySend (world: World, trunk: TrunkTopology, state: TrunkState, nowMs: EpochMs): boolean {
  const scopes = new Set(['global', `trunk/${trunk.id}`, ...trunk.interfaces.map((i) => `gateway/${i.gateway}`)])
  const paused = world.pauses.some((p) => scopes.has(p.scope) && (p.untilMs === null || p.untilMs > nowMs))
  return trunk.mode === 'automatic' && state.baseline === 'adopted' && state.drift === null && !paused
}
