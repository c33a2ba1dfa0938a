/** Alertmanager's HTTP API, version 2: the list of alerts. */
import type { AlertmanagerClient, Secret } from '../ports.ts'

export interface AlertmanagerOptions {
  /** For example `http://127.0.0.1:9093`, with a path prefix if it has one. */
  readonly url: string
  /** Basic authentication; needs `password`. */
  readonly username: string | null
  readonly password: Secret | null
  /** Bearer token. */
  readonly token: Secret | null
}

type Answer = Awaited<ReturnType<AlertmanagerClient['alerts']>>

const QUERY = 'api/v2/alerts?active=true&silenced=true&inhibited=true&unprocessed=true'
/** A company's whole list is a few MB; more than this is not a list of alerts. */
const MAX_BYTES = 64 * 2 ** 20

/** One attempt per call, no redirects. `detail` names the host and what went wrong, never a secret. */
export function createAlertmanagerClient (options: AlertmanagerOptions): AlertmanagerClient {
  const base = options.url.endsWith('/') ? options.url : `${options.url}/`
  const url = URL.parse(QUERY, base)
  const host = url?.host ?? 'the configured URL'
  return {
    alerts: async (signal) => {
      try {
        if (url === null) return failure(host, 'is not a URL')
        const response = await fetch(url, { headers: requestHeaders(options), redirect: 'error', signal })
        return await readResponse(host, response)
      } catch (error) {
        return failure(host, signal.aborted ? 'did not answer in time' : reasonOf(error))
      }
    }
  }
}

function requestHeaders ({ username, password, token }: AlertmanagerOptions): Record<string, string> {
  const headers: Record<string, string> = { accept: 'application/json' }
  if (token !== null) headers['authorization'] = `Bearer ${token.reveal()}`
  else if (username !== null && password !== null) {
    headers['authorization'] = `Basic ${Buffer.from(`${username}:${password.reveal()}`).toString('base64')}`
  }
  return headers
}

async function readResponse (host: string, response: Response): Promise<Answer> {
  if (response.status !== 200) {
    await response.body?.cancel()
    return failure(host, `answered with HTTP status ${response.status}`)
  }
  const text = await readText(response)
  if (text === null) return failure(host, `sent more than ${MAX_BYTES / 2 ** 20} MiB`)
  const alerts = parseJson(text)
  return Array.isArray(alerts) ? { ok: true, alerts } : failure(host, 'did not answer with a JSON list')
}

/** Null: longer than allowed. The rest is not read then. */
async function readText (response: Response): Promise<string | null> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.length
    if (size > MAX_BYTES) return null
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function parseJson (text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Only the code: fetch puts URLs, which may carry a password, into its messages. */
function reasonOf (error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : null
  if (code === 'ECONNREFUSED') return 'refused the connection'
  return code === null ? 'sent no usable answer' : `can't be reached (${code})`
}

function failure (host: string, what: string): Answer {
  return { ok: false, detail: `Alertmanager ${host} ${what}` }
}
