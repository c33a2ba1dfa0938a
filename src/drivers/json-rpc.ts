/**
 * JSON-RPC 2.0 over HTTP, as Kamailio (xhttp and jsonrpcs, seen with 5.6.3) and OpenSIPS (mi_http) speak it. The traps that
 * this file closes: Kamailio sends an error with its code as HTTP status too, OpenSIPS with 200; a body without `jsonrpc`,
 * or a batch, is answered `200 {"result":{}}` by Kamailio and not executed, so an answer counts only with the id of its
 * request; broken JSON gets no answer at all.
 */
import type { DriverFailure } from '../core/observation.ts'
import { failure, statusFailure } from './driver-failure.ts'
import type { HttpResponse, Send } from './http-client.ts'

export type RpcReply =
  | { readonly kind: 'result'; readonly result: unknown }
  /** The gateway understood and refused. */
  | { readonly kind: 'error'; readonly code: number; readonly failure: DriverFailure }
  | { readonly kind: 'failed'; readonly failure: DriverFailure }

export interface RpcCall {
  readonly method: string
  /** By position or by name. */
  readonly params: readonly (string | number)[] | Readonly<Record<string, string>>
  /** It changes nothing. */
  readonly reads: boolean
}

export type Rpc = (call: RpcCall, signal: AbortSignal) => Promise<RpcReply>

function isObject (value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function parse (body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return undefined // not JSON: the caller says so by the status
  }
}

/** Not executed for certain: JSON-RPC's errors about the request itself, and HTTP's. An internal error may come halfway. */
function isRefusal (code: number): boolean {
  return [-32700, -32600, -32601, -32602].includes(code) || (code >= 400 && code < 500)
}

function replyOf (response: HttpResponse, id: number, knownMessages: ReadonlySet<unknown>): RpcReply {
  const body = parse(response.body)
  if (!isObject(body) || body.jsonrpc !== '2.0') {
    return { kind: 'failed', failure: statusFailure(response) ?? failure('not-data', 'no JSON-RPC answer', 'unknown') }
  }
  if (body.id !== id) return { kind: 'failed', failure: failure('not-data', 'an answer to no request of ours', 'unknown') }
  if (isObject(body.error)) {
    const { code, message } = body.error
    const text = knownMessages.has(message) ? String(message) : `error ${Number(code)}`
    return { kind: 'error', code: Number(code), failure: failure('rpc-error', text, knownMessages.has(message) || isRefusal(Number(code)) ? 'none' : 'unknown') }
  }
  if ('result' in body) return { kind: 'result', result: body.result }
  return { kind: 'failed', failure: failure('not-data', 'an answer without result', 'unknown') }
}

/**
 * Makes a caller. A failure of a reading call has the effect `none`.
 *
 * @param knownMessages - messages of errors that may be quoted; any other text of a gateway is not repeated
 */
export function createRpc (send: Send, url: string, knownMessages: ReadonlySet<unknown>): Rpc {
  let lastId = 0
  return async ({ method, params, reads }, signal) => {
    const id = ++lastId
    const body = JSON.stringify({ jsonrpc: '2.0', id, method, params })
    const response = await send({ method: 'POST', url, headers: { 'Content-Type': 'application/json' }, body, reads, signal })
    const reply: RpcReply = response.ok ? replyOf(response, id, knownMessages) : { kind: 'failed', failure: response }
    if (reply.kind === 'result') return reply
    const { detail, effect } = reply.failure
    return { ...reply, failure: { ...reply.failure, detail: `${method}: ${detail}`, effect: reads ? 'none' : effect } }
  }
}
