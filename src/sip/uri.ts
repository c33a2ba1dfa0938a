/** SIP URIs (RFC 3261 §19.1), read and written by our own code: npm `sip` knows no IPv6 and no upper-case scheme. */
import { isIPv6 } from 'node:net'
import { parseHostPort, parseParameters, type Parameters } from './grammar.ts'

export interface SipUri {
  readonly scheme: 'sip' | 'sips'
  /** As written, escapes kept; null: none. A password is dropped. */
  readonly user: string | null
  /** Lower case; an IPv6 address is without brackets. */
  readonly host: string
  /** Null: not written. */
  readonly port: number | null
  readonly params: Parameters
}

/** Null: not a SIP URI. Never throws. */
export const parseSipUri = (text: string): SipUri | null => {
  const match = /^(sips?):([^\s<>"]{1,512})$/i.exec(text)
  if (match?.[1] === undefined || match[2] === undefined) return null
  const [withoutHeaders = ''] = match[2].split('?')
  const at = withoutHeaders.lastIndexOf('@')
  const userPart = at < 0 ? null : withoutHeaders.slice(0, at).split(':')[0] ?? ''
  const [hostPart = '', ...parts] = withoutHeaders.slice(at + 1).split(';')
  const hostPort = parseHostPort(hostPart)
  if (hostPort === null || userPart === '') return null
  if (hostPart.startsWith('[') && !isIPv6(hostPort.host)) return null
  return {
    scheme: match[1].toLowerCase() as SipUri['scheme'],
    user: userPart,
    host: hostPort.host.toLowerCase(),
    port: hostPort.port,
    params: parseParameters(parts)
  }
}

/** Lower-case transport: the URI's own, else `tls` for sips and `udp` for sip (RFC 3263 §4.1). */
export const uriTransport = (uri: SipUri): string => uri.params.get('transport')?.toLowerCase() ?? (uri.scheme === 'sips' ? 'tls' : 'udp')

/** The written port, else 5060, or 5061 for TLS. */
export const uriPort = (uri: SipUri): number => uri.port ?? (uriTransport(uri) === 'tls' ? 5061 : 5060)

/** `host:port`; an IPv6 address gets its brackets. */
export const formatHostPort = (host: string, port: number): string => `${host.includes(':') ? `[${host}]` : host}:${port}`
