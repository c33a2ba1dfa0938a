/**
 * OpenSIPS by its management interface over HTTP (module mi_http): records of uac_registrant, destinations of dispatcher,
 * gateways of drouting. Built from the modules' documentation and source (3.4, names of 4.0), not yet confirmed on a server.
 *
 * - `reg_disable` sends the un-REGISTER and keeps the state in the database; `reg_enable` registers at once.
 * - A destination that is set to `i` is not pinged, so it doesn't come back by itself; a gateway that was set to 0 stays off
 *   until it is set to 1 ("designed to allow controlled and complete disabling").
 * - A set command is answered `"OK"`; an error comes with HTTP 200.
 * - mi_http asks for no account: a proxy before it has to, and to let nobody else in.
 */
import { Type } from 'typebox'
import type { ApplyResult, DriverFailure, Observation, ObserveResult } from '../core/observation.ts'
import type { DriverCapabilities } from '../core/topology.ts'
import type { Change, Clock, GatewayDriver, Random } from '../ports.ts'
import type { DriverKind, InterfaceKind } from './contract.ts'
import { failure } from './driver-failure.ts'
import { eachAlone } from './each-alone.ts'
import { MAX_CONNECTIONS } from './http-client.ts'
import { createRpc } from './json-rpc.ts'
import type { Rpc } from './json-rpc.ts'
import { opensipsByHand } from './opensips-by-hand.ts'
import { findIn, interfaceOf, methodOf, readCall, writeCall } from './opensips-interface.ts'
import type { Finding, OpensipsCall, OpensipsInterface, Version } from './opensips-interface.ts'
import { readThenAsk } from './read-then-write.ts'
import { ACCESS_KEYS, openWeb } from './web-access.ts'
import type { WebAccess } from './web-access.ts'

export interface OpensipsSettings extends WebAccess {
  /** Where mi_http answers, for example `http://10.0.3.10:8888/mi`. */
  readonly url: string
  readonly version?: Version
}

const schema = Type.Object({
  url: Type.String({ format: 'http-url', description: 'URL that mi_http answers, for example http://10.0.3.10:8888/mi' }),
  version: Type.Optional(Type.Unsafe<Version>({ type: 'integer', enum: [3, 4], default: 3, description: 'which names its commands have: 3 = reg_enable, ds_set_state …; 4 = uac_registrant:enable, dispatcher:set_state … of OpenSIPS 4; default 3' })),
  ...ACCESS_KEYS
}, { additionalProperties: false })

/** Messages of OpenSIPS that may be quoted. */
const KNOWN_MESSAGES: ReadonlySet<unknown> = new Set([
  'Method not found', 'Invalid params', 'No such registrant', 'destination not found', 'Bad state value', 'bad group value', 'GW ID not found'
])
/** A method, a parameter or a whole module is missing. */
const METHOD_NOT_FOUND = -32601
const NOT_FOUND = 404

const CONFIRMED = 'built from the modules\' documentation and source (3.4, names of 4.0), not yet confirmed on a server'

const SENDS_CALLS: DriverCapabilities = {
  registers: false, reportsRegistration: false, reportsPath: false, reportsCalls: false, readsRunningState: true, reregisters: false, unregisters: false,
  // Whether the state is kept over a restart is the modules' configuration; where it isn't, the change is seen as somebody's.
  persistent: true, reportsAlarms: false, registersWithinMs: 5_000
}

const registrant: InterfaceKind = {
  named: 'the AOR of a registrant: `sip:me@carrier`, or `sip:me@carrier,sip:registrar` where it registers at several',
  takes: (name) => interfaceOf(name)?.kind === 'registrant',
  switches: 'a record of `uac_registrant`, by `reg_disable` and `reg_enable`',
  readBack: '`reg_list`',
  confirmed: CONFIRMED,
  capabilities: () => ({ ...SENDS_CALLS, registers: true, reportsRegistration: true, reregisters: true, unregisters: true, registersWithinMs: 15_000 })
}

const destination: InterfaceKind = {
  named: '`dispatcher:1:sip:host`, or with its partition `dispatcher:part:1:sip:host`',
  takes: (name) => interfaceOf(name)?.kind === 'destination',
  switches: 'a destination of `dispatcher`, by `ds_set_state` `i` and `a`',
  readBack: '`ds_list`',
  confirmed: CONFIRMED,
  capabilities: () => ({ ...SENDS_CALLS, reportsPath: 'while-on' })
}

const gateway: InterfaceKind = {
  named: '`drouting:` and the id of a gateway, or `drouting:part:id`',
  takes: (name) => interfaceOf(name)?.kind === 'gateway',
  switches: 'a gateway of `drouting`, by `dr_gw_status` 0 and 1',
  readBack: '`dr_gw_status`',
  confirmed: CONFIRMED,
  capabilities: () => ({ ...SENDS_CALLS, reportsPath: 'while-on' })
}

const ABSENT: Observation = { present: false, admin: 'disabled', registered: null, path: null }

type Found = { readonly ok: true; readonly finding: Extract<Finding, { kind: 'found' | 'absent' }> } | DriverFailure

/** What a read says about one interface. */
function judge (method: string, iface: OpensipsInterface, result: unknown): Found {
  const finding = findIn(iface, result)
  switch (finding.kind) {
    case 'unreadable': return failure('not-data', `${method}: the answer is not as documented`)
    case 'unclear': return failure('conflict', `${method}: the name fits several; name the registrar too`)
    default: return { ok: true, finding }
  }
}

function createReader (rpc: Rpc, version: Version) {
  const call = async ({ method, params }: OpensipsCall, signal: AbortSignal): Promise<{ readonly ok: true; readonly result: unknown } | DriverFailure> => {
    const reply = await rpc({ method, params, reads: true }, signal)
    if (reply.kind === 'result') return { ok: true, result: reply.result }
    // The drouting and the dispatcher answer a wrong id or partition so.
    if (reply.kind === 'error' && reply.code === NOT_FOUND) return { ok: true, result: null }
    if (reply.kind === 'error' && reply.code === METHOD_NOT_FOUND) return failure('rpc-error', `${method}: no such command (the module is not loaded, or "version" is wrong)`)
    return reply.failure
  }

  /** @param asked - what is being asked already: each list is asked for once, whatever number of interfaces is in it */
  const one = async (iface: OpensipsInterface, signal: AbortSignal, asked = new Map<string, ReturnType<typeof call>>()): Promise<Found> => {
    const read = readCall(iface, version)
    const key = JSON.stringify(read)
    const question = asked.get(key) ?? call(read, signal)
    asked.set(key, question)
    const answer = await question
    if (!answer.ok) return answer
    return answer.result === null ? { ok: true, finding: { kind: 'absent' } } : judge(read.method, iface, answer.result)
  }

  const many = async (names: readonly string[], signal: AbortSignal): Promise<ObserveResult> => {
    const asked = new Map<string, ReturnType<typeof call>>()
    const ends = await Promise.all(names.map(async (name) => {
      const iface = interfaceOf(name)
      return iface === null ? failure('no-interface', `${name} is no name of an interface`) : one(iface, signal, asked)
    }))
    const observed = new Map<string, Observation>()
    for (const [index, end] of ends.entries()) {
      if (!end.ok) return end
      observed.set(names[index]!, end.finding.kind === 'found' ? end.finding.observation : ABSENT)
    }
    return { ok: true, interfaces: observed }
  }
  return { one, many }
}

function createDriver (settings: OpensipsSettings, { clock, random }: { readonly clock: Clock; readonly random: Random }): GatewayDriver {
  const { url, version = 3 } = settings
  const { send, close } = openWeb(settings, random)
  const rpc = createRpc(send, url, KNOWN_MESSAGES)
  const read = createReader(rpc, version)

  const write = async ({ method, params }: OpensipsCall, signal: AbortSignal): Promise<DriverFailure | null> => {
    const reply = await rpc({ method, params, reads: false }, signal)
    if (reply.kind !== 'result') return reply.failure
    return reply.result === 'OK' ? null : failure('not-data', `${method}: answered without OK`, 'unknown')
  }

  const apply = async ({ interface: name, desired, permit }: Change, signal: AbortSignal): Promise<ApplyResult> => {
    const iface = interfaceOf(name)
    if (iface === null) return failure('no-interface', `${name} is no name of an interface`)
    const before = await readThenAsk(() => read.one(iface, signal), permit, clock)
    if (!before.ok) return before
    if (before.finding.kind === 'absent') return failure('no-interface', `OpenSIPS has no ${name}`)
    const { observation, id } = before.finding
    if (observation.admin === desired) return { ok: true, activated: true }
    const failed = await write(writeCall(iface, desired, version, id), signal)
    if (failed !== null) return failed
    const after = await read.one(iface, signal)
    if (!after.ok) return { ...after, effect: 'unknown' }
    const isReached = after.finding.kind === 'found' && after.finding.observation.admin === desired
    return isReached ? { ok: true, activated: true } : failure('no-effect', 'the command was answered OK, the state is as before', 'unknown')
  }

  return {
    observe: read.many,
    apply: eachAlone(apply, MAX_CONNECTIONS),
    reregister: async (name, signal) => {
      const iface = interfaceOf(name)
      if (iface?.kind !== 'registrant') return failure('rpc-error', 'only a registrant can register anew')
      const found = await read.one(iface, signal)
      if (!found.ok) return found
      if (found.finding.kind === 'absent' || found.finding.id === null) return failure('no-interface', `OpenSIPS has no ${name}`)
      if (found.finding.observation.admin === 'disabled') return failure('rpc-error', 'the registrant is disabled; only an enable may make it register')
      return await write({ method: methodOf('registerAnew', version), params: { ...found.finding.id } }, signal) ?? { ok: true }
    },
    close
  }
}

/** The kind `opensips`. */
export const opensips: DriverKind<OpensipsSettings> = {
  name: 'opensips',
  schema,
  interfaces: [registrant, destination, gateway],
  byHand: opensipsByHand,
  create: createDriver
}
