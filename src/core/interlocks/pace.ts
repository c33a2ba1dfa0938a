/** How often a trunk may move: a trunk that moves back and forth is worse than one that waits. Judges automation only. */
import type { InterfaceHealth } from '../trunk-health.ts'
import type { EpochMs, InterfaceKey, TrunkTopology } from '../topology.ts'
import { interfaceState } from '../world.ts'
import type { TrunkState, World } from '../world.ts'
import { refuse } from './judgement.ts'
import type { Interlock, Proposal } from './judgement.ts'

const HOUR_MS = 3_600_000

/** A move away from an interface that is not down. From down to usable it is only spaced (see waits.ts). */
function leavesWorking (proposal: Proposal, health: ReadonlyMap<InterfaceKey, InterfaceHealth>): boolean {
  return proposal.cause !== 'upkeep' && proposal.from !== null && health.get(proposal.from)?.verdict !== 'down'
}

export const cooldown: Interlock = ({ world, state, proposal, health, nowMs }) => {
  if (state.movedAtMs === null || !leavesWorking(proposal, health)) return null
  const untilMs = state.movedAtMs + world.topology.interlocks.cooldownMs
  return nowMs < untilMs ? refuse('the last switchover was too short ago', untilMs) : null
}

/** Longer for one that fell repeatedly within a day, or whose trials failed; an hour at most. [ms] */
export function holdMs (world: World, state: TrunkState, nowMs: EpochMs): number {
  // Every move away is followed by one back.
  const falls = Math.ceil(state.movesAtMs.filter((atMs) => nowMs - atMs < 24 * HOUR_MS).length / 2)
  return Math.min(world.topology.interlocks.holdMs * Math.max(falls, 1) * 2 ** state.failedFailbacks, Math.max(HOUR_MS, world.topology.interlocks.holdMs))
}

function provesPath (its: InterfaceHealth | undefined): boolean {
  return its?.evidence.some((e) => e.kind === 'path' && e.verdict === 'up') === true
}

/** Only the end of the calls says when the trunk may go back, and nothing tells how many there are. */
function waitsForCalls ({ failback }: TrunkTopology, state: TrunkState, { from }: Proposal, health: ReadonlyMap<InterfaceKey, InterfaceHealth>): boolean {
  if (failback.policy !== 'automatic' || failback.window !== null || from === null || health.get(from)?.verdict === 'down') return false
  return interfaceState(state, from).observed?.calls === undefined
}

/** The interface that the trunk returns to has to be usable, well and named by no alert, without a break. */
export const hold: Interlock = ({ world, trunk, state, health, proposal, nowMs }) => {
  if (proposal.cause !== 'failback' || proposal.to === null) return null
  const { wellSinceMs } = interfaceState(state, proposal.to)
  if (wellSinceMs === null) return refuse(`${proposal.to} is not well`)
  // What is put in beside others on a shared trunk costs nobody his calls while it is tried.
  const beside = state.members !== null && proposal.from === null
  if (!beside && !provesPath(health.get(proposal.to))) return refuse(`nothing tells whether ${proposal.to} reaches the carrier while it is off`)
  if (waitsForCalls(trunk, state, proposal, health)) return refuse(`nobody can say whether ${proposal.from ?? ''} has calls, and no window says when they may be lost`)
  const untilMs = wellSinceMs + holdMs(world, state, nowMs)
  return nowMs < untilMs ? refuse(`${proposal.to} has been well for ${Math.floor((nowMs - wellSinceMs) / 1000)} s only`, untilMs) : null
}

/** From down to usable stays allowed. */
export const flapLatch: Interlock = ({ state, proposal }) => {
  const returns = proposal.cause === 'failback' || proposal.cause === 'prefer'
  return state.latch === null || !returns ? null : refuse(state.latch.because)
}
