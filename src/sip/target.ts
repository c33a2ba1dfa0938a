/** Where a target is: its URI read, its locations found, before the limit is over. */
import { isIP } from 'node:net'
import type { ProbeReason } from '../core/reasons.ts'
import type { SipTarget } from '../ports.ts'
import type { Limit } from './limit.ts'
import { locate, type Located, type LocatePorts, type Location } from './location.ts'
import { parseSipUri, type SipUri } from './uri.ts'

export type FoundTarget =
  | { readonly ok: true; readonly uri: SipUri; readonly locations: readonly [Location, ...Location[]] }
  | { readonly ok: false; readonly reason: ProbeReason; readonly detail: string }

/** Targets with a literal address are always at the same place. A plain map, see `Flow.sent`; when it is full it begins anew. */
const literals = new Map<string, FoundTarget>()
const MOST_LITERALS = 50_000

/** What is known comes at once. A look-up itself can't be stopped: it ends later, unheard, and is remembered. */
export const findTarget = (ports: LocatePorts, target: SipTarget, limit: Limit): FoundTarget | Promise<FoundTarget> => {
  if (limit.wasCancelled()) return CANCELLED
  const key = `${target.uri} ${target.transport ?? ''} ${target.localAddress ?? ''}`
  return literals.get(key) ?? findAnew(ports, target, key, limit)
}

const findAnew = async (ports: LocatePorts, target: SipTarget, key: string, limit: Limit): Promise<FoundTarget> => {
  const uri = parseSipUri(target.uri)
  if (uri === null) return { ok: false, reason: 'local-error', detail: 'the target is no SIP URI' }
  const found = await lookUp(ports, target, uri, limit)
  if (isIP(uri.host) === 0 || !found.ok) return found
  if (literals.size >= MOST_LITERALS) literals.clear()
  literals.set(key, found)
  return found
}

const lookUp = async (ports: LocatePorts, target: SipTarget, uri: SipUri, limit: Limit): Promise<FoundTarget> => {
  let stopWaiting = (): void => { /* nothing waits yet */ }
  const over = new Promise<null>((resolve) => { stopWaiting = limit.onOver(() => { resolve(null) }) })
  const located: Located | null = await Promise.race([locate(ports, uri, target.transport, target.localAddress), over])
  stopWaiting()
  if (limit.wasCancelled()) return CANCELLED
  if (located === null) return { ok: false, reason: 'dns', detail: `no answer of the resolver for ${uri.host}` }
  if (!located.ok) return located
  const [first, ...others] = located.locations
  return first === undefined ? { ok: false, reason: 'dns', detail: `${uri.host}: no address` } : { ok: true, uri, locations: [first, ...others] }
}

const CANCELLED = { ok: false, reason: 'local-error', detail: 'cancelled' } as const
