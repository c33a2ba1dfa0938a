/** The trunks of a crash run, and the configuration of the Pointsman that is killed: real shape, short times. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { SecondContactPolicy } from '../../src/simulator/registrar.ts'
import type { SimulatedPair } from '../../src/simulator/world.ts'

/** What strikes the interface that carries a trunk. */
export type Fault = 'uplink' | 'rejected' | 'sip' | 'dead' | 'frozen'

/** One way in which a carrier and its trunk are set up. */
export interface TrunkKind {
  readonly name: string
  /** What the simulated carrier does; `coexist` lets every wrong enable be seen. */
  readonly carrier: SecondContactPolicy
  /** What Pointsman is told about it. */
  readonly told: SecondContactPolicy
  readonly query: boolean
  /** Lifetime of a registration [s]. */
  readonly expires: number
  /** Faults that Pointsman can see there. */
  readonly faults: readonly Fault[]
}

const ALL: readonly Fault[] = ['uplink', 'rejected', 'sip', 'dead', 'frozen']

export const KINDS: readonly TrunkKind[] = [
  { name: 'rejecting', carrier: 'reject', told: 'reject', query: true, expires: 2, faults: ALL },
  // Long enough that an enable without proof comes while the old binding lives.
  { name: 'coexisting', carrier: 'coexist', told: 'reject', query: true, expires: 4, faults: ALL },
  // Without a query only the timer proves anything, and a lost registration is not seen.
  { name: 'timed', carrier: 'coexist', told: 'reject', query: false, expires: 2, faults: ['sip', 'dead', 'frozen'] },
  { name: 'replacing', carrier: 'replace', told: 'replace', query: true, expires: 2, faults: ALL }
]

/** Pause of a simulated gateway before each answer: room to strike between two requests of one change. [ms] */
export const SLOW_MS = 25

export const TOKENS = { webhook: 'am-token', operator: 'operator-token' } as const

/** Writes secrets and `pointsman.yaml` into the directory; returns the file's path. */
export async function writeConfiguration (directory: string, listen: string, trunks: readonly { readonly kind: TrunkKind; readonly pair: SimulatedPair }[]): Promise<string> {
  const [first] = trunks
  if (first === undefined) throw new Error('no trunks')
  const secrets = { pbx: first.pair.management.password, carrier: first.pair.account.password, am: TOKENS.webhook, operator: TOKENS.operator }
  await mkdir(join(directory, 'secrets'), { recursive: true })
  for (const [name, value] of Object.entries(secrets)) await writeFile(join(directory, 'secrets', name), value)
  const file = join(directory, 'pointsman.yaml')
  await writeFile(file, `
mode: automatic
store: {path: pointsman.db}
web:
  listen: ${listen}
  users:
    - {name: alertmanager, role: webhook, token_file: secrets/am}
    - {name: anna, role: operator, token_file: secrets/operator}
gateways:
${trunks.flatMap(({ kind, pair }) => [gateway(`${kind.name}-a`, pair, pair.a.url), gateway(`${kind.name}-b`, pair, pair.b.url)]).join('\n')}
probes:
  options: {method: OPTIONS, interval: 200ms, timeout: 150ms, fall: 2, rise: 1}
  binding: {method: REGISTER, operation: query, username: '${first.pair.account.username}', password_file: secrets/carrier, interval: 500ms, doubt_interval: 500ms, timeout: 300ms}
trunks:
${trunks.map(({ kind, pair }) => trunk(kind, pair)).join('\n')}
rules:
  - name: trunk-down
    match: ['alertname="SipTrunkDown"']
    target: {trunk: '{trunk}', gateway: '{gateway}'}
    demand: disable
# A pair of gateways falls again and again here, which is what brake and latch are for; nothing else is let off.
interlocks: {cooldown: 1s, spacing: [0s, 300ms], warmup: 3s, brake: {incidents: 1000, per_day: 10000}, latch: {switchovers: 100, per: 1m}, hold: 1s}
`)
  return file
}

function gateway (name: string, pair: SimulatedPair, url: string): string {
  return `  ${name}: {driver: innovaphone, url: '${url}', username: ${pair.management.username}, password_file: secrets/pbx, auth: basic, timeout: 500ms, observe: {interval: 500ms, fall: 2, rise: 1}, registers_within: 2s}`
}

function trunk (kind: TrunkKind, pair: SimulatedPair): string {
  const iface = (side: 'a' | 'b'): string => {
    const gateway = pair[side]
    return `      - {gateway: ${kind.name}-${side}, interface: ${pair.interfaceName}, sip: '${gateway.sipUri}', contact: '${gateway.contact}', carrier: '${pair.carrier.uri}', probe: options}`
  }
  return `  ${kind.name}:
    type: exclusive
    registration: {auth: register, on_second: ${kind.told}, expires: ${kind.expires}s, aor: '${pair.account.aor}', registrar: '${pair.carrier.uri}'${kind.query ? ', query: binding' : ''}}
    interfaces:
${iface('a')}
${iface('b')}
    emergency: true`
}
