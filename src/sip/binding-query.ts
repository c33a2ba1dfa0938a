/** Asks a registrar who holds an account's binding: REGISTER without Contact, which changes nothing (RFC 3261 §10.2.3). */
import type { BindingAnswer } from '../core/binding.ts'
import type { Random, SipCredentials } from '../ports.ts'
import { firstValue, type HeaderLines, type SipResponse } from './codec.ts'
import { parseContacts } from './contact.ts'
import { chooseChallenge, formatCredentials, parseChallenges, type DigestChallenge } from './digest.ts'
import type { ExchangeFailure, SendRequest } from './exchange.ts'
import { parseSeconds } from './grammar.ts'

/** Requests of one query at most: a proxy's and a registrar's challenge, and one stale nonce. */
const MAX_REQUESTS = 4

/** Who asks for credentials by which code, and where they go. */
const ASKERS = {
  401: { challenge: 'www-authenticate', credentials: 'Authorization' },
  407: { challenge: 'proxy-authenticate', credentials: 'Proxy-Authorization' }
} as const
type AskingCode = keyof typeof ASKERS

/** The challenge that is being answered, and how often its nonce was used. */
interface Answered {
  readonly challenge: DigestChallenge
  uses: number
}

export const toFailedAnswer = (failure: ExchangeFailure): BindingAnswer => ({ kind: 'failed', reason: failure.reason, detail: failure.detail })

/**
 * One query. Each asker (registrar 401, proxy 407) gets one answer; its second challenge is a refusal unless it says
 * `stale=true`: an account is never locked by our trying. Every 2xx but 200, 3xx, 4xx, 5xx and 6xx is `unsupported`.
 *
 * @param uri - the Request-URI
 */
export const queryBinding = async (send: SendRequest, random: Random, uri: string, credentials: SipCredentials): Promise<BindingAnswer> => {
  const answered = new Map<AskingCode, Answered>()
  for (let sent = 0; sent < MAX_REQUESTS; sent++) {
    const ended = await send('REGISTER', answerAll(answered, random, uri, credentials))
    if (!ended.ok) return toFailedAnswer(ended)
    const { status } = ended.response
    if (status !== 401 && status !== 407) return toAnswer(ended.response)
    const challenge = chooseChallenge(parseChallenges(ended.response.headers.get(ASKERS[status].challenge) ?? []))
    if (answered.has(status) && challenge?.stale !== true) return { kind: 'refused', code: status }
    if (challenge === null) return { kind: 'unsupported', code: status, retryAfterMs: null }
    answered.set(status, { challenge, uses: 0 })
  }
  return { kind: 'failed', reason: 'auth-failed', detail: 'challenged again and again' }
}

const answerAll = (answered: ReadonlyMap<AskingCode, Answered>, random: Random, uri: string, credentials: SipCredentials): HeaderLines =>
  [...answered].map(([code, entry]) => {
    entry.uses++
    return [ASKERS[code].credentials, formatCredentials(entry.challenge, {
      username: credentials.username, password: credentials.password.reveal(), method: 'REGISTER', uri,
      cnonce: random.hex(16), nonceCount: entry.uses
    })] as const
  })

const toAnswer = (response: SipResponse): BindingAnswer => {
  if (response.status === 403) return { kind: 'refused', code: 403 }
  if (response.status !== 200) {
    const seconds = parseSeconds(firstValue(response, 'retry-after'))
    return { kind: 'unsupported', code: response.status, retryAfterMs: seconds === null ? null : seconds * 1000 }
  }
  const contacts = parseContacts(response.headers.get('contact') ?? [], firstValue(response, 'expires'))
  if (contacts === null) return { kind: 'failed', reason: 'malformed', detail: 'unreadable response: a Contact' }
  return { kind: 'listed', contacts: contacts.map(({ q: _q, ...contact }) => contact) }
}
