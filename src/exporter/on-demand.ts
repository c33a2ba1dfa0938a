/**
 * Probes at the request of Prometheus. Whoever asks for what is being probed, or was within the last second, gets that
 * result: the API can't be used to flood a peer.
 */
import type { DurationMs, EpochMs, ProbeId } from '../core/topology.ts'
import type { Clock, ProbeOutcome, SipClient, SipProbe } from '../ports.ts'
import type { ProbeHistory } from '../probes/history.ts'

export interface OnDemandTarget extends SipProbe {
  readonly id: ProbeId
  readonly thresholds: { readonly timeoutMs: DurationMs }
}

export interface OnDemandResult {
  readonly outcome: ProbeOutcome
  readonly atMs: EpochMs
}

export interface OnDemandProber {
  /**
   * @param scrapeTimeoutMs - how long the scraper waits; null: unknown, then the probe's own timeout counts
   * @returns null: too many are under way
   */
  probe(target: OnDemandTarget, scrapeTimeoutMs: DurationMs | null): Promise<OnDemandResult | null>
  /** The deadline that a probe gets. */
  timeoutMs(target: OnDemandTarget, scrapeTimeoutMs: DurationMs | null): DurationMs
  /** Cancels what is under way. */
  stop(): void
}

export interface OnDemandPorts {
  readonly sip: Pick<SipClient, 'probe'>
  readonly clock: Clock
  readonly history: ProbeHistory
  /** How much earlier than the scraper a probe ends [ms]. */
  readonly offsetMs: () => DurationMs
}

/** A result younger than this is given to who asks again [ms]. */
const FRESH_MS = 1000
const MAX_IN_FLIGHT = 1000

export const createOnDemandProber = ({ sip, clock, history, offsetMs }: OnDemandPorts): OnDemandProber => {
  const stopping = new AbortController()
  const recent = new Map<string, Promise<OnDemandResult>>()
  let inFlight = 0

  // A scrape timeout of less than the offset leaves half of itself.
  const timeoutFor = (target: OnDemandTarget, scrapeTimeoutMs: DurationMs | null): DurationMs => {
    const { timeoutMs } = target.thresholds
    return scrapeTimeoutMs === null ? timeoutMs : Math.min(timeoutMs, Math.max(scrapeTimeoutMs - offsetMs(), scrapeTimeoutMs / 2))
  }

  const run = async (key: string, target: OnDemandTarget, timeoutMs: DurationMs): Promise<OnDemandResult> => {
    inFlight++
    const outcome = await sip.probe(target, timeoutMs, stopping.signal)
    inFlight--
    const result = { outcome, atMs: clock.now() }
    if (!stopping.signal.aborted) history.add(target.id, outcome, result.atMs, true)
    clock.after(FRESH_MS, () => recent.delete(key))
    return result
  }

  return {
    probe: async (target, scrapeTimeoutMs) => {
      const timeoutMs = timeoutFor(target, scrapeTimeoutMs)
      const key = `${target.id} ${timeoutMs}`
      const known = recent.get(key)
      if (known !== undefined) return known
      if (inFlight >= MAX_IN_FLIGHT) return null
      const running = run(key, target, timeoutMs)
      recent.set(key, running)
      return running
    },
    timeoutMs: timeoutFor,
    stop: () => { stopping.abort() }
  }
}
