/** What Pointsman knows and has decided. Open to read. */
import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import type { Static } from 'typebox'
import { parseDuration } from '../../config/duration.ts'
import type { EpochMs } from '../../core/topology.ts'
import { refuse } from '../api-error.ts'
import type { HttpDependencies } from '../dependencies.ts'

const DEFAULT_LIMIT = 50
const DecisionsQuery = Type.Object({
  trunk: Type.Optional(Type.String()),
  since: Type.Optional(Type.String({ description: 'ISO 8601 instant, or a Prometheus duration: that long ago.' })),
  limit: Type.Optional(Type.String({ pattern: '^[1-9][0-9]{0,2}$', description: '1 to 999.' }))
}, { additionalProperties: false })

/** `GET /api/v1/status`, `/api/v1/decisions`, `/api/v1/decisions/:id`. */
export function stateRoutes (app: FastifyInstance, deps: HttpDependencies): void {
  app.get('/api/v1/status', async (_request, reply) => deps.engine.ready() ? deps.engine.status() : refuse(reply, 'unavailable', 'still starting'))

  app.get<{ Querystring: Static<typeof DecisionsQuery> }>('/api/v1/decisions', { schema: { querystring: DecisionsQuery } }, async (request, reply) => {
    const { trunk, since, limit } = request.query
    const sinceMs = since === undefined ? undefined : instantOf(since, deps.clock.now())
    if (sinceMs === null) return refuse(reply, 'malformed', '`since` must be an instant like `2026-01-31T18:00:00Z` or a duration like `2h`')
    const decisions = await deps.engine.decisions({
      ...(trunk === undefined ? {} : { trunk }),
      ...(sinceMs === undefined ? {} : { sinceMs }),
      limit: limit === undefined ? DEFAULT_LIMIT : Number(limit)
    })
    return { decisions }
  })

  app.get<{ Params: { id: string } }>('/api/v1/decisions/:id', async (request, reply) => {
    const { id } = request.params
    const records = await deps.engine.decision(id)
    return records.length === 0 ? refuse(reply, 'not-found', `no decision ${id}`) : { id, records }
  })
}

function instantOf (text: string, nowMs: EpochMs): EpochMs | null {
  const ago = parseDuration(text)
  const instant = ago === null ? Date.parse(text) : nowMs - ago
  return Number.isNaN(instant) ? null : instant
}
