import { test } from 'tap'
import type { Test } from 'tap'
import { systemRandom as random } from '../../src/clock.ts'
import { amiPath, parseMessages } from '../../src/drivers/asterisk-ami.ts'
import { channelsOf, createCadence, findRegistration, nameOf, pathOf, stateOf } from '../../src/drivers/asterisk-registration.ts'
import { createDriver } from '../../src/drivers/registry.ts'
import type { Clock } from '../../src/ports.ts'
import { createSecret } from '../../src/secret.ts'
import { applyOne, permitted } from '../helpers/permitted.ts'
import { account, asteriskStub, recorded } from './asterisk-stub.ts'
import type { Status } from './asterisk-stub.ts'
import { createUnrulyServer } from './unruly-server.ts'

const signal = (): AbortSignal => AbortSignal.timeout(5_000)
const actions = (paths: readonly { readonly path: string }[]): readonly (string | null)[] => paths.map(({ path }) => new URL(path, 'http://x').searchParams.get('action'))

/** A clock whose sleeps pass at once; `pass` moves it. */
function handClock (): Clock & { pass(ms: number): void } {
  let nowMs = 1_000_000
  return {
    now: () => nowMs,
    monotonicMs: () => nowMs,
    boot: () => null,
    sleep: async (ms) => { nowMs += ms },
    after: () => () => {},
    deadline: (ms) => AbortSignal.timeout(ms),
    pass: (ms) => { nowMs += ms }
  }
}

async function gateway (t: Test) {
  const stub = asteriskStub()
  const server = await createUnrulyServer(stub)
  const clock = handClock()
  const driver = createDriver('asterisk', { url: `${server.url}/asterisk/`, username: account.username, password: createSecret(account.password) }, { clock, random })
  t.teardown(async () => { await driver.close(); await server.close() })
  const state = async (name = 'acme') => {
    const seen = await driver.observe([name], signal())
    return seen.ok ? seen.interfaces.get(name) : seen
  }
  return { stub, server, clock, driver, state }
}

test('what a real Asterisk said is read', async (t) => {
  const statuses: Readonly<Record<string, Status>> = { registered: 'Registered', 'unregistered by command': 'Unregistered', 'refused with 503': 'Rejected' }
  for (const { name, body } of recorded.show) {
    t.same(findRegistration(parseMessages(body), 'acme'), { status: statuses[name], retryMs: 60_000, delayMs: 1_000 }, name)
    t.equal(findRegistration(parseMessages(body), 'acme-auth'), null, 'an account is no registration')
  }
  t.equal(recorded.show.length, 3)
  t.same(recorded.contacts.map(({ body }) => pathOf(parseMessages(body))), ['up', 'down'])
  t.same(recorded.contacts.map(({ body }) => channelsOf(parseMessages(body))), [0, 0])
  t.equal(pathOf(parseMessages('Response: Success\r\n\r\nEvent: ContactStatusDetail\r\nStatus: NonQualified\r\n\r\n')), null, 'it is not asked')
  t.same(parseMessages('Response: Success\r\nA: 1\r\nA: 2\r\nB: \r\nC:\r\nodd\r\n\r\n\r\n').map((message) => Object.fromEntries(message)), [{ A: '1', B: '', C: '', Response: 'Success' }])
  t.equal(amiPath('PJSIPRegister', { registration: 'a b&c' }), '/arawman?action=PJSIPRegister&registration=a%20b%26c')
  t.same([nameOf('acme'), nameOf('acme:out')], [{ registration: 'acme', endpoint: null }, { registration: 'acme', endpoint: 'out' }])
})

test('one word means several things; what was sent decides, and in doubt it is on', async (t) => {
  const minute = 60_000
  const cases = [
    { status: 'Registered', memory: {}, want: ['enabled', true] },
    { status: 'Registered', memory: { off: 1_000 }, want: ['enabled', null], why: 'the un-REGISTER is not answered yet' },
    { status: 'Registered', memory: { off: 40_000 }, want: ['enabled', true], why: 'somebody else made it register' },
    { status: 'Unregistered', memory: {}, want: ['disabled', false] },
    { status: 'Unregistered', memory: { off: 1_000 }, want: ['disabled', false] },
    { status: 'Unregistered', memory: { on: 1_000 }, want: ['enabled', false], why: 'it will register after its delay' },
    { status: 'Unregistered', memory: { on: 30_000 }, want: ['enabled', false], why: 'its REGISTER may be under way' },
    { status: 'Unregistered', memory: { on: 50_000 }, want: ['disabled', false], why: 'somebody else un-registered it' },
    { status: 'Unregistered', memory: { restarted: 5_000 }, want: ['enabled', false], why: 'it registers by itself after a start' },
    { status: 'Unregistered', memory: { restarted: 5_000, off: 1_000 }, want: ['enabled', false], why: 'in doubt' },
    { status: 'Unregistered', memory: { restarted: minute }, want: ['disabled', false] },
    { status: 'Rejected', memory: {}, want: ['enabled', false], why: 'it tries again' },
    { status: 'Rejected', memory: { on: 5_000 }, want: ['enabled', false] },
    { status: 'Rejected', memory: { off: 5_000 }, want: ['disabled', false], why: 'it stays quiet for its retry_interval' },
    { status: 'Rejected', memory: { off: 44_000 }, want: ['disabled', false] },
    { status: 'Rejected', memory: { off: 46_000 }, want: ['enabled', false], why: 'it is about to try again' },
    { status: 'Rejected', memory: { off: 1_000 }, lookMs: 60_000, want: ['enabled', false], why: 'nobody looks before it tries again' },
    { status: 'Rejected', memory: { off: 50_000 }, lookMs: 1_000, want: ['disabled', false] },
    { status: 'Rejected', memory: { off: 1_000 }, retryMs: 10_000, want: ['enabled', false], why: 'it tries again too soon' },
    { status: 'Rejected', memory: { off: 1_000 }, retryMs: 0, want: ['enabled', false] },
    { status: 'Stopping', memory: { off: 1_000 }, want: ['enabled', null], why: 'an unknown word' }
  ] as const
  for (const { status, memory, want, ...more } of cases) {
    const { off, on, restarted } = memory as { off?: number; on?: number; restarted?: number }
    const sent = off !== undefined ? { desired: 'disabled', atMs: -off } as const : on !== undefined ? { desired: 'enabled', atMs: -on } as const : null
    const { admin, registered } = stateOf({ status, retryMs: 'retryMs' in more ? more.retryMs : minute, delayMs: 2_000 }, { sent, restartedAtMs: restarted === undefined ? null : -restarted, nextLookMs: 'lookMs' in more ? more.lookMs : 10_000 }, 0)
    t.same([admin, registered], want, `${status} ${JSON.stringify(memory)} ${'why' in more ? more.why : ''}`)
  }
})

test('looks are as far apart as they were lately', async (t) => {
  const { look, gapMs } = createCadence()
  t.equal(gapMs(), 10_000, 'nobody knows yet')
  for (const atMs of [0, 60_000, 60_500]) look(atMs)
  t.equal(gapMs(), 60_000, 'a look out of turn shortens nothing')
  for (const atMs of [61_000, 62_000, 63_000, 64_000]) look(atMs)
  t.equal(gapMs(), 1_000)
})

test('one challenge serves all requests, and only what is needed is sent', async (t) => {
  const { driver, server } = await gateway(t)
  t.match(await applyOne(driver, 'acme', 'enabled', signal()), { ok: true })
  t.match(await applyOne(driver, 'acme2', 'disabled', signal()), { ok: true })
  t.match(await applyOne(driver, 'acme', 'disabled', signal()), { ok: true })
  const look = ['CoreStatus', 'PJSIPShowRegistrationsOutbound']
  t.same(actions(server.asked), ['CoreStatus', ...look, ...look, ...look, 'PJSIPUnregister', ...look])
  t.equal(server.asked.filter(({ authorization }) => authorization === '').length, 1, 'one 401')
})

test('the changes of one call share their looks, however many they are', async (t) => {
  const { stub, driver, server } = await gateway(t)
  const names = Array.from({ length: 25 }, (_, index) => `trunk${index}`)
  for (const name of names) stub.statuses.set(name, 'Registered')
  const changes = names.map((name) => ({ interface: name, desired: 'disabled' as const, permit: permitted }))
  t.same(await driver.apply(changes, signal()), names.map(() => ({ ok: true, activated: true })))
  const asked = actions(server.asked)
  t.equal(asked.filter((action) => action === 'PJSIPUnregister').length, 25)
  const before = asked.slice(0, asked.indexOf('PJSIPUnregister')).filter((action) => action === 'PJSIPShowRegistrationsOutbound').length
  t.ok(before <= 2, `${before} looks before the first write`)
  const looks = asked.filter((action) => action === 'PJSIPShowRegistrationsOutbound').length
  t.ok(looks < 10, `${looks} looks`)
})

test('an un-REGISTER that the carrier does not take holds until Asterisk would try again', async (t) => {
  const { stub, driver, clock, state } = await gateway(t)
  stub.unregistered = 'Rejected'
  t.match(await applyOne(driver, 'acme', 'disabled', signal()), { ok: true })
  t.match(await state(), { admin: 'disabled', registered: false })
  for (const [afterMs, admin] of [[10_000, 'disabled'], [10_000, 'disabled'], [10_000, 'disabled'], [10_000, 'disabled'], [10_000, 'enabled']] as const) {
    clock.pass(afterMs)
    t.match(await state(), { admin }, 'it comes back unless it is told again')
  }
  t.match(await applyOne(driver, 'acme', 'disabled', signal()), { ok: true }, 'told again')
  t.match(await state(), { admin: 'disabled' })
  stub.retryInterval = 10
  t.match(await applyOne(driver, 'acme', 'disabled', signal()), { ok: false, reason: 'no-effect', effect: 'unknown', detail: /refused the un-REGISTER/ }, 'too short to hold it')
  stub.unregistered = 'Registered'
  stub.statuses.set('acme', 'Registered')
  t.match(await applyOne(driver, 'acme', 'disabled', signal()), { ok: false, reason: 'no-effect', detail: /not answered the un-REGISTER/ })
  t.match(await state(), { admin: 'enabled', registered: null })
})

test('a restart brings it back: it is seen, and what was sent is forgotten', async (t) => {
  const { stub, driver, clock, state } = await gateway(t)
  t.match(await state('acme2'), { admin: 'disabled' })
  t.match(await applyOne(driver, 'acme', 'disabled', signal()), { ok: true })
  stub.startup = '15:00:00'
  t.match(await state(), { admin: 'enabled', registered: false }, 'it is about to register')
  stub.statuses.set('acme', 'Rejected')
  t.match(await state(), { admin: 'enabled' }, 'our un-REGISTER was of another life')
  stub.statuses.set('acme', 'Unregistered')
  clock.pass(60_000)
  t.match(await state(), { admin: 'disabled' })
})

test('an enable shows at last when it registers; registering anew turns nothing on', async (t) => {
  const { stub, driver, server, clock, state } = await gateway(t)
  t.match(await driver.reregister('acme2', signal()), { ok: false, reason: 'rpc-error', effect: 'none' })
  t.match(await applyOne(driver, 'acme2', 'enabled', signal()), { ok: true })
  stub.statuses.set('acme2', 'Unregistered')
  t.match(await state('acme2'), { admin: 'enabled', registered: false }, 'within its delay')
  server.misbehave('silent', 'writes')
  clock.pass(60_000)
  t.match(await applyOne(driver, 'acme2', 'enabled', AbortSignal.timeout(200)), { ok: false, reason: 'timeout', effect: 'unknown' })
  server.misbehave(null)
  t.match(await state('acme2'), { admin: 'enabled' }, 'it may be on')
})

test('an endpoint tells the way to the carrier and its own calls', async (t) => {
  const { driver, server } = await gateway(t)
  const seen = await driver.observe(['acme:out', 'acme2'], signal())
  t.same(seen.ok && [...seen.interfaces.values()], [
    { present: true, admin: 'enabled', registered: true, path: 'up', calls: 0 },
    { present: true, admin: 'disabled', registered: false, path: null, calls: 0 }
  ])
  t.match(server.asked.at(-1)?.path, /action=PJSIPShowEndpoint&endpoint=out$/)
})

test('what Asterisk refuses has its reason', async (t) => {
  const { driver, stub } = await gateway(t)
  const cases = [
    { name: 'no right', said: 'Response: Error\r\nMessage: Permission denied\r\n\r\n', want: { reason: 'auth-failed', detail: /manager\.conf/ } },
    { name: 'no module', said: recorded.answers.nonsense, want: { reason: 'rpc-error', detail: /does not know the command/ } },
    { name: 'a list without its end', said: recorded.show[0]!.body.slice(0, 900), want: { reason: 'truncated' } },
    { name: 'queued nothing', said: 'Response: Success\r\nMessage: Failed to queue unregistration\r\n\r\n', write: true, want: { reason: 'not-data', effect: 'unknown' } },
    { name: 'gone meanwhile', said: recorded.answers.unknown, write: true, want: { reason: 'rpc-error', effect: 'none', detail: 'PJSIPUnregister: Asterisk refused the command' } }
  ]
  const { answer } = stub
  for (const { name, said, want, write = false } of cases) {
    Object.assign(stub, { answer: (asked: Parameters<typeof answer>[0], isIgnored: boolean) => (write ? stub.isWrite(asked) : !asked.path.includes('CoreStatus')) ? { body: said } : answer(asked, isIgnored) })
    const server = await createUnrulyServer(stub)
    const other = createDriver('asterisk', { url: `${server.url}/asterisk`, username: account.username, password: createSecret(account.password) }, { clock: handClock(), random })
    t.match(await applyOne(other, 'acme', 'disabled', signal()), { ok: false, ...want }, name)
    await other.close()
    await server.close()
  }
  t.ok(driver)
})
