import { test } from 'tap'
import type { Test } from 'tap'
import { systemClock, systemRandom as random } from '../../src/clock.ts'
import { createDriver } from '../../src/drivers/registry.ts'
import { createSecret } from '../../src/secret.ts'
import { permitted } from '../helpers/permitted.ts'
import { createDnsStub } from './dns-stub.ts'

const NAME = '_sip._udp.lab.example'
const SECRET = Buffer.from('a key').toString('base64')
const line = (priority: number, target: string) => ({ priority, weight: 100, port: 5060, target: `${target}.lab.example` })
const later = (): AbortSignal => AbortSignal.timeout(5_000)

async function zone (t: Test, settings: object = {}, clock = systemClock) {
  const server = await createDnsStub(NAME, 'pointsman', SECRET, [line(10, 'a'), line(100, 'b')])
  const driver = createDriver('rfc2136', { server: `127.0.0.1:${server.port}`, key_name: 'pointsman', key: createSecret(SECRET), zone: 'lab.example', records: [NAME], ...settings }, { clock, random })
  t.teardown(async () => { await driver.close(); await server.close() })
  const apply = (target: string, desired: 'enabled' | 'disabled') => driver.apply([{ interface: `${target}.lab.example`, desired, permit: permitted }], later())
  return { server, driver, apply }
}

test('what somebody else changed between read and write is not overwritten', async (t) => {
  const { server, apply } = await zone(t)
  server.beforeUpdate = () => { server.setLines([line(10, 'a'), line(100, 'b'), line(20, 'c')]) }
  t.match(await apply('a', 'disabled'), [{ ok: false, reason: 'conflict', effect: 'none' }])
  t.equal(server.lines().length, 3, 'as the other one left it')
  server.beforeUpdate = () => {}
  t.match(await apply('a', 'disabled'), [{ ok: true }], 'the next attempt knows it')
  t.same(server.lines(), [line(101, 'a'), line(100, 'b'), line(20, 'c')])
})

test('changes of one set follow one another', async (t) => {
  const { server, driver } = await zone(t)
  const change = (target: string, desired: 'enabled' | 'disabled') => ({ interface: `${target}.lab.example`, desired, permit: permitted })
  t.match(await driver.apply([change('a', 'disabled'), change('b', 'enabled'), change('c', 'enabled')], later()), [{ ok: true }, { ok: true }, { ok: false, reason: 'no-interface' }])
  t.same(server.lines(), [line(101, 'a'), line(10, 'b')], 'none undid the other')
})

test('only a signed answer is believed', async (t) => {
  const { server, driver } = await zone(t)
  const observe = () => driver.observe(['a.lab.example'], later())
  t.match(await observe(), { ok: true })
  const flips: readonly { title: string; tamper: (answer: Buffer) => Buffer }[] = [
    { title: 'another priority', tamper: (answer) => { const at = answer.indexOf(Buffer.from([0, 33, 0, 1])) + 11; answer[at] = 99; return answer } },
    { title: 'another time', tamper: (answer) => { answer[answer.indexOf('hmac-sha256') + 18]! ^= 1; return answer } },
    { title: 'the last byte of the signature', tamper: (answer) => { answer[answer.length - 7]! ^= 1; return answer } },
    { title: 'an authoritative answer without a signature', tamper: (answer) => { const bare = answer.subarray(0, answer.indexOf(Buffer.from('\u0009pointsman'))); bare.writeUInt16BE(0, 10); return bare } },
    { title: 'the answer to another question', tamper: (answer) => { answer[0]! ^= 1; return answer } }
  ]
  for (const { title, tamper } of flips) {
    server.tamper = tamper
    t.match(await observe(), { ok: false, reason: 'not-data', effect: 'none' }, title)
  }
})

test('a wrong key and a wrong clock are refused credentials', async (t) => {
  t.match(await (await zone(t, { key: createSecret('AAAA') })).driver.observe(['a.lab.example'], later()), { ok: false, reason: 'auth-failed' })
  t.match(await (await zone(t, { key_name: 'other' })).driver.observe(['a.lab.example'], later()), { ok: false, reason: 'auth-failed' })
})

test('a change is settled when the time to live is over', async (t) => {
  let nowMs = 0
  const { driver, apply } = await zone(t, {}, { ...systemClock, monotonicMs: () => nowMs })
  const settled = async (): Promise<unknown> => {
    const result = await driver.observe(['a.lab.example'], later())
    return result.ok && result.interfaces.get('a.lab.example')?.settled
  }
  t.equal(await settled(), false, 'the first look may be right after a change')
  nowMs = 29_999
  t.equal(await settled(), false)
  nowMs = 30_000
  t.equal(await settled(), true)
  await apply('a', 'disabled')
  t.equal(await settled(), false, 'changed by us')
  nowMs = 60_000
  t.equal(await settled(), true)
})
