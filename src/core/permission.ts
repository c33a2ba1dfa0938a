/** May anything be sent for a trunk outside a switchover? Debts and re-registrations are exempt from most interlocks, not from people. */
import type { EpochMs, InterfaceKey, TrunkTopology } from './topology.ts'
import type { PauseStatus } from './status.ts'
import type { Pin, TrunkState, World } from './world.ts'

/**
 * Another leader, a person's pause, an unexplained change, an unclear first state and the mode hold everything.
 * @param ordered - it belongs to a person's order, which passes mode observe
 */
export function maySend (world: World, trunk: TrunkTopology, state: TrunkState, nowMs: EpochMs, ordered = false): boolean {
  const paused = standingPause(world, trunk, trunk.interfaces.map((i) => i.key), nowMs) !== null
  return world.leader && (trunk.mode !== 'observe' || ordered) && state.baseline === 'adopted' && state.drift === null && !paused
}

/** The pause that concerns these interfaces of a trunk now; null: none does. */
export function standingPause (world: World, trunk: TrunkTopology, keys: readonly (InterfaceKey | null)[], nowMs: EpochMs): PauseStatus | null {
  const gateways = trunk.interfaces.filter((i) => keys.includes(i.key)).map((i) => `gateway/${i.gateway}`)
  const scopes = new Set(['global', `trunk/${trunk.id}`, ...gateways])
  return world.pauses.find((p) => scopes.has(p.scope) && (p.untilMs === null || p.untilMs > nowMs)) ?? null
}

/** The pin as long as it counts. */
export function standingPin ({ pin }: TrunkState, nowMs: EpochMs): Pin | null {
  return pin === null || (pin.untilMs !== null && pin.untilMs <= nowMs) ? null : pin
}
