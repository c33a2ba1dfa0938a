/**
 * A server's digest authentication (RFC 7616, RFC 8760), for SIP and HTTP alike: nonces that prove their own age by an
 * HMAC, and a nonce count that must grow.
 */
import { createHmac } from 'node:crypto'
import type { Clock, Random } from '../ports.ts'
import { formatChallenge, isPasswordProven, parseCredentials } from '../sip/digest.ts'

/** `stale`: the password was right, but the nonce is too old, not ours, or its count was used before. */
export type DigestVerdict =
  | { readonly kind: 'right'; readonly username: string }
  | { readonly kind: 'missing' | 'stale' | 'wrong' }

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
  readonly algorithm: 'MD5' | 'SHA-256'
  /** Age at which a nonce is stale [ms]. */
  readonly nonceLifetimeMs: number
  readonly clock: Clock
  readonly random: Random
}

const MAX_COUNTED_NONCES = 1_000

/** Makes the authority; it keeps nothing but the last count of the nonces in use. */
export const createDigestAuthority = (options: DigestAuthorityOptions): DigestAuthority => {
  const { realm, algorithm, nonceLifetimeMs, clock, random } = options
  const secret = random.hex(32)
  const counts = new Map<string, number>()
  const seal = (stamp: string): string => `${stamp}-${createHmac('sha256', secret).update(stamp).digest('hex').slice(0, 32)}`
  const isFresh = (nonce: string): boolean => {
    const stamp = nonce.slice(0, nonce.lastIndexOf('-'))
    return seal(stamp) === nonce && clock.now() - Number.parseInt(stamp, 16) <= nonceLifetimeMs
  }
  const countGrows = (nonce: string, nc: string): boolean => {
    const count = Number.parseInt(nc, 16)
    if (!/^[0-9a-f]{8}$/i.test(nc) || count <= (counts.get(nonce) ?? 0)) return false
    if (counts.size >= MAX_COUNTED_NONCES) counts.delete(counts.keys().next().value ?? '')
    counts.set(nonce, count)
    return true
  }
  return {
    challenge: (stale) => formatChallenge({ realm, algorithm, stale, nonce: seal(`${clock.now().toString(16)}-${random.hex(8)}`) }),
    check: ({ method, uri, authorization }, passwordOf) => {
      const credentials = parseCredentials(authorization ?? '')
      if (credentials === null || credentials.realm !== realm) return { kind: 'missing' }
      const { username, nonce, nc } = credentials
      const password = passwordOf(username)
      if (password === undefined || credentials.uri !== uri || credentials.qop === null || credentials.algorithm !== algorithm) return { kind: 'wrong' }
      if (!isPasswordProven(credentials, { username, password }, method)) return { kind: 'wrong' }
      return isFresh(nonce) && countGrows(nonce, nc) ? { kind: 'right', username } : { kind: 'stale' }
    }
  }
}
