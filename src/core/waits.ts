/** Waits that end by themselves before an otherwise admitted switchover may begin. */
import type { Judgement, Proposal } from './interlocks/judgement.ts'
import type { WaitReason } from './reasons.ts'
import { sharedCarrierVerdict } from './trunk-health.ts'
import type { EpochMs } from './topology.ts'
import { clockTime, isOpen, opensAt } from './window.ts'
import type { TrunkState, World } from './world.ts'

export interface Wait { readonly reason: WaitReason; readonly detail: string; readonly untilMs: EpochMs | null }

export function waitsFor ({ world, trunk, state, health, proposal, proof, nowMs }: Judgement): Wait[] {
  const waits: Wait[] = []
  const { window } = trunk.failback
  if (window !== null && proposal.cause === 'failback' && !proposal.byOperator && !isOpen(window, nowMs)) {
    waits.push({ reason: 'window', detail: `it opens at ${clockTime(window.fromMinute)} ${window.timezone}`, untilMs: opensAt(window, nowMs) })
  }
  const spacedMs = spacedUntil(world, state, proposal)
  if (spacedMs > nowMs && !proposal.byOperator) waits.push({ reason: 'spacing', detail: 'the last try was too short ago', untilMs: spacedMs })
  if (sharedCarrierVerdict(world, trunk, nowMs)?.wavering === true) waits.push({ reason: 'waiting-for-answer', detail: 'the carrier has just missed a probe', untilMs: null })
  if (proposal.from !== null && health.get(proposal.from)?.settling === true) waits.push({ reason: 'waiting-for-answer', detail: `${proposal.from} came back a moment ago`, untilMs: null })
  if (world.fleet.vantage === 'doubt') waits.push({ reason: 'waiting-for-answer', detail: 'it may be that Pointsman itself is cut off', untilMs: null })
  if (proof.state === 'unclear') waits.push({ reason: 'waiting-for-answer', detail: 'a gateway has just stopped answering', untilMs: null })
  if (proof.state === 'wait') waits.push({ reason: 'waiting-for-proof', detail: 'the old registration may still be alive', untilMs: proof.untilMs })
  return waits
}

function spacedUntil (world: World, state: TrunkState, proposal: Proposal): EpochMs {
  const tries = proposal.cause === 'upkeep' ? state.upkeeps : state.moves
  if (tries.lastAtMs === null || proposal.cause === 'failback') return 0
  const { spacingMs } = world.topology.interlocks
  return tries.lastAtMs + (spacingMs[Math.min(tries.count, spacingMs.length - 1)] ?? 0)
}
