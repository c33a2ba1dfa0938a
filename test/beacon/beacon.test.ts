import { createSocket } from 'node:dgram'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { test } from 'tap'
import { systemClock } from '../../src/clock.ts'
import { beaconRig, request, SETTINGS } from './rig.ts'

const observation = (look: ReturnType<Awaited<ReturnType<typeof beaconRig>>['station']['look']>): unknown => look.ok ? look.observation : look.detail

for (const transport of ['udp', 'tcp'] as const) {
  for (const algorithms of [['MD5', 'SHA-256'], ['SHA-256']] as const) {
    test(`a standby stays while the beacon accepts, and goes when it refuses (${transport}, ${algorithms.join(' and ')})`, async (t) => {
      const { register, options, station, counts } = await beaconRig(t, { algorithms })
      t.match(observation(station.look()), { admin: 'disabled', path: null, boundUntilMs: null })
      t.match(await register({ transport }), { reason: 'alive', code: 200, bindings: 1 })
      t.match(await register({ transport }), { reason: 'alive', code: 200, bindings: 1 }, 'refreshed')
      const seen = station.look()
      t.match(observation(seen), { admin: 'disabled', path: 'up', settled: true })
      const left = (seen.ok ? seen.observation.boundUntilMs ?? 0 : 0) - Date.now()
      t.ok(left > 50_000 && left <= 60_000, `bound for ${left} ms, though 300 s were wished for`)
      t.match(await options(transport), { code: 200 })
      station.turn(true)
      t.match(observation(station.look()), { admin: 'enabled', path: null, settled: false }, 'it may go, and does not know it yet')
      t.match(await register({ transport }), { code: 503 })
      t.match(await options(transport), { code: 503 })
      t.match(observation(station.look()), { admin: 'enabled', settled: true, boundUntilMs: null }, 'it knows')
      station.turn(false)
      t.match(await register({ transport }), { reason: 'alive', code: 200, bindings: 1 }, 'called back')
      t.match(observation(station.look()), { admin: 'disabled', path: 'up' })
      t.same([...counts.keys()].sort(), ['accepted', 'challenged', 'other', 'refused'])
    })
  }
}

test('a beacon that falls silent answers nothing', async (t) => {
  const { register, options, station, send } = await beaconRig(t, { refusal: 'silence' })
  t.match(await register(), { code: 200 })
  station.turn(true)
  t.match(await register({ timeoutMs: 300 }), { reason: 'timeout' })
  t.match(await options(), { reason: 'timeout' })
  t.same(await send([request('INVITE'), request('REGISTER')]), [])
  t.match(observation(station.look()), { settled: true }, 'it asked, so it goes on')
})

test('nobody stays who does not know the password, and nobody is told more', async (t) => {
  const { register, station, counts, logged } = await beaconRig(t)
  t.match(await register({ password: 'wrong' }), { reason: 'auth-failed', code: 401 })
  t.match(observation(station.look()), { boundUntilMs: null })
  t.equal(counts.get('denied'), 1)
  t.notMatch(JSON.stringify(logged), 'canary')
})

test('a call is not for the beacon', async (t) => {
  const { send, station } = await beaconRig(t)
  const first = async (method: string): Promise<string> => (await send([request(method)]))[0]?.split('\r\n')[0] ?? ''
  t.equal(await first('INVITE'), 'SIP/2.0 403 Forbidden', 'it must not go on to the carrier either')
  t.equal(await first('CANCEL'), 'SIP/2.0 481 Call/Transaction Does Not Exist')
  t.equal(await first('MESSAGE'), 'SIP/2.0 405 Method Not Allowed')
  t.equal(await first('ACK'), '')
  station.turn(true)
  t.equal(await first('INVITE'), 'SIP/2.0 503 Service Unavailable', 'now it may')
})

test('a repeated request gets the same answer', async (t) => {
  const { send, counts } = await beaconRig(t)
  const one = request('REGISTER')
  const [first, second, ...others] = await send([one, one])
  t.match(first, /^SIP\/2\.0 401 /)
  t.equal(second, first)
  t.same(others, [])
  t.equal(counts.get('challenged'), 1)
})

test('an answer goes where it came from, or to the port that the sender names', async (t) => {
  const { send } = await beaconRig(t)
  const free = await freePort()
  t.match(await send([request('OPTIONS', { via: `127.0.0.1:${free};rport` })], 150, { answersTo: free }), [/^SIP\/2\.0 200 [^]*rport=\d+/])
  t.match(await send([request('OPTIONS', { via: `127.0.0.1:${free}` })], 150, { answersTo: free }), [/^elsewhere SIP\/2\.0 200 /])
})

test('strangers are answered so many times a second, and don\'t disturb the standby', async (t) => {
  const { send, register, counts } = await beaconRig(t)
  t.match(await register(), { code: 200 })
  const flood = Array.from({ length: 300 }, () => request('OPTIONS'))
  const answered = await send(flood, 300, { host: '127.0.0.2' })
  t.ok(answered.length >= 40 && answered.length <= 60, `${answered.length} of 300 answered`)
  t.ok((counts.get('limited') ?? 0) > 200)
  for (let host = 3; host < 33; host++) await send(flood.slice(0, 40), 0, { host: `127.0.0.${host}` })
  t.match(await register(), { code: 200 }, 'while everybody else floods')
})

test('its addresses and settings change while what it knows stays', async (t) => {
  const rig = await beaconRig(t)
  const { station, register, port } = rig
  t.match(await register(), { code: 200 })
  const before = port()
  const end = station.configure({ ...SETTINGS, expiresMs: 30_000 })
  await settled(() => port() !== 0)
  t.equal(port(), before, 'the same address: the socket stays')
  t.match(observation(station.look()), { path: 'up' }, 'the standby is still there')
  const left = async (): Promise<number> => {
    await register()
    const look = station.look()
    return (look.ok ? look.observation.boundUntilMs ?? 0 : 0) - Date.now()
  }
  t.ok(await left() <= 30_000, 'the new lifetime')
  station.configure({ ...SETTINGS, listen: [{ transport: 'udp', host: '127.0.0.5', port: before }] })
  await settled(() => station.addresses().some(({ host }) => host === '127.0.0.5'))
  t.same(station.addresses().map(({ host }) => host), ['127.0.0.5'])
  await end()
  t.equal(station.addresses().length, 1, 'an older configuration does not end a newer one')
  const last = station.configure(SETTINGS)
  await last()
  t.same(station.addresses(), [], 'the last one does')
  t.match(station.look(), { ok: false })
})

test('an address that is taken is tried again', async (t) => {
  const blocker = createSocket('udp4')
  await new Promise<void>((resolve) => { blocker.bind(0, '127.0.0.1', resolve) })
  const { port } = blocker.address()
  const retries: (() => void)[] = []
  const { station, logged } = await beaconRig(t, { listen: [{ transport: 'udp', host: '127.0.0.1', port }] }, { clock: { ...systemClock, after: (_, run) => { retries.push(run); return () => {} } } })
  t.match(station.look(), { ok: false, detail: `udp:127.0.0.1:${port}: EADDRINUSE` })
  t.match(logged, [{ message: 'beacon can\'t listen, tried again', code: 'EADDRINUSE' }])
  await new Promise<void>((resolve) => { blocker.close(resolve) })
  retries.at(-1)?.()
  await settled(() => station.look().ok)
  t.match(station.look(), { ok: true })
})

test('it starts with the verdict that it is given, and accepts without one', async (t) => {
  t.match(await (await beaconRig(t, {}, { refuses: true })).register(), { code: 503 })
  t.match(await (await beaconRig(t)).register(), { code: 200 })
})

test('strangers that take all connections don\'t keep the standby out', async (t) => {
  const { port, register } = await beaconRig(t)
  const strangers = await Promise.all(Array.from({ length: 70 }, () => new Promise<Socket>((resolve) => {
    const socket = connect(port('tcp'), '127.0.0.1', () => { resolve(socket) }).on('error', () => {}).resume()
  })))
  t.teardown(() => { for (const socket of strangers) socket.destroy() })
  t.match(await register({ transport: 'tcp' }), { code: 200 })
  const left = (): number => strangers.filter(({ closed }) => closed).length
  await settled(() => left() === 7)
  t.equal(left(), 7, 'the first ones had to leave')
  t.ok(strangers.slice(0, 7).every(({ closed }) => closed))
})

test('a stream that can\'t be followed ends its connection, not the beacon', async (t) => {
  const { port, options } = await beaconRig(t)
  for (const bytes of ['GET / HTTP/1.1\r\n\r\n'.repeat(10), 'x'.repeat(20_000), `OPTIONS sip:a SIP/2.0\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n`]) {
    await new Promise<void>((resolve) => {
      const socket = connect(port('tcp'), '127.0.0.1', () => { socket.write(bytes); setTimeout(() => { socket.end() }, 50) })
      socket.on('error', () => {}).on('close', () => { resolve() })
    })
  }
  t.match(await options('tcp'), { code: 200 })
})

async function settled (isSo: () => boolean): Promise<void> {
  for (let turn = 0; turn < 100 && !isSo(); turn++) await new Promise((resolve) => { setTimeout(resolve, 10) })
}

async function freePort (): Promise<number> {
  const socket = createSocket('udp4')
  await new Promise<void>((resolve) => { socket.bind(0, '127.0.0.1', resolve) })
  const { port } = socket.address()
  await new Promise<void>((resolve) => { socket.close(resolve) })
  return port
}
