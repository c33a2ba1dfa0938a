/**
 * A server's digest authentication (RFC 7616, RFC 8760), for SIP and HTTP alike: nonces that prove their own age by an
 * HMAC, and a nonce count that must grow. What is secret is compared in constant time.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Clock, Random } from '../ports.ts'
import { formatChallenge, isPasswordProven, parseCredentials } from './digest.ts'

export const SERVER_ALGORITHMS = ['MD5', 'SHA-256', 'SHA-512-256'] as const
export type ServerAlgorithm = typeof SERVER_ALGORITHMS[number]

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
  /** Values of `WWW-Authenticate`, one for each algorithm, the preferred one first (RFC 8760 §2.4). */
  challenges(stale: boolean): readonly [string, ...string[]]
  /** @param passwordOf - password of an account; undefined when there is no such account */
  check(request: DigestRequest, passwordOf: (username: string) => string | undefined): DigestVerdict
}

export interface DigestAuthorityOptions {
  readonly realm: string
  /** In the order of preference. */
  readonly algorithms: readonly [ServerAlgorithm, ...ServerAlgorithm[]]
  /** Age at which a nonce is stale [ms]. */
  readonly nonceLifetimeMs: number
  readonly clock: Clock
  readonly random: Random
}

/** Nonces whose count is remembered; one that was forgotten is stale. */
const MAX_COUNTED_NONCES = 1_000

/** Makes the authority; it keeps nothing but the last count of the nonces in use. */
export const createDigestAuthority = (options: DigestAuthorityOptions): DigestAuthority => {
  const { realm, algorithms, nonceLifetimeMs, clock, random } = options
  const secret = random.hex(32)
  /** Stands in where there is no such account, so that the answer takes as long. */
  const nobody = random.hex(16)
  const counts = new Map<string, number>()
  /** Younger nonces than this were all remembered. */
  let forgottenUntilMs = -Infinity
  const seal = (stamp: string): string => `${stamp}-${createHmac('sha256', secret).update(stamp).digest('hex').slice(0, 32)}`
  const issuedAtMs = (nonce: string): number => Number.parseInt(nonce, 16)
  const isFresh = (nonce: string): boolean => {
    const expected = Buffer.from(seal(nonce.slice(0, Math.max(0, nonce.lastIndexOf('-')))), 'latin1')
    const given = Buffer.from(nonce, 'latin1')
    const ageMs = clock.now() - issuedAtMs(nonce)
    return expected.length === given.length && timingSafeEqual(expected, given) && ageMs <= nonceLifetimeMs
  }
  const countGrows = (nonce: string, nc: string): boolean => {
    const count = Number.parseInt(nc, 16)
    const last = counts.get(nonce)
    if (!/^[0-9a-f]{8}$/i.test(nc) || count <= (last ?? 0)) return false
    // Its count may be among those that were thrown away.
    if (last === undefined && issuedAtMs(nonce) <= forgottenUntilMs) return false
    if (last === undefined && counts.size >= MAX_COUNTED_NONCES) {
      const [oldest = ''] = counts.keys()
      counts.delete(oldest)
      forgottenUntilMs = Math.max(forgottenUntilMs, issuedAtMs(oldest))
    }
    counts.set(nonce, count)
    return true
  }
  const newChallenge = (algorithm: ServerAlgorithm, stale: boolean): string => formatChallenge({ realm, algorithm, stale, nonce: seal(`${clock.now().toString(16)}-${random.hex(8)}`) })
  return {
    challenges: (stale) => {
      const [first, ...others] = algorithms
      return [newChallenge(first, stale), ...others.map((algorithm) => newChallenge(algorithm, stale))]
    },
    check: ({ method, uri, authorization }, passwordOf) => {
      const credentials = parseCredentials(authorization ?? '')
      if (credentials === null || credentials.realm !== realm) return { kind: 'missing' }
      const { username, nonce, nc, algorithm } = credentials
      const password = passwordOf(username)
      const isProven = isPasswordProven(credentials, { username, password: password ?? nobody }, method)
      const isOffered = algorithms.some((offered) => offered === algorithm)
      if (!isProven || password === undefined || !isOffered || credentials.uri !== uri || credentials.qop === null) return { kind: 'wrong' }
      return isFresh(nonce) && countGrows(nonce, nc) ? { kind: 'right', username } : { kind: 'stale' }
    }
  }
}
