/** `observe`, `approve`, `automatic`: how far a proposal may go by itself. */
import { isConfirmed } from './demands.ts'
import type { Proposal } from './interlocks/judgement.ts'
import type { Demand } from './rules.ts'
import type { InterfaceHealth } from './trunk-health.ts'
import type { EpochMs, InterfaceKey, Mode, Topology, TrunkTopology } from './topology.ts'
import type { OpenDecision } from './world.ts'

const ORDER: readonly Mode[] = ['observe', 'approve', 'automatic']

/** An approval is asked for, and counts, for this long. */
export const APPROVAL_MS = 15 * 60_000

/** The more careful of the two. */
export function strictest (a: Mode, b: Mode): Mode {
  return ORDER.indexOf(a) < ORDER.indexOf(b) ? a : b
}

/**
 * The strictest of the trunk (which is never laxer than the whole) and the rule that speaks. Of several rules each speaks
 * for itself: a new one that is only observed must not hold what a proven one would do alone.
 */
export function modeOf (topology: Topology, trunk: TrunkTopology, health: ReadonlyMap<InterfaceKey, InterfaceHealth>, demands: readonly Demand[], proposal: Proposal): Mode {
  const standing = proposal.demands.filter((d) => d.startsNew && (d.demand !== 'disable' || isConfirmed(d, demands, health)))
  const speaking = standing.length > 0 ? standing : proposal.demands
  if (speaking.length === 0) return trunk.mode
  const modes = speaking.map((demand) => strictest(trunk.mode, topology.rules.find((rule) => rule.name === demand.rule)?.mode ?? trunk.mode))
  return ORDER.findLast((mode) => modes.includes(mode)) ?? 'observe'
}

/** Nobody answered in time, or what was approved could not be done in time: it is proposed anew. A refusal stands. */
export function hasExpired (decision: OpenDecision, nowMs: EpochMs): boolean {
  return decision.answer?.verdict !== 'rejected' && nowMs >= askedUntil(decision)
}

export function askedUntil (decision: OpenDecision): EpochMs {
  return (decision.answer?.atMs ?? decision.sinceMs) + APPROVAL_MS
}
