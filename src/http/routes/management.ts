/** What Prometheus and its kin expect of every server: metrics, health, readiness, reload; and a page for people. */
import type { FastifyInstance } from 'fastify'
import { refuse } from '../api-error.ts'
import { actorOf, mayReload, requirePermission } from '../auth.ts'
import type { HttpDependencies } from '../dependencies.ts'
import { PAGE_HEADERS, pagePieces } from '../page.ts'
import { sendChunks, sendPieces } from '../paced.ts'

/** `GET /metrics`, `/-/healthy`, `/-/ready`, `/`; `POST /-/reload`. */
export function managementRoutes (app: FastifyInstance, deps: HttpDependencies): void {
  app.get('/metrics', async (request, reply) => {
    const { contentType, chunks, release } = await deps.metrics.render(deps.engine.ready() ? deps.engine.facts() : null, request.headers.accept)
    reply.raw.once('close', release)
    return sendChunks(reply.header('content-type', contentType), chunks)
  })
  app.get('/-/healthy', async (_request, reply) => {
    const healthy = deps.engine.healthy()
    return reply.code(healthy ? 200 : 503).type('text/plain; charset=utf-8').send(healthy ? 'Pointsman is healthy.\n' : 'Pointsman\'s control loop does not turn.\n')
  })
  app.get('/-/ready', async (_request, reply) => {
    const ready = deps.engine.ready()
    const problem = deps.engine.storeProblem()
    const text = !ready ? 'Pointsman is still starting.' : problem === null ? 'Pointsman is ready.' : `Pointsman can store nothing, so it takes no notifications: ${problem}`
    return reply.code(ready && problem === null ? 200 : 503).type('text/plain; charset=utf-8').send(`${text}\n`)
  })
  app.post('/-/reload', { onRequest: requirePermission(mayReload, deps) }, async (request, reply) => {
    const result = await deps.reload()
    deps.log.info({ actor: actorOf(request, deps.users), ok: result.ok }, 'reload asked for')
    return result.ok ? { reloaded: true } : refuse(reply, 'reload-failed', 'the configuration has problems; the old one stays in force', { problems: result.problems })
  })
  app.get('/', async (_request, reply) => sendPieces(reply.headers(PAGE_HEADERS), pagePieces(deps.engine.ready() ? deps.engine.survey() : null)))
}
