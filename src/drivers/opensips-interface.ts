/**
 * OpenSIPS' three kinds of interfaces, pure: which one a name means, by which calls it is switched and read, and what an
 * answer says about it. From the modules' documentation and source (3.4 uac_registrant, dispatcher, drouting; the names of
 * 4.0 from its README files); not yet confirmed on a server.
 */
import type { AdminState, Observation } from '../core/observation.ts'

/** `3`: reg_enable …; `4`: uac_registrant:enable …. */
export type Version = 3 | 4

/** What a name means. */
export type OpensipsInterface =
  | { readonly kind: 'registrant'; readonly aor: string; readonly registrar: string | null }
  | { readonly kind: 'destination'; readonly partition: string | null; readonly set: string; readonly uri: string }
  | { readonly kind: 'gateway'; readonly partition: string | null; readonly id: string }

export interface OpensipsCall {
  readonly method: string
  readonly params: Readonly<Record<string, string>>
}

/** The three parts that name a record of uac_registrant. */
export interface RegistrantId { readonly aor: string; readonly contact: string; readonly registrar: string }

const METHODS = {
  listRegistrants: { 3: 'reg_list', 4: 'uac_registrant:list' },
  enableRegistrant: { 3: 'reg_enable', 4: 'uac_registrant:enable' },
  disableRegistrant: { 3: 'reg_disable', 4: 'uac_registrant:disable' },
  registerAnew: { 3: 'reg_force_register', 4: 'uac_registrant:force_register' },
  listDestinations: { 3: 'ds_list', 4: 'dispatcher:list' },
  setDestination: { 3: 'ds_set_state', 4: 'dispatcher:set_state' },
  gatewayStatus: { 3: 'dr_gw_status', 4: 'drouting:gw_status' }
} as const

export function methodOf (action: keyof typeof METHODS, version: Version): string {
  return METHODS[action][version]
}

/**
 * `sip:me@carrier` or, where an account registers at several, `sip:me@carrier,sip:registrar`; `dispatcher:1:sip:host` or
 * `dispatcher:partition:1:sip:host`; `drouting:gw1` or `drouting:partition:gw1`. Null: none of them.
 */
export function interfaceOf (name: string): OpensipsInterface | null {
  const registrant = /^(sips?:[^,]+)(?:,(sips?:[^,]+))?$/.exec(name)
  if (registrant !== null) return { kind: 'registrant', aor: registrant[1]!, registrar: registrant[2] ?? null }
  const destination = /^dispatcher:(?:([^:]*\D[^:]*):)?(\d+):(sips?:.+)$/.exec(name)
  if (destination !== null) return { kind: 'destination', partition: destination[1] ?? null, set: destination[2]!, uri: destination[3]! }
  const gateway = /^drouting:(?:([^:]+):)?([^:]+)$/.exec(name)
  return gateway === null ? null : { kind: 'gateway', partition: gateway[1] ?? null, id: gateway[2]! }
}

/** Reads what an interface's state is in. */
export function readCall (iface: OpensipsInterface, version: Version): OpensipsCall {
  switch (iface.kind) {
    case 'registrant': return { method: methodOf('listRegistrants', version), params: {} }
    case 'destination': return { method: methodOf('listDestinations', version), params: iface.partition === null ? {} : { partition: iface.partition } }
    case 'gateway': return { method: methodOf('gatewayStatus', version), params: gatewayParams(iface) }
  }
}

/** @param id - of a registrant, as `reg_list` told it */
export function writeCall (iface: OpensipsInterface, desired: AdminState, version: Version, id: RegistrantId | null): OpensipsCall {
  switch (iface.kind) {
    case 'registrant': return { method: methodOf(desired === 'enabled' ? 'enableRegistrant' : 'disableRegistrant', version), params: { ...id } }
    case 'destination': return {
      method: methodOf('setDestination', version),
      // `i` is not pinged; with `p` it could come back by itself.
      params: { state: desired === 'enabled' ? 'a' : 'i', group: iface.partition === null ? iface.set : `${iface.partition}:${iface.set}`, address: iface.uri }
    }
    case 'gateway': return { method: methodOf('gatewayStatus', version), params: { ...gatewayParams(iface), status: desired === 'enabled' ? '1' : '0' } }
  }
}

function gatewayParams ({ id, partition }: Extract<OpensipsInterface, { kind: 'gateway' }>): Readonly<Record<string, string>> {
  return { ...partition === null ? {} : { partition_name: partition }, gw_id: id }
}

/** `unclear`: the name fits several, so that none may be switched; `unreadable`: another shape than documented. */
export type Finding =
  | { readonly kind: 'found'; readonly observation: Observation; readonly id: RegistrantId | null }
  | { readonly kind: 'absent' }
  | { readonly kind: 'unclear' | 'unreadable' }

/** @param result - of the interface's `readCall` */
export function findIn (iface: OpensipsInterface, result: unknown): Finding {
  switch (iface.kind) {
    case 'registrant': return registrantIn(list(member(result, 'Records')), iface)
    case 'destination': return destinationIn(result, iface)
    case 'gateway': return gatewayState(member(result, 'State'))
  }
}

/** States in which a REGISTER is on its way: a first one, or the refresh of a living registration. */
const UNDER_WAY: ReadonlySet<unknown> = new Set(['REGISTERING_STATE', 'AUTHENTICATING_STATE', 'UNREGISTERING_STATE', 'AUTHENTICATING_UNREGISTER_STATE'])

function registrantIn (records: readonly unknown[] | null, { aor, registrar }: { readonly aor: string; readonly registrar: string | null }): Finding {
  if (records === null) return { kind: 'unreadable' }
  const own = records.filter((record) => member(record, 'AOR') === aor && (registrar === null || member(record, 'registrar') === registrar))
  const [record] = own
  if (record === undefined) return { kind: 'absent' }
  if (own.length > 1) return { kind: 'unclear' }
  const [enabled, state, binding, at] = ['enabled', 'state', 'binding', 'registrar'].map((key) => member(record, key))
  if ((enabled !== 'yes' && enabled !== 'no') || typeof state !== 'string' || typeof binding !== 'string' || typeof at !== 'string') return { kind: 'unreadable' }
  const registered = state === 'REGISTERED_STATE' ? true : UNDER_WAY.has(state) ? null : false
  return {
    kind: 'found',
    observation: { present: true, admin: enabled === 'yes' ? 'enabled' : 'disabled', registered, path: null },
    id: { aor, contact: binding, registrar: at }
  }
}

function destinationIn (result: unknown, { partition, set, uri }: Extract<OpensipsInterface, { kind: 'destination' }>): Finding {
  const partitions = list(member(result, 'PARTITIONS'))
  if (partitions === null) return { kind: 'unreadable' }
  const sets = partitions.filter((one) => (partition ?? 'default') === member(one, 'name')).flatMap((one) => list(member(one, 'SETS')) ?? [])
  const destinations = sets.filter((one) => String(member(one, 'id')) === set).flatMap((one) => list(member(one, 'Destinations')) ?? [])
  const own = destinations.filter((one) => String(member(one, 'URI')).toLowerCase() === uri.toLowerCase())
  if (own.length > 1) return { kind: 'unclear' }
  const [destination] = own
  if (destination === undefined) return { kind: 'absent' }
  switch (member(destination, 'state')) {
    case 'Active': return found('enabled', 'up')
    case 'Probing': return found('enabled', 'down')
    case 'Inactive': return found('disabled', null)
    default: return { kind: 'unreadable' }
  }
}

/** Only `Disabled MI` stays off by itself: the other two were taken out by OpenSIPS, which may put them in again. */
function gatewayState (state: unknown): Finding {
  switch (state) {
    case 'Active': return found('enabled', 'up')
    case 'Inactive':
    case 'Probing': return found('enabled', 'down')
    case 'Disabled MI': return found('disabled', null)
    default: return { kind: 'unreadable' }
  }
}

function found (admin: AdminState, path: Observation['path']): Finding {
  return { kind: 'found', observation: { present: true, admin, registered: null, path }, id: null }
}

function member (value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[key] : undefined
}

function list (value: unknown): readonly unknown[] | null {
  return Array.isArray(value) ? value : null
}
