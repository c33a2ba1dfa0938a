/** An HTTP server on loopback that answers as it is told, or misbehaves on the wire. */
import { createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

export type Misbehaviour =
  | 'silent' // takes the request, executes nothing, never answers
  | 'late' // executes, never answers
  | 'ignored' // answers as always, executes nothing
  | 'html' | 'redirect' | 'unauthorised' | 'error'
  | 'empty' | 'null' // a 2xx without a body, with the JSON value null
  | 'not-http' // other bytes than HTTP
  | 'half' // half of the body, announced as the whole of it
  | 'truncated' // announces more than it sends, then closes
  | 'reset-early' | 'reset-midway' // before, after the head of the answer
  | 'slow-loris' // one byte now and then

export interface Asked {
  readonly method: string
  readonly path: string
  readonly authorization: string
  /** All header fields, by their names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: string
}

export interface Answer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body: string | Buffer
}

export interface UnrulyServer {
  readonly url: string
  readonly asked: readonly Asked[]
  /** Connections that were ever opened. */
  connections(): number
  misbehave(kind: Misbehaviour | null, only?: 'writes'): void
  /** Closes the idle connections, as servers do after a while. */
  closeIdle(): void
  close(): Promise<void>
}

export interface UnrulyOptions {
  /** `isIgnored`: answer as always but change nothing. */
  readonly answer: (asked: Asked, isIgnored: boolean) => Answer
  readonly isWrite: (asked: Asked) => boolean
  /** PEM of a certificate with its key: the server speaks TLS. */
  readonly pem?: string
}

/** Where the redirects lead. */
export const ELSEWHERE = '/elsewhere'

async function readAsked (request: IncomingMessage): Promise<Asked> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return {
    method: request.method ?? '', path: request.url ?? '', authorization: request.headers.authorization ?? '', headers: request.headers as Readonly<Record<string, string | undefined>>,
    body: Buffer.concat(chunks).toString('utf8')
  }
}

/** Repeats what came in, as badly written servers do: nothing of it may show up in a result. */
const echo = (asked: Asked): string =>
  `<html>${asked.authorization} ${asked.headers['x-api-key']} ${Buffer.from(asked.authorization.replace('Basic ', ''), 'base64').toString()} ${asked.body}</html>`

function reply (response: ServerResponse, { status = 200, headers = {}, body }: Answer): void {
  response.writeHead(status, { ...headers, 'Content-Length': Buffer.byteLength(body) }).end(body)
}

async function drip (response: ServerResponse, body: Buffer): Promise<void> {
  response.writeHead(200, { 'Content-Length': 100_000 })
  for (const byte of body) {
    if (response.destroyed) return
    response.write(Buffer.of(byte))
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

export async function createUnrulyServer (options: UnrulyOptions): Promise<UnrulyServer> {
  const asked: Asked[] = []
  const sockets = new Set<Socket>()
  let opened = 0
  let misbehaviour: { kind: Misbehaviour | null; only: 'writes' | undefined } = { kind: null, only: undefined }

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const one = await readAsked(request)
    asked.push(one)
    const { kind, only } = misbehaviour
    const answer = (isIgnored = false): Answer => options.answer(one, isIgnored)
    const bytes = (): Buffer => Buffer.from(answer(true).body)
    switch (only === 'writes' && !options.isWrite(one) ? null : kind) {
      case null: reply(response, answer()); break
      case 'ignored': reply(response, answer(true)); break
      case 'silent': break
      case 'late': answer(); break
      case 'html': reply(response, { headers: { 'Content-Type': 'text/html' }, body: echo(one) }); break
      // A client that follows a 307 sends the whole request again, a write too.
      case 'redirect': reply(response, { status: 307, headers: { Location: ELSEWHERE }, body: echo(one) }); break
      case 'empty': reply(response, { body: '' }); break
      case 'null': reply(response, { headers: { 'Content-Type': 'application/json' }, body: 'null' }); break
      case 'not-http': request.socket.end('SSH-2.0-OpenSSH_9.2\r\n'); break
      case 'half': reply(response, { body: bytes().subarray(0, bytes().length >> 1) }); break
      case 'unauthorised': reply(response, { status: 401, headers: { 'WWW-Authenticate': 'Basic realm="x"' }, body: echo(one) }); break
      case 'error': reply(response, { status: 500, body: echo(one) }); break
      case 'truncated': response.writeHead(200, { 'Content-Length': 100_000 }).write(bytes(), () => request.socket.end()); break
      case 'reset-early': request.socket.resetAndDestroy(); break
      case 'reset-midway': response.writeHead(200, { 'Content-Length': 100_000 }).write(bytes(), () => setTimeout(() => request.socket.resetAndDestroy(), 5)); break
      case 'slow-loris': await drip(response, bytes()); break
    }
  }

  const listener = (request: IncomingMessage, response: ServerResponse): void => { void handle(request, response) }
  const { pem } = options
  const server = pem === undefined ? createServer({ keepAliveTimeout: 60_000 }, listener) : createTlsServer({ keepAliveTimeout: 60_000, key: pem, cert: pem }, listener)
  server.on('connection', (socket: Socket) => {
    opened += 1
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `${pem === undefined ? 'http' : 'https'}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    connections: () => opened,
    misbehave: (kind, only) => { misbehaviour = { kind, only } },
    closeIdle: () => server.closeIdleConnections(),
    close: () => new Promise((resolve) => {
      server.close(() => resolve())
      for (const socket of sockets) socket.destroy()
    })
  }
}
