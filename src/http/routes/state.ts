/** What Pointsman knows now. Open to read. */
import type { FastifyInstance } from 'fastify'
import { refuse } from '../api-error.ts'
import type { HttpDependencies } from '../dependencies.ts'
import { jsonPieces, sendPieces } from '../paced.ts'

/** `GET /api/v1/status`. */
export function stateRoutes (app: FastifyInstance, deps: HttpDependencies): void {
  app.get('/api/v1/status', async (_request, reply) => {
    if (!deps.engine.ready()) return refuse(reply, 'unavailable', 'still starting')
    return sendPieces(reply.type('application/json; charset=utf-8'), jsonPieces(deps.engine.survey()))
  })
}
