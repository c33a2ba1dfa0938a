/** `pointsman release`. */
import type { Command } from './command.ts'
import { operate, REASON } from './operate.ts'
import { API, operands, OUTPUT } from './options.ts'

export const release: Command = {
  name: 'release',
  operands: '',
  summary: 'Release the brake.',
  description: `After too many incidents everything is frozen, since ten gateways that fall one after the other are more likely our own mistake than
bad luck. Look first. What the brake counted counts no more.`,
  options: { ...REASON, ...API, ...OUTPUT },
  run: async (invocation) => {
    operands(invocation.positionals, 0)
    return operate(invocation, 'release', {})
  }
}
