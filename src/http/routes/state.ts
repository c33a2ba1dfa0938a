/** What Pointsman knows now. Open to read. */
import type { FastifyInstance } from 'fastify'
import { refuse } from '../api-error.ts'
import type { HttpDependencies } from '../dependencies.ts'

/** `GET /api/v1/status`. */
export function stateRoutes (app: FastifyInstance, deps: HttpDependencies): void {
  app.get('/api/v1/status', async (_request, reply) => deps.engine.ready() ? deps.engine.status() : refuse(reply, 'unavailable', 'still starting'))
}
