/** What the store's two threads say to each other. JSON values travel as text: it is what the database keeps. */
import type { CommitResult, JournalQuery, Retention, Revision } from '../ports.ts'

export interface EntryText {
  readonly key: string
  /** JSON text; null: deleted. */
  readonly value: string | null
  readonly revision: Revision
}

export interface WriteText {
  readonly key: string
  /** JSON text; null deletes. */
  readonly value: string | null
  readonly expect: Revision
}

export interface JournalText {
  readonly decision: string
  readonly atMs: number
  readonly trunk: string | null
  readonly type: string
  /** JSON text. */
  readonly data: string
}

export interface PageText {
  readonly records: readonly JournalText[]
  readonly next: number | null
}

/** One atomic commit: all of it or nothing. */
export interface Batch {
  readonly writes: readonly WriteText[]
  readonly journal: readonly JournalText[]
}

export type Question =
  | { readonly kind: 'commit'; readonly batch: Batch }
  | { readonly kind: 'read'; readonly prefix: string }
  | { readonly kind: 'journal'; readonly query: JournalQuery }
  | { readonly kind: 'prune'; readonly retention: Retention }
  | { readonly kind: 'close' }

/** A question with the number that its answer carries. */
export interface Request {
  readonly id: number
  readonly question: Question
}

export type Answer =
  | { readonly kind: 'committed'; readonly result: CommitResult }
  | { readonly kind: 'entries'; readonly entries: readonly EntryText[] }
  | { readonly kind: 'records'; readonly page: PageText }
  | { readonly kind: 'pruned'; readonly count: number }
  | { readonly kind: 'closed' }
  | { readonly kind: 'failed'; readonly detail: string }

export interface Reply {
  readonly id: number
  readonly answer: Answer
}

/** How durable the opened file is, as the database itself reports it. */
export interface Durability {
  /** `wal`. */
  readonly journalMode: string
  /** 2 is FULL: every commit is synced to the disk before it is reported. */
  readonly synchronous: number
  readonly foreignKeys: boolean
}

/** The worker's first message: the file is open, or why not. */
export type Opened = { readonly ok: true; readonly durability: Durability } | OpenFailure

/** `locked`: another process uses the file. `unusable`: it is damaged, another program's, a newer version's, or can't be opened. */
export interface OpenFailure {
  readonly ok: false
  readonly reason: 'locked' | 'unusable'
  readonly detail: string
}
