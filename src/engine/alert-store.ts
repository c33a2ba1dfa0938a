/**
 * The alert book, durable: changes are committed first and published afterwards, together with what follows from them for
 * the trunks. Jobs that wait while a commit is on its way share the next one, so a lone notification and the decision that
 * it brings cost one sync of the disk and a storm few.
 */
import { outdatedEntries } from '../core/alert-book.ts'
import type { AlertBook, BookedAlert } from '../core/alert-book.ts'
import type { Topology, TrunkId } from '../core/topology.ts'
import type { AlertsByTrunk } from '../core/world.ts'
import type { Clock, CommitResult, JournalRecord, Log, Revision, Store, StoreWrite } from '../ports.ts'
import { createAlertIndex } from './alert-index.ts'
import { createBatcher } from './batcher.ts'
import { commitTo } from './commit.ts'
import type { Controller, Departure } from './controller.ts'

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
  /** What the job would change, stored nowhere: the firing alerts of each trunk after it. */
  preview(job: Job): AlertsByTrunk
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
  /** Plans these trunks as if `alerts` were known, to be stored by the same commit (controller.ts). */
  readonly join: Controller['join']
  /** Decisions about these trunks may be different now. Called after the change is durable. */
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

  const commit = async ({ draft, changes }: Edition, departures: Iterable<Departure>): Promise<CommitResult> => {
    const steps = [...departures]
    const alerts: StoreWrite[] = [...changes].map(([fingerprint, value]) => {
      const key = PREFIX + fingerprint
      return { key, value, expect: revisions.get(key) ?? 0 }
    })
    const writes = [...alerts, ...steps.flatMap((step) => step.writes)]
    const journal = [...draft.journal, ...steps.flatMap((step) => step.journal)]
    const result: CommitResult = writes.length === 0 && journal.length === 0 ? { ok: true, revision: 0 } : await commitTo(store, writes, journal)
    if (result.ok) {
      for (const { key, value } of alerts) {
        if (value === null) revisions.delete(key)
        else revisions.set(key, result.revision)
      }
      for (const [fingerprint, alert] of changes) index.put(fingerprint, alert)
    }
    for (const step of steps) step.end(result)
    return result
  }

  const runJobs = async (jobs: readonly Job[]): Promise<Stored> => {
    if (!loaded) return { ok: false, detail: 'the alert book is not read yet' }
    for (let attempt = 0; attempt <= CONFLICT_RETRIES; attempt++) {
      const { draft, changes } = newDraft(index.book())
      for (const job of jobs) job(draft)
      const isPruneDue = clock.monotonicMs() - prunedAtMs >= PRUNE_INTERVAL_MS
      if (isPruneDue) for (const fingerprint of outdatedEntries(draft.book(), clock.now())) changes.set(fingerprint, null)
      // After a conflict the alerts go alone: a trunk's conflict must not keep them out.
      const departures = attempt === 0 && draft.trunks.size > 0 ? options.join(draft.trunks, index.preview(changes)) : new Map<TrunkId, Departure>()
      const result = await commit({ draft, changes }, departures.values())
      if (result.ok) {
        if (isPruneDue) prunedAtMs = clock.monotonicMs()
        const unplanned = [...draft.trunks].filter((trunk) => !departures.has(trunk))
        if (unplanned.length > 0) options.onChange(new Set(unplanned))
        if (draft.doubt) options.onDoubt()
        return { ok: true }
      }
      if (result.reason !== 'conflict') return { ok: false, detail: result.detail }
      await load()
    }
    return { ok: false, detail: 'another process writes the same alerts' }
  }

  return {
    load,
    submit: createBatcher(runJobs),
    preview: (job) => {
      const { draft, changes } = newDraft(index.book())
      job(draft)
      return index.preview(changes)
    },
    book: () => index.book(),
    byTrunk: () => index.byTrunk(),
    topologyChanged: () => { index.rebuild() }
  }
}

/** A draft, and the entries that it changed; null: removed. */
interface Edition { readonly draft: Draft; readonly changes: Map<string, BookedAlert | null> }

function newDraft (book: AlertBook): Edition {
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
