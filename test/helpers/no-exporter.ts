/** For an HTTP server whose test is about neither probing nor beacons. */
import type { HttpDependencies } from '../../src/http/dependencies.ts'

export const NO_EXPORTER: Pick<HttpDependencies, 'exporter' | 'history' | 'beacons'> = {
  exporter: { probe: async () => ({ ok: false, kind: 'malformed', message: 'no exporter here' }), discover: () => [] },
  history: { list: () => [] },
  beacons: () => []
}
