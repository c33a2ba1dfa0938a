import { readFileSync } from 'node:fs'
import { test } from 'tap'
import type { Test } from 'tap'
import { systemClock as clock, systemRandom as random } from '../../src/clock.ts'
import { loadConfig } from '../../src/config/load.ts'
import { checkHttpSettings } from '../../src/drivers/http-settings.ts'
import { createDriver, drivers } from '../../src/drivers/registry.ts'
import { createSecret } from '../../src/secret.ts'
import { applyOne } from '../helpers/permitted.ts'
import { cubeStub, exampleSettings, lineDevice, lineStub, oracleStub } from './http-stubs.ts'
import type { Stub } from './stubs.ts'
import { createUnrulyServer } from './unruly-server.ts'
import type { Answer, Asked } from './unruly-server.ts'

const signal = (): AbortSignal => AbortSignal.timeout(5_000)
const account = { username: 'pointsman', password: createSecret('canary-one') }
const key = { token: createSecret('canary-one'), token_header: 'X-API-Key' }

async function device (t: Test, stub: Stub, settings: object, answer: (asked: Asked, isIgnored: boolean) => Answer = stub.answer) {
  const server = await createUnrulyServer({ ...stub, answer })
  const driver = createDriver('http', { url: `${server.url}/`, ...settings }, { clock, random })
  t.teardown(async () => { await driver.close(); await server.close() })
  return { server, driver, asked: () => server.asked.map(({ method, path }) => `${method} ${path}`) }
}

test('an answer about all interfaces is asked for once', async (t) => {
  const { driver, asked } = await device(t, lineStub(), { ...key, ...lineDevice })
  const seen = await driver.observe(['line+1', 'line2', 'line9'], signal())
  t.same(seen.ok && [...seen.interfaces.values()], [
    { present: true, admin: 'enabled', registered: true, path: 'up', calls: 0 },
    { present: true, admin: 'disabled', registered: false, path: 'up', calls: 0 },
    { present: false, admin: 'disabled', registered: null, path: null }
  ])
  t.same(asked(), ['GET /api/lines'])
})

test('a change asks for what it needs, and nothing where it is as wanted and runs', async (t) => {
  const { driver, asked } = await device(t, lineStub(), { ...key, ...lineDevice })
  t.match(await applyOne(driver, 'line+1', 'enabled', signal()), { ok: true })
  t.match(await applyOne(driver, 'line+1', 'disabled', signal()), { ok: true })
  t.same(asked(), ['GET /api/lines', 'GET /api/lines', 'PUT /api/lines/line%2B1', 'GET /api/lines'])
  t.match(await driver.reregister('line2', signal()), { ok: false, reason: 'rpc-error', effect: 'none' }, 'off stays off')
  const stored = await device(t, lineStub(), { ...key, ...lineDevice, running_state: false })
  t.match(await applyOne(stored.driver, 'line+1', 'enabled', signal()), { ok: true })
  t.equal(stored.asked().filter((one) => one.startsWith('PUT')).length, 1, 'what is stored may not run: it is written again')
})

test('a device that redirects after a write may have done it', async (t) => {
  for (const { status, effect } of [{ status: 302, effect: 'unknown' }, { status: 303, effect: 'unknown' }, { status: 307, effect: 'none' }, { status: 308, effect: 'none' }]) {
    const stub = lineStub()
    const { driver } = await device(t, stub, { ...key, ...lineDevice }, (asked, isIgnored) => {
      const answer = stub.answer(asked, isIgnored)
      return asked.method === 'GET' ? answer : { status, headers: { Location: '/done' }, body: '' }
    })
    t.match(await applyOne(driver, 'line+1', 'disabled', signal()), { ok: false, reason: 'redirect', effect }, String(status))
    t.match(await driver.observe(['line+1'], signal()), { ok: true })
  }
})

test('a session is made once, and anew when it is refused', async (t) => {
  const stub = oracleStub()
  let valid = true
  const { driver, server } = await device(t, stub, { ...await exampleSettings('oracle-sbc'), ...account }, (asked, isIgnored) => {
    if (asked.path.includes('/auth/')) valid = true
    return valid || asked.path.includes('/auth/') ? stub.answer(asked, isIgnored) : { status: 401, body: '' }
  })
  const logins = (): number => server.asked.filter(({ path }) => path.includes('/auth/')).length
  t.match(await driver.observe(['acme'], signal()), { ok: true })
  t.match(await driver.observe(['acme'], signal()), { ok: true })
  t.equal(logins(), 1)
  valid = false
  t.match(await applyOne(driver, 'acme', 'disabled', signal()), { ok: true })
  t.equal(logins(), 2)
  t.ok(server.asked.filter(({ path }) => !path.includes('/auth/')).every(({ authorization }) => authorization === 'Bearer canary-token'), 'the account goes to the login only')
})

test('requests side by side share one session, on a device that has room for one', async (t) => {
  let logins = 0
  const answer = ({ path, headers }: Asked): Answer => {
    if (path === '/login') return { body: `{"token":"canary-${++logins}"}` }
    return headers['authorization'] === `Bearer canary-${logins}` ? { body: '{"admin":"up"}' } : { status: 401, body: '' }
  }
  const { driver } = await device(t, lineStub(), {
    ...account, auth: 'basic', login: { method: 'POST', path: '/login', token: { json: 'token' } }, enable: [], disable: [],
    read: { path: '/{{interface}}', enabled: { json: 'admin', equals: 'up' }, disabled: { json: 'admin', equals: 'down' } }
  }, answer)
  const names = ['a', 'b', 'c', 'd', 'e', 'f']
  for (const [title, want] of [['none yet', 1], ['kept', 1], ['it is over', 3]] as const) {
    // Somebody else logs in.
    if (title === 'it is over') logins++
    t.match(await driver.observe(names, signal()), { ok: true }, title)
    t.equal(logins, want, title)
  }
})

test('what was locked is unlocked, whatever came between', async (t) => {
  for (const kind of ['refused', 'ignored'] as const) {
    const stub = oracleStub()
    const { driver } = await device(t, stub, { ...await exampleSettings('oracle-sbc'), ...account }, (asked, isIgnored) => {
      if (!asked.path.endsWith('configElements') || asked.method !== 'PUT') return stub.answer(asked, isIgnored)
      return kind === 'refused' ? { status: 400, body: '' } : { body: '' }
    })
    const result = await applyOne(driver, 'acme', 'disabled', signal())
    t.match(result, kind === 'refused' ? { ok: false, reason: 'http-status', detail: 'disable, request 2: HTTP 400', effect: 'unknown' } : { ok: false, reason: 'no-effect', effect: 'unknown' }, kind)
    t.equal(stub.isLocked(), false, `${kind}: unlocked`)
  }
  const stub = oracleStub()
  const { driver } = await device(t, stub, { ...await exampleSettings('oracle-sbc'), ...account })
  const controller = new AbortController()
  const applied = applyOne(driver, 'acme', 'disabled', controller.signal)
  while (!stub.isLocked()) await clock.sleep(1)
  controller.abort()
  t.match(await applied, { ok: false, effect: 'unknown' })
  await clock.sleep(200)
  t.equal(stub.isLocked(), false, 'also when it was cut off midway')
})

test('a lock that somebody else holds changes nothing', async (t) => {
  const stub = oracleStub()
  const { driver, asked } = await device(t, stub, { ...await exampleSettings('oracle-sbc'), ...account }, (asked, isIgnored) => asked.path.endsWith('/lock') ? { status: 423, body: '' } : stub.answer(asked, isIgnored))
  t.match(await applyOne(driver, 'acme', 'disabled', signal()), { ok: false, reason: 'http-status', effect: 'none' })
  t.notOk(asked().some((one) => one.includes('unlock')), 'and is not taken from him')
})

test('an answer that says both, or neither, is no state', async (t) => {
  for (const body of ['{"lines":[]}', '{"lines":[{"name":"line2","admin":"sleeping"}]}', '{"lines":[{"name":"line2","admin":"down","calls":"many"}]}']) {
    const { driver } = await device(t, lineStub(), { ...key, ...lineDevice, read: { ...lineDevice.read, absent: undefined } }, () => ({ body }))
    t.match(await driver.observe(['line2'], signal()), { ok: false, reason: 'not-data', effect: 'none' }, body)
  }
  const both = { ...lineDevice.read, enabled: { regex: 'down' } }
  const { driver } = await device(t, lineStub(), { ...key, ...lineDevice, read: both })
  t.match(await driver.observe(['line2'], signal()), { ok: false, reason: 'not-data', detail: /both/ })
})

test('a status that is listed is a success, any other one is not', async (t) => {
  const stub = cubeStub()
  const { driver, asked } = await device(t, stub, { ...await exampleSettings('cisco-cube'), ...account, running_state: false })
  t.match(await applyOne(driver, 'acme', 'enabled', signal()), { ok: true }, '404 to a DELETE of what is not there')
  t.match(asked()[1], /^DELETE .*shutdown$/)
})

test('the check finds what the schema can\'t see', async (t) => {
  const good = { ...lineDevice, interfaces: { 'line+1': { port: '1' }, 'line2': { port: '2' } } }
  t.same(checkHttpSettings(good, ['line+1']), [])
  t.same(checkHttpSettings(await exampleSettings('oracle-sbc'), ['acme']), [])
  const request = (more: object) => ({ ...good, enable: [{ path: '/x', ...more }] })
  const cases: readonly { settings: Readonly<Record<string, unknown>>; names?: readonly string[]; path: readonly (string | number)[]; message: RegExp }[] = [
    { settings: good, names: ['line3'], path: ['interfaces'], message: /has no "line3"/ },
    { settings: request({ body: '{{other}}' }), path: ['enable', 0, 'body'], message: /no variable "other"/ },
    { settings: { ...request({ path: '/{{port}}' }), interfaces: { a: { port: '1' }, b: {} } }, path: ['enable', 0, 'path'], message: /no variable "port"/ },
    { settings: { ...good, login: { path: '/{{interface}}', token: { json: 'x' } } }, path: ['login', 'path'], message: /no variable "interface"/ },
    { settings: request({ expect: { json: 'a[' } }), path: ['enable', 0, 'expect', 'json'], message: /is no path/ },
    { settings: request({ expect: { regex: '(' } }), path: ['enable', 0, 'expect', 'regex'], message: /no regular expression/ },
    { settings: request({ expect: { regex: '(?=x)' } }), path: ['enable', 0, 'expect', 'regex'], message: /look-around/ },
    { settings: request({ expect: {} }), path: ['enable', 0, 'expect'], message: /neither/ },
    { settings: { ...good, read: { ...lineDevice.read, enabled: { regex: 'x', not: true } } }, path: ['read', 'enabled'], message: /"not" needs/ },
    { settings: { ...good, read: { ...lineDevice.read, enabled: { regex: 'x', equals: 'y' } } }, path: ['read', 'enabled'], message: /"equals" needs/ }
  ]
  for (const { settings, names = [], path, message } of cases) t.match(checkHttpSettings(settings, names), [{ path, message }], message.source)
})

test('what is wrong in a description is told with its line', async (t) => {
  const text = readFileSync(new URL('../../deploy/examples/http-oracle-sbc.yaml', import.meta.url), 'utf8').replaceAll('{{agent}}', '{{agnet}}').replace('interface: acme, sip: \'sip:10.0.7.10\'', 'interface: beta, sip: \'sip:10.0.7.10\'')
  const directory = t.testdir({ 'pointsman.yaml': text })
  const loaded = await loadConfig(`${directory}/pointsman.yaml`, drivers, {}, 'optional')
  const lineOf = (part: string): number => text.slice(0, text.indexOf(part)).split('\n').length
  const errors = loaded.ok ? [] : loaded.problems.filter(({ severity }) => severity === 'error')
  t.match(errors.find(({ line }) => line === lineOf('path: /rest/v1.2/configuration/configElements?')), { message: 'there is no variable "agnet"', path: 'gateways.sbc-a.read.path', hint: 'variables that every interface has: interface, agent' })
  t.match(errors.find(({ path }) => path === 'gateways.sbc-b.interfaces'), { message: '"interfaces" has no "beta", which a trunk uses' })
})
