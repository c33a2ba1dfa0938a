/** The Contacts of a REGISTER or of its 200: the bindings of an account (RFC 3261 §10.3, RFC 5626 §4). */
import type { ListedContact } from '../core/binding.ts'
import { parseNameAddress, parseSeconds, splitList } from './grammar.ts'
import { formatHostPort, parseSipUri, uriPort } from './uri.ts'

export interface Contact extends ListedContact {
  /** Preference 0…1; null: not told. */
  readonly q: number | null
}

/**
 * All Contacts of a message, in order; several lines and several elements per line. Null when one can't be read: a
 * binding that is overlooked would look like none at all. A URI that is no SIP URI is listed with an empty `hostPort`.
 * The caller sees to the form `*`.
 *
 * @param values - the values of all Contact headers
 * @param expiresHeader - the message's Expires header: the lifetime of a Contact without one of its own
 */
export const parseContacts = (values: readonly string[], expiresHeader: string | null = null): readonly Contact[] | null => {
  const elements = splitList(values)
  const contacts = elements?.map((element) => parseContact(element, expiresHeader))
  return contacts?.every((contact) => contact !== null) === true ? contacts : null
}

const parseContact = (element: string, expiresHeader: string | null): Contact | null => {
  const address = parseNameAddress(element)
  if (address === null) return null
  const uri = parseSipUri(address.uri)
  const q = Number.parseFloat(address.params.get('q') ?? '')
  const instance = address.params.get('+sip.instance')
  return {
    uri: address.uri,
    user: uri?.user ?? null,
    hostPort: uri === null ? '' : formatHostPort(uri.host, uriPort(uri)),
    instance: instance === undefined ? null : instance.replace(/^<(.*)>$/, '$1'),
    expiresSeconds: parseSeconds(address.params.get('expires') ?? expiresHeader),
    q: q >= 0 && q <= 1 ? q : null
  }
}
