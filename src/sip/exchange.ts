/** Requests to one target and their final responses: name, socket, addresses and one Call-ID for all of them. */
import type { ProbeReason } from '../core/reasons.ts'
import type { Clock, Random, SipTarget } from '../ports.ts'
import { runClientTransaction, type TransactionRequest, type TransactionResult } from './client-transaction.ts'
import { encodeRequest, type HeaderLines, type SipResponse } from './codec.ts'
import { resolveTarget, type Lookup } from './resolver.ts'
import { openUdpFlow, type UdpFlow } from './udp-transport.ts'
import { formatHostPort, parseSipUri, uriTransport, type SipUri } from './uri.ts'

export interface ExchangePorts {
  readonly clock: Clock
  readonly random: Random
  readonly lookup: Lookup
}

/** Why there is no final response. */
export interface ExchangeFailure {
  readonly ok: false
  readonly reason: ProbeReason
  /** One line for people. */
  readonly detail: string
  readonly retransmissions: number
}

export type Exchanged = { readonly ok: true; readonly response: SipResponse; readonly retransmissions: number } | ExchangeFailure

/** Sends one request and waits for its final response; the CSeq grows with each. */
export type SendRequest = (method: 'OPTIONS' | 'REGISTER', extraHeaders: HeaderLines) => Promise<Exchanged>

export interface ExchangeLimits {
  /** Aborts at the deadline and whenever `cancelled` does. */
  readonly deadline: AbortSignal
  readonly cancelled: AbortSignal
  /** For the texts [ms]. */
  readonly timeoutMs: number
}

const USER_AGENT = 'Pointsman'

export const failure = (reason: ProbeReason, detail: string, retransmissions = 0): ExchangeFailure => ({ ok: false, reason, detail, retransmissions })

/**
 * Opens a flow to the target, lets `talk` send on it, and closes it. What fails before the first packet goes to `fail`.
 *
 * @param defaultUser - user of From and To when the target names no `aor`; null: From is this machine, To the target
 */
export const withExchange = async <Result>(
  ports: ExchangePorts, target: SipTarget, defaultUser: string | null, limits: ExchangeLimits,
  talk: (send: SendRequest) => Promise<Result>, fail: (failure: ExchangeFailure) => Result
): Promise<Result> => {
  const opened = await openTarget(target, ports.lookup, limits)
  if (!opened.ok) return fail(limits.cancelled.aborted ? failure('local-error', 'cancelled') : opened)
  try {
    return await talk(createSender(ports, opened.flow, requestAddresses(target, opened.uri, opened.flow, defaultUser), limits))
  } finally {
    opened.flow.close()
  }
}

type Opened = { readonly ok: true; readonly uri: SipUri; readonly flow: UdpFlow } | ExchangeFailure

const openTarget = async (target: SipTarget, lookup: Lookup, limits: ExchangeLimits): Promise<Opened> => {
  const uri = parseSipUri(target.uri)
  if (uri === null) return failure('local-error', 'the target is no SIP URI')
  const transport = uriTransport(uri)
  if (transport !== 'udp') return failure('local-error', `transport ${transport} is not supported, only udp`)
  const resolved = await resolveTarget(uri, target.localAddress, lookup, limits.deadline)
  if (!resolved.ok) return failure('dns', resolved.detail)
  const opened = await openUdpFlow(resolved.endpoint, target.localAddress)
  // Before the first packet every error is of this machine: an address that is not ours, no route, no free socket.
  return opened.ok ? { ok: true, uri, flow: opened.flow } : failure('local-error', `socket: ${opened.code}`)
}

interface RequestAddresses {
  readonly uri: string
  /** URIs, without brackets. */
  readonly from: string
  readonly to: string
  /** `host:port` of this side. */
  readonly local: string
}

/** User part of a URI: what RFC 3261 §25.1 does not allow there is escaped. */
const escapeUser = (user: string): string => user.replaceAll(/[^A-Za-z0-9\-_.!~*'()&=+$,;?/]+/g, encodeURIComponent)

const requestAddresses = (target: SipTarget, uri: SipUri, flow: UdpFlow, defaultUser: string | null): RequestAddresses => {
  const host = uri.host.includes(':') ? `[${uri.host}]` : uri.host
  const local = formatHostPort(flow.local.address, flow.local.port)
  const account = defaultUser === null ? null : `sip:${escapeUser(defaultUser)}@${host}`
  return {
    uri: target.uri,
    from: target.aor ?? account ?? `sip:pointsman@${local}`,
    to: target.aor ?? account ?? target.uri,
    local
  }
}

const createSender = (ports: ExchangePorts, flow: UdpFlow, addresses: RequestAddresses, limits: ExchangeLimits): SendRequest => {
  const callId = ports.random.hex(16)
  const fromTag = ports.random.hex(8)
  let cseq = 0
  return async (method, extraHeaders) => {
    cseq++
    const branch = `z9hG4bK${ports.random.hex(16)}`
    const encoded = encodeRequest({
      method, cseq, callId,
      uri: addresses.uri,
      via: [`SIP/2.0/UDP ${addresses.local};branch=${branch};rport`],
      from: `<${addresses.from}>;tag=${fromTag}`,
      to: `<${addresses.to}>`,
      // A REGISTER with a Contact would change the binding (RFC 3261 §10.2.3).
      headers: [...method === 'REGISTER' ? [] : [['Contact', `<sip:pointsman@${addresses.local}>`] as const], ...extraHeaders, ['User-Agent', USER_AGENT]]
    })
    if (!encoded.ok) return failure('local-error', encoded.detail)
    const request: TransactionRequest = { bytes: encoded.bytes, branch, callId, cseq, method }
    return toExchanged(await runClientTransaction(ports.clock, flow, request, limits.deadline), limits)
  }
}

/** What an `errno` says about the peer: ICMP errors do, all others are of this machine. */
export const networkReason = (code: string): ProbeReason => {
  if (code === 'ECONNREFUSED') return 'refused'
  return ['EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN'].includes(code) ? 'unreachable' : 'local-error'
}

const toExchanged = (result: TransactionResult, limits: ExchangeLimits): Exchanged => {
  const { kind, retransmissions } = result
  if (kind === 'response') return { ok: true, response: result.response, retransmissions }
  if (kind === 'malformed') return failure('malformed', `unreadable response: ${result.detail}`, retransmissions)
  if (kind === 'network') return failure(networkReason(result.code), result.code, retransmissions)
  if (limits.cancelled.aborted) return failure('local-error', 'cancelled', retransmissions)
  const only = result.provisional === null ? '' : `, only ${result.provisional}`
  const strays = result.strays === 0 ? '' : `, ${result.strays} datagrams that were no answer`
  return failure('timeout', `no final response in ${limits.timeoutMs} ms${only}${strays}`, retransmissions)
}
