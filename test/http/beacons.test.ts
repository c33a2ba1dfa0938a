import { test } from 'tap'
import { systemClock } from '../../src/clock.ts'
import { createHttpServer } from '../../src/http/server.ts'
import type { Log } from '../../src/ports.ts'
import { createFakeEngine } from '../helpers/fake-engine.ts'
import { NO_EXPORTER } from '../helpers/no-exporter.ts'
import { createReadableMetrics } from '../helpers/readable-metrics.ts'

test('what the beacons do, for a second one: open to read, and only what is certain', async (t) => {
  const engine = createFakeEngine()
  const log: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => log }
  const { app } = createHttpServer({
    engine, users: [], metrics: createReadableMetrics({ version: '1' }), log, clock: systemClock, ...NO_EXPORTER,
    beacons: () => [{ gateway: 'standby', refuses: true }], reload: async () => ({ ok: true })
  })
  t.same((await app.inject('/api/v1/beacons')).json(), { beacons: [{ gateway: 'standby', refuses: true }] })
  engine.answers.ready = false
  t.equal((await app.inject('/api/v1/beacons')).statusCode, 503, 'not before the stored state was read')
})
