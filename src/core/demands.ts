/**
 * What the demands of rules mean for a trunk's interfaces: which are out, which come first, and whether all is frozen.
 * Precedence: pin > freeze > disable > prefer > configured order.
 */
import type { Demand } from './rules.ts'
import type { InterfaceHealth } from './trunk-health.ts'
import type { InterfaceKey, InterfaceTopology, TrunkTopology } from './topology.ts'
import { interfaceState } from './world.ts'
import type { TrunkState } from './world.ts'

type HealthMap = ReadonlyMap<InterfaceKey, InterfaceHealth>

/** So many independent voices make a quorum. */
const QUORUM = 2

/**
 * Voices that say that an interface is down: Pointsman's own evidence, and each name of an alert by which a rule wants it
 * out (two alerts of one name are one voice). A silenced and a disputed alert have none.
 */
function voices (demands: readonly Demand[], health: HealthMap, key: InterfaceKey): number {
  const alerts = demands.filter((d) => d.interface === key && d.demand === 'disable' && d.startsNew && !d.disputed)
  const names = new Set(alerts.flatMap((d) => d.alert === null ? [] : [d.alert.name]))
  return names.size + (health.get(key)?.verdict === 'down' ? 1 : 0)
}

/** What the rule asks for beside its alert is there. A disputed alert needs evidence of our own, whatever its rule says. */
export function isConfirmed (demand: Demand, demands: readonly Demand[], health: HealthMap): boolean {
  const down = demand.interface !== null && health.get(demand.interface)?.verdict === 'down'
  if (demand.disputed || demand.evidence === 'probe') return down
  return demand.evidence === 'none' || (demand.interface !== null && voices(demands, health, demand.interface) >= QUORUM)
}

/** Demands that take this interface out, confirmed or not. */
export function disablesOf (demands: readonly Demand[], key: InterfaceKey | null): readonly Demand[] {
  return demands.filter((d) => d.demand === 'disable' && d.interface === key && key !== null)
}

/** A rule makes it unusable, whatever it looks like. */
export function isOut (demands: readonly Demand[], health: HealthMap, key: InterfaceKey): boolean {
  return disablesOf(demands, key).some((d) => isConfirmed(d, demands, health))
}

/** The demand that freezes the trunk: nothing is admitted while its alert fires, silenced or not. */
export function freezeOf (demands: readonly Demand[]): Demand | undefined {
  return demands.find((d) => d.demand === 'freeze')
}

/** What a `prefer` puts first, also a silenced one: it holds what is. */
function isPreferred (demands: readonly Demand[], key: InterfaceKey): boolean {
  return demands.some((d) => d.demand === 'prefer' && d.interface === key)
}

/** All interfaces, the best one first. */
export function ranked (trunk: TrunkTopology, demands: readonly Demand[]): readonly InterfaceTopology[] {
  return [...trunk.interfaces.filter((i) => isPreferred(demands, i.key)), ...trunk.interfaces.filter((i) => !isPreferred(demands, i.key))]
}

/**
 * Where to go from an interface that a rule wants out, the best one first; which one may be gone to is for the interlocks to
 * say. `lastUsable`: a rule wants the target out, too, but nobody else is usable and its own evidence is up. A trunk that is
 * not on its pinned interface may go there, nowhere else. One that did not work a while ago comes last.
 */
export function refugesFrom (trunk: TrunkTopology, state: TrunkState, demands: readonly Demand[], health: HealthMap, from: InterfaceKey, pinned: InterfaceKey | null): readonly Refuge[] {
  const allowed = ranked(trunk, demands).map((i) => i.key).filter((key) => key !== from && (pinned === null || pinned === from || key === pinned))
  const usable = allowed.filter((key) => health.get(key)?.usable === true).sort((a, b) => refutedAt(state, a) - refutedAt(state, b))
  const free = usable.filter((key) => !isOut(demands, health, key))
  if (free.length > 0) return free.map((to) => ({ to, lastUsable: false }))
  if (health.get(from)?.verdict === 'up') return []
  return usable.filter((key) => health.get(key)?.verdict === 'up').map((to) => ({ to, lastUsable: true }))
}

export interface Refuge { readonly to: InterfaceKey; readonly lastUsable: boolean }

function refutedAt (state: TrunkState, key: InterfaceKey): number {
  return interfaceState(state, key).refutedAtMs ?? 0
}

/** Preferred before the interface that is wanted, and usable; null: none. A silenced or disputed alert moves nothing. */
export function betterThan (trunk: TrunkTopology, demands: readonly Demand[], health: HealthMap, wanted: InterfaceKey): { readonly to: InterfaceKey; readonly demands: readonly Demand[] } | null {
  if (isPreferred(demands, wanted) && !isOut(demands, health, wanted)) return null
  const first = ranked(trunk, demands).find((i) => health.get(i.key)?.usable === true && !isOut(demands, health, i.key))
  const because = demands.filter((d) => d.demand === 'prefer' && d.interface === first?.key && d.startsNew && !d.disputed)
  return first === undefined || first.key === wanted || because.length === 0 ? null : { to: first.key, demands: because }
}
