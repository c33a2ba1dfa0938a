/**
 * innovaphone gateways by their HTTP command line: `GET /cfg.txt` shows the stored configuration, `GET /!config …` changes
 * it. Built from the vendor's documentation (13r1-SDK cdr.htm; wiki "Howto:Effect arbitrary Configuration Changes using a
 * HTTP Command Line Client or from an Update") and from public code that switches real devices (n-tho/sipScheduler); not
 * yet confirmed on a device. An interface is switched by the flag `/disabled` of its line, `write` (survives a restart),
 * `activate` (makes it run), then the line is read again.
 *
 * What a command answers is nowhere documented, so nothing is believed but the line read back. cfg.txt shows the stored
 * state, not the running one: an interface is off for certain only after an answered `activate`.
 */
import { Type } from 'typebox'
import type { Observation, ObserveResult } from '../core/observation.ts'
import type { DriverCapabilities } from '../core/topology.ts'
import type { Clock, GatewayDriver, Random, Secret } from '../ports.ts'
import type { DriverKind, InterfaceKind } from './contract.ts'
import { failure } from './driver-failure.ts'
import { withCredentials } from './http-auth.ts'
import { createHttpClient } from './http-client.ts'
import { innovaphoneByHand } from './innovaphone-by-hand.ts'
import { readCondition } from './innovaphone-condition.ts'
import { adminOf, isMasked, parseConfig } from './innovaphone-config-line.ts'
import type { LineSearch } from './innovaphone-config-line.ts'
import type { EditMode, RawRequests } from './innovaphone-edit.ts'
import { createDevicesAsk } from './innovaphone-devices.ts'
import { readConfig } from './innovaphone-http.ts'
import type { Ask } from './innovaphone-http.ts'
import { createWriter } from './innovaphone-writer.ts'

export interface InnovaphoneSettings {
  /** Web server of the gateway, without a path: `https://10.0.1.10`; with `device` the URL of the Devices App. */
  readonly url: string
  /** Account with full administrator rights; used for reading too, so that a wrong one is known before it is needed. */
  readonly username: string
  readonly password: Secret
  /** PEM. */
  readonly ca?: string
  readonly insecure_tls?: boolean
  readonly auth?: 'auto' | 'basic' | 'digest'
  readonly edit?: 'change' | 'add-rem'
  /** By the name of the interface. */
  readonly raw?: Readonly<Record<string, RawRequests>>
  /** Serial number of the gateway: it is reached through the Devices App at `url`. */
  readonly device?: string
  readonly domain?: string
}

/**
 * A path with its query as captured; without the page to return to, without a value of asterisks, which would become the
 * value, and without a password, which has no place in the file.
 */
const CAPTURED = String.raw`^/(?!.*[?&]redirect=)(?!.*=(\*|%2[Aa])+(&|$))(?!.*[?&][^=&]*([Pp][Ww][Dd]|[Pp]ass)[^=&]*=[^&])[!-~]+$`
const captured = (description: string) => Type.String({ pattern: CAPTURED, description })

const schema = Type.Object({
  url: Type.String({ format: 'http-url', description: 'web server of the gateway, for example https://10.0.1.10; with device: URL of the Devices App, for example https://apps.acme.example/acme.example/devices/innovaphone-devices' }),
  username: Type.String({ minLength: 1, description: 'account with full administrator rights; with device: name of the Devices App' }),
  password_file: Type.Optional(Type.String({ minLength: 1, description: 'file that holds its password' })),
  password_env: Type.Optional(Type.String({ minLength: 1, description: 'environment variable that holds its password' })),
  ca_file: Type.Optional(Type.String({ minLength: 1, description: 'PEM file with the certificate of the gateway or of its issuer; default: the system\'s' })),
  insecure_tls: Type.Optional(Type.Boolean({ default: false, description: 'accept every certificate: whoever is on the way can read the password' })),
  device: Type.Optional(Type.String({ pattern: '^[0-9A-Fa-f]{12}$', description: 'serial number (MAC address) of the gateway, for example 0090334100be: it is reached through the Devices App, whose name and password are username and password; not yet confirmed' })),
  domain: Type.Optional(Type.String({ minLength: 1, description: 'with device: domain of the App\'s login; default: none' })),
  auth: Type.Optional(Type.Unsafe<'auto' | 'basic' | 'digest'>({
    ...Type.Enum(['auto', 'basic', 'digest']), default: 'auto', description: 'HTTP authentication; auto: what the gateway asks for; digest: never sends the password'
  })),
  edit: Type.Optional(Type.Unsafe<'change' | 'add-rem'>({
    ...Type.Enum(['change', 'add-rem']), default: 'change', description: 'change: the whole line is sent back with or without /disabled, as public code does on devices; add-rem: only the flag is sent (config add, config rem), also where the line hides a value; not yet seen on a device'
  })),
  raw: Type.Optional(Type.Record(Type.String({ pattern: '^SIP[1-9][0-9]?$' }), Type.Object({
    enable: captured('path and query of the administration UI that enable the interface, for example /RELAY0/SIP1/mod_cmd.xml?cmd=…, without redirect= and without passwords'),
    disable: captured('the same to disable it')
  }, { additionalProperties: false }), { description: 'requests captured from the administration UI, by interface: {SIP1: {enable: /…, disable: /…}}; write, activate and the read-back come after them as always' }))
}, { additionalProperties: false })

const capabilities: DriverCapabilities = {
  registers: true, reportsRegistration: false, reportsPath: false, reportsCalls: false, readsRunningState: false, reregisters: false,
  // Whether disabling sends an un-REGISTER is unknown, so it doesn't count.
  unregisters: false, persistent: true, reportsAlarms: true, registersWithinMs: 30_000
}

const sipInterface: InterfaceKind = {
  named: '`SIP1` … `SIP16`',
  takes: (name) => /^SIP[1-9]\d?$/.test(name),
  switches: 'a SIP interface of the relay, by the flag `/disabled` of its line',
  readBack: '`cfg.txt` after an answered `activate`',
  confirmed: 'built from the vendor\'s documentation and public code, not yet confirmed on a device; that disabling un-registers is unknown and counts as no',
  capabilities: () => capabilities
}

/** Of several lines any may run, so one that is enabled counts. */
function observationOf (search: LineSearch, mode: EditMode): Observation | null {
  if (search.kind === 'cut-off') return null
  const lines = search.kind === 'one' ? [search.line] : search.kind === 'several' ? search.lines : []
  const admin = lines.some((line) => adminOf(line) === 'enabled') ? 'enabled' : 'disabled'
  const obstacle = lines.length > 1 ? { obstacle: 'conflict' as const } : mode === 'change' && lines.some(isMasked) ? { obstacle: 'line-masked' as const } : {}
  return { present: lines.length > 0, admin, registered: null, path: null, ...obstacle }
}

async function observe (ask: Ask, modeOf: (name: string) => EditMode, interfaces: readonly string[], signal: AbortSignal): Promise<ObserveResult> {
  const reading = await readConfig(ask, signal)
  if (!reading.ok) return reading
  const config = parseConfig(reading.text)
  const observed = new Map<string, Observation>()
  for (const name of interfaces) {
    const observation = observationOf(config.find(name), modeOf(name))
    if (observation === null) return failure('truncated', `cfg.txt ends before the line of ${name}`)
    observed.set(name, observation)
  }
  return { ok: true, interfaces: observed }
}

function createDriver (settings: InnovaphoneSettings, { clock, random }: { readonly clock: Clock; readonly random: Random }): GatewayDriver {
  const { username, password, auth = 'auto', edit = 'change', raw = {} } = settings
  const base = settings.url.replace(/\/+$/, '')
  const client = createHttpClient({ ca: settings.ca, insecureTls: settings.insecure_tls })
  const send = withCredentials(client.send, { scheme: auth, username, password }, random)
  const devices = settings.device === undefined ? null : createDevicesAsk(settings, settings.device, client.send)
  const ask: Ask = devices?.ask ?? ((path, reads, signal) => send({ method: 'GET', url: `${base}${path}`, reads, signal }))
  const modeOf = (name: string): EditMode => raw[name] ?? edit
  return {
    observe: (interfaces, signal) => observe(ask, modeOf, interfaces, signal),
    apply: createWriter(ask, modeOf, clock),
    condition: (signal) => readCondition(ask, signal),
    reregister: () => Promise.resolve(failure('rpc-error', 'an innovaphone gateway has no command to register anew')),
    close: () => {
      devices?.close()
      client.close()
      return Promise.resolve()
    }
  }
}

/** The kind `innovaphone`. */
export const innovaphone: DriverKind<InnovaphoneSettings> = {
  name: 'innovaphone',
  schema,
  interfaces: [sipInterface],
  byHand: innovaphoneByHand,
  create: createDriver
}
