/** REGISTER: asking a registrar who holds an account's binding, and holding one of our own for a test account. */
import type { BindingAnswer } from '../core/binding.ts'
import type { Random, SipCredentials } from '../ports.ts'
import type { Authenticated, Authorizer } from './authorization.ts'
import { firstValue, type SipResponse } from './codec.ts'
import { parseContacts, type Contact } from './contact.ts'
import { escapeUser, type Conversation, type ExchangeFailure, type Identity } from './conversation.ts'
import { parseSeconds } from './grammar.ts'

export const toFailedAnswer = (failure: ExchangeFailure): BindingAnswer => ({ kind: 'failed', reason: failure.reason, detail: failure.detail })

/** REGISTER without a Contact, which changes nothing (RFC 3261 §10.2.3). */
export const sendQuery = (conversation: Conversation, authorizer: Authorizer, uri: string): Promise<Authenticated> =>
  authorizer.send({ method: 'REGISTER', uri }, (credentials) => conversation.send('REGISTER', () => credentials))

/** Every 2xx but 200, 3xx, 4xx, 5xx and 6xx is `unsupported`, except a refusal of the credentials (also 403). */
export const toBindingAnswer = (ended: Authenticated): BindingAnswer => {
  if (ended.kind !== 'ended') {
    const { kind, response: { status: code } } = ended
    if (kind === 'refused') return { kind: 'refused', code }
    return kind === 'unanswerable' ? { kind: 'unsupported', code, retryAfterMs: null } : { kind: 'failed', reason: 'auth-failed', detail: 'challenged again and again' }
  }
  if (!ended.ended.ok) return toFailedAnswer(ended.ended)
  const { response } = ended.ended
  if (response.status === 403) return { kind: 'refused', code: 403 }
  if (response.status !== 200) return { kind: 'unsupported', code: response.status, retryAfterMs: retryAfterMs(response) }
  const contacts = listedContacts(response)
  if (contacts === null) return { kind: 'failed', reason: 'malformed', detail: 'unreadable response: a Contact' }
  return { kind: 'listed', contacts: contacts.map(({ q: _q, ...contact }) => contact) }
}

/** Null: one can't be read. */
export const listedContacts = (response: SipResponse): readonly Contact[] | null =>
  parseContacts(response.headers.get('contact') ?? [], firstValue(response, 'expires'))

/** The pause that a response asks for [ms]; null: none. */
export const retryAfterMs = (response: SipResponse): number | null => {
  const seconds = parseSeconds(firstValue(response, 'retry-after'))
  return seconds === null ? null : seconds * 1000
}

/** Our own binding of a test account. Its Contact stays the same, so that a refresh never leaves a second one behind. */
export interface Binding {
  readonly identity: Identity
  readonly authorizer: Authorizer
  readonly credentials: SipCredentials
  readonly user: string
  /** Null: nothing was bound yet. */
  contact: string | null
  /** What the registrar wants at least (423) [s]. */
  leastSeconds: number
}

/** A registrar may ask for no more [s]. */
const LONGEST_SECONDS = 86_400

/** User part of the Contact: unguessable, so that two probers of one account are told apart. */
export const bindingUser = (random: Random, credentials: SipCredentials): string => `${escapeUser(credentials.username)}-${random.hex(4)}`

/**
 * Binds, or refreshes what is bound. A 423 is answered once, with the lifetime that the registrar wants (RFC 3261 §10.2.8).
 *
 * @param expiresSeconds - 0: un-binds, exactly this Contact and never `*`
 */
export const sendBind = async (conversation: Conversation, binding: Binding, uri: string, expiresSeconds: number): Promise<Authenticated> => {
  binding.contact ??= conversation.contact(binding.user)
  const { contact, authorizer } = binding
  const send = (seconds: number): Promise<Authenticated> => authorizer.send({ method: 'REGISTER', uri }, (credentials) =>
    conversation.send('REGISTER', () => [['Contact', `<${contact}>;expires=${seconds}`], ['Expires', String(seconds)], ...credentials]))
  const ended = await send(expiresSeconds === 0 ? 0 : Math.max(expiresSeconds, binding.leastSeconds))
  const wanted = ended.kind === 'ended' && ended.ended.ok && ended.ended.response.status === 423 ? parseSeconds(firstValue(ended.ended.response, 'min-expires')) : null
  if (wanted === null || expiresSeconds === 0 || wanted <= expiresSeconds || wanted > LONGEST_SECONDS) return ended
  binding.leastSeconds = wanted
  return send(wanted)
}
