/** Asks a running Pointsman by its HTTP API. */
import type { Invocation } from './command.ts'
import { UsageError } from './command.ts'
import { readSecretFile, text } from './options.ts'

export type ApiReply = { readonly ok: true; readonly body: unknown } | { readonly ok: false; readonly message: string; /** Null: no answer, or not from Pointsman. */ readonly body: unknown }

const DEFAULT_URL = 'http://127.0.0.1:9867'
const DEADLINE_MS = 10_000

/**
 * One request. Redirects are not followed: the token goes only where the operator pointed.
 * @param path - without a slash at its start
 * @throws {UsageError} for a URL or token file that can't be used
 */
export function askApi (invocation: Invocation, path: string, body?: object): Promise<ApiReply> {
  return request(invocation, path, body, invocation.deps.clock.deadline(DEADLINE_MS), async (reply) => ({ ok: true, body: parse(await reply.text()) }))
}

/**
 * As `askApi`, for a reply that may be long: its text goes on as it comes, and only a silence ends it.
 * @param take - gets the pieces of the body
 */
export async function streamApi (invocation: Invocation, path: string, take: (text: string) => void): Promise<ApiReply> {
  const { clock } = invocation.deps
  const silent = new AbortController()
  let arrivedMs = clock.monotonicMs()
  const ended = new AbortController()
  void (async () => {
    while (!ended.signal.aborted) {
      await clock.sleep(1000, ended.signal)
      if (clock.monotonicMs() - arrivedMs > DEADLINE_MS) silent.abort(new DOMException('silence', 'TimeoutError'))
    }
  })()
  const reply = await request(invocation, path, undefined, silent.signal, async ({ body }) => {
    const decoder = new TextDecoder()
    for await (const piece of body ?? []) {
      arrivedMs = clock.monotonicMs()
      take(decoder.decode(piece as Uint8Array, { stream: true }))
    }
    return { ok: true, body: null }
  })
  ended.abort()
  return reply
}

async function request (invocation: Invocation, path: string, body: object | undefined, signal: AbortSignal, read: (reply: Response) => Promise<ApiReply>): Promise<ApiReply> {
  const base = baseUrl(invocation)
  const token = await readToken(invocation)
  const headers = { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...(token === null ? {} : { authorization: `Bearer ${token}` }) }
  const options: RequestInit = { headers, redirect: 'error', signal }
  try {
    const reply = await fetch(new URL(path, base), body === undefined ? options : { ...options, method: 'POST', body: JSON.stringify(body) })
    if (reply.ok) return await read(reply)
    const answer = parse(await reply.text())
    return { ok: false, message: refusal(reply.status, answer), body: answer }
  } catch (error) {
    return { ok: false, message: `Pointsman can't be reached at ${base.href}: ${cause(error)}`, body: null }
  }
}

function baseUrl ({ values, io }: Invocation): URL {
  const given = text(values, 'url') ?? io.env['POINTSMAN_URL'] ?? DEFAULT_URL
  const url = URL.parse(given.endsWith('/') ? given : `${given}/`)
  if (url === null || !['http:', 'https:'].includes(url.protocol)) throw new UsageError('--url must be an address like http://127.0.0.1:9867')
  return url
}

async function readToken ({ values, io }: Invocation): Promise<string | null> {
  const file = text(values, 'token-file') ?? io.env['POINTSMAN_TOKEN_FILE']
  return file === undefined ? null : await readSecretFile(file)
}

function parse (body: string): unknown {
  try {
    return JSON.parse(body) as unknown
  } catch {
    // Not from Pointsman, for example a proxy's page; the status tells enough.
    return null
  }
}

function refusal (status: number, answer: unknown): string {
  const message = typeof answer === 'object' && answer !== null && 'message' in answer ? String(answer.message) : `the server answered ${status}`
  return status === 401 ? `${message} (see --token-file)` : message
}

/** The system's code says more than fetch's "fetch failed". */
function cause (error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const inner = error.cause
  if (inner instanceof Error && 'code' in inner) return String(inner.code)
  return error.name === 'TimeoutError' ? 'no answer in time' : error.message
}
