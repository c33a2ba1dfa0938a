/** `check-config --probe-gateways` against gateways that are well, and that are not; it never writes. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import type { Test } from 'tap'
import { systemClock, systemRandom } from '../../src/clock.ts'
import { cli } from '../../src/cli/cli.ts'
import { loadConfig } from '../../src/config/load.ts'
import { byHand, createDriver, drivers } from '../../src/drivers/registry.ts'
import type { GatewayFaults } from '../../src/simulator/gateway-faults.ts'
import { simulate } from '../drivers/simulated-innovaphone.ts'
import { kamailioDispatcherStub, kamailioStub } from '../drivers/stubs.ts'
import { createUnrulyServer } from '../drivers/unruly-server.ts'

const PASSWORD = 'canary-probe'

interface Ran { readonly code: number; readonly out: string }

async function check (file: string, ...more: string[]): Promise<Ran> {
  let out = ''
  const never = (): never => { throw new Error('not this') }
  const code = await cli(['check-config', file, '--probe-gateways', ...more], { stdout: (text) => { out += text }, stderr: (text) => { out += text }, env: {} }, {
    version: 'test', clock: systemClock, byHand, createSipClient: never, run: never, runBeacon: never, testRules: never, demo: never,
    loadConfig: (path) => loadConfig(path, drivers, {}),
    createDriver: ({ driver, settings }) => createDriver(driver, settings, { clock: systemClock, random: systemRandom })
  })
  return { code, out }
}

/** A trunk on two gateways, of which each may be of any kind. */
function configure (t: Test, gateways: readonly (readonly [settings: string, name: string])[], registration = '{auth: register, on_second: reject, expires: 300s}'): string {
  const directory = t.testdir({ pw: `${PASSWORD}\n` })
  const file = join(directory, 'pointsman.yaml')
  writeFileSync(file, `
mode: observe
gateways:
${gateways.map(([settings], index) => `  pbx-${index}: ${settings}`).join('\n')}
probes: {options: {method: OPTIONS}}
trunks:
  acme:
    type: exclusive
    registration: ${registration}
    interfaces:
${gateways.map(([, name], index) => `      - {gateway: pbx-${index}, interface: '${name}', sip: 'sip:127.0.9.${index}', carrier: 'sip:127.0.9.9', probe: options}`).join('\n')}
rules: [{name: own-eyes, when: {health: down, for: 10s}, demand: disable}]
`)
  return file
}

const box = (url: string, more = ''): string => `{driver: innovaphone, url: '${url}', username: pointsman, password_file: pw, timeout: 1s${more}}`

async function innovaphone (t: Test, faults: Partial<GatewayFaults> = {}, options: Parameters<typeof simulate>[2] = {}) {
  const { gateway } = await simulate(t, {}, { password: PASSWORD, ...options })
  await gateway.inject(faults)
  return gateway
}

test('gateways that are understood, of several kinds', async (t) => {
  const pbx = await innovaphone(t, { pair: 'active' })
  const records = kamailioStub()
  const server = await createUnrulyServer(records)
  t.teardown(() => server.close())
  const file = configure(t, [[box(pbx.url), 'SIP1'], [`{driver: kamailio, url: '${server.url}/RPC', token_file: pw, dispatcher_group: 1}`, 'trunk2']])
  const { code, out } = await check(file)
  t.equal(code, 0, out)
  t.match(out, /pbx-0 \(innovaphone\): understood, read in \d\.\d\d s, active PBX, 2 alarms\n {2}SIP1 {2}enabled\n/)
  t.match(out, /pbx-1 \(kamailio\): understood, read in \d\.\d\d s\n {2}trunk2 {2}disabled {2}not registered, carrier up\n/)
  t.match(out, /all 2 gateways were understood; nothing was changed\n$/)
  t.notOk([...pbx.requests].some(({ path }) => path.startsWith('/!')) || server.asked.some((asked) => records.isWrite(asked)), 'only read')
  t.notMatch(out, PASSWORD)
  const told = JSON.parse((await check(file, '--output=json')).out) as unknown
  t.match(told, { ok: true, gateways: [{ gateway: 'pbx-0', ok: true, failure: null, condition: { role: 'active' }, interfaces: [{ name: 'SIP1', admin: 'enabled' }] }, { gateway: 'pbx-1', condition: null }] })
})

test('what is wrong is said in one line, with what it means', async (t) => {
  const good = await innovaphone(t)
  const cases: readonly { name: string; gateway: () => Promise<string>; interface?: string; want: RegExp }[] = [
    { name: 'a wrong password', gateway: async () => { const pbx = await innovaphone(t); pbx.rotatePassword('other'); return box(pbx.url) }, want: /pbx-1 \(innovaphone\): FAILED, auth-failed: the gateway refused the account \(reading cfg\.txt: HTTP 401\)/ },
    { name: 'a login form', gateway: async () => box((await innovaphone(t, {}, { auth: 'form' })).url), want: /FAILED, login-form: .*Devices App/ },
    { name: 'nobody', gateway: async () => box('http://127.0.0.1:9'), want: /FAILED, refused: the gateway refused the connection/ },
    { name: 'a frozen one', gateway: async () => box((await innovaphone(t, { http: 'frozen' })).url), want: /FAILED, timeout:/ },
    { name: 'another device', gateway: async () => box((await innovaphone(t, { reply: 'html' })).url), want: /FAILED, not-data:/ },
    { name: 'no such interface', gateway: async () => box((await innovaphone(t)).url), interface: 'SIP9', want: /NOT as configured, read in .*\n {2}SIP9 {2}NOT FOUND: the gateway has no such interface\n/ },
    { name: 'a hidden value', gateway: async () => box((await innovaphone(t, { cfg: 'masked' })).url), want: / {2}SIP2 {2}enabled {2}COULD NOT BE SWITCHED, line-masked: / },
    { name: 'two lines', gateway: async () => box((await innovaphone(t, { cfg: 'duplicated' })).url), want: /COULD NOT BE SWITCHED, conflict: / }
  ]
  for (const { name, gateway, interface: own = 'SIP2', want } of cases) {
    const { code, out } = await check(configure(t, [[box(good.url), 'SIP1'], [await gateway(), own]]))
    t.equal(code, 3, name)
    t.match(out, want, name)
    t.match(out, /pbx-0 \(innovaphone\): understood/, `${name}: the other one is fine`)
    t.match(out, /1 of 2 gateways were NOT understood; nothing was changed\n$/, name)
    t.notMatch(out, PASSWORD, name)
  }
  const masked = await innovaphone(t, { cfg: 'masked' })
  t.equal((await check(configure(t, [[box(good.url), 'SIP1'], [box(masked.url, ', edit: add-rem'), 'SIP2']]))).code, 0, 'with add-rem no value is sent')
})

test('a file with errors is not tried on gateways, and without the option nothing is opened', async (t) => {
  const pbx = await innovaphone(t)
  const broken = await check(configure(t, [[box(pbx.url), 'SIP1'], [box(pbx.url, ', colour: red'), 'SIP2']]))
  t.equal(broken.code, 3)
  t.equal(pbx.requests.length, 0)
  t.notMatch(broken.out, /understood/)
})

test('destinations of a dispatcher', async (t) => {
  const stub = kamailioDispatcherStub()
  const server = await createUnrulyServer(stub)
  t.teardown(() => server.close())
  const settings = `{driver: kamailio, url: '${server.url}/RPC'}`
  const { code, out } = await check(configure(t, [[settings, 'dispatcher:1:sip:127.0.0.1:15060'], [settings, 'dispatcher:1:sip:127.0.0.1:9;transport=udp']], '{auth: ip}'))
  t.equal(code, 0, out)
  t.match(out, /dispatcher:1:sip:127\.0\.0\.1:15060 {2}enabled {2}carrier up\n/)
  t.match(out, /dispatcher:1:sip:127\.0\.0\.1:9;transport=udp {2}disabled\n/)
})
