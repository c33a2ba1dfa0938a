/**
 * Changes bindings of others at a registrar: one REGISTER that removes some Contacts (lifetime 0) and adds others. A
 * registrar takes all of them or none (RFC 3261 §10.3 step 7); its 200 lists what is bound after it.
 */
import type { ContactChange } from '../core/binding.ts'
import type { Authenticated, Authorizer } from './authorization.ts'
import type { Conversation } from './conversation.ts'
import { parseSipUri } from './uri.ts'

/** Sends one REGISTER with its answers to challenges. @param uri - the Request-URI */
export type SendRegister = (conversation: Conversation, authorizer: Authorizer, uri: string) => Promise<Authenticated>

/** Never none, which would be a mere question, and never `*`, which would remove everybody's. */
export const areContacts = (changes: readonly ContactChange[]): boolean =>
  changes.length > 0 && changes.every(({ uri, expiresSeconds }) => parseSipUri(uri) !== null && Number.isInteger(expiresSeconds) && expiresSeconds >= 0)

/** @param changes - with Contacts as they were listed */
export const sendChange = (changes: readonly ContactChange[]): SendRegister => (conversation, authorizer, uri) =>
  authorizer.send({ method: 'REGISTER', uri }, (credentials) =>
    conversation.send('REGISTER', () => [...changes.map((change) => ['Contact', `<${change.uri}>;expires=${change.expiresSeconds}`] as const), ...credentials]))
