/** What people have said, or done at a gateway: automation keeps off. */
import { refuse } from './judgement.ts'
import type { Interlock } from './judgement.ts'

export const mode: Interlock = ({ trunk }) => trunk.mode === 'automatic' ? null : refuse('the trunk is in mode observe')

export const paused: Interlock = ({ world, trunk, proposal, nowMs }) => {
  const gateways = trunk.interfaces.filter((i) => i.key === proposal.from || i.key === proposal.to).map((i) => `gateway/${i.gateway}`)
  const scopes = new Set(['global', `trunk/${trunk.id}`, ...gateways])
  const pause = world.pauses.find((p) => scopes.has(p.scope) && (p.untilMs === null || p.untilMs > nowMs))
  return pause === undefined ? null : refuse(`${pause.scope} was paused by ${pause.actor}: ${pause.reason}`, pause.untilMs)
}

export const pin: Interlock = ({ state, proposal, nowMs }) => {
  const own = state.pin
  if (own === null || (own.untilMs !== null && own.untilMs <= nowMs) || proposal.to === own.interface) return null
  return refuse(`${own.actor} pinned it to ${own.interface}: ${own.reason}`, own.untilMs)
}

export const baselineUnclear: Interlock = ({ state }) => {
  if (state.baseline === 'adopted') return null
  return refuse(state.baseline === 'unset' ? 'the gateways have not all been read yet' : 'not exactly one interface was enabled when Pointsman first looked')
}

export const drift: Interlock = ({ state }) => state.drift === null ? null : refuse(state.drift.detail)
