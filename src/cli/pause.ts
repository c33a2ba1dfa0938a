/** `pointsman pause`. */
import type { Command } from './command.ts'
import { endOf, ENDS, operate, REASON, SCOPE, scopeOf } from './operate.ts'
import { API, OUTPUT } from './options.ts'

export const pause: Command = {
  name: 'pause',
  operands: '',
  summary: 'Stop automation: of everything, of a trunk, or of a gateway.',
  description: 'Nothing new is started until `pointsman resume`; what is under way goes on to its end.',
  options: {
    ...SCOPE,
    ...ENDS,
    ...REASON,
    ...API,
    ...OUTPUT
  },
  run: async (invocation) => operate(invocation, 'pause', { scope: scopeOf(invocation), ...endOf(invocation) })
}
