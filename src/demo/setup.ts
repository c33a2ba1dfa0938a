/** The demo's configuration: what of it the simulator, the monitoring and the timeline need to know. */
import { readFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import type { Config } from '../config/config.ts'
import { loadConfig } from '../config/load.ts'
import { renderProblems } from '../config/problems.ts'
import { readYaml } from '../config/read.ts'
import type { InterfaceKey, TrunkTopology } from '../core/topology.ts'
import { drivers } from '../drivers/registry.ts'
import type { Address } from './addresses.ts'
import { DemoError } from './demo-error.ts'
import { differencesFromDefaults } from './differences.ts'
import type { Difference } from './differences.ts'

/** One of the two gateways. */
export interface Side {
  readonly key: InterfaceKey
  readonly gateway: string
  /** `host:port` of its Contact. */
  readonly contact: string
  readonly management: Address
  readonly sip: Address
}

export interface DemoSetup {
  readonly config: Config
  readonly differences: readonly Difference[]
  readonly trunk: TrunkTopology
  readonly a: Side
  readonly b: Side
  readonly carrier: Address
  readonly pointsman: Address
  readonly alertmanager: Address
  readonly webhookToken: string
  readonly operatorToken: string
  /** As a person at the working directory would write it. */
  readonly operatorTokenFile: string
}

/**
 * Reads the configuration; the store goes to `storePath`.
 * @throws {DemoError} when it is no configuration of one trunk on two gateways with one Alertmanager
 */
export async function readSetup (file: string, storePath: string): Promise<DemoSetup> {
  const loaded = await loadConfig(file, drivers)
  if (!loaded.ok) throw new DemoError(renderProblems(file, loaded.problems).trimEnd())
  const raw = await readData(file)
  const config: Config = { ...loaded.config, storePath }
  const [trunk] = config.topology.trunks.values()
  const [binding] = config.bindings
  const [alertmanager] = config.alertmanagers
  if (trunk === undefined || trunk.interfaces.length !== 2 || binding === undefined || alertmanager === undefined) {
    throw new DemoError(`${file}: the demo needs one trunk on two gateways, a binding query and an Alertmanager`)
  }
  return {
    config,
    differences: differencesFromDefaults({ ...raw, store: { path: storePath } }, drivers),
    trunk,
    a: side(config, trunk, 0),
    b: side(config, trunk, 1),
    carrier: addressOf(binding.target.uri.replace(/^sip:/, '')),
    pointsman: { host: config.web.host, port: config.web.port },
    alertmanager: addressOf(new URL(alertmanager.url).host),
    webhookToken: tokenOf(config, 'webhook'),
    operatorToken: tokenOf(config, 'operator'),
    operatorTokenFile: relative('.', join(dirname(file), tokenFile(raw, 'operator')))
  }
}

/** The data of a YAML file. @throws {DemoError} when it is none */
export async function readData (file: string): Promise<Readonly<Record<string, unknown>>> {
  const read = readYaml(await readFile(file, 'utf8'))
  if (!read.ok) throw new DemoError(renderProblems(file, read.problems).trimEnd())
  return read.value
}

/** `http://host:port`. */
export function httpUrl ({ host, port }: Address): string {
  return `http://${host}:${port}`
}

function side (config: Config, trunk: TrunkTopology, index: 0 | 1): Side {
  const iface = trunk.interfaces[index]
  const contact = iface?.contact?.hostPort
  const url = config.gateways.find((gateway) => gateway.id === iface?.gateway)?.settings['url']
  if (iface === undefined || contact === undefined || typeof url !== 'string') throw new DemoError('each interface needs a contact as host:port, and its gateway a url')
  return { key: iface.key, gateway: iface.gateway, contact, management: addressOf(new URL(url).host), sip: addressOf(contact) }
}

function addressOf (hostPort: string): Address {
  const [host = '', port = ''] = hostPort.split(':')
  return { host, port: Number(port) }
}

function tokenOf (config: Config, role: 'webhook' | 'operator'): string {
  const token = config.users.find((user) => user.role === role)?.token
  if (token == null) throw new DemoError(`the demo needs a user with the role ${role} and a token`)
  return token.reveal()
}

function tokenFile (raw: Readonly<Record<string, unknown>>, role: string): string {
  const { users = [] } = raw['web'] as { readonly users?: readonly { readonly role: string; readonly token_file?: string }[] }
  return users.find((user) => user.role === role)?.token_file ?? ''
}
