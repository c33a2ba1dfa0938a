/** The database file: synchronous, and so only used in the store's worker thread. */
import { statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import type { CommitResult, JournalQuery, Retention, Revision } from '../ports.ts'
import { pruneJournal, readJournal } from './journal-table.ts'
import type { Batch, Durability, EntryText, OpenFailure, PageText } from './protocol.ts'
import { APPLICATION_ID, MIGRATIONS, SCHEMA_VERSION } from './schema.ts'

export interface Database {
  readonly durability: Durability
  /** One transaction and one sync for all batches. A batch in conflict fails alone; an I/O error fails all. Never throws. */
  commit(batches: readonly Batch[]): readonly CommitResult[]
  read(prefix: string): readonly EntryText[]
  journal(query: JournalQuery): PageText
  prune(retention: Retention): number
  /** Moves what was committed from the log to the file, when there is enough of it. For when nobody waits. Never throws. */
  checkpoint(): void
  close(): void
}

type OpenResult = { readonly ok: true; readonly database: Database } | OpenFailure

/** How long another process may take to let go of the file [ms]. */
const LOCK_WAIT_MS = 1000
/** Batches between two checkpoints. One takes some milliseconds, so none is part of a commit that somebody waits for. */
const CHECKPOINT_BATCHES = 100
/** SQLite makes its own, at the end of a commit, only when a few batches were this large [pages of 4 KiB]. */
const LARGEST_LOG = 10_000

/**
 * Opens or creates the file. It stays locked for this process, so that two Pointsmen never share one state.
 * Another program's, a newer Pointsman's, a damaged or an emptied file is refused and left as it is.
 */
export function openDatabase (path: string): OpenResult {
  let connection: DatabaseSync | null = null
  try {
    if (statSync(path, { throwIfNoEntry: false })?.size === 0) return { ok: false, reason: 'unusable', detail: `${path} is empty; delete it if this is a new installation` }
    connection = new DatabaseSync(path, { timeout: LOCK_WAIT_MS, enableForeignKeyConstraints: true })
    const problem = prepareFile(connection)
    if (problem === null) return { ok: true, database: databaseOn(connection) }
    connection.close()
    return { ok: false, reason: 'unusable', detail: `${path}: ${problem}` }
  } catch (error) {
    connection?.close()
    return isBusy(error)
      ? { ok: false, reason: 'locked', detail: `${path} is used by another process; two Pointsmen can't share one state` }
      : { ok: false, reason: 'unusable', detail: `${path}: ${describeError(error)}` }
  }
}

/** Locks, checks and migrates. Returns why the file can't be used, or null. Nothing is written before it is known to be ours. */
function prepareFile (connection: DatabaseSync): string | null {
  connection.exec('PRAGMA locking_mode = EXCLUSIVE')
  const check = String(pragma(connection, 'quick_check(1)'))
  if (check !== 'ok') return `the file is damaged (${check}); restore a copy`
  const version = Number(pragma(connection, 'user_version'))
  const foreign = Number(pragma(connection, 'application_id')) !== APPLICATION_ID
  const tables = connection.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.['n']
  if (foreign && (version !== 0 || tables !== 0)) return 'this is not a Pointsman store'
  if (version > SCHEMA_VERSION) return `schema version ${version} was written by a newer Pointsman; this one knows ${SCHEMA_VERSION}`
  connection.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = ${LARGEST_LOG}; BEGIN IMMEDIATE`)
  for (const step of MIGRATIONS.slice(version)) connection.exec(step)
  connection.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`)
  return null
}

function databaseOn (connection: DatabaseSync): Database {
  const readEntries = connection.prepare('SELECT key, value, revision FROM entry WHERE key >= ? AND key < ? ORDER BY key')
  const commit = committer(connection)
  let unmoved = 0
  return {
    durability: {
      journalMode: String(pragma(connection, 'journal_mode')),
      synchronous: Number(pragma(connection, 'synchronous')),
      foreignKeys: pragma(connection, 'foreign_keys') === 1
    },
    commit: (batches) => {
      unmoved += batches.length
      return commit(batches)
    },
    // U+10FFFF sorts after every other character in SQLite's binary order.
    read: (prefix) => readEntries.all(prefix, `${prefix}\u{10FFFF}`) as unknown as EntryText[],
    journal: (query) => readJournal(connection, query),
    prune: (retention) => {
      const count = pruneJournal(connection, retention)
      // It changes as many pages as many batches do.
      if (count > 0) unmoved += CHECKPOINT_BATCHES
      return count
    },
    checkpoint: () => {
      if (unmoved < CHECKPOINT_BATCHES) return
      unmoved = 0
      try {
        connection.exec('PRAGMA wal_checkpoint(PASSIVE)')
      } catch { /* Nothing is lost, and the next commit tells what is wrong with the disk. */ }
    },
    close: () => { connection.close() }
  }
}

function committer (connection: DatabaseSync): Database['commit'] {
  const begin = connection.prepare('BEGIN IMMEDIATE')
  const end = connection.prepare('COMMIT')
  const saveRevision = connection.prepare('UPDATE counter SET revision = ?')
  const apply = batchWriter(connection)
  let last = Number(connection.prepare('SELECT revision FROM counter').get()?.['revision'])
  return (batches) => {
    let revision = last
    try {
      begin.run()
      const results = batches.map((batch) => {
        const result = apply(batch, revision + 1)
        if (result.ok) revision = result.revision
        return result
      })
      if (revision !== last) saveRevision.run(revision)
      end.run()
      last = revision
      return results
    } catch (error) {
      // SQLite ends the transaction by itself on some errors, and not on others.
      const detail = [describeError(error), ...rollBack(connection)].join('; ')
      return batches.map(() => ({ ok: false, reason: 'unavailable', detail }))
    }
  }
}

/** Writes one batch inside the transaction; on a conflict nothing of it stays. Throws on I/O errors. */
function batchWriter (connection: DatabaseSync): (batch: Batch, revision: Revision) => CommitResult {
  const save = connection.prepare('SAVEPOINT batch')
  const undo = connection.prepare('ROLLBACK TO batch')
  const release = connection.prepare('RELEASE batch')
  const find = connection.prepare('SELECT revision FROM entry WHERE key = ?')
  const put = connection.prepare('INSERT INTO entry VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value, revision = excluded.revision')
  const remove = connection.prepare('DELETE FROM entry WHERE key = ?')
  const append = connection.prepare('INSERT INTO journal (decision, at_ms, trunk, type, data) VALUES (?, ?, ?, ?, ?)')
  return (batch, revision) => {
    save.run()
    for (const write of batch.writes) {
      if (Number(find.get(write.key)?.['revision'] ?? 0) !== write.expect) {
        undo.run()
        release.run()
        return { ok: false, reason: 'conflict', key: write.key }
      }
      if (write.value === null) remove.run(write.key)
      else put.run(write.key, write.value, revision)
    }
    for (const record of batch.journal) append.run(record.decision, record.atMs, record.trunk, record.type, record.data)
    release.run()
    return { ok: true, revision }
  }
}

function rollBack (connection: DatabaseSync): readonly string[] {
  try {
    if (connection.isTransaction) connection.exec('ROLLBACK')
    return []
  } catch (error) {
    return [`rollback: ${describeError(error)}`]
  }
}

function pragma (connection: DatabaseSync, name: string): unknown {
  return Object.values(connection.prepare(`PRAGMA ${name}`).get() ?? {})[0]
}

/** SQLITE_BUSY, whatever the extended part says. */
function isBusy (error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && (Number(error.errcode) & 0xff) === 5
}

function describeError (error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const code = 'errcode' in error ? ` (SQLite error ${String(error.errcode)})` : ''
  return `${error.message}${code}`
}
