/**
 * SRV records by dynamic updates (RFC 2136) signed with TSIG (RFC 8945), at the primary server of the zone (confirmed against
 * BIND 9.18).
 *
 * - All sets are changed in one message, on the condition that they are as they were read (§2.4.2): compare-and-set.
 * - A read is a signed query and an update that changes nothing: it is refused where the key may not write.
 */
import { Type } from 'typebox'
import type { DriverFailure } from '../core/observation.ts'
import type { Clock, Random, Secret } from '../ports.ts'
import type { DriverKind } from './contract.ts'
import { exchange, serverOf } from './dns-exchange.ts'
import { decodeResponse, encodeQuery, encodeUpdate, RCODE, srvSetOf } from './dns-message.ts'
import type { DnsResponse } from './dns-message.ts'
import { failure } from './driver-failure.ts'
import { rfc2136ByHand } from './rfc2136-by-hand.ts'
import { SRV_KEYS, createSrvDriver, policyOf, recordNames, srvTarget } from './srv-driver.ts'
import type { SrvSettings, SrvZone } from './srv-driver.ts'
import type { SrvSet } from './srv-records.ts'
import { sign, TSIG_ALGORITHMS, verify } from './tsig.ts'
import type { TsigAlgorithm } from './tsig.ts'

export interface Rfc2136Settings extends SrvSettings {
  /** `host` or `host:port` of the primary server. */
  readonly server: string
  readonly key_name: string
  readonly algorithm?: TsigAlgorithm
  readonly key: Secret
}

const text = (description: string) => Type.Optional(Type.String({ minLength: 1, description }))

const schema = Type.Object({
  server: Type.String({ format: 'host-port', description: 'address of the zone\'s primary server, for example 10.0.4.10 or 10.0.4.10:53' }),
  key_name: Type.String({ pattern: '^[A-Za-z0-9._-]+$', description: 'name of the TSIG key' }),
  algorithm: Type.Optional(Type.Enum([...TSIG_ALGORITHMS], { description: 'algorithm of the TSIG key; default hmac-sha256' })),
  key_file: text('file that holds the TSIG key in Base64, and nothing else'),
  key_env: text('environment variable that holds the TSIG key in Base64'),
  ...SRV_KEYS
}, { additionalProperties: false, anyOf: [Type.Object({ key_file: Type.String() }), Type.Object({ key_env: Type.String() })] })

const WORDS: ReadonlyMap<number, string> = new Map(Object.entries(RCODE).map(([word, code]) => [code, word]))

/** What a code means; null: done. */
function codeFailure (rcode: number, signed: boolean): DriverFailure | null {
  const detail = WORDS.get(rcode) ?? `response code ${rcode}`
  switch (rcode) {
    case RCODE.NOERROR: return null
    case RCODE.REFUSED: return failure('auth-failed', 'REFUSED: the key may not do that')
    // Unsigned or with a TSIG error: the key is unknown, wrong, or the clocks differ. Signed: it is another server's zone.
    case RCODE.NOTAUTH: return signed ? failure('rpc-error', 'NOTAUTH: the server is not the zone\'s primary') : failure('auth-failed', 'NOTAUTH: the server does not accept the key, or the clocks differ')
    case RCODE.NXDOMAIN: case RCODE.YXDOMAIN: case RCODE.YXRRSET: case RCODE.NXRRSET: return failure('conflict', `${detail}: the records are not as they were read`)
    case RCODE.SERVFAIL: return failure('rpc-error', detail, 'unknown')
    default: return failure('rpc-error', detail)
  }
}

function createZone (settings: Rfc2136Settings, { clock, random }: { readonly clock: Clock; readonly random: Random }): SrvZone {
  const server = serverOf(settings.server)
  const key = { name: settings.key_name, algorithm: settings.algorithm ?? 'hmac-sha256', secret: settings.key }
  const nowS = (): number => Math.floor(clock.now() / 1_000)
  const newId = (): number => Number.parseInt(random.hex(2), 16)

  const ask = async (message: Buffer, reads: boolean, signal: AbortSignal): Promise<{ readonly ok: true; readonly response: DnsResponse; readonly signed: boolean } | DriverFailure> => {
    const signed = sign(message, key, nowS())
    const answer = await exchange(server, signed.bytes, reads, signal)
    if (!answer.ok) return answer
    const effect = reads ? 'none' : 'unknown'
    const response = decodeResponse(answer.bytes)
    if (response === null || response.id !== message.readUInt16BE(0)) return failure('not-data', 'the answer is no DNS response to the request', effect)
    const verdict = verify(answer.bytes, response, key, signed.mac, nowS())
    // A server that does not know the key can't sign its refusal (RFC 8945 §5.2); nothing else may come unsigned.
    if (verdict !== 'right' && response.rcode !== RCODE.NOTAUTH) return failure('not-data', 'the answer is not signed with the key', effect)
    return { ok: true, response, signed: verdict === 'right' }
  }

  const readOne = async (name: string, signal: AbortSignal): Promise<{ readonly ok: true; readonly set: SrvSet } | DriverFailure> => {
    const answer = await ask(encodeQuery(newId(), name), true, signal)
    if (!answer.ok) return answer
    const { response, signed } = answer
    if (response.rcode === RCODE.NXDOMAIN) return { ok: true, set: { name, ttl: 0, records: [] } }
    const failed = codeFailure(response.rcode, signed)
    if (failed !== null) return { ...failed, effect: 'none' }
    if (!response.authoritative) return failure('rpc-error', 'the server is not authoritative for the zone')
    const set = srvSetOf(response, name)
    return set === null ? failure('not-data', 'an SRV record of the answer can\'t be read') : { ok: true, set }
  }

  const update = async (before: readonly SrvSet[], after: readonly SrvSet[], reads: boolean, signal: AbortSignal): Promise<{ readonly ok: true } | DriverFailure> => {
    const answer = await ask(encodeUpdate(newId(), settings.zone, before, after), reads, signal)
    if (!answer.ok) return answer
    const failed = codeFailure(answer.response.rcode, answer.signed)
    return failed === null ? { ok: true } : reads ? { ...failed, effect: 'none' } : failed
  }

  return {
    read: async (signal) => {
      const results = await Promise.all(recordNames(settings).map((name) => readOne(name, signal)))
      const failed = results.find((result) => !result.ok)
      if (failed !== undefined && !failed.ok) return failed
      const sets = results.flatMap((result) => result.ok ? [result.set] : [])
      const permission = await update(sets, sets, true, signal)
      // They changed meanwhile: the next read will show it, and the key was accepted.
      return permission.ok || permission.reason === 'conflict' ? { ok: true, sets } : permission
    },
    write: (before, after, signal) => update(before, after, false, signal),
    close: () => { /* no connection is kept */ }
  }
}

/** The kind `rfc2136`. */
export const rfc2136: DriverKind<Rfc2136Settings> = {
  name: 'rfc2136',
  schema,
  interfaces: [srvTarget({ switches: 'a target of an SRV record, by its priority', readBack: 'a signed query to the primary server', confirmed: 'BIND 9.18' })],
  isSignpost: true,
  byHand: rfc2136ByHand,
  create: (settings, ports) => createSrvDriver(createZone(settings, ports), policyOf(settings), ports.clock)
}
