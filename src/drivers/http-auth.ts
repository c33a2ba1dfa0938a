/**
 * Authentication of a driver's requests: Basic (RFC 7617), Digest (RFC 7616) by challenge, bearer tokens (RFC 6750).
 * A request that was answered 401 was not executed, so it is sent again once with what was asked for, also a write.
 */
import type { Random, Secret } from '../ports.ts'
import { chooseChallenge, formatCredentials, parseChallenges } from '../sip/digest.ts'
import type { DigestChallenge } from '../sip/digest.ts'
import type { HttpRequest, HttpResponse, HttpResult, Send } from './http-client.ts'

/**
 * `auto`: Basic at once over TLS or to this machine, else what the gateway asks for, Digest before Basic. Over plain HTTP
 * somebody on the way can ask for Basic and read the password: `digest` never sends it.
 */
export type Credentials =
  | { readonly scheme: 'none' }
  | { readonly scheme: 'bearer'; readonly token: Secret }
  | { readonly scheme: 'auto' | 'basic' | 'digest'; readonly username: string; readonly password: Secret }

type Account = Extract<Credentials, { username: string }>

/** TLS, or a connection that doesn't leave the machine. */
function isPrivate (url: URL): boolean {
  return url.protocol === 'https:' || /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname)
}

function basic ({ username, password }: Account): string {
  return `Basic ${Buffer.from(`${username}:${password.reveal()}`, 'utf8').toString('base64')}`
}

/** Remembers the last challenge, so that only the first request of a nonce costs a second exchange. */
function createAccountAuthority (account: Account, random: Random) {
  let challenge: DigestChallenge | null = null
  let count = 0
  const digest = (known: DigestChallenge, request: HttpRequest): string => {
    const { pathname, search } = new URL(request.url)
    count += 1
    return formatCredentials(known, {
      username: account.username, password: account.password.reveal(), method: request.method, uri: `${pathname}${search}`,
      cnonce: random.hex(16), nonceCount: count, body: request.body ?? ''
    })
  }
  return {
    /** Value of Authorization to try first; null: wait for the challenge. */
    first: (request: HttpRequest): string | null => {
      if (challenge !== null) return digest(challenge, request)
      return account.scheme !== 'digest' && isPrivate(new URL(request.url)) ? basic(account) : null
    },
    /** Answer to a 401; null: the account is refused, or there is nothing that we may answer. */
    answer: (request: HttpRequest, tried: string | null, response: HttpResponse): string | null => {
      const offered = response.headers['www-authenticate'] ?? ''
      const chosen = account.scheme === 'basic' ? null : chooseChallenge(parseChallenges([offered]))
      if (chosen !== null) {
        const wasRefused = tried?.startsWith('Digest') === true && !chosen.stale && chosen.nonce === challenge?.nonce
        challenge = wasRefused ? null : chosen
        count = 0
        return wasRefused ? null : digest(chosen, request)
      }
      challenge = null
      const mayBasic = account.scheme !== 'digest' && /(^|,)\s*basic\b/i.test(offered)
      return mayBasic && tried?.startsWith('Basic') !== true ? basic(account) : null
    }
  }
}

/** Sends with credentials on every request. A final 401 comes back as the response. */
export function withCredentials (send: Send, credentials: Credentials, random: Random): Send {
  const sendAs = (request: HttpRequest, authorization: string | null): Promise<HttpResult> =>
    send(authorization === null ? request : { ...request, headers: { ...request.headers, Authorization: authorization } })
  if (credentials.scheme === 'none') return send
  if (credentials.scheme === 'bearer') return (request) => sendAs(request, `Bearer ${credentials.token.reveal()}`)
  const authority = createAccountAuthority(credentials, random)
  return async (request) => {
    const tried = authority.first(request)
    const result = await sendAs(request, tried)
    if (!result.ok || result.status !== 401) return result
    const answer = authority.answer(request, tried, result)
    return answer === null ? result : sendAs(request, answer)
  }
}
