/** What the beacons do, for a second one that does the same. Open to read. */
import type { FastifyInstance } from 'fastify'
import { refuse } from '../api-error.ts'
import type { HttpDependencies } from '../dependencies.ts'

/** `GET /api/v1/beacons`. */
export function beaconRoutes (app: FastifyInstance, deps: HttpDependencies): void {
  app.get('/api/v1/beacons', async (_request, reply) => {
    if (!deps.engine.ready()) return refuse(reply, 'unavailable', 'still starting')
    return { beacons: deps.beacons() }
  })
}
