/** A SIP server on real TCP or TLS connections whose every answer is the test's. */
import { readFileSync } from 'node:fs'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type TlsOptions, type TLSSocket } from 'node:tls'
import { join } from 'node:path'
import type { Test } from 'tap'
import { decodeMessage, encodeResponse, type ResponseParts, type SipRequest } from '../../src/sip/codec.ts'
import { createFramer } from '../../src/sip/framing.ts'
import { formatHostPort } from '../../src/sip/uri.ts'

/** A file of test/fixtures/tls. */
export const pem = (name: 'issuer' | 'server' | 'expired' | 'domain' | 'client'): string =>
  readFileSync(join(import.meta.dirname, `../fixtures/tls/${name}.pem`), 'latin1')

export interface StreamReceived {
  readonly request: SipRequest
  /** Number of this request, from 1, over all connections. */
  readonly count: number
  /** Number of its connection, from 1. */
  readonly connection: number
  readonly socket: Socket | TLSSocket
  readonly encode: (parts: Partial<ResponseParts> & { readonly status: number }) => Buffer
  readonly reply: (parts: Partial<ResponseParts> & { readonly status: number }) => void
}

export interface StreamUas {
  readonly port: number
  readonly requests: readonly SipRequest[]
  /** All octets that were not messages: keep-alives. */
  readonly pings: () => number
  readonly connections: readonly (Socket | TLSSocket)[]
  close(): Promise<void>
}

/** @param tls - null: TCP */
export const createStreamUas = async (t: Test, tls: TlsOptions | null, answer: (received: StreamReceived) => void, address = '127.0.0.1'): Promise<StreamUas> => {
  const requests: SipRequest[] = []
  const connections: (Socket | TLSSocket)[] = []
  let pings = 0
  const serve = (socket: Socket | TLSSocket): void => {
    const connection = connections.push(socket)
    const framer = createFramer()
    socket.on('error', () => { /* the client went away */ })
    socket.on('data', (chunk: Buffer) => {
      for (const framed of framer.push(chunk)) {
        if (framed.kind === 'ping') pings++
        const decoded = framed.kind === 'message' ? decodeMessage(framed.bytes) : null
        if (decoded?.ok !== true || decoded.message.kind !== 'request') continue
        const request = decoded.message
        const count = requests.push(request)
        const encode: StreamReceived['encode'] = (parts) => {
          const encoded = encodeResponse(request, { reason: 'Test', toTag: 'uas', ...parts })
          if (!encoded.ok) throw new Error(encoded.detail)
          return encoded.bytes
        }
        answer({ request, count, connection, socket, encode, reply: (parts) => { socket.write(encode(parts)) } })
      }
    })
  }
  const server: Server = tls === null ? createServer(serve) : createTlsServer(tls, serve)
  server.on('tlsClientError', () => { /* the client sees it, too */ })
  await new Promise<void>((resolve) => { server.listen(0, address, resolve) })
  const close = async (): Promise<void> => {
    for (const socket of connections) socket.destroy()
    await new Promise<void>((resolve) => { server.close(() => { resolve() }) })
  }
  t.teardown(close)
  return { port: (server.address() as AddressInfo).port, requests, pings: () => pings, connections, close }
}

export const streamUri = (transport: 'tcp' | 'tls', port: number, host = '127.0.0.1'): string => `sip:${formatHostPort(host, port)};transport=${transport}`
