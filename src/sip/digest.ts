/**
 * Digest authentication, both sides, as pure functions: RFC 2617, RFC 7616 (SHA-256, SHA-512-256, userhash), RFC 8760
 * (several challenges). Supported: the three algorithms and their -sess forms; qop `auth`, `auth-int` and none.
 *
 * Header values are byte strings (Latin-1), so that a realm is hashed and echoed as the bytes that came. User names and
 * passwords are ordinary strings and go out as UTF-8.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { quote, splitOutside } from './grammar.ts'

export type DigestAlgorithm = 'MD5' | 'MD5-sess' | 'SHA-256' | 'SHA-256-sess' | 'SHA-512-256' | 'SHA-512-256-sess'

/** Hash functions by their name in the header, without `-sess`. */
const HASHES = { MD5: 'md5', 'SHA-256': 'sha256', 'SHA-512-256': 'sha512-256' } as const
const ALGORITHMS = Object.keys(HASHES).flatMap((name) => [name, `${name}-sess`]) as readonly DigestAlgorithm[]

/** What is protected: `auth` the request line, `auth-int` the body as well; null: the old form (RFC 2069). */
export type Qop = 'auth' | 'auth-int' | null

/** One challenge that we can answer. */
export interface DigestChallenge {
  readonly realm: string
  readonly nonce: string
  readonly opaque: string | null
  readonly algorithm: DigestAlgorithm
  /** `auth` where it is offered. */
  readonly qop: Qop
  /** The user name is sent as its hash (RFC 7616 §3.4.4). */
  readonly userhash: boolean
  /** The nonce was too old; the credentials were not refused (RFC 7616 §3.3). */
  readonly stale: boolean
  /** The challenge named no algorithm; the answer then names none either. */
  readonly algorithmOmitted: boolean
}

/** What an Authorization header says. */
export interface DigestCredentials {
  readonly username: string
  readonly realm: string
  readonly nonce: string
  readonly uri: string
  readonly response: string
  readonly algorithm: DigestAlgorithm
  readonly qop: Qop
  readonly userhash: boolean
  /** Eight hexadecimal digits; empty without qop. */
  readonly nc: string
  readonly cnonce: string
}

/** What the hash is made of. */
export interface DigestInput {
  readonly algorithm: DigestAlgorithm
  readonly username: string
  readonly realm: string
  readonly password: string
  readonly method: string
  readonly uri: string
  readonly nonce: string
  readonly qop: Qop
  readonly nc: string
  readonly cnonce: string
  /** The message's body, for `auth-int`; default: none. */
  readonly body?: string
}

/** UTF-8 bytes of a string, one character per byte. */
const toByteString = (text: string): string => Buffer.from(text, 'utf8').toString('latin1')

type Hash = (text: string) => string

const hashOf = (algorithm: DigestAlgorithm): Hash => {
  const name = HASHES[algorithm.replace(/-sess$/, '') as keyof typeof HASHES]
  return (text) => createHash(name).update(text, 'latin1').digest('hex')
}

/** The `response` value in lower-case hexadecimal (RFC 7616 §3.4.1); `username` and `password` are ordinary strings. */
export const digestResponse = (input: DigestInput): string => {
  const hash = hashOf(input.algorithm)
  const secret = hash(`${toByteString(input.username)}:${input.realm}:${toByteString(input.password)}`)
  const ha1 = input.algorithm.endsWith('-sess') ? hash(`${secret}:${input.nonce}:${input.cnonce}`) : secret
  const ha2 = hash(input.qop === 'auth-int' ? `${input.method}:${input.uri}:${hash(input.body ?? '')}` : `${input.method}:${input.uri}`)
  return input.qop === null
    ? hash(`${ha1}:${input.nonce}:${ha2}`)
    : hash(`${ha1}:${input.nonce}:${input.nc}:${input.cnonce}:${input.qop}:${ha2}`)
}

interface AuthValue {
  readonly scheme: string
  readonly params: ReadonlyMap<string, string>
}

/** Scheme and parameters of every element; several challenges in one line too. Unreadable lines are left out. */
const readAuthValues = (values: readonly string[]): readonly AuthValue[] => {
  const found: { scheme: string; params: Map<string, string> }[] = []
  for (const value of values) {
    for (const part of splitOutside(value, ',') ?? []) {
      const start = /^([A-Za-z][A-Za-z0-9-]{0,31}) +(?!=)/.exec(part)
      if (start?.[1] !== undefined) found.push({ scheme: start[1].toLowerCase(), params: new Map() })
      const pair = start === null ? part : part.slice(start[0].length)
      const equals = pair.indexOf('=')
      const name = pair.slice(0, Math.max(equals, 0)).trim().toLowerCase()
      const params = found.at(-1)?.params
      if (name !== '' && params?.has(name) === false) params.set(name, stripQuotes(pair.slice(equals + 1).trim()))
    }
  }
  return found
}

/** Without unescaping: the bytes between the quotes are what both sides hash. */
const stripQuotes = (text: string): string => text.length >= 2 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text

const readAlgorithm = (written: string | undefined): DigestAlgorithm | undefined =>
  written === undefined ? 'MD5' : ALGORITHMS.find((algorithm) => algorithm.toLowerCase() === written.toLowerCase())

/** The challenges of all WWW-Authenticate (or Proxy-Authenticate) values that we can answer, in their order. */
export const parseChallenges = (values: readonly string[]): readonly DigestChallenge[] =>
  readAuthValues(values).flatMap(({ scheme, params }) => {
    const [realm, nonce, qop] = [params.get('realm'), params.get('nonce'), params.get('qop')]
    const algorithm = readAlgorithm(params.get('algorithm'))
    const chosenQop = chooseQop(qop)
    if (scheme !== 'digest' || realm === undefined || nonce === undefined || algorithm === undefined || chosenQop === undefined) return []
    return [{
      realm, nonce, algorithm,
      opaque: params.get('opaque') ?? null,
      qop: chosenQop,
      userhash: params.get('userhash')?.toLowerCase() === 'true',
      stale: params.get('stale')?.toLowerCase() === 'true',
      algorithmOmitted: !params.has('algorithm')
    }]
  })

/** `auth` is enough where both are offered. Undefined: something that we don't know is required. */
const chooseQop = (offered: string | undefined): Qop | undefined => {
  if (offered === undefined) return null
  const options = offered.split(',').map((option) => option.trim().toLowerCase())
  return (['auth', 'auth-int'] as const).find((known) => options.includes(known))
}

/** The first one that we can answer: servers list them in their order of preference (RFC 8760 §2.4, RFC 7616 §3.7). */
export const chooseChallenge = (challenges: readonly DigestChallenge[]): DigestChallenge | null => challenges[0] ?? null

/** What a client adds to a challenge to answer it. */
export interface DigestAnswerInput {
  readonly username: string
  readonly password: string
  readonly method: string
  /** The Request-URI. */
  readonly uri: string
  readonly cnonce: string
  /** How often this nonce has been used, from 1. */
  readonly nonceCount: number
  readonly body?: string
}

/** Value of the Authorization (or Proxy-Authorization) header that answers a challenge. */
export const formatCredentials = (challenge: DigestChallenge, input: DigestAnswerInput): string => {
  const nc = input.nonceCount.toString(16).padStart(8, '0')
  const response = digestResponse({ ...challenge, ...input, nc })
  const hasCnonce = challenge.qop !== null || challenge.algorithm.endsWith('-sess')
  return 'Digest ' + [
    `username=${quote(challenge.userhash ? hashUsername(challenge.algorithm, input.username, challenge.realm) : toByteString(input.username))}`,
    `realm="${challenge.realm}"`,
    `nonce="${challenge.nonce}"`,
    `uri="${input.uri}"`,
    `response="${response}"`,
    ...challenge.algorithmOmitted ? [] : [`algorithm=${challenge.algorithm}`],
    ...challenge.opaque === null ? [] : [`opaque="${challenge.opaque}"`],
    ...hasCnonce ? [`cnonce="${input.cnonce}"`] : [],
    ...challenge.qop === null ? [] : [`qop=${challenge.qop}`, `nc=${nc}`],
    ...challenge.userhash ? ['userhash=true'] : []
  ].join(', ')
}

/** RFC 7616 §3.4.4. */
const hashUsername = (algorithm: DigestAlgorithm, username: string, realm: string): string => hashOf(algorithm)(`${toByteString(username)}:${realm}`)

/** The nonce that an Authentication-Info (or Proxy-Authentication-Info) value asks to use next; null: none. */
export const parseNextNonce = (values: readonly string[]): string | null => readAuthValues(values.map((value) => `Info ${value}`))[0]?.params.get('nextnonce') ?? null

/** Value of a server's WWW-Authenticate header. */
export const formatChallenge = (challenge: Pick<DigestChallenge, 'realm' | 'nonce' | 'algorithm' | 'stale'> & { readonly qop?: Exclude<Qop, null> }): string =>
  `Digest realm="${challenge.realm}", nonce="${challenge.nonce}", algorithm=${challenge.algorithm}, qop="${challenge.qop ?? 'auth'}"${challenge.stale ? ', stale=true' : ''}`

/** A client's Authorization value; null: unreadable, not Digest, or in a form that is not supported. */
export const parseCredentials = (value: string): DigestCredentials | null => {
  const [found] = readAuthValues([value])
  const read = (name: string): string | undefined => found?.params.get(name)
  const [username, realm, nonce, uri, response] = [read('username'), read('realm'), read('nonce'), read('uri'), read('response')]
  const algorithm = readAlgorithm(read('algorithm'))
  const qop = read('qop')?.toLowerCase() ?? null
  if (found?.scheme !== 'digest' || algorithm === undefined || (qop !== null && qop !== 'auth' && qop !== 'auth-int')) return null
  if (username === undefined || realm === undefined || nonce === undefined || uri === undefined || response === undefined) return null
  return { username: username.replaceAll(/\\(.)/g, '$1'), realm, nonce, uri, response: response.toLowerCase(), algorithm, qop, userhash: read('userhash')?.toLowerCase() === 'true', nc: read('nc') ?? '', cnonce: read('cnonce') ?? '' }
}

/**
 * Whether the client knew the password; compares in constant time. The caller checks that nonce and realm are its own
 * and that `credentials.uri` is the Request-URI.
 */
export const isPasswordProven = (credentials: DigestCredentials, account: { readonly username: string; readonly password: string }, method: string, body = ''): boolean => {
  const expected = Buffer.from(digestResponse({ ...credentials, ...account, method, body }), 'latin1')
  const given = Buffer.from(credentials.response, 'latin1')
  const name = credentials.userhash ? hashUsername(credentials.algorithm, account.username, credentials.realm) : toByteString(account.username)
  return credentials.username === name && expected.length === given.length && timingSafeEqual(expected, given)
}
