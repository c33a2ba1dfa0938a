/** What concerns all trunks at once: too many incidents, a blind vantage point, another leader. */
import { beyondLimit, incidentCause } from '../incidents.ts'
import { refuse } from './judgement.ts'
import type { Interlock, Proposal } from './judgement.ts'

/**
 * To switch the wanted interface on again is no move, and a trunk without any is worse than all that is distrusted here.
 * The others still have to be proven off.
 */
const isMove = (proposal: Proposal): boolean => proposal.cause !== 'upkeep' || proposal.from !== null

/** Engaged, or this would be one incident too many. Incidents are the causes of alert and health switchovers only. */
export const brake: Interlock = ({ world, trunk, health, proposal, decision, nowMs }) => {
  const engaged = world.fleet.brake
  if (engaged !== null && isMove(proposal)) return refuse(`engaged since ${new Date(engaged.sinceMs).toISOString()}: ${engaged.causes.join(', ')}`)
  const iface = trunk.interfaces.find((i) => i.key === proposal.from)
  const its = health.get(proposal.from ?? '')
  const counts = (proposal.cause === 'alert' || proposal.cause === 'health') && !proposal.byOperator
  if (!counts || iface === undefined || its === undefined) return null
  const beyond = beyondLimit(world, incidentCause(world, iface, its, decision.sinceMs), nowMs)
  return beyond === null ? null : refuse(beyond.detail)
}

export const panic: Interlock = ({ world, proposal }) => {
  const { panicSinceMs } = world.fleet
  return panicSinceMs === null || !isMove(proposal) ? null : refuse(`since ${new Date(panicSinceMs).toISOString()}`)
}

export const leader: Interlock = ({ world }) => world.leader ? null : refuse('another replica leads')
