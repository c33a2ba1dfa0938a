/** An innovaphone through the Devices App: its session, its ends, and the same driver behind it. */
import { test } from 'tap'
import type { Test } from 'tap'
import { systemClock as clock, systemRandom as random } from '../../src/clock.ts'
import { loginOf } from '../../src/drivers/app-websocket.ts'
import { createDriver } from '../../src/drivers/registry.ts'
import { createSecret } from '../../src/secret.ts'
import { createSimulatedDevicesApp } from '../../src/simulator/devices-app.ts'
import { applyOne } from '../helpers/permitted.ts'
import { simulate } from './simulated-innovaphone.ts'

const SERIAL = '0090334100be'
const PASSWORD = 'canary-app'
const signal = (): AbortSignal => AbortSignal.timeout(5_000)
const soon = (): AbortSignal => AbortSignal.timeout(150)

async function behind (t: Test, settings: object = {}, device = SERIAL) {
  const { gateway } = await simulate(t)
  const app = await createSimulatedDevicesApp({
    host: '127.0.0.1', app: 'innovaphone-devices', password: PASSWORD, domain: 'acme.example', random,
    devices: new Map([[SERIAL, { url: gateway.url, authorization: `Basic ${Buffer.from('pointsman:p').toString('base64')}` }]])
  })
  const driver = createDriver('innovaphone', { url: app.url, username: 'innovaphone-devices', password: createSecret(PASSWORD), domain: 'acme.example', device, ...settings }, { clock, random })
  t.teardown(async () => { await driver.close(); await app.stop() })
  return { gateway, app, driver }
}

test('the login names the App, and proves that its password is known', async (t) => {
  t.same(loginOf({ app: 'devices', domain: 'acme.example', password: createSecret('pw') }, 'abc'), {
    mt: 'AppLogin', app: 'devices', domain: 'acme.example', sip: '', guid: '', dn: '', info: {},
    // sha256 of devices:acme.example::::{}:abc:pw
    digest: '99e7725bed011154147c637554bef2921dfdea240cce97877ba9bdc7d00893e8'
  })
})

test('one session carries reads, changes and conditions', async (t) => {
  const { driver, app, gateway } = await behind(t, {}, SERIAL.toUpperCase())
  const seen = await driver.observe(['SIP1', 'SIP9'], signal())
  t.same(seen.ok && [...seen.interfaces.values()].map(({ present, admin }) => [present, admin]), [[true, 'enabled'], [false, 'disabled']])
  for (const desired of ['disabled', 'enabled'] as const) {
    t.same(await applyOne(driver, 'SIP1', desired, signal()), { ok: true, activated: true })
    t.equal(gateway.state('SIP1').running, desired)
  }
  t.match(await driver.condition?.(signal()), { ok: true, condition: { resetRequired: false } })
  t.equal(app.sessions(), 1)
})

test('two calls at once open one session', async (t) => {
  const { driver, app } = await behind(t)
  const [one, two] = await Promise.all([driver.observe(['SIP1'], signal()), driver.observe(['SIP2'], signal())])
  t.match([one, two], [{ ok: true }, { ok: true }])
  t.equal(app.sessions(), 1)
})

test('a session that is over is opened anew, and a change does not wait for a failure first', async (t) => {
  const { driver, app, gateway } = await behind(t)
  t.match(await driver.observe(['SIP1'], signal()), { ok: true })
  app.dropSessions()
  t.match(await driver.observe(['SIP1'], signal()), { ok: true }, 'a read')
  app.dropSessions()
  t.match(await applyOne(driver, 'SIP1', 'disabled', signal()), { ok: true }, 'a change')
  t.equal(gateway.state('SIP1').running, 'disabled')
  t.equal(app.sessions(), 3)
})

test('what goes wrong has a reason, and no secret', async (t) => {
  const told: unknown[] = []
  const cases: readonly { name: string; make: () => ReturnType<typeof behind>; want: object }[] = [
    { name: 'a wrong password', make: () => behind(t, { password: createSecret('other') }), want: { reason: 'auth-failed', detail: /refused the login/ } },
    { name: 'another domain', make: () => behind(t, { domain: 'other.example' }), want: { reason: 'auth-failed' } },
    { name: 'a serial that it does not know', make: () => behind(t, {}, '009033000000'), want: { reason: 'auth-failed', detail: /HTTP 404/ } },
    { name: 'nobody', make: () => behind(t, { url: 'http://127.0.0.1:9/acme.example/devices/innovaphone-devices' }), want: { reason: 'refused' } },
    { name: 'silence', make: async () => { const all = await behind(t); all.app.inject({ silent: true }); return all }, want: { reason: 'timeout' } },
    { name: 'no JSON', make: async () => { const all = await behind(t); all.app.inject({ nonsense: true }); return all }, want: { reason: 'not-data' } },
    { name: 'the gateway is dead', make: async () => { const all = await behind(t); await all.gateway.kill(); return all }, want: { reason: 'http-status', detail: /HTTP 502/ } }
  ]
  for (const { name, make, want } of cases) {
    const { driver, gateway } = await make()
    const within = name === 'silence' ? soon : signal
    const results = [await driver.observe(['SIP1'], within()), await applyOne(driver, 'SIP1', 'disabled', within())]
    t.match(results, [{ ok: false, effect: 'none', ...want }, { ok: false, effect: 'none', ...want }], name)
    t.notOk(gateway.requests.some(({ path }) => path.startsWith('/!')), `${name}: nothing was written`)
    told.push(results)
  }
  t.notMatch(JSON.stringify(told), PASSWORD)
  const { driver } = await behind(t)
  t.match(await driver.observe(['SIP1'], AbortSignal.abort()), { ok: false, reason: 'aborted', effect: 'none' })
  t.match(await driver.observe(['SIP1'], signal()), { ok: true }, 'and well again')
})
