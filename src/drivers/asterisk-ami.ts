/**
 * Asterisk's manager interface over HTTP (`/arawman`: one action per request, digest authentication, text). Behaviour seen with
 * 22.10.1: every answer is HTTP 200, an error and a refused right too; a list ends with an event `EventList: Complete`; of several
 * requests at once by one account all but one are answered 401, so they go one after the other.
 */
import type { DriverFailure } from '../core/observation.ts'
import { during, failure, statusFailure } from './driver-failure.ts'
import type { Send } from './http-client.ts'

/** One block of lines; the first value counts where a key comes twice. */
export type AmiMessage = ReadonlyMap<string, string>

/** The response, then its events. */
export type AmiReply =
  | { readonly ok: true; readonly response: AmiMessage; readonly events: readonly AmiMessage[] }
  /** Asterisk understood and refused; `message` is for comparing only. */
  | DriverFailure & { readonly message?: string }

export interface AmiAction {
  readonly action: string
  readonly parameters?: Readonly<Record<string, string>>
  /** It changes nothing. */
  readonly reads: boolean
}

export type Ami = (action: AmiAction, signal: AbortSignal) => Promise<AmiReply>

/** Path and query of an action below the prefix of http.conf. */
export function amiPath (action: string, parameters: Readonly<Record<string, string>> = {}): string {
  const query = Object.entries({ action, ...parameters }).map(([key, value]) => `${key}=${encodeURIComponent(value)}`)
  return `/arawman?${query.join('&')}`
}

/** Reads an answer's blocks; empty: it is none. */
export function parseMessages (text: string): readonly AmiMessage[] {
  return text.split(/\r?\n\r?\n/).map((block) => {
    const pairs = block.split(/\r?\n/).flatMap((line) => {
      const colon = line.indexOf(': ')
      const key = colon > 0 ? line.slice(0, colon) : /^[A-Za-z]\w*:$/.test(line) ? line.slice(0, -1) : null
      return key === null ? [] : [[key, colon > 0 ? line.slice(colon + 2) : ''] as const]
    })
    return new Map(pairs.toReversed())
  }).filter((message) => message.size > 0)
}

function replyOf (text: string): AmiReply {
  const [response, ...events] = parseMessages(text)
  const kind = response?.get('Response')
  if (response === undefined || kind === undefined) return failure('not-data', 'no answer of a manager interface', 'unknown')
  if (kind === 'Error') {
    const message = response.get('Message') ?? ''
    if (message === 'Permission denied') return failure('auth-failed', 'the account lacks a right (read and write of manager.conf need system,reporting)')
    if (message.startsWith('Invalid/unknown command')) return failure('rpc-error', 'Asterisk does not know the command (is res_pjsip_outbound_registration loaded?)')
    return { ...failure('rpc-error', 'Asterisk refused the command'), message }
  }
  const isList = response.get('EventList') === 'start'
  if (isList && events.at(-1)?.get('EventList') !== 'Complete') return failure('truncated', 'the list ends before its end', 'unknown')
  return { ok: true, response, events }
}

/** Makes a caller. A failure of a reading action has the effect `none`. @param base - URL with the prefix of http.conf */
export function createAmi (send: Send, base: string): Ami {
  let last: Promise<unknown> = Promise.resolve()
  const ask = async ({ action, parameters, reads }: AmiAction, signal: AbortSignal): Promise<AmiReply> => {
    const response = await send({ method: 'GET', url: `${base}${amiPath(action, parameters)}`, reads, signal })
    const failed = response.ok ? statusFailure(response) : response
    const reply: AmiReply = failed ?? replyOf(response.ok ? response.body.toString('utf8') : '')
    return reply.ok ? reply : { ...reply, ...during(action, reply, reads ? 'none' : reply.effect) }
  }
  return (action, signal) => {
    const mine = last.then(() => ask(action, signal))
    last = mine
    return mine
  }
}
