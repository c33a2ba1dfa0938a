import { test } from 'tap'
import type { Test } from 'tap'
import { systemClock as clock, systemRandom as random } from '../../src/clock.ts'
import { destinationId, destinationIn, pathOf } from '../../src/drivers/kamailio-dispatcher.ts'
import { adminOf, parseRegistration, registeredOf } from '../../src/drivers/kamailio-registration.ts'
import { createDriver } from '../../src/drivers/registry.ts'
import { applyOne, permitted } from '../helpers/permitted.ts'
import { kamailioDispatcherStub, kamailioStub, recorded } from './stubs.ts'
import { createUnrulyServer } from './unruly-server.ts'
import type { Answer, Asked } from './unruly-server.ts'

const signal = (): AbortSignal => AbortSignal.timeout(5_000)
const result = (body: string): unknown => (JSON.parse(body) as { result: unknown }).result
const methodOf = ({ body }: Asked): string => (JSON.parse(body) as { method: string }).method
const bodyOf = (name: string): string => recorded['uac.reg_info'].find((state) => state.name === name)!.body

async function gateway (t: Test, answer: (asked: Asked, isIgnored: boolean) => Answer, settings: object = {}) {
  const server = await createUnrulyServer({ answer, isWrite: () => true })
  const driver = createDriver('kamailio', { url: `${server.url}/RPC`, ...settings }, { clock, random })
  t.teardown(async () => { await driver.close(); await server.close() })
  return { driver, server }
}

/** Answers reg_info with these bodies, one after the other, and accepts everything else. */
const telling = (...bodies: readonly string[]) => {
  let asked = 0
  return (one: Asked): Answer => {
    const { id } = JSON.parse(one.body) as { id: number }
    const body = methodOf(one) === 'uac.reg_info' ? bodies[Math.min(asked++, bodies.length - 1)]! : '{"jsonrpc":"2.0","result":{},"id":1}'
    return { body: body.replace(/"id":1}$/, `"id":${id}}`) }
  }
}

test('every recorded state of a record is judged as what it was', async (t) => {
  t.ok(recorded['uac.reg_info'].length > 15)
  for (const { name, body, admin, registered } of recorded['uac.reg_info']) {
    const registration = parseRegistration(result(body), 'trunk1')
    t.ok(registration, name)
    t.equal(adminOf(registration!), admin, `${name}: ${admin}`)
    t.equal(registeredOf(registration!), registered, `${name}: registered`)
  }
  t.equal(registeredOf({ flags: 20, expires: 60, diffExpires: -50 }), null, 'due, the timer has not run yet')
  t.equal(registeredOf({ flags: 20, expires: 60, diffExpires: -101 }), false, 'the timer has stopped')
  t.equal(parseRegistration(result(bodyOf('registered')), 'trunk2'), null, 'another record\'s answer')
})

test('the carrier\'s destination tells the path', async (t) => {
  for (const { name, body, path } of recorded['dispatcher.list']) {
    t.equal(pathOf(result(body), 1, null), path, name)
    t.equal(pathOf(result(body), 1, 'SIP:127.0.7.2:5060'), path, `${name}, by its URI`)
    t.equal(pathOf(result(body), 1, 'sip:other'), null, `${name}, another URI`)
    t.equal(pathOf(result(body), 2, null), null, `${name}, another group`)
  }
  t.ok(recorded['dispatcher.list'].length > 3)
  const set = (...flags: readonly string[]): unknown => ({ RECORDS: [{ SET: { ID: 1, TARGETS: flags.map((FLAGS) => ({ DEST: { URI: 'x', FLAGS } })) } }] })
  t.equal(pathOf(set('IP', 'DX', 'AP'), 1, null), 'up', 'one reachable is enough')
  t.equal(pathOf(set('IP', 'DX'), 1, null), 'down', 'a disabled one says nothing')
  for (const odd of [null, [], {}, { RECORDS: [{}] }, { RECORDS: [{ SET: { ID: 1 } }] }]) t.equal(pathOf(odd, 1, null), null)
})

test('only the calls that are needed are made, in the order that is safe', async (t) => {
  const cases = [
    { from: 'registered', to: 'disabled', calls: ['reg_unregister', 'reg_disable'], after: 'reg_unregister and reg_disable of a registered one' },
    { from: 'reg_disable alone while registered', to: 'disabled', calls: ['reg_unregister', 'reg_disable'], after: 'reg_unregister and reg_disable of a registered one' },
    { from: 'refused with 403, reg_retry_interval 0', to: 'disabled', calls: ['reg_unregister', 'reg_disable'], after: 'reg_unregister and reg_disable of a registered one' },
    { from: 'loaded from the database with flags 1', to: 'disabled', calls: ['reg_disable'], after: 'reg_disable of that' },
    { from: 'reg_unregister and reg_disable of a registered one', to: 'disabled', calls: ['reg_disable'], after: 'reg_unregister and reg_disable of a registered one' },
    { from: 'reg_enable after reg_unregister, never registers', to: 'disabled', calls: ['reg_disable'], after: 'reg_unregister and reg_disable of a registered one' },
    { from: 'registered', to: 'enabled', calls: [], after: 'registered' },
    { from: 'loaded from the database with flags 1', to: 'enabled', calls: ['reg_enable'], after: 'reg_enable, before the timer ran' },
    { from: 'refused with 403, reg_retry_interval 0', to: 'enabled', calls: ['reg_enable'], after: 'REGISTER sent, no answer yet' },
    { from: 'reg_unregister and reg_disable of a registered one', to: 'enabled', calls: ['reg_refresh', 'reg_enable'], after: 'reg_enable, before the timer ran' },
    { from: 'reg_enable after reg_unregister, never registers', to: 'enabled', calls: ['reg_refresh', 'reg_enable'], after: 'registered' }
  ] as const
  for (const { from, to, calls, after } of cases) {
    const { driver, server } = await gateway(t, telling(bodyOf(from), bodyOf(after)))
    t.same(await applyOne(driver, 'trunk1', to, signal()), { ok: true, activated: true }, `${from} → ${to}`)
    t.same(server.asked.map(methodOf), ['uac.reg_info', ...calls.map((call) => `uac.${call}`), 'uac.reg_info'], `${from} → ${to}: calls`)
  }
})

test('a record that did not follow is no success', async (t) => {
  for (const after of ['reg_enable after reg_unregister, never registers', 'loaded from the database with flags 1']) {
    const { driver } = await gateway(t, telling(bodyOf('loaded from the database with flags 1'), bodyOf(after)))
    t.match(await applyOne(driver, 'trunk1', 'enabled', signal()), { ok: false, reason: 'no-effect', effect: 'unknown' }, after)
  }
})

test('registering anew never turns a disabled record on', async (t) => {
  const cases = [
    { from: 'registered', want: { ok: true }, calls: ['uac.reg_enable'] },
    { from: 'refused with 403, reg_retry_interval 0', want: { ok: true }, calls: ['uac.reg_enable'] },
    { from: 'reg_enable after reg_unregister, never registers', want: { ok: true }, calls: ['uac.reg_refresh', 'uac.reg_enable'] },
    { from: 'loaded from the database with flags 1', want: { ok: false, reason: 'rpc-error', effect: 'none' }, calls: [] },
    { from: 'reg_disable alone while registered', want: { ok: false, reason: 'rpc-error' }, calls: [] }
  ]
  for (const { from, want, calls } of cases) {
    const { driver, server } = await gateway(t, telling(bodyOf(from)))
    t.match(await driver.reregister('trunk1', signal()), want, from)
    t.same(server.asked.slice(1).map(methodOf), calls, `${from}: calls`)
  }
})

test('an answer that executes nothing is not taken for success', async (t) => {
  const read = telling(bodyOf('registered'))
  const cases = [
    { name: 'what a body without jsonrpc gets', status: 200, body: '{"jsonrpc":"2.0","result":{}}', want: { reason: 'not-data', effect: 'unknown' } },
    { name: 'another request\'s answer', status: 200, body: '{"jsonrpc":"2.0","result":{},"id":"1"}', want: { reason: 'not-data', effect: 'unknown' } },
    { name: 'neither result nor error', status: 200, body: '{"jsonrpc":"2.0","id":ID}', want: { reason: 'not-data', effect: 'unknown' } },
    { name: 'the method is missing', status: 500, body: '{"jsonrpc":"2.0","error":{"code":500,"message":"Method Not Found"},"id":ID}', want: { reason: 'rpc-error', detail: 'uac.reg_disable: Method Not Found' } },
    { name: 'a message that may hold anything', status: 500, body: '{"jsonrpc":"2.0","error":{"code":500,"message":"canary-one"},"id":ID}', want: { reason: 'rpc-error', detail: 'uac.reg_disable: error 500' } },
    { name: 'no such page', status: 404, body: 'no\n', want: { reason: 'http-status', detail: 'uac.reg_disable: HTTP 404' } },
    { name: 'the script refuses', status: 403, body: 'no\n', want: { reason: 'auth-failed' } }
  ]
  for (const { name, status, body, want } of cases) {
    const { driver } = await gateway(t, (asked) => methodOf(asked) === 'uac.reg_disable' ? { status, body: body.replace('ID', String((JSON.parse(asked.body) as { id: number }).id)) } : read(asked))
    t.match(await applyOne(driver, 'trunk1', 'disabled', signal()), { ok: false, ...want }, name)
  }
})

test('a refused un-REGISTER does not keep the record on', async (t) => {
  const stub = kamailioStub()
  const { driver } = await gateway(t, (asked, isIgnored) => methodOf(asked) === 'uac.reg_unregister'
    ? { status: 500, body: `{"jsonrpc":"2.0","error":{"code":500,"message":"x"},"id":${(JSON.parse(asked.body) as { id: number }).id}}` }
    : stub.answer(asked, isIgnored))
  t.same(await applyOne(driver, 'trunk1', 'disabled', signal()), { ok: true, activated: true })
  t.equal(stub.runs('trunk1'), false)
})

test('calls are what the dialog module counts, where the file says that the script uses it', async (t) => {
  const stub = kamailioStub()
  for (const { name, status, body, calls } of recorded['dlg.stats_active']) {
    const { driver } = await gateway(t, (asked, isIgnored) => methodOf(asked) === 'dlg.stats_active'
      ? { ...(status === undefined ? {} : { status }), headers: { 'Content-Type': 'application/json' }, body: body.replace(/"id":1}$/, `"id":${(JSON.parse(asked.body) as { id: number }).id}}`) }
      : stub.answer(asked, isIgnored), { dialogs: true })
    const observed = await driver.observe(['trunk1'], signal())
    t.equal(observed.ok, true, name)
    t.equal(observed.ok && observed.interfaces.get('trunk1')?.calls, calls, name)
  }
  const { driver, server } = await gateway(t, stub.answer)
  const silent = await driver.observe(['trunk1'], signal())
  t.equal(silent.ok && silent.interfaces.get('trunk1')?.calls, undefined)
  t.notOk(server.asked.some((asked) => methodOf(asked) === 'dlg.stats_active'), 'nobody is asked')
})

test('many interfaces are read over few connections, the path only where it is configured', async (t) => {
  const stub = kamailioStub()
  const names = Array.from({ length: 40 }, (_, index) => index === 7 ? 'trunk1' : `nope-${index}`)
  const { driver, server } = await gateway(t, stub.answer, { dispatcher_group: 1 })
  const observed = await driver.observe(names, signal())
  t.same(observed.ok && observed.interfaces.get('trunk1'), { present: true, admin: 'enabled', registered: true, path: 'up' })
  t.equal(observed.ok && [...observed.interfaces.values()].filter(({ present }) => present).length, 1)
  t.ok(server.connections() <= 4)
  const plain = await gateway(t, stub.answer)
  const without = await plain.driver.observe(['trunk1'], signal())
  t.equal(without.ok && without.interfaces.get('trunk1')?.path, null)
  t.equal(plain.server.asked.length, 1)
})

test('without any destination set there is no path evidence, and no failure', async (t) => {
  const read = telling(bodyOf('registered'))
  const { driver } = await gateway(t, (asked) => methodOf(asked) === 'dispatcher.list'
    ? { status: 500, body: `{"jsonrpc":"2.0","error":{"code":500,"message":"No Destination Sets"},"id":${(JSON.parse(asked.body) as { id: number }).id}}` }
    : read(asked), { dispatcher_group: 1 })
  const observed = await driver.observe(['trunk1'], signal())
  t.same(observed.ok && observed.interfaces.get('trunk1'), { present: true, admin: 'enabled', registered: true, path: null })
})

test('a destination is named by its set and its URI, and told by its flags', async (t) => {
  t.same(destinationId('dispatcher:1:sip:10.0.0.5:5060'), { group: 1, uri: 'sip:10.0.0.5:5060' })
  t.same(destinationId('dispatcher:12:sips:a.example;transport=tls'), { group: 12, uri: 'sips:a.example;transport=tls' })
  for (const name of ['trunk1', 'dispatcher:x:sip:a', 'dispatcher:1:', 'dispatcher:1:10.0.0.5', 'dispatcher:-1:sip:a']) t.equal(destinationId(name), null, name)
  const list = JSON.parse(recorded['dispatcher.list of two sets'][0]!.body) as { result: unknown }
  const seen = (group: number, uri: string, flags?: string) => destinationIn(JSON.parse(JSON.stringify(list.result).replaceAll('"DX"', `"${flags ?? 'DX'}"`)), { group, uri })
  t.match(seen(1, 'SIP:127.0.0.1:15060'), { present: true, admin: 'enabled', path: 'up' }, 'case is no difference, as for Kamailio')
  t.match(seen(2, 'sip:127.0.0.1:9;transport=udp'), { present: false }, 'in another set')
  t.match(seen(1, 'sip:127.0.0.1:9'), { present: false }, 'a part of a URI is none')
  for (const [flags, admin, path] of [['DX', 'disabled', null], ['AP', 'enabled', 'up'], ['AX', 'enabled', 'up'], ['TP', 'enabled', 'up'], ['IP', 'enabled', 'down'], ['IX', 'enabled', 'down']] as const) {
    t.match(seen(1, 'sip:127.0.0.1:9;transport=udp', flags), { present: true, admin, path, registered: null }, flags)
  }
  t.equal(destinationIn({ RECORDS: 'x' }, { group: 1, uri: 'sip:a' }), null, 'another shape')
})

test('destinations and records of one Kamailio are switched in one call: one list, the changes, one list', async (t) => {
  const records = kamailioStub()
  const destinations = kamailioDispatcherStub()
  const { driver, server } = await gateway(t, (asked, isIgnored) => (methodOf(asked).startsWith('dispatcher.') ? destinations : records).answer(asked, isIgnored))
  const on = 'dispatcher:1:sip:127.0.0.1:15060'
  const off = 'dispatcher:1:sip:127.0.0.1:9;transport=udp'
  const ends = await driver.apply([
    { interface: on, desired: 'disabled', permit: permitted },
    { interface: 'trunk1', desired: 'disabled', permit: permitted },
    { interface: off, desired: 'enabled', permit: permitted }
  ], signal())
  t.same(ends, Array.from({ length: 3 }, () => ({ ok: true, activated: true })))
  t.same([destinations.runs(on), destinations.runs(off), records.runs('trunk1')], [false, true, false])
  t.equal(server.asked.filter((asked) => methodOf(asked) === 'dispatcher.list').length, 2)
})

test('without the dispatcher module a destination is a failure with a reason, without any set it is not there', async (t) => {
  const saying = (message: string) => (asked: Asked) => ({ status: 500, body: `{"jsonrpc":"2.0","error":{"code":500,"message":"${message}"},"id":${(JSON.parse(asked.body) as { id: number }).id}}` })
  const missing = await gateway(t, saying('Method Not Found'))
  t.match(await missing.driver.observe(['dispatcher:1:sip:a'], signal()), { ok: false, reason: 'rpc-error', detail: 'dispatcher.list: Method Not Found' })
  const empty = await gateway(t, saying('No Destination Sets'))
  const observed = await empty.driver.observe(['dispatcher:1:sip:a'], signal())
  t.equal(observed.ok && observed.interfaces.get('dispatcher:1:sip:a')?.present, false)
  t.match(await applyOne(empty.driver, 'dispatcher:1:sip:a', 'enabled', signal()), { ok: false, reason: 'no-interface', effect: 'none' })
})
