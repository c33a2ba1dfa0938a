/** What was decided, and everything that was recorded about it. Open to read. */
import { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import type { Static } from 'typebox'
import { parseDuration } from '../../config/duration.ts'
import { isRecordType, RECORD_TYPES } from '../../core/record-types.ts'
import type { EpochMs } from '../../core/topology.ts'
import { isCause, SWITCHOVER_CAUSES } from '../../core/world.ts'
import type { JournalFilter, JournalRecord } from '../../ports.ts'
import { refuse } from '../api-error.ts'
import type { HttpDependencies } from '../dependencies.ts'

const DEFAULT_LIMIT = 50
const Time = Type.Optional(Type.String({ description: 'ISO 8601 instant, or a Prometheus duration: that long ago.' }))
const DecisionsQuery = Type.Object({
  trunk: Type.Optional(Type.String()),
  since: Time,
  until: Time,
  state: Type.Optional(Type.String({ description: 'Type of the last record.' })),
  cause: Type.Optional(Type.String()),
  limit: Type.Optional(Type.String({ pattern: '^[1-9][0-9]{0,2}$', description: '1 to 999.' }))
}, { additionalProperties: false })
const RecordsQuery = Type.Object({
  trunk: Type.Optional(Type.String()),
  since: Time,
  until: Time,
  decision: Type.Optional(Type.String()),
  type: Type.Optional(Type.String())
}, { additionalProperties: false })

/** `GET /api/v1/decisions`, `/api/v1/decisions/:id`, `/api/v1/journal`. */
export function journalRoutes (app: FastifyInstance, deps: HttpDependencies): void {
  app.get<{ Querystring: Static<typeof DecisionsQuery> }>('/api/v1/decisions', { schema: { querystring: DecisionsQuery } }, async (request, reply) => {
    const { trunk, since, until, state, cause, limit } = request.query
    const span = spanOf(since, until, deps.clock.now())
    if (typeof span === 'string') return refuse(reply, 'malformed', span)
    if (state !== undefined && !isRecordType(state)) return refuse(reply, 'malformed', oneOf('state', Object.keys(RECORD_TYPES)))
    if (cause !== undefined && !isCause(cause)) return refuse(reply, 'malformed', oneOf('cause', SWITCHOVER_CAUSES))
    return deps.engine.decisions({
      ...span,
      ...(trunk === undefined ? {} : { trunk }),
      ...(state === undefined ? {} : { state }),
      ...(cause === undefined ? {} : { cause }),
      limit: limit === undefined ? DEFAULT_LIMIT : Number(limit)
    })
  })

  app.get<{ Params: { id: string } }>('/api/v1/decisions/:id', async (request, reply) => {
    const { id } = request.params
    const records = await deps.engine.decision(id)
    return records.length === 0 ? refuse(reply, 'not-found', `no decision ${id}`) : { id, records }
  })

  app.get<{ Querystring: Static<typeof RecordsQuery> }>('/api/v1/journal', { schema: { querystring: RecordsQuery } }, async (request, reply) => {
    const { trunk, since, until, decision, type } = request.query
    const span = spanOf(since, until, deps.clock.now())
    if (typeof span === 'string') return refuse(reply, 'malformed', span)
    if (type !== undefined && !isRecordType(type)) return refuse(reply, 'malformed', oneOf('type', Object.keys(RECORD_TYPES)))
    const filter: JournalFilter = {
      ...span,
      ...(trunk === undefined ? {} : { trunk }),
      ...(decision === undefined ? {} : { decision }),
      ...(type === undefined ? {} : { type })
    }
    return reply.type('application/x-ndjson; charset=utf-8').send(Readable.from(lines(deps.engine.journal(filter)), { objectMode: false }))
  })
}

/** One record per line; the next page is read when the last one has left. */
async function * lines (pages: AsyncIterable<readonly JournalRecord[]>): AsyncGenerator<string> {
  for await (const page of pages) if (page.length > 0) yield page.map((record) => `${JSON.stringify(record)}\n`).join('')
}

/** The span of time, or what is wrong with it. */
function spanOf (since: string | undefined, until: string | undefined, nowMs: EpochMs): Pick<JournalFilter, 'sinceMs' | 'untilMs'> | string {
  const sinceMs = since === undefined ? undefined : instantOf(since, nowMs)
  const untilMs = until === undefined ? undefined : instantOf(until, nowMs)
  for (const [name, value] of [['since', sinceMs], ['until', untilMs]] as const) {
    if (value === null) return `\`${name}\` must be an instant like \`2026-01-31T18:00:00Z\` or a duration like \`2h\``
  }
  if (sinceMs != null && untilMs != null && untilMs <= sinceMs) return '`until` must be later than `since`'
  return { ...(sinceMs == null ? {} : { sinceMs }), ...(untilMs == null ? {} : { untilMs }) }
}

function instantOf (text: string, nowMs: EpochMs): EpochMs | null {
  const ago = parseDuration(text)
  const instant = ago === null ? Date.parse(text) : nowMs - ago
  return Number.isNaN(instant) ? null : instant
}

function oneOf (name: string, allowed: readonly string[]): string {
  return `\`${name}\` must be one of: ${allowed.join(', ')}`
}
