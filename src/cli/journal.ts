/** `pointsman journal`: everything that was recorded, as JSON lines: to keep, to search, and for `pointsman replay`. */
import { streamApi } from './api-client.ts'
import { FAILED, OK } from './command.ts'
import type { Command } from './command.ts'
import { API, operands, text } from './options.ts'

const FILTERS = ['trunk', 'since', 'until', 'decision', 'type'] as const

export const journal: Command = {
  name: 'journal',
  operands: '',
  summary: 'Everything that was recorded, as JSON lines, oldest first.',
  description: 'One record per line: decision, time (ms since 1970), trunk, type, data. It holds no secrets.',
  options: {
    trunk: { value: 'TRUNK', help: 'Only records about this trunk.' },
    since: { value: 'TIME', help: 'Only from this instant on, or so long ago (`2h`).' },
    until: { value: 'TIME', help: 'Only before this instant, or so long ago.' },
    decision: { value: 'ID', help: 'Only records of this decision.' },
    type: { value: 'TYPE', help: 'Only records of this type, for example admitted.' },
    ...API
  },
  run: async (invocation) => {
    const { values, positionals, io } = invocation
    operands(positionals, 0)
    const query = new URLSearchParams()
    for (const name of FILTERS) {
      const value = text(values, name)
      if (value !== undefined) query.set(name, value)
    }
    const reply = await streamApi(invocation, `api/v1/journal?${query.toString()}`, io.stdout)
    if (reply.ok) return OK
    io.stderr(`pointsman: ${reply.message}\n`)
    return FAILED
  }
}
