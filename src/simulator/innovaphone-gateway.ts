/**
 * A simulated PBX gateway that looks like an innovaphone over HTTP and registers at a carrier by SIP.
 *
 *     const gateway = await createSimulatedGateway({ name: 'pbx-a', host: '127.0.0.1', username: 'admin', password: 'ip', interfaces: [...], clock, random })
 *     gateway.url        'http://127.0.0.1:40123': GET /cfg.txt, /!config change|add|rem|write|activate, xml-alarms, box_info.xml
 *     gateway.sipUri     'sip:127.0.0.1:40124': answers OPTIONS; every interface enabled in the running configuration registers from here
 *     await gateway.inject({ uplink: 'cut' })      one fault or several (gateway-faults.ts); clear() ends them all
 *     await gateway.kill(); await gateway.revive() power off and on: it boots what is in flash
 *     gateway.administrator('config change …')     what another administrator does meanwhile
 *     gateway.state('SIP1')                        { stored, flash, running, registered }
 *     await gateway.stop()
 *
 * What public sources don't tell is made up and may not be relied on: the reply body of `/!config`, the names of the options
 * on a SIP line except `/disabled` and `/name`, the challenge's realm.
 */
import type { Clock, Random } from '../ports.ts'
import { lineName, optionValue, parseCommand, renderFile, renderLine } from './cfg-text.ts'
import type { ConfigLine } from './cfg-text.ts'
import { createDeviceConfiguration, lineState } from './device-configuration.ts'
import type { DeviceConfiguration, LineState } from './device-configuration.ts'
import { isInterfaceLine, NO_GATEWAY_FAULTS, shownLines } from './gateway-faults.ts'
import type { GatewayFaults } from './gateway-faults.ts'
import { createLineRegistrations } from './line-registrations.ts'
import type { LineRegistrations } from './line-registrations.ts'
import { createManagementServer } from './management-http.ts'
import type { ManagedDevice, ManagementRequest } from './management-http.ts'
import { createManagementLogin } from './management-login.ts'
import { createSipEndpoint, parsePeer, peerName } from './sip-endpoint.ts'
import type { SipEndpointOptions } from './sip-endpoint.ts'

/** A SIP interface as it is configured when the gateway is new. */
export interface SimulatedInterface {
  /** `SIP1` … `SIP16`. */
  readonly name: string
  readonly enabled: boolean
  /** Free text of `/name`, for example the trunk. */
  readonly label: string
  /** SIP account at the carrier: `username@domain`. */
  readonly username: string
  readonly domain: string
  readonly password: string
  /** Carrier as `host:port`; the host is an IPv4 address. */
  readonly proxy: string
  /** Wanted lifetime of the registration [s]. */
  readonly expires: number
}

export interface SimulatedGatewayOptions {
  readonly name: string
  readonly host: string
  /** 0 (default): any free port. */
  readonly httpPort?: number
  /** 0 (default): any free port. */
  readonly sipPort?: number
  /** Account of the management interface. */
  readonly username: string
  readonly password: string
  /** `form`: native authentication is disabled; every request gets a login form. Default `basic`. */
  readonly auth?: 'basic' | 'digest' | 'form'
  readonly interfaces: readonly SimulatedInterface[]
  /** Pause after a refused or unanswered REGISTER [ms]. Default 30 s. */
  readonly retryMs?: number
  /** Longest wait for an answer to a REGISTER [ms]. Default 32 s (Timer F, RFC 3261 §17.1.2.2). */
  readonly answerMs?: number
  /** Whether disabling an interface un-registers it. Unknown for real devices; default false. */
  readonly unregisterOnDisable?: boolean
  /** What cfg.txt shows between change and activate. Unknown for real devices; default `stored`. */
  readonly cfgShows?: 'stored' | 'running'
  readonly clock: Clock
  readonly random: Random
}

export interface InterfaceState {
  readonly stored: LineState
  readonly flash: LineState
  readonly running: LineState
  /** The last REGISTER succeeded and its lifetime isn't over. */
  readonly registered: boolean
}

export interface SimulatedGateway {
  readonly name: string
  readonly url: string
  readonly sipUri: string
  /** `host:port` of its Contact. */
  readonly contact: string
  /** Every HTTP request that arrived, in order. */
  readonly requests: readonly ManagementRequest[]
  state(interfaceName: string): InterfaceState
  faults(): GatewayFaults
  inject(faults: Partial<GatewayFaults>): Promise<void>
  clear(): Promise<void>
  /** Executes a command as if typed on the device itself. Throws when it isn't one. */
  administrator(command: string): void
  rotatePassword(password: string): void
  /** Loses what was not written, registers anew. */
  reboot(): void
  /** Power off: no HTTP, no SIP, nothing is un-registered. */
  kill(): Promise<void>
  revive(): Promise<void>
  stop(): Promise<void>
}

const ALIVE = { status: 200, reason: 'OK' }
const NOT_ALLOWED = { status: 405, reason: 'Method Not Allowed' }
/** Modules that this device has. */
const MODULES: ReadonlySet<string> = new Set(['RELAY0', 'CMD0', 'IP0', 'UP1', 'LOG0'])

const interfaceLine = (options: SimulatedInterface): ConfigLine => ({
  module: 'RELAY0',
  object: options.name,
  options: [
    ...(options.enabled ? [] : [{ name: 'disabled', value: null }]),
    { name: 'name', value: options.label.split('/').map(encodeURIComponent).join('/') },
    { name: 'id', value: encodeURIComponent(`${options.username}@${options.domain}`) },
    { name: 'proxy', value: options.proxy },
    { name: 'expires', value: String(options.expires) }
  ]
})

const baseLines = (name: string): readonly ConfigLine[] => [
  { module: 'CMD0', object: '', options: [{ name: 'name', value: name }] },
  { module: 'IP0', object: '', options: [{ name: 'no-dhcp', value: null }] }
]

const escapeXml = (text: string): string => text.replace(/[<>&"]/g, (char) => `&#${char.charCodeAt(0)};`)

/** What cfg.txt, the alarms and the commands stand on. */
interface DeviceParts {
  readonly options: SimulatedGatewayOptions
  readonly configuration: DeviceConfiguration
  readonly registrations: LineRegistrations
  readonly faults: () => GatewayFaults
  /** Executes a command past all faults. */
  readonly execute: (command: string) => boolean
  /** Called once the fault `editAfterRead` has struck. */
  readonly edited: () => void
}

const createDevice = ({ options, configuration, registrations, faults, execute, edited }: DeviceParts): ManagedDevice => {
  const { name, clock, random } = options
  // A device stores passwords as opaque variables beside the lines; whoever rewrites a line doesn't touch them.
  const variables = options.interfaces.map((entry) => `vars create RELAY0/${entry.name}/PWD pc ${random.hex(16)}`)
  const shown = (): readonly ConfigLine[] => shownLines(options.cfgShows === 'running' ? configuration.running() : configuration.stored(), faults())
  const alarm = (failing: string): string =>
    `<fault type="alarm" severity="2" code="0x00010002" time="${new Date(clock.now()).toISOString()}"><text>SIP registration failed: ${failing}</text></fault>`
  return {
    shownLines: shown,
    cfgText: () => renderFile([`${name} configuration`, '13r3 sr5 IP811[simulated]'], variables, shown().map(renderLine)),
    cfgWasRead: () => {
      if (!faults().editAfterRead) return
      edited()
      for (const line of configuration.stored().filter(isInterfaceLine)) execute(`config add ${lineName(line)} /comment edited`)
    },
    alarmsXml: () => `<faults>${registrations.failing().map(alarm).join('')}</faults>\r\n`,
    boxInfoXml: () => `<info><sys version="13r3 sr5 [simulated] Bootcode [1] HW [1]" name="${escapeXml(name)}"${faults().resetRequired ? ' reset-required="true"' : ''}/></info>\r\n`,
    registrationsXml: (wanted) => {
      const { pair } = faults()
      if (pair === 'none') return null
      // Each of the two sees the other one; a registration shows its password.
      const partner = pair === 'active' ? '_STANDBY_' : '_ACTIVE_'
      return `<show>${wanted === partner ? `<reg cn="${partner}" pwd="${random.hex(8)}" state="up"/>` : ''}</show>\r\n`
    },
    execute: (command) => {
      const parsed = parseCommand(command)
      if (parsed === null) return false
      if (faults().ignored.includes(parsed.verb)) return true
      if (parsed.verb === 'add' || parsed.verb === 'rem') {
        if (faults().addRem === 'unknown') return false
        if (faults().addRem === 'replaces' && parsed.verb === 'add') return execute(command.replace('config add', 'config change'))
      }
      return execute(command)
    }
  }
}

/** OPTIONS is answered; the faults of the gateway's SIP side decide which packets get through. */
const sipSide = (options: SimulatedGatewayOptions, configuration: DeviceConfiguration, faults: () => GatewayFaults): SipEndpointOptions => {
  const isCarrier = (address: string): boolean => configuration.running().some((line) => {
    const proxy = parsePeer(optionValue(line, 'proxy') ?? '')
    return proxy !== null && peerName(proxy) === address
  })
  return {
    host: options.host,
    port: options.sipPort ?? 0,
    clock: options.clock,
    passes: (peer) => faults().sip === 'none' && (faults().uplink === 'none' || !isCarrier(peerName(peer))),
    answer: (request) => ({
      ...(request.method === 'OPTIONS' ? ALIVE : NOT_ALLOWED), toTag: options.random.hex(8), headers: [['Allow', 'OPTIONS']]
    })
  }
}

/** Opens the gateway's two sockets and starts to register. */
export const createSimulatedGateway = async (options: SimulatedGatewayOptions): Promise<SimulatedGateway> => {
  const { name, host, clock, random } = options
  const configuration = createDeviceConfiguration([...baseLines(name), ...options.interfaces.map(interfaceLine)])
  let current = NO_GATEWAY_FAULTS
  const faults = (): GatewayFaults => current
  let password = options.password
  let powered = true

  const endpoint = await createSipEndpoint(sipSide(options, configuration, faults))
  const registrations = createLineRegistrations({
    endpoint,
    passwords: new Map(options.interfaces.map((entry) => [entry.name, entry.password])),
    retryMs: options.retryMs ?? 30_000,
    answerMs: options.answerMs ?? 32_000,
    unregisterOnDisable: options.unregisterOnDisable ?? false,
    clock,
    random
  })
  const followRunning = (): void => { if (powered) registrations.follow(configuration.running()) }
  const execute = (text: string): boolean => {
    const command = parseCommand(text)
    if (command === null || ('line' in command && !MODULES.has(command.line.module))) return false
    configuration.execute(command)
    if (command.verb === 'activate') followRunning()
    return true
  }
  const edited = (): void => { current = { ...current, editAfterRead: false } }
  const management = await createManagementServer({
    host,
    port: options.httpPort ?? 0,
    clock,
    device: createDevice({ options, configuration, registrations, faults, execute, edited }),
    faults,
    admit: createManagementLogin({ auth: options.auth ?? 'basic', username: options.username, password: () => password, clock, random })
  })
  const inject = async (changes: Partial<GatewayFaults>): Promise<void> => {
    current = { ...current, ...changes }
    if (powered) await management.faultsChanged()
  }
  const kill = async (): Promise<void> => {
    powered = false
    registrations.dropAll()
    await Promise.all([management.close(), endpoint.close()])
  }
  const revive = async (): Promise<void> => {
    if (powered) return
    configuration.reboot()
    await endpoint.reopen()
    powered = true
    await management.faultsChanged()
    followRunning()
  }

  followRunning()
  return {
    name,
    url: `http://${host}:${management.port}`,
    sipUri: `sip:${host}:${endpoint.port}`,
    contact: `${host}:${endpoint.port}`,
    requests: management.requests,
    state: (interfaceName) => {
      const of = (lines: readonly ConfigLine[]): LineState => lineState(lines, `RELAY0 ${interfaceName}`)
      const [stored, flash, running] = [of(configuration.stored()), of(configuration.flash()), of(configuration.running())]
      return { stored, flash, running, registered: registrations.registered(interfaceName) }
    },
    faults,
    inject,
    clear: () => inject(NO_GATEWAY_FAULTS),
    administrator: (command) => {
      if (!execute(command)) throw new Error(`not a command of this device: ${command}`)
    },
    rotatePassword: (next) => { password = next },
    reboot: () => {
      registrations.dropAll()
      configuration.reboot()
      followRunning()
    },
    kill,
    revive,
    stop: kill
  }
}
