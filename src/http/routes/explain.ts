/** What would be decided, and why. For operators, and for everybody on this machine: it costs a plan of each trunk that it speaks about. */
import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import type { Static } from 'typebox'
import { refuse } from '../api-error.ts'
import { mayReload, requirePermission } from '../auth.ts'
import type { HttpDependencies } from '../dependencies.ts'

const Body = Type.Object({
  notification: Type.Optional(Type.Unknown({ description: 'A webhook body, as if it came now.' })),
  trunk: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
  at: Type.Optional(Type.String({ description: 'ISO 8601 instant at which it is judged.' }))
}, { additionalProperties: false })
/** No calendar shows a later one (ECMAScript: time values), and nothing may be added to it. */
const LAST_INSTANT_MS = 8.64e14

/** `POST /api/v1/explain`: stores nothing and sends nothing. */
export function explainRoutes (app: FastifyInstance, deps: HttpDependencies): void {
  const onRequest = [requirePermission(mayReload, deps)]
  app.post<{ Body: Static<typeof Body> }>('/api/v1/explain', { onRequest, schema: { body: Body } }, async (request, reply) => {
    if (!deps.engine.ready()) return refuse(reply, 'unavailable', 'still starting')
    const { notification, trunk, at } = request.body
    const atMs = at === undefined ? undefined : Date.parse(at)
    if (atMs !== undefined && !(Math.abs(atMs) < LAST_INSTANT_MS)) return refuse(reply, 'malformed', '`at` must be an instant like `2026-01-31T18:00:00Z`')
    const result = deps.engine.explain({
      ...(notification === undefined ? {} : { notification }),
      ...(trunk === undefined ? {} : { trunk }),
      ...(atMs === undefined ? {} : { atMs })
    })
    if (result.ok) return { atMs: result.atMs, alerts: result.alerts, trunks: result.trunks }
    return refuse(reply, result.kind === 'unknown' ? 'not-found' : 'malformed', result.detail)
  })
}
