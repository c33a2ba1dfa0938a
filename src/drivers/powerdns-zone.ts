/** SRV records as PowerDNS' API writes them. Pure. */
import { canonicalName } from './srv-records.ts'
import type { SrvRecord, SrvSet } from './srv-records.ts'

/** `priority weight port target.` */
export function parseContent (content: string, hidden: boolean): SrvRecord | null {
  const [, priority, weight, port, target] = /^(\d{1,5})\s+(\d{1,5})\s+(\d{1,5})\s+(\S+)$/.exec(content) ?? []
  return target === undefined ? null : { priority: Number(priority), weight: Number(weight), port: Number(port), target: canonicalName(target), hidden }
}

/** The set of one name in the zone's JSON, of which older servers send all; null: it is no such JSON. */
export function parseZone (body: string, name: string): SrvSet | null {
  try {
    const { rrsets } = JSON.parse(body) as { readonly rrsets: readonly { readonly name: string; readonly type: string; readonly ttl: number; readonly records: readonly { readonly content: string; readonly disabled?: boolean }[] }[] }
    const found = rrsets.find((set) => set.type === 'SRV' && canonicalName(set.name) === name)
    if (found === undefined) return { name, ttl: 0, records: [] }
    const records = found.records.map(({ content, disabled = false }) => parseContent(content, disabled))
    return records.includes(null) || !Number.isInteger(found.ttl) ? null : { name, ttl: found.ttl, records: records as readonly SrvRecord[] }
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
