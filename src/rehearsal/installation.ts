/**
 * An installation as it is configured, on virtual time: every gateway, interface, carrier and the monitoring as models, and
 * the real Pointsman between them.
 */
import type { Config } from '../config/config.ts'
import type { InterfaceKey, InterfaceTopology, Mode, Topology, TrunkId, TrunkTopology } from '../core/topology.ts'
import type { GatewayDriver, SipClient, SipTarget } from '../ports.ts'
import { behaviourOf } from './behaviour.ts'
import { createFakeClock, createSeededRandom } from './fake-clock.ts'
import type { FakeClock } from './fake-clock.ts'
import { createModelCarrier } from './model-carrier.ts'
import type { ModelCarrier, QueryAnswer } from './model-carrier.ts'
import { createModelDriver } from './model-driver.ts'
import type { Life, Vantage, Witness } from './model-driver.ts'
import { createModelGateway } from './model-gateway.ts'
import type { ModelGateway } from './model-gateway.ts'
import { createModelMonitoring } from './model-monitoring.ts'
import type { ModelMonitoring } from './model-monitoring.ts'
import { buildOutcome } from './outcome.ts'
import { createProcess } from './process.ts'
import type { Process } from './process.ts'
import { addressOf } from './test-file.ts'

export interface InstallationOptions {
  readonly config: Config
  /** Mode of all trunks; null: as configured. */
  readonly mode: Mode | null
  /** Interfaces that are enabled at the start. */
  readonly enabled: readonly InterfaceKey[]
  readonly registrar: QueryAnswer
  readonly shippedAlerts: boolean
  readonly startMs: number
  /** Sees what Pointsman does to the gateways. */
  readonly witness?: Witness
}

export interface Installation {
  readonly clock: FakeClock
  readonly topology: Topology
  readonly monitoring: ModelMonitoring
  readonly process: Process
  readonly vantage: Vantage
  /** One model for each interface; those of a gateway share its fate. */
  readonly lines: ReadonlyMap<InterfaceKey, ModelGateway>
  linesOf(gateway: string): readonly ModelGateway[]
  carrierOf(trunk: TrunkId): ModelCarrier
  setAddressAlive(address: string, alive: boolean): void
  /** Interfaces of the trunk that calls reach, whatever Pointsman knows. */
  carriedBy(trunk: TrunkId): readonly InterfaceKey[]
  /** Commands that left, in order, as `enabled pbx-b/SIP1`. */
  readonly commands: readonly { readonly atMs: number; readonly text: string; readonly trunk: TrunkId }[]
  step(ms: number): Promise<void>
}

interface Member { readonly trunk: TrunkTopology; readonly iface: InterfaceTopology; readonly line: ModelGateway; readonly contact: string }

/** Builds it; nothing runs yet. */
export function createInstallation (options: InstallationOptions): Installation {
  const { config } = options
  const topology = options.mode === null ? config.topology : inMode(config.topology, options.mode)
  const clock = createFakeClock(options.startMs)
  const vantage: Vantage = { cut: false }
  const deadAddresses = new Set<string>()
  const commands: { atMs: number; text: string; trunk: TrunkId }[] = []
  const carriers = new Map([...topology.trunks.values()].map((trunk) => [trunk.id, carrierFor(trunk)]))
  const members = [...topology.trunks.values()].flatMap((trunk) => trunk.interfaces.map((iface) => memberOf(trunk, iface)))
  const monitoring = createModelMonitoring(clock, { shipped: options.shippedAlerts, watchdog: watchdogLabels(topology) })

  function carrierFor (trunk: TrunkTopology): ModelCarrier {
    const { auth, onSecond, expiresMs } = trunk.registration
    const carrier = createModelCarrier(clock, auth === 'ip' || trunk.type === 'shared' ? 'coexist' : onSecond, expiresMs / 1000)
    carrier.setQueryAnswer(options.registrar)
    return carrier
  }
  function memberOf (trunk: TrunkTopology, iface: InterfaceTopology): Member {
    const carrier = carriers.get(trunk.id)
    if (carrier === undefined) throw new Error(`no trunk ${trunk.id}`)
    const { auth, expiresMs } = trunk.registration
    const expires = expiresMs / 1000
    const contact = iface.contact?.hostPort ?? `${addressOf(iface.sipProbe).replace(/^sips?:/, '')}:5060`
    const line = createModelGateway({ id: iface.key, contact, behaviour: behaviourOf(iface.capabilities, iface.registersWithinMs, expires), enabled: options.enabled.includes(iface.key), expires: auth === 'register' ? expires : null, clock, carrier })
    return { trunk, iface, line, contact }
  }
  const byKey = new Map(members.map((member) => [member.iface.key, member]))
  const byGateway = Map.groupBy(members, ({ iface }) => iface.gateway)
  const byTrunk = Map.groupBy(members, ({ trunk }) => trunk.id)
  const byAddress = Map.groupBy(members, ({ iface }) => addressOf(iface.sipProbe))
  const byRegistrar = new Map(config.bindings.map(({ target, trunk }) => [registrarKey(target), byTrunk.get(trunk) ?? []]))

  const { witness: onlooker = BLIND } = options
  const witness: Witness = {
    ...onlooker,
    sends: (key, command) => {
      commands.push({ atMs: clock.now(), text: `${command} ${key}`, trunk: byKey.get(key)?.trunk.id ?? '' })
      onlooker.sends(key, command)
    }
  }
  const driverOf = (id: string, life: Life): GatewayDriver => {
    const members = byGateway.get(id) ?? []
    return createModelDriver(id, new Map(members.map(({ iface, line }) => [iface.name, line])), members.every(({ iface }) => iface.capabilities.reregisters), { clock, life, vantage, witness })
  }
  const setup = (life: Life): ReturnType<Parameters<typeof createProcess>[0]['setup']> => ({
    mode: options.mode ?? config.mode,
    topology,
    gateways: config.gateways.map(({ id, timeoutMs }) => ({ id, driver: driverOf(id, life), timeoutMs, interfaces: (byGateway.get(id) ?? []).map(({ iface }) => iface.name) })),
    queries: config.bindings,
    alertmanagers: config.alertmanagers.map(() => monitoring.client),
    heartbeat: null
  })
  const process = createProcess({ clock, random: createSeededRandom(7), sip: () => createSip(), setup, probes: config.probes })

  /** OPTIONS to gateways, carriers and canaries; questions to the registrars. */
  function createSip (): SipClient {
    const registrarOf = (target: SipTarget): readonly Member[] => byRegistrar.get(registrarKey(target)) ?? []
    const answers = (uri: string): boolean => {
      const own = byAddress.get(uri)
      if (own !== undefined) return own.some(({ line }) => line.voiceLives() && !line.has('unseen'))
      return !deadAddresses.has(uri)
    }
    const silence = async (timeoutMs: number, signal: AbortSignal): Promise<{ readonly kind: 'failed'; readonly reason: 'timeout'; readonly detail: string }> => {
      await clock.sleep(timeoutMs, signal)
      return { kind: 'failed', reason: 'timeout', detail: 'no answer' }
    }
    /** As the configuration knows the contacts. */
    const asConfigured = (own: readonly Member[], answer: ReturnType<ModelCarrier['query']>): ReturnType<ModelCarrier['query']> => answer === 'silent' || answer.kind !== 'listed'
      ? answer
      : { ...answer, contacts: answer.contacts.map((contact) => {
          const pattern = own.find((member) => member.contact === contact.hostPort)?.iface.contact
          return { ...contact, user: pattern?.user ?? contact.user, instance: pattern?.instance ?? contact.instance }
        }) }
    return {
      probe: async ({ target: { uri } }, timeoutMs, signal) => {
        if (!vantage.cut && answers(uri)) return buildOutcome({ reason: 'alive', code: 200, durationMs: 0, detail: '200 OK' })
        await clock.sleep(timeoutMs, signal)
        return buildOutcome({ reason: 'timeout', durationMs: timeoutMs, retransmissions: 3, detail: 'no answer' })
      },
      release: async () => {},
      queryBindings: async (target, _credentials, timeoutMs, signal) => {
        const own = registrarOf(target)
        const answer = vantage.cut ? 'silent' : asConfigured(own, carriers.get(own[0]?.trunk.id ?? '')?.query() ?? 'silent')
        return answer === 'silent' ? await silence(timeoutMs, signal) : answer
      },
      changeBindings: async (target, _credentials, changes, timeoutMs, signal) => {
        const own = registrarOf(target)
        const answer = vantage.cut ? 'silent' : asConfigured(own, carriers.get(own[0]?.trunk.id ?? '')?.change(changes) ?? 'silent')
        return answer === 'silent' ? await silence(timeoutMs, signal) : answer
      },
      close: async () => {}
    }
  }

  const reaches = ({ line, trunk, contact }: Member): boolean => {
    const carrier = carriers.get(trunk.id)
    return carrier !== undefined && line.runs() && line.voiceLives() && !line.has('uplink-cut') && carrier.alive() && (trunk.registration.auth === 'ip' || carrier.bound().includes(contact))
  }

  return {
    clock,
    topology,
    monitoring,
    process,
    vantage,
    lines: new Map(members.map(({ iface, line }) => [iface.key, line])),
    linesOf: (gateway) => (byGateway.get(gateway) ?? []).map(({ line }) => line),
    carrierOf: (trunk) => {
      const carrier = carriers.get(trunk)
      if (carrier === undefined) throw new Error(`no trunk ${trunk}`)
      return carrier
    },
    setAddressAlive: (address, alive) => {
      if (alive) deadAddresses.delete(address)
      else deadAddresses.add(address)
      for (const [id, carrier] of carriers) {
        const own = (byTrunk.get(id) ?? []).filter(({ iface }) => iface.carrierProbe !== null)
        const isDead = ({ iface }: Member): boolean => deadAddresses.has(addressOf(iface.carrierProbe ?? ''))
        carrier.setAlive(own.length === 0 || !own.every(isDead))
        // An address of its own: only this way is cut.
        for (const member of own.filter(({ iface }) => addressOf(iface.carrierProbe ?? '') === address)) {
          if (alive) member.line.heal('uplink-cut')
          else if (!own.every(isDead)) member.line.inject('uplink-cut')
        }
      }
    },
    carriedBy: (trunk) => (byTrunk.get(trunk) ?? []).filter(reaches).map(({ iface }) => iface.key),
    commands,
    step: async (ms) => {
      for (const { line } of members) line.tick()
      monitoring.tick(process.subject())
      await clock.advance(ms)
    }
  }
}

/** Sees nothing. */
const BLIND: Witness = { sends: () => {}, rebinds: () => {}, called: () => {}, answered: () => {} }

function registrarKey ({ uri, aor }: SipTarget): string {
  return `${uri} ${aor ?? ''}`
}

/** An alert that the configured matchers take for the watchdog. */
function watchdogLabels ({ watchdog }: Topology): Readonly<Record<string, string>> | null {
  if (watchdog === null) return null
  return { alertname: 'Watchdog', severity: 'none', ...Object.fromEntries(watchdog.match.filter(({ operator }) => operator === '=').map(({ name, value }) => [name, value])) }
}

function inMode (topology: Topology, mode: Mode): Topology {
  return { ...topology, trunks: new Map([...topology.trunks].map(([id, trunk]) => [id, { ...trunk, mode }])) }
}
