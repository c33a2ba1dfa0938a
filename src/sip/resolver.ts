/** From a SIP URI to the address where the packet goes. SRV and NAPTR (RFC 3263) are not looked up. */
import { lookup as systemLookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import type { Endpoint } from './udp-transport.ts'
import { uriPort, type SipUri } from './uri.ts'

/** Finds an address of a name by the machine's resolver; family 0: any. Rejects with an error that has a `code`. */
export type Lookup = (hostname: string, options: { readonly family: 0 | 4 | 6 }) => Promise<{ readonly address: string }>

export const lookupAddress: Lookup = (hostname, options) => systemLookup(hostname, options)

export type Resolved = { readonly ok: true; readonly endpoint: Endpoint } | { readonly ok: false; readonly detail: string }

/**
 * Literal addresses as they are; names by `lookup`, until `signal` aborts (the system's look-up itself can't be stopped
 * and ends later, unheard).
 *
 * @param localAddress - the address must be of this one's family
 */
export const resolveTarget = async (uri: SipUri, localAddress: string | undefined, lookup: Lookup, signal: AbortSignal): Promise<Resolved> => {
  const port = uriPort(uri)
  if (isIP(uri.host) !== 0) return { ok: true, endpoint: { address: uri.host, port } }
  const family = localAddress === undefined ? 0 : isIP(localAddress) as 0 | 4 | 6
  const aborted = new Promise<null>((resolve) => { signal.addEventListener('abort', () => { resolve(null) }, { once: true }) })
  try {
    const found = signal.aborted ? null : await Promise.race([lookup(uri.host, { family }), aborted])
    return found === null
      ? { ok: false, detail: `no answer of the resolver for ${uri.host}` }
      : { ok: true, endpoint: { address: found.address, port } }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'failed'
    return { ok: false, detail: `${uri.host}: ${code}` }
  }
}
