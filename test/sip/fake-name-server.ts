/** A name server on a real UDP socket that answers from a table (RFC 1035, RFC 2782, RFC 3403); what it doesn't have is NXDOMAIN. */
import { createSocket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import type { Test } from 'tap'

export type Answer =
  | { readonly type: 'A' | 'AAAA'; readonly address: string; readonly ttl: number }
  | { readonly type: 'SRV'; readonly priority: number; readonly weight: number; readonly port: number; readonly target: string }
  | { readonly type: 'NAPTR'; readonly order: number; readonly preference: number; readonly flags: string; readonly service: string; readonly replacement: string }

export interface NameServer {
  /** For example `127.0.0.1:40000`. */
  readonly address: string
  /** `TYPE name` of every question. */
  readonly asked: string[]
}

const TYPES = { A: 1, AAAA: 28, SRV: 33, NAPTR: 35 } as const

const name = (text: string): Buffer => Buffer.concat([...text.split('.').filter((label) => label !== '').map((label) => Buffer.concat([Buffer.of(label.length), Buffer.from(label)])), Buffer.of(0)])
const text = (value: string): Buffer => Buffer.concat([Buffer.of(value.length), Buffer.from(value)])
const short = (...values: readonly number[]): Buffer => Buffer.concat(values.map((value) => Buffer.of(value >> 8, value & 0xff)))

/** Sixteen octets of an IPv6 address that is written with at most one `::`. */
const ipv6 = (address: string): Buffer => {
  const [before = '', after] = address.split('::')
  const groups = (part: string): number[] => part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16))
  const [head, tail] = [groups(before), groups(after ?? '')]
  return short(...head, ...Array.from({ length: 8 - head.length - tail.length }, () => 0), ...tail)
}

const data = (answer: Answer): Buffer => {
  switch (answer.type) {
    case 'A': case 'AAAA': return isIPv6(answer.address) ? ipv6(answer.address) : Buffer.from(answer.address.split('.').map(Number))
    case 'SRV': return Buffer.concat([short(answer.priority, answer.weight, answer.port), name(answer.target)])
    case 'NAPTR': return Buffer.concat([short(answer.order, answer.preference), text(answer.flags), text(answer.service), text(''), name(answer.replacement)])
  }
}

/** @param zone - by name; a number is a failure with this RCODE, null is silence, an empty list has no data */
export const createNameServer = async (t: Test, zone: Readonly<Record<string, readonly Answer[] | number | null>>): Promise<NameServer> => {
  const socket = createSocket('udp4')
  const asked: string[] = []
  await new Promise<void>((resolve) => { socket.bind(0, '127.0.0.1', resolve) })
  t.teardown(() => new Promise<void>((resolve) => { socket.close(resolve) }))
  socket.on('message', (query, source) => {
    let at = 12
    const labels: string[] = []
    for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
      labels.push(query.toString('latin1', at + 1, at + 1 + length).toLowerCase())
      at += length + 1
    }
    const type = query.readUInt16BE(at + 1)
    const asking = labels.join('.')
    asked.push(`${Object.entries(TYPES).find(([, number]) => number === type)?.[0] ?? type} ${asking}`)
    const entry = zone[asking]
    if (entry === null) return
    const answers = Array.isArray(entry) ? (entry as readonly Answer[]).filter((answer) => TYPES[answer.type] === type) : []
    const code = typeof entry === 'number' ? entry : entry === undefined ? 3 : 0
    const header = Buffer.concat([query.subarray(0, 2), short(0x8180 | code, 1, answers.length, 0, 0)])
    const records = answers.map((answer) => {
      const octets = data(answer)
      const ttl = 'ttl' in answer ? answer.ttl : 60
      return Buffer.concat([short(0xc00c, type, 1), short(ttl >> 16, ttl & 0xffff), short(octets.length), octets])
    })
    socket.send(Buffer.concat([header, query.subarray(12, at + 5), ...records]), source.port, source.address)
  })
  return { address: `127.0.0.1:${socket.address().port}`, asked }
}
