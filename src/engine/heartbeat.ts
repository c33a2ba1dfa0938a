/**
 * The heartbeat out: a dead man's switch is called while the loop turns and the store takes commits. Who relies on Pointsman
 * hears of its end from somebody else. Nothing waits for it.
 */
import type { DurationMs } from '../core/topology.ts'
import type { Clock, Heartbeat, Log, Metrics, Revision, Store } from '../ports.ts'

export interface HeartbeatSetup { readonly client: Heartbeat; readonly intervalMs: DurationMs }

export interface HeartbeatOptions {
  /** What is configured now; null: nothing. */
  readonly setup: () => HeartbeatSetup | null
  readonly healthy: () => boolean
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
}

const KEY = 'heartbeat'
const DEADLINE_MS: DurationMs = 10_000
/** How soon a newly configured one is seen. */
const IDLE_MS: DurationMs = 5000

/** Beats until `signal` aborts. Never rejects. */
export async function runHeartbeat (options: HeartbeatOptions, signal: AbortSignal): Promise<void> {
  const { clock, log, metrics } = options
  let revision: Revision | null = null
  while (!signal.aborted) {
    const setup = options.setup()
    if (setup === null) { await clock.sleep(IDLE_MS, signal); continue }
    const stored: Revision | null = options.healthy() ? await writeTrial(options, revision) : null
    revision = stored
    if (stored === null) {
      metrics.increment('pointsman_heartbeats_total', { result: 'withheld' })
      log.error({}, 'heartbeat withheld: the loop hangs or the store takes nothing')
    } else {
      const result = await setup.client.beat(clock.deadline(DEADLINE_MS, signal))
      if (signal.aborted) return
      metrics.increment('pointsman_heartbeats_total', { result: result.ok ? 'ok' : 'failed' })
      if (!result.ok) log.warn({ detail: result.detail }, 'heartbeat failed')
    }
    await clock.sleep(setup.intervalMs, signal)
  }
}

/** A commit like any other. @returns its revision; null: the store did not take it */
async function writeTrial ({ store, clock }: HeartbeatOptions, known: Revision | null): Promise<Revision | null> {
  try {
    const expect = known ?? (await store.read(KEY)).find((entry) => entry.key === KEY)?.revision ?? 0
    const result = await store.commit([{ key: KEY, value: clock.now(), expect }], [])
    return result.ok ? result.revision : null
  } catch {
    return null
  }
}
