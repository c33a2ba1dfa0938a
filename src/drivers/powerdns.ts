/**
 * SRV records in PowerDNS, over the HTTP API of its authoritative server (confirmed against pdns-server 4.7.3).
 *
 * - A PATCH replaces the whole set of a name, several names at once in one transaction; it answers 204.
 * - It has no compare-and-set: the sets are read right before the write, and a change in between is overwritten.
 * - The key may do everything: a read with it shows that a write would be accepted.
 * - It leaves the zone's serial number alone unless the zone has SOA-EDIT-API: secondaries that copy the zone never see a change.
 */
import { Type } from 'typebox'
import type { Secret } from '../ports.ts'
import type { DriverKind } from './contract.ts'
import { failure, statusFailure } from './driver-failure.ts'
import { createHttpClient } from './http-client.ts'
import type { HttpRequest, HttpResult } from './http-client.ts'
import { powerdnsByHand } from './powerdns-by-hand.ts'
import { formatSet, parseZone, zoneUrl } from './powerdns-zone.ts'
import type { ZoneReading } from './powerdns-zone.ts'
import { SRV_KEYS, createSrvDriver, policyOf, recordNames, srvTarget } from './srv-driver.ts'
import type { ReadSets, SrvSettings, SrvZone } from './srv-driver.ts'

export interface PowerdnsSettings extends SrvSettings {
  /** For example `http://10.0.4.10:8081`. */
  readonly url: string
  readonly token: Secret
  readonly server_id?: string
  /** PEM. */
  readonly ca?: string
  readonly insecure_tls?: boolean
}

const text = (description: string) => Type.Optional(Type.String({ minLength: 1, description }))

const schema = Type.Object({
  url: Type.String({ format: 'http-url', description: 'URL of the API, for example http://10.0.4.10:8081' }),
  token_file: text('file that holds the API key'),
  token_env: text('environment variable that holds the API key'),
  server_id: text('name of the server in the API; default localhost'),
  ca_file: text('PEM file with the certificate of the API or of its issuer; default: the system\'s'),
  insecure_tls: Type.Optional(Type.Boolean({ default: false, description: 'accept every certificate: whoever is on the way can read the key' })),
  ...SRV_KEYS
}, { additionalProperties: false, anyOf: [Type.Object({ token_file: Type.String() }), Type.Object({ token_env: Type.String() })] })

function createZone (settings: PowerdnsSettings): SrvZone {
  const client = createHttpClient({ ca: settings.ca, insecureTls: settings.insecure_tls })
  const url = zoneUrl(settings)
  const send = (request: Omit<HttpRequest, 'headers'>): Promise<HttpResult> =>
    client.send({ ...request, headers: { 'X-API-Key': settings.token.reveal(), 'Accept': 'application/json', 'Content-Type': 'application/json' } })

  const readOne = async (name: string, signal: AbortSignal): Promise<({ readonly ok: true } & ZoneReading) | ReturnType<typeof failure>> => {
    const response = await send({ method: 'GET', url: `${url}?rrset_name=${encodeURIComponent(`${name}.`)}&rrset_type=SRV`, reads: true, signal })
    if (!response.ok) return response
    if (response.status === 404) return failure('rpc-error', 'the server has no such zone')
    const refused = statusFailure(response)
    if (refused !== null) return { ...refused, effect: 'none' }
    const reading = parseZone(response.body.toString('utf8'), name)
    return reading === null ? failure('not-data', 'no zone in the answer') : { ok: true, ...reading }
  }

  return {
    read: async (signal): Promise<ReadSets> => {
      const results = await Promise.all(recordNames(settings).map((name) => readOne(name, signal)))
      const failed = results.find((result) => !result.ok)
      if (failed !== undefined && !failed.ok) return failed
      const deaf = results.some((result) => result.ok && result.isDeaf)
      return { ok: true, sets: results.flatMap((result) => result.ok ? [result.set] : []), ...deaf ? { obstacle: 'no-effect' } : {} }
    },
    write: async (before, after, signal) => {
      const changed = after.filter((set) => !before.includes(set))
      const response = await send({ method: 'PATCH', url, body: JSON.stringify({ rrsets: changed.map(formatSet) }), reads: false, signal })
      if (!response.ok) return response
      if (response.status === 422) return failure('rpc-error', 'the server does not accept the records (HTTP 422)')
      const refused = statusFailure(response)
      if (refused !== null) return refused
      return response.status === 204 ? { ok: true } : failure('not-data', `HTTP ${response.status} instead of 204`, 'unknown')
    },
    close: () => { client.close() }
  }
}

/** The kind `powerdns`. */
export const powerdns: DriverKind<PowerdnsSettings> = {
  name: 'powerdns',
  schema,
  interfaces: [srvTarget({ switches: 'a target of an SRV record, by its priority', readBack: 'the set of records over the API', confirmed: 'PowerDNS Authoritative Server 4.7.3' })],
  isSignpost: true,
  byHand: powerdnsByHand,
  create: (settings, { clock }) => createSrvDriver(createZone(settings), policyOf(settings), clock)
}
