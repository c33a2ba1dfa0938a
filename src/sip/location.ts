/** From a SIP URI to the addresses where its requests go (RFC 3263 §4): literal addresses, NAPTR, SRV, A and AAAA records. */
import { isIP } from 'node:net'
import type { Random, SipTransport } from '../ports.ts'
import type { Dns, Found, NaptrRecord, SrvRecord } from './dns.ts'
import type { Endpoint } from './flow.ts'
import type { SipUri } from './uri.ts'

/** One way to the target. */
export interface Location extends Endpoint {
  readonly transport: SipTransport
}

/** In the order in which a client tries them. */
export type Located = { readonly ok: true; readonly locations: readonly Location[] } | { readonly ok: false; readonly reason: 'dns' | 'local-error'; readonly detail: string }

export interface LocatePorts {
  readonly dns: Dns
  readonly random: Random
}

/** More addresses of one target are not looked at. */
const MAX_LOCATIONS = 16

const TRANSPORTS: readonly SipTransport[] = ['udp', 'tcp', 'tls']

/** SRV names by transport (RFC 3263 §4.1). */
const SERVICES: Readonly<Record<SipTransport, string>> = { udp: '_sip._udp', tcp: '_sip._tcp', tls: '_sips._tcp' }
const NAPTR_SERVICES: ReadonlyMap<string, SipTransport> = new Map([['SIP+D2U', 'udp'], ['SIP+D2T', 'tcp'], ['SIPS+D2T', 'tls']])

const portOf = (transport: SipTransport): number => transport === 'tls' ? 5061 : 5060

interface Ask {
  readonly uri: SipUri
  /** Written down, by the target or its URI; null: to be found out. */
  readonly transport: SipTransport | null
  /** Only addresses of this family; null: both. */
  readonly family: 4 | 6 | null
}

/**
 * @param transport - overrides the URI's
 * @param localAddress - the addresses must be of its family
 */
export const locate = async ({ dns, random }: LocatePorts, uri: SipUri, transport: SipTransport | undefined, localAddress: string | undefined): Promise<Located> => {
  const chosen = chooseTransport(uri, transport)
  if (!chosen.ok) return chosen
  if (isIP(uri.host) !== 0) {
    const known = chosen.transport ?? defaultTransport(uri)
    return { ok: true, locations: [{ address: uri.host, port: uri.port ?? portOf(known), transport: known }] }
  }
  const ask: Ask = { uri, transport: chosen.transport, family: localAddress === undefined ? null : isIP(localAddress) as 4 | 6 }
  const found = hasServices(uri) ? await byServices(dns, random, ask) : null
  if (found !== null) return found
  const known = ask.transport ?? defaultTransport(uri)
  return finish(await addressesOf(dns, uri.host, ask.family), (address) => ({ address, port: uri.port ?? portOf(known), transport: known }), uri.host)
}

/** RFC 3263 §4.1: what is not written down and can't be found. */
const defaultTransport = (uri: SipUri): SipTransport => uri.scheme === 'sips' ? 'tls' : 'udp'

const chooseTransport = (uri: SipUri, given: SipTransport | undefined): { readonly ok: true; readonly transport: SipTransport | null } | (Located & { readonly ok: false }) => {
  const written = uri.params.get('transport')?.toLowerCase()
  const known = given ?? TRANSPORTS.find((transport) => transport === written)
  if (known === undefined && written !== undefined) return { ok: false, reason: 'local-error', detail: `transport ${written} is not supported, only udp, tcp and tls` }
  // A sips URI is never reached without TLS (RFC 3261 §26.2.2); `transport=tcp` there means TLS over TCP.
  if (uri.scheme === 'sips' && given !== undefined && given !== 'tls') return { ok: false, reason: 'local-error', detail: `a sips: URI is not sent over ${given}` }
  return { ok: true, transport: uri.scheme === 'sips' ? 'tls' : known ?? null }
}

/** A name with a port is an address (RFC 3263 §4.2); one without a dot is of this machine's or its network's making. */
const hasServices = (uri: SipUri): boolean => uri.port === null && uri.host.replace(/\.$/, '').includes('.')

/** By NAPTR and SRV. Null: the name has neither. */
const byServices = async (dns: Dns, random: Random, ask: Ask): Promise<Located | null> => {
  const services = await findServices(dns, ask)
  if ('ok' in services) return services
  for (const { transport, name } of services) {
    const found = await dns.srv(name)
    if (found.kind === 'failed') return { ok: false, reason: 'dns', detail: `${name}: ${found.code}` }
    if (found.kind !== 'found') continue
    if (found.records.length === 1 && found.records[0]?.name === '') return { ok: false, reason: 'dns', detail: `${name}: the service is decidedly not there (RFC 2782)` }
    return bySrv(dns, orderSrv(found.records, random), transport, ask)
  }
  return null
}

interface Service { readonly transport: SipTransport; readonly name: string }

/** Names with SRV records to look for, in order: those that NAPTR gives, else one for each transport that may be used. */
const findServices = async (dns: Dns, { uri, transport }: Ask): Promise<readonly Service[] | (Located & { readonly ok: false })> => {
  if (transport !== null) return [{ transport, name: `${SERVICES[transport]}.${uri.host}` }]
  const naptr = await dns.naptr(uri.host)
  if (naptr.kind === 'failed') return { ok: false, reason: 'dns', detail: `NAPTR of ${uri.host}: ${naptr.code}` }
  const given = naptr.kind === 'found' ? fromNaptr(naptr.records) : []
  return given.length > 0 ? given : TRANSPORTS.map((each) => ({ transport: each, name: `${SERVICES[each]}.${uri.host}` }))
}

/** By order, then preference; only those that lead to an SRV name by a transport of ours. */
export const fromNaptr = (records: readonly NaptrRecord[]): readonly Service[] =>
  records.toSorted((a, b) => a.order - b.order || a.preference - b.preference).flatMap(({ service, flags, replacement }) => {
    const transport = NAPTR_SERVICES.get(service.toUpperCase())
    return transport === undefined || flags.toLowerCase() !== 's' || replacement === '' ? [] : [{ transport, name: replacement }]
  })

/** By priority; within one by weighted chance (RFC 2782). */
export const orderSrv = (records: readonly SrvRecord[], random: Pick<Random, 'fraction'>): readonly SrvRecord[] => {
  const ordered: SrvRecord[] = []
  for (const priority of [...new Set(records.map((record) => record.priority))].toSorted((a, b) => a - b)) {
    // Those without weight stand first, so that they have a small chance, too.
    const left = records.filter((record) => record.priority === priority).toSorted((a, b) => Number(a.weight > 0) - Number(b.weight > 0))
    while (left.length > 0) {
      const total = left.reduce((sum, { weight }) => sum + weight, 0)
      const drawn = random.fraction() * total
      let running = 0
      const index = left.findIndex(({ weight }) => { running += weight; return running >= drawn })
      ordered.push(...left.splice(Math.max(index, 0), 1))
    }
  }
  return ordered
}

const bySrv = async (dns: Dns, records: readonly SrvRecord[], transport: SipTransport, { family, uri }: Ask): Promise<Located> => {
  const looked = await Promise.all(records.slice(0, MAX_LOCATIONS).map(async ({ name, port }) => ({ port, found: await addressesOf(dns, name, family) })))
  const locations = looked.flatMap(({ port, found }) => found.kind === 'found' ? found.records.map((address) => ({ address, port, transport })) : [])
  if (locations.length > 0) return { ok: true, locations: locations.slice(0, MAX_LOCATIONS) }
  const [first] = looked
  return finish(first?.found ?? { kind: 'absent', code: 'ENODATA' }, (address) => ({ address, port: first?.port ?? 0, transport }), records[0]?.name ?? uri.host)
}

const finish = (found: Found<string>, toLocation: (address: string) => Location, name: string): Located => found.kind === 'found'
  ? { ok: true, locations: found.records.slice(0, MAX_LOCATIONS).map(toLocation) }
  : { ok: false, reason: 'dns', detail: `${name}: ${found.code}` }

/** IPv4 first. What DNS doesn't know the machine may: its hosts file, its search domains. */
const addressesOf = async (dns: Dns, name: string, family: 4 | 6 | null): Promise<Found<string>> => {
  if (isIP(name) !== 0) return { kind: 'found', records: [name] }
  const families = family === null ? [4, 6] as const : [family]
  const asked = name.replace(/\.$/, '').includes('.') ? await Promise.all(families.map((each) => dns.addresses(name, each))) : []
  const known = asked.flatMap((found) => found.kind === 'found' ? found.records : [])
  if (known.length > 0) return { kind: 'found', records: known }
  const failed = asked.find(({ kind }) => kind === 'failed')
  if (failed !== undefined) return failed
  const machine = await dns.machine(name)
  if (machine.kind !== 'found' || family === null) return machine
  const fitting = machine.records.filter((address) => isIP(address) === family)
  return fitting.length > 0 ? { kind: 'found', records: fitting } : { kind: 'absent', code: `no IPv${family} address` }
}
