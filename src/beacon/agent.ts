/** What a beacon answers, whatever the transport: digest, REGISTER by the verdict, OPTIONS, and a polite no to the rest. */
import { accept, alive, refuse } from '../core/beacon.ts'
import type { BeaconContact, BeaconState } from '../core/beacon.ts'
import type { BeaconSettings, Clock, Random } from '../ports.ts'
import { firstValue } from '../sip/codec.ts'
import type { ResponseParts, SipRequest } from '../sip/codec.ts'
import { parseContacts } from '../sip/contact.ts'
import { createDigestAuthority } from '../sip/digest-authority.ts'
import { parseSeconds } from '../sip/grammar.ts'

/** What became of a message; the values of a metric's label. */
export type BeaconResult = 'accepted' | 'refused' | 'challenged' | 'denied' | 'invalid' | 'other' | 'limited' | 'malformed'

/** Null: nothing is answered. */
export interface AgentAnswer { readonly response: Omit<ResponseParts, 'source'> | null; readonly result: BeaconResult; readonly authenticated: boolean }

export interface Agent {
  answer(request: SipRequest): AgentAnswer
}

/** Where the agent finds and leaves what the beacon knows. */
export interface AgentMemory {
  state: BeaconState
}

const REASONS: Readonly<Record<number, string>> = {
  200: 'OK', 400: 'Bad Request', 401: 'Unauthorized', 403: 'Forbidden', 405: 'Method Not Allowed', 481: 'Call/Transaction Does Not Exist', 500: 'Server Internal Error',
  503: 'Service Unavailable'
}
const ALLOW = ['Allow', 'OPTIONS, REGISTER'] as const
/** A standby answers a challenge at once; older ones are asked again. */
const NONCE_LIFETIME_MS = 30_000

export function createAgent (settings: BeaconSettings, memory: AgentMemory, { clock, random }: { readonly clock: Clock; readonly random: Random }): Agent {
  const { username, password, realm, algorithms, expiresMs, refusal } = settings
  const digest = createDigestAuthority({ realm, algorithms, nonceLifetimeMs: NONCE_LIFETIME_MS, clock, random })

  const respond = (result: BeaconResult, status: number, headers: ResponseParts['headers'] = [], authenticated = false): AgentAnswer =>
    ({ response: { status, reason: REASONS[status] ?? 'Beacon', toTag: random.hex(8), headers }, result, authenticated })
  /** A refusal that the standby's search for the next server goes on after (RFC 3263 §4.3). */
  const refusing = (): AgentAnswer => refusal === 'silence' ? { response: null, result: 'refused', authenticated: false } : respond('refused', 503)

  const answerBinding = (request: SipRequest): AgentAnswer => {
    const contacts = readContacts(request)
    if (contacts === null) return respond('invalid', 400, [], true)
    const nowMs = clock.now()
    const { state, answer } = accept(memory.state, { callId: request.callId, cseq: request.cseq.number, contacts }, expiresMs, nowMs)
    memory.state = state
    if (answer !== 'accepted') return respond('invalid', answer === 'outdated' ? 500 : 403, [], true)
    return respond('accepted', 200, alive(state, nowMs).map(({ uri, untilMs }) => ['Contact', `<${uri}>;expires=${Math.max(1, Math.floor((untilMs - nowMs) / 1_000))}`] as const), true)
  }
  const answerRegister = (request: SipRequest): AgentAnswer => {
    if (memory.state.refuses) {
      // Whoever asks: who the standby is matters only to those who accept it.
      memory.state = refuse(memory.state, { callId: request.callId, contacts: readContacts(request) ?? [] }, clock.now())
      return refusing()
    }
    const authorizations = request.headers.get('authorization') ?? []
    // Of several the one for this realm.
    const verdicts = (authorizations.length === 0 ? [undefined] : authorizations.slice(0, 4)).map((authorization) => digest.check({ method: request.method, uri: request.uri, authorization }, (name) => name === username ? password.reveal() : undefined))
    const verdict = verdicts.find(({ kind }) => kind !== 'missing') ?? { kind: 'missing' as const }
    if (verdict.kind === 'right') return answerBinding(request)
    const challenges = digest.challenges(verdict.kind === 'stale').map((value) => ['WWW-Authenticate', value] as const)
    return respond(verdict.kind === 'wrong' ? 'denied' : 'challenged', 401, challenges)
  }

  return {
    answer: (request) => {
      const { refuses } = memory.state
      switch (request.method) {
        case 'ACK': return { response: null, result: 'other', authenticated: false }
        case 'REGISTER': return answerRegister(request)
        case 'OPTIONS': return refuses ? refusing() : respond('other', 200, [ALLOW])
        case 'CANCEL': return respond('other', 481)
        // A call is not for the beacon. While the standby stays here it must not go on to the carrier by itself either, which a 503 would make it do.
        case 'INVITE': return refuses ? refusing() : respond('other', 403)
        default: return respond('other', 405, [ALLOW])
      }
    }
  }
}

/** Null: they can't be read, or `*` is not alone. */
function readContacts (request: SipRequest): readonly BeaconContact[] | '*' | null {
  const values = request.headers.get('contact') ?? []
  const expires = firstValue(request, 'expires')
  if (values.some((value) => value.trim() === '*')) return values.length === 1 && parseSeconds(expires) === 0 ? '*' : null
  const contacts = parseContacts(values, expires)
  return contacts?.every(({ hostPort }) => hostPort !== '') === true ? contacts.map(({ uri, expiresSeconds }) => ({ uri, expiresSeconds })) : null
}
