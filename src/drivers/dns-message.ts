/**
 * DNS messages (RFC 1035) with dynamic updates (RFC 2136): the only file that knows npm `dns-packet`, which throws on
 * whatever it can't read and knows no deletion; both end here.
 */
import dnsPacket from 'dns-packet'
import type { PacketRecord } from 'dns-packet'
import { canonicalName } from './srv-records.ts'
import type { SrvRecord, SrvSet } from './srv-records.ts'

/** Response codes (RFC 1035 §4.1.1, RFC 2136 §2.2). */
export const RCODE = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, REFUSED: 5, YXDOMAIN: 6, YXRRSET: 7, NXRRSET: 8, NOTAUTH: 9, NOTZONE: 10 } as const

/** Opcode of an update, at its place in the flags. */
const UPDATE = 5 << 11

export interface DnsRecord {
  /** Without the final dot. */
  readonly name: string
  readonly type: string
  readonly ttl: number
  /** An SRV record's fields; other types as the library has them. */
  readonly data: unknown
}

export interface DnsResponse {
  readonly id: number
  readonly rcode: number
  readonly authoritative: boolean
  readonly truncated: boolean
  readonly answers: readonly DnsRecord[]
  readonly additionals: readonly DnsRecord[]
  /** Where the last record of the message begins; null: it has none. */
  readonly lastRecordAt: number | null
}

/** Asks for the SRV records of a name, without recursion. */
export function encodeQuery (id: number, name: string): Buffer {
  return dnsPacket.encode({ type: 'query', id, flags: 0, questions: [{ name, type: 'SRV', class: 'IN' }] })
}

/**
 * An update that takes place only if every set of `before` is exactly as given (RFC 2136 §2.4.2); equal sets: nothing is
 * changed, and it tells whether it might be.
 */
export function encodeUpdate (id: number, zone: string, before: readonly SrvSet[], after: readonly SrvSet[]): Buffer {
  const changed = after.filter((set) => !before.includes(set))
  return dnsPacket.encode({
    type: 'query',
    id,
    flags: UPDATE,
    questions: [{ name: zone, type: 'SOA', class: 'IN' }],
    answers: before.flatMap((set) => set.records.map((record) => srvAnswer(set.name, 0, record))),
    authorities: changed.flatMap((set) => [deletion(set.name), ...set.records.map((record) => srvAnswer(set.name, set.ttl, record))])
  })
}

function srvAnswer (name: string, ttl: number, { priority, weight, port, target }: SrvRecord): PacketRecord {
  return { name, type: 'SRV', class: 'IN', ttl, data: { priority, weight, port, target } }
}

/** Deletes the set: class ANY and no data (RFC 2136 §2.5.2). The library writes data of SRV, and none of a type without a name. */
function deletion (name: string): PacketRecord {
  return { name, type: 'UNKNOWN_33', class: 'ANY', ttl: 0, data: Buffer.alloc(0) }
}

/** A record as it goes over the wire. */
export function encodeRaw (name: string, type: 'TSIG', data: Buffer): Buffer {
  return dnsPacket.answer.encode({ name, type, class: 'ANY', ttl: 0, data })
}

/** Canonical wire form of a name (RFC 4034 §6.2). */
export function encodeName (name: string): Buffer {
  return dnsPacket.name.encode(canonicalName(name))
}

/** Reads a name; null: it is none. */
export function decodeName (bytes: Buffer, offset: number): { readonly name: string; readonly end: number } | null {
  try {
    const name = dnsPacket.name.decode(bytes, offset)
    return { name: canonicalName(name), end: offset + dnsPacket.name.decode.bytes }
  } catch {
    return null
  }
}

/** Reads a response; null: it is none. Never throws. */
export function decodeResponse (bytes: Buffer): DnsResponse | null {
  try {
    if (bytes.length < 12 || (bytes[2]! & 0x80) === 0) return null
    const counts = [4, 6, 8, 10].map((at) => bytes.readUInt16BE(at))
    const [questions = 0, ...sections] = counts
    let offset = 12
    for (let index = 0; index < questions; index++) {
      dnsPacket.question.decode(bytes, offset)
      offset += dnsPacket.question.decode.bytes
    }
    let lastRecordAt: number | null = null
    const [answers = [], , additionals = []] = sections.map((count) => Array.from({ length: count }, () => {
      lastRecordAt = offset
      const record = dnsPacket.answer.decode(bytes, offset)
      offset += dnsPacket.answer.decode.bytes
      return record
    }))
    if (offset !== bytes.length) return null
    return { id: bytes.readUInt16BE(0), rcode: bytes[3]! & 0x0f, authoritative: (bytes[2]! & 0x04) !== 0, truncated: (bytes[2]! & 0x02) !== 0, answers, additionals, lastRecordAt }
  } catch {
    return null
  }
}

/** The SRV set of one name in a response; null: a record of it can't be read. */
export function srvSetOf ({ answers }: DnsResponse, name: string): SrvSet | null {
  const found = answers.filter((record) => record.type === 'SRV' && canonicalName(record.name) === name)
  const records: SrvRecord[] = []
  for (const { data } of found) {
    const { priority, weight, port, target } = data as Partial<SrvRecord>
    if (priority === undefined || weight === undefined || port === undefined || target === undefined) return null
    records.push({ priority, weight, port, target: canonicalName(target), hidden: false })
  }
  return { name, ttl: Math.min(...found.map(({ ttl }) => ttl), found.length === 0 ? 0 : Infinity), records }
}
