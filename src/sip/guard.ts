/**
 * What happens to inbound bytes before any parser sees them: size, line and header limits, control characters,
 * unfolding, a strict start line. Everything here is linear in the number of bytes.
 */

/** Datagrams above this are refused unread [bytes]. */
export const MAX_MESSAGE_BYTES = 8192
/** Longest start line, From, To, Call-ID and CSeq [characters]: the first and the last go to npm `sip`, whose patterns are quadratic. */
export const MAX_PARSED_LINE = 768
/** Longest other header line, unfolded [characters]; our own linear readers take these. */
export const MAX_LINE = 4096
export const MAX_HEADERS = 96

/** Header fields by lower-case long name; values in order, unfolded, with single blanks, not split at commas. */
export type Headers = ReadonlyMap<string, readonly string[]>

export type Guarded =
  | { readonly ok: true; readonly startLine: string; readonly headers: Headers; readonly body: string }
  | { readonly ok: false; readonly detail: string }

/** RFC 3261 §7.3.3 and its extensions. */
const COMPACT_FORMS: ReadonlyMap<string, string> = new Map([
  ['a', 'accept-contact'], ['b', 'referred-by'], ['c', 'content-type'], ['d', 'request-disposition'],
  ['e', 'content-encoding'], ['f', 'from'], ['i', 'call-id'], ['j', 'reject-contact'], ['k', 'supported'],
  ['l', 'content-length'], ['m', 'contact'], ['o', 'event'], ['r', 'refer-to'], ['s', 'subject'], ['t', 'to'],
  ['u', 'allow-events'], ['v', 'via'], ['x', 'session-expires'], ['y', 'identity']
])

const STATUS_LINE = /^SIP\/2\.0 [1-6]\d\d(?: .*)?$/
const REQUEST_LINE = /^[A-Za-z0-9\-.!*_+`'~]{1,64} [^ ]{1,600} SIP\/2\.0$/

/** Both would reach `unescape` or an object key in npm `sip`; neither has an honest use. */
const FORBIDDEN = /__proto__|%0[ad]/i

/** All but tabs and line breaks, and half a line break. */
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]|\r(?!\n)|(?<!\r)\n/
/** What makes a line other than it will be read. */
const FOLDED = /\t| {2}| \r|\r\n | $/

const refuse = (detail: string): Guarded => ({ ok: false, detail })

/** Latin-1 text of at most the size limit. */
const toText = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, MAX_MESSAGE_BYTES)).toString('latin1')

/** Lines with continuation lines joined by one blank (RFC 3261 §7.3.1); tabs become blanks, runs of blanks one blank. */
const unfold = (head: string): readonly string[] => {
  if (!FOLDED.test(head)) return head.split('\r\n')
  const lines: string[] = []
  for (const line of head.split('\r\n')) {
    const clean = line.replaceAll('\t', ' ')
    if (clean.startsWith(' ') && lines.length > 1) lines.push(`${lines.pop() ?? ''}${clean}`)
    else lines.push(clean)
  }
  return lines.map((line) => line.replaceAll(/ {2,}/g, ' ')).map((line) => line.endsWith(' ') ? line.slice(0, -1) : line)
}

/** Names as they are written → as they are looked up. Peers use few; no stranger can fill it. */
const knownNames = new Map<string, string>()
const MAX_KNOWN_NAMES = 200

const headerName = (text: string): string | null => {
  const known = knownNames.get(text)
  if (known !== undefined) return known
  const written = text.trimEnd().toLowerCase()
  if (!/^[a-z0-9\-.!*_+`'~]{1,64}$/.test(written)) return null
  const name = COMPACT_FORMS.get(written) ?? written
  if (knownNames.size < MAX_KNOWN_NAMES) knownNames.set(text, name)
  return name
}

/** @param lines - the start line first */
const readHeaders = (lines: readonly string[]): Headers | string => {
  if (lines.length > MAX_HEADERS + 1) return 'too many header fields'
  const headers = new Map<string, string[]>()
  for (let index = 1; index < lines.length; index++) {
    const line = lines[index] ?? ''
    if (line.length > MAX_LINE) return 'a header line is too long'
    const colon = line.indexOf(':')
    const name = headerName(line.slice(0, Math.max(colon, 0)))
    if (name === null) return 'a line is no header field'
    const values = headers.get(name)
    const value = line.slice(colon + 1).trim()
    if (values === undefined) headers.set(name, [value])
    else values.push(value)
  }
  return headers
}

/** The first Content-Length bytes of the rest; without the header, the rest (RFC 3261 §18.3). Null: wrong or cut off. */
const readBody = (rest: string, headers: Headers): string | null => {
  const lengths = new Set(headers.get('content-length') ?? [])
  if (lengths.size === 0) return rest
  const [length = ''] = lengths
  if (lengths.size > 1 || !/^\d{1,5}$/.test(length) || Number(length) > rest.length) return null
  return rest.slice(0, Number(length))
}

/** Checks and splits one datagram. The details are constant texts: nothing of the peer's bytes is repeated. */
export const guardMessage = (bytes: Uint8Array): Guarded => {
  if (bytes.byteLength > MAX_MESSAGE_BYTES) return refuse(`longer than ${MAX_MESSAGE_BYTES} bytes`)
  const raw = toText(bytes)
  const text = raw.startsWith('\r') ? raw.replace(/^(?:\r\n)+/, '') : raw
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return refuse(text === '' ? 'empty' : 'no end of the header')
  const head = text.slice(0, end)
  // The plain searches are there to spare nearly every message the pattern.
  if ((head.includes('__') || head.includes('%0')) && FORBIDDEN.test(head)) return refuse('forbidden text in the header')
  if (CONTROL.test(head)) return refuse('control character in the header')
  const lines = unfold(head)
  const startLine = lines[0] ?? ''
  if (startLine.length > MAX_PARSED_LINE) return refuse('the start line is too long')
  if (!STATUS_LINE.test(startLine) && !REQUEST_LINE.test(startLine)) return refuse('no SIP/2.0 start line')
  const headers = readHeaders(lines)
  if (typeof headers === 'string') return refuse(headers)
  const body = readBody(text.slice(end + 4), headers)
  return body === null ? refuse('wrong Content-Length') : { ok: true, startLine, headers, body }
}

/** To the end of its first value. Nothing stands after the repetition, so the search never goes back. */
const TOP_VIA = /\r\n(?:via|v)[ \t]*:((?:[^,\r]+|\r\n[ \t]|\r(?!\n))*)/i
const BRANCH = /;[ \t\r\n]*branch[ \t]*=[ \t]*([A-Za-z0-9\-.!*_+`'~]{1,128})/i

/**
 * Branch of the top Via, read from the raw bytes without parsing the message: a response that belongs to no request of
 * ours is dropped by it. Null: none found.
 */
export const topViaBranch = (bytes: Uint8Array): string | null => {
  const value = TOP_VIA.exec(toText(bytes))?.[1]
  return value === undefined ? null : BRANCH.exec(value.slice(0, MAX_LINE))?.[1] ?? null
}
