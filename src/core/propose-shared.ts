/**
 * What ought to change on a shared trunk: all its members are on, and one that a rule wants out is taken out while another
 * one carries the calls (make before break). Only what we have taken out is put back by us.
 */
import { disablesOf, isOut } from './demands.ts'
import type { Proposal } from './interlocks/judgement.ts'
import { causeOf, TRIALS } from './propose.ts'
import { standingPin } from './permission.ts'
import { shouldBeOn } from './resting.ts'
import type { Demand } from './rules.ts'
import type { InterfaceHealth } from './trunk-health.ts'
import type { EpochMs, InterfaceKey, TrunkTopology } from './topology.ts'
import { interfaceState } from './world.ts'
import type { OperatorRequest, TrunkState } from './world.ts'

type HealthMap = ReadonlyMap<InterfaceKey, InterfaceHealth>

/**
 * By precedence: an operator's order, a demand on a member, a member being off, one that is on and should not be, one that
 * may come back.
 * @returns the first one that nothing vetoes is made: what is held about one interface holds none of the others
 */
export function proposeShared (trunk: TrunkTopology, state: TrunkState, health: HealthMap, demands: readonly Demand[], nowMs: EpochMs): readonly Proposal[] {
  if (state.request !== null) return obey(trunk, state, health, state.request)
  const pinned = standingPin(state, nowMs)?.interface ?? null
  return [...takeOut(trunk, state, health, demands, pinned), ...mend(trunk, state, health), ...tidy(trunk, state, health, demands), ...putBack(trunk, state, health, demands)]
}

/** `failback`: all that is out comes back, one after the other. Else: the ordered interface alone carries the trunk. */
function obey (trunk: TrunkTopology, state: TrunkState, health: HealthMap, request: OperatorRequest): readonly Proposal[] {
  const order = { demands: [], byOperator: true, lastUsable: false } as const
  if (request.verb === 'failback') {
    const to = state.out.includes(request.to) ? request.to : state.out[0]
    return to === undefined ? [] : [{ from: null, to, cause: 'failback', ...order }]
  }
  if (health.get(request.to)?.enabled === false) return [{ from: null, to: request.to, cause: 'operator', ...order }]
  const from = request.verb === 'pin' ? undefined : keysOf(trunk).find((key) => key !== request.to && shouldBeOn(state, key) && health.get(key)?.enabled === true && obeys(state, health, key))
  return from === undefined ? [] : [{ from, to: request.to, cause: 'operator', ...order }]
}

function keysOf (trunk: TrunkTopology): readonly InterfaceKey[] {
  return trunk.interfaces.map((i) => i.key)
}

/** Its gateway answers, and not with errors only: it can be commanded. */
function obeys (state: TrunkState, health: HealthMap, key: InterfaceKey): boolean {
  return health.get(key)?.answers === 'yes' && interfaceState(state, key).attempt?.reason == null
}

/** A rule wants members out. What can't be commanded can't be taken out; what is out replaces it when nobody else is left. */
function takeOut (trunk: TrunkTopology, state: TrunkState, health: HealthMap, demands: readonly Demand[], pinned: InterfaceKey | null): readonly Proposal[] {
  const named = keysOf(trunk).filter((key) => shouldBeOn(state, key) && key !== pinned && health.get(key)?.enabled === true && disablesOf(demands, key).length > 0)
  const ordered = [...named.filter((key) => isOut(demands, health, key)), ...named.filter((key) => !isOut(demands, health, key))]
  return ordered.flatMap((from): readonly Proposal[] => {
    const to = carrierOf(trunk, state, health, demands, from)
    const because = disablesOf(demands, from)
    const proposal: Proposal = { from, to, cause: causeOf(because), demands: because, byOperator: false, lastUsable: false }
    if (obeys(state, health, from)) return [proposal]
    return to !== null && health.get(to)?.enabled === false ? [{ ...proposal, from: null }] : []
  })
}

/** Who carries the calls then: one that is on, else one that we had taken out. */
function carrierOf (trunk: TrunkTopology, state: TrunkState, health: HealthMap, demands: readonly Demand[], without: InterfaceKey): InterfaceKey | null {
  const usable = keysOf(trunk).filter((key) => key !== without && health.get(key)?.usable === true && !isOut(demands, health, key))
  return usable.find((key) => shouldBeOn(state, key) && health.get(key)?.enabled === true) ?? usable.find((key) => state.out.includes(key)) ?? null
}

/** Members that are off though nobody decided so: the gateway gave up, or restarted without it. Who failed last comes last. */
function mend (trunk: TrunkTopology, state: TrunkState, health: HealthMap): readonly Proposal[] {
  if (state.baseline !== 'adopted') return []
  const off = keysOf(trunk).filter((key) => {
    const its = health.get(key)
    const lostItself = its?.selfDisabled === true && its.downBy.every((reason) => reason === 'registration-lost')
    return shouldBeOn(state, key) && its !== undefined && obeys(state, health, key) && (its.enabled === false || lostItself)
  })
  const failedAt = (key: InterfaceKey): number => interfaceState(state, key).command?.endedAtMs ?? 0
  return off.sort((a, b) => failedAt(a) - failedAt(b)).map((to) => ({ from: null, to, cause: 'upkeep', demands: [], byOperator: false, lastUsable: false }))
}

/** On by a person's hand; `drift` holds it until a person says by `reassert` that it is not meant to be. */
function tidy (trunk: TrunkTopology, state: TrunkState, health: HealthMap, demands: readonly Demand[]): readonly Proposal[] {
  if (state.baseline !== 'adopted') return []
  const strays = keysOf(trunk).filter((key) => !shouldBeOn(state, key) && health.get(key)?.enabled === true && obeys(state, health, key))
  return strays.map((from) => ({ from, to: carrierOf(trunk, state, health, demands, from), cause: 'upkeep', demands: [], byOperator: false, lastUsable: false }))
}

/** What is well again; how long it has to be so is for `hold` to say. */
function putBack (trunk: TrunkTopology, state: TrunkState, health: HealthMap, demands: readonly Demand[]): readonly Proposal[] {
  if (trunk.failback.policy !== 'automatic' || state.failedFailbacks >= TRIALS) return []
  const well = keysOf(trunk).filter((key) => state.out.includes(key) && interfaceState(state, key).wellSinceMs !== null && health.get(key)?.usable === true && disablesOf(demands, key).length === 0)
  return well.map((to) => ({ from: null, to, cause: 'failback', demands: [], byOperator: false, lastUsable: false }))
}
