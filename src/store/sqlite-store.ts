/**
 * The durable store on one machine: SQLite in a worker thread, WAL and `synchronous = FULL`. A commit's promise
 * resolves after its transaction was synced to the disk.
 */
import { resolve } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Clock, CommitResult, JournalRecord, Metrics, Store, StoreEntry, StoreWrite } from '../ports.ts'
import type { Answer, Durability, EntryText, JournalText, OpenFailure, Opened, Question, Reply, Request, WriteText } from './protocol.ts'
import { createWatchers } from './watchers.ts'

export interface SqliteStoreOptions {
  /** Database file; created when missing, its folder must exist. */
  readonly path: string
  readonly clock: Clock
  readonly metrics?: Metrics
}

export type SqliteStoreResult =
  | { readonly ok: true; readonly store: Store; readonly durability: Durability }
  | OpenFailure

/** The store could not be read. Commits never throw this: they return `unavailable`. */
export class StoreError extends Error {
  override readonly name = 'StoreError'
}

/**
 * Opens the store and brings its schema up to date. A damaged, foreign, newer or locked file is a failure; it is never
 * replaced by an empty one.
 */
export async function createSqliteStore (options: SqliteStoreOptions): Promise<SqliteStoreResult> {
  // TypeScript rewrites imports when it builds dist, but not this name.
  const file = import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js'
  const worker = new Worker(new URL(file, import.meta.url), { workerData: resolve(options.path) })
  const opened = await firstMessage(worker)
  if (!opened.ok) {
    await worker.terminate()
    return opened
  }
  return { ok: true, store: storeOn(openChannel(worker), options), durability: opened.durability }
}

function firstMessage (worker: Worker): Promise<Opened> {
  return new Promise((resolve) => {
    worker.once('message', (opened: Opened) => { resolve(opened) })
    worker.once('error', (error) => { resolve({ ok: false, reason: 'unusable', detail: `the store's thread failed: ${String(error)}` }) })
  })
}

interface Channel {
  ask(question: Question): Promise<Answer>
}

/** Questions and answers in order. When the thread dies, what is open and all that follows fails. */
function openChannel (worker: Worker): Channel {
  const open = new Map<number, (answer: Answer) => void>()
  let lastId = 0
  let dead: string | null = null
  const die = (detail: string): void => {
    dead ??= detail
    for (const settle of open.values()) settle({ kind: 'failed', detail: dead })
    open.clear()
  }
  worker.on('message', (replies: readonly Reply[]) => {
    for (const { id, answer } of replies) {
      open.get(id)?.(answer)
      open.delete(id)
    }
  })
  worker.on('error', (error) => { die(`the store's thread failed: ${String(error)}`) })
  worker.on('exit', () => { die('the store is closed') })
  return {
    ask: (question) => new Promise((settle) => {
      if (dead !== null) { settle({ kind: 'failed', detail: dead }); return }
      lastId += 1
      open.set(lastId, settle)
      const request: Request = { id: lastId, question }
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin.
      worker.postMessage(request)
    })
  }
}

function storeOn (channel: Channel, { clock, metrics }: SqliteStoreOptions): Store {
  const watchers = createWatchers()
  let problem: string | null = null
  return {
    read: async (prefix) => {
      const answer = await channel.ask({ kind: 'read', prefix })
      if (answer.kind !== 'entries') throw new StoreError(failure(answer))
      return answer.entries.map(parseEntry)
    },
    commit: async (writes, journal) => {
      const texts = writes.map(writeText)
      const startedMs = clock.monotonicMs()
      const answer = await channel.ask({ kind: 'commit', batch: { writes: texts, journal: journal.map(journalText) } })
      const result: CommitResult = answer.kind === 'committed' ? answer.result : { ok: false, reason: 'unavailable', detail: failure(answer) }
      metrics?.increment('pointsman_store_commits_total')
      metrics?.observe('pointsman_store_commit_duration_seconds', (clock.monotonicMs() - startedMs) / 1000)
      if (result.ok || result.reason === 'unavailable') problem = result.ok ? null : result.detail
      if (result.ok) watchers.publish(() => texts.map(({ key, value }) => parseEntry({ key, value, revision: result.revision })))
      else if (result.reason === 'unavailable') metrics?.increment('pointsman_store_commit_failures_total')
      return result
    },
    watch: (prefix, signal) => watchers.watch(prefix, signal),
    journal: async (query) => {
      const answer = await channel.ask({ kind: 'journal', query })
      if (answer.kind !== 'records') throw new StoreError(failure(answer))
      return { records: answer.page.records.map(parseRecord), next: answer.page.next }
    },
    prune: async (retention) => {
      const answer = await channel.ask({ kind: 'prune', retention })
      return answer.kind === 'pruned' ? answer.count : 0
    },
    problem: () => problem,
    close: async () => {
      watchers.close()
      await channel.ask({ kind: 'close' })
    }
  }
}

function failure (answer: Answer): string {
  return answer.kind === 'failed' ? answer.detail : `the store gave an unexpected answer (${answer.kind})`
}

function writeText (write: StoreWrite): WriteText {
  return { key: write.key, value: write.value === null ? null : jsonText(write.value), expect: write.expect }
}

function journalText (record: JournalRecord): JournalText {
  return { ...record, data: jsonText(record.data) }
}

/** JSON.stringify gives undefined for a function or undefined itself; that is a bug of the caller. */
function jsonText (value: unknown): string {
  const text = JSON.stringify(value) as string | undefined
  if (text === undefined) throw new TypeError('only JSON values can be stored')
  return text
}

function parseEntry (entry: EntryText): StoreEntry {
  return { ...entry, value: entry.value === null ? null : JSON.parse(entry.value) as unknown }
}

function parseRecord (record: JournalText): JournalRecord {
  return { ...record, data: JSON.parse(record.data) as Record<string, unknown> }
}
