/**
 * What is fuzzed: the HTTP server over the real engine, configured by a file that names planted secrets. Gateways obey or
 * fail as the dice say, probes turn up and down, the clock is moved by hand, the store is in memory and outlives restarts.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../../src/config/config.ts'
import { loadConfig } from '../../src/config/load.ts'
import type { BindingAnswer, ListedContact } from '../../src/core/binding.ts'
import type { AdminState, DriverFailure } from '../../src/core/observation.ts'
import { eachAlone } from '../../src/drivers/each-alone.ts'
import { drivers } from '../../src/drivers/registry.ts'
import { createEngine } from '../../src/engine/engine.ts'
import type { EngineSetup, RunningEngine } from '../../src/engine/engine.ts'
import { createExporter } from '../../src/exporter/exporter.ts'
import { createHttpServer } from '../../src/http/server.ts'
import type { HttpServer } from '../../src/http/server.ts'
import { createLogger } from '../../src/logging/logger.ts'
import { renderLine } from '../../src/logging/text.ts'
import { createReadableMetrics } from '../helpers/readable-metrics.ts'
import type { AlertmanagerClient, Clock, GatewayDriver, SipClient } from '../../src/ports.ts'
import { createProbeHistory } from '../../src/probes/history.ts'
import { createFakeClock, createSeededRandom } from '../../src/rehearsal/fake-clock.ts'
import type { FakeClock } from '../../src/rehearsal/fake-clock.ts'
import { createMemoryStore } from '../../src/rehearsal/memory-store.ts'
import { leakIn, writeSecrets } from './canary.ts'
import type { Dice } from './random.ts'
import type { Tally } from './tally.ts'
import { shorten } from './tally.ts'
import { buildOutcome, NO_PROBES } from '../../src/rehearsal/outcome.ts'

export interface Subject {
  readonly clock: FakeClock
  readonly config: Config
  engine(): RunningEngine
  http(): HttpServer
  /** What the Alertmanager lists from now on. */
  list(alerts: readonly unknown[]): void
  /** Some seconds pass; probes and gateways change their minds. */
  live(seconds: number): Promise<void>
  /** The process ends and another one starts on the same store. */
  restart(): Promise<void>
  stop(): Promise<void>
}

/** Names with every character that the configuration allows. */
export const TRUNKS = ['acme', 'Beta.East_1'] as const
export const GATEWAYS = ['pbx-a', 'PBX_b.2'] as const

export const CONFIGURATION = `
mode: automatic
web:
  users:
    - {name: alertmanager, role: webhook, token_file: secrets/webhook}
    - {name: anna, role: operator, token_file: secrets/operator, password_file: secrets/password}
alertmanagers: [{url: 'http://127.0.0.1:9', token_file: secrets/alertmanager}]
gateways:
  pbx-a: {driver: innovaphone, url: 'http://127.0.0.1:9', username: pointsman, password_file: secrets/gateway}
  PBX_b.2: {driver: kamailio, url: 'http://127.0.0.2:9/RPC', token_file: secrets/gateway}
probes:
  options: {method: OPTIONS, interval: 1s, timeout: 500ms, fall: 2, rise: 1}
  binding: {method: REGISTER, operation: query, username: '4930123', password_file: secrets/carrier, interval: 10s, doubt_interval: 5s}
trunks:
${TRUNKS.map((trunk, index) => `  ${trunk}:
    type: exclusive
    registration: {auth: register, on_second: ${index === 0 ? 'reject' : 'replace'}, expires: 20s, aor: 'sip:${index}@acme.example', registrar: 'sip:127.0.0.3', query: binding}
    interfaces:
${GATEWAYS.map((gateway, at) => `      - {gateway: ${gateway}, interface: SIP${index + 1}, sip: 'sip:127.0.0.${at + 1}', contact: '127.0.0.${at + 1}:506${index}', carrier: 'sip:127.0.0.3', probe: options}`).join('\n')}
`).join('')}rules:
  - {name: down, match: ['alertname=~"(?i)sip.*down"', 'severity!="info"'], target: {trunk: '{trunk}', gateway: '{gateway}', interface: '{interface}'}, demand: disable}
  - {name: unbound, match: ['alertname="SipTrunkSick"'], target: {trunk: '{trunk}'}, demand: disable, evidence: none}
interlocks: {cooldown: 30s, spacing: [0s, 5s], warmup: 5s}
`

const FAILURE: DriverFailure = { ok: false, reason: 'timeout', detail: 'no answer', effect: 'unknown' }

/** Of a gateway, whatever it answers. */
const LATENCY_MS = 50

/** A gateway that mostly obeys. */
function createGateway (dice: Dice, clock: Clock, enabled: boolean): GatewayDriver & { readonly mood: { down: boolean } } {
  const states = new Map<string, AdminState>()
  const mood = { down: false }
  const stateOf = (name: string): AdminState => states.get(name) ?? (enabled ? 'enabled' : 'disabled')
  return {
    mood,
    observe: async (names) => {
      await clock.sleep(LATENCY_MS)
      if (mood.down || dice.chance(0.05)) return { ...FAILURE, effect: 'none' }
      return { ok: true, interfaces: new Map(names.map((name) => [name, { present: true, admin: stateOf(name), registered: dice.chance(0.1) ? null : stateOf(name) === 'enabled', path: dice.chance(0.1) ? 'down' : 'up' }])) }
    },
    apply: eachAlone(async ({ interface: name, desired }) => {
      await clock.sleep(LATENCY_MS)
      if (mood.down) return FAILURE
      if (dice.chance(0.9)) states.set(name, desired)
      return dice.chance(0.1) ? FAILURE : { ok: true, activated: true }
    }),
    reregister: async () => dice.chance(0.5) ? { ok: true } : FAILURE,
    close: async () => {}
  }
}

const contactOf = (hostPort: string, expiresSeconds: number): ListedContact => ({ uri: `sip:0@${hostPort}`, user: '0', hostPort, instance: null, expiresSeconds })

/** Of a registrar that says anything. */
const answerOf = async (dice: Dice, clock: Clock): Promise<BindingAnswer> => {
  await clock.sleep(LATENCY_MS)
  if (dice.chance(0.3)) return { kind: 'failed', reason: 'timeout', detail: 'no answer' }
  return { kind: 'listed', contacts: dice.chance(0.2) ? [] : [contactOf(`127.0.0.${1 + dice.int(3)}:506${dice.int(2)}`, dice.int(20))] }
}

const createSip = (dice: Dice, clock: Clock): SipClient => ({
  probe: async () => buildOutcome(dice.chance(0.5) ? { reason: 'alive', code: 200, detail: '200 OK' } : { reason: 'timeout' }),
  release: async () => {},
  queryBindings: () => answerOf(dice, clock),
  changeBindings: () => answerOf(dice, clock),
  close: async () => {}
})

/** Every line must be one JSON object, without a secret; as text it must not speak to a terminal. */
export function createSink (tally: Tally): { write (line: string): void } {
  return {
    write: (line) => {
      const leak = leakIn(line)
      if (leak !== null) tally.fail(`a log line shows ${leak}: ${shorten(line)}`)
      try {
        JSON.parse(line)
      } catch {
        tally.fail(`a log line is no JSON: ${shorten(line)}`)
      }
      for (const format of ['pretty', 'logfmt'] as const) {
        // oxlint-disable-next-line no-control-regex -- they are what is looked for
        const rest = renderLine(line, format).replaceAll(/\u001B\[\d+m/g, '').slice(0, -1)
        // oxlint-disable-next-line no-control-regex
        if (/[\u0000-\u001F\u007F-\u009F]/.test(rest)) tally.fail(`a log line has control characters as ${format}: ${shorten(line)}`)
      }
    }
  }
}

/** Loads the configuration, starts the engine and the server (without a port). */
export async function createSubject (directory: string, dice: Dice, tally: Tally): Promise<Subject> {
  writeSecrets(directory)
  const file = join(directory, 'pointsman.yaml')
  writeFileSync(file, CONFIGURATION)
  const loaded = await loadConfig(file, drivers)
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems))
  const { config } = loaded
  const clock = createFakeClock()
  const metrics = createReadableMetrics({ version: 'fuzz' })
  const log = createLogger({ level: 'debug', format: 'json' }, createSink(tally))
  const gateways = new Map(config.gateways.map(({ id }, index) => [id, createGateway(dice, clock, index === 0)]))
  const targets = new Set<string>()
  let listed: readonly unknown[] = []
  const alertmanager: AlertmanagerClient = { alerts: async () => dice.chance(0.1) ? { ok: false, detail: 'no answer' } : { ok: true, alerts: listed } }
  const interfaces = [...config.topology.trunks.values()].flatMap((trunk) => trunk.interfaces)
  const setup: EngineSetup = {
    mode: config.mode,
    topology: config.topology,
    gateways: config.gateways.map(({ id, timeoutMs }) => ({ id, driver: gateways.get(id)!, timeoutMs, interfaces: interfaces.filter((iface) => iface.gateway === id).map((iface) => iface.name) })),
    queries: config.bindings,
    alertmanagers: [alertmanager],
    heartbeat: null
  }
  let store = createMemoryStore()
  let engine: RunningEngine
  let http: HttpServer

  const start = async (): Promise<void> => {
    const sip = createSip(dice, clock)
    const history = createProbeHistory()
    engine = createEngine(setup, { clock, random: createSeededRandom(dice.int(1 << 30)), store, sip, metrics, log, version: 'fuzz', probes: NO_PROBES })
    http = createHttpServer({
      engine, users: config.users, metrics, log: log.child({ component: 'http' }), clock, history, beacons: () => [],
      exporter: createExporter(config, { sip, clock, history, tracing: () => sip }),
      reload: async () => {
        engine.replace(setup)
        return { ok: true }
      }
    })
    await engine.start()
    await http.app.ready()
  }
  const stop = async (): Promise<void> => {
    const stopped = engine.stop()
    await clock.advance(60_000)
    await stopped
    await http.close()
  }
  await start()
  return {
    clock,
    config,
    engine: () => engine,
    http: () => http,
    list: (alerts) => { listed = alerts },
    live: async (seconds) => {
      for (let second = 0; second < seconds; second++) {
        for (const id of config.topology.probes.keys()) {
          if (dice.chance(0.05)) targets[targets.has(id) ? 'delete' : 'add'](id)
          const alive = !targets.has(id)
          engine.probed(id, buildOutcome(alive ? { reason: 'alive', code: 200 } : { reason: 'timeout' }), clock.now())
        }
        for (const gateway of gateways.values()) if (dice.chance(0.03)) gateway.mood.down = !gateway.mood.down
        await clock.advance(1_000)
      }
    },
    restart: async () => {
      await stop()
      store = store.reopen()
      await start()
    },
    stop
  }
}
