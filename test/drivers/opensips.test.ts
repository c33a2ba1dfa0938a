import { test } from 'tap'
import type { Test } from 'tap'
import { systemClock as clock, systemRandom as random } from '../../src/clock.ts'
import { findIn, interfaceOf, readCall, writeCall } from '../../src/drivers/opensips-interface.ts'
import { createDriver } from '../../src/drivers/registry.ts'
import { applyOne } from '../helpers/permitted.ts'
import { documented, opensipsStub } from './opensips-stub.ts'
import { createUnrulyServer } from './unruly-server.ts'
import type { Answer, Asked } from './unruly-server.ts'

const signal = (): AbortSignal => AbortSignal.timeout(5_000)
const called = ({ body }: Asked): string => (JSON.parse(body) as { method: string }).method

async function gateway (t: Test, answer: (asked: Asked, isIgnored: boolean) => Answer = opensipsStub(3).answer, settings: object = {}) {
  const server = await createUnrulyServer({ answer, isWrite: () => true })
  const driver = createDriver('opensips', { url: `${server.url}/mi`, ...settings }, { clock, random })
  t.teardown(async () => { await driver.close(); await server.close() })
  return { driver, server }
}

test('a name says which interface it is', async (t) => {
  const cases = [
    ['sip:me@acme.example', { kind: 'registrant', aor: 'sip:me@acme.example', registrar: null }],
    ['sips:me@acme.example,sip:east:5070', { kind: 'registrant', aor: 'sips:me@acme.example', registrar: 'sip:east:5070' }],
    ['dispatcher:1:sip:10.0.9.1:5060', { kind: 'destination', partition: null, set: '1', uri: 'sip:10.0.9.1:5060' }],
    ['dispatcher:east:12:sip:a', { kind: 'destination', partition: 'east', set: '12', uri: 'sip:a' }],
    ['drouting:gw1', { kind: 'gateway', partition: null, id: 'gw1' }],
    ['drouting:east:7', { kind: 'gateway', partition: 'east', id: '7' }],
    ['SIP1', null], ['dispatcher:sip:a', null], ['dispatcher:1:a', null], ['drouting:', null], ['sip:', null]
  ] as const
  for (const [name, want] of cases) t.same(interfaceOf(name), want, name)
})

test('every documented state is judged as what it is', async (t) => {
  const { registrants, destinations, gateways } = documented()
  const cases = [
    ['sip:4930123@acme.example', 'enabled', true, null],
    ['sip:4930124@acme.example', 'disabled', false, null],
    ['sip:twice@acme.example,sip:west.acme.example', 'enabled', false, null],
    ['dispatcher:1:sip:10.0.9.1:5060', 'enabled', null, 'up'],
    ['dispatcher:1:SIP:10.0.9.2:5060'.replace('SIP', 'sip'), 'disabled', null, null],
    ['dispatcher:1:sip:10.0.9.3:5060', 'enabled', null, 'down'],
    ['drouting:gw1', 'enabled', null, 'up'], ['drouting:gw2', 'disabled', null, null],
    ['drouting:gw3', 'enabled', null, 'down'], ['drouting:gw4', 'enabled', null, 'down']
  ] as const
  const resultFor = (name: string): unknown => name.startsWith('drouting:') ? gateways[name.slice(9)] : name.startsWith('dispatcher:') ? destinations : registrants
  for (const [name, admin, registered, path] of cases) {
    t.match(findIn(interfaceOf(name)!, resultFor(name)), { kind: 'found', observation: { present: true, admin, registered, path } }, name)
  }
  for (const name of ['sip:nobody@acme.example', 'dispatcher:2:sip:10.0.9.1:5060', 'dispatcher:east:1:sip:10.0.9.1:5060', 'dispatcher:1:sip:10.0.9.9']) t.same(findIn(interfaceOf(name)!, resultFor(name)), { kind: 'absent' }, name)
  t.same(findIn(interfaceOf('sip:twice@acme.example')!, registrants), { kind: 'unclear' })
  for (const state of ['REGISTERING_STATE', 'AUTHENTICATING_STATE']) {
    const Records = [{ ...registrants.Records[0], state }]
    t.match(findIn(interfaceOf('sip:4930123@acme.example')!, { Records }), { observation: { admin: 'enabled', registered: null } }, `${state}: it may be a refresh`)
  }
  const odd = [null, 'OK', [], {}, { Records: [{ AOR: 'sip:4930123@acme.example' }] }, { PARTITIONS: {} }, { State: 'new' }, { Records: [{ ...registrants.Records[0], enabled: undefined }] }]
  for (const name of ['sip:4930123@acme.example', 'drouting:gw1', 'dispatcher:1:sip:10.0.9.1:5060']) {
    for (const result of odd) t.match(findIn(interfaceOf(name)!, result).kind, /^(unreadable|absent)$/, `${name}: ${JSON.stringify(result)}`)
  }
})

test('the calls are the documented ones, for both versions', async (t) => {
  const id = { aor: 'sip:me@a', contact: 'sip:me@b', registrar: 'sip:a' }
  const [registrant, destination, routed] = ['sip:me@a', 'dispatcher:east:1:sip:x', 'drouting:east:gw1'].map((name) => interfaceOf(name)!)
  t.same(readCall(registrant!, 3), { method: 'reg_list', params: {} })
  t.same(readCall(destination!, 4), { method: 'dispatcher:list', params: { partition: 'east' } })
  t.same(readCall(routed!, 3), { method: 'dr_gw_status', params: { partition_name: 'east', gw_id: 'gw1' } })
  t.same(writeCall(registrant!, 'enabled', 3, id), { method: 'reg_enable', params: id })
  t.same(writeCall(registrant!, 'disabled', 4, id), { method: 'uac_registrant:disable', params: id })
  t.same(writeCall(destination!, 'disabled', 3, null), { method: 'ds_set_state', params: { state: 'i', group: 'east:1', address: 'sip:x' } })
  t.same(writeCall(destination!, 'enabled', 4, null), { method: 'dispatcher:set_state', params: { state: 'a', group: 'east:1', address: 'sip:x' } })
  t.same(writeCall(routed!, 'disabled', 3, null), { method: 'dr_gw_status', params: { partition_name: 'east', gw_id: 'gw1', status: '0' } })
  t.same(writeCall(routed!, 'enabled', 4, null), { method: 'drouting:gw_status', params: { partition_name: 'east', gw_id: 'gw1', status: '1' } })
})

test('what is as wanted is not written again, and each list is read once', async (t) => {
  const { driver, server } = await gateway(t)
  t.match(await applyOne(driver, 'sip:4930123@acme.example', 'enabled', signal()), { ok: true })
  t.same(server.asked.map(called), ['reg_list'])
  const seen = await driver.observe(['sip:4930123@acme.example', 'sip:4930124@acme.example', 'dispatcher:1:sip:10.0.9.1:5060', 'dispatcher:1:sip:10.0.9.2:5060', 'drouting:gw1'], signal())
  t.equal(seen.ok && seen.interfaces.size, 5)
  t.same(server.asked.slice(1).map(called).sort(), ['dr_gw_status', 'ds_list', 'reg_list'])
})

test('of several records with one account none is switched', async (t) => {
  const { driver, server } = await gateway(t)
  t.match(await applyOne(driver, 'sip:twice@acme.example', 'disabled', signal()), { ok: false, reason: 'conflict', effect: 'none' })
  t.match(await applyOne(driver, 'sip:twice@acme.example,sip:east.acme.example', 'disabled', signal()), { ok: true })
  t.same(server.asked.map(called), ['reg_list', 'reg_list', 'reg_disable', 'reg_list'])
})

test('a failure says what it is', async (t) => {
  const read = opensipsStub(3).answer
  const cases = [
    { name: 'the wrong version', settings: { version: 4 }, said: null, want: { reason: 'rpc-error', effect: 'none', detail: /no such command.*"version" is wrong/ } },
    { name: 'refused', said: { error: { code: 500, message: 'Bad state value' } }, want: { reason: 'rpc-error', detail: 'reg_disable: Bad state value', effect: 'none' } },
    { name: 'a text that may hold anything', said: { error: { code: 500, message: 'canary-one' } }, want: { reason: 'rpc-error', detail: 'reg_disable: error 500', effect: 'unknown' } },
    { name: 'another answer than OK', said: { result: {} }, want: { reason: 'not-data', effect: 'unknown' } }
  ]
  for (const { name, settings, said, want } of cases) {
    const { driver } = await gateway(t, (asked, isIgnored) => called(asked) === 'reg_disable' && said !== null
      ? { body: JSON.stringify({ jsonrpc: '2.0', ...said, id: (JSON.parse(asked.body) as { id: number }).id }) }
      : read(asked, isIgnored), settings)
    t.match(await applyOne(driver, 'sip:4930123@acme.example', 'disabled', signal()), { ok: false, ...want }, name)
  }
})

test('registering anew is for registrants that are on', async (t) => {
  const { driver, server } = await gateway(t)
  t.match(await driver.reregister('sip:4930123@acme.example', signal()), { ok: true })
  t.same(server.asked.map(called), ['reg_list', 'reg_force_register'])
  t.match(await driver.reregister('sip:4930124@acme.example', signal()), { ok: false, reason: 'rpc-error', effect: 'none' })
  t.match(await driver.reregister('drouting:gw1', signal()), { ok: false, reason: 'rpc-error', effect: 'none' })
  t.equal(server.asked.filter((asked) => called(asked) === 'reg_force_register').length, 1)
})
