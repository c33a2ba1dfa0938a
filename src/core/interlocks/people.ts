/** What people have said, or done at a gateway: automation keeps off. */
import { askedUntil, modeOf } from '../mode.ts'
import { standingPause, standingPin } from '../permission.ts'
import { refuse } from './judgement.ts'
import type { Interlock } from './judgement.ts'

/** In `approve` a person's order needs no second one; everything else needs an answer that has not expired. */
export const mode: Interlock = ({ world, trunk, health, demands, proposal, decision }) => {
  const own = modeOf(world.topology, trunk, health, demands, proposal)
  if (own === 'automatic' || (own === 'approve' && proposal.byOperator)) return null
  if (own === 'observe') return refuse(trunk.mode === 'observe' ? 'the trunk is in mode observe' : 'the rule is in mode observe')
  const { answer } = decision
  if (answer === null) return refuse(`${decision.id} waits for approval`, askedUntil(decision))
  return answer.verdict === 'approved' ? null : refuse(`${answer.actor} has rejected ${decision.id}: ${answer.reason}`)
}

export const paused: Interlock = ({ world, trunk, proposal, nowMs }) => {
  const pause = standingPause(world, trunk, [proposal.from, proposal.to], nowMs)
  return pause === null ? null : refuse(`${pause.scope} was paused by ${pause.actor}: ${pause.reason}`, pause.untilMs)
}

export const pin: Interlock = ({ trunk, state, proposal, nowMs }) => {
  const own = standingPin(state, nowMs)
  // On a shared trunk it stays on, and the others go and come beside it.
  const keeps = trunk.type === 'shared' ? proposal.from !== own?.interface : proposal.to === own?.interface
  // A trunk that never came to its pinned interface is not left without any.
  const mends = proposal.cause === 'upkeep' && proposal.from === null
  if (own === null || keeps || mends) return null
  return refuse(`${own.actor} pinned it to ${own.interface}: ${own.reason}`, own.untilMs)
}

export const baselineUnclear: Interlock = ({ trunk, state }) => {
  if (state.baseline === 'adopted') return null
  return refuse(state.baseline === 'unset' ? 'the gateways have not all been read yet' : trunk.type === 'shared' ? `fewer than ${Math.max(trunk.minEnabled, 1)} interfaces were enabled when Pointsman first looked` : 'not exactly one interface was enabled when Pointsman first looked')
}

export const drift: Interlock = ({ state }) => state.drift === null ? null : refuse(state.drift.detail)
