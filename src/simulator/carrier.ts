/**
 * A simulated SIP carrier on one UDP socket: registrar with digest, OPTIONS, and faults at run time.
 *
 *     const carrier = await createSimulatedCarrier({ host: '127.0.0.1', realm: 'acme.example', accounts: [{ username, password }], onSecond: 'reject', clock, random })
 *     carrier.uri                                   'sip:127.0.0.1:40123'
 *     carrier.bindings('sip:4930123@acme.example')  who is registered now
 *     carrier.events(), carrier.overlaps()          what happened to the bindings; how often two contacts were bound at once
 *     carrier.inject({ dropped: ['127.0.0.1:40125'] })   faults; carrier.clear() ends them all
 *     await carrier.stop()
 *
 * A REGISTER with several Contacts is applied whole or not at all (RFC 3261 §10.3); one without Contact is a query and
 * lists the bindings. Calls are not simulated.
 */
import type { Clock, Random } from '../ports.ts'
import { firstValue } from '../sip/codec.ts'
import type { ResponseParts, SipRequest } from '../sip/codec.ts'
import { parseContacts } from '../sip/contact.ts'
import { createDigestAuthority } from '../sip/digest-authority.ts'
import { parseSeconds } from '../sip/grammar.ts'
import { parseSipUri } from '../sip/uri.ts'
import { createRegistrar } from './registrar.ts'
import type { Binding, ContactChange, RegistrarEvent, SecondContactPolicy } from './registrar.ts'
import { createSipEndpoint, peerName } from './sip-endpoint.ts'
import type { Peer } from './sip-endpoint.ts'

export interface CarrierAccount {
  readonly username: string
  readonly password: string
}

export interface SimulatedCarrierOptions {
  readonly host: string
  /** 0 (default): any free port. */
  readonly port?: number
  /** Realm of the digest and domain of the accounts: an account's address is `sip:<username>@<realm>`. */
  readonly realm: string
  readonly accounts: readonly CarrierAccount[]
  readonly onSecond: SecondContactPolicy
  /** Longest lifetime that is granted [s]. */
  readonly maxExpires: number
  /** Shortest lifetime that is accepted [s]. Default 1. */
  readonly minExpires?: number
  /** Default MD5. */
  readonly algorithm?: 'MD5' | 'SHA-256'
  /** Age at which a nonce is stale [ms]. Default 30 s. */
  readonly nonceLifetimeMs?: number
  readonly clock: Clock
  readonly random: Random
}

export interface CarrierFaults {
  /** Answers nothing. */
  readonly silent: boolean
  /** Status code that every request of a method gets, for example `{ REGISTER: 503 }`. */
  readonly codes: Readonly<Record<string, number>>
  /** Usernames whose REGISTERs are answered 403, queries too. */
  readonly rejectedAccounts: readonly string[]
  /** Addresses (`host` or `host:port`) that can't bind: a REGISTER from there, or with such a Contact, is answered 403. */
  readonly rejectedContacts: readonly string[]
  /** Addresses (`host` or `host:port`) whose packets are lost, both ways. */
  readonly dropped: readonly string[]
  /** What a query gets instead of the list: 200 without Contact, or a status code. */
  readonly query: 'listed' | 'empty' | 403 | 405
}

export const NO_CARRIER_FAULTS: CarrierFaults = { silent: false, codes: {}, rejectedAccounts: [], rejectedContacts: [], dropped: [], query: 'listed' }

export interface SimulatedCarrier {
  readonly host: string
  readonly port: number
  readonly uri: string
  bindings(aor: string): readonly Binding[]
  events(): readonly RegistrarEvent[]
  overlaps(): number
  faults(): CarrierFaults
  inject(faults: Partial<CarrierFaults>): void
  clear(): void
  stop(): Promise<void>
}

const REASONS: Readonly<Record<number, string>> = {
  200: 'OK', 400: 'Bad Request', 401: 'Unauthorized', 403: 'Forbidden', 404: 'Not Found', 405: 'Method Not Allowed',
  423: 'Interval Too Brief', 500: 'Server Internal Error', 503: 'Service Unavailable'
}
const ALLOW = ['Allow', 'OPTIONS, REGISTER'] as const

/** Contacts of a REGISTER as changes; null when they can't be read or contradict each other. */
const readContacts = (request: SipRequest): readonly ContactChange[] | '*' | null => {
  const values = request.headers.get('contact') ?? []
  const expires = firstValue(request, 'expires')
  if (values.some((value) => value.trim() === '*')) return values.length === 1 && parseSeconds(expires) === 0 ? '*' : null
  const contacts = parseContacts(values, expires)
  return contacts?.every((contact) => contact.hostPort !== '') === true ? contacts : null
}

const names = (list: readonly string[], address: string): boolean =>
  list.includes(address) || list.includes(address.slice(0, address.lastIndexOf(':')))

/** Opens the carrier's socket. */
export const createSimulatedCarrier = async (options: SimulatedCarrierOptions): Promise<SimulatedCarrier> => {
  const { host, realm, accounts, onSecond, maxExpires, minExpires = 1, clock, random } = options
  const registrar = createRegistrar({ onSecond, maxExpires, minExpires, clock })
  const digest = createDigestAuthority({
    realm, algorithms: [options.algorithm ?? 'MD5'], nonceLifetimeMs: options.nonceLifetimeMs ?? 30_000, clock, random
  })
  const passwords = new Map(accounts.map((account) => [account.username, account.password]))
  let faults = NO_CARRIER_FAULTS

  const respond = (status: number, headers: ResponseParts['headers'] = []): ResponseParts =>
    ({ status, reason: REASONS[status] ?? 'Simulated', toTag: random.hex(8), headers })
  const listed = (bindings: readonly Binding[]): ResponseParts =>
    respond(200, bindings.map(({ uri, expiresAtMs }) => ['Contact', `<${uri}>;expires=${Math.ceil((expiresAtMs - clock.now()) / 1_000)}`] as const))

  const answerQuery = (aor: string): ResponseParts => {
    if (faults.query === 'listed') return listed(registrar.bindings(aor))
    return respond(faults.query === 'empty' ? 200 : faults.query)
  }
  const answerBinding = (request: SipRequest, source: Peer, aor: string, contacts: readonly ContactChange[] | '*'): ResponseParts => {
    const wanted = contacts === '*' ? [] : contacts.filter((contact) => contact.expiresSeconds !== 0)
    const rejected = wanted.find((contact) => names(faults.rejectedContacts, contact.hostPort))
      ?? (names(faults.rejectedContacts, peerName(source)) ? wanted[0] : undefined)
    if (rejected !== undefined) {
      registrar.refused(aor, rejected.hostPort, 403)
      return respond(403)
    }
    const result = registrar.register({ aor, callId: request.callId, cseq: request.cseq.number, contacts })
    if (result.ok) return listed(result.bindings)
    return respond(result.code, result.code === 423 ? [['Min-Expires', String(minExpires)]] : [])
  }
  const answerRegister = (request: SipRequest, source: Peer): ResponseParts => {
    const authorization = firstValue(request, 'authorization') ?? undefined
    const verdict = digest.check({ method: 'REGISTER', uri: request.uri, authorization }, (username) => passwords.get(username))
    if (verdict.kind === 'wrong') registrar.refused(request.to.uri, null, 401)
    if (verdict.kind !== 'right') return respond(401, [['WWW-Authenticate', digest.challenges(verdict.kind === 'stale')[0]]])
    const to = parseSipUri(request.to.uri)
    const aor = `sip:${verdict.username}@${realm}`
    const contacts = readContacts(request)
    if (to?.user !== verdict.username || to.host !== realm.toLowerCase()) return respond(404)
    if (contacts === null) return respond(400)
    if (faults.rejectedAccounts.includes(verdict.username)) {
      registrar.refused(aor, contacts === '*' ? null : contacts[0]?.hostPort ?? null, 403)
      return respond(403)
    }
    return contacts.length === 0 ? answerQuery(aor) : answerBinding(request, source, aor, contacts)
  }

  const endpoint = await createSipEndpoint({
    host,
    port: options.port ?? 0,
    clock,
    passes: (peer) => !names(faults.dropped, peerName(peer)),
    answer: (request, source) => {
      const code = faults.codes[request.method]
      if (faults.silent || request.method === 'ACK') return null
      if (code !== undefined) return respond(code)
      if (request.method === 'REGISTER') return answerRegister(request, source)
      return request.method === 'OPTIONS' ? respond(200, [ALLOW]) : respond(405, [ALLOW])
    }
  })
  return {
    host,
    port: endpoint.port,
    uri: `sip:${host}:${endpoint.port}`,
    bindings: (aor) => registrar.bindings(aor),
    events: () => registrar.events(),
    overlaps: () => registrar.overlaps(),
    faults: () => faults,
    inject: (changes) => { faults = { ...faults, ...changes } },
    clear: () => { faults = NO_CARRIER_FAULTS },
    stop: () => endpoint.close()
  }
}
