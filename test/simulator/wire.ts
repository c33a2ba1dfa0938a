/** Small SIP and HTTP clients of the simulator's tests, written out by hand so that they share nothing with the code under test. */
import { createHash, randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import type { Socket } from 'node:dgram'
import { request } from 'node:http'

export interface Reply {
  readonly code: number
  /** Values by lower-case name, in order. */
  readonly header: (name: string) => readonly string[]
  readonly text: string
}

export interface SipWire {
  /** `host:port` that it sends from. */
  readonly address: string
  /** Sends one request and returns the final response; null after `waitMs` of silence. */
  send(lines: readonly string[], waitMs?: number): Promise<Reply | null>
  close(): Promise<void>
}

const readReply = (bytes: Buffer): Reply => {
  const text = bytes.toString('latin1')
  const lines = text.split('\r\n')
  return {
    code: Number(lines[0]?.split(' ')[1]),
    header: (name) => lines.filter((line) => line.toLowerCase().startsWith(`${name}:`)).map((line) => line.slice(name.length + 1).trim()),
    text
  }
}

/** One UDP socket on 127.0.0.1 that talks to `port`. */
export const createSipWire = async (port: number): Promise<SipWire> => {
  const socket: Socket = createSocket('udp4')
  await new Promise<void>((resolve) => { socket.bind(0, '127.0.0.1', resolve) })
  return {
    address: `127.0.0.1:${socket.address().port}`,
    send: (lines, waitMs = 1_000) => new Promise((resolve) => {
      const done = (reply: Reply | null): void => {
        clearTimeout(timer)
        socket.off('message', receive)
        resolve(reply)
      }
      const receive = (bytes: Buffer): void => { done(readReply(bytes)) }
      const timer = setTimeout(() => { done(null) }, waitMs)
      socket.on('message', receive)
      socket.send(`${lines.join('\r\n')}\r\n\r\n`, port, '127.0.0.1')
    }),
    close: () => new Promise((resolve) => { socket.close(resolve) })
  }
}

const token = (): string => randomBytes(8).toString('hex')

/** Request line and headers of a request without a body. */
export const sipLines = (method: string, uri: string, to: string, extra: readonly string[], callId = token(), cseq = 1): readonly string[] => [
  `${method} ${uri} SIP/2.0`,
  `Via: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK${token()};rport`,
  'Max-Forwards: 70',
  `From: <${to}>;tag=${token()}`,
  `To: <${to}>`,
  `Call-ID: ${callId}`,
  `CSeq: ${cseq} ${method}`,
  ...extra,
  'Content-Length: 0'
]

export interface DigestOptions {
  readonly username: string
  readonly password: string
  readonly method: string
  readonly uri: string
  /** Default 00000001. */
  readonly nc?: string
}

/** Answers the first Digest challenge of a `WWW-Authenticate` value. */
export const digestHeader = (challenge: string, options: DigestOptions): string => {
  const read = (name: string): string => new RegExp(`${name}="?([^",]+)`).exec(challenge)?.[1] ?? ''
  const [realm, nonce, algorithm, cnonce, nc] = [read('realm'), read('nonce'), read('algorithm'), token(), options.nc ?? '00000001']
  const hash = (text: string): string => createHash(algorithm === 'SHA-256' ? 'sha256' : 'md5').update(text).digest('hex')
  const { username, password, method, uri } = options
  const response = hash(`${hash(`${username}:${realm}:${password}`)}:${nonce}:${nc}:${cnonce}:auth:${hash(`${method}:${uri}`)}`)
  return `Digest username="${username}", realm="${realm}", nonce="${nonce}", uri="${uri}", response="${response}", algorithm=${algorithm}, cnonce="${cnonce}", qop=auth, nc=${nc}`
}

export type HttpReply =
  | { readonly status: number; readonly body: string; readonly header: (name: string) => string | undefined }
  | { readonly error: string }

/** One GET without connection reuse; `error` is the code, or `silent` after `waitMs`. */
export const httpGet = (url: string, authorization: string | null, waitMs = 1_000): Promise<HttpReply> => new Promise((resolve) => {
  const headers = authorization === null ? {} : { authorization }
  const outgoing = request(url, { agent: false, headers, timeout: waitMs }, (incoming) => {
    let body = ''
    incoming.setEncoding('latin1')
    incoming.on('data', (chunk: string) => { body += chunk })
    incoming.on('error', (error: NodeJS.ErrnoException) => { resolve({ error: error.code ?? 'error' }) })
    incoming.on('end', () => { resolve({ status: incoming.statusCode ?? 0, body, header: (name) => incoming.headers[name] as string | undefined }) })
  })
  outgoing.on('timeout', () => {
    resolve({ error: 'silent' })
    outgoing.destroy()
  })
  outgoing.on('error', (error: NodeJS.ErrnoException) => { resolve({ error: error.code ?? 'error' }) })
  outgoing.end()
})

/** Waits until it is so; throws after two seconds. */
export const until = async (what: string, isSo: () => boolean): Promise<void> => {
  for (let tries = 0; tries < 400; tries += 1) {
    if (isSo()) return
    await new Promise((resolve) => { setTimeout(resolve, 5) })
  }
  throw new Error(`did not happen: ${what}`)
}
