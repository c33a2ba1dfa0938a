/**
 * Asterisk by its manager interface over HTTP: an interface is an outbound registration of PJSIP. Verified against 22.10.1 and 16.28.0. What
 * shapes the calls:
 *
 * - `PJSIPUnregister` un-registers and cancels what is planned. It is no switch: when the carrier refuses the un-REGISTER or
 *   doesn't answer it, Asterisk registers again after `retry_interval` (asterisk-registration.ts).
 * - `PJSIPRegister` un-registers first, then waits up to `max_random_initial_delay` + 1 s before it registers.
 * - All of it is lost in a restart: Asterisk then registers by itself. A restart is seen by its start-up time.
 */
import { Type } from 'typebox'
import type { ApplyResult, DriverFailure, Observation, ObserveResult } from '../core/observation.ts'
import type { DriverCapabilities } from '../core/topology.ts'
import type { Change, Clock, GatewayDriver, Random, Secret } from '../ports.ts'
import { createAmi } from './asterisk-ami.ts'
import type { Ami, AmiMessage } from './asterisk-ami.ts'
import { asteriskByHand } from './asterisk-by-hand.ts'
import { channelsOf, countOf, createCadence, findRegistration, nameOf, pathOf, REGISTERS_WITHIN_MS, stateOf } from './asterisk-registration.ts'
import type { Registration, Sent } from './asterisk-registration.ts'
import type { DriverKind, InterfaceKind } from './contract.ts'
import { failure } from './driver-failure.ts'
import { eachAlone } from './each-alone.ts'
import { withCredentials } from './http-auth.ts'
import { createHttpClient } from './http-client.ts'
import { readThenAsk, readUntil } from './read-then-write.ts'

export interface AsteriskSettings {
  /** Web server with the prefix of http.conf, for example `http://10.0.4.10:8088/asterisk`. */
  readonly url: string
  readonly username: string
  readonly password: Secret
  /** PEM. */
  readonly ca?: string
  readonly insecure_tls?: boolean
}

const schema = Type.Object({
  url: Type.String({ format: 'http-url', description: 'Asterisk\'s web server with the prefix of http.conf, for example http://10.0.4.10:8088/asterisk' }),
  username: Type.String({ minLength: 1, description: 'section of manager.conf with read and write = system,reporting; it needs webenabled = yes' }),
  password_file: Type.Optional(Type.String({ minLength: 1, description: 'file that holds its secret' })),
  password_env: Type.Optional(Type.String({ minLength: 1, description: 'environment variable that holds its secret' })),
  ca_file: Type.Optional(Type.String({ minLength: 1, description: 'PEM file with the certificate of the gateway or of its issuer; default: the system\'s' })),
  insecure_tls: Type.Optional(Type.Boolean({ default: false, description: 'accept every certificate: whoever is on the way can read what is sent' }))
}, { additionalProperties: false })

const capabilities: DriverCapabilities = {
  registers: true, reportsRegistration: true, reportsPath: false, reportsCalls: true, readsRunningState: true, reregisters: true, unregisters: true,
  persistent: false, reportsAlarms: false, registersWithinMs: REGISTERS_WITHIN_MS
}
const common = {
  switches: 'an outbound registration of PJSIP, by `PJSIPUnregister` and `PJSIPRegister`',
  readBack: '`PJSIPShowRegistrationsOutbound`',
  confirmed: 'Asterisk 22.10.1 and 16.28.0'
}
const OBJECT = /^[^:]+$/
const WITH_ENDPOINT = /^[^:]+:[^:]+$/

const plain: InterfaceKind = { ...common, named: 'the section of a `registration`', takes: (name) => OBJECT.test(name), capabilities: () => capabilities }
const withEndpoint: InterfaceKind = {
  ...common,
  named: 'that and the section of its `endpoint`, `acme:acme-endpoint`: its contact is watched (`qualify_frequency`), its calls are counted',
  takes: (name) => WITH_ENDPOINT.test(name),
  capabilities: () => ({ ...capabilities, reportsPath: true })
}

/** What one look at Asterisk says about all registrations. */
interface Look {
  readonly ok: true
  readonly registrations: readonly AmiMessage[]
  /** Calls of the whole Asterisk. */
  readonly calls: number | undefined
}

/** How long an apply waits for the answer to an un-REGISTER, in pauses [ms]; two round trips, since carriers challenge it. */
const PAUSES_MS = [20, 40, 80, 160, 300, 400, 500, 500] as const

function createDriver (settings: AsteriskSettings, { clock, random }: { readonly clock: Clock; readonly random: Random }): GatewayDriver {
  const { username, password } = settings
  const client = createHttpClient({ ca: settings.ca, insecureTls: settings.insecure_tls })
  // arawman takes nothing but digest.
  const ami = createAmi(withCredentials(client.send, { scheme: 'digest', username, password }, random), settings.url.replace(/\/+$/, ''))
  const sent = new Map<string, Sent>()
  const cadence = createCadence()
  let startedAt: string | null = null
  let restartedAtMs: number | null = null

  /** A restart forgets what we sent, and registers. */
  const noteStart = (status: AmiMessage): void => {
    const seen = `${status.get('CoreStartupDate')} ${status.get('CoreStartupTime')}`
    if (startedAt !== null && startedAt !== seen) {
      restartedAtMs = clock.monotonicMs()
      sent.clear()
    }
    startedAt = seen
  }

  const lookNow = async (signal: AbortSignal): Promise<Look | DriverFailure> => {
    // The start-up time first: a registration that is read after it is not older.
    const status = await ami({ action: 'CoreStatus', reads: true }, signal)
    if (!status.ok) return status
    noteStart(status.response)
    const list = await ami({ action: 'PJSIPShowRegistrationsOutbound', reads: true }, signal)
    if (list.ok) return { ok: true, registrations: list.events, calls: countOf(status.response.get('CoreCurrentCalls')) }
    // So it says that there are none.
    return list.message?.startsWith('No outbound registrations') === true ? { ok: true, registrations: [], calls: undefined } : list
  }

  let lastLook: Promise<unknown> = Promise.resolve()
  let nextLook: { readonly signal: AbortSignal; readonly result: Promise<Look | DriverFailure> } | null = null
  /** The changes of one call that ask while a look is under way share the one after it: else each would read the same list, and all writes come last. */
  const look = (signal: AbortSignal): Promise<Look | DriverFailure> => {
    if (nextLook?.signal === signal) return nextLook.result
    const mine = { signal, result: lastLook.then(() => {
      if (nextLook === mine) nextLook = null
      return lookNow(signal)
    }) }
    nextLook = mine
    lastLook = mine.result.catch(() => {})
    return mine.result
  }

  const judge = (name: string, registration: Registration) => stateOf(registration, { sent: sent.get(name) ?? null, restartedAtMs, nextLookMs: cadence.gapMs() }, clock.monotonicMs())

  const observe = async (interfaces: readonly string[], signal: AbortSignal): Promise<ObserveResult> => {
    cadence.look(clock.monotonicMs())
    const seen = await look(signal)
    if (!seen.ok) return seen
    const observed = new Map<string, Observation>()
    for (const name of interfaces) {
      const { registration, endpoint } = nameOf(name)
      const found = findRegistration(seen.registrations, registration)
      const own = endpoint === null ? { ok: true, path: null, calls: seen.calls } as const : await readEndpoint(ami, endpoint, signal)
      if (!own.ok) return own
      // Asterisk 16 does not count the channels of an endpoint.
      const calls = own.calls ?? seen.calls
      const told = calls === undefined ? {} : { calls }
      const state = found === null ? { admin: 'disabled', registered: null } as const : judge(registration, found)
      observed.set(name, { present: found !== null, ...state, path: own.path, ...told })
    }
    return { ok: true, interfaces: observed }
  }

  const read = async (registration: string, signal: AbortSignal): Promise<{ readonly ok: true; readonly found: Registration } | DriverFailure> => {
    const seen = await look(signal)
    if (!seen.ok) return seen
    const found = findRegistration(seen.registrations, registration)
    return found === null ? failure('no-interface', `Asterisk has no registration ${registration}`) : { ok: true, found }
  }

  const command = async (action: 'PJSIPRegister' | 'PJSIPUnregister', registration: string, signal: AbortSignal): Promise<DriverFailure | null> => {
    const atMs = clock.monotonicMs()
    const reply = await ami({ action, parameters: { registration }, reads: false }, signal)
    // An enable that may still be executed counts as one; a disable only when it was accepted.
    const desired = action === 'PJSIPRegister' ? 'enabled' : 'disabled'
    if (!reply.ok) {
      if (desired === 'enabled' && reply.effect === 'unknown') sent.set(registration, { desired, atMs })
      return reply
    }
    // "Failed to queue …" is a success, too.
    if (reply.response.get('Message') !== (desired === 'enabled' ? 'Reregistration sent' : 'Unregistration sent')) return failure('not-data', `${action}: answered without having sent it`, 'unknown')
    sent.set(registration, { desired, atMs })
    return null
  }

  const disable = async (registration: string, signal: AbortSignal): Promise<ApplyResult> => {
    const failed = await command('PJSIPUnregister', registration, signal)
    if (failed !== null) return failed
    const isOff = ({ found }: { readonly found: Registration }): boolean => judge(registration, found).admin === 'disabled'
    const after = await readUntil(() => read(registration, signal), isOff, PAUSES_MS, clock, signal)
    if (!after.ok) return { ...after, effect: 'unknown' }
    if (isOff(after)) return { ok: true, activated: true }
    return failure('no-effect', after.found.status === 'Rejected' ? 'the carrier refused the un-REGISTER, so Asterisk registers again soon' : 'the carrier has not answered the un-REGISTER yet', 'unknown')
  }

  const apply = async ({ interface: name, desired, permit }: Change, signal: AbortSignal): Promise<ApplyResult> => {
    const { registration } = nameOf(name)
    const before = await readThenAsk(() => read(registration, signal), permit, clock)
    if (!before.ok) return before
    const { admin, registered } = judge(registration, before.found)
    if (desired === 'disabled') return admin === 'disabled' && before.found.status === 'Unregistered' ? { ok: true, activated: true } : disable(registration, signal)
    if (admin === 'enabled' && (registered === true || before.found.status === 'Unregistered')) return { ok: true, activated: true }
    const failed = await command('PJSIPRegister', registration, signal)
    if (failed !== null) return failed
    // It is seen when it registers; until then only what was sent says that it is on.
    const after = await read(registration, signal)
    return after.ok ? { ok: true, activated: true } : { ...after, effect: 'unknown' }
  }

  return {
    observe,
    apply: eachAlone(apply),
    reregister: async (name, signal) => {
      const { registration } = nameOf(name)
      const before = await read(registration, signal)
      if (!before.ok) return before
      if (judge(registration, before.found).admin === 'disabled') return failure('rpc-error', 'the registration is off; only an enable may make it register')
      return await command('PJSIPRegister', registration, signal) ?? { ok: true }
    },
    close: () => {
      client.close()
      return Promise.resolve()
    }
  }
}

/** What an endpoint says about the way to the carrier and its calls. */
async function readEndpoint (ami: Ami, endpoint: string, signal: AbortSignal): Promise<{ readonly ok: true; readonly path: Observation['path']; readonly calls: number | undefined } | DriverFailure> {
  const reply = await ami({ action: 'PJSIPShowEndpoint', parameters: { endpoint }, reads: true }, signal)
  if (reply.ok) return { ok: true, path: pathOf(reply.events), calls: channelsOf(reply.events) }
  return reply.message?.startsWith('Unable to retrieve endpoint') === true ? failure('no-interface', `Asterisk has no endpoint ${endpoint}`) : reply
}

/** The kind `asterisk`. */
export const asterisk: DriverKind<AsteriskSettings> = {
  name: 'asterisk',
  schema,
  interfaces: [plain, withEndpoint],
  byHand: asteriskByHand,
  create: createDriver
}
