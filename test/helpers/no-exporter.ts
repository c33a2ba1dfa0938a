/** For an HTTP server whose test is not about probing. */
import type { HttpDependencies } from '../../src/http/dependencies.ts'

export const NO_EXPORTER: Pick<HttpDependencies, 'exporter' | 'history'> = {
  exporter: { probe: async () => ({ ok: false, kind: 'malformed', message: 'no exporter here' }), discover: () => [] },
  history: { list: () => [] }
}
