/** What ought to change on a trunk, before anybody judges whether it may. */
import { betterThan, disablesOf, isOut, ranked, refugesFrom } from './demands.ts'
import type { Proposal } from './interlocks/judgement.ts'
import { standingPin } from './permission.ts'
import type { Demand } from './rules.ts'
import type { InterfaceHealth } from './trunk-health.ts'
import type { EpochMs, InterfaceKey, TrunkTopology } from './topology.ts'
import { interfaceState } from './world.ts'
import type { OperatorRequest, TrunkState } from './world.ts'

/** After so many failed trials in a row a failback is manual, until a person acknowledges it. */
export const TRIALS = 3

type HealthMap = ReadonlyMap<InterfaceKey, InterfaceHealth>

/**
 * By precedence: an operator's order, a demand on the wanted interface, the wanted one being off, a better one.
 * @returns the best one first; the first one that nothing vetoes is made
 */
export function propose (trunk: TrunkTopology, state: TrunkState, health: HealthMap, demands: readonly Demand[], nowMs: EpochMs): readonly Proposal[] {
  const { wanted, request } = state
  if (request !== null) return some(obey(request, wanted, health))
  if (wanted === null) return some(unanswerable(demands))
  const pinned = standingPin(state, nowMs)?.interface ?? null
  const away = leave(trunk, state, health, demands, wanted, pinned)
  if (away.length > 0) return away
  const mended = mend(state, health, wanted)
  if (mended !== null) return [mended]
  const replaced = replace(trunk, state, health, demands, wanted, pinned)
  return replaced.length > 0 ? replaced : some(better(trunk, state, health, demands, wanted, pinned))
}

function some (proposal: Proposal | null): readonly Proposal[] {
  return proposal === null ? [] : [proposal]
}

/** What is wanted and on needs no order; what is wanted and off is only switched on. */
function obey (request: OperatorRequest, wanted: InterfaceKey | null, health: HealthMap): Proposal | null {
  if (request.to === wanted && health.get(wanted)?.enabled !== false) return null
  const cause = request.verb === 'failback' ? 'failback' : 'operator'
  return { from: request.to === wanted ? null : wanted, to: request.to, cause, demands: [], byOperator: true, lastUsable: false }
}

/** Nobody knows yet what should be on: it is told why the demand is not answered. */
function unanswerable (demands: readonly Demand[]): Proposal | null {
  const first = demands.find((d) => d.demand === 'disable')
  return first === undefined ? null : { from: first.interface, to: null, cause: causeOf(demands), demands, byOperator: false, lastUsable: false }
}

/** A rule wants the wanted interface out. */
function leave (trunk: TrunkTopology, state: TrunkState, health: HealthMap, demands: readonly Demand[], wanted: InterfaceKey, pinned: InterfaceKey | null): readonly Proposal[] {
  const against = disablesOf(demands, wanted)
  const isConfirmed = isOut(demands, health, wanted)
  // What is off can't be confirmed as down: it is switched on first, whatever an alert said before.
  if (against.length === 0 || (!isConfirmed && health.get(wanted)?.enabled === false)) return []
  const refuges = refugesFrom(trunk, state, demands, health, wanted, pinned)
  // With nowhere to go it is better on than off: no demand leaves a trunk without an enabled interface.
  if (refuges.length === 0 && (onlyLostItself(health.get(wanted)) || health.get(wanted)?.enabled === false)) return []
  // Not confirmed yet: another rule may have a reason of its own.
  if (!isConfirmed && better(trunk, state, health, demands, wanted, pinned) !== null) return []
  const proposal = { from: wanted, cause: causeOf(against), demands: against, byOperator: false } as const
  return refuges.length === 0 ? [{ ...proposal, to: null, lastUsable: false }] : refuges.map((refuge) => ({ ...proposal, ...refuge }))
}

/** The wanted interface is off though nobody decided so: the gateway gave up, or restarted without it. */
function mend (state: TrunkState, health: HealthMap, wanted: InterfaceKey): Proposal | null {
  const its = health.get(wanted)
  if (its === undefined || state.baseline !== 'adopted' || its.answers !== 'yes') return null
  // A debtor that came back enabled is settled first: it may be the only one alive.
  const returned = state.debts.some((debt) => health.get(debt.interface)?.answers === 'yes' && health.get(debt.interface)?.enabled === true)
  if (returned || (its.enabled !== false && !onlyLostItself(its))) return null
  return { from: null, to: wanted, cause: 'upkeep', demands: [], byOperator: false, lastUsable: false }
}

/**
 * The wanted interface is gone from its gateway: nobody can enable it there, and no evidence calls it down. Another one
 * carries, once the absence has lasted long enough to prove that nothing is registered (proof.ts).
 */
function replace (trunk: TrunkTopology, state: TrunkState, health: HealthMap, demands: readonly Demand[], wanted: InterfaceKey, pinned: InterfaceKey | null): readonly Proposal[] {
  if (state.baseline !== 'adopted' || interfaceState(state, wanted).observed?.present !== false || pinned === wanted) return []
  return refugesFrom(trunk, state, demands, health, wanted, pinned).map(({ to, lastUsable }) => ({ from: null, to, cause: 'upkeep', demands: [], byOperator: false, lastUsable }))
}

/** A rule prefers another one, or the trunk goes back by itself. */
function better (trunk: TrunkTopology, state: TrunkState, health: HealthMap, demands: readonly Demand[], wanted: InterfaceKey, pinned: InterfaceKey | null): Proposal | null {
  if (health.get(wanted)?.enabled === false) return null
  const proposal = improve(trunk, health, demands, wanted) ?? goBack(trunk, state, demands, wanted)
  return pinned === null || proposal?.to === pinned ? proposal : null
}

function improve (trunk: TrunkTopology, health: HealthMap, demands: readonly Demand[], wanted: InterfaceKey): Proposal | null {
  const first = betterThan(trunk, demands, health, wanted)
  return first === null ? null : { from: wanted, to: first.to, cause: 'prefer', demands: first.demands, byOperator: false, lastUsable: false }
}

/** `failback: automatic`, to the first interface while it is well; how long it has to be so is for `hold` to say. */
function goBack (trunk: TrunkTopology, state: TrunkState, demands: readonly Demand[], wanted: InterfaceKey): Proposal | null {
  const first = ranked(trunk, demands)[0]?.key
  if (trunk.failback.policy !== 'automatic' || first === undefined || first === wanted) return null
  if (state.failedFailbacks >= TRIALS || interfaceState(state, first).wellSinceMs === null) return null
  return { from: wanted, to: first, cause: 'failback', demands: [], byOperator: false, lastUsable: false }
}

/** Own health needs neither an alert nor living monitoring, so it speaks where both do. */
export function causeOf (demands: readonly Demand[]): 'alert' | 'health' {
  return demands.some((d) => d.alert === null) ? 'health' : 'alert'
}

function onlyLostItself (its: InterfaceHealth | undefined): boolean {
  return its !== undefined && its.selfDisabled && its.downBy.every((reason) => reason === 'registration-lost')
}
