/**
 * Says when each target is probed: one timer over a heap of due times, however many targets there are. Never two attempts
 * of one target at once, no bursts, a bounded number in flight. It reports results; what they add up to (fall, rise,
 * stale) is the engine's.
 *
 * Targets that a failover depends on (`evidence`) go first and wait for no free place; the others wait at `MAX_IN_FLIGHT`.
 */
import type { EpochMs, ProbeId } from '../core/topology.ts'
import { ALIVE_PROBE_REASONS } from '../core/reasons.ts'
import { reportLast } from '../core/report.ts'
import type { ProbeFacts } from '../core/status.ts'
import type { Clock, Log, Metrics, ProbeOutcome, Random, SipClient, SipProbe } from '../ports.ts'
import { createDueQueue, type DueQueue } from '../core/due-queue.ts'
import { ProbeStop } from './probe-stop.ts'

/** One target, as the configuration gives it. */
export interface ProbeTarget extends SipProbe {
  readonly id: ProbeId
  readonly thresholds: { readonly intervalMs: number; readonly timeoutMs: number; readonly fastIntervalMs?: number }
  /** A trunk's health depends on it. */
  readonly evidence: boolean
}

/** How the scheduler itself does; read at each scrape. */
export interface SchedulerState {
  readonly targets: number
  readonly inFlight: number
  /** Age of the oldest attempt that should have begun, or should have ended; 0: none [ms]. Grows while anything is stuck. */
  readonly overdueMs: number
}

export interface ProbeScheduler {
  /** Starts the first configuration. */
  start(targets: readonly ProbeTarget[]): void
  /** Takes a new configuration: unchanged targets keep their rhythm and last result, the others start anew or end. */
  update(targets: readonly ProbeTarget[]): void
  /** Ends everything; resolves when no attempt runs any more. Nothing is reported afterwards. */
  stop(): Promise<void>
  /** The last result of each target that has one. */
  last(): ReadonlyMap<ProbeId, ProbeFacts>
  state(): SchedulerState
}

export interface ProbeSchedulerPorts {
  readonly sip: SipClient
  readonly clock: Clock
  readonly random: Random
  readonly metrics: Metrics
  readonly log: Log
}

/**
 * Takes a result; must not throw.
 * @returns whether the verdict is about to turn: then the next attempt comes by the fast interval
 */
export type OnResult = (probe: ProbeId, outcome: ProbeOutcome, atMs: EpochMs) => boolean

/** First attempts of a few targets are spread over this [ms]: a start must soon have verdicts. */
const LEAST_SPREAD_MS = 1000
/** Of many: one after the other with this distance, at most over their interval [ms]. */
const SPREAD_STEP_MS = 1
/** Each distance is the interval ± this share, so that probes of several processes don't fall into step. */
const JITTER = 0.05
/** So many attempts of plain targets at once; each may hold a socket. */
const MAX_IN_FLIGHT = 4096
/** Attempts that begin in one turn; after a stall thousands are due, and the rest of the process wants its turns too. */
const MAX_PER_TURN = 50
const PAUSE_MS = 1
/** An attempt that began later than this after it was due is counted as late [ms]. */
const LATE_MS = 100

interface Watched {
  /** What is kept takes the new configuration's secrets. */
  target: ProbeTarget
  isEnded: boolean
  /** Ends the attempt in flight; null: none. Made for each: one kept by each of ten thousand targets takes 5 MB. */
  stopping: ProbeStop | null
  dueMs: number
  /** Of the attempt in flight; null: none. */
  startedMs: number | null
}

export const createProbeScheduler = (ports: ProbeSchedulerPorts, onResult: OnResult): ProbeScheduler => {
  const { clock, random, metrics, log } = ports
  const watched = new Map<ProbeId, Watched>()
  const results = new Map<ProbeId, ProbeFacts>()
  const inFlight = new Set<Watched>()
  const ending = new Set<Promise<void>>()
  const evidence = createDueQueue<Watched>()
  const plain = createDueQueue<Watched>()
  let cancelAlarm = (): void => {}
  let alarmMs = Infinity

  const queueOf = ({ target }: Watched): DueQueue<Watched> => target.evidence ? evidence : plain

  /** The first that still belongs to the configuration. */
  const first = (queue: DueQueue<Watched>): Watched | undefined => {
    while (queue.peek()?.isEnded === true) queue.pop()
    return queue.peek()
  }

  const plainMayBegin = (): boolean => inFlight.size < MAX_IN_FLIGHT

  const next = (): Watched | undefined => {
    const [urgent, other] = [first(evidence), plainMayBegin() ? first(plain) : undefined]
    if (urgent === undefined || other === undefined) return urgent ?? other
    // Both late: evidence first.
    return urgent.dueMs <= Math.max(other.dueMs, clock.monotonicMs()) ? urgent : other
  }

  /** @param leastMs - not before this time */
  const arm = (leastMs = 0): void => {
    const dueMs = next()?.dueMs ?? Infinity
    if (dueMs >= alarmMs) return
    cancelAlarm()
    alarmMs = dueMs
    cancelAlarm = clock.after(Math.max(leastMs, dueMs - clock.monotonicMs()), turn)
  }

  const turn = (): void => {
    alarmMs = Infinity
    for (let begun = 0; begun < MAX_PER_TURN; begun++) {
      const entry = next()
      if (entry === undefined || entry.dueMs > clock.monotonicMs()) break
      queueOf(entry).pop()
      begin(entry)
    }
    arm(PAUSE_MS)
  }

  const begin = (entry: Watched): void => {
    entry.startedMs = clock.monotonicMs()
    if (entry.startedMs - entry.dueMs > LATE_MS) metrics.increment('pointsman_probe_scheduler_late_total')
    inFlight.add(entry)
    const running = attempt(entry).finally(() => { ending.delete(running) })
    ending.add(running)
  }

  const attempt = async (entry: Watched): Promise<void> => {
    const { target } = entry
    entry.stopping = new ProbeStop()
    const outcome = await ports.sip.probe(target, target.thresholds.timeoutMs, entry.stopping)
    entry.stopping = null
    inFlight.delete(entry)
    if (entry.isEnded) {
      await ports.sip.release(entry.target)
    } else {
      const changing = report(target.id, outcome)
      entry.dueMs = nextDueMs(entry, changing)
      entry.startedMs = null
      queueOf(entry).push(entry)
    }
    arm()
  }

  /** From start to start, so that a silent target is tried as often as one that answers. */
  const nextDueMs = ({ target: { thresholds }, dueMs, startedMs }: Watched, changing: boolean): number => {
    const { intervalMs, fastIntervalMs = intervalMs } = thresholds
    // Who began late keeps its old rhythm, to half an interval: what a stall brought into step goes apart again.
    const missed = Math.round(((startedMs ?? dueMs) - dueMs) / intervalMs)
    const distanceMs = (changing ? fastIntervalMs : intervalMs) * (1 + JITTER * (2 * random.fraction() - 1))
    return Math.max(clock.monotonicMs(), dueMs + missed * intervalMs + distanceMs)
  }

  const report = (id: ProbeId, outcome: ProbeOutcome): boolean => {
    const previous = results.get(id)
    const atMs = clock.now()
    const hasChanged = previous?.reason !== outcome.reason || previous.code !== outcome.code
    const aliveAtMs = ALIVE_PROBE_REASONS.has(outcome.reason) ? atMs : previous?.aliveAtMs ?? null
    keep(id, previous, reportLast({ outcome, atMs, aliveAtMs }))
    metrics.increment('pointsman_probe_results_total', { probe: id, reason: outcome.reason })
    if (hasChanged) {
      log.info({ probe: id, reason: outcome.reason, code: outcome.code, detail: outcome.detail }, 'probe result changed')
    }
    return onResult(id, outcome, atMs)
  }

  /** In place: a thousand results a second, kept for ten seconds each, would grow old before they die. */
  const keep = (id: ProbeId, known: ProbeFacts | undefined, facts: ProbeFacts): void => {
    if (known?.phases == null || facts.phases === null) results.set(id, facts)
    else Object.assign(known, facts, { phases: Object.assign(known.phases, facts.phases) })
  }

  const end = (entry: Watched): void => {
    const { id } = entry.target
    watched.delete(id)
    results.delete(id)
    entry.isEnded = true
    entry.stopping?.abort()
    if (entry.startedMs !== null) return
    const released = ports.sip.release(entry.target).finally(() => { ending.delete(released) })
    ending.add(released)
  }

  /** Each kind is spread by itself, so that thousands of plain targets don't delay the first verdict about a trunk. */
  const startAll = (fresh: readonly ProbeTarget[]): void => {
    const nowMs = clock.monotonicMs()
    for (const [index, target] of fresh.entries()) {
      const spreadMs = Math.min(target.thresholds.intervalMs, Math.max(LEAST_SPREAD_MS, fresh.length * SPREAD_STEP_MS))
      const entry: Watched = { target, isEnded: false, stopping: null, dueMs: nowMs + spreadMs * index / fresh.length, startedMs: null }
      watched.set(target.id, entry)
      queueOf(entry).push(entry)
    }
  }

  const update = (targets: readonly ProbeTarget[]): void => {
    const wanted = new Map(targets.map((target) => [target.id, target]))
    for (const [id, entry] of watched) {
      const kept = wanted.get(id)
      if (kept !== undefined && settingsOf(kept) === settingsOf(entry.target)) entry.target = kept
      else end(entry)
    }
    const fresh = [...wanted.values()].filter(({ id }) => !watched.has(id))
    startAll(fresh.filter(({ evidence }) => evidence))
    startAll(fresh.filter(({ evidence }) => !evidence))
    arm()
  }

  const overdueMs = (): number => {
    const nowMs = clock.monotonicMs()
    const begins = [first(evidence), first(plain)].map((entry) => nowMs - (entry?.dueMs ?? nowMs))
    const ends = [...inFlight].map(({ startedMs, target }) => nowMs - (startedMs ?? nowMs) - target.thresholds.timeoutMs)
    return Math.max(0, ...begins, ends.reduce((most, each) => Math.max(most, each), 0))
  }

  return {
    start: update,
    update,
    stop: async () => {
      cancelAlarm()
      for (const entry of watched.values()) end(entry)
      await Promise.all(ending)
    },
    last: () => results,
    state: () => ({ targets: watched.size, inFlight: inFlight.size, overdueMs: overdueMs() })
  }
}

/** What makes it another probe when it changes; secrets don't. */
function settingsOf ({ target, request, policy, thresholds, evidence }: ProbeTarget): string {
  return JSON.stringify([target, request, policy, thresholds, evidence])
}
