/** Requests to one peer over one flow and their final responses: addresses, branches, and what an end without one means. */
import type { ProbeReason } from '../core/reasons.ts'
import type { DurationMs } from '../core/topology.ts'
import type { Clock, Random, SipTarget } from '../ports.ts'
import { runClientTransaction, type TransactionResult } from './client-transaction.ts'
import { encodeRequest, type Encoded, type HeaderLines, type SipResponse } from './codec.ts'
import type { Flow, FlowFailure } from './flow.ts'
import type { Limit } from './limit.ts'
import { createTemplate, type RandomValues } from './request-template.ts'
import { formatHostPort, type SipUri } from './uri.ts'

/** Why there is no final response. */
export interface ExchangeFailure {
  readonly ok: false
  readonly reason: ProbeReason
  /** One line for people. */
  readonly detail: string
}

export type Exchanged = { readonly ok: true; readonly response: SipResponse } | ExchangeFailure

export type Method = 'OPTIONS' | 'REGISTER'

/** What all requests of one conversation share; the CSeq grows with each. */
export interface Identity {
  readonly callId: string
  readonly fromTag: string
  cseq: number
}

export const createIdentity = (random: Random): Identity => {
  const hex = random.hex(24)
  return { callId: hex.slice(0, 32), fromTag: hex.slice(32), cseq: 0 }
}

export interface Conversation {
  readonly flow: Flow
  /** URI of a Contact that leads to this flow. */
  contact(user: string): string
  /** Sends one request and waits for its final response. Never throws. */
  send(method: Method, headers: HeaderLines): Promise<Exchanged>
  /** Of all requests so far. */
  retransmissions(): number
  /** Of the first request; null: nothing came back. */
  firstResponseMs(): DurationMs | null
}

export interface ConversationParts {
  readonly clock: Clock
  readonly random: Random
  readonly flow: Flow
  readonly target: SipTarget
  readonly uri: SipUri
  /** User of From and To when the target names no address; null: From is this machine, To the target. */
  readonly user: string | null
  readonly identity: Identity
  readonly limit: Limit
}

const USER_AGENT = 'Pointsman'

export const failure = (reason: ProbeReason, detail: string): ExchangeFailure => ({ ok: false, reason, detail })

export const createConversation = ({ clock, random, flow, target, uri, user, identity, limit }: ConversationParts): Conversation => {
  const local = formatHostPort(flow.local.address, flow.local.port)
  const contact = (name: string): string => `${uri.scheme}:${name}@${local}${flow.transport === 'udp' || uri.scheme === 'sips' ? '' : `;transport=${flow.transport}`}`
  const account = user === null ? null : `${uri.scheme}:${escapeUser(user)}@${uri.host.includes(':') ? `[${uri.host}]` : uri.host}`
  const from = target.from ?? target.aor ?? account ?? `${uri.scheme}:pointsman@${local}`
  const to = target.to ?? target.aor ?? account ?? target.uri
  const fixed: HeaderLines = [...target.headers ?? [], ['User-Agent', target.userAgent ?? USER_AGENT]]
  let retransmissions = 0
  let firstResponseMs: number | null = null
  let isAnswered = false

  const noted = (result: TransactionResult): Exchanged => {
    retransmissions += result.retransmissions
    if (!isAnswered) firstResponseMs = result.firstResponseMs
    isAnswered = true
    return toExchanged(result, limit)
  }

  return {
    flow,
    contact,
    retransmissions: () => retransmissions,
    firstResponseMs: () => firstResponseMs,
    send: (method, headers) => {
      identity.cseq++
      const values: RandomValues = { branch: random.hex(16), callId: identity.callId, fromTag: identity.fromTag }
      const branch = `z9hG4bK${values.branch}`
      const write = (): Encoded => encodeRequest({
        method, cseq: identity.cseq, callId: identity.callId,
        uri: target.uri,
        via: [`SIP/2.0/${flow.transport.toUpperCase()} ${local};branch=${branch};rport`],
        from: `<${from}>;tag=${identity.fromTag}`,
        to: `<${to}>`,
        headers: [...headers, ...fixed]
      })
      // The first OPTIONS of a conversation is the same each time; all others carry counters or credentials.
      const encoded = method === 'OPTIONS' && identity.cseq === 1 ? copied(flow, target, values, write) : write()
      if (!encoded.ok) return Promise.resolve(failure('local-error', encoded.detail))
      return runClientTransaction(clock, flow, { bytes: encoded.bytes, branch, callId: identity.callId, cseq: identity.cseq, method }, limit).then(noted)
    }
  }
}

const copied = (flow: Flow, target: SipTarget, values: RandomValues, write: () => Encoded): Encoded => {
  if (flow.sent?.target === target) return { ok: true, bytes: flow.sent.template.fill(values) }
  const encoded = write()
  const template = encoded.ok ? createTemplate(encoded.bytes, values) : null
  if (template !== null) flow.sent = { target, template }
  return encoded
}

/** User part of a URI: what RFC 3261 §25.1 does not allow there is escaped. */
export const escapeUser = (user: string): string => user.replaceAll(/[^A-Za-z0-9\-_.!~*'()&=+$,;?/]+/g, encodeURIComponent)

const toExchanged = (result: TransactionResult, limit: Limit): Exchanged => {
  if (result.kind === 'response') return { ok: true, response: result.response }
  if (result.kind === 'failed') return toExchangeFailure(result.failure, limit)
  if (limit.wasCancelled()) return failure('local-error', 'cancelled')
  const only = result.provisional === null ? '' : `, only ${result.provisional}`
  const strays = result.strays === 0 ? '' : `, ${result.strays} messages that were no answer`
  return failure('timeout', `no final response in ${limit.timeoutMs} ms${only}${strays}`)
}

/** What the end of a flow says about the peer. */
export const toExchangeFailure = (broken: FlowFailure, limit: Limit): ExchangeFailure => {
  if (broken.kind === 'malformed') return failure('malformed', `unreadable response: ${broken.detail}`)
  if (broken.kind === 'tls') return failure('tls', broken.detail)
  if (limit.wasCancelled()) return failure('local-error', 'cancelled')
  if (broken.code === 'NO_CONNECTION') return failure('timeout', `no connection in ${limit.timeoutMs} ms`)
  if (broken.code === 'NO_HANDSHAKE') return failure('timeout', `no TLS handshake in ${limit.timeoutMs} ms`)
  return failure(networkReason(broken.code), broken.code === 'CLOSED' ? 'the peer closed the connection' : broken.code)
}

/** What an `errno` says about the peer: answers of its host and of routers on the way do, all others are of this machine. */
export const networkReason = (code: string): ProbeReason => {
  switch (code) {
    case 'ECONNREFUSED': return 'refused'
    case 'ECONNRESET': case 'EPIPE': case 'CLOSED': return 'reset'
    case 'EHOSTUNREACH': case 'ENETUNREACH': case 'EHOSTDOWN': return 'unreachable'
    case 'ETIMEDOUT': return 'timeout'
    default: return 'local-error'
  }
}
