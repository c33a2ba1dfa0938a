/** Reading and shortening the journal, each time a bounded piece: the thread that does it also commits. */
import type { DatabaseSync } from 'node:sqlite'
import type { JournalQuery, Retention } from '../ports.ts'
import type { JournalText, PageText } from './protocol.ts'

/** Records that one question looks at. */
const LOOKED_AT = 5000
/** Records that are deleted in one transaction. */
const FORGOTTEN_AT_ONCE = 200

type Row = JournalText & { readonly id: number }

/** One page. A filter that rarely fits makes short pages, not long scans. */
export function readJournal (connection: DatabaseSync, query: JournalQuery): PageText {
  const { first, last } = bounds(connection)
  const up = query.order === 'oldest-first'
  const from = query.from ?? (up ? first - 1 : last + 1)
  // A decision's few records are found by its index.
  const span = query.decision === undefined ? LOOKED_AT : last - first + 1
  const [low, high] = up ? [from + 1, Math.min(from + span, last)] : [Math.max(from - span, first), from - 1]
  const { where, values } = conditions(query)
  const sql = `SELECT id, decision, at_ms AS atMs, trunk, type, data FROM journal WHERE id BETWEEN ? AND ? ${where} ORDER BY id ${up ? 'ASC' : 'DESC'} LIMIT ?`
  const rows = connection.prepare(sql).all(low, high, ...values, query.limit) as unknown as Row[]
  const reached = rows.length < query.limit ? (up ? high : low) : rows.at(-1)?.id ?? from
  const ended = up ? reached >= last : reached <= first
  return { records: rows.map(({ decision, atMs, trunk, type, data }) => ({ decision, atMs, trunk, type, data })), next: ended ? null : reached }
}

/** The unary plus keeps SQLite from sorting a whole span of time by `id`. */
function conditions ({ decision, trunk, type, sinceMs, untilMs }: JournalQuery): { readonly where: string; readonly values: readonly (string | number)[] } {
  const parts: readonly (readonly [string, string | number | undefined])[] = [
    ['decision = ?', decision], ['trunk = ?', trunk], ['type = ?', type], ['+at_ms >= ?', sinceMs], ['+at_ms < ?', untilMs]
  ]
  const given = parts.filter((part): part is readonly [string, string | number] => part[1] !== undefined)
  return { where: given.map(([condition]) => `AND ${condition}`).join(' '), values: given.map(([, value]) => value) }
}

/** Looks at the oldest end only, whatever there is. */
export function pruneJournal (connection: DatabaseSync, { beforeMs, maxRecords }: Retention): number {
  const { last } = bounds(connection)
  const sql = `DELETE FROM journal WHERE id IN (
    SELECT id FROM (SELECT id, at_ms FROM journal ORDER BY id LIMIT ${FORGOTTEN_AT_ONCE}) WHERE id <= ? OR at_ms < ?)`
  return Number(connection.prepare(sql).run(last - maxRecords, beforeMs).changes)
}

function bounds (connection: DatabaseSync): { readonly first: number; readonly last: number } {
  // Two questions: SQLite answers each from the end of the table, both together by reading all of it.
  const first = connection.prepare('SELECT min(id) AS id FROM journal').get()?.['id']
  const last = connection.prepare('SELECT max(id) AS id FROM journal').get()?.['id']
  return { first: Number(first ?? 1), last: Number(last ?? 0) }
}
