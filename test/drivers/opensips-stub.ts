/** An OpenSIPS with mi_http that answers documented bytes (test/fixtures/drivers/opensips.json). */
import { readFileSync } from 'node:fs'
import type { Version } from '../../src/drivers/opensips-interface.ts'
import type { Stub } from './stubs.ts'
import type { Answer } from './unruly-server.ts'

type Params = Readonly<Record<string, string>>
type Reply = { readonly result: unknown } | { readonly error: { readonly code: number; readonly message: string } }

interface Documented {
  readonly registrants: { readonly Records: Record<string, unknown>[] }
  readonly destinations: { readonly PARTITIONS: { readonly SETS: { readonly id: number; readonly Destinations: Record<string, unknown>[] }[] }[] }
  readonly gateways: Record<string, Record<string, unknown>>
}

export const documented = (): Documented => JSON.parse(readFileSync(new URL('../fixtures/drivers/opensips.json', import.meta.url), 'utf8')) as Documented

const NAMES: Readonly<Record<Version, readonly string[]>> = {
  3: ['reg_list', 'reg_enable', 'reg_disable', 'reg_force_register', 'ds_list', 'ds_set_state', 'dr_gw_status'],
  4: ['uac_registrant:list', 'uac_registrant:enable', 'uac_registrant:disable', 'uac_registrant:force_register', 'dispatcher:list', 'dispatcher:set_state', 'drouting:gw_status']
}
const OK: Reply = { result: 'OK' }
const refuse = (code: number, message: string): Reply => ({ error: { code, message } })

/** A carrier that accepts at once. */
export function opensipsStub (version: Version): Stub {
  const { registrants, destinations, gateways } = documented()
  const destinationsOf = (): Record<string, unknown>[] => destinations.PARTITIONS.flatMap(({ SETS }) => SETS).flatMap(({ Destinations }) => Destinations)

  const onRegistrant = ({ aor, contact, registrar }: Params, change: (record: Record<string, unknown>) => void): Reply => {
    if (aor === undefined || contact === undefined || registrar === undefined) return refuse(-32602, 'Invalid params')
    const record = registrants.Records.find((one) => one['AOR'] === aor && one['binding'] === contact && one['registrar'] === registrar)
    if (record === undefined) return refuse(404, 'No such registrant')
    change(record)
    return OK
  }
  const setDestination = ({ state, group, address }: Params, isIgnored: boolean): Reply => {
    const name = { a: 'Active', i: 'Inactive', p: 'Probing' }[state ?? '']
    if (name === undefined) return refuse(500, 'Bad state value')
    const destination = group === '1' ? destinationsOf().find(({ URI }) => URI === address) : undefined
    if (destination === undefined) return refuse(404, 'destination not found')
    if (!isIgnored) destination['state'] = name
    return OK
  }
  const gatewayStatus = ({ gw_id: id = '', status }: Params, isIgnored: boolean): Reply => {
    const gateway = gateways[id]
    if (gateway === undefined) return refuse(404, 'GW ID not found')
    if (status === undefined) return { result: gateway }
    if (!isIgnored) gateway['State'] = status === '1' ? 'Active' : 'Disabled MI'
    return OK
  }

  const call = (method: string, params: Params, isIgnored: boolean): Reply => {
    switch (NAMES[version].indexOf(method)) {
      case 0: return { result: registrants }
      case 1: return onRegistrant(params, (record) => { if (!isIgnored) Object.assign(record, { enabled: 'yes', state: 'REGISTERED_STATE' }) })
      case 2: return onRegistrant(params, (record) => { if (!isIgnored) Object.assign(record, { enabled: 'no', state: 'NOT_REGISTERED_STATE' }) })
      case 3: return onRegistrant(params, () => {})
      case 4: return { result: destinations }
      case 5: return setDestination(params, isIgnored)
      case 6: return gatewayStatus(params, isIgnored)
      default: return refuse(-32601, 'Method not found')
    }
  }

  return {
    answer: ({ method: verb, body }, isIgnored): Answer => {
      if (verb !== 'POST') return { status: 405, body: '' }
      const { id, method, params } = JSON.parse(body) as { id: number; method: string; params: Params }
      return { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ jsonrpc: '2.0', ...call(method, params, isIgnored), id }) }
    },
    isWrite: ({ body }) => {
      const { method, params } = JSON.parse(body) as { method: string; params: Params }
      return [1, 2, 3, 5].includes(NAMES[version].indexOf(method)) || params['status'] !== undefined
    },
    runs: (name) => {
      const last = name.split(':').at(-1)!
      if (name.startsWith('drouting:')) return gateways[last]?.['State'] === 'Active'
      if (name.startsWith('dispatcher:')) return destinationsOf().some(({ URI, state }) => name.endsWith(String(URI)) && state === 'Active')
      return registrants.Records.some(({ AOR, enabled }) => AOR === name && enabled === 'yes')
    }
  }
}
