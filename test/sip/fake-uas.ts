/** A SIP server on a real UDP socket whose every answer is the test's: it can drop, delay, repeat, lie and send bytes. */
import { createSocket } from 'node:dgram'
import type { Test } from 'tap'
import { decodeMessage, encodeResponse, type ResponseParts, type SipRequest } from '../../src/sip/codec.ts'
import { formatHostPort } from '../../src/sip/uri.ts'

export interface Received {
  readonly request: SipRequest
  /** Number of this datagram, from 1. */
  readonly count: number
  readonly source: { readonly address: string; readonly port: number }
  readonly reply: (parts: Partial<ResponseParts> & { readonly status: number }) => void
  /** The bytes of a reply, for changing them. */
  readonly encode: (parts: Partial<ResponseParts> & { readonly status: number }) => Buffer
  /** Sends bytes as they are. */
  readonly send: (bytes: Uint8Array | string) => void
}

export interface FakeUas {
  /** For example `sip:127.0.0.1:40000`. */
  readonly uri: string
  readonly port: number
  /** Everything that arrived and could be read. */
  readonly requests: readonly SipRequest[]
}

/** @param answer - called for each request that arrives */
export const createFakeUas = async (t: Test, answer: (received: Received) => void, address = '127.0.0.1', wantedPort = 0): Promise<FakeUas> => {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4')
  const requests: SipRequest[] = []
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject)
    socket.bind(wantedPort, address, resolve)
  })
  let isOpen = true
  t.teardown(() => new Promise<void>((resolve) => {
    isOpen = false
    socket.close(resolve)
  }))
  socket.on('message', (bytes, source) => {
    const decoded = decodeMessage(bytes)
    if (!decoded.ok || decoded.message.kind !== 'request') return
    const request = decoded.message
    requests.push(request)
    const encode: Received['encode'] = (parts) => {
      const encoded = encodeResponse(request, { reason: 'Test', toTag: 'uas', source, ...parts })
      if (!encoded.ok) throw new Error(encoded.detail)
      return encoded.bytes
    }
    const send: Received['send'] = (data) => { if (isOpen) socket.send(data, source.port, source.address) }
    answer({ request, source, encode, send, count: requests.length, reply: (parts) => { send(encode(parts)) } })
  })
  const { port } = socket.address()
  return { uri: `sip:${formatHostPort(address, port)}`, port, requests }
}

/** Waits until `isSo`, at most two seconds. */
export const until = async (isSo: () => boolean): Promise<boolean> => {
  for (let turn = 0; turn < 400 && !isSo(); turn++) await new Promise((resolve) => { setTimeout(resolve, 5) })
  return isSo()
}
