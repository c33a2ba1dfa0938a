/**
 * The only file that imports npm `sip`, and only its text codec: its sockets, transactions, digest and stream parser can
 * be killed or frozen by one packet, so they are ours (test/sip/codec.test.ts has the packets).
 *
 * For clients and servers:
 * - `decodeMessage(bytes)` → `{ ok: true, message }` or `{ ok: false, detail }`; `message.kind` is `request` or `response`.
 * - `encodeRequest(parts)` and `encodeResponse(request, parts)` → `{ ok: true, bytes }` or `{ ok: false, detail }`.
 * - `firstValue(message, 'retry-after')`: a header value; `message.headers.get('contact')`: all values of one.
 * - beside it: `topViaBranch` (guard.ts), `parseVia` and `parseNameAddress` (grammar.ts), `parseContacts` (contact.ts),
 *   `parseSipUri` (uri.ts), challenges and credentials (digest.ts).
 *
 * Text is Latin-1: one character is one byte on the wire.
 */
import { parse, stringify } from 'sip'
import { parseNameAddress, parseVia, splitList, TOKEN } from './grammar.ts'
import { guardMessage, MAX_PARSED_LINE, type Headers } from './guard.ts'

/** From or To. */
export interface Address {
  /** The whole header value, for echoing. */
  readonly value: string
  readonly uri: string
  readonly tag: string | null
}

interface MessageParts {
  /** Via values, top first, one per hop, as written. */
  readonly via: readonly string[]
  readonly from: Address
  readonly to: Address
  readonly callId: string
  readonly cseq: { readonly number: number; readonly method: string }
  /** Every header field, those above included: lower-case long names, values unfolded and not split at commas. */
  readonly headers: Headers
  readonly body: string
}

export interface SipRequest extends MessageParts {
  readonly kind: 'request'
  readonly method: string
  readonly uri: string
}

export interface SipResponse extends MessageParts {
  readonly kind: 'response'
  readonly status: number
  readonly reason: string
}

export type SipMessage = SipRequest | SipResponse

export type Decoded = { readonly ok: true; readonly message: SipMessage } | { readonly ok: false; readonly detail: string }
export type Encoded = { readonly ok: true; readonly bytes: Buffer } | { readonly ok: false; readonly detail: string }

/** Header fields to write, in order; a repeated name becomes several lines. */
export type HeaderLines = readonly (readonly [name: string, value: string])[]

export interface RequestParts {
  readonly method: string
  readonly uri: string
  /** Top first. */
  readonly via: readonly string[]
  readonly from: string
  readonly to: string
  readonly callId: string
  /** CSeq number. */
  readonly cseq: number
  readonly headers: HeaderLines
  readonly body?: string
}

export interface ResponseParts {
  readonly status: number
  readonly reason: string
  /** Added to the To header where the request has no tag there; none for a 100. */
  readonly toTag?: string
  /** Where the request came from; written into the top Via as `received` and `rport` (RFC 3581 §4). */
  readonly source?: { readonly address: string; readonly port: number }
  readonly headers?: HeaderLines
  readonly body?: string
}

/** First value of a header field; null: the message has none. `name` in lower case. */
export const firstValue = (message: SipMessage, name: string): string | null => message.headers.get(name)?.[0] ?? null

const refuse = (detail: string): { readonly ok: false; readonly detail: string } => ({ ok: false, detail })

/** Each must be there exactly once. */
const SINGLE_HEADERS = ['from', 'to', 'call-id', 'cseq'] as const

/** Reads one datagram. Never throws; details are constant texts. */
export const decodeMessage = (bytes: Uint8Array): Decoded => {
  const guarded = guardMessage(bytes)
  if (!guarded.ok) return guarded
  const { startLine, headers, body } = guarded
  for (const name of SINGLE_HEADERS) {
    const values = headers.get(name) ?? []
    if (values.length !== 1 || values[0] === '') return refuse(`${name}: missing or repeated`)
    if ((values[0]?.length ?? 0) > MAX_PARSED_LINE) return refuse(`${name}: too long`)
  }
  const via = splitList(headers.get('via') ?? [])
  if (via === null || via.length === 0 || parseVia(via[0] ?? '') === null) return refuse('via: missing or unreadable')
  const [from, to] = [readAddress(headers, 'from'), readAddress(headers, 'to')]
  if (from === null || to === null) return refuse('from or to: unreadable')
  const callId = headers.get('call-id')?.[0] ?? ''
  const cseq = headers.get('cseq')?.[0] ?? ''
  if (!/^\d{1,10} [A-Za-z0-9\-.!*_+`'~]{1,64}$/.test(cseq)) return refuse('cseq: unreadable')
  const parsed = parseQuietly(`${startLine}\r\nCSeq: ${cseq}\r\n\r\n`)
  if (parsed?.headers.cseq === undefined) return refuse('unreadable')
  const { seq: number, method } = parsed.headers.cseq
  const parts: MessageParts = { via, from, to, callId, headers, body, cseq: { number, method } }
  if (parsed.status !== undefined) return { ok: true, message: { ...parts, kind: 'response', status: parsed.status, reason: parsed.reason ?? '' } }
  if (parsed.method === undefined || parsed.uri === undefined) return refuse('unreadable')
  return { ok: true, message: { ...parts, kind: 'request', method: parsed.method, uri: parsed.uri } }
}

const parseQuietly = (text: string): ReturnType<typeof parse> => {
  try {
    return parse(text)
  } catch {
    return undefined
  }
}

const readAddress = (headers: Headers, name: 'from' | 'to'): Address | null => {
  const value = headers.get(name)?.[0] ?? ''
  const address = parseNameAddress(value)
  return address === null ? null : { value, uri: address.uri, tag: address.params.get('tag') ?? null }
}

/** Writes a request, with Max-Forwards 70. Refuses values that would break a line or a byte. */
export const encodeRequest = (parts: RequestParts): Encoded => {
  if (!TOKEN.test(parts.method)) return refuse('the method is no token')
  if (parts.uri === '' || parts.uri.includes(' ')) return refuse('the request URI is empty or has a blank')
  const lines: HeaderLines = [
    ...parts.via.map((value) => ['Via', value] as const),
    ['Max-Forwards', '70'],
    ['From', parts.from],
    ['To', parts.to],
    ['Call-ID', parts.callId],
    ['CSeq', `${parts.cseq} ${parts.method}`],
    ...parts.headers
  ]
  return write({ method: parts.method, uri: parts.uri }, lines, parts.body ?? '')
}

/** Writes the response to a request: Via, From, To, Call-ID and CSeq are the request's (RFC 3261 §8.2.6.2). */
export const encodeResponse = (request: SipRequest, parts: ResponseParts): Encoded => {
  if (!Number.isInteger(parts.status) || parts.status < 100 || parts.status > 699) return refuse('the status is none')
  const [top = '', ...others] = request.via
  const via = [parts.source === undefined ? top : markSource(top, parts.source), ...others]
  const isTagged = request.to.tag !== null || parts.toTag === undefined
  const lines: HeaderLines = [
    ...via.map((value) => ['Via', value] as const),
    ['From', request.from.value],
    ['To', isTagged ? request.to.value : `${request.to.value};tag=${parts.toTag}`],
    ['Call-ID', request.callId],
    ['CSeq', `${request.cseq.number} ${request.cseq.method}`],
    ...parts.headers ?? []
  ]
  return write({ status: parts.status, reason: parts.reason }, lines, parts.body ?? '')
}

const markSource = (via: string, source: { readonly address: string; readonly port: number }): string =>
  `${via.replace(/;\s*rport(?=\s*(?:;|$))/i, `;rport=${source.port}`)};received=${source.address}`

// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const UNWRITABLE = /[\u0000-\u0008\u000a-\u001f\u007f]|[\u0100-\uffff]/

const write = (start: { method: string; uri: string } | { status: number; reason: string }, lines: HeaderLines, body: string): Encoded => {
  const startTexts = 'uri' in start ? [start.uri] : [start.reason]
  for (const text of startTexts) if (UNWRITABLE.test(text)) return refuse('the start line has a character that can\'t be written')
  const fields = new Map<string, { readonly written: string; readonly values: string[] }>()
  for (const [written, value] of lines) {
    const name = written.toLowerCase()
    if (!TOKEN.test(name) || name === 'content-length' || name === '__proto__') return refuse('a header name can\'t be written')
    // An empty Contact would be written as `Contact: *` by npm `sip`, which removes every binding of the account.
    if (value === '' || UNWRITABLE.test(value)) return refuse(`${name}: empty, or with a character that can't be written`)
    const field = fields.get(name)
    if (field === undefined) fields.set(name, { written, values: [value] })
    else field.values.push(value)
  }
  if (/[\u0100-\uffff]/.test(body)) return refuse('the body is not Latin-1')
  // npm `sip` writes a string as it is: repeated fields become lines of their own by joining their checked values here.
  const headers = Object.fromEntries([...fields.values()].map(({ written, values }) => [written, values.join(`\r\n${written}: `)]))
  return { ok: true, bytes: Buffer.from(stringify({ ...start, headers, content: body }), 'latin1') }
}
