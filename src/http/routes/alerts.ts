/** The webhook. Alertmanager retries only on 5xx and transport errors, so 503 says "send it again" and 4xx "never". */
import type { FastifyInstance } from 'fastify'
import { refuse } from '../api-error.ts'
import { mayNotify, requirePermission } from '../auth.ts'
import type { HttpDependencies } from '../dependencies.ts'

/** What each reply counts as in `pointsman_notifications_total`. After a 5xx the sender tries again. */
const RESULTS: Readonly<Record<number, string>> = {
  200: 'accepted', 400: 'malformed', 401: 'refused', 403: 'refused', 413: 'too-large', 415: 'malformed', 500: 'unavailable', 503: 'unavailable'
}

/** `POST /api/v1/alerts`: a notification of Alertmanager (or Grafana), answered 200 when it is stored durably. */
export function alertRoutes (app: FastifyInstance, deps: HttpDependencies): void {
  app.post('/api/v1/alerts', {
    onRequest: [
      requirePermission(mayNotify, deps),
      async (_request, reply) => deps.engine.ready() ? undefined : refuse(reply, 'unavailable', 'still starting')
    ],
    onResponse: async (_request, reply) => {
      const result = RESULTS[reply.statusCode]
      if (result !== undefined) deps.metrics.increment('pointsman_notifications_total', { result })
    }
  }, async (request, reply) => {
    const result = await deps.engine.receive(request.body)
    return result.ok ? { alerts: result.alerts } : refuse(reply, result.kind, result.detail)
  })
}
