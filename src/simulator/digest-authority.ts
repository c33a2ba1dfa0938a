/**
 * Server side of digest authentication (RFC 7616, RFC 8760), for SIP and HTTP alike: nonces that prove their own age by an
 * HMAC, a nonce count that must grow, and the check of a response. Written apart from the client's side on purpose.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { Clock, Random } from '../ports.ts'

export type DigestAlgorithm = 'MD5' | 'SHA-256'

/** `stale`: the credentials may be right, the nonce is old, unknown or its count was used before. */
export type DigestVerdict =
  | { readonly kind: 'right'; readonly username: string }
  | { readonly kind: 'missing' | 'stale' }
  | { readonly kind: 'wrong'; readonly username: string | null }

export interface DigestRequest {
  readonly method: string
  /** Request-URI as on the wire. */
  readonly uri: string
  /** Value of Authorization. */
  readonly authorization: string | undefined
}

export interface DigestAuthority {
  /** Value of `WWW-Authenticate`. */
  challenge(stale: boolean): string
  /** @param passwordOf - password of an account; undefined when there is no such account */
  check(request: DigestRequest, passwordOf: (username: string) => string | undefined): DigestVerdict
}

export interface DigestAuthorityOptions {
  readonly realm: string
  readonly algorithm: DigestAlgorithm
  /** Age at which a nonce is stale [ms]. */
  readonly nonceLifetimeMs: number
  readonly clock: Clock
  readonly random: Random
}

const MAX_COUNTED_NONCES = 1_000

/** Parameters of a `Digest …` value by lower-case name; empty for another scheme. */
export const digestParameters = (value: string): ReadonlyMap<string, string> => {
  const scheme = /^\s*Digest\s+/i.exec(value)
  const found = scheme === null ? [] : value.slice(scheme[0].length).matchAll(/([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/g)
  return new Map([...found].map(([, name, quoted, token]) => [name!.toLowerCase(), quoted?.replace(/\\(.)/g, '$1') ?? token ?? '']))
}

const equalStrings = (one: string, other: string): boolean => {
  const [a, b] = [Buffer.from(one), Buffer.from(other)]
  return a.length === b.length && timingSafeEqual(a, b)
}

/** Makes the authority; it keeps only the last count of the nonces in use. */
export const createDigestAuthority = (options: DigestAuthorityOptions): DigestAuthority => {
  const { realm, algorithm, nonceLifetimeMs, clock, random } = options
  const secret = random.hex(32)
  const counts = new Map<string, number>()
  const hash = (text: string): string => createHash(algorithm === 'MD5' ? 'md5' : 'sha256').update(text).digest('hex')
  const seal = (stamp: string): string => `${stamp}-${createHmac('sha256', secret).update(stamp).digest('hex').slice(0, 32)}`
  const isFresh = (nonce: string): boolean => {
    const stamp = nonce.slice(0, nonce.lastIndexOf('-'))
    return equalStrings(seal(stamp), nonce) && clock.now() - Number.parseInt(stamp, 16) <= nonceLifetimeMs
  }
  const countGrows = (nonce: string, nc: string): boolean => {
    const count = Number.parseInt(nc, 16)
    if (!/^[0-9a-f]{8}$/i.test(nc) || count <= (counts.get(nonce) ?? 0)) return false
    if (counts.size >= MAX_COUNTED_NONCES) counts.delete(counts.keys().next().value ?? '')
    counts.set(nonce, count)
    return true
  }
  return {
    challenge: (stale) => {
      const nonce = seal(`${clock.now().toString(16)}-${random.hex(8)}`)
      return `Digest realm="${realm}", nonce="${nonce}", algorithm=${algorithm}, qop="auth"${stale ? ', stale=true' : ''}`
    },
    check: ({ method, uri, authorization }, passwordOf) => {
      const given = digestParameters(authorization ?? '')
      const value = (name: string): string => given.get(name) ?? ''
      if (given.size === 0 || value('realm') !== realm) return { kind: 'missing' }
      const username = value('username')
      const password = passwordOf(username)
      const wrong = { kind: 'wrong', username: password === undefined ? null : username } as const
      if (password === undefined || value('uri') !== uri || value('qop') !== 'auth') return wrong
      if ((given.get('algorithm') ?? 'MD5').toUpperCase() !== algorithm) return wrong
      const secretHash = hash(`${username}:${realm}:${password}`)
      const expected = hash([secretHash, value('nonce'), value('nc'), value('cnonce'), 'auth', hash(`${method}:${uri}`)].join(':'))
      if (!equalStrings(expected, value('response').toLowerCase())) return wrong
      if (!isFresh(value('nonce')) || !countGrows(value('nonce'), value('nc'))) return { kind: 'stale' }
      return { kind: 'right', username }
    }
  }
}
