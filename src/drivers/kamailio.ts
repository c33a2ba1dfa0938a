/**
 * Kamailio as a gateway: an interface is a record of the uac module (kamailio-uac.ts), or a destination of the dispatcher
 * (kamailio-dispatcher.ts). Verified against Kamailio 5.6.3.
 */
import { Type } from 'typebox'
import type { ApplyResult, DriverFailure, Observation, ObserveResult } from '../core/observation.ts'
import type { Change, Clock, GatewayDriver, Random } from '../ports.ts'
import type { DriverKind, InterfaceKind } from './contract.ts'
import { failure } from './driver-failure.ts'
import { createRpc } from './json-rpc.ts'
import type { Rpc } from './json-rpc.ts'
import { kamailioByHand } from './kamailio-by-hand.ts'
import { applyDestinations, listDestinations } from './kamailio-destinations.ts'
import type { Listed } from './kamailio-destinations.ts'
import { destinationId, destinationIn, pathOf } from './kamailio-dispatcher.ts'
import { adminOf, registeredOf, REGISTERS_WITHIN_S } from './kamailio-registration.ts'
import type { Registration } from './kamailio-registration.ts'
import { createUacRecords } from './kamailio-uac.ts'
import type { UacRecords } from './kamailio-uac.ts'
import { ACCESS_KEYS, openWeb, text } from './web-access.ts'
import type { WebAccess } from './web-access.ts'

export interface KamailioSettings extends WebAccess {
  /** Where the script calls jsonrpc_dispatch(), for example `http://10.0.3.10:8080/RPC`. */
  readonly url: string
  /** Set of the dispatcher module that holds the carrier; without it there is no path evidence. */
  readonly dispatcher_group?: number
  /** One destination of the set, as `dispatcher.list` shows it; default: any of the set. */
  readonly dispatcher_destination?: string
  /** The script tracks its calls with the dialog module. */
  readonly dialogs?: boolean
}

/** Messages of Kamailio 5.6 that may be quoted. */
const KNOWN_MESSAGES: ReadonlySet<unknown> = new Set([
  'Record not found', 'Unsupported filter attribute', 'Invalid Parameters', 'Not enabled', 'Method Not Found', 'No Destination Sets', 'State Update Failed',
  'Failed to refresh record - check log messages'
])

const schema = Type.Object({
  url: Type.String({ format: 'http-url', description: 'URL that the script answers with jsonrpc_dispatch(), for example http://10.0.3.10:8080/RPC' }),
  ...ACCESS_KEYS,
  dispatcher_group: Type.Optional(Type.Integer({ minimum: 0, description: 'set of the dispatcher module that holds the carrier: its state is path evidence' })),
  dispatcher_destination: text('one destination of that set, as dispatcher.list shows it; default: any of the set'),
  dialogs: Type.Optional(Type.Boolean({ default: false, description: 'the script tracks its calls with the dialog module: their number, of the whole Kamailio, is what a drain waits for' }))
}, { additionalProperties: false })

const CONFIRMED = 'Kamailio 5.6.3'

const uacRecord: InterfaceKind = {
  named: 'the `l_uuid` of a record',
  takes: (name) => !name.startsWith('dispatcher:'),
  switches: 'a record of the `uac` module, by `reg_disable` after `reg_unregister`, and `reg_enable`',
  readBack: '`uac.reg_info`',
  confirmed: CONFIRMED,
  capabilities: ({ dispatcher_group: group, dialogs }) => ({
    registers: true, reportsRegistration: true, reportsPath: group !== undefined, reportsCalls: dialogs === true, readsRunningState: true, reregisters: true,
    unregisters: true, persistent: false, reportsAlarms: false, registersWithinMs: REGISTERS_WITHIN_S * 1_000
  })
}

const destination: InterfaceKind = {
  named: '`dispatcher:1:sip:10.0.0.5:5060`: set and URI of a destination',
  takes: (name) => destinationId(name) !== null,
  switches: 'a destination of the `dispatcher` module, by `set_state` `d` and `ap`',
  readBack: '`dispatcher.list`',
  confirmed: CONFIRMED,
  capabilities: ({ dialogs }) => ({
    // One that is off is not pinged.
    registers: false, reportsRegistration: false, reportsPath: 'while-on', reportsCalls: dialogs === true, readsRunningState: true, reregisters: false,
    unregisters: false, persistent: false, reportsAlarms: false, registersWithinMs: 10_000
  })
}

/** Dialogs of the whole Kamailio; undefined: its script does not track them. */
async function countCalls (rpc: Rpc, signal: AbortSignal): Promise<number | undefined | DriverFailure> {
  const reply = await rpc({ method: 'dlg.stats_active', params: [], reads: true }, signal)
  if (reply.kind === 'failed') return reply.failure
  return reply.kind === 'error' ? undefined : callsOf(reply.result)
}

/** `all` of `dlg.stats_active` is every dialog that has begun and not ended. */
function callsOf (result: unknown): number | undefined {
  const { all } = result as { readonly all?: unknown }
  return typeof all === 'number' && Number.isInteger(all) && all >= 0 ? all : undefined
}

function recordObservation (registration: Registration | null, path: Observation['path']): Observation {
  if (registration === null) return { present: false, admin: 'disabled', registered: null, path }
  return { present: true, admin: adminOf(registration), registered: registeredOf(registration), path }
}

function createObserve (rpc: Rpc, records: UacRecords, settings: KamailioSettings) {
  const { dispatcher_group: group, dispatcher_destination: uri = null, dialogs = false } = settings
  /** The carrier's destination is evidence only: that it can't be told is no failure. */
  const pathFrom = (listed: Listed | null): Observation['path'] | DriverFailure => {
    if (listed === null || group === undefined) return null
    if (listed.ok) return pathOf(listed.list, group, uri)
    return listed.reason === 'rpc-error' ? null : listed
  }

  return async (interfaces: readonly string[], signal: AbortSignal): Promise<ObserveResult> => {
    const needsList = group !== undefined || interfaces.some((name) => destinationId(name) !== null)
    const [listed, calls, ...lookups] = await Promise.all([
      needsList ? listDestinations(rpc, signal) : null,
      dialogs ? countCalls(rpc, signal) : undefined,
      ...interfaces.map((name) => destinationId(name) === null ? records.lookUp(name, signal) : null)
    ])
    const path = pathFrom(listed)
    if (typeof path === 'object' && path !== null) return path
    if (typeof calls === 'object') return calls
    const told = calls === undefined ? {} : { calls }
    const observed = new Map<string, Observation>()
    for (const [index, lookup] of lookups.entries()) {
      const name = interfaces[index]!
      const id = destinationId(name)
      if (lookup !== null && !lookup.ok) return lookup
      if (lookup !== null) { observed.set(name, { ...recordObservation(lookup.registration, path), ...told }); continue }
      if (listed === null || id === null) throw new Error('a destination without a list')
      if (!listed.ok) return listed
      const seen = destinationIn(listed.list, id)
      if (seen === null) return failure('not-data', 'dispatcher.list: the answer is not as documented')
      observed.set(name, { ...seen, ...told })
    }
    return { ok: true, interfaces: observed }
  }
}

function createDriver (settings: KamailioSettings, { clock, random }: { readonly clock: Clock; readonly random: Random }): GatewayDriver {
  const { send, close } = openWeb(settings, random)
  const rpc = createRpc(send, settings.url, KNOWN_MESSAGES)
  const records = createUacRecords(rpc, clock)

  /** Records are switched one by one, side by side: Kamailio executes no JSON-RPC batch. */
  const apply = async (changes: readonly Change[], signal: AbortSignal): Promise<readonly ApplyResult[]> => {
    const destinations = changes.flatMap((change) => {
      const id = destinationId(change.interface)
      return id === null ? [] : [{ change, id }]
    })
    const [ends, ...others] = await Promise.all([
      applyDestinations(rpc, destinations, clock, signal),
      ...changes.map((change) => destinationId(change.interface) === null ? records.apply(change, signal) : null)
    ])
    return changes.map((change, index) => {
      const end = others[index] ?? ends[destinations.findIndex((one) => one.change === change)]
      if (end === undefined) throw new Error('a change without an end')
      return end
    })
  }

  return {
    observe: createObserve(rpc, records, settings),
    apply,
    reregister: async (name, signal) => destinationId(name) === null ? records.reregister(name, signal) : failure('rpc-error', 'a destination of the dispatcher registers nothing'),
    close
  }
}

/** The kind `kamailio`. */
export const kamailio: DriverKind<KamailioSettings> = {
  name: 'kamailio',
  schema,
  interfaces: [uacRecord, destination],
  byHand: kamailioByHand,
  create: createDriver
}
