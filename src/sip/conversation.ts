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
  /**
   * Sends one request and waits for its final response. Never throws.
   *
   * @param headers - called when the request is not a copy of an earlier one
   */
  send(method: Method, headers: () => HeaderLines): Promise<Exchanged>
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

export const createConversation = (parts: ConversationParts): Conversation => new OwnConversation(parts)

/** A class, because a thousand are made each second. */
class OwnConversation implements Conversation {
  readonly flow: Flow
  readonly #parts: ConversationParts
  #retransmissions = 0
  #firstResponseMs: number | null = null
  #isAnswered = false

  constructor (parts: ConversationParts) {
    this.flow = parts.flow
    this.#parts = parts
  }

  contact (user: string): string {
    const { flow, uri: { scheme } } = this.#parts
    return `${scheme}:${user}@${localOf(flow)}${flow.transport === 'udp' || scheme === 'sips' ? '' : `;transport=${flow.transport}`}`
  }

  retransmissions (): number {
    return this.#retransmissions
  }

  firstResponseMs (): number | null {
    return this.#firstResponseMs
  }

  send (method: Method, headers: () => HeaderLines): Promise<Exchanged> {
    const { clock, random, flow, target, identity, limit } = this.#parts
    identity.cseq++
    const { callId, fromTag, cseq } = identity
    const values: RandomValues = { branch: random.hex(16), callId, fromTag }
    const write = (): Encoded => writeRequest(this.#parts, method, values, headers())
    // The first OPTIONS of a conversation is the same each time; all others carry counters or credentials.
    const encoded = method === 'OPTIONS' && cseq === 1 ? copied(flow, target, values, write) : write()
    if (!encoded.ok) return Promise.resolve(failure('local-error', encoded.detail))
    const request = { bytes: encoded.bytes, branch: branchOf(values), callId, cseq, method }
    return runClientTransaction(clock, flow, request, limit).then((result) => this.#note(result))
  }

  #note (result: TransactionResult): Exchanged {
    this.#retransmissions += result.retransmissions
    if (!this.#isAnswered) this.#firstResponseMs = result.firstResponseMs
    this.#isAnswered = true
    return toExchanged(result, this.#parts.limit)
  }
}

const localOf = ({ local }: Flow): string => formatHostPort(local.address, local.port)

/** With the cookie of RFC 3261 §8.1.1.7. */
const branchOf = (values: RandomValues): string => `z9hG4bK${values.branch}`

const writeRequest = ({ flow, target, uri, user, identity: { cseq } }: ConversationParts, method: Method, values: RandomValues, headers: HeaderLines): Encoded => {
  const local = localOf(flow)
  const account = user === null ? null : `${uri.scheme}:${escapeUser(user)}@${uri.host.includes(':') ? `[${uri.host}]` : uri.host}`
  return encodeRequest({
    method, cseq, callId: values.callId,
    uri: target.uri,
    via: [`SIP/2.0/${flow.transport.toUpperCase()} ${local};branch=${branchOf(values)};rport`],
    from: `<${target.from ?? target.aor ?? account ?? `${uri.scheme}:pointsman@${local}`}>;tag=${values.fromTag}`,
    to: `<${target.to ?? target.aor ?? account ?? target.uri}>`,
    headers: [...headers, ...target.headers ?? [], ['User-Agent', target.userAgent ?? USER_AGENT]]
  })
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
