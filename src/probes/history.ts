/**
 * What each target answered lately. Equal results in a row are one record, so ten records reach from minutes back to
 * months, and what stays the same takes no memory. The last failures stay when they are older: what happened in the night
 * is still there in the morning. In memory, bounded.
 */
import { ALIVE_PROBE_REASONS, type ProbeReason } from '../core/reasons.ts'
import type { EpochMs, ProbeId } from '../core/topology.ts'
import type { ProbeOutcome } from '../ports.ts'

/** Equal results in a row. */
export interface ProbeRecord {
  readonly probe: ProbeId
  /** When the first attempt of them ended, and the last. */
  readonly sinceMs: EpochMs
  readonly atMs: EpochMs
  readonly count: number
  readonly reason: ProbeReason
  readonly code: number | null
  readonly degraded: ProbeOutcome['degraded']
  /** `host:port` that decided. */
  readonly address: string | null
  readonly detail: string
  /** Of the last of them. */
  readonly durationMs: number
  readonly retransmissions: number
  /** Asked for by `GET /probe`. */
  readonly onDemand: boolean
}

export interface HistoryQuery {
  readonly probe?: ProbeId
  readonly onlyFailed: boolean
  readonly limit: number
}

export interface ProbeHistory {
  add(probe: ProbeId, outcome: ProbeOutcome, atMs: EpochMs, onDemand: boolean): void
  /** Newest first. */
  list(query: HistoryQuery): readonly ProbeRecord[]
  /** Forgets targets that left the configuration. */
  keep(probes: Iterable<ProbeId>): void
}

/** Of each target. */
const RECENT = 5
const FAILURES = 5
/** Targets that only `GET /probe` asks for. */
const ON_DEMAND_TARGETS = 1000

type Run = { -readonly [Key in keyof ProbeRecord]: ProbeRecord[Key] }

interface Kept {
  /** Oldest first. */
  readonly recent: Run[]
  /** Those that fell out of `recent`. */
  readonly failures: Run[]
}

const isFailure = ({ reason }: ProbeRecord): boolean => !ALIVE_PROBE_REASONS.has(reason)

const continues = (run: Run | undefined, outcome: ProbeOutcome, onDemand: boolean): run is Run => run !== undefined && run.reason === outcome.reason && run.code === outcome.code &&
  run.degraded === outcome.degraded && run.address === outcome.address && run.detail === outcome.detail && run.onDemand === onDemand

const begin = (kept: Kept, run: Run): void => {
  kept.recent.push(run)
  const fallen = kept.recent.length > RECENT ? kept.recent.shift() : undefined
  if (fallen === undefined || !isFailure(fallen)) return
  kept.failures.push(fallen)
  if (kept.failures.length > FAILURES) kept.failures.shift()
}

export const createProbeHistory = (): ProbeHistory => {
  const byProbe = new Map<ProbeId, Kept>()
  const onDemandOnly = new Set<ProbeId>()

  const keptOf = (probe: ProbeId, onDemand: boolean): Kept => {
    const known = byProbe.get(probe)
    if (!onDemand) onDemandOnly.delete(probe)
    if (known !== undefined) return known
    const made: Kept = { recent: [], failures: [] }
    byProbe.set(probe, made)
    if (onDemand) onDemandOnly.add(probe)
    const [oldest] = onDemandOnly
    if (onDemandOnly.size > ON_DEMAND_TARGETS && oldest !== undefined) {
      onDemandOnly.delete(oldest)
      byProbe.delete(oldest)
    }
    return made
  }

  return {
    add: (probe, outcome, atMs, onDemand) => {
      const { reason, code, degraded, durationMs, retransmissions, address, detail } = outcome
      const kept = keptOf(probe, onDemand)
      const last = kept.recent.at(-1)
      if (continues(last, outcome, onDemand)) {
        last.atMs = atMs
        last.count++
        last.durationMs = durationMs
        last.retransmissions = retransmissions
      } else {
        begin(kept, { probe, sinceMs: atMs, atMs, count: 1, reason, code, degraded, address, detail, durationMs, retransmissions, onDemand })
      }
    },
    list: ({ probe, onlyFailed, limit }) => {
      const kept = probe === undefined ? [...byProbe.values()] : [byProbe.get(probe) ?? { recent: [], failures: [] }]
      return kept.flatMap(({ recent, failures }) => [...failures, ...recent].filter((run) => !onlyFailed || isFailure(run)))
        .toSorted((one, other) => other.atMs - one.atMs)
        .slice(0, limit)
    },
    keep: (probes) => {
      const wanted = new Set(probes)
      for (const probe of byProbe.keys()) if (!wanted.has(probe) && !onDemandOnly.has(probe)) byProbe.delete(probe)
    }
  }
}
