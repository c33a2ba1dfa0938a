/** A Store in memory, by the contract that test/store/store.test.ts also holds SQLite to. For tests that need no file. */
import type { CommitResult, JournalRecord, Store, StoreEntry } from '../ports.ts'
import { createWatchers } from '../store/watchers.ts'

export interface MemoryStore extends Store {
  /** With a text every commit fails with it as `unavailable`, as on a full disk; null heals. */
  breakCommits(detail: string | null): void
  /** So many commits from now on are stored, and reported as `unavailable`: the answer gets lost. */
  loseAnswers(count: number): void
  /** All journal records, oldest first. */
  allRecords(): readonly JournalRecord[]
  /** A second store with the same content: what a restarted process finds. */
  reopen(): MemoryStore
}

interface Content {
  readonly entries: ReadonlyMap<string, StoreEntry>
  readonly records: readonly JournalRecord[]
  readonly revision: number
}

const copy = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T

export function createMemoryStore (content: Content = { entries: new Map(), records: [], revision: 0 }): MemoryStore {
  const watchers = createWatchers()
  const entries = new Map(content.entries)
  const records = [...content.records]
  let revision = content.revision
  let broken: string | null = null
  let lost = 0
  let problem: string | null = null
  let closed = false

  const commit: Store['commit'] = async (writes, journal): Promise<CommitResult> => {
    const detail = closed ? 'the store is closed' : broken
    if (detail !== null) return { ok: false, reason: 'unavailable', detail }
    const next = new Map<string, StoreEntry | null>()
    for (const { key, value, expect } of writes) {
      const now = next.has(key) ? next.get(key) : entries.get(key)
      if ((now?.revision ?? 0) !== expect) return { ok: false, reason: 'conflict', key }
      next.set(key, value === null ? null : { key, value: copy(value), revision: revision + 1 })
    }
    revision += 1
    for (const [key, entry] of next) {
      if (entry === null) entries.delete(key)
      else entries.set(key, entry)
    }
    records.push(...copy(journal))
    watchers.publish(() => writes.map(({ key, value }) => ({ key, value: copy(value), revision })))
    if (lost > 0) {
      lost -= 1
      return { ok: false, reason: 'unavailable', detail: 'no answer' }
    }
    return { ok: true, revision }
  }

  const remembered: Store['commit'] = async (writes, journal) => {
    const result = await commit(writes, journal)
    if (result.ok || result.reason === 'unavailable') problem = result.ok ? null : result.detail
    return result
  }

  return {
    read: async (prefix) => {
      if (closed) throw new Error('the store is closed')
      return copy([...entries.values()].filter(({ key }) => key.startsWith(prefix)).sort((a, b) => a.key < b.key ? -1 : 1))
    },
    commit: remembered,
    watch: (prefix, signal) => watchers.watch(prefix, signal),
    journal: async ({ decision, trunk, type, sinceMs = -Infinity, untilMs = Infinity, order, from = 0, limit }) => {
      const fits = (record: JournalRecord): boolean =>
        (decision === undefined || record.decision === decision) && (trunk === undefined || record.trunk === trunk) &&
        (type === undefined || record.type === type) && record.atMs >= sinceMs && record.atMs < untilMs
      const found = (order === 'oldest-first' ? [...records] : records.toReversed()).filter(fits)
      return { records: copy(found.slice(from, from + limit)), next: from + limit < found.length ? from + limit : null }
    },
    prune: async ({ beforeMs, maxRecords }) => {
      const old = records.findIndex((record, index) => record.atMs >= beforeMs && records.length - index <= maxRecords)
      const count = old === -1 ? records.length : old
      records.splice(0, count)
      return count
    },
    problem: () => problem,
    close: async () => {
      closed = true
      watchers.close()
    },
    breakCommits: (detail) => { broken = detail },
    loseAnswers: (count) => { lost = count },
    allRecords: () => [...records],
    reopen: () => createMemoryStore({ entries, records, revision })
  }
}
