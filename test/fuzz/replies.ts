/** Sends one request into the server and judges the reply. */
import { renderStatus } from '../../src/cli/status.ts'
import { leakIn } from './canary.ts'
import { startStopwatch } from './stopwatch.ts'
import type { Subject } from './subject.ts'
import type { Tally } from './tally.ts'
import { shorten } from './tally.ts'

export interface Input {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly remoteAddress?: string
  readonly body: Buffer | null
}

/** What a person needs to send it again. */
export function describe (number: number, { method, url, headers, body }: Input): string {
  return `#${number} ${method} ${url} ${JSON.stringify(headers)} ${body === null ? '' : body.toString('latin1')}`
}

/** @returns the reply's body; null when there was none */
export async function ask (subject: Subject, tally: Tally, number: number, input: Input): Promise<string | null> {
  const elapsedMs = startStopwatch()
  const what = (): string => describe(number, input)
  const reply = await subject.http().app.inject({
    method: input.method as 'POST',
    url: input.url,
    headers: input.headers,
    ...(input.remoteAddress === undefined ? {} : { remoteAddress: input.remoteAddress }),
    ...(input.body === null ? {} : { payload: input.body })
  }).catch((error: unknown) => error instanceof Error ? error : new Error(String(error)))
  const durationMs = elapsedMs()
  if (reply instanceof Error) {
    tally.note('no reply', durationMs, what)
    tally.fail(`${reply.message} for ${shorten(what())}`)
    return null
  }
  tally.note(String(reply.statusCode), durationMs, what)
  const problem = judge(reply.statusCode, reply.headers['content-type'], reply.body, input.method, subject.engine().ready()) ?? leak(JSON.stringify(reply.headers) + reply.body)
  if (problem !== null) tally.fail(`${problem}: ${shorten(reply.body)} for ${shorten(what())}`)
  return reply.body
}

function leak (text: string): string | null {
  const found = leakIn(text)
  return found === null ? null : `the reply shows ${found}`
}

/** @returns what is wrong with the reply */
export function judge (status: number, contentType: unknown, body: string, method: string, ready: boolean): string | null {
  if (status >= 500 && (status !== 503 || ready)) return `status ${status}`
  if (method === 'HEAD') return null
  const isJson = /^application\/json\b/.test(String(contentType))
  if (!isJson) return status >= 400 && !String(contentType).startsWith('text/plain') ? `an error as ${String(contentType)}` : null
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch {
    return 'a reply that is no JSON'
  }
  if (status < 400) return null
  const { error, message } = value as { error?: unknown; message?: unknown }
  return typeof error === 'string' && /^[a-z-]+$/.test(error) && typeof message === 'string' && message !== '' ? null : 'an error of another form'
}

/** Metrics, status and page after whatever came before. */
export async function checkViews (subject: Subject, tally: Tally): Promise<void> {
  if (!subject.engine().healthy()) tally.fail('the control loop does not turn any more')
  for (const url of ['/metrics', '/api/v1/status', '/api/v1/decisions', '/api/v1/journal', '/', '/-/healthy']) {
    const reply = await subject.http().app.inject(url)
    if (reply.statusCode !== 200) tally.fail(`${url} answers ${reply.statusCode}: ${shorten(reply.body)}`)
    const found = leakIn(reply.body)
    if (found !== null) tally.fail(`${url} shows ${found}`)
    if (url === '/api/v1/status') renderStatus(reply.json())
    // oxlint-disable-next-line no-control-regex -- they are what is looked for
    if (url === '/metrics' && /[\u0000-\u0009\u000B-\u001F]/.test(reply.body)) tally.fail('the metrics hold control characters')
  }
  const strange = Object.getOwnPropertyNames(Object.prototype).filter((name) => !PROTOTYPE.has(name))
  if (strange.length > 0) tally.fail(`every object has now: ${strange.join(', ')}`)
}

const PROTOTYPE = new Set(Object.getOwnPropertyNames(Object.prototype))
