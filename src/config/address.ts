/** SIP URIs, host:port pairs and HTTP URLs as they are written in the configuration. No message repeats what it read: a password may be in it. */
import { isIP, isIPv6 } from 'node:net'

/** What was read, or one sentence without a subject ("must start with …") and what to do. */
export type Parsed<Value> = { readonly ok: true; readonly value: Value } | Refusal
interface Refusal { readonly ok: false; readonly message: string; readonly hint: string }

export interface HostPort {
  /** Lower case; IPv6 without brackets. Empty: all local addresses. */
  readonly host: string
  readonly port: number | null
}

export interface SipUri {
  /** The same for all spellings of one target: host in lower case, no parameter but `transport`. */
  readonly uri: string
  readonly user: string | null
  readonly host: string
}

const SIP_EXAMPLE = 'for example sip:sbc.acme.example or sip:10.0.1.10:5060'
const HOST_NAME = /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*\.?$/
// Characters of a user part (RFC 3261 §25.1: unreserved, escaped, user-unreserved).
const USER = /^[\w\-.!~*'()%&=+$,;?/]+$/

/** `host`, `host:port`, `[v6]:port` or `:port`. */
export function parseHostPort (text: string): HostPort | null {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]*))(?::(\d{1,5}))?$/.exec(text)
  if (match === null) return null
  const [, v6, name, digits] = match
  const host = (v6 ?? name ?? '').toLowerCase()
  const port = digits === undefined ? null : Number(digits)
  if (port !== null && port > 65535) return null
  if (v6 !== undefined) return isIPv6(v6) ? { host, port } : null
  // Four groups of digits that are no address (10.0.0.300) are no host name either.
  const looksNumeric = /^[\d.]+$/.test(host)
  if (host !== '' && !(looksNumeric ? isIP(host) !== 0 : HOST_NAME.test(host))) return null
  return { host, port }
}

/** @returns `host:port`, with brackets around IPv6; without a port, only the host */
export function renderHostPort ({ host, port }: HostPort): string {
  const name = isIPv6(host) ? `[${host}]` : host
  return port === null ? name : `${name}:${port}`
}

/** Contacts are compared as text with what the registrar lists, with the default port filled in. */
export function parseContact (text: string): Parsed<string> {
  if (/^<?sips?:/i.test(text)) return refuse('must be host:port, not a URI', 'for example 10.0.1.10:5060')
  const address = parseHostPort(text)
  if (address === null || address.host === '') return refuse('must be host:port', 'for example 10.0.1.10:5060')
  return { ok: true, value: renderHostPort({ host: address.host, port: address.port ?? 5060 }) }
}

/** A SIP URI (RFC 3261 §19.1) with at most the parameter `transport`. */
export function parseSipUri (text: string): Parsed<SipUri> {
  const scheme = /^sips?(?=:)/i.exec(text)?.[0].toLowerCase()
  if (scheme === undefined) return refuse('must start with sip: or sips:', SIP_EXAMPLE)
  const rest = text.slice(scheme.length + 1)
  const user = rest.includes('@') ? rest.slice(0, rest.lastIndexOf('@')) : null
  if (user?.includes(':') === true) return refuse('must not contain a password', 'use password_file or password_env of the probe')
  if (user !== null && !USER.test(user)) return refuse('has a user part that is not valid', SIP_EXAMPLE)
  const [hostPort = '', ...parameters] = rest.slice(user === null ? 0 : user.length + 1).split(';')
  if (hostPort.includes('?')) return refuse('must not have headers after "?"', SIP_EXAMPLE)
  const address = parseHostPort(hostPort)
  if (address === null || address.host === '' || address.port === 0) return refuse('has no valid host', SIP_EXAMPLE)
  const [parameter = '', ...more] = parameters
  if (more.length > 0 || !/^(?:|transport=.*)$/i.test(parameter)) return refuse('has a parameter that is not supported', 'remove what follows ";", except transport')
  if (parameter !== '' && !/^transport=(?:udp|tcp|tls)$/i.test(parameter)) return refuse('names a transport that is not supported', 'one of: udp, tcp, tls')
  if (scheme === 'sips' && /udp$/i.test(parameter)) return refuse('is a sips: URI with transport=udp', 'sips: is TLS over TCP')
  const suffix = parameter === '' ? '' : `;${parameter.toLowerCase()}`
  return { ok: true, value: { uri: `${scheme}:${user === null ? '' : `${user}@`}${renderHostPort(address)}${suffix}`, user, host: address.host } }
}

/** Whom `GET /probe` may ask: a network (one address: of full length), or a host by its name. */
export type Allowed = { readonly network: string; readonly prefix: number } | { readonly host: string }

const NETWORK_EXAMPLE = 'for example 10.0.0.0/8, 10.0.1.10 or sbc.acme.example'

export function parseNetwork (text: string): Parsed<Allowed> {
  const [address = '', length, ...more] = text.split('/')
  const family = isIP(address)
  if (family === 0) {
    const name = parseHostPort(text)
    const isHost = name !== null && name.host !== '' && name.port === null && length === undefined
    return isHost ? { ok: true, value: { host: name.host } } : refuse('must be an address, a network or a host name', NETWORK_EXAMPLE)
  }
  const longest = family === 4 ? 32 : 128
  const prefix = length === undefined ? longest : Number(/^\d{1,3}$/.test(length) ? length : NaN)
  if (more.length > 0 || Number.isNaN(prefix) || prefix > longest) return refuse(`must have a length from 0 to ${longest} after "/"`, NETWORK_EXAMPLE)
  return { ok: true, value: { network: address, prefix } }
}

/** @returns the URL without a slash at its end */
export function parseHttpUrl (text: string): Parsed<URL> {
  const url = URL.parse(text)
  if (url === null || !/^https?:$/.test(url.protocol) || url.hostname === '') {
    return refuse('must be an http:// or https:// URL', 'for example https://10.0.1.10')
  }
  if (url.username !== '' || url.password !== '') return refuse('must not contain an account', 'use username and password_file')
  if (url.search !== '' || url.hash !== '') return refuse('must not contain "?" or "#"', 'for example https://10.0.1.10')
  return { ok: true, value: url }
}

/** Nothing that is sent to this host, or that it listens on, leaves the machine. */
export function isLoopback (host: string): boolean {
  const name = host.replace(/^\[|\]$/g, '').toLowerCase()
  return name === 'localhost' || name === '::1' || (isIP(name) === 4 && name.startsWith('127.'))
}

function refuse (message: string, hint: string): Refusal {
  return { ok: false, message, hint }
}
