/** What the demo asks Pointsman: nothing but what everybody can ask over HTTP. */
import type { Status } from '../core/status.ts'
import type { DecisionSummary } from '../engine/contract.ts'
import type { Clock, JournalRecord } from '../ports.ts'

export interface PointsmanClient {
  status(): Promise<Status>
  /** Records of all decisions since then, oldest first. */
  records(sinceMs: number): Promise<readonly JournalRecord[]>
  /** Gives an operator's command. `message`: why it was refused. */
  command(verb: string, body: object): Promise<{ readonly ok: true } | { readonly ok: false; readonly message: string }>
  /** Posts a notification as Alertmanager does; true: taken. */
  notify(body: object): Promise<boolean>
}

const DEADLINE_MS = 5000

export function createPointsmanClient (url: string, tokens: { readonly operator: string; readonly webhook: string }, clock: Clock): PointsmanClient {
  const get = async <T>(path: string): Promise<T> => {
    const reply = await fetch(url + path, { signal: clock.deadline(DEADLINE_MS) })
    if (!reply.ok) throw new Error(`${path}: HTTP ${reply.status}`)
    return await reply.json() as T
  }
  const post = (path: string, token: string, body: object): Promise<Response> => fetch(url + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: clock.deadline(DEADLINE_MS)
  })
  return {
    status: () => get('/api/v1/status'),
    records: async (sinceMs) => {
      const { decisions } = await get<{ decisions: readonly DecisionSummary[] }>(`/api/v1/decisions?since=${new Date(sinceMs).toISOString()}`)
      const each = await Promise.all(decisions.map(({ id }) => get<{ records: readonly JournalRecord[] }>(`/api/v1/decisions/${id}`)))
      return each.flatMap(({ records }) => records).filter((record) => record.atMs >= sinceMs).sort((x, y) => x.atMs - y.atMs)
    },
    command: async (verb, body) => {
      const reply = await post(`/api/v1/commands/${verb}`, tokens.operator, body)
      const answer = await reply.json() as { readonly message?: string }
      return reply.ok ? { ok: true } : { ok: false, message: answer.message ?? `HTTP ${reply.status}` }
    },
    notify: async (body) => {
      const reply = await post('/api/v1/alerts', tokens.webhook, body)
      await reply.body?.cancel()
      return reply.ok
    }
  }
}
