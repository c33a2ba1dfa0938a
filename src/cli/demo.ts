/** `pointsman demo`. */
import type { Command } from './command.ts'
import { operands } from './options.ts'

export const demo: Command = {
  name: 'demo',
  operands: '',
  summary: 'Show a failover on this machine, with a simulated carrier and gateways.',
  options: { once: { help: 'One switchover and its failback, then exit.' } },
  run: async ({ values, positionals, deps }) => {
    operands(positionals, 0)
    return deps.demo({ once: values['once'] === true })
  }
}
