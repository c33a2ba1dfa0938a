/** Cuts a byte stream into SIP messages by their Content-Length (RFC 3261 §18.3), in bounded memory and linear time. */
import { MAX_MESSAGE_BYTES } from './guard.ts'

export type Framed =
  | { readonly kind: 'message'; readonly bytes: Buffer }
  /** CRLF CRLF between messages: the peer wants a CRLF back (RFC 5626 §3.5.1). Told once per piece, however many there are. */
  | { readonly kind: 'ping' }
  /** The stream can't be followed any further. */
  | { readonly kind: 'broken'; readonly detail: string }

export interface Framer {
  /** Takes what came and returns what is complete. After `broken` nothing comes any more. */
  push(chunk: Buffer): readonly Framed[]
}

/** More of them in one piece are none: those of SIP are longer. */
const MAX_PER_PIECE = 100

const CR = 13
const LF = 10
const HEADER_END = Buffer.from('\r\n\r\n', 'latin1')
const NOTHING = Buffer.alloc(0)

/** Octets of the body; null: several, or no number of at most five digits. Without the header there is no body. */
const contentLength = (head: string): number | null => {
  const found = [...head.matchAll(/\r\n(?:content-length|l)[ \t]*:([^\r\n]*)/gi)].map((match) => (match[1] ?? '').trim())
  const [length = '0'] = found
  return new Set(found).size > 1 || !/^\d{1,5}$/.test(length) ? null : Number(length)
}

/** Octets of line breaks at the start, the pongs and pings between two messages. */
const lineBreaks = (bytes: Buffer): number => {
  let at = 0
  while (bytes[at] === CR && bytes[at + 1] === LF) at += 2
  return at
}

export const createFramer = (): Framer => {
  let rest: Buffer = NOTHING
  /** Octets of `rest` in which no header ends. */
  let scanned = 0
  let isBroken = false
  let breaks = 0

  /** The next message; `more`: it isn't complete yet. */
  const next = (): Buffer | 'more' | { readonly detail: string } => {
    const end = rest.indexOf(HEADER_END, Math.max(0, scanned - HEADER_END.length))
    if (end < 0 || end > MAX_MESSAGE_BYTES) {
      scanned = rest.length
      return rest.length > MAX_MESSAGE_BYTES ? { detail: `no end of the header within ${MAX_MESSAGE_BYTES} bytes` } : 'more'
    }
    const length = contentLength(rest.toString('latin1', 0, end))
    if (length === null) return { detail: 'wrong Content-Length' }
    const total = end + HEADER_END.length + length
    if (total > MAX_MESSAGE_BYTES) return { detail: `longer than ${MAX_MESSAGE_BYTES} bytes` }
    if (rest.length < total) return 'more'
    const message = rest.subarray(0, total)
    rest = rest.subarray(total)
    scanned = 0
    return message
  }

  return {
    push: (chunk) => {
      if (isBroken) return []
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
      const framed: Framed[] = []
      for (;;) {
        if (scanned === 0) {
          const skipped = lineBreaks(rest)
          breaks += skipped / 2
          rest = rest.subarray(skipped)
          if (breaks >= 2 && !framed.some(({ kind }) => kind === 'ping')) framed.push({ kind: 'ping' })
          if (breaks >= 2) breaks = 0
        }
        if (rest.length === 0) break
        // One CR alone may be the first half of a line break.
        if (rest.length === 1 && rest[0] === CR) break
        breaks = 0
        const found = framed.length > MAX_PER_PIECE ? { detail: 'too many messages at once' } : next()
        if (found === 'more') break
        if (!Buffer.isBuffer(found)) {
          isBroken = true
          rest = NOTHING
          framed.push({ kind: 'broken', detail: found.detail })
          break
        }
        framed.push({ kind: 'message', bytes: found })
      }
      return framed
    }
  }
}
