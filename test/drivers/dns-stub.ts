/** A primary DNS server on loopback that takes signed updates, for one set of SRV records; or misbehaves on the wire. */
import { createHmac } from 'node:crypto'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import dnsPacket from 'dns-packet'
import type { PacketRecord } from 'dns-packet'
import type { Misbehaviour } from './unruly-server.ts'

const HEADER_BYTES = 12
const UPDATE = 5

interface Line { readonly priority: number; readonly weight: number; readonly port: number; readonly target: string }

export interface DnsStub {
  readonly port: number
  lines(): readonly Line[]
  /** Somebody else's change. */
  setLines(lines: readonly Line[]): void
  /** Called between the arrival of an update and its execution. */
  beforeUpdate: () => void
  /** What the answers are changed into, signature and all. */
  tamper: (answer: Buffer) => Buffer
  misbehave(kind: Misbehaviour | null, only?: 'writes'): void
  close(): Promise<void>
}

interface Asked {
  readonly bytes: Buffer
  readonly opcode: number
  readonly prerequisites: readonly PacketRecord[]
  readonly updates: readonly PacketRecord[]
  readonly tsigAt: number
  readonly tsig: PacketRecord
}

function parse (bytes: Buffer): Asked {
  let at = HEADER_BYTES
  const counts = [4, 6, 8, 10].map((offset) => bytes.readUInt16BE(offset))
  for (let index = 0; index < counts[0]!; index++) {
    dnsPacket.question.decode(bytes, at)
    at += dnsPacket.question.decode.bytes
  }
  let tsigAt = at
  const sections = counts.slice(1).map((count) => Array.from({ length: count }, (): PacketRecord => {
    tsigAt = at
    // A deletion has no data, which the library can't read as an SRV record: its head is read, and no more.
    const { end, type, length } = head(bytes, at)
    const record = type === 33 && length === 0 ? { name: '', type: 'DELETE', class: 'ANY' as const, ttl: 0, data: null } : dnsPacket.answer.decode(bytes, at)
    at = end + length
    return record
  }))
  return { bytes, opcode: (bytes[2]! >> 3) & 15, prerequisites: sections[0]!, updates: sections[1]!, tsigAt, tsig: sections[2]!.at(-1)! }
}

function head (bytes: Buffer, at: number): { readonly end: number; readonly type: number; readonly length: number } {
  dnsPacket.name.decode(bytes, at)
  const fixed = at + dnsPacket.name.decode.bytes
  return { type: bytes.readUInt16BE(fixed), length: bytes.readUInt16BE(fixed + 8), end: fixed + 10 }
}

/** TSIG by its own bytes (RFC 8945 §4.2), not by the code under test. */
function createSigner (keyName: string, secret: string) {
  const name = dnsPacket.name.encode(keyName)
  const algorithm = dnsPacket.name.encode('hmac-sha256')
  const mac = (prefix: Buffer, message: Buffer, times: Buffer): Buffer =>
    createHmac('sha256', Buffer.from(secret, 'base64')).update(Buffer.concat([prefix, message, name, Buffer.from([0, 255, 0, 0, 0, 0]), algorithm, times, Buffer.alloc(4)])).digest()
  const macOf = (data: Buffer): { readonly times: Buffer; readonly mac: Buffer } => {
    const at = algorithm.length
    return { times: data.subarray(at, at + 8), mac: data.subarray(at + 10, at + 10 + data.readUInt16BE(at + 8)) }
  }
  return {
    isRight: ({ bytes, tsigAt, tsig }: Asked): boolean => {
      const { times, mac: given } = macOf(tsig.data as Buffer)
      const message = Buffer.from(bytes.subarray(0, tsigAt))
      message.writeUInt16BE(message.readUInt16BE(10) - 1, 10)
      return tsig.name === keyName && mac(Buffer.alloc(0), message, times).equals(given)
    },
    sign: (message: Buffer, { tsig }: Asked): Buffer => {
      const { times, mac: requested } = macOf(tsig.data as Buffer)
      const own = mac(Buffer.concat([Buffer.from([0, requested.length]), requested]), message, times)
      const data = Buffer.concat([algorithm, times, Buffer.from([0, own.length]), own, message.subarray(0, 2), Buffer.alloc(4)])
      const signed = Buffer.concat([message, dnsPacket.answer.encode({ name: keyName, type: 'TSIG', class: 'ANY', ttl: 0, data })])
      signed.writeUInt16BE(1, 10)
      return signed
    }
  }
}

const same = (records: readonly PacketRecord[], lines: readonly Line[]): boolean => {
  const text = (each: unknown): string => { const { priority, weight, port, target } = each as Line; return `${priority} ${weight} ${port} ${target}` }
  return records.map(({ data }) => text(data)).sort().join() === lines.map(text).sort().join()
}

/** @param name - of the SRV records @param secret - Base64 */
export async function createDnsStub (name: string, keyName: string, secret: string, first: readonly Line[]): Promise<DnsStub> {
  let lines = first
  let behaves: { readonly kind: Misbehaviour | null; readonly only: 'writes' | undefined } = { kind: null, only: undefined }
  const signer = createSigner(keyName, secret)
  const sockets = new Set<Socket>()
  const reply = (asked: Asked, rcode: number, answers: readonly PacketRecord[] = []): Buffer => {
    const bytes = dnsPacket.encode({ type: 'response', id: asked.bytes.readUInt16BE(0), flags: (1 << 10) | rcode, questions: [], answers })
    return rcode === 9 ? bytes : signer.sign(bytes, asked)
  }
  const answer = (asked: Asked, isIgnored: boolean): Buffer => {
    if (!signer.isRight(asked)) return reply(asked, 9)
    if (asked.opcode !== UPDATE) return reply(asked, 0, lines.map((data) => ({ name, type: 'SRV', class: 'IN', ttl: 30, data })))
    if (asked.updates.length > 0) stub.beforeUpdate()
    if (!same(asked.prerequisites, lines)) return reply(asked, 8)
    if (asked.updates.length > 0 && !isIgnored) lines = asked.updates.filter(({ type }) => type === 'SRV').map(({ data }) => data as Line)
    return reply(asked, 0)
  }
  const framed = (bytes: Buffer): Buffer => Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes])
  const handle = (socket: Socket, bytes: Buffer): void => {
    const asked = parse(bytes)
    const isWrite = asked.updates.length > 0
    const good = (isIgnored = false): Buffer => framed(stub.tamper(answer(asked, isIgnored)))
    switch (behaves.only === 'writes' && !isWrite ? null : behaves.kind) {
      case 'silent': break
      case 'late': answer(asked, false); break
      case 'ignored': socket.end(good(true)); break
      case 'html': socket.end(framed(Buffer.from('<html>no such thing</html>'))); break
      case 'unauthorised': socket.end(framed(reply(asked, 9))); break
      case 'empty': socket.end(framed(Buffer.alloc(0))); break
      case 'half': case 'null': { const whole = good(true).subarray(2); socket.end(framed(whole.subarray(0, whole.length / 2))); break }
      case 'truncated': case 'reset-midway': socket.end(good(true).subarray(0, 20)); break
      case 'reset-early': socket.resetAndDestroy(); break
      case 'slow-loris': socket.write(good(true).subarray(0, 1)); break
      default: socket.end(good())
    }
  }
  const server = createServer((socket) => {
    sockets.add(socket)
    let received = Buffer.alloc(0)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket)).on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk])
      if (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) handle(socket, received.subarray(2))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const stub: DnsStub = {
    port: (server.address() as AddressInfo).port,
    lines: () => lines,
    setLines: (changed) => { lines = changed },
    beforeUpdate: () => {},
    tamper: (bytes) => bytes,
    misbehave: (kind, only) => { behaves = { kind, only } },
    close: () => new Promise((resolve) => {
      server.close(() => resolve())
      for (const socket of sockets) socket.destroy()
    })
  }
  return stub
}

/** What it can't do: it speaks no HTTP. */
export const NOT_IN_DNS: ReadonlySet<Misbehaviour> = new Set<Misbehaviour>(['redirect', 'error', 'not-http'])
