/** `pointsman resume`. */
import type { Command } from './command.ts'
import { operate, REASON, SCOPE, scopeOf } from './operate.ts'
import { API, OUTPUT } from './options.ts'

export const resume: Command = {
  name: 'resume',
  operands: '',
  summary: 'End a pause.',
  description: 'It ends the pause of exactly this scope: a paused trunk stays paused when the pause of everything ends.',
  options: { ...SCOPE, ...REASON, ...API, ...OUTPUT },
  run: async (invocation) => operate(invocation, 'resume', { scope: scopeOf(invocation) })
}
