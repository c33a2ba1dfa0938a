/**
 * Asks the Alertmanagers what fires: at the start, each minute, and at once when the alert book is in doubt. The webhook is
 * not enough: a notification may be lost, cut off, or never sent (a silenced alert resolves without a word).
 */
import type { ListedAlert, ResyncInput } from '../core/alert-book.ts'
import { parseListedAlert } from '../core/notification.ts'
import type { DurationMs, EpochMs } from '../core/topology.ts'
import type { AlertmanagerClient, Clock, Log, Metrics } from '../ports.ts'

export interface ResyncOptions {
  /** The Alertmanagers that are configured now. */
  readonly clients: () => readonly AlertmanagerClient[]
  /** Takes the lists into the book; false: it could not. */
  readonly reconcile: (input: Omit<ResyncInput, 'watched'>) => Promise<boolean>
  /**
   * Called with the time of the question when at least one Alertmanager answered and what it lists is stored: the
   * monitoring lives. One of a pair that is down must not freeze every switchover.
   */
  readonly onSuccess: (atMs: EpochMs) => void
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
}

export interface Resync {
  /** Resyncs until `signal` aborts. Never rejects. */
  run(signal: AbortSignal): Promise<void>
  /** Resync as soon as possible; requests that come meanwhile are one. */
  request(): void
}

const INTERVAL_MS: DurationMs = 60_000
/** After a failure, so that one lost answer doesn't freeze decisions (alerts count as fresh for three minutes). */
const RETRY_MS: DurationMs = 10_000
/** Least time between two. */
const GAP_MS: DurationMs = 1000
const DEADLINE_MS: DurationMs = 10_000
/** Alerts that are read in one turn: a list of thousands must not hold up a notification. */
const PER_TURN = 100
const PAUSE_MS: DurationMs = 1

export function createResync (options: ResyncOptions): Resync {
  const { clock } = options
  let requested = false
  let wake = new AbortController()

  const attempt = async (signal: AbortSignal): Promise<boolean> => {
    const askedAtMs = clock.now()
    const { fresh, complete } = await resyncOnce(options, askedAtMs, signal)
    if (fresh) options.onSuccess(askedAtMs)
    return complete
  }

  return {
    run: async (signal) => {
      while (!signal.aborted) {
        requested = false
        wake = new AbortController()
        const ok = options.clients().length === 0 || await attempt(signal)
        await clock.sleep(GAP_MS, signal)
        if (!requested) await clock.sleep((ok ? INTERVAL_MS : RETRY_MS) - GAP_MS, AbortSignal.any([signal, wake.signal]))
      }
    },
    request: () => {
      requested = true
      wake.abort()
    }
  }
}

/** `fresh`: somebody answered, and it is stored. `complete`: everybody answered, and every alert could be read. */
async function resyncOnce ({ clients, reconcile, clock, log, metrics }: ResyncOptions, askedAtMs: EpochMs, signal: AbortSignal): Promise<{ readonly fresh: boolean; readonly complete: boolean }> {
  const deadline = clock.deadline(DEADLINE_MS, signal)
  const answers = await Promise.all(clients().map((client) => client.alerts(deadline)))
  const listed: ListedAlert[] = []
  let complete = true
  for (const answer of answers) {
    const { alerts, problem } = answer.ok ? await readList(answer.alerts, clock, signal) : { alerts: [], problem: answer.detail }
    if (signal.aborted) return { fresh: false, complete: false }
    listed.push(...alerts)
    metrics.increment('pointsman_resyncs_total', { result: problem === null ? 'ok' : 'failed' })
    if (problem === null) continue
    complete = false
    log.warn({ detail: problem }, 'resync failed')
  }
  // What one of them lists is firing, even if another one is silent; only absence needs them all.
  const stored = await reconcile({ listed, complete, askedAtMs })
  return { fresh: stored && answers.some((answer) => answer.ok), complete: stored && complete }
}

async function readList (items: readonly unknown[], clock: Clock, signal: AbortSignal): Promise<{ readonly alerts: readonly ListedAlert[]; readonly problem: string | null }> {
  const results: ReturnType<typeof parseListedAlert>[] = []
  while (results.length < items.length) {
    if (items.length > PER_TURN) await clock.sleep(PAUSE_MS, signal)
    results.push(...items.slice(results.length, results.length + PER_TURN).map(parseListedAlert))
  }
  const alerts = results.filter((result) => result.ok).map(({ alert }) => alert)
  const bad = results.filter((result) => !result.ok)
  return { alerts, problem: bad[0] === undefined ? null : `${bad.length} of ${items.length} alerts could not be read: ${bad[0].detail}` }
}
