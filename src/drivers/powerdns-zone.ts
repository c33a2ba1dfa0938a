/** SRV records as PowerDNS' API writes them. Pure. */
import { canonicalName } from './srv-records.ts'
import type { SrvRecord, SrvSet } from './srv-records.ts'

/** `priority weight port target.` */
export function parseContent (content: string, hidden: boolean): SrvRecord | null {
  const [, priority, weight, port, target] = /^(\d{1,5})\s+(\d{1,5})\s+(\d{1,5})\s+(\S+)$/.exec(content) ?? []
  return target === undefined ? null : { priority: Number(priority), weight: Number(weight), port: Number(port), target: canonicalName(target), hidden }
}

export interface ZoneReading {
  readonly set: SrvSet
  /**
   * A change would reach nobody: a secondary's copy is overwritten by its primary, and a primary whose serial number stays tells
   * its secondaries nothing.
   */
  readonly isDeaf: boolean
}

const SECONDARIES: ReadonlySet<unknown> = new Set(['Slave', 'Secondary', 'Consumer'])
const PRIMARIES: ReadonlySet<unknown> = new Set(['Master', 'Primary', 'Producer'])

/** The set of one name in the zone's JSON, of which older servers send all; null: it is no such JSON. */
export function parseZone (body: string, name: string): ZoneReading | null {
  try {
    const { rrsets, kind, soa_edit_api: serials } = JSON.parse(body) as { readonly kind?: unknown; readonly soa_edit_api?: unknown; readonly rrsets: readonly { readonly name: string; readonly type: string; readonly ttl: number; readonly records: readonly { readonly content: string; readonly disabled?: boolean }[] }[] }
    const found = rrsets.find((set) => set.type === 'SRV' && canonicalName(set.name) === name)
    const isDeaf = SECONDARIES.has(kind) || (PRIMARIES.has(kind) && serials === '')
    if (found === undefined) return { set: { name, ttl: 0, records: [] }, isDeaf }
    const records = found.records.map(({ content, disabled = false }) => parseContent(content, disabled))
    return records.includes(null) || !Number.isInteger(found.ttl) ? null : { set: { name, ttl: found.ttl, records: records as readonly SrvRecord[] }, isDeaf }
  } catch {
    return null
  }
}

/** A set as a PATCH takes it. */
export function formatSet ({ name, ttl, records }: SrvSet): object {
  const contents = records.map(({ priority, weight, port, target, hidden }) => ({ content: `${priority} ${weight} ${port} ${target}.`, disabled: hidden }))
  return { name: `${name}.`, type: 'SRV', ttl, changetype: 'REPLACE', records: contents }
}

/** Address of the zone in the API. */
export function zoneUrl ({ url, server_id: server = 'localhost', zone }: { readonly url: string; readonly server_id?: string; readonly zone: string }): string {
  return `${url.replace(/\/+$/, '')}/api/v1/servers/${encodeURIComponent(server)}/zones/${encodeURIComponent(`${canonicalName(zone)}.`)}`
}
