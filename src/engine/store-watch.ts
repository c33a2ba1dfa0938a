/**
 * Looks whether a store that took nothing takes something again. Without it a lone refused notification would leave the
 * store in bad repute, and who obeys `/-/ready` would send no other.
 */
import type { DurationMs } from '../core/topology.ts'
import type { Clock, Log, Store } from '../ports.ts'

const EVERY_MS: DurationMs = 5000

/** Runs until `signal` aborts. */
export async function watchStore ({ store, clock, log }: { readonly store: Store; readonly clock: Clock; readonly log: Log }, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await clock.sleep(EVERY_MS, signal)
    if (signal.aborted || store.problem() === null) continue
    const result = await store.commit([], [])
    if (result.ok) log.info({}, 'the store takes commits again')
  }
}
