/** The dead man's switch at the wire, and when it is called. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'tap'
import { runHeartbeat } from '../../src/engine/heartbeat.ts'
import { createHeartbeatClient } from '../../src/heartbeat/client.ts'
import type { Heartbeat, Log } from '../../src/ports.ts'
import { createFakeClock } from '../../src/rehearsal/fake-clock.ts'
import { createMemoryStore } from '../../src/rehearsal/memory-store.ts'
import { createSecret } from '../../src/secret.ts'

const CANARY = 'canary-heartbeat-5f1d'

test('one POST to the URL; what goes wrong is told without the URL', async (t) => {
  const seen: string[] = []
  let answer: readonly [number, Record<string, string>] | null = [200, {}]
  const server = createServer((request, response) => {
    seen.push(`${request.method ?? ''} ${request.url ?? ''}`)
    if (answer !== null) response.writeHead(...answer).end('ok')
  })
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  const { port } = server.address() as AddressInfo
  const beat = (url: string, ms = 2000) => createHeartbeatClient(createSecret(url)).beat(AbortSignal.timeout(ms))
  const url = `http://127.0.0.1:${port}/${CANARY}`
  t.same(await beat(url), { ok: true })
  t.same(seen, [`POST /${CANARY}`])
  answer = [500, {}]
  const failures = [await beat(url)]
  answer = [302, { location: `${url}/elsewhere` }]
  failures.push(await beat(url))
  t.equal(seen.length, 3, 'a redirect is not followed')
  answer = null
  failures.push(await beat(url, 50))
  server.closeAllConnections()
  await new Promise((resolve) => { server.close(resolve) })
  failures.push(await beat(url), await beat(`file:///${CANARY}`), await beat(CANARY))
  t.match(failures.map((f) => f.ok ? 'ok' : f.detail), [/status 500/, /can't be reached/, /in time/, /ECONNREFUSED/, /not an http/, /not an http/])
  t.notMatch(JSON.stringify(failures), CANARY)
})

test('it beats while the loop turns and the store takes commits', async (t) => {
  const clock = createFakeClock()
  const store = createMemoryStore()
  const beats: number[] = []
  const counted: string[] = []
  let healthy = true
  let stores = true
  let answers = true
  const client: Heartbeat = { beat: async () => { beats.push(clock.now()); return answers ? { ok: true } : { ok: false, detail: 'no' } } }
  const log: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => log }
  const stop = new AbortController()
  const running = runHeartbeat({
    setup: () => ({ client, intervalMs: 60_000 }),
    healthy: () => healthy,
    store: { ...store, commit: (writes, journal) => stores ? store.commit(writes, journal) : Promise.resolve({ ok: false, reason: 'unavailable', detail: 'full' }) },
    clock,
    log,
    metrics: { increment: (_, labels) => { counted.push(labels?.['result'] ?? '') }, observe: () => {} }
  }, stop.signal)
  const minutes = async (count: number): Promise<void> => { for (let n = 0; n < count; n++) await clock.advance(60_000) }
  await minutes(3)
  t.ok(beats.length >= 3, 'each minute')
  t.same([...new Set(counted)], ['ok'])
  counted.length = 0
  healthy = false
  await minutes(2)
  healthy = true
  stores = false
  await minutes(2)
  t.same([...new Set(counted)], ['withheld'], 'silence is the message')
  counted.length = 0
  stores = true
  answers = false
  await minutes(2)
  t.ok(counted.includes('failed'))
  counted.length = 0
  answers = true
  await minutes(2)
  t.ok(counted.includes('ok'), 'it goes on after a failure')
  stop.abort()
  await running
  t.pass('ends')
})
