/** A whole Pointsman on loopback against the simulated pair: real sockets, real files, short times. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createApp } from '../../src/app.ts'
import type { App } from '../../src/app.ts'
import { systemClock, systemRandom } from '../../src/clock.ts'
import { loadConfig } from '../../src/config/load.ts'
import type { Status, TrunkStatus } from '../../src/core/status.ts'
import { drivers } from '../../src/drivers/registry.ts'
import type { JournalRecord, Log } from '../../src/ports.ts'
import { createSimulatedPair } from '../../src/simulator/world.ts'
import type { SimulatedPair, SimulatedPairOptions } from '../../src/simulator/world.ts'

export interface RunningPair {
  readonly pair: SimulatedPair
  app(): App
  url(): string
  readonly configFile: string
  status(): Promise<Status>
  trunk(): Promise<TrunkStatus>
  /** Posts a notification in Alertmanager's format; the HTTP status. */
  alert(status: 'firing' | 'resolved', gateway: string, startsAt: string): Promise<number>
  command(verb: string, body: object): Promise<{ status: number; body: Record<string, unknown> }>
  records(): Promise<JournalRecord[]>
  /** Stops Pointsman and starts it again on the same store. */
  restart(): Promise<void>
  stop(): Promise<void>
}

/** Of the beacon. */
const REALM = 'beacon.example'

const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => silent }

/** Starts carrier, gateways and Pointsman in `directory`. */
export async function startPair (directory: string, options: Partial<SimulatedPairOptions> & { mode?: string; log?: Log; type?: 'exclusive' | 'shared' | 'srv'; beaconPort?: number } = {}): Promise<RunningPair> {
  const pair = await createSimulatedPair({ clock: systemClock, random: systemRandom, expires: 3, retryMs: 300, ...options })
  await mkdir(join(directory, 'secrets'), { recursive: true })
  const secrets = { pbx: pair.management.password, carrier: pair.account.password, operator: 'operator-token', am: 'am-token' }
  for (const [name, value] of Object.entries(secrets)) await writeFile(join(directory, 'secrets', name), value)
  const gateway = (g: SimulatedPair['a']): string => `{driver: innovaphone, url: '${g.url}', username: ${pair.management.username}, password_file: secrets/pbx, timeout: 1s, observe: {interval: 1s, fall: 2, rise: 1}, registers_within: 5s}`
  const iface = (name: string, g: SimulatedPair['a']): string => `{gateway: ${name}, interface: ${pair.interfaceName}, sip: '${g.sipUri}', contact: '${g.contact}', carrier: '${pair.carrier.uri}', probe: options}`
  const configFile = join(directory, 'pointsman.yaml')
  await writeFile(configFile, `
mode: ${options.mode ?? 'automatic'}
store: {path: pointsman.db}
web:
  listen: 127.0.0.1:0
  users:
    - {name: alertmanager, role: webhook, token_file: secrets/am}
    - {name: anna, role: operator, token_file: secrets/operator}
gateways:
  pbx-a: ${gateway(pair.a)}
  ${options.beaconPort === undefined ? `pbx-b: ${gateway(pair.b)}` : `standby: {driver: beacon, listen: ['udp:127.0.0.1:${options.beaconPort}'], realm: ${REALM}, username: '${pair.account.username}', password_file: secrets/carrier, expires: 3s, timeout: 500ms, observe: {interval: 500ms}}`}
probes:
  options: {method: OPTIONS, interval: 500ms, timeout: 500ms, fall: 2, rise: 1}
  binding: {method: REGISTER, operation: query, username: '${pair.account.username}', password_file: secrets/carrier, interval: 500ms, doubt_interval: 500ms, timeout: 300ms}
trunks:
  acme:
    type: ${options.type ?? 'exclusive'}
    registration: ${options.type === 'shared' ? '{auth: register, on_second: coexist}' : `{auth: register, on_second: ${options.onSecond ?? 'reject'}, expires: ${options.expires ?? 3}s, aor: '${pair.account.aor}', registrar: '${pair.carrier.uri}', query: binding}`}
    interfaces:
      - ${iface('pbx-a', pair.a)}
      - ${options.beaconPort === undefined ? iface('pbx-b', pair.b) : `{gateway: standby, interface: standby, sip: '${pair.b.sipUri}', contact: {user: standby}, carrier: '${pair.carrier.uri}', probe: options}`}
    emergency: ${options.type !== 'srv'}
rules:
  - name: trunk-down
    match: ['alertname="SipTrunkDown"']
    target: {trunk: '{trunk}', gateway: '{gateway}'}
    demand: disable
interlocks: {cooldown: 5s, spacing: [0s, 1s], warmup: 5s, hold: 2s}
`)
  const loaded = await loadConfig(configFile, drivers)
  if (!loaded.ok) throw new Error(loaded.problems.map((p) => `${p.line}:${p.column} ${p.path} ${p.message}`).join('\n'))
  let app = createApp(loaded.config, { log: options.log ?? silent, version: 'test' })
  await app.start()
  const url = (): string => `http://${app.address().host}:${app.address().port}`
  const status = async (): Promise<Status> => await (await fetch(`${url()}/api/v1/status`)).json() as Status
  const post = (path: string, token: string, body: object): Promise<Response> => fetch(url() + path, { method: 'POST', headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' }, body: JSON.stringify(body) })
  return {
    pair,
    app: () => app,
    url,
    configFile,
    status,
    trunk: async () => {
      const [trunk] = (await status()).trunks
      if (trunk === undefined) throw new Error('no trunk in the status')
      return trunk
    },
    alert: async (state, name, startsAt) => {
      const labels = { alertname: 'SipTrunkDown', trunk: 'acme', gateway: name, severity: 'critical' }
      const alert = { status: state, labels, annotations: {}, startsAt, endsAt: state === 'firing' ? '0001-01-01T00:00:00Z' : new Date().toISOString(), generatorURL: '' }
      const body = { version: '4', groupKey: '{}', truncatedAlerts: 0, status: state, receiver: 'pointsman', groupLabels: {}, commonLabels: labels, commonAnnotations: {}, externalURL: '', alerts: [alert] }
      return (await post('/api/v1/alerts', secrets.am, body)).status
    },
    command: async (verb, body) => {
      const response = await post(`/api/v1/commands/${verb}`, secrets.operator, body)
      return { status: response.status, body: await response.json() as Record<string, unknown> }
    },
    records: async () => {
      const list = await (await fetch(`${url()}/api/v1/decisions?limit=50`)).json() as { decisions: { id: string }[] }
      const each = await Promise.all(list.decisions.map(async ({ id }) => await (await fetch(`${url()}/api/v1/decisions/${id}`)).json() as { records: JournalRecord[] }))
      return each.flatMap((decision) => decision.records).sort((x, y) => x.atMs - y.atMs)
    },
    restart: async () => {
      await app.stop()
      app = createApp(loaded.config, { log: options.log ?? silent, version: 'test' })
      await app.start()
    },
    stop: async () => {
      await app.stop()
      await pair.stop()
    }
  }
}

/** Waits until `check` holds. @throws after `ms` with the last value */
export async function until<T> (what: string, ms: number, look: () => Promise<T> | T, check: (value: T) => boolean): Promise<T> {
  const end = performance.now() + ms
  for (;;) {
    const value = await look()
    if (check(value)) return value
    if (performance.now() > end) throw new Error(`${what}: not within ${ms} ms; last: ${JSON.stringify(value)?.slice(0, 2000)}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
