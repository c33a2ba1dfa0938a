/**
 * The last results of each target, and its last failures also when they are older: what happened in the night is still
 * there in the morning. In memory, bounded.
 */
import { ALIVE_PROBE_REASONS, type ProbeReason } from '../core/reasons.ts'
import type { EpochMs, ProbeId } from '../core/topology.ts'
import type { ProbeOutcome } from '../ports.ts'

export interface ProbeRecord {
  readonly probe: ProbeId
  /** When the attempt ended. */
  readonly atMs: EpochMs
  readonly reason: ProbeReason
  readonly code: number | null
  readonly degraded: ProbeOutcome['degraded']
  readonly durationMs: number
  readonly retransmissions: number
  /** `host:port` that decided. */
  readonly address: string | null
  readonly detail: string
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
/** Of all targets together. */
const RECENT_OF_ALL = 1000
/** Targets that only `GET /probe` asks for. */
const ON_DEMAND_TARGETS = 1000

const isFailure = ({ reason }: ProbeRecord): boolean => !ALIVE_PROBE_REASONS.has(reason)

interface Kept {
  /** Oldest first. */
  readonly recent: ProbeRecord[]
  /** Those that fell out of `recent`. */
  readonly failures: ProbeRecord[]
}

const push = (kept: Kept, record: ProbeRecord, recent: number, failures: number): void => {
  kept.recent.push(record)
  const fallen = kept.recent.length > recent ? kept.recent.shift() : undefined
  if (fallen === undefined || !isFailure(fallen)) return
  kept.failures.push(fallen)
  if (kept.failures.length > failures) kept.failures.shift()
}

export const createProbeHistory = (): ProbeHistory => {
  const byProbe = new Map<ProbeId, Kept>()
  const onDemandOnly = new Set<ProbeId>()
  const all: Kept = { recent: [], failures: [] }

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
      const record: ProbeRecord = { probe, atMs, reason, code, degraded, durationMs, retransmissions, address, detail, onDemand }
      push(keptOf(probe, onDemand), record, RECENT, FAILURES)
      push(all, record, RECENT_OF_ALL, RECENT_OF_ALL)
    },
    list: ({ probe, onlyFailed, limit }) => {
      const kept = probe === undefined ? all : byProbe.get(probe)
      if (kept === undefined) return []
      const records = [...kept.failures, ...kept.recent].filter((record) => !onlyFailed || isFailure(record))
      return records.slice(-limit).reverse()
    },
    keep: (probes) => {
      const wanted = new Set(probes)
      for (const probe of byProbe.keys()) if (!wanted.has(probe) && !onDemandOnly.has(probe)) byProbe.delete(probe)
    }
  }
}
