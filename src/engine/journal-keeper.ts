/** Forgets what is too old or too much of the journal: now and then, in small pieces, and never while a trunk is moved. */
import type { DurationMs } from '../core/topology.ts'
import type { Clock, Log, Store } from '../ports.ts'

export interface KeeperOptions {
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
  /** As configured now. */
  readonly limits: () => { readonly keepMs: DurationMs; readonly maxRecords: number }
  readonly isMoving: () => boolean
}

const EVERY_MS: DurationMs = 60_000
/** Between two pieces. */
const PAUSE_MS: DurationMs = 1000

/** Runs until `signal` aborts. Never rejects. */
export async function keepJournal ({ store, clock, log, limits, isMoving }: KeeperOptions, signal: AbortSignal): Promise<void> {
  let forgotten = 0
  while (!signal.aborted) {
    await clock.sleep(forgotten > 0 ? PAUSE_MS : EVERY_MS, signal)
    if (signal.aborted || isMoving()) continue
    const { keepMs, maxRecords } = limits()
    const count = await store.prune({ beforeMs: clock.now() - keepMs, maxRecords })
    if (count === 0 && forgotten > 0) log.info({ records: forgotten }, 'journal shortened')
    forgotten = count === 0 ? 0 : forgotten + count
  }
}
