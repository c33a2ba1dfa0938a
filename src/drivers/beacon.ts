/**
 * A standby that registers at Pointsman itself, by local SRV records: priority 0 is this beacon, the carrier comes last
 * (innovaphone's how-to "automatic registration switch with local DNS SRV"). Nothing is changed at the standby.
 *
 * - Disabled: the beacon accepts the standby's REGISTER, so it stays here. Enabled: it refuses, so it goes on to the carrier,
 *   at its next REGISTER, which comes before the lifetime ends that was granted.
 * - The standby asks the beacon first each time: once the beacon accepts again, nothing is refreshed at the carrier.
 * - The verdict is the process' own and is restored from the trunk's stored state; before that it accepts.
 */
import { Type } from 'typebox'
import { parseDuration } from '../config/duration.ts'
import { parseListenAddress } from '../config/listen.ts'
import type { ApplyResult, Observation } from '../core/observation.ts'
import type { BeaconSettings, BeaconStation, Change, GatewayDriver, Secret } from '../ports.ts'
import { shellQuoted } from '../shell.ts'
import type { ByHand, DriverKind, InterfaceKind } from './contract.ts'
import { failure } from './driver-failure.ts'
import { eachAlone } from './each-alone.ts'

export interface BeaconFileSettings {
  readonly listen: readonly string[]
  readonly second?: readonly string[]
  readonly realm: string
  readonly username: string
  readonly password: Secret
  readonly algorithms?: BeaconSettings['algorithms']
  readonly expires?: string
  readonly refusal?: BeaconSettings['refusal']
}

const text = (description: string) => Type.Optional(Type.String({ minLength: 1, description }))

const ALGORITHMS = ['MD5', 'SHA-256', 'SHA-512-256'] as const

const schema = Type.Object({
  listen: Type.Array(Type.String({ format: 'beacon-address' }), { minItems: 1, description: 'transports and addresses that the standby registers at, for example udp:10.0.9.9:5060; each is a target of its SRV records before the carrier' }),
  second: Type.Optional(Type.Array(Type.String({ format: 'beacon-address' }), { minItems: 1, description: 'where the second beacon listens (`pointsman beacon`, on another machine): it goes on while Pointsman is dead' })),
  realm: Type.String({ pattern: '^[ !#-\\[\\]-~]+$', description: 'realm of the digest authentication: the carrier\'s, which the standby knows' }),
  username: Type.String({ minLength: 1, description: 'user name that the standby registers with' }),
  password_file: text('file that holds its password'),
  password_env: text('environment variable that holds its password'),
  algorithms: Type.Optional(Type.Array(Type.Enum([...ALGORITHMS]), { minItems: 1, description: 'digest algorithms in the order in which they are offered; some user agents look at the first one only; default MD5, SHA-256' })),
  expires: Type.Optional(Type.String({ format: 'positive-duration', description: 'longest lifetime that is granted: the standby takes over within it, and Pointsman has to be back within half of it after a restart; default 60s' })),
  refusal: Type.Optional(Type.Enum(['answer', 'silence'], { description: 'what a standby gets that shall go on to the carrier: answer (default) = a 503; silence = nothing, for one that does not go on after a 503' }))
}, { additionalProperties: false })

const EXPIRES = '60s'
/** What a standby needs beside the lifetime: its REGISTER at the next server, with repetitions [ms]. */
const MARGIN_MS = 15_000

/** The one interface of a beacon. */
const STANDBY = 'standby'

function expiresMs (settings: Readonly<Record<string, unknown>>): number {
  const { expires } = settings
  return parseDuration(typeof expires === 'string' ? expires : EXPIRES) ?? 0
}

const standby: InterfaceKind = {
  named: '`standby`',
  takes: (name) => name === STANDBY,
  switches: 'whether a standby\'s REGISTER is refused, so that it goes on to the carrier by its SRV records',
  readBack: 'the beacon\'s own state, and whether the standby is still bound there',
  confirmed: 'Kamailio 5.6.3 as the standby, BIND 9.18 for its SRV records',
  capabilities: (settings) => ({
    registers: true, reportsRegistration: false, reportsPath: true, reportsCalls: false, readsRunningState: true, reregisters: false, unregisters: false, persistent: false,
    reportsAlarms: false, registersWithinMs: expiresMs(settings) + MARGIN_MS
  })
}

const ABSENT: Observation = { present: false, admin: 'disabled', registered: null, path: null }

/** Where no Pointsman runs: a check of the gateways, for example. */
const NOWHERE: BeaconStation = {
  configure: () => () => Promise.resolve(),
  turn: () => {},
  refuses: () => false,
  look: () => ({ ok: false, detail: 'a beacon is a part of a running Pointsman' }),
  addresses: () => []
}

function createDriver (settings: BeaconFileSettings, station: BeaconStation): GatewayDriver {
  const { listen, second, realm, username, password, algorithms = ['MD5', 'SHA-256'], refusal = 'answer' } = settings
  const end = station.configure({ listen: listen.flatMap((text) => parseListenAddress(text) ?? []), realm, username, password, algorithms, expiresMs: expiresMs({ ...settings }), hasSecond: second !== undefined, refusal })

  const apply = async ({ interface: name, desired, permit }: Change, signal: AbortSignal): Promise<ApplyResult> => {
    if (name !== STANDBY) return failure('no-interface', `a beacon has no interface ${name}`)
    const look = station.look()
    if (!look.ok) return failure('local-error', look.detail)
    const refused = await permit()
    if (refused !== null) return refused
    if (signal.aborted) return failure('aborted', 'cancelled')
    station.turn(desired === 'enabled')
    return { ok: true, activated: true }
  }

  return {
    observe: (interfaces) => {
      const look = station.look()
      if (!look.ok) return Promise.resolve(failure('local-error', look.detail))
      return Promise.resolve({ ok: true, interfaces: new Map(interfaces.map((name) => [name, name === STANDBY ? look.observation : ABSENT])) })
    },
    apply: eachAlone(apply),
    reregister: () => Promise.resolve(failure('rpc-error', 'only the standby itself can register anew')),
    close: end
  }
}

function byHand (settings: Readonly<Record<string, unknown>>, login: string): ByHand {
  const { listen } = settings as { readonly listen: readonly string[] }
  const probes = listen.map((text) => `pointsman probe ${shellQuoted(`sip:${text.replace(/^(?:udp|tcp):/, '')};transport=${text.slice(0, 3)}`)}`)
  return {
    login: { defines: `${login}() { :; }`, asks: null },
    observe: () => ({ commands: probes, note: '200: the beacon accepts, the standby stays here. 503 or no answer: it refuses, or Pointsman is down, and the standby is at the carrier.' }),
    apply: (_, desired) => desired === 'enabled'
      ? { commands: [], note: 'Nothing has to be done while Pointsman is down: its beacon does not answer, so the standby registers at the carrier by itself. Else: stop Pointsman, or take the beacon\'s SRV records away.' }
      : { commands: [], note: 'Only the beacon can call the standby back: start Pointsman. Until then disable the trunk at the standby itself.' }
  }
}

/** The kind `beacon`. */
export const beacon: DriverKind<BeaconFileSettings> = {
  name: 'beacon',
  schema,
  isOwnPart: true,
  interfaces: [standby],
  byHand,
  create: (settings, { station = () => NOWHERE }) => createDriver(settings, station())
}
