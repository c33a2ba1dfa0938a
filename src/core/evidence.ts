/**
 * One stream of results (a probe target, a driver's answers, a registration, a path) turned into a verdict by counting:
 * `fall` failures in a row make it down, `rise` successes in a row make it up. Inconclusive results (local errors, a dead
 * resolver) are not recorded at all: the verdict then grows stale and is unknown, and unknown is never down.
 */
import type { Verdict } from './status.ts'
import type { EpochMs, Thresholds } from './topology.ts'

export interface Evidence {
  readonly verdict: Verdict
  /** Results in a row; one of the two is always 0. */
  readonly failures: number
  readonly successes: number
  /** Why the last conclusive result was what it was. */
  readonly reason: string
  /** Last conclusive result. */
  readonly atMs: EpochMs | null
  /** It has been good at least once since it came into the configuration. A stored fact: it survives a restart. */
  readonly everUp: boolean
  /** It has been good at least once in this run. When something fell that was down at our start is not known. */
  readonly seenUp: boolean
  /** When the verdict became what it is; null: it was never another. */
  readonly turnedAtMs: EpochMs | null
}

/** Before the first result. @param everUp - the stored fact of an earlier run */
export function newEvidence (everUp: boolean): Evidence {
  return { verdict: 'unknown', failures: 0, successes: 0, reason: 'no result yet', atMs: null, everUp, seenUp: false, turnedAtMs: null }
}

/**
 * Counts one conclusive result. Something that was never up can't fall: it stays unknown (`never-up`). A verdict that had
 * grown stale was unknown meanwhile, so it turns with the next result even when it is the same.
 */
export function recordResult (before: Evidence, good: boolean, reason: string, limits: Thresholds, nowMs: EpochMs): Evidence {
  const successes = good ? before.successes + 1 : 0
  const failures = good ? 0 : before.failures + 1
  const everUp = before.everUp || good
  let verdict = before.verdict
  if (successes >= limits.rise) verdict = 'up'
  if (failures >= limits.fall && everUp) verdict = 'down'
  const stays = verdict === before.verdict && before.atMs !== null && nowMs - before.atMs <= staleAfterMs(limits)
  return { verdict, failures, successes, reason, atMs: nowMs, everUp, seenUp: before.seenUp || good, turnedAtMs: stays ? before.turnedAtMs : nowMs }
}

/** Age at which a verdict is unknown: three intervals and the time that the last attempt may take. */
export function staleAfterMs (limits: Thresholds): number {
  return 3 * limits.intervalMs + limits.timeoutMs
}

/**
 * The verdict that counts now.
 * @param sinceMs - results before this instant don't count (a warm-up began then); at least `fall` must have fitted in
 */
export function verdictAt (evidence: Evidence | undefined, limits: Thresholds, nowMs: EpochMs, sinceMs: EpochMs): Verdict {
  if (evidence?.atMs == null) return 'unknown'
  if (nowMs - evidence.atMs > staleAfterMs(limits)) return 'unknown'
  const settledAtMs = sinceMs + (limits.fall - 1) * limits.intervalMs
  return evidence.atMs < settledAtMs ? 'unknown' : evidence.verdict
}

/** Since when the verdict counts: it turned then, or the warm-up that began at `sinceMs` was over for it. */
export function verdictSince (evidence: Evidence, limits: Thresholds, sinceMs: EpochMs): EpochMs {
  return Math.max(evidence.turnedAtMs ?? evidence.atMs ?? 0, sinceMs + (limits.fall - 1) * limits.intervalMs)
}

/** The verdict turned, is about to, or counts again: the result changes more than the age of what is known. */
export function isNews (before: Evidence, after: Evidence, limits: Thresholds): boolean {
  if (before.atMs === null || after.atMs === null || before.verdict !== after.verdict) return true
  if (after.atMs - before.atMs > staleAfterMs(limits) || (before.failures > 0) !== (after.failures > 0)) return true
  return after.failures > 0 ? after.failures <= limits.fall : after.successes <= limits.rise
}

/** The last results contradict the verdict, but not often enough yet to turn it. */
export function inTransition (evidence: Evidence | undefined): boolean {
  if (evidence === undefined) return false
  return (evidence.failures > 0 && evidence.verdict !== 'down' && evidence.everUp) || (evidence.successes > 0 && evidence.verdict === 'down')
}

/** Keys of the evidence that drivers give; probe targets use their probe id. */
export const evidenceKey = {
  driver: (gateway: string): string => `driver ${gateway}`,
  registration: (interfaceKey: string): string => `registration ${interfaceKey}`,
  path: (interfaceKey: string): string => `path ${interfaceKey}`
}
