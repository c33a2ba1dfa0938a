/** The engine alone on a fake clock: gateways are scripted drivers, the store is in memory. For races that a whole world can't time. */
import type { AdminState, ApplyResult, Observation, ObserveResult } from '../../src/core/observation.ts'
import type { Topology } from '../../src/core/topology.ts'
import type { TrunkState } from '../../src/core/world.ts'
import { eachAlone } from '../../src/drivers/each-alone.ts'
import { createEngine } from '../../src/engine/engine.ts'
import type { EngineSetup, RunningEngine } from '../../src/engine/engine.ts'
import type { Clock, GatewayDriver, JournalRecord, Log, Metrics } from '../../src/ports.ts'
import { createSecret } from '../../src/secret.ts'
import { A, B, buildTopology, CARRIER, sipOf } from './build-world.ts'
import type { WorldParts } from './build-world.ts'
import { createFakeClock, createSeededRandom } from '../../src/rehearsal/fake-clock.ts'
import type { FakeClock } from '../../src/rehearsal/fake-clock.ts'
import { createMemoryStore } from '../../src/rehearsal/memory-store.ts'
import type { MemoryStore } from '../../src/rehearsal/memory-store.ts'
import { buildOutcome, NO_PROBES } from '../../src/rehearsal/outcome.ts'

/** A gateway that obeys; a test replaces `observe` and `apply` where it doesn't. */
export interface ScriptedGateway {
  admin: AdminState
  /** Commands that arrived, with their time in seconds since the start. */
  readonly got: string[]
  observe: (names: readonly string[], signal: AbortSignal) => Promise<ObserveResult>
  apply: (name: string, desired: AdminState, signal: AbortSignal) => Promise<ApplyResult>
  /** Its SIP address answers with this code; null: silent. */
  sip: number | null
}

export interface Rig {
  readonly clock: FakeClock
  readonly store: MemoryStore
  readonly a: ScriptedGateway
  readonly b: ScriptedGateway
  engine(): RunningEngine
  trunk(): TrunkState
  setup(parts?: WorldParts): EngineSetup
  /** Time passes second by second; every probe reports each of them. */
  pass(seconds: number): Promise<void>
  /** Sleeps that were begun: a loop that spins begins thousands. */
  sleeps(): number
  /** Binding queries that were asked; each is refused with 403. */
  questions(): number
  fire(gateway: string): Promise<void>
  records(): readonly JournalRecord[]
}

export const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => silent }
export const unmeasured: Metrics = { increment: () => {}, observe: () => {} }
/** More sleeps than that are a loop that spins; it is put to rest, or a fake clock would never advance. */
const SPINS = 50_000

function createScripted (clock: FakeClock, startMs: number, admin: AdminState): ScriptedGateway {
  const gateway: ScriptedGateway = {
    admin,
    got: [],
    sip: 200,
    observe: async (names) => {
      await clock.sleep(10)
      const seen = (): Observation => ({ present: true, admin: gateway.admin, registered: gateway.admin === 'enabled', path: 'up' })
      return { ok: true, interfaces: new Map(names.map((name) => [name, seen()])) }
    },
    apply: async (_name, desired) => {
      gateway.got.push(`${desired} ${((clock.now() - startMs) / 1000).toFixed(1)}`)
      await clock.sleep(50)
      gateway.admin = desired
      return { ok: true, activated: true }
    }
  }
  return gateway
}

/** A started engine: A on and registered, B off, everything up and warm. */
export async function startRig (parts: WorldParts = {}, options: { readonly store?: MemoryStore } = {}): Promise<Rig> {
  const clock = createFakeClock()
  const startMs = clock.now()
  const store = options.store ?? createMemoryStore()
  let sleeps = 0
  let questions = 0
  const counting: Clock = {
    ...clock,
    sleep: (ms, signal) => {
      sleeps++
      return sleeps > SPINS ? new Promise(() => {}) : clock.sleep(ms, signal)
    }
  }
  const gateways = new Map([['pbx-a', createScripted(clock, startMs, 'enabled')], ['pbx-b', createScripted(clock, startMs, 'disabled')]])
  const [a, b] = [...gateways.values()]
  if (a === undefined || b === undefined) throw new Error('no gateways')
  const driverOf = (id: string): GatewayDriver => {
    const gateway = gateways.get(id)
    if (gateway === undefined) throw new Error(`no gateway ${id}`)
    return {
      observe: (names, signal) => gateway.observe(names, signal),
      apply: eachAlone(async ({ interface: name, desired, permit }, signal) => await permit() ?? await gateway.apply(name, desired, signal)),
      reregister: async () => ({ ok: true }),
      close: async () => {}
    }
  }
  const setup = (change: WorldParts = parts): EngineSetup => {
    const topology: Topology = buildTopology({ onSecond: 'replace', ...change })
    return {
      mode: 'automatic',
      topology,
      gateways: [...topology.gateways.keys()].map((id) => ({ id, driver: driverOf(id), timeoutMs: 2000, interfaces: ['SIP1'] })),
      queries: topology.trunks.get('acme')?.registration.query == null ? [] : [{ trunk: 'acme', target: { uri: 'sip:carrier' }, credentials: { username: 'acme', password: createSecret('x') }, timeoutMs: 1000 }],
      alertmanagers: [],
      heartbeat: null
    }
  }
  const sip = { probe: () => Promise.reject(new Error('not asked')), release: async () => {}, queryBindings: async () => { questions++; return { kind: 'refused' as const, code: 403 } }, changeBindings: () => Promise.reject(new Error('not asked')), close: async () => {} }
  const engine = createEngine(setup(), { clock: counting, random: createSeededRandom(3), store, sip, metrics: unmeasured, log: silent, version: 'test', probes: NO_PROBES })
  await engine.start()
  const probe = (id: string, code: number | null): void => {
    const reason = code === null ? 'timeout' : code === 200 ? 'alive' : 'bad-code'
    engine.probed(id, buildOutcome({ reason, code }), clock.now())
  }
  const rig: Rig = {
    clock,
    store,
    a,
    b,
    engine: () => engine,
    trunk: () => engine.world.trunks.get('acme') ?? (() => { throw new Error('no trunk') })(),
    setup,
    pass: async (seconds) => {
      for (let second = 0; second < seconds; second++) {
        probe(CARRIER, 200)
        probe(sipOf(A), a.sip)
        probe(sipOf(B), b.sip)
        await clock.advance(1000)
      }
    },
    sleeps: () => sleeps,
    questions: () => questions,
    fire: async (gateway) => {
      const labels = { alertname: 'SipTrunkDown', trunk: 'acme', gateway }
      const alert = { status: 'firing', labels, annotations: {}, startsAt: new Date(clock.now()).toISOString(), endsAt: '0001-01-01T00:00:00Z', generatorURL: '' }
      const taken = engine.receive({ version: '4', groupKey: '{}', truncatedAlerts: 0, status: 'firing', receiver: 'p', groupLabels: {}, commonLabels: {}, commonAnnotations: {}, externalURL: '', alerts: [alert] })
      await clock.settle()
      if (!(await taken).ok) throw new Error('the alert was not taken')
    },
    records: () => store.allRecords()
  }
  await rig.pass(40)
  return rig
}
