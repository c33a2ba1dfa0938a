/**
 * A socket that answers SIP requests over UDP or TCP (RFC 3261 §18.2). Whatever comes in is read behind the codec's guard,
 * bounded in number and size, and never ends the process.
 */
import { createSocket } from 'node:dgram'
import type { RemoteInfo } from 'node:dgram'
import { createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import type { Clock, ListenAddress } from '../ports.ts'
import { decodeMessage, encodeResponse } from '../sip/codec.ts'
import type { SipRequest } from '../sip/codec.ts'
import { createFramer } from '../sip/framing.ts'
import { parseVia } from '../sip/grammar.ts'
import type { Agent, BeaconResult } from './agent.ts'
import { createThrottle } from './throttle.ts'
import type { Throttle } from './throttle.ts'

export interface Listener {
  /** Where it listens; port 0 was replaced by a free one. */
  readonly at: ListenAddress
  close(): Promise<void>
}

export interface ListenerPorts {
  readonly clock: Clock
  /** The present one: its settings may change while the socket stays. */
  readonly agent: () => Agent
  readonly count: (result: BeaconResult) => void
}

interface Source { readonly address: string; readonly port: number }

/** A repeated request gets the same answer, for as long as its sender may repeat it (64 × T1, RFC 3261 §17.2.2). */
const REMEMBERED_MS = 32_000
const MAX_REMEMBERED = 500
/** When all are taken, the stranger that has been silent longest makes room: a standby that finds no place goes to the carrier. */
const MAX_CONNECTIONS = 64
/** A connection without a message for this long is over [ms]. */
const IDLE_MS = 600_000
/** Answers that a peer does not take [bytes]. */
const MAX_UNSENT = 65_536

/** Opens the socket. @throws NodeJS.ErrnoException - the address can't be had */
export function openListener (at: ListenAddress, ports: ListenerPorts): Promise<Listener> {
  const desk = createDesk(ports, createThrottle(ports.clock))
  return at.transport === 'udp' ? openUdp(at, desk) : openTcp(at, desk)
}

/** Bytes of a message in, bytes of its answer out. */
export interface Desk {
  readonly clock: Clock
  handle(bytes: Buffer, source: Source): { readonly bytes: Buffer; readonly to: Source } | null
  /** Somebody there has proved lately that he knows the password. */
  knows(address: string): boolean
}

/** What both transports have in common. Never throws. */
export function createDesk ({ clock, agent, count }: ListenerPorts, throttle: Throttle): Desk {
  const remembered = new Map<string, { readonly bytes: Buffer | null; readonly atMs: number }>()

  const answer = (request: SipRequest, source: Source): Buffer | null => {
    const nowMs = clock.monotonicMs()
    const key = `${source.address} ${source.port} ${request.via[0] ?? ''} ${request.callId} ${request.cseq.number} ${request.method}`
    const before = remembered.get(key)
    if (before !== undefined && nowMs - before.atMs < REMEMBERED_MS) return before.bytes
    const { response, result, authenticated } = agent().answer(request)
    count(result)
    if (authenticated) throttle.trust(source.address)
    const encoded = response === null ? null : encodeResponse(request, { ...response, source })
    // A header that our tag made too long for a careful reader is not sent.
    const bytes = encoded?.ok === true && decodeMessage(encoded.bytes).ok ? encoded.bytes : null
    remembered.delete(key)
    if (remembered.size >= MAX_REMEMBERED) remembered.delete(remembered.keys().next().value ?? '')
    remembered.set(key, { bytes, atMs: nowMs })
    return bytes
  }

  return {
    clock,
    knows: throttle.trusts,
    handle: (bytes, source) => {
      if (!throttle.admits(source.address)) { count('limited'); return null }
      const decoded = decodeMessage(bytes)
      if (!decoded.ok) { count('malformed'); return null }
      const { message } = decoded
      if (message.kind === 'response') { count('other'); return null }
      const answered = answer(message, source)
      return answered === null ? null : { bytes: answered, to: replyTo(message, source) }
    }
  }
}

/** Back to where it came from; without `rport` to the port that the sender names (RFC 3261 §18.2.2, RFC 3581 §4). */
function replyTo (request: SipRequest, source: Source): Source {
  const via = parseVia(request.via[0] ?? '')
  return via === null || via.params.has('rport') ? source : { address: source.address, port: via.port ?? 5060 }
}

async function openUdp (at: ListenAddress, desk: Desk): Promise<Listener> {
  const socket = createSocket({ type: at.host.includes(':') ? 'udp6' : 'udp4', recvBufferSize: 1024 * 1024 })
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject)
    socket.bind(at.port, at.host, () => {
      socket.off('error', reject)
      resolve()
    })
  })
  // A failed send is a lost packet.
  socket.on('error', () => {})
  socket.on('message', (bytes: Buffer, { address, port }: RemoteInfo) => {
    const reply = desk.handle(bytes, { address, port })
    if (reply !== null) socket.send(reply.bytes, reply.to.port, reply.to.address, () => {})
  })
  return { at: { ...at, port: socket.address().port }, close: () => new Promise((resolve) => { socket.close(() => { resolve() }) }) }
}

async function openTcp (at: ListenAddress, desk: Desk): Promise<Listener> {
  /** Those that were heard longest ago come first. */
  const sockets = new Set<Socket>()
  const heard = (socket: Socket): void => {
    sockets.delete(socket)
    sockets.add(socket)
  }
  const server: Server = createServer({ noDelay: true }, (socket) => {
    heard(socket)
    socket.on('close', () => sockets.delete(socket)).on('error', () => {}).on('data', () => { heard(socket) })
    serve(socket, desk)
    if (sockets.size <= MAX_CONNECTIONS) return
    const leaving = [...sockets].find((other) => !desk.knows(other.remoteAddress ?? '')) ?? socket
    sockets.delete(leaving)
    leaving.destroy()
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(at.port, at.host, () => {
      server.off('error', reject)
      resolve()
    })
  })
  server.on('error', () => {})
  const address = server.address()
  return {
    at: { ...at, port: address !== null && typeof address === 'object' ? address.port : at.port },
    close: () => new Promise((resolve) => {
      server.close(() => { resolve() })
      for (const socket of sockets) socket.destroy()
    })
  }
}

function serve (socket: Socket, desk: Desk): void {
  const framer = createFramer()
  const source = { address: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 }
  const armed = (): (() => void) => desk.clock.after(IDLE_MS, () => { socket.destroy() })
  let disarm = armed()
  socket.on('close', () => { disarm() })
  socket.on('data', (chunk: Buffer) => {
    disarm()
    disarm = armed()
    for (const framed of framer.push(chunk)) {
      if (framed.kind === 'broken' || socket.writableLength > MAX_UNSENT) { socket.destroy(); return }
      if (framed.kind === 'ping') { socket.write('\r\n'); continue }
      const reply = desk.handle(framed.bytes, source)
      if (reply !== null) socket.write(reply.bytes)
    }
  })
}
