/**
 * README's reference tables, written from the code: `npm run gen`. Each stands between `<!-- table: NAME -->` and
 * `<!-- end -->`; a test compares them, so that the code and README can't tell different things.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { cli } from '../../src/cli/cli.ts'
import type { CliDependencies } from '../../src/cli/command.ts'
import { FileSchema, GatewayKeys } from '../../src/config/schema.ts'
import { OptionsProbe, RegisterProbe } from '../../src/config/schema-probes.ts'
import { ALERT_REASONS, DRIVER_REASONS, PROBE_REASONS, VETOES, WAITS } from '../../src/core/reasons.ts'
import { RECORD_TYPES } from '../../src/core/record-types.ts'
import { OVERRIDABLE } from '../../src/core/override.ts'
import type { DriverCapabilities } from '../../src/core/topology.ts'
import type { InterfaceKind } from '../../src/drivers/contract.ts'
import { drivers } from '../../src/drivers/registry.ts'
import { VERBS } from '../../src/http/verbs.ts'
import { COUNTERS, GAUGES, HISTOGRAMS } from '../../src/metrics/catalogue.ts'
import { EventSchema, ExpectSchema } from '../../src/rehearsal/test-file.ts'

/** The part of JSON Schema that the configuration uses. */
interface Schema {
  readonly type?: string
  readonly description?: string
  readonly default?: unknown
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: Schema | boolean
  readonly items?: Schema
  readonly required?: readonly string[]
}

const README = new URL('../../README.md', import.meta.url)

function table (head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', String.raw`\|`)).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

function code (text: string): string {
  return `\`${text}\``
}

function reasons (title: string, sentences: Readonly<Record<string, string>>): string {
  return table([title, 'meaning'], Object.entries(sentences).map(([name, sentence]) => [code(name), sentence]))
}

function keyTable (schema: object): string {
  return table(['key', 'meaning'], Object.entries((schema as Schema).properties ?? {}).map(([key, { description = '' }]) => [code(key), description]))
}

function metrics (): string {
  const types = [['gauge', GAUGES], ['counter', COUNTERS], ['histogram', HISTOGRAMS]] as const
  return table(['metric', 'type', 'labels', 'meaning'], types.flatMap(([type, list]) =>
    list.map(({ name, labels, help }) => [code(name), type, labels.map(code).join(', '), help])))
}

/** Some value that the schema takes. */
function sampleOf (schema: Schema): unknown {
  if (schema.properties !== undefined) return Object.fromEntries(Object.entries(schema.properties).map(([key, value]) => [key, sampleOf(value)]))
  return schema.type === 'boolean' ? true : schema.type === 'integer' || schema.type === 'number' ? 1 : 'x'
}

/** `yes`, `no`, or the keys that make it so. */
function capable ({ capabilities }: InterfaceKind, schema: object, can: keyof DriverCapabilities): string {
  if (capabilities({})[can] === true) return 'yes'
  if (capabilities({})[can] === 'while-on') return 'while it is on'
  const keys = Object.entries((schema as Schema).properties ?? {}).filter(([key, value]) => capabilities({ [key]: sampleOf(value) })[can] === true)
  return keys.length === 0 ? 'no' : `with ${keys.map(([key]) => code(key)).join(', ')}`
}

function perInterface (head: readonly string[], cells: (kind: InterfaceKind, schema: object) => readonly string[]): string {
  return table(['gateway', 'interface', ...head], [...drivers.values()].flatMap(({ name, schema, interfaces }) =>
    interfaces.map((kind) => [code(name), kind.named, ...cells(kind, schema)])))
}

/** From the fault to the standby registered, or in effect: one run of the lab's section on two cores. Its own runs print theirs. */
const IN_THE_LAB: ReadonlyMap<string, readonly [time: string, section: string]> = new Map([
  ['innovaphone SIP1', ['8 to 11 s (simulated gateway, `expires` 10 s)', 'innovaphone']],
  ['kamailio 4f1c', ['4.1 s (uplink cut, `replace`)', 'uplink']],
  ['kamailio dispatcher:1:sip:10.0.0.5:5060', ['3.9 s (uplink cut)', 'dispatcher']],
  ['asterisk acme', ['11 s (killed, `expires` 10 s, `reject`); 34 s (uplink cut)', 'asterisk']],
  ['powerdns sbc.example', ['0.8 s, and 2 s of old answers (TTL)', 'srv']],
  ['rfc2136 sbc.example', ['0.8 s, and 2 s of old answers (TTL)', 'srv']],
  ['beacon standby', ['5 to 14 s (registered there for 6 s, `expires` 10 s)', 'beacon']]
])

function driverTable (): string {
  const inTheLab = (kind: InterfaceKind): string => {
    const driver = [...drivers.values()].find(({ interfaces }) => interfaces.includes(kind))?.name ?? ''
    const [, [time, section] = []] = [...IN_THE_LAB].find(([key]) => key.startsWith(`${driver} `) && kind.takes(key.slice(driver.length + 1))) ?? []
    return time === undefined ? 'not measured' : `${time}; section ${code(section ?? '')}`
  }
  return perInterface(['what is switched', 'read back', 'un-registers?', 'confirmed with', 'a switchover in the lab'], (kind, schema) =>
    [kind.switches, kind.readBack, kind.capabilities({}).registers ? capable(kind, schema, 'unregisters') : 'registers nothing', kind.confirmed, inTheLab(kind)])
}

function capabilityTable (): string {
  const columns: Readonly<Partial<Record<keyof DriverCapabilities, string>>> = {
    readsRunningState: 'shows the running state', reportsRegistration: 'tells whether it is registered', reportsPath: 'tells whether it reaches the carrier',
    reportsCalls: 'tells its calls', reportsAlarms: 'tells its alarms', reregisters: 'can be made to register anew', persistent: 'a change survives its restart'
  }
  const names = Object.keys(columns) as (keyof DriverCapabilities)[]
  return perInterface([...Object.values(columns), '`registers_within`'], (kind, schema) =>
    [...names.map((name) => capable(kind, schema, name)), code(`${kind.capabilities({}).registersWithinMs / 1000}s`)])
}

function driverKeys (): string {
  return table(['driver', 'key', 'meaning'], [...drivers.values()].flatMap(({ name, schema }) =>
    Object.entries((schema as Schema).properties ?? {}).map(([key, { description = '' }]) => [code(name), code(key), description])))
}

/** One row per key below `path`; sections have rows for their keys only. */
function configRows (path: string, schema: Schema, required: boolean): readonly (readonly string[])[] {
  if (schema.properties !== undefined && Object.keys(schema.properties).length > 0) {
    const keys = Object.entries(schema.properties)
    return keys.flatMap(([key, value]) => {
      const secret = /^(.+)_(?:file|env)$/.exec(key)?.[1]
      const text = value.description?.replace(/: (?:file|environment variable) that holds it.*$/, '') ?? ''
      if (secret !== undefined && text !== value.description) {
        return key.endsWith('_env') ? [[`${code(`${path}.${secret}_file`)} or ${code('…_env')}`, '', `${text}: file or environment variable that holds it`]] : []
      }
      return configRows(path === '' ? key : `${path}.${key}`, value, schema.required?.includes(key) === true)
    })
  }
  if (typeof schema.additionalProperties === 'object') return configRows(`${path}.NAME`, schema.additionalProperties, false)
  if (schema.items?.properties !== undefined) return configRows(`${path}[]`, schema.items, false)
  return [[code(path), required ? 'yes' : '', schema.description ?? '']]
}

/** What both methods have stands once. */
function probeSections (): readonly (readonly [string, object])[] {
  const [options, register]: readonly Record<string, object>[] = [OptionsProbe.properties, RegisterProbe.properties]
  const shared = Object.keys(options ?? {}).filter((key) => JSON.stringify(options?.[key]) === JSON.stringify(register?.[key]))
  const only = (schema: { readonly properties: object; readonly required?: readonly string[] }, keep: (key: string) => boolean) =>
    ({ required: schema.required, properties: Object.fromEntries(Object.entries(schema.properties).filter(([key]) => keep(key))) })
  return [
    ['probes.NAME (OPTIONS)', only(OptionsProbe, (key) => !shared.includes(key))],
    ['probes.NAME (REGISTER)', only(RegisterProbe, (key) => !shared.includes(key))],
    ['probes.NAME (both)', only(OptionsProbe, (key) => shared.includes(key))]
  ]
}

function config (): string {
  const sections: readonly (readonly [string, object])[] = Object.entries(FileSchema.properties).flatMap(([key, schema]): readonly (readonly [string, object])[] => {
    // The keys of gateways and probes follow from their kind.
    if (key === 'gateways') return [['gateways.NAME', { properties: GatewayKeys, required: ['driver'] }]]
    if (key === 'probes') return probeSections()
    return [[key, schema]]
  })
  return table(['key', 'required', 'meaning'], sections.flatMap(([key, schema]) => configRows(key, schema as Schema, false)))
}

/** The operator's verbs with the keys of their bodies; `reason` belongs to all. */
function verbs (): string {
  return table(['verb', 'body, besides `reason`', 'what it does'], VERBS.map(({ name, summary, body }) => {
    const { properties = {}, required = [] } = body as Schema
    const keys = Object.keys(properties).filter((key) => key !== 'reason')
    return [code(name), keys.map((key) => code(required.includes(key) ? key : `${key}?`)).join(', '), summary]
  }))
}

/** What the command line prints about itself. */
async function help (...argv: string[]): Promise<string> {
  let printed = ''
  const io = { stdout: (text: string) => { printed += text }, stderr: (text: string) => { throw new Error(text) }, env: {} }
  // Help needs none of them.
  await cli([...argv, '--help'], io, {} as CliDependencies)
  return printed
}

async function commandTable (): Promise<string> {
  const listed = /Commands:\n([\s\S]*?)\n(?! )/.exec(await help())?.[1] ?? ''
  const rows = [...listed.matchAll(/^ +(\S+) +(.+)$/gm)].map(async ([, name = '', summary = '']) => {
    const usage = /^Usage: (.+?) \[OPTIONS\]$/m.exec(await help(name))?.[1] ?? name
    return [code(usage), summary]
  })
  return table(['command', 'meaning'], await Promise.all(rows))
}

const commands = await commandTable()

const TABLES: Readonly<Record<string, () => string>> = {
  config,
  commands: () => commands,
  verbs,
  overridable: () => OVERRIDABLE.map(code).join(', '),
  drivers: driverTable,
  capabilities: capabilityTable,
  'driver-keys': driverKeys,
  metrics,
  interlocks: () => reasons('interlock', VETOES),
  waits: () => reasons('wait', WAITS),
  'probe-reasons': () => reasons('probe', PROBE_REASONS),
  'driver-reasons': () => reasons('driver', DRIVER_REASONS),
  'alert-reasons': () => reasons('alert', ALERT_REASONS),
  'story-events': () => keyTable(EventSchema),
  'story-expectations': () => keyTable(ExpectSchema),
  records: () => reasons('record', RECORD_TYPES)
}

/** Names of the tables that README has to have. */
export const TABLE_NAMES: readonly string[] = Object.keys(TABLES)

/** The text with every table renewed; a name that is unknown throws. */
export function renewTables (text: string): string {
  return text.replaceAll(/(<!-- table: (\S+) -->\n)[\s\S]*?(<!-- end -->)/g, (_all, start: string, name: string, end: string) => {
    const render = TABLES[name]
    if (render === undefined) throw new Error(`README.md has an unknown table: ${name}`)
    return `${start}\n${render()}\n\n${end}`
  })
}

if (import.meta.main) await writeFile(README, renewTables(await readFile(README, 'utf8')))
