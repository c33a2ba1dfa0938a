/**
 * Kamailio as a gateway: an interface is a record of the uac module (remote registration), named by its `l_uuid`. Verified
 * against Kamailio 5.6.3. Facts that shape the calls:
 *
 * - `uac.reg_disable` sends nothing, the carrier keeps the binding until it expires. `uac.reg_unregister` sends the
 *   un-REGISTER (nobody sees its answer), sets the lifetime to 0 in memory and leaves the record enabled.
 *   Off is therefore reg_unregister + reg_disable; in between the lifetime of 0 keeps the timer from registering again.
 * - With a lifetime of 0, `uac.reg_enable` answers 200 and the record never registers. On is reg_refresh (reads the
 *   database row again, its flags too) where the lifetime is 0, then reg_enable.
 * - `uac.reg_enable` of an enabled record makes the next REGISTER due: that is `reregister`. reg_refresh would do it too,
 *   but a row with flags 1, as it should have, is off until the enable, and a lost enable would leave it off.
 * - All of it is lost in a restart: rows should have flags 1, so that Kamailio starts with the trunk off.
 */
import { Type } from 'typebox'
import type { AdminState, ApplyResult, DriverFailure, Observation, ObserveResult } from '../core/observation.ts'
import type { Change, Clock, GatewayDriver, Random, Secret } from '../ports.ts'
import type { DriverKind, InterfaceKind } from './contract.ts'
import { eachAlone } from './each-alone.ts'
import { failure } from './driver-failure.ts'
import { withCredentials } from './http-auth.ts'
import type { Credentials } from './http-auth.ts'
import { createHttpClient } from './http-client.ts'
import { createRpc } from './json-rpc.ts'
import type { Rpc } from './json-rpc.ts'
import { kamailioByHand } from './kamailio-by-hand.ts'
import { pathOf } from './kamailio-dispatcher.ts'
import { adminOf, mayBeBound, needsRefresh, paramsOf, parseRegistration, registeredOf, REGISTERS_WITHIN_S } from './kamailio-registration.ts'
import type { Registration, WriteMethod } from './kamailio-registration.ts'
import { readThenAsk } from './read-then-write.ts'

export interface KamailioSettings {
  /** Where the script calls jsonrpc_dispatch(), for example `http://10.0.3.10:8080/RPC`. */
  readonly url: string
  /** Sent as bearer token. */
  readonly token?: Secret
  readonly username?: string
  readonly password?: Secret
  /** PEM. */
  readonly ca?: string
  readonly insecure_tls?: boolean
  /** Set of the dispatcher module that holds the carrier; without it there is no path evidence. */
  readonly dispatcher_group?: number
  /** One destination of the set, as `dispatcher.list` shows it; default: any of the set. */
  readonly dispatcher_destination?: string
  /** The script tracks its calls with the dialog module. */
  readonly dialogs?: boolean
}

/** Messages of Kamailio 5.6 that may be quoted. */
const KNOWN_MESSAGES: ReadonlySet<unknown> = new Set([
  'Record not found', 'Unsupported filter attribute', 'Invalid Parameters', 'Not enabled', 'Method Not Found', 'No Destination Sets',
  'Failed to refresh record - check log messages'
])

const text = (description: string) => Type.Optional(Type.String({ minLength: 1, description }))

const schema = Type.Object({
  url: Type.String({ format: 'http-url', description: 'URL that the script answers with jsonrpc_dispatch(), for example http://10.0.3.10:8080/RPC' }),
  token_file: text('file that holds the bearer token'),
  token_env: text('environment variable that holds the bearer token'),
  username: text('account, where the script asks for one instead of a token'),
  password_file: text('file that holds its password'),
  password_env: text('environment variable that holds its password'),
  ca_file: text('PEM file with the certificate of the gateway or of its issuer; default: the system\'s'),
  insecure_tls: Type.Optional(Type.Boolean({ default: false, description: 'accept every certificate: whoever is on the way can read the token' })),
  dispatcher_group: Type.Optional(Type.Integer({ minimum: 0, description: 'set of the dispatcher module that holds the carrier: its state is path evidence' })),
  dispatcher_destination: text('one destination of that set, as dispatcher.list shows it; default: any of the set'),
  dialogs: Type.Optional(Type.Boolean({ default: false, description: 'the script tracks its calls with the dialog module: their number, of the whole Kamailio, is what a drain waits for' }))
}, { additionalProperties: false })

const uacRecord: InterfaceKind = {
  named: 'the `l_uuid` of a record',
  takes: () => true,
  switches: 'a record of the `uac` module, by `reg_disable` after `reg_unregister`, and `reg_enable`',
  readBack: '`uac.reg_info`',
  confirmed: 'Kamailio 5.6.3',
  capabilities: ({ dispatcher_group: group, dialogs }) => ({
    registers: true, reportsRegistration: true, reportsPath: group !== undefined, reportsCalls: dialogs === true, readsRunningState: true, reregisters: true,
    unregisters: true, persistent: false, reportsAlarms: false, registersWithinMs: REGISTERS_WITHIN_S * 1_000
  })
}

function credentialsOf ({ token, username, password }: KamailioSettings): Credentials {
  if (token !== undefined) return { scheme: 'bearer', token }
  return username === undefined || password === undefined ? { scheme: 'none' } : { scheme: 'auto', username, password }
}

type Lookup = { readonly ok: true; readonly registration: Registration | null } | DriverFailure

/** Reads one record; null: there is none. The filter must be `l_uuid`: one account may have several records. */
async function lookUp (rpc: Rpc, uuid: string, signal: AbortSignal): Promise<Lookup> {
  const reply = await rpc({ method: 'uac.reg_info', params: ['l_uuid', uuid], reads: true }, signal)
  if (reply.kind === 'error' && reply.code === 404) return { ok: true, registration: null }
  if (reply.kind !== 'result') return reply.failure
  const registration = parseRegistration(reply.result, uuid)
  return registration === null ? failure('not-data', 'uac.reg_info: no record in the answer') : { ok: true, registration }
}

/** The calls that lead to the wanted state, and no one that isn't needed. */
function callsFor (registration: Registration, desired: AdminState): readonly WriteMethod[] {
  if (desired === 'disabled') return [...mayBeBound(registration) ? ['uac.reg_unregister'] as const : [], 'uac.reg_disable']
  if (adminOf(registration) === 'enabled' && registeredOf(registration) === true) return []
  return [...needsRefresh(registration) ? ['uac.reg_refresh'] as const : [], 'uac.reg_enable']
}

/** Sends the calls; null: all were accepted. */
async function execute (rpc: Rpc, uuid: string, methods: readonly WriteMethod[], signal: AbortSignal): Promise<DriverFailure | null> {
  let isFirst = true
  for (const method of methods) {
    const reply = await rpc({ method, params: paramsOf(method, uuid), reads: false }, signal)
    // A refused un-REGISTER must not keep the record from being disabled.
    const isTolerated = method === 'uac.reg_unregister' && reply.kind === 'error'
    if (reply.kind !== 'result' && !isTolerated) return { ...reply.failure, effect: isFirst ? reply.failure.effect : 'unknown' }
    isFirst = false
  }
  return null
}

function createDriver (settings: KamailioSettings, { clock, random }: { readonly clock: Clock; readonly random: Random }): GatewayDriver {
  const { url, dispatcher_group: group, dispatcher_destination: destination, dialogs = false } = settings
  const client = createHttpClient({ ca: settings.ca, insecureTls: settings.insecure_tls })
  const rpc = createRpc(withCredentials(client.send, credentialsOf(settings), random), url, KNOWN_MESSAGES)

  const path = async (signal: AbortSignal): Promise<Observation['path'] | DriverFailure> => {
    if (group === undefined) return null
    const reply = await rpc({ method: 'dispatcher.list', params: [], reads: true }, signal)
    if (reply.kind === 'failed') return reply.failure
    return reply.kind === 'error' ? null : pathOf(reply.result, group, destination ?? null)
  }

  /** Dialogs of the whole Kamailio; undefined: its script does not track them. */
  const calls = async (signal: AbortSignal): Promise<number | undefined | DriverFailure> => {
    if (!dialogs) return undefined
    const reply = await rpc({ method: 'dlg.stats_active', params: [], reads: true }, signal)
    if (reply.kind === 'failed') return reply.failure
    return reply.kind === 'error' ? undefined : callsOf(reply.result)
  }

  const observe = async (interfaces: readonly string[], signal: AbortSignal): Promise<ObserveResult> => {
    const [reached, ongoing, ...lookups] = await Promise.all([path(signal), calls(signal), ...interfaces.map((uuid) => lookUp(rpc, uuid, signal))])
    if (typeof reached === 'object' && reached !== null) return reached
    if (typeof ongoing === 'object') return ongoing
    const observed = new Map<string, Observation>()
    for (const [index, lookup] of lookups.entries()) {
      if (!lookup.ok) return lookup
      observed.set(interfaces[index]!, observationOf(lookup.registration, reached, ongoing))
    }
    return { ok: true, interfaces: observed }
  }

  const apply = async ({ interface: uuid, desired, permit }: Change, signal: AbortSignal): Promise<ApplyResult> => {
    const before = await readThenAsk(() => lookUp(rpc, uuid, signal), permit, clock)
    if (!before.ok) return before
    if (before.registration === null) return failure('no-interface', `no uac record ${uuid}`)
    const failed = await execute(rpc, uuid, callsFor(before.registration, desired), signal)
    if (failed !== null) return failed
    const after = await lookUp(rpc, uuid, signal)
    if (!after.ok) return { ...after, effect: 'unknown' }
    const isReached = after.registration !== null && (adminOf(after.registration) === 'disabled') === (desired === 'disabled') &&
      !(desired === 'enabled' && needsRefresh(after.registration))
    return isReached ? { ok: true, activated: true } : failure('no-effect', 'all calls were answered, the record is not as wanted', 'unknown')
  }

  const reregister = async (uuid: string, signal: AbortSignal): Promise<{ readonly ok: true } | DriverFailure> => {
    const before = await lookUp(rpc, uuid, signal)
    if (!before.ok) return before
    if (before.registration === null) return failure('no-interface', `no uac record ${uuid}`)
    if (adminOf(before.registration) === 'disabled') return failure('rpc-error', 'the record is disabled; only an enable may make it register')
    const refresh = needsRefresh(before.registration) ? ['uac.reg_refresh'] as const : []
    return await execute(rpc, uuid, [...refresh, 'uac.reg_enable'], signal) ?? { ok: true }
  }

  return {
    observe, apply: eachAlone(apply), reregister,
    close: () => {
      client.close()
      return Promise.resolve()
    }
  }
}

function observationOf (registration: Registration | null, path: Observation['path'], calls: number | undefined): Observation {
  const told = calls === undefined ? {} : { calls }
  if (registration === null) return { present: false, admin: 'disabled', registered: null, path, ...told }
  return { present: true, admin: adminOf(registration), registered: registeredOf(registration), path, ...told }
}

/** `all` of `dlg.stats_active` is every dialog that has begun and not ended. */
function callsOf (result: unknown): number | undefined {
  const { all } = result as { readonly all?: unknown }
  return typeof all === 'number' && Number.isInteger(all) && all >= 0 ? all : undefined
}

/** The kind `kamailio`. */
export const kamailio: DriverKind<KamailioSettings> = {
  name: 'kamailio',
  schema,
  interfaces: [uacRecord],
  byHand: kamailioByHand,
  create: createDriver
}
