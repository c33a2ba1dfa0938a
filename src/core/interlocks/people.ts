/** What people have said, or done at a gateway: automation keeps off. */
import { standingPause, standingPin } from '../permission.ts'
import { refuse } from './judgement.ts'
import type { Interlock } from './judgement.ts'

export const mode: Interlock = ({ trunk, proposal }) => trunk.mode === 'automatic' || (trunk.mode === 'approve' && proposal.byOperator) ? null : refuse(`the trunk is in mode ${trunk.mode}`)

export const paused: Interlock = ({ world, trunk, proposal, nowMs }) => {
  const pause = standingPause(world, trunk, [proposal.from, proposal.to], nowMs)
  return pause === null ? null : refuse(`${pause.scope} was paused by ${pause.actor}: ${pause.reason}`, pause.untilMs)
}

export const pin: Interlock = ({ state, proposal, nowMs }) => {
  const own = standingPin(state, nowMs)
  if (own === null || proposal.to === own.interface) return null
  return refuse(`${own.actor} pinned it to ${own.interface}: ${own.reason}`, own.untilMs)
}

export const baselineUnclear: Interlock = ({ state }) => {
  if (state.baseline === 'adopted') return null
  return refuse(state.baseline === 'unset' ? 'the gateways have not all been read yet' : 'not exactly one interface was enabled when Pointsman first looked')
}

export const drift: Interlock = ({ state }) => state.drift === null ? null : refuse(state.drift.detail)
