import { test } from 'tap'
import type { Test } from 'tap'
import { systemClock as clock, systemRandom as random } from '../../src/clock.ts'
import { adminOf, changeCommand, commandPath, haveSameOptions, isConfigText, isMasked, parseConfig, withAdmin } from '../../src/drivers/innovaphone-config-line.ts'
import { createDriver } from '../../src/drivers/registry.ts'
import { createSecret } from '../../src/secret.ts'
import { applyOne } from '../helpers/permitted.ts'
import { cfgText, innovaphoneStub } from './stubs.ts'
import { createUnrulyServer } from './unruly-server.ts'
import type { Answer, Asked } from './unruly-server.ts'

const tokens = (line: string) => line.split(' ')
const signal = (): AbortSignal => AbortSignal.timeout(5_000)

async function gateway (t: Test, answer: (asked: Asked, isIgnored: boolean) => Answer) {
  const server = await createUnrulyServer({ answer, isWrite: ({ path }) => path.startsWith('/!') })
  const driver = createDriver('innovaphone', { url: `${server.url}/`, username: 'it\'s me', password: createSecret('p') }, { clock, random })
  t.teardown(async () => { await driver.close(); await server.close() })
  return { driver, server }
}

test('the flag is a whole token, never a part of one', async (t) => {
  const cases = [
    { line: 'RELAY0 SIP1 /disabled /name x', admin: 'disabled', enabled: 'RELAY0 SIP1 /name x' },
    { line: 'RELAY0 SIP1 /name x /disabled', admin: 'disabled', enabled: 'RELAY0 SIP1 /name x' },
    { line: 'RELAY0 SIP1 /a 1 /disabled /b 2 /disabled', admin: 'disabled', enabled: 'RELAY0 SIP1 /a 1 /b 2' },
    { line: 'RELAY0 SIP1 /name x/disabled', admin: 'enabled', enabled: 'RELAY0 SIP1 /name x/disabled' },
    { line: 'RELAY0 SIP1 /disabled-codecs g729', admin: 'enabled', enabled: 'RELAY0 SIP1 /disabled-codecs g729' },
    { line: 'RELAY0 SIP1 /name disabled', admin: 'enabled', enabled: 'RELAY0 SIP1 /name disabled' },
    { line: 'RELAY0 SIP1', admin: 'enabled', enabled: 'RELAY0 SIP1' }
  ]
  for (const { line, admin, enabled } of cases) {
    t.equal(adminOf(tokens(line)), admin, line)
    t.equal(withAdmin(tokens(line), 'enabled').join(' '), enabled, `${line}, enabled`)
    t.equal(withAdmin(tokens(line), 'disabled').join(' '), enabled.replace('SIP1', 'SIP1 /disabled'), `${line}, disabled`)
  }
})

test('a line is found by its name, and only when it is there as a whole', async (t) => {
  const line = 'config change RELAY0 SIP1 /name x'
  const cases = [
    { name: 'one', text: `# x\r\n${line}\r\n`, want: 'one' },
    { name: 'LF only, double blanks', text: 'config  change RELAY0  SIP1 /name x\n', want: 'one' },
    { name: 'SIP10 is not SIP1', text: 'config change RELAY0 SIP10 /name x\r\n', want: 'absent' },
    { name: 'another module', text: 'config change RELAY1 SIP1 /name x\r\n', want: 'absent' },
    { name: 'add is not change', text: 'config add RELAY0 SIP1 /name x\r\n', want: 'absent' },
    { name: 'twice', text: `${line}\r\n${line} /disabled\r\n`, want: 'several' },
    { name: 'cut in the line', text: `# x\r\n${line}`, want: 'cut-off' },
    { name: 'cut before the line', text: '# x\r\nconfig change RELAY', want: 'cut-off' },
    { name: 'cut after the line', text: `${line}\r\nconfig change UP`, want: 'one' }
  ]
  for (const { name, text, want } of cases) t.equal(parseConfig(text).find('SIP1').kind, want, name)
  for (const text of ['', 'ok\r\n', '<html>\nconfig change RELAY0 SIP1\n</html>', '?\r\n']) t.equal(isConfigText(text), false, JSON.stringify(text))
  t.equal(isConfigText(cfgText), true)
})

test('a line with masked values and a changed line are told from a good one', async (t) => {
  t.equal(isMasked(tokens('RELAY0 SIP1 /pwd ********')), true)
  t.equal(isMasked(tokens('RELAY0 SIP1 /name a*b /cli *1')), false)
  t.equal(haveSameOptions(tokens('RELAY0 SIP1 /disabled /a 1 /b'), tokens('RELAY0 SIP1 /b /a 1')), true, 'order and flag are no difference')
  t.equal(haveSameOptions(tokens('RELAY0 SIP1 /a 1 /b 2'), tokens('RELAY0 SIP1 /a 2 /b 1')), false, 'swapped values are')
  t.equal(haveSameOptions(tokens('RELAY0 SIP1 /a 1'), tokens('RELAY0 SIP1 /a 1 /c')), false)
})

test('every character of a line survives the way to the gateway', async (t) => {
  t.equal(commandPath('config write'), '/!config%20write')
  t.equal(commandPath(changeCommand(tokens('RELAY0 SIP1 /name a%20b?c#d&e+f=g;h"\xfc'))), '/!config%20change%20RELAY0%20SIP1%20/name%20a%2520b%3Fc%23d%26e%2Bf%3Dg%3Bh%22%FC')
  const bytes = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).join('')
  t.equal(Buffer.from(unescape(new URL(commandPath(bytes.replace(/[.]/, '')), 'http://x').pathname.slice(2)), 'latin1').toString('latin1'), bytes.replace(/[.]/, ''))

  const stub = innovaphoneStub()
  const { driver, server } = await gateway(t, stub.answer)
  for (const name of ['SIP1', 'SIP2', 'SIP3', 'SIP10']) {
    const before = await driver.observe([name], signal())
    const isEnabled = before.ok && before.interfaces.get(name)?.admin === 'enabled'
    for (const desired of isEnabled ? ['disabled', 'enabled'] as const : ['enabled', 'disabled'] as const) {
      t.match(await applyOne(driver, name, desired, signal()), { ok: true }, `${name} ${desired}`)
    }
  }
  const lines = (text: string): string[] => text.split('\r\n').map((line) => line.split(' ').filter((token) => token !== '/disabled').join(' '))
  t.same(lines(Buffer.from(stub.answer({ ...server.asked[0]!, path: '/cfg.txt' }, false).body as Buffer).toString('latin1')), lines(cfgText), 'nothing but the flag has moved')
})

test('the commands come in the proven order, and again when the state is as wanted', async (t) => {
  const { driver, server } = await gateway(t, innovaphoneStub().answer)
  await applyOne(driver, 'SIP10', 'enabled', signal())
  await applyOne(driver, 'SIP10', 'enabled', signal())
  const finish = ['/!config%20write', '/!config%20activate', '/cfg.txt']
  t.same(server.asked.map(({ path }) => path), ['/cfg.txt', '/!config%20change%20RELAY0%20SIP10%20/name%20other', ...finish, '/cfg.txt', ...finish])
  t.equal(server.connections(), 1)
})

test('a line that can\'t be written safely is not written', async (t) => {
  const line = 'config change RELAY0 SIP1 /name x'
  const cases = [
    { name: 'masked', text: `${line} /pwd ****\r\n`, want: { ok: false, reason: 'line-masked', effect: 'none' } },
    { name: 'twice', text: `${line} /disabled\r\n${line}\r\n`, want: { ok: false, reason: 'conflict', effect: 'none' } },
    { name: 'absent', text: 'config change RELAY0 SIP2 /name x\r\n', want: { ok: false, reason: 'no-interface', effect: 'none' } },
    { name: 'cut off', text: `config change IP0 /x\r\n${line}`, want: { ok: false, reason: 'truncated', effect: 'none' } },
    { name: 'a login page', text: '<!DOCTYPE html><form>', want: { ok: false, reason: 'not-data', effect: 'none' } }
  ]
  for (const { name, text, want } of cases) {
    const { driver, server } = await gateway(t, () => ({ body: text }))
    t.match(await applyOne(driver, 'SIP1', 'disabled', signal()), want, name)
    t.equal(server.asked.length, 1, `${name}: only read`)
  }
  const { driver } = await gateway(t, () => ({ body: `${line} /disabled\r\n${line}\r\n` }))
  const observed = await driver.observe(['SIP1'], signal())
  t.equal(observed.ok && observed.interfaces.get('SIP1')?.admin, 'enabled', 'of two lines the enabled one counts')
})

test('what happens between the read and the read-back is seen', async (t) => {
  const line = 'config change RELAY0 SIP1 /name x'
  const cases = [
    { name: 'the command is unknown', after: line, said: '?\r\n', want: { ok: false, reason: 'rpc-error', effect: 'none' } },
    { name: 'nothing changed', after: line, said: 'ok', want: { ok: false, reason: 'no-effect', effect: 'unknown' } },
    { name: 'another edit won', after: `${line} /new 1`, said: 'ok', want: { ok: false, reason: 'conflict', effect: 'unknown' } },
    { name: 'another edit came on top', after: 'config change RELAY0 SIP1 /disabled /name y', said: 'ok', want: { ok: false, reason: 'conflict' } },
    { name: 'the line is gone', after: '# nothing\r\nconfig change X', said: 'ok', want: { ok: false, reason: 'no-interface', effect: 'unknown' } },
    { name: 'the gateway sorts its options', after: 'config change RELAY0 SIP1 /name x /disabled', said: '', want: { ok: true, activated: true } }
  ]
  for (const { name, after, said, want } of cases) {
    let wrote = false
    const { driver } = await gateway(t, ({ path }) => {
      if (path === '/cfg.txt') return { body: `${wrote ? after : line}\r\n` }
      wrote = true
      return { body: said }
    })
    t.match(await applyOne(driver, 'SIP1', 'disabled', signal()), want, name)
  }
})

test('a step that fails after the first write leaves the effect unknown and is named', async (t) => {
  for (const step of ['write', 'activate']) {
    const stub = innovaphoneStub()
    const { driver } = await gateway(t, (asked, isIgnored) => asked.path === `/!config%20${step}` ? { status: 403, body: '' } : stub.answer(asked, isIgnored))
    t.same(await applyOne(driver, 'SIP1', 'disabled', signal()), { ok: false, reason: 'auth-failed', detail: `config ${step}: HTTP 403`, effect: 'unknown' })
  }
})

test('it can\'t register anew and says so', async (t) => {
  const { driver } = await gateway(t, innovaphoneStub().answer)
  t.match(await driver.reregister('SIP1', signal()), { ok: false, reason: 'rpc-error', effect: 'none' })
})
