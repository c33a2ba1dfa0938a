/** One UDP socket that answers SIP requests and sends its own (non-INVITE transactions, RFC 3261 §17.1.2 and §17.2.2). */
import { createSocket } from 'node:dgram'
import type { Socket } from 'node:dgram'
import type { Clock } from '../ports.ts'
import { decodeMessage, encodeResponse } from '../sip/codec.ts'
import type { ResponseParts, SipMessage, SipRequest, SipResponse } from '../sip/codec.ts'
import { parseVia } from '../sip/grammar.ts'

/** Address of the other side. */
export interface Peer {
  readonly address: string
  readonly port: number
}

/** `host:port` of a peer. */
export const peerName = (peer: Peer): string => `${peer.address}:${peer.port}`

/** `10.0.0.1:5070` or `10.0.0.1` as a peer; null when it isn't one. */
export const parsePeer = (text: string): Peer | null => {
  const match = /^(\d{1,3}(?:\.\d{1,3}){3})(?::(\d{1,5}))?$/.exec(text)
  const port = Number(match?.[2] ?? 5060)
  return match?.[1] === undefined || port < 1 || port > 65_535 ? null : { address: match[1], port }
}

export interface SipEndpointOptions {
  /** IPv4 address. */
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  readonly clock: Clock
  /** Whether packets from and to this peer get through. */
  readonly passes: (peer: Peer) => boolean
  /** The response to a new request; null: none. A retransmission gets the same bytes again without asking. */
  readonly answer: (request: SipRequest, source: Peer) => ResponseParts | null
}

export interface SipEndpoint {
  readonly host: string
  readonly port: number
  /** Sends, retransmits, and returns the final response; null when none came in time, `signal` aborted or the socket closed. */
  request(bytes: Buffer, branch: string, peer: Peer, timeoutMs: number, signal: AbortSignal): Promise<SipResponse | null>
  close(): Promise<void>
  /** Opens the same port again. */
  reopen(): Promise<void>
}

const T1_MS = 500
const T2_MS = 4_000
const MAX_REMEMBERED_ANSWERS = 500

const bind = async (host: string, port: number): Promise<Socket> => {
  const socket = createSocket('udp4')
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  socket.once('error', reject)
  socket.bind(port, host, resolve)
  await promise
  socket.off('error', reject)
  return socket
}

/** Opens the socket; rejects when the port is taken. */
export const createSipEndpoint = async (options: SipEndpointOptions): Promise<SipEndpoint> => {
  const { host, clock, passes, answer } = options
  const answered = new Map<string, Buffer>()
  const pending = new Map<string, (response: SipResponse) => void>()
  let socket: Socket | null = null
  let closing = new AbortController()

  const send = (bytes: Buffer, peer: Peer): void => {
    // A failed send is a lost packet.
    if (passes(peer)) socket?.send(bytes, peer.port, peer.address, () => undefined)
  }
  const answerRequest = (request: SipRequest, source: Peer): void => {
    const key = `${peerName(source)} ${request.via[0] ?? ''} ${request.cseq.number} ${request.method}`
    const before = answered.get(key)
    if (before !== undefined) {
      send(before, source)
      return
    }
    const parts = answer(request, source)
    const encoded = parts === null ? null : encodeResponse(request, { ...parts, source })
    if (encoded?.ok !== true) return
    if (answered.size >= MAX_REMEMBERED_ANSWERS) answered.delete(answered.keys().next().value ?? '')
    answered.set(key, encoded.bytes)
    send(encoded.bytes, source)
  }
  const receive = (message: SipMessage, source: Peer): void => {
    if (message.kind === 'request') answerRequest(message, source)
    else if (message.status >= 200) pending.get(`${peerName(source)} ${parseVia(message.via[0] ?? '')?.branch ?? ''}`)?.(message)
  }
  const open = async (port: number): Promise<number> => {
    socket = await bind(host, port)
    socket.on('error', () => undefined)
    socket.on('message', (bytes, source) => {
      if (!passes(source)) return
      const decoded = decodeMessage(bytes)
      if (decoded.ok) receive(decoded.message, source)
    })
    return socket.address().port
  }

  const port = await open(options.port)
  return {
    host,
    port,
    request: async (bytes, branch, peer, timeoutMs, signal) => {
      const key = `${peerName(peer)} ${branch}`
      const ended = new AbortController()
      const deadline = clock.deadline(timeoutMs, AbortSignal.any([signal, ended.signal, closing.signal]))
      let final: SipResponse | null = null
      pending.set(key, (response) => {
        final = response
        ended.abort()
      })
      for (let waitMs = T1_MS; !deadline.aborted; waitMs = Math.min(2 * waitMs, T2_MS)) {
        send(bytes, peer)
        await clock.sleep(waitMs, deadline)
      }
      pending.delete(key)
      return final
    },
    close: async () => {
      const open = socket
      socket = null
      closing.abort()
      closing = new AbortController()
      if (open !== null) await new Promise<void>((resolve) => { open.close(resolve) })
    },
    reopen: async () => {
      if (socket === null) await open(port)
    }
  }
}
