/** The operator's commands. Each needs a reason; it is journalled together with the user's name. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { Static } from 'typebox'
import { parseDuration } from '../../config/duration.ts'
import type { EpochMs } from '../../core/topology.ts'
import type { OperatorCommand, OperatorResult } from '../../engine/contract.ts'
import { refuse } from '../api-error.ts'
import type { ApiErrorCode } from '../api-error.ts'
import { actorOf, mayCommand, requirePermission } from '../auth.ts'
import type { HttpDependencies } from '../dependencies.ts'

/** A name of a trunk or gateway, as the configuration allows it. */
const ID = '[A-Za-z0-9][A-Za-z0-9._-]*'
/** Nothing can show a later one (ECMAScript: time values). */
const LAST_INSTANT_MS: EpochMs = 8.64e15
const Reason = Type.String({ pattern: '\\S', maxLength: 500, description: 'Why, for the journal.' })
const Scope = Type.String({ pattern: `^(global|trunk/${ID}|gateway/${ID})$`, description: '`global`, `trunk/<id>` or `gateway/<id>`.' })
const closed = { additionalProperties: false }

const PauseBody = Type.Object({
  scope: Scope,
  until: Type.Optional(Type.String({ description: 'End as ISO 8601 instant.' })),
  for: Type.Optional(Type.String({ description: 'Length as Prometheus duration, for example `2h`.' })),
  reason: Reason
}, closed)
const ResumeBody = Type.Object({ scope: Scope, reason: Reason }, closed)
const TrunkBody = Type.Object({ trunk: Type.String({ pattern: `^${ID}$` }), reason: Reason }, closed)

/** `POST /api/v1/commands/{pause,resume,failback,adopt}`. */
export function commandRoutes (app: FastifyInstance, deps: HttpDependencies): void {
  const onRequest = [
    requirePermission(mayCommand, deps),
    async (_request: FastifyRequest, reply: FastifyReply) => deps.engine.ready() ? undefined : refuse(reply, 'unavailable', 'still starting')
  ]
  const execute = async (request: FastifyRequest, reply: FastifyReply, command: OperatorCommand, reason: string): Promise<unknown> => {
    const actor = actorOf(request, deps.users)
    const result = await deps.engine.operate(command, actor, reason)
    deps.log.info({ command, actor, reason, ok: result.ok, detail: result.detail }, 'operator command')
    return result.ok ? { decision: result.decision, detail: result.detail } : refuseCommand(reply, result)
  }

  app.post<{ Body: Static<typeof PauseBody> }>('/api/v1/commands/pause', { onRequest, schema: { body: PauseBody } }, async (request, reply) => {
    const { scope, reason } = request.body
    const end = endOfPause(request.body, deps.clock.now())
    return end.ok ? execute(request, reply, { verb: 'pause', scope, untilMs: end.untilMs }, reason) : refuse(reply, 'malformed', end.message)
  })
  app.post<{ Body: Static<typeof ResumeBody> }>('/api/v1/commands/resume', { onRequest, schema: { body: ResumeBody } }, async (request, reply) =>
    execute(request, reply, { verb: 'resume', scope: request.body.scope }, request.body.reason))
  for (const verb of ['failback', 'adopt'] as const) {
    app.post<{ Body: Static<typeof TrunkBody> }>(`/api/v1/commands/${verb}`, { onRequest, schema: { body: TrunkBody } }, async (request, reply) =>
      execute(request, reply, { verb, trunk: request.body.trunk }, request.body.reason))
  }
}

type EndOfPause = { readonly ok: true; readonly untilMs: EpochMs | null } | { readonly ok: false; readonly message: string }

function endOfPause ({ until, for: length }: Static<typeof PauseBody>, nowMs: EpochMs): EndOfPause {
  if (until !== undefined && length !== undefined) return { ok: false, message: 'give `until` or `for`, not both' }
  if (length !== undefined) {
    const ms = parseDuration(length)
    return ms === null || ms === 0 || nowMs + ms > LAST_INSTANT_MS ? { ok: false, message: '`for` must be a duration like `30m` or `2h`' } : { ok: true, untilMs: nowMs + ms }
  }
  if (until === undefined) return { ok: true, untilMs: null }
  const untilMs = Date.parse(until)
  if (Number.isNaN(untilMs)) return { ok: false, message: '`until` must be an instant like `2026-01-31T18:00:00Z`' }
  return untilMs > nowMs ? { ok: true, untilMs } : { ok: false, message: '`until` lies in the past' }
}

function refuseCommand (reply: FastifyReply, result: Extract<OperatorResult, { ok: false }>): FastifyReply {
  const codes: Record<typeof result.kind, ApiErrorCode> = { unknown: 'not-found', refused: 'refused', unavailable: 'unavailable' }
  return refuse(reply, codes[result.kind], result.detail, { vetoes: result.vetoes })
}
