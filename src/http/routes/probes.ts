/** Probes for Prometheus and for people. Open to read: what may be probed is limited by the configuration. */
import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import type { Static } from 'typebox'
import { refuse } from '../api-error.ts'
import type { HttpDependencies } from '../dependencies.ts'

const TEXT = 'text/plain; version=0.0.4; charset=utf-8'
const PLAIN = 'text/plain; charset=utf-8'
const DEFAULT_LIMIT = 100

const ProbeQuery = Type.Object({
  target: Type.Optional(Type.String({ maxLength: 1000 })),
  module: Type.Optional(Type.String({ maxLength: 200 })),
  debug: Type.Optional(Type.String({ pattern: '^(true|false)$' }))
})
const HistoryQuery = Type.Object({
  probe: Type.Optional(Type.String()),
  failed: Type.Optional(Type.String({ pattern: '^(true|false)$' })),
  limit: Type.Optional(Type.String({ pattern: '^[1-9][0-9]{0,3}$', description: '1 to 9999.' }))
}, { additionalProperties: false })

/** `GET /probe`, `/sd`, `/api/v1/probes`. */
export function probeRoutes (app: FastifyInstance, deps: HttpDependencies): void {
  app.get<{ Querystring: Static<typeof ProbeQuery> }>('/probe', { schema: { querystring: ProbeQuery } }, async (request, reply) => {
    const { target, module, debug } = request.query
    const wantsDebug = debug === 'true'
    const result = await deps.exporter.probe({ target, module, debug: wantsDebug, scrapeTimeoutMs: timeoutOf(request.headers['x-prometheus-scrape-timeout-seconds']) })
    return result.ok ? reply.header('content-type', wantsDebug ? PLAIN : TEXT).send(result.text) : refuse(reply, result.kind, result.message)
  })
  app.get('/sd', async () => deps.exporter.discover())
  app.get<{ Querystring: Static<typeof HistoryQuery> }>('/api/v1/probes', { schema: { querystring: HistoryQuery } }, async (request) => {
    const { probe, failed, limit } = request.query
    return { results: deps.history.list({ ...(probe === undefined ? {} : { probe }), onlyFailed: failed === 'true', limit: limit === undefined ? DEFAULT_LIMIT : Number(limit) }) }
  })
}

/** Seconds with a fraction, as Prometheus sends them [ms]; null: not given, or no such number. */
function timeoutOf (header: string | readonly string[] | undefined): number | null {
  const seconds = typeof header === 'string' && header.trim() !== '' ? Number(header) : NaN
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : null
}
