/**
 * The alert book, durable: changes are committed first and published afterwards. Jobs that wait while a commit is on its
 * way share the next one, so a lone notification costs one sync of the disk and a storm few.
 */
import { outdatedEntries } from '../core/alert-book.ts'
import type { AlertBook, BookedAlert } from '../core/alert-book.ts'
import type { Topology, TrunkId } from '../core/topology.ts'
import type { Clock, JournalRecord, Log, Revision, Store, StoreWrite } from '../ports.ts'
import { createAlertIndex } from './alert-index.ts'
import { createBatcher } from './batcher.ts'

/** What the jobs of one commit have changed so far. */
export interface Draft {
  /** The book as the jobs before have left it. */
  entry(fingerprint: string): BookedAlert | undefined
  put(alert: BookedAlert): void
  /** The whole book as the jobs before have left it. */
  book(): AlertBook
  readonly journal: JournalRecord[]
  /** Trunks about which decisions may be different after this commit. */
  readonly trunks: Set<TrunkId>
  /** The book may be wrong until the Alertmanagers are asked. */
  doubt: boolean
}

/** Changes a draft; may be called again on a fresh one when another writer got in between. */
export type Job = (draft: Draft) => void
export type Stored = { readonly ok: true } | { readonly ok: false; readonly detail: string }

export interface AlertStore {
  /** Reads the book. Throws when the store can't be read. */
  load(): Promise<void>
  /** Resolves when the job's changes are durable and published, or certainly not taken. */
  submit(job: Job): Promise<Stored>
  book(): AlertBook
  /** Firing alerts of each trunk. */
  byTrunk(): ReadonlyMap<TrunkId, readonly BookedAlert[]>
  topologyChanged(): void
}

export interface AlertStoreOptions {
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
  readonly topology: () => Topology
  /** Called after the change is durable. */
  readonly onChange: (trunks: ReadonlySet<TrunkId>) => void
  readonly onDoubt: () => void
}

const PREFIX = 'alert/'
const PRUNE_INTERVAL_MS = 3_600_000
/** Another writer got in between; more often than this in a row is no accident. */
const CONFLICT_RETRIES = 3

export function createAlertStore (options: AlertStoreOptions): AlertStore {
  const { store, clock } = options
  const index = createAlertIndex(options.topology)
  const revisions = new Map<string, Revision>()
  let loaded = false
  let prunedAtMs = Number.NEGATIVE_INFINITY

  const load = async (): Promise<void> => {
    const entries = await store.read(PREFIX)
    for (const key of revisions.keys()) index.put(key.slice(PREFIX.length), null)
    revisions.clear()
    for (const { key, value, revision } of entries) {
      revisions.set(key, revision)
      if (isEntry(value)) index.put(value.fingerprint, value)
      else options.log.warn({ key }, 'stored alert unreadable')
    }
    loaded = true
  }

  /** Null: another writer got in between. */
  const commit = async (changes: ReadonlyMap<string, BookedAlert | null>, journal: readonly JournalRecord[]): Promise<Stored | null> => {
    const writes: StoreWrite[] = [...changes].map(([fingerprint, value]) => {
      const key = PREFIX + fingerprint
      return { key, value, expect: revisions.get(key) ?? 0 }
    })
    if (writes.length === 0 && journal.length === 0) return { ok: true }
    const result = await store.commit(writes, journal)
    if (!result.ok) return result.reason === 'conflict' ? null : { ok: false, detail: result.detail }
    for (const { key, value } of writes) {
      if (value === null) revisions.delete(key)
      else revisions.set(key, result.revision)
    }
    for (const [fingerprint, alert] of changes) index.put(fingerprint, alert)
    return { ok: true }
  }

  const runJobs = async (jobs: readonly Job[]): Promise<Stored> => {
    if (!loaded) return { ok: false, detail: 'the alert book is not read yet' }
    for (let attempt = 0; attempt <= CONFLICT_RETRIES; attempt++) {
      const { draft, changes } = newDraft(index.book())
      for (const job of jobs) job(draft)
      const isPruneDue = clock.monotonicMs() - prunedAtMs >= PRUNE_INTERVAL_MS
      if (isPruneDue) for (const fingerprint of outdatedEntries(draft.book(), clock.now())) changes.set(fingerprint, null)
      const stored = await commit(changes, draft.journal)
      if (stored?.ok === true) {
        if (isPruneDue) prunedAtMs = clock.monotonicMs()
        if (draft.trunks.size > 0) options.onChange(draft.trunks)
        if (draft.doubt) options.onDoubt()
      }
      if (stored !== null) return stored
      await load()
    }
    return { ok: false, detail: 'another process writes the same alerts' }
  }

  return {
    load,
    submit: createBatcher(runJobs),
    book: () => index.book(),
    byTrunk: () => index.byTrunk(),
    topologyChanged: () => { index.rebuild() }
  }
}

function newDraft (book: AlertBook): { readonly draft: Draft; readonly changes: Map<string, BookedAlert | null> } {
  const changes = new Map<string, BookedAlert | null>()
  const draft: Draft = {
    entry: (fingerprint) => changes.get(fingerprint) ?? book.get(fingerprint),
    put: (alert) => { changes.set(alert.fingerprint, alert) },
    book: () => {
      const merged = new Map(book)
      for (const [fingerprint, alert] of changes) if (alert !== null) merged.set(fingerprint, alert)
      return merged
    },
    journal: [],
    trunks: new Set(),
    doubt: false
  }
  return { draft, changes }
}

/** Our own earlier writing, so a look at what everything hangs on is enough. */
function isEntry (value: unknown): value is BookedAlert {
  const { fingerprint, labels, status } = (value ?? {}) as Partial<BookedAlert>
  return typeof fingerprint === 'string' && typeof labels === 'object' && (status === 'firing' || status === 'resolved')
}
