/** `pointsman beacon`: a second beacon on another machine. */
import { parseHttpUrl } from '../config/address.ts'
import { parseListenAddress } from '../config/listen.ts'
import { renderProblems } from '../config/problems.ts'
import { PROBLEMS, UsageError } from './command.ts'
import type { Command } from './command.ts'
import { operands, requiredText, text } from './options.ts'

export const beacon: Command = {
  name: 'beacon',
  operands: '',
  summary: 'Run a second beacon, which does what another Pointsman\'s beacon does.',
  description: 'For another machine than Pointsman\'s, with an SRV record of its own before the carrier. While Pointsman does not answer, its last verdict stays; without one the standby is accepted.',
  options: {
    'config.file': { value: 'FILE', help: 'The same configuration; of its secrets only the beacon\'s is needed.', default: 'pointsman.yaml' },
    follow: { value: 'URL', help: 'Web server of the Pointsman that decides, for example http://10.0.9.9:9867.' },
    listen: { value: 'ADDRESS,…', help: 'Where it listens; default: "second" of the gateway.' },
    gateway: { value: 'NAME', help: 'The gateway whose beacon it is; default: the only one with driver: beacon.' }
  },
  run: async ({ values, positionals, io, deps }) => {
    operands(positionals, 0)
    const configFile = requiredText(values, 'config.file')
    const follow = parseHttpUrl(requiredText(values, 'follow'))
    if (!follow.ok) throw new UsageError(`--follow ${follow.message}`)
    const given = text(values, 'listen')?.split(',')
    const wrong = given?.find((address) => parseListenAddress(address) === null)
    if (wrong !== undefined) throw new UsageError(`--listen: "${wrong}" is not like udp:10.0.8.9:5060`)
    const loaded = await deps.loadConfig(configFile, 'optional')
    if (!loaded.ok) {
      io.stderr(renderProblems(configFile, loaded.problems))
      return PROBLEMS
    }
    const all = loaded.config.gateways.filter(({ driver }) => driver === 'beacon')
    const wanted = text(values, 'gateway')
    const named = wanted === undefined ? all : all.filter(({ id }) => id === wanted)
    const [gateway] = named
    if (gateway === undefined || named.length > 1) throw new UsageError(all.length === 0 ? `${configFile} has no gateway with driver: beacon` : `--gateway must be one of: ${all.map(({ id }) => id).join(', ')}`)
    const listen = given ?? gateway.settings['second'] as readonly string[] | undefined
    if (listen === undefined) throw new UsageError(`--listen is missing, and the gateway "${gateway.id}" has no "second"`)
    return deps.runBeacon({ gateway, listen, follow: follow.value })
  }
}
