/** The operator's commands. Each needs a reason; it is journalled together with the user's name. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { OperatorResult } from '../../engine/contract.ts'
import { refuse } from '../api-error.ts'
import type { ApiErrorCode } from '../api-error.ts'
import { actorOf, mayCommand, requirePermission } from '../auth.ts'
import type { HttpDependencies } from '../dependencies.ts'
import { VERBS } from '../verbs.ts'

/** `POST /api/v1/commands/VERB`, for each of the verbs. */
export function commandRoutes (app: FastifyInstance, deps: HttpDependencies): void {
  const onRequest = [
    requirePermission(mayCommand, deps),
    async (_request: FastifyRequest, reply: FastifyReply) => deps.engine.ready() ? undefined : refuse(reply, 'unavailable', 'still starting')
  ]
  for (const { name, body, understand } of VERBS) {
    app.post<{ Body: { reason: string } }>(`/api/v1/commands/${name}`, { onRequest, schema: { body } }, async (request, reply) => {
      const order = understand(request.body, deps.clock.now())
      if (!order.ok) return refuse(reply, 'malformed', order.message)
      const { command } = order
      const { reason } = request.body
      const actor = actorOf(request, deps.users)
      const result = await deps.engine.operate(command, actor, reason)
      deps.log.info({ command, actor, reason, ok: result.ok, detail: result.detail }, 'operator command')
      return result.ok ? { decision: result.decision, detail: result.detail } : refuseCommand(reply, result)
    })
  }
}

function refuseCommand (reply: FastifyReply, result: Extract<OperatorResult, { ok: false }>): FastifyReply {
  const codes: Record<typeof result.kind, ApiErrorCode> = { unknown: 'not-found', refused: 'refused', unavailable: 'unavailable' }
  return refuse(reply, codes[result.kind], result.detail, { vetoes: result.vetoes, release: result.release })
}
