/** The HTTP server: webhook, API, metrics and page on one port. */
import type { AddressInfo } from 'node:net'
import Fastify from 'fastify'
import type { FastifyInstance } from 'fastify'
import type { HttpDependencies } from './dependencies.ts'
import { handleErrors, refuseConnection, refuseUrl } from './error-handler.ts'
import { acceptJson } from './json-body.ts'
import { alertRoutes } from './routes/alerts.ts'
import { beaconRoutes } from './routes/beacons.ts'
import { commandRoutes } from './routes/commands.ts'
import { explainRoutes } from './routes/explain.ts'
import { journalRoutes } from './routes/journal.ts'
import { managementRoutes } from './routes/management.ts'
import { probeRoutes } from './routes/probes.ts'
import { stateRoutes } from './routes/state.ts'

/** Largest body [bytes]. An outage of 500 alerts makes 10 MB; a 413 would lose it, so there is room above. */
const BODY_LIMIT_BYTES = 32 * 1024 * 1024

/**
 * Time limits [ms]. Idle connections stay longer than those of Prometheus and Alertmanager (5 min in their Go client),
 * so that it is always they who close, and no notification is sent into a closing connection.
 */
const TIMEOUTS = { requestTimeout: 30_000, keepAliveTimeout: 360_000, connectionTimeout: 400_000 }
const HEADERS_TIMEOUT_MS = 10_000

export interface HttpServer {
  /** For tests: requests without a socket. */
  readonly app: FastifyInstance
  /** @param port - 0: any free one. @throws when the address can't be used */
  listen(host: string, port: number): Promise<AddressInfo>
  /** Refuses new requests with 503, lets those under way end, closes idle connections. */
  close(): Promise<void>
}

export function createHttpServer (deps: HttpDependencies): HttpServer {
  const app = Fastify({
    ...TIMEOUTS,
    http: { headersTimeout: HEADERS_TIMEOUT_MS },
    bodyLimit: BODY_LIMIT_BYTES,
    forceCloseConnections: 'idle',
    frameworkErrors: refuseUrl,
    clientErrorHandler: refuseConnection,
    routerOptions: { ignoreTrailingSlash: true },
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false, useDefaults: false, allErrors: false } }
  })
  acceptJson(app)
  handleErrors(app, deps.log)
  for (const routes of [alertRoutes, commandRoutes, stateRoutes, journalRoutes, explainRoutes, managementRoutes, probeRoutes, beaconRoutes]) routes(app, deps)
  return {
    app,
    listen: async (host, port) => {
      await app.listen({ host, port })
      const address = app.server.address()
      if (address === null || typeof address === 'string') throw new Error('the server has no TCP address')
      return address
    },
    close: () => app.close()
  }
}
