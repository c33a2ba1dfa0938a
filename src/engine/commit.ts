/** Commits as data: a store that throws has a bug, and what waits for the commit must end all the same. */
import type { CommitResult, JournalRecord, Store, StoreWrite } from '../ports.ts'

/** Never throws. */
export async function commitTo (store: Store, writes: readonly StoreWrite[], journal: readonly JournalRecord[]): Promise<CommitResult> {
  try {
    return await store.commit(writes, journal)
  } catch (error) {
    return { ok: false, reason: 'unavailable', detail: String(error) }
  }
}
