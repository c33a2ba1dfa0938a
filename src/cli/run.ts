/** `pointsman run`: the server. Also what `pointsman` does with options only, as every exporter. */
import { parseHostPort } from '../config/address.ts'
import { checkConfig } from './check-config.ts'
import { OK, UsageError } from './command.ts'
import type { Command, RunOptions, Values } from './command.ts'
import { operands, requiredText, text } from './options.ts'

const LEVELS: readonly RunOptions['logLevel'][] = ['debug', 'info', 'warn', 'error']
const FORMATS: readonly NonNullable<RunOptions['logFormat']>[] = ['json', 'pretty']

export const run: Command = {
  name: 'run',
  operands: '',
  summary: 'Run the server.',
  description: 'SIGHUP and POST /-/reload load the configuration again; a bad one leaves the old one in force.',
  options: {
    'config.file': { value: 'FILE', help: 'The configuration.', default: 'pointsman.yaml' },
    'config.check': { help: 'Check the configuration, then exit.' },
    'web.listen-address': { value: 'HOST:PORT', help: 'Overrides web.listen of the configuration.' },
    'log.level': { value: LEVELS.join('|'), help: 'Least severe messages that are logged.', default: 'info' },
    'log.format': { value: FORMATS.join('|'), help: 'Form of the log; default: pretty on a terminal, else json.' },
    version: { help: 'Print the version, then exit.' }
  },
  run: async (invocation) => {
    const { values, positionals, io, deps } = invocation
    operands(positionals, 0)
    if (values['version'] === true) {
      io.stdout(`pointsman ${deps.version} (node ${process.version})\n`)
      return OK
    }
    const configFile = requiredText(values, 'config.file')
    if (values['config.check'] === true) return checkConfig(invocation, configFile, 'text')
    return deps.run({ configFile, listen: listenAddress(values), logLevel: oneOf(values, 'log.level', LEVELS) ?? 'info', logFormat: oneOf(values, 'log.format', FORMATS) })
  }
}

function oneOf<T extends string> (values: Values, name: string, allowed: readonly T[]): T | null {
  const given = text(values, name)
  if (given === undefined) return null
  const found = allowed.find((item) => item === given)
  if (found === undefined) throw new UsageError(`--${name} must be ${allowed.join(' or ')}`)
  return found
}

function listenAddress (values: Values): RunOptions['listen'] {
  const given = text(values, 'web.listen-address')
  if (given === undefined) return null
  const address = parseHostPort(given)
  if (address === null || address.port === null) throw new UsageError('--web.listen-address must be HOST:PORT')
  // As for every exporter, no host means all addresses; `::` takes IPv4 too.
  return { host: address.host === '' ? '::' : address.host, port: address.port }
}
