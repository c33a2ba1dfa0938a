/**
 * Runs the probes: one loop per target, never two attempts of one target at once. It reports results; what they
 * add up to (fall, rise, stale) is the engine's.
 */
import type { EpochMs, ProbeId } from '../core/topology.ts'
import type { Clock, Log, Metrics, ProbeOutcome, Random, SipClient, SipProbe } from '../ports.ts'

/** One target, as the configuration gives it. */
export interface ProbeTarget extends SipProbe {
  readonly id: ProbeId
  readonly thresholds: { readonly intervalMs: number; readonly timeoutMs: number }
}

export interface ProbeResult {
  readonly outcome: ProbeOutcome
  /** When the attempt ended. */
  readonly atMs: EpochMs
}

export interface ProbeScheduler {
  /** Starts the loops of the first configuration. */
  start(targets: readonly ProbeTarget[]): void
  /** Takes a new configuration: unchanged targets keep their loop and last result, the others start anew or end. */
  update(targets: readonly ProbeTarget[]): void
  /** Ends all loops; resolves when none runs any more. Nothing is reported afterwards. */
  stop(): Promise<void>
  /** The last result of each target that has one. */
  last(): ReadonlyMap<ProbeId, ProbeResult>
}

export interface ProbeSchedulerPorts {
  readonly sip: SipClient
  readonly clock: Clock
  readonly random: Random
  readonly metrics: Metrics
  readonly log: Log
}

/** First attempts are spread over one interval, but at most this [ms]: a start must soon have verdicts. */
const MAX_SPREAD_MS = 1000
/** Each distance is the interval ± this share, so that probes of several processes don't fall into step. */
const JITTER = 0.05

interface Loop {
  readonly settings: string
  /** Secrets are not part of the settings: a kept loop takes the new configuration's. */
  target: ProbeTarget
  readonly stopping: AbortController
  readonly ended: Promise<void>
}

/** @param onResult - called once per finished attempt; must not throw */
export const createProbeScheduler = (ports: ProbeSchedulerPorts, onResult: (probe: ProbeId, outcome: ProbeOutcome, atMs: EpochMs) => void): ProbeScheduler => {
  const { clock, random, metrics, log } = ports
  const loops = new Map<ProbeId, Loop>()
  const ending = new Set<Promise<void>>()
  const results = new Map<ProbeId, ProbeResult>()

  const report = (id: ProbeId, outcome: ProbeOutcome): void => {
    const previous = results.get(id)?.outcome
    const atMs = clock.now()
    results.set(id, { outcome, atMs })
    metrics.increment('pointsman_probe_results_total', { probe: id, reason: outcome.reason })
    if (previous?.reason !== outcome.reason || previous.code !== outcome.code) {
      log.info({ probe: id, reason: outcome.reason, code: outcome.code, detail: outcome.detail }, 'probe result changed')
    }
    onResult(id, outcome, atMs)
  }

  const run = async (current: () => ProbeTarget, delayMs: number, signal: AbortSignal): Promise<void> => {
    await clock.sleep(delayMs, signal)
    while (!signal.aborted) {
      const target = current()
      const startedMs = clock.monotonicMs()
      const outcome = await ports.sip.probe(target, target.thresholds.timeoutMs, signal)
      if (signal.aborted) break
      report(target.id, outcome)
      // From start to start: a silent target is tried as often as one that answers.
      const distanceMs = target.thresholds.intervalMs * (1 + JITTER * (2 * random.fraction() - 1))
      await clock.sleep(Math.max(0, startedMs + distanceMs - clock.monotonicMs()), signal)
    }
    await ports.sip.release(current())
  }

  const end = (id: ProbeId, loop: Loop): void => {
    loops.delete(id)
    results.delete(id)
    ending.add(loop.ended)
    void loop.ended.then(() => ending.delete(loop.ended))
    loop.stopping.abort()
  }

  const update = (targets: readonly ProbeTarget[]): void => {
    const wanted = new Map(targets.map((target) => [target.id, { target, settings: JSON.stringify([target.target, target.request, target.policy, target.thresholds]) }]))
    for (const [id, loop] of loops) {
      const next = wanted.get(id)
      if (next?.settings === loop.settings) loop.target = next.target
      else end(id, loop)
    }
    const fresh = [...wanted].filter(([id]) => !loops.has(id))
    for (const [index, [id, { target, settings }]] of fresh.entries()) {
      const stopping = new AbortController()
      const delayMs = Math.min(target.thresholds.intervalMs, MAX_SPREAD_MS) * index / fresh.length
      const loop: Loop = { settings, target, stopping, ended: run(() => loop.target, delayMs, stopping.signal) }
      loops.set(id, loop)
    }
  }

  return {
    start: update,
    update,
    stop: async () => {
      for (const [id, loop] of loops) end(id, loop)
      await Promise.all(ending)
    },
    last: () => results
  }
}
