/**
 * HTTP for drivers: one exchange per call, as data. The only file that knows axios; its errors, which carry the whole
 * request with every secret in it, end here. Redirects are never followed, proxies of the environment never used.
 *
 * Connections are kept. The peer may close an idle one at any time, and a request that meets that closing breaks without
 * an answer. A read is then repeated once on a new connection. A write never is: it may have been executed. So a driver
 * reads right before it writes, and idle connections are taken last in, first out: a write travels on the connection
 * that answered a moment ago.
 */
import http from 'node:http'
import https from 'node:https'
import type { ClientRequest, IncomingHttpHeaders, IncomingMessage, RequestOptions } from 'node:http'
import type { Socket } from 'node:net'
import { create as createAxios } from 'axios'
import type { DriverFailure } from '../core/observation.ts'
import type { DriverReason } from '../core/reasons.ts'

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Absolute, percent-encoded. */
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** It changes nothing at the gateway: may be repeated, and a failure's effect is `none`. */
  readonly reads: boolean
  /** Ends the exchange; carries the deadline. */
  readonly signal: AbortSignal
}

export interface HttpResponse {
  readonly ok: true
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

export type HttpResult = HttpResponse | DriverFailure

/** One exchange; every status is `ok`. Never throws. */
export type Send = (request: HttpRequest) => Promise<HttpResult>

export interface HttpClient {
  readonly send: Send
  /** Closes all connections, busy ones too. */
  close(): void
}

export interface HttpClientOptions {
  /** PEM of the certificates to trust instead of the system's. */
  readonly ca?: string | undefined
  /** Accepts every certificate: whoever is on the way can read and change everything, the account included. */
  readonly insecureTls?: boolean | undefined
}

/** Longest body that is read [bytes]. A large cfg.txt has some 100 kB. */
const MAX_BODY_BYTES = 4 * 1024 * 1024
/** Connections to one gateway at a time; embedded web servers have few. */
export const MAX_CONNECTIONS = 4

const REASONS: Readonly<Record<string, DriverReason>> = {
  ECONNREFUSED: 'refused',
  ECONNRESET: 'reset', EPIPE: 'reset', ECONNABORTED: 'reset',
  ETIMEDOUT: 'timeout',
  EHOSTUNREACH: 'unreachable', ENETUNREACH: 'unreachable', EHOSTDOWN: 'unreachable', ENOTFOUND: 'unreachable', EAI_AGAIN: 'unreachable',
  EPROTO: 'tls', SELF_SIGNED_CERT_IN_CHAIN: 'tls', DEPTH_ZERO_SELF_SIGNED_CERT: 'tls', UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'tls',
  UNABLE_TO_GET_ISSUER_CERT: 'tls', UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'tls', HOSTNAME_MISMATCH: 'tls', INVALID_CA: 'tls', INVALID_PURPOSE: 'tls'
}

/** How far one exchange came. */
interface Progress {
  /** The connection stood, so the request may have arrived. */
  delivered: boolean
  /** On a connection that served another exchange before. */
  reused: boolean
  /** Of the answer; null: no status line came. */
  headers: IncomingHttpHeaders | null
}

/** Node's own HTTP with a look at how far it came, for `effect` and `reset` against `truncated`. */
function watchedTransport (isSecure: boolean, progress: Progress) {
  return {
    // Only what Node wants of it: a connection keeps the options of its first request, and axios puts the whole exchange in.
    request ({ method, hostname, port, path, auth, headers, agent }: RequestOptions, onResponse: (response: IncomingMessage) => void): ClientRequest {
      const wanted = { method, hostname, port, path, auth, headers, agent }
      const request = (isSecure ? https : http).request(wanted, (response) => {
        progress.headers = response.headers
        onResponse(response)
      })
      return request.once('socket', (socket: Socket & { readonly secureConnecting?: boolean }) => {
        // Not `reusedSocket`: it stays false for a request that waited for a connection of others.
        progress.reused = !socket.connecting && socket.secureConnecting !== true
        if (progress.reused) progress.delivered = true
        else socket.once(isSecure ? 'secureConnect' : 'connect', () => { progress.delivered = true })
      })
    }
  }
}

/** What a code of Node's says about the peer. */
export function reasonOfCode (code: string): DriverReason {
  return /^(ERR_TLS|ERR_SSL|CERT_)/.test(code) ? 'tls' : REASONS[code] ?? 'local-error'
}

function reasonOf (code: string, message: string, progress: Progress, signal: AbortSignal): { reason: DriverReason; detail: string } {
  if (signal.aborted) {
    const isDeadline = (signal.reason as { name?: unknown } | undefined)?.name === 'TimeoutError'
    if (!isDeadline) return { reason: 'aborted', detail: 'cancelled' }
    return { reason: 'timeout', detail: !progress.delivered ? 'no connection in time' : progress.headers !== null ? 'the answer was not complete in time' : 'no answer in time' }
  }
  if (message.startsWith('maxContentLength')) return { reason: 'not-data', detail: `more than ${MAX_BODY_BYTES} bytes` }
  if (code.startsWith('HPE_')) return { reason: 'not-data', detail: `the answer is not HTTP (${code})` }
  if (progress.headers !== null) return { reason: 'truncated', detail: 'the connection ended before the body was complete' }
  return { reason: reasonOfCode(code), detail: code === '' ? 'the request could not be made' : code }
}

/** What Node said, as far as it is no secret: a code such as `ECONNRESET`. */
function codeOf (error: unknown): { code: string; message: string } {
  const { code, message } = error as { code?: unknown; message?: unknown }
  return { code: typeof code === 'string' ? code : '', message: typeof message === 'string' ? message : '' }
}

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
/**
 * An agent may have proxies of its own, since Node 24.5; ours has none, which keeps axios from those of the environment, too.
 * So does axios' `proxy: false`, but what that leaves behind of each exchange only the large garbage collection finds (1.21: 4 kB).
 */
const HAS_PROXY_ENV = major > 24 || (major === 24 && minor >= 5)

/** One for all gateways: each instance of axios is some eighty objects, which the garbage collector visits for each of a thousand gateways. */
const axios = createAxios({
  adapter: 'http', ...HAS_PROXY_ENV ? {} : { proxy: false as const }, maxRedirects: 0, maxContentLength: MAX_BODY_BYTES,
  decompress: false, responseType: 'arraybuffer', validateStatus: () => true,
  transformRequest: (data: unknown) => data, transformResponse: (data: unknown) => data,
  headers: { 'Accept': '*/*', 'Accept-Encoding': 'identity', 'User-Agent': 'pointsman' }
})

/** Makes a client for one gateway: its connections are its own. */
export function createHttpClient (options: HttpClientOptions): HttpClient {
  const shared = { keepAlive: true, maxSockets: MAX_CONNECTIONS, scheduling: 'lifo', proxyEnv: {} } as const
  let plain: http.Agent | null = null
  let secure: https.Agent | null = null
  // Made when the first URL wants it: hardly any gateway has both.
  const agentFor = (isSecure: boolean): http.Agent => isSecure
    ? secure ??= new https.Agent({ ...shared, rejectUnauthorized: options.insecureTls !== true, ...options.ca === undefined ? {} : { ca: options.ca } })
    : plain ??= new http.Agent(shared)

  const exchange = async (request: HttpRequest, progress: Progress): Promise<HttpResult> => {
    const { method, url, headers, body, reads, signal } = request
    try {
      // Not by its first letters: a scheme may be in capitals, and what looks for TLS elsewhere knows that.
      const isSecure = new URL(url).protocol === 'https:'
      const response = await axios.request<Buffer>({
        method, url, signal, transport: watchedTransport(isSecure, progress), [isSecure ? 'httpsAgent' : 'httpAgent']: agentFor(isSecure),
        headers: { ...headers }, ...body === undefined ? {} : { data: body }
      })
      return { ok: true, status: response.status, headers: progress.headers ?? {}, body: response.data }
    } catch (error) {
      const { code, message } = codeOf(error)
      return { ok: false, ...reasonOf(code, message, progress, signal), effect: reads || !progress.delivered ? 'none' : 'unknown' }
    }
  }

  return {
    send: async (request) => {
      const progress: Progress = { delivered: false, reused: false, headers: null }
      const result = await exchange(request, progress)
      const metClosing = !result.ok && result.reason === 'reset' && progress.reused
      if (!metClosing || !request.reads || request.signal.aborted) return result
      if (plain !== null) dropIdle(plain)
      if (secure !== null) dropIdle(secure)
      return exchange(request, { delivered: false, reused: false, headers: null })
    },
    close: () => {
      plain?.destroy()
      secure?.destroy()
    }
  }
}

/** Where one idle connection was closed by the peer, the others are as old. */
function dropIdle (agent: http.Agent): void {
  for (const sockets of Object.values(agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy()
}
