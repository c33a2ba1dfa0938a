/** `pointsman pause`. */
import { UsageError } from './command.ts'
import type { Command } from './command.ts'
import { operate, REASON, SCOPE, scopeOf } from './operate.ts'
import { API, OUTPUT, text } from './options.ts'

export const pause: Command = {
  name: 'pause',
  operands: '',
  summary: 'Stop automation: of everything, of a trunk, or of a gateway.',
  description: 'Nothing new is started until `pointsman resume`; what is under way goes on to its end.',
  options: {
    ...SCOPE,
    for: { value: 'DURATION', help: 'End it after this time, for example 2h.' },
    until: { value: 'TIME', help: 'End it at this instant, for example 2026-01-31T18:00:00Z.' },
    ...REASON,
    ...API,
    ...OUTPUT
  },
  run: async (invocation) => {
    const [length, until] = [text(invocation.values, 'for'), text(invocation.values, 'until')]
    if (length !== undefined && until !== undefined) throw new UsageError('give --for or --until, not both')
    return operate(invocation, 'pause', {
      scope: scopeOf(invocation),
      ...(length === undefined ? {} : { for: length }),
      ...(until === undefined ? {} : { until })
    })
  }
}
