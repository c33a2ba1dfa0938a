/** A DNS whose records are the test's: names that it doesn't have don't exist. */
import type { LookUps, NaptrRecord, SrvRecord } from '../../src/sip/dns.ts'

export interface Entry {
  readonly a?: readonly string[]
  readonly aaaa?: readonly string[]
  readonly srv?: readonly SrvRecord[]
  readonly naptr?: readonly NaptrRecord[]
  /** What the machine's own files say. */
  readonly machine?: readonly string[]
  /** Of its addresses [s]; default 300. */
  readonly ttl?: number
  /** Every look-up of the name fails like this. */
  readonly fails?: string
  /** No look-up of the name ever ends. */
  readonly silent?: boolean
}

export interface Zone extends LookUps {
  /** `TYPE name` of every look-up. */
  readonly asked: string[]
  /** May be changed between two look-ups. */
  readonly entries: Record<string, Entry>
}

export const createZone = (entries: Record<string, Entry>): Zone => {
  const asked: string[] = []
  const find = <Value>(type: string, name: string, pick: (entry: Entry) => readonly Value[] | undefined): Promise<readonly Value[]> => {
    asked.push(`${type} ${name}`)
    const entry = entries[name]
    if (entry?.silent === true) return new Promise(() => { /* never */ })
    const values = entry === undefined ? undefined : pick(entry)
    const code = entry?.fails ?? (entry === undefined ? 'ENOTFOUND' : values === undefined ? 'ENODATA' : null)
    return code === null ? Promise.resolve(values ?? []) : Promise.reject(Object.assign(new Error(code), { code }))
  }
  return {
    asked,
    entries,
    resolveNaptr: (name) => find('NAPTR', name, ({ naptr }) => naptr),
    resolveSrv: (name) => find('SRV', name, ({ srv }) => srv),
    resolve: async (name, family) => {
      const addresses = await find(family === 4 ? 'A' : 'AAAA', name, ({ a, aaaa }) => family === 4 ? a : aaaa)
      return addresses.map((address) => ({ address, ttl: entries[name]?.ttl ?? 300 }))
    },
    lookup: async (name) => (await find('machine', name, ({ machine }) => machine)).map((address) => ({ address })),
    cancel: () => { /* nothing is open */ }
  }
}
