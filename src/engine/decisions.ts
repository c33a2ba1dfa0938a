/** Decisions as people read them: the journal's records grouped by their id. */
import { explainRecord } from '../core/explain.ts'
import type { InterfaceKey } from '../core/topology.ts'
import type { JournalQuery, JournalRecord, Store } from '../ports.ts'
import type { DecisionSummary } from './contract.ts'

const key = (value: unknown): InterfaceKey | null => typeof value === 'string' ? value : null

/** Newest first; `limit` counts decisions. */
export async function listDecisions (store: Store, query: JournalQuery): Promise<readonly DecisionSummary[]> {
  // A decision has about a dozen records at most.
  const records = await store.journal({ ...query, limit: query.limit * 20 })
  const groups = new Map<string, JournalRecord[]>()
  for (const record of records) groups.set(record.decision, [...groups.get(record.decision) ?? [], record])
  return [...groups.values()].slice(0, query.limit).map(summarise)
}

function summarise (newestFirst: readonly JournalRecord[]): DecisionSummary {
  const last = newestFirst[0]
  const first = newestFirst.at(-1)
  if (last === undefined || first === undefined) throw new Error('a decision without a record')
  const moves = newestFirst.find((record) => 'to' in record.data)?.data ?? {}
  return {
    id: last.decision,
    trunk: last.trunk,
    atMs: first.atMs,
    from: key(moves['from']),
    to: key(moves['to']),
    state: last.type,
    explanation: [...newestFirst].reverse().map((record) => explainRecord(record.type, record.data)).join('; ')
  }
}

/** All records of one decision, oldest first. */
export async function readDecision (store: Store, id: string): Promise<readonly JournalRecord[]> {
  const records = await store.journal({ decision: id, limit: 10_000 })
  return [...records].reverse()
}
