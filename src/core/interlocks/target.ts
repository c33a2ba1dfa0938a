/** The end state that the move leads to: is it safe, and is it better? */
import { isOut } from '../demands.ts'
import { predictedGapMs } from '../proof.ts'
import { sharedCarrierVerdict } from '../trunk-health.ts'
import { interfaceState } from '../world.ts'
import { refuse } from './judgement.ts'
import type { Interlock } from './judgement.ts'

/** A pre-flight read counts for this long before the first write. */
export const PRE_FLIGHT_MS = 5000

/** The carrier itself is down or about to be: no move between interfaces mends that. */
export const noBetter: Interlock = ({ world, trunk, proposal, health, nowMs }) => {
  const carrier = sharedCarrierVerdict(world, trunk, nowMs)
  if (carrier?.verdict === 'down' && proposal.cause !== 'failback') return refuse('the carrier does not answer for any interface (carrier-down)')
  if (proposal.to !== null) {
    const target = health.get(proposal.to)
    return target === undefined || target.usable || proposal.cause === 'upkeep' ? null : refuse(`${proposal.to}: ${target.unusable.join(', ')}`)
  }
  const others = [...health.values()].filter((h) => h.key !== proposal.from)
  return refuse(others.map((h) => `${h.key}: ${h.unusable.join(', ') || 'named by an alert'}`).join('; '))
}

export const exclusive: Interlock = ({ proof }) => proof.state === 'blocked' && proof.veto === 'exclusive' ? refuse(proof.detail) : null

export const gatewayAlive: Interlock = ({ proof, state, nowMs }) => {
  if (proof.state === 'blocked' && proof.veto === 'gateway-alive') return refuse(proof.detail)
  const vouched = proof.state === 'proven' && proof.by === 'operator'
  return state.notBeforeMs > nowMs && !vouched ? refuse('the carrier refused the standby: the silent gateway still refreshes its registration', state.notBeforeMs) : null
}

export const ownerUnproven: Interlock = ({ proof }) => proof.state === 'blocked' && proof.veto === 'owner-unproven' ? refuse(proof.detail) : null

/** Judged on the end state: exactly `to` is enabled, or on a shared trunk `to` beside the others. What is down carries nothing. */
export const minEnabled: Interlock = ({ trunk, health, proposal }) => {
  const stay = trunk.type === 'exclusive' ? [] : [...health.values()].filter((h) => h.enabled === true && h.verdict !== 'down' && h.key !== proposal.from).map((h) => h.key)
  const count = new Set([...stay, ...proposal.to === null ? [] : [proposal.to]]).size
  // Whoever puts one in takes nothing away.
  return count >= trunk.minEnabled || (trunk.type === 'shared' && proposal.from === null) ? null : refuse(`${trunk.minEnabled} must stay enabled, ${count} would`)
}

/** A rule wants the interface out without a word of the own evidence, and nobody is left: better the one that looks well. */
export const lastUsable: Interlock = ({ proposal, demands, health }) => {
  if (proposal.to !== null || proposal.from === null || health.get(proposal.from)?.verdict !== 'up' || !isOut(demands, health, proposal.from)) return null
  return refuse(`${proposal.from} is up by its own evidence, and no other interface is usable`)
}

/** A predicted gap judges only moves away from an interface that is not down. */
export const emergency: Interlock = ({ world, trunk, state, proposal, health, nowMs }) => {
  if (!trunk.emergency || trunk.type === 'shared' || proposal.to === null || proposal.from === null || health.get(proposal.from)?.verdict === 'down') return null
  const from = trunk.interfaces.find((i) => i.key === proposal.from)
  if (from === undefined) return null
  const gapMs = predictedGapMs(trunk, state, from.key, proposal.to, from.capabilities.unregisters, nowMs)
  return gapMs <= world.topology.interlocks.maxGapMs ? null : refuse(`the trunk would be without an interface for ${Math.ceil(gapMs / 1000)} s`)
}

/** The standby's read within the last 5 s failed. A read that is only missing is a wait (`pre-flight`), not a veto. */
export const standbyNotReady: Interlock = ({ state, proposal, nowMs }) => {
  if (proposal.to === null) return null
  const { attempt, observed } = interfaceState(state, proposal.to)
  if (attempt !== null && attempt.reason !== null && nowMs - attempt.atMs <= PRE_FLIGHT_MS) return refuse(`${proposal.to}: ${attempt.reason}`)
  return observed !== null && !observed.present ? refuse(`${proposal.to}: no-interface`) : null
}
