/** Answers the challenges of one conversation: a registrar's 401 and a proxy's 407, each once, and an old nonce anew. */
import type { Random, SipCredentials } from '../ports.ts'
import type { HeaderLines, SipResponse } from './codec.ts'
import { chooseChallenge, formatCredentials, parseChallenges, parseNextNonce, type DigestChallenge } from './digest.ts'
import type { Exchanged } from './conversation.ts'

/** Requests for one answer at most: a proxy's and a registrar's challenge, and one old nonce. */
const MAX_REQUESTS = 4

/** Who asks for credentials by which code, and where they go. */
const ASKERS = {
  401: { challenge: 'www-authenticate', credentials: 'Authorization', info: 'authentication-info' },
  407: { challenge: 'proxy-authenticate', credentials: 'Proxy-Authorization', info: 'proxy-authentication-info' }
} as const
type AskingCode = keyof typeof ASKERS

/** The challenge that is being answered, and how often its nonce was used. */
interface Answered {
  readonly challenge: DigestChallenge
  uses: number
}

/**
 * How the requests ended. `refused`: the credentials were wrong; they are never tried again. `unanswerable`: a challenge
 * in a form that we don't know, or none. `endless`: one old nonce after the other.
 */
export type Authenticated =
  | { readonly kind: 'ended'; readonly ended: Exchanged }
  | { readonly kind: 'refused' | 'unanswerable' | 'endless'; readonly response: SipResponse }

export interface Authorizer {
  /**
   * Sends a request until its answer is no challenge any more. Each asker gets one answer; its second challenge is a
   * refusal unless it says `stale=true` or the nonce was one that an earlier request had used: an account is never locked
   * by our trying.
   *
   * @param send - one request with these credentials
   * @param signed - what the credentials cover
   */
  send(signed: { readonly method: string; readonly uri: string; readonly body?: string }, send: (credentials: HeaderLines) => Promise<Exchanged>): Promise<Authenticated>
}

/** Challenges are remembered for the next request, which then needs no challenge of its own. */
export const createAuthorizer = (random: Random, account: SipCredentials): Authorizer => {
  const answered = new Map<AskingCode, Answered>()

  const credentials = (signed: { readonly method: string; readonly uri: string; readonly body?: string }): HeaderLines =>
    [...answered].map(([code, entry]) => {
      entry.uses++
      return [ASKERS[code].credentials, formatCredentials(entry.challenge, {
        ...signed, username: account.username, password: account.password.reveal(), cnonce: random.hex(16), nonceCount: entry.uses
      })] as const
    })

  /** RFC 7616 §3.5: the next request uses the nonce that the server names. */
  const takeNextNonces = (response: SipResponse): void => {
    for (const [code, { challenge }] of answered) {
      const nonce = parseNextNonce(response.headers.get(ASKERS[code].info) ?? [])
      if (nonce !== null) answered.set(code, { challenge: { ...challenge, nonce }, uses: 0 })
    }
  }

  return {
    send: async (signed, send) => {
      const tried = new Set<AskingCode>()
      for (let sent = 1; ; sent++) {
        const ended = await send(credentials(signed))
        if (!ended.ok) return { kind: 'ended', ended }
        const { response } = ended
        const { status } = response
        if (status !== 401 && status !== 407) {
          takeNextNonces(response)
          return { kind: 'ended', ended }
        }
        const challenge = chooseChallenge(parseChallenges(response.headers.get(ASKERS[status].challenge) ?? []))
        // A nonce that this call didn't fetch may have grown old without the server saying so.
        if (tried.has(status) && challenge?.stale !== true) return forget('refused', response)
        if (challenge === null) return forget(answered.has(status) ? 'refused' : 'unanswerable', response)
        if (sent === MAX_REQUESTS) return forget('endless', response)
        tried.add(status)
        answered.set(status, { challenge, uses: 0 })
      }
    }
  }

  function forget (kind: 'refused' | 'unanswerable' | 'endless', response: SipResponse): Authenticated {
    answered.clear()
    return { kind, response }
  }
}
