/**
 * The whole of Pointsman's engine on a fake clock, with two gateways, one carrier, and a monitoring behind its ports. Only
 * the wires are models: configuration, probes, controller, executor, inbox, resync and querier are the real ones.
 */
import type { Config } from '../config/config.ts'
import type { AdminState } from '../core/observation.ts'
import type { InterfaceTopology, Topology } from '../core/topology.ts'
import type { EngineSetup } from '../engine/engine.ts'
import type { Clock, SipClient } from '../ports.ts'
import { createFakeClock, createSeededRandom, FAKE_START_MS } from './fake-clock.ts'
import type { FakeClock } from './fake-clock.ts'
import { createModelCarrier } from './model-carrier.ts'
import type { ModelCarrier, QueryAnswer } from './model-carrier.ts'
import { createModelDriver, createModelSip } from './model-driver.ts'
import type { Life, Vantage } from './model-driver.ts'
import { behaviourOf } from './behaviour.ts'
import { createModelGateway } from './model-gateway.ts'
import type { Behaviour, ModelGateway } from './model-gateway.ts'
import { createInvariants } from './model-invariants.ts'
import type { Invariants } from './model-invariants.ts'
import { createModelMonitoring } from './model-monitoring.ts'
import type { ModelMonitoring } from './model-monitoring.ts'
import { createProcess } from './process.ts'
import type { Process } from './process.ts'

export type Kind = 'innovaphone' | 'kamailio'

export interface WorldOptions {
  readonly kind: Kind
  /** What the registrar answers to a binding query; null: none is configured. */
  readonly query: QueryAnswer | null
  /** Enabled at the start. */
  readonly enabled: readonly string[]
  /** Two gateways `pbx-a` and `pbx-b` of that kind, one trunk `acme`. */
  readonly config: Config
  /** The clock on the wall at the start; default: the fake clock's. */
  readonly startMs?: number
}

export interface ModelWorld extends Process {
  readonly clock: FakeClock
  readonly gateways: ReadonlyMap<string, ModelGateway>
  readonly carrier: ModelCarrier
  readonly monitoring: ModelMonitoring
  readonly invariants: Invariants
  readonly vantage: Vantage
  /** A person switches something at the gateway itself: nobody may undo that, where it can be told from a restart. */
  touched(gateway: ModelGateway, state: AdminState): void
  /** One step of time for everything. */
  step(ms: number): Promise<void>
}

/** Lifetime of a registration that gateways ask for and the carrier grants, unless a story says otherwise. [s] */
export const EXPIRES_S = 300
/** Without registrations: so long a silent gateway has to be silent. [ms] */
const SILENT_MS = 60_000
export const INTERFACE = 'SIP1'
export const GATEWAYS = [{ letter: 'a', id: 'pbx-a', address: '10.0.1.10' }, { letter: 'b', id: 'pbx-b', address: '10.0.2.10' }] as const

const keyOf = (gateway: string): string => `${gateway}/${INTERFACE}`

function interfaceAt (topology: Topology, id: string): InterfaceTopology {
  const iface = [...topology.trunks.values()].flatMap(({ interfaces }) => interfaces).find(({ gateway }) => gateway === id)
  if (iface === undefined) throw new Error(`no interface of ${id}`)
  return iface
}

function behaviourAt ({ topology }: Config, id: string, expires: number): Behaviour {
  const iface = interfaceAt(topology, id)
  return behaviourOf(iface.capabilities, iface.registersWithinMs, expires)
}

/** Builds the world; nothing runs yet. */
export function createModelWorld (options: WorldOptions): ModelWorld {
  const { config } = options
  const { onSecond, auth, expiresMs } = config.topology.trunks.get('acme')?.registration ?? { onSecond: 'reject' as const, auth: 'register' as const, expiresMs: EXPIRES_S * 1000 }
  const registers = auth === 'register'
  const expires = registers && expiresMs > 0 ? expiresMs / 1000 : EXPIRES_S
  const { startMs = FAKE_START_MS } = options
  const clock = createFakeClock(startMs)
  // Pointsman's clock may be set; the others' clocks go on as they are.
  const truth: Clock = { ...clock, now: () => startMs + clock.monotonicMs() }
  const random = createSeededRandom(7)
  const vantage: Vantage = { cut: false }
  const carrier = createModelCarrier(truth, onSecond, expires)
  if (options.query !== null) carrier.setQueryAnswer(options.query)
  const gateways = new Map(GATEWAYS.map(({ letter, id, address }) => [letter as string, createModelGateway({
    id: keyOf(id), contact: `${address}:5060`, behaviour: behaviourAt(config, id, expires), enabled: options.enabled.includes(letter), expires: registers ? expires : null, clock: truth, carrier
  })]))
  const byAddress = new Map(GATEWAYS.flatMap(({ letter, address }) => {
    const gateway = gateways.get(letter)
    return gateway === undefined ? [] : [[`sip:${address}`, gateway] as const]
  }))
  const monitoring = createModelMonitoring(truth, { shipped: true, watchdog: config.topology.watchdog === null ? null : { alertname: 'Watchdog', severity: 'none' } })
  const invariants = createInvariants({
    clock: truth, startMs, plannerNow: clock.now, planEveryMs: 2000, trunk: 'acme', blind: () => vantage.cut, shared: config.topology.trunks.get('acme')?.type === 'shared', gateways: [...gateways.values()], carrier, proofMs: registers ? expires * 1100 : SILENT_MS, rejects: registers && onSecond === 'reject', registers,
    see: () => {
      const [engine, trunk] = [process.engine(), process.trunk()]
      return engine === null || trunk === null ? null : { trunk, paused: engine.survey().pauses.length > 0, world: engine.world }
    },
    journal: () => process.store().allRecords()
  })

  const setupOf = (life: Life): EngineSetup => ({
    mode: config.mode,
    topology: config.topology,
    gateways: config.gateways.map(({ id, timeoutMs }) => {
      const gateway = [...gateways.values()].find((g) => g.id === keyOf(id))
      if (gateway === undefined) throw new Error(`no model of ${id}`)
      return { id, driver: createModelDriver(id, new Map([[INTERFACE, gateway]]), interfaceAt(config.topology, id).capabilities.reregisters, { clock, life, vantage, witness: invariants }), timeoutMs, interfaces: [INTERFACE] }
    }),
    queries: config.bindings,
    alertmanagers: config.alertmanagers.map(() => monitoring.client),
    heartbeat: null
  })
  const sip = (): SipClient => createModelSip(byAddress, carrier, { clock, vantage, witness: invariants })
  const process = createProcess({ clock, random, sip, setup: setupOf, probes: config.probes })

  return {
    clock,
    gateways,
    carrier,
    monitoring,
    invariants,
    vantage,
    touched: (gateway, state) => { if (interfaceAt(config.topology, gateway.id.split('/')[0] ?? '').capabilities.persistent) invariants.touched(gateway.id, state) },
    ...process,
    step: async (ms) => {
      for (const gateway of gateways.values()) gateway.tick()
      monitoring.tick(process.subject())
      await clock.advance(ms)
      invariants.look()
    }
  }
}
