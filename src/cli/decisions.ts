/** `pointsman decisions`: what was decided, and why. */
import type { DecisionList } from '../engine/contract.ts'
import type { JournalRecord } from '../ports.ts'
import { askApi } from './api-client.ts'
import { FAILED, OK } from './command.ts'
import type { Command } from './command.ts'
import { API, operands, OUTPUT, text } from './options.ts'
import { columns, instant, json } from './print.ts'

export const decisions: Command = {
  name: 'decisions',
  operands: '[ID]',
  summary: 'The last decisions, newest first; or one with every record of it.',
  options: {
    trunk: { value: 'TRUNK', help: 'Only decisions about this trunk.' },
    since: { value: 'TIME', help: 'Only from this instant on, or so long ago (`2h`).' },
    until: { value: 'TIME', help: 'Only before this instant, or so long ago.' },
    state: { value: 'TYPE', help: 'Only those whose last record is of this type, for example vetoed or ended.' },
    cause: { value: 'CAUSE', help: 'Only moves by this cause, for example alert or failback.' },
    limit: { value: 'NUMBER', help: 'At most so many.', default: '20' },
    ...API,
    ...OUTPUT
  },
  run: async (invocation) => {
    const { values, positionals, io } = invocation
    const [id] = operands(positionals, 1)
    const query = new URLSearchParams()
    for (const name of ['trunk', 'since', 'until', 'state', 'cause', 'limit']) {
      const value = text(values, name)
      if (value !== undefined) query.set(name, value)
    }
    const reply = await askApi(invocation, id === undefined ? `api/v1/decisions?${query.toString()}` : `api/v1/decisions/${encodeURIComponent(id)}`)
    if (!reply.ok) {
      io.stderr(`pointsman: ${reply.message}\n`)
      return FAILED
    }
    io.stdout(values['output'] === 'json' ? json(reply.body) : id === undefined ? renderList(reply.body) : renderRecords(reply.body))
    return OK
  }
}

function renderList (body: unknown): string {
  const { decisions: list, complete } = body as DecisionList
  const more = complete ? '' : 'there may be older ones; ask for a narrower time with --until\n'
  if (list.length === 0) return `no decisions\n${more}`
  return columns(list.map(({ id, atMs, trunk, state, explanation }) => [instant(atMs), trunk ?? '', state, id, explanation])) + more
}

function renderRecords (body: unknown): string {
  const { records } = body as { records: readonly JournalRecord[] }
  // A snapshot fills screens and says nothing to people; `--output json` and `pointsman journal` have it.
  return columns(records.filter(({ type }) => type !== 'snapshot').map(({ atMs, type, data }) => [new Date(atMs).toISOString(), type, JSON.stringify(data)]))
}
