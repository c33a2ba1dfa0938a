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

/** By precedence: an operator's order, a demand on a member, a member being off, one that is on and should not be, one that may come back. */
export function proposeShared (trunk: TrunkTopology, state: TrunkState, health: HealthMap, demands: readonly Demand[], nowMs: EpochMs): Proposal | null {
  if (state.request !== null) return obey(trunk, state, health, state.request)
  const pinned = standingPin(state, nowMs)?.interface ?? null
  return takeOut(trunk, state, health, demands, pinned) ?? mend(trunk, state, health) ?? tidy(trunk, state, health, demands) ?? putBack(trunk, state, health, demands)
}

/** `failback`: all that is out comes back, one after the other. Else: the ordered interface alone carries the trunk. */
function obey (trunk: TrunkTopology, state: TrunkState, health: HealthMap, request: OperatorRequest): Proposal | null {
  const order = { demands: [], byOperator: true, lastUsable: false } as const
  if (request.verb === 'failback') {
    const to = state.out.includes(request.to) ? request.to : state.out[0]
    return to === undefined ? null : { from: null, to, cause: 'failback', ...order }
  }
  if (health.get(request.to)?.enabled === false) return { from: null, to: request.to, cause: 'operator', ...order }
  const from = request.verb === 'pin' ? undefined : commandable(trunk, state, health).find((key) => key !== request.to)
  return from === undefined ? null : { from, to: request.to, cause: 'operator', ...order }
}

/** Members that are on and whose gateway answers. */
function commandable (trunk: TrunkTopology, state: TrunkState, health: HealthMap): readonly InterfaceKey[] {
  return trunk.interfaces.map((i) => i.key).filter((key) => shouldBeOn(state, key) && health.get(key)?.enabled === true && health.get(key)?.answers === 'yes')
}

/** A rule wants a member out. One whose gateway is silent can't be taken out; what is out replaces it when nobody else is left. */
function takeOut (trunk: TrunkTopology, state: TrunkState, health: HealthMap, demands: readonly Demand[], pinned: InterfaceKey | null): Proposal | null {
  const named = trunk.interfaces.map((i) => i.key).filter((key) => shouldBeOn(state, key) && key !== pinned && health.get(key)?.enabled === true && disablesOf(demands, key).length > 0)
  const from = named.find((key) => isOut(demands, health, key)) ?? named[0]
  if (from === undefined) return null
  const to = carrierOf(trunk, state, health, demands, from)
  const because = disablesOf(demands, from)
  const proposal: Proposal = { from, to, cause: causeOf(because), demands: because, byOperator: false, lastUsable: false }
  if (health.get(from)?.answers === 'yes') return proposal
  return to !== null && health.get(to)?.enabled === false ? { ...proposal, from: null } : null
}

/** Who carries the calls then: one that is on, else one that we had taken out. */
function carrierOf (trunk: TrunkTopology, state: TrunkState, health: HealthMap, demands: readonly Demand[], without: InterfaceKey): InterfaceKey | null {
  const usable = trunk.interfaces.map((i) => i.key).filter((key) => key !== without && health.get(key)?.usable === true && !isOut(demands, health, key))
  return usable.find((key) => shouldBeOn(state, key) && health.get(key)?.enabled === true) ?? usable.find((key) => state.out.includes(key)) ?? null
}

/** A member is off though nobody decided so: its gateway gave up, or restarted without it. */
function mend (trunk: TrunkTopology, state: TrunkState, health: HealthMap): Proposal | null {
  const off = trunk.interfaces.find((i) => {
    const its = health.get(i.key)
    const lostItself = its?.selfDisabled === true && its.downBy.every((reason) => reason === 'registration-lost')
    return shouldBeOn(state, i.key) && its?.answers === 'yes' && (its.enabled === false || lostItself)
  })
  return off === undefined || state.baseline !== 'adopted' ? null : { from: null, to: off.key, cause: 'upkeep', demands: [], byOperator: false, lastUsable: false }
}

/** On by a person's hand; `drift` holds it until a person says by `reassert` that it is not meant to be. */
function tidy (trunk: TrunkTopology, state: TrunkState, health: HealthMap, demands: readonly Demand[]): Proposal | null {
  const from = trunk.interfaces.map((i) => i.key).find((key) => !shouldBeOn(state, key) && health.get(key)?.enabled === true && health.get(key)?.answers === 'yes')
  if (from === undefined || state.baseline !== 'adopted') return null
  return { from, to: carrierOf(trunk, state, health, demands, from), cause: 'upkeep', demands: [], byOperator: false, lastUsable: false }
}

/** The first one that is well again; how long it has to be so is for `hold` to say. */
function putBack (trunk: TrunkTopology, state: TrunkState, health: HealthMap, demands: readonly Demand[]): Proposal | null {
  if (trunk.failback.policy !== 'automatic' || state.failedFailbacks >= TRIALS) return null
  const well = trunk.interfaces.find(({ key }) => state.out.includes(key) && interfaceState(state, key).wellSinceMs !== null && health.get(key)?.usable === true && disablesOf(demands, key).length === 0)
  return well === undefined ? null : { from: null, to: well.key, cause: 'failback', demands: [], byOperator: false, lastUsable: false }
}
