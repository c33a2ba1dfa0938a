/** Decisions as people read them: the journal's records grouped by their id. Every question to the store is a small one. */
import { explainRecord } from '../core/explain.ts'
import type { InterfaceKey } from '../core/topology.ts'
import type { JournalFilter, JournalQuery, JournalRecord, Store } from '../ports.ts'
import type { DecisionList, DecisionQuery, DecisionSummary } from './contract.ts'

const PAGE = 100
/** Pages that one list looks through: some hundred thousand records, whatever the filter. */
const MOST_PAGES = 200

const text = (value: unknown): string | null => typeof value === 'string' ? value : null

/** Records page by page, so that a journal of any length takes little memory. */
export async function * readJournal (store: Store, filter: JournalFilter, order: JournalQuery['order'] = 'oldest-first'): AsyncGenerator<readonly JournalRecord[]> {
  let from: number | null | undefined
  while (from !== null) {
    const page = await store.journal({ ...filter, order, limit: PAGE, ...(from === undefined ? {} : { from }) })
    yield page.records
    from = page.next
  }
}

/** Newest first, by their last record. */
export async function listDecisions (store: Store, { trunk, sinceMs, untilMs, state, cause, limit }: DecisionQuery): Promise<DecisionList> {
  const seen = new Set<string>()
  const decisions: DecisionSummary[] = []
  let pages = 0
  const filter = { ...(trunk === undefined ? {} : { trunk }), ...(sinceMs === undefined ? {} : { sinceMs }), ...(untilMs === undefined ? {} : { untilMs }) }
  for await (const records of readJournal(store, filter, 'newest-first')) {
    if (++pages > MOST_PAGES) return { decisions, complete: false }
    for (const { decision } of records) {
      if (seen.has(decision)) continue
      seen.add(decision)
      const summary = summarise(await readDecision(store, decision))
      if ((state !== undefined && summary.state !== state) || (cause !== undefined && summary.cause !== cause)) continue
      decisions.push(summary)
      if (decisions.length === limit) return { decisions, complete: true }
    }
  }
  return { decisions, complete: true }
}

function summarise (records: readonly JournalRecord[]): DecisionSummary {
  const story = records.filter(({ type }) => type !== 'snapshot')
  const first = story[0] ?? records[0]
  const last = story.at(-1) ?? first
  if (first === undefined || last === undefined) throw new Error('a decision without a record')
  const moves = story.findLast(({ data }) => 'to' in data)?.data ?? {}
  return {
    id: last.decision,
    trunk: last.trunk,
    atMs: first.atMs,
    from: text(moves['from']) satisfies InterfaceKey | null,
    to: text(moves['to']),
    cause: text(moves['cause']),
    state: last.type,
    explanation: story.map(({ type, data }) => explainRecord(type, data)).join('; ')
  }
}

/** All records of one decision, oldest first. */
export async function readDecision (store: Store, id: string): Promise<readonly JournalRecord[]> {
  const records: JournalRecord[] = []
  for await (const page of readJournal(store, { decision: id })) records.push(...page)
  return records
}
