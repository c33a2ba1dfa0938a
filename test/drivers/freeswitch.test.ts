import { test } from 'tap'
import type { Test } from 'tap'
import { systemClock as clock, systemRandom as random } from '../../src/clock.ts'
import { callsOf, commandPath, observationOf, parseGateway } from '../../src/drivers/freeswitch-gateway.ts'
import { createDriver } from '../../src/drivers/registry.ts'
import { applyOne } from '../helpers/permitted.ts'
import { documented, freeswitchStub } from './freeswitch-stub.ts'
import type { FreeswitchStub } from './freeswitch-stub.ts'
import { createUnrulyServer } from './unruly-server.ts'

const signal = (): AbortSignal => AbortSignal.timeout(5_000)

async function gateway (t: Test, stub: FreeswitchStub = freeswitchStub()) {
  const server = await createUnrulyServer(stub)
  const driver = createDriver('freeswitch', { url: `${server.url}/` }, { clock, random })
  t.teardown(async () => { await driver.close(); await server.close() })
  return { stub, driver, server }
}

test('the documented status is read, and nothing else is taken for one', async (t) => {
  const want = { kind: 'gateway', gateway: { profile: 'external', state: 'REGED', status: 'UP', pings: true } }
  t.same(parseGateway(documented, 'acme'), want)
  t.same(parseGateway(documented, 'external::acme'), want)
  t.same(parseGateway(documented.replace('<pingfreq>25', '<pingfreq>0'), 'acme'), { ...want, gateway: { ...want.gateway, pings: false } })
  t.same(parseGateway(documented, 'other'), { kind: 'unreadable' }, 'another one\'s')
  t.same(parseGateway(documented.slice(0, 900), 'acme'), { kind: 'truncated' })
  t.same(parseGateway('Invalid Gateway!\n', 'acme'), { kind: 'absent' })
  for (const text of ['', '+OK\n', '<html>', '-ERR Unknown command!\n', '<?xml version="1.0"?>\n<gateways></gateways>', documented.replace(/<state>.*<\/state>/, '')]) t.same(parseGateway(text, 'acme'), { kind: 'unreadable' }, text.slice(0, 30))
  t.same(['\n3 total.\n', '0 total.', '', 'x', '3'].map(callsOf), [3, 0, undefined, undefined, undefined])
  t.equal(commandPath('sofia', 'profile', 'external', 'register', 'a+b'), '/txtapi/sofia?profile%20external%20register%20a%2Bb')
})

test('every state has its meaning; one that is not known is on', async (t) => {
  const cases = [
    ['REGED', 'enabled', true], ['UNREGED', 'enabled', false], ['EXPIRED', 'enabled', false], ['REGISTER', 'enabled', null], ['TRYING', 'enabled', null],
    ['FAILED', 'enabled', false], ['FAIL_WAIT', 'enabled', false], ['TIMEOUT', 'enabled', false], ['UNREGISTER', 'enabled', null], ['DOWN', 'disabled', false],
    ['NOREG', 'enabled', null], ['NEW', 'enabled', null]
  ] as const
  for (const [state, admin, registered] of cases) t.match(observationOf({ profile: 'x', state, status: 'DOWN', pings: false }), { present: true, admin, registered, path: null }, state)
  const path = (state: string, status: string, pings: boolean) => observationOf({ profile: 'x', state, status, pings }).path
  t.same([path('REGED', 'UP', true), path('REGED', 'DOWN', true), path('DOWN', 'DOWN', true), path('REGED', 'UP', false)], ['up', 'down', null, null], 'a gateway that is off is not asked')
})

test('the commands are the documented ones, and only what is needed', async (t) => {
  const { driver, server, stub } = await gateway(t)
  for (const desired of ['enabled', 'disabled', 'disabled'] as const) t.match(await applyOne(driver, 'acme', desired, signal()), { ok: true })
  const status = '/txtapi/sofia?xmlstatus%20gateway%20acme'
  t.same(server.asked.map(({ path }) => path), [status, status, '/txtapi/sofia?profile%20external%20unregister%20acme', status, status])
  stub.states.set('acme', 'FAIL_WAIT')
  t.match(await applyOne(driver, 'acme', 'enabled', signal()), { ok: true }, 'one that failed is told again')
  t.equal(stub.states.get('acme'), 'REGED')
  stub.calls = 3
  const seen = await driver.observe(['acme', 'direct'], signal())
  t.same(seen.ok && seen.interfaces.get('acme'), { present: true, admin: 'enabled', registered: true, path: 'up', calls: 3 })
})

test('it is off when the worker has done it, and not when it was noted', async (t) => {
  const { driver, stub } = await gateway(t)
  stub.after.unregister = 'UNREGISTER'
  setTimeout(() => stub.states.set('acme', 'DOWN'), 500)
  const started = performance.now()
  t.match(await applyOne(driver, 'acme', 'disabled', signal()), { ok: true })
  t.ok(performance.now() - started > 450)
})

test('what can\'t be done is refused before anything is sent', async (t) => {
  const { driver, server } = await gateway(t)
  t.match(await applyOne(driver, 'direct', 'disabled', signal()), { ok: false, reason: 'rpc-error', effect: 'none', detail: /register=false/ })
  t.match(await driver.reregister('direct', signal()), { ok: false, reason: 'rpc-error', effect: 'none' })
  t.match(await driver.reregister('acme2', signal()), { ok: false, reason: 'rpc-error', effect: 'none' }, 'off stays off')
  t.notOk(server.asked.some(({ path }) => path.includes('profile')))
})

test('only +OK is a success, and no text is repeated', async (t) => {
  const cases = [
    { said: '-ERR NOREG gateway [canary] can\'t be unregistered!\n', want: { reason: 'rpc-error', effect: 'none', detail: 'unregister: FreeSWITCH refused the command' } },
    { said: 'Invalid Profile [canary]', want: { reason: 'rpc-error', effect: 'none' } },
    { said: '+OK gateway marked for deletion.\n', want: { reason: 'not-data', effect: 'unknown', detail: 'unregister: answered without +OK' } }
  ]
  for (const { said, want } of cases) {
    const stub = freeswitchStub()
    const { answer } = stub
    const { driver } = await gateway(t, Object.assign(stub, { answer: (asked: Parameters<typeof answer>[0], isIgnored: boolean) => stub.isWrite(asked) ? { body: said } : answer(asked, isIgnored) }))
    t.match(await applyOne(driver, 'acme', 'disabled', signal()), { ok: false, ...want }, said)
  }
})
