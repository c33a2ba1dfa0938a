import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'tap'
import { followLeader, leaderAt } from '../../src/beacon/second.ts'
import { createStations } from '../../src/beacon/stations.ts'
import { systemClock, systemRandom as random } from '../../src/clock.ts'
import type { Clock, Log } from '../../src/ports.ts'
import { SETTINGS } from './rig.ts'

/** Asks each time that `next` is called. */
function rig (first: boolean | null) {
  const logged: string[] = []
  const log: Log = { debug: () => {}, info: (_, message) => { logged.push(message) }, warn: (_, message) => { logged.push(message) }, error: () => {}, child: () => log }
  let wake = (): void => {}
  const clock: Clock = { ...systemClock, sleep: (_, signal) => new Promise((resolve) => { wake = resolve; signal?.addEventListener('abort', () => { resolve() }, { once: true }) }) }
  const stations = createStations({ clock, random, log, metrics: { increment: () => {}, observe: () => {} } })
  const station = stations.of('standby')
  const release = station.configure({ ...SETTINGS, listen: [{ transport: 'udp', host: '127.0.0.1', port: 0 }] })
  const says: { verdict: boolean | null; asked: string[] } = { verdict: first, asked: [] }
  const end = new AbortController()
  const running = followLeader({ gateway: 'standby', stations, leader: async (gateway) => { says.asked.push(gateway); return says.verdict }, clock, log }, end.signal)
  const turn = (): Promise<void> => new Promise((resolve) => { setTimeout(resolve, 20) })
  return { station, says, logged, next: async () => { await turn(); wake(); await turn() }, stop: async () => { end.abort(); await running; await release() } }
}

test('it does what Pointsman says, and goes on with the last verdict', async (t) => {
  const { station, says, logged, next, stop } = rig(false)
  await next()
  t.equal(station.look().ok, true, 'it listens')
  t.equal(station.refuses(), false)
  says.verdict = true
  await next()
  t.equal(station.refuses(), true)
  says.verdict = null
  await next()
  await next()
  t.equal(station.refuses(), true, 'Pointsman is dead')
  says.verdict = false
  await next()
  t.equal(station.refuses(), false)
  t.same(logged.filter((message) => message.startsWith('Pointsman')), ['Pointsman does not answer, its last verdict stays', 'Pointsman answers, its verdict counts'], 'told once each')
  t.same([...new Set(says.asked)], ['standby'])
  await stop()
  t.equal(station.look().ok, false, 'it listens no more')
})

test('it begins with the verdict that it is told, and accepts without one', async (t) => {
  const told = rig(true)
  await told.next()
  t.equal(told.station.refuses(), true)
  await told.stop()
  const alone = rig(null)
  await alone.next()
  t.equal(alone.station.refuses(), false)
  t.equal(alone.station.look().ok, true, 'and listens')
  await alone.stop()
})

test('what Pointsman answers', async (t) => {
  let answer: { status: number; body: string } = { status: 200, body: '' }
  const paths: string[] = []
  const server = createServer((request, response) => { paths.push(request.url ?? ''); response.writeHead(answer.status, answer.status === 302 ? { location: '/elsewhere' } : {}).end(answer.body) })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => { server.close() })
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const ask = (url = base): Promise<boolean | null> => leaderAt(new URL(url))('standby', AbortSignal.timeout(1_000))
  for (const [body, want] of [
    ['{"beacons":[{"gateway":"other","refuses":false},{"gateway":"standby","refuses":true}]}', true], ['{"beacons":[{"gateway":"standby","refuses":false}]}', false],
    ['{"beacons":[]}', null], ['{"beacons":[{"gateway":"standby","refuses":"yes"}]}', null], ['{}', null], ['null', null], ['<html>', null], ['', null]
  ] as const) {
    answer = { status: 200, body }
    t.equal(await ask(), want, body)
  }
  for (const status of [503, 302, 404]) {
    answer = { status, body: '{"beacons":[{"gateway":"standby","refuses":true}]}' }
    t.equal(await ask(), null, String(status))
  }
  await ask(`${base}/prefix`)
  t.same([...new Set(paths)], ['/api/v1/beacons', '/prefix/api/v1/beacons'], 'and no redirect is followed')
  t.equal(await leaderAt(new URL('http://127.0.0.1:1'))('standby', AbortSignal.timeout(500)), null, 'nobody there')
})
