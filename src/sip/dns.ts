/**
 * DNS look-ups with a cache. Addresses are kept for the TTL that their zone gives them; the look-ups of Node.js tell no TTL
 * for SRV and NAPTR records and for what the machine's own files say, so those are kept for a stated time at most.
 *
 * A record that isn't there and a resolver that doesn't answer are different things: only the first says something.
 */
import { lookup as systemLookup, Resolver } from 'node:dns/promises'
import type { DurationMs } from '../core/topology.ts'
import type { Clock } from '../ports.ts'

export interface NaptrRecord {
  readonly order: number
  readonly preference: number
  /** `s`: the replacement has SRV records. */
  readonly flags: string
  /** For example `SIP+D2U`. */
  readonly service: string
  readonly replacement: string
}

export interface SrvRecord {
  readonly priority: number
  readonly weight: number
  readonly port: number
  readonly name: string
}

/** `absent`: there is no such record; `failed`: nobody can say. */
export type Found<RecordType> =
  | { readonly kind: 'found'; readonly records: readonly RecordType[] }
  | { readonly kind: 'absent' | 'failed'; readonly code: string }

export interface Dns {
  naptr(name: string): Promise<Found<NaptrRecord>>
  srv(name: string): Promise<Found<SrvRecord>>
  /** A or AAAA records of DNS. */
  addresses(name: string, family: 4 | 6): Promise<Found<string>>
  /** What the machine says: its hosts file, search domains, and whatever else it knows. */
  machine(name: string): Promise<Found<string>>
  close(): void
}

/** Look-ups as Node.js makes them; each rejects with an error that has a `code`. */
export interface LookUps {
  resolveNaptr(name: string): Promise<readonly NaptrRecord[]>
  resolveSrv(name: string): Promise<readonly SrvRecord[]>
  /** @returns addresses with their TTL [s] */
  resolve(name: string, family: 4 | 6): Promise<readonly { readonly address: string; readonly ttl: number }[]>
  lookup(name: string): Promise<readonly { readonly address: string }[]>
  cancel(): void
}

/** Time for one question to one name server, asked twice at most [ms]. */
const QUESTION_MS = 2000

/** @param servers - name servers like `127.0.0.1:53`; default: the machine's */
export const nodeLookUps = (servers?: readonly string[]): LookUps => {
  const resolver = new Resolver({ timeout: QUESTION_MS, tries: 2 })
  if (servers !== undefined) resolver.setServers(servers)
  return {
    resolveNaptr: (name) => resolver.resolveNaptr(name),
    resolveSrv: (name) => resolver.resolveSrv(name),
    resolve: (name, family) => family === 4 ? resolver.resolve4(name, { ttl: true }) : resolver.resolve6(name, { ttl: true }),
    lookup: (name) => systemLookup(name, { all: true }),
    cancel: () => { resolver.cancel() }
  }
}

/** SRV and NAPTR records are kept for this long [ms]. */
export const SERVICE_TTL_MS = 60_000
/** What the machine itself says is kept for this long [ms]. */
const MACHINE_TTL_MS = 30_000
/** A TTL below is taken for this, and one above for that [ms]. */
const LEAST_TTL_MS = 1000
const LONGEST_TTL_MS = 3_600_000
/** "No such record", and a resolver's failure, are believed for this long [ms]. */
const ABSENT_TTL_MS = 10_000
const FAILED_TTL_MS = 2000
const MAX_CACHED = 50_000

/**
 * Codes of "no such record". A resolver that isn't there at all (no network, a container without DNS) is one of them for
 * the machine's own files to be asked; those that don't know a record type say so by the others.
 */
const ABSENT = new Set(['ENOTFOUND', 'ENODATA', 'ENOTIMP', 'EFORMERR', 'EREFUSED', 'ECONNREFUSED', 'EBADNAME'])

interface Cached {
  readonly answer: Promise<Found<unknown>>
  /** Null: the question is still open. */
  untilMs: number | null
}

export const createDns = (clock: Clock, lookUps: LookUps): Dns => {
  const cache = new Map<string, Cached>()

  const ask = <RecordType>(key: string, question: () => Promise<{ readonly records: readonly RecordType[]; readonly ttlMs: DurationMs }>): Promise<Found<RecordType>> => {
    const known = cache.get(key)
    if (known !== undefined && (known.untilMs === null || known.untilMs > clock.monotonicMs())) return known.answer as Promise<Found<RecordType>>
    const settle = (found: Found<RecordType>, ttlMs: DurationMs): Found<RecordType> => {
      entry.untilMs = clock.monotonicMs() + ttlMs
      return found
    }
    const answer = question().then(
      ({ records, ttlMs }) => records.length > 0 ? settle({ kind: 'found', records }, ttlMs) : settle({ kind: 'absent', code: 'ENODATA' }, ABSENT_TTL_MS),
      (error: unknown) => {
        const code = error instanceof Error && 'code' in error ? String(error.code) : 'EUNKNOWN'
        return ABSENT.has(code) ? settle({ kind: 'absent', code }, ABSENT_TTL_MS) : settle({ kind: 'failed', code }, FAILED_TTL_MS)
      })
    const entry: Cached = { answer, untilMs: null }
    cache.delete(key)
    cache.set(key, entry)
    if (cache.size > MAX_CACHED) cache.delete(cache.keys().next().value ?? '')
    return answer
  }

  const service = <RecordType>(key: string, question: () => Promise<readonly RecordType[]>): Promise<Found<RecordType>> =>
    ask(key, async () => ({ records: await question(), ttlMs: SERVICE_TTL_MS }))

  return {
    naptr: (name) => service(`naptr ${name}`, () => lookUps.resolveNaptr(name)),
    srv: (name) => service(`srv ${name}`, () => lookUps.resolveSrv(name)),
    addresses: (name, family) => ask(`${family} ${name}`, async () => {
      const found = await lookUps.resolve(name, family)
      const ttlMs = Math.min(...found.map(({ ttl }) => ttl * 1000))
      return { records: found.map(({ address }) => address), ttlMs: Math.min(Math.max(ttlMs, LEAST_TTL_MS), LONGEST_TTL_MS) }
    }),
    machine: (name) => ask(`machine ${name}`, async () => ({ records: (await lookUps.lookup(name)).map(({ address }) => address), ttlMs: MACHINE_TTL_MS })),
    close: () => { lookUps.cancel() }
  }
}
