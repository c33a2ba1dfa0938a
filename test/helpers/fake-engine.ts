/** The other side of the engine's contract, for tests of HTTP and CLI: answers what the test sets, records what it is asked. */
import type { DecisionSummary, Engine, ExplainResult, OperatorResult, ReceiveResult } from '../../src/engine/contract.ts'
import type { Status } from '../../src/core/status.ts'
import type { JournalRecord } from '../../src/ports.ts'
import { AT_MS, buildStatus } from './status.ts'

export interface FakeEngine extends Engine {
  /** Everything asked, in order: `[method, ...arguments]`. */
  readonly calls: unknown[][]
  /** What it answers; replace at will. */
  readonly answers: {
    ready: boolean
    healthy: boolean
    status: Status
    receive: ReceiveResult | Error
    operate: OperatorResult
    decisions: readonly DecisionSummary[]
    journal: readonly JournalRecord[]
    explain: ExplainResult
    decision: readonly JournalRecord[]
  }
}

export function createFakeEngine (): FakeEngine {
  const calls: unknown[][] = []
  const answers: FakeEngine['answers'] = {
    ready: true,
    healthy: true,
    status: buildStatus(),
    receive: { ok: true, alerts: [{ fingerprint: 'f1', reason: 'stored' }] },
    operate: { ok: true, decision: 'd-1', detail: 'done' },
    decisions: [{ id: 'd-1', trunk: 'acme', atMs: AT_MS, from: 'pbx-a/SIP1', to: 'pbx-b/SIP1', cause: 'alert', state: 'ended', explanation: 'pbx-a did not answer.' }],
    journal: [],
    explain: { ok: true, atMs: AT_MS, alerts: [], trunks: [] },
    decision: [{ decision: 'd-1', atMs: AT_MS, trunk: 'acme', type: 'proposed', data: { why: 'alert' } }]
  }
  return {
    calls,
    answers,
    start: async () => {},
    stop: async () => {},
    ready: () => answers.ready,
    healthy: () => answers.healthy,
    storeProblem: () => answers.status.storeProblem,
    status: () => answers.status,
    survey: () => answers.status,
    facts: () => answers.status,
    receive: async (body) => {
      calls.push(['receive', body])
      if (answers.receive instanceof Error) throw answers.receive
      return answers.receive
    },
    operate: async (command, actor, reason) => {
      calls.push(['operate', command, actor, reason])
      return answers.operate
    },
    explain: (query) => {
      calls.push(['explain', query])
      return answers.explain
    },
    decisions: async (query) => {
      calls.push(['decisions', query])
      return { decisions: answers.decisions, complete: true }
    },
    journal: async function * (filter) {
      calls.push(['journal', filter])
      yield answers.journal
    },
    decision: async (id) => answers.decision.filter((record) => record.decision === id)
  }
}
