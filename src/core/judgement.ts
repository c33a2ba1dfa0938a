/** What an answer to a probe counts as: the codes that are alive, busy peers, and what is alive but not well. */
import type { ProbeReason } from './reasons.ts'
import type { DurationMs } from './topology.ts'

/** Inclusive ranges of SIP status codes. */
export type CodeRanges = readonly (readonly [first: number, last: number])[]

export interface AlivePolicy {
  readonly alive: CodeRanges
  /** A 503 with Retry-After is a busy peer, not a dead one. */
  readonly busy: boolean
  /** A probe that takes longer is degraded; null: never. */
  readonly slowMs: DurationMs | null
  /** A probe with at least as many retransmissions is degraded; null: never. */
  readonly retransmitted: number | null
}

/** Why an alive peer is not well. */
export type Degradation = 'busy' | 'retransmitted' | 'slow'

/**
 * Codes that count as alive, by name. `default`: every final response but those by which the peer, or a proxy before it,
 * says that it can't work; OPTIONS is often refused to strangers. The others as the products take them, from their documents:
 * FreeSWITCH (sofia.c: 200 to 599 but 408 and 503), Cisco CUBE (out-of-dialog OPTIONS ping: any but 503 and 505),
 * AudioCodes (proxy set keep-alive: any response, as long as no failure codes are configured).
 */
export const ALIVE_PRESETS = {
  default: [[200, 407], [409, 499], [501, 502], [505, 699]],
  strict: [[200, 200]],
  '2xx': [[200, 299]],
  'any-response': [[200, 699]],
  freeswitch: [[200, 407], [409, 502], [504, 599]],
  cube: [[200, 502], [504, 504], [506, 699]],
  audiocodes: [[200, 699]]
} as const satisfies Readonly<Record<string, CodeRanges>>
export type AlivePreset = keyof typeof ALIVE_PRESETS

export const DEFAULT_POLICY: AlivePolicy = { alive: ALIVE_PRESETS.default, busy: false, slowMs: null, retransmitted: null }

export function isInRanges (ranges: CodeRanges, code: number): boolean {
  return ranges.some(([first, last]) => code >= first && code <= last)
}

/** @param code - final response @param hasRetryAfter - it asks to come back later */
export function judgeCode (policy: AlivePolicy, code: number, hasRetryAfter: boolean): ProbeReason {
  if (policy.busy && code === 503 && hasRetryAfter) return 'busy'
  if (isInRanges(policy.alive, code)) return 'alive'
  return code >= 300 && code <= 399 ? 'redirected' : 'bad-code'
}

/** Whether an attempt that ended with `reason` shows a peer that is alive but not well. */
export function judgeQuality (policy: AlivePolicy, reason: ProbeReason, durationMs: DurationMs, retransmissions: number): Degradation | null {
  if (reason === 'busy') return 'busy'
  if (reason !== 'alive') return null
  if (policy.retransmitted !== null && retransmissions >= policy.retransmitted) return 'retransmitted'
  return policy.slowMs !== null && durationMs > policy.slowMs ? 'slow' : null
}
