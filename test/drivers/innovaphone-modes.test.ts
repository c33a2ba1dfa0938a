/** How the line of an innovaphone is edited: the whole line, only the flag, captured requests; several interfaces at once. */
import { test } from 'tap'
import { hasChanged, isFailure, judgeEdit, planEdit } from '../../src/drivers/innovaphone-edit.ts'
import type { Edit, EditMode } from '../../src/drivers/innovaphone-edit.ts'
import { drivers } from '../../src/drivers/registry.ts'
import type { Change } from '../../src/ports.ts'
import { applyOne, permitted } from '../helpers/permitted.ts'
import { simulate } from './simulated-innovaphone.ts'

const signal = (): AbortSignal => AbortSignal.timeout(5_000)
const RAW = { enable: '/RELAY0/SIP1/mod_cmd.xml?cmd=form&disable=off', disable: '/RELAY0/SIP1/mod_cmd.xml?cmd=form&disable=on' }
const line = (options: string): string => `# x\r\nconfig change RELAY0 SIP1 ${options}\r\n`

function edit (options: string, mode: EditMode = 'change'): Edit {
  const planned = planEdit(line(options), 'SIP1', 'disabled', mode)
  if (isFailure(planned)) throw new Error(planned.reason)
  return planned
}

test('each way to edit has its request, and none where the line says so already', async (t) => {
  const cases: readonly { mode: EditMode; desired: 'enabled' | 'disabled'; options: string; path: string | null; step?: string }[] = [
    { mode: 'change', desired: 'disabled', options: '/name x', path: '/!config%20change%20RELAY0%20SIP1%20/disabled%20/name%20x', step: 'config change' },
    { mode: 'change', desired: 'enabled', options: '/name x /disabled', path: '/!config%20change%20RELAY0%20SIP1%20/name%20x', step: 'config change' },
    { mode: 'add-rem', desired: 'disabled', options: '/name x', path: '/!config%20add%20RELAY0%20SIP1%20/disabled', step: 'config add' },
    { mode: 'add-rem', desired: 'enabled', options: '/disabled', path: '/!config%20rem%20RELAY0%20SIP1%20/disabled', step: 'config rem' },
    { mode: 'add-rem', desired: 'disabled', options: '/pwd ****', path: '/!config%20add%20RELAY0%20SIP1%20/disabled' },
    { mode: RAW, desired: 'disabled', options: '/pwd ****', path: RAW.disable, step: 'the captured request' },
    { mode: RAW, desired: 'enabled', options: '/disabled', path: RAW.enable },
    ...(['change', 'add-rem', RAW] as const).map((mode) => ({ mode, desired: 'enabled' as const, options: '/name x', path: null }))
  ]
  for (const { mode, desired, options, path, step } of cases) {
    const planned = planEdit(line(options), 'SIP1', desired, mode)
    t.equal(isFailure(planned) ? planned.reason : planned.request?.path ?? null, path, `${JSON.stringify(mode)} ${desired} ${options}`)
    if (step !== undefined) t.match(planned, { request: { step } })
  }
  t.match(planEdit(line('/pwd ****'), 'SIP1', 'disabled', 'change'), { ok: false, reason: 'line-masked', effect: 'none' })
})

test('an edit of somebody else is seen before the write and after it', async (t) => {
  t.equal(hasChanged(edit('/a 1 /b 2'), edit('/b 2 /a 1')), false, 'another order')
  t.equal(hasChanged(edit('/a 1'), edit('/a 2')), true, 'another value')
  t.equal(hasChanged(edit('/a 1'), edit('/a 1 /disabled')), true, 'switched')
  const cases = [
    { after: '/disabled /a 1', want: null },
    { after: '/a 1 /disabled', want: null },
    { after: '/a 1', want: 'no-effect' },
    { after: '/disabled /a 2', want: 'conflict' },
    { after: '/disabled', want: 'conflict' }
  ]
  for (const mode of ['change', 'add-rem'] as const) {
    for (const { after, want } of cases) t.equal(judgeEdit(edit('/a 1', mode), line(after), 'SIP1')?.reason ?? null, want, `${mode}: ${after}`)
  }
})

test('only the flag is sent with add-rem, also where a value is hidden', async (t) => {
  const { driver, gateway } = await simulate(t, { edit: 'add-rem' })
  await gateway.inject({ cfg: 'masked' })
  for (const desired of ['disabled', 'enabled'] as const) {
    t.same(await applyOne(driver, 'SIP1', desired, signal()), { ok: true, activated: true })
    t.equal(gateway.state('SIP1').running, desired)
  }
  t.match(gateway.requests.map(({ path }) => path).filter((path) => /config (add|rem|change)/.test(path)), ['/!config add RELAY0 SIP1 /disabled', '/!config rem RELAY0 SIP1 /disabled'])
})

test('a device on which add-rem does something else is found out by the reading after it', async (t) => {
  const { driver, gateway } = await simulate(t, { edit: 'add-rem' })
  await gateway.inject({ addRem: 'unknown' })
  t.match(await applyOne(driver, 'SIP1', 'disabled', signal()), { ok: false, reason: 'rpc-error', effect: 'none' })
  t.equal(gateway.state('SIP1').stored, 'enabled')
  await gateway.inject({ addRem: 'replaces' })
  t.match(await applyOne(driver, 'SIP1', 'disabled', signal()), { ok: false, reason: 'conflict', effect: 'unknown' })
})

test('captured requests of the administration UI, answered with a page', async (t) => {
  const { driver, gateway } = await simulate(t, { raw: { SIP1: RAW } })
  for (const desired of ['disabled', 'enabled'] as const) {
    t.same(await applyOne(driver, 'SIP1', desired, signal()), { ok: true, activated: true })
    t.equal(gateway.state('SIP1').running, desired)
  }
  t.same(await applyOne(driver, 'SIP2', 'disabled', signal()), { ok: true, activated: true }, 'an interface without them is edited as always')
  const unknown = await simulate(t, { raw: { SIP1: { ...RAW, disable: '/RELAY0/SIP1/mod_cmd.xml?cmd=nonsense' } } })
  t.match(await applyOne(unknown.driver, 'SIP1', 'disabled', signal()), { ok: false, reason: 'rpc-error', effect: 'none' })
})

test('a captured request is taken as it is, but for what would do harm', async (t) => {
  const { raw } = drivers.get('innovaphone')!.schema.properties as { raw: { patternProperties: Record<string, { properties: { enable: { pattern: string } } }> } }
  const pattern = new RegExp(Object.values(raw.patternProperties)[0]!.properties.enable.pattern)
  for (const good of [RAW.enable, '/RELAY0/SIP1/mod_cmd.xml?cmd=x&del=%2Fa+%2Fb&pwd=&name=p%20w', '/!config%20activate']) t.match(good, pattern, good)
  for (const bad of ['RELAY0/mod_cmd.xml', '/x?cmd=y&redirect=http%3A%2F%2Fx', '/x?gk-pwd=********', '/x?a=%2A%2a&b=c', '/x?reg-pwd=secret', '/x?Password=secret', '/x y', 'https://elsewhere/x']) t.notMatch(bad, pattern, bad)
})

test('a gateway with its login form only says what is to be done', async (t) => {
  const { driver } = await simulate(t, {}, { auth: 'form' })
  for (const result of [await driver.observe(['SIP1'], signal()), await applyOne(driver, 'SIP1', 'disabled', signal()), await driver.condition?.(signal())]) {
    t.match(result, { ok: false, reason: 'login-form', detail: /native authentication/i, effect: 'none' })
  }
})

test('somebody who edits while the permit is waited for is not overwritten', async (t) => {
  for (const command of ['config add RELAY0 SIP1 /comment edited', 'config add RELAY0 SIP1 /disabled']) {
    const { driver, gateway } = await simulate(t)
    const permit = async (): Promise<null> => {
      gateway.administrator(command)
      await new Promise((resolve) => { setTimeout(resolve, 300) })
      return null
    }
    t.match(await applyOne(driver, 'SIP1', 'disabled', signal(), permit), { ok: false, reason: 'conflict', effect: 'none' }, command)
    t.notOk(gateway.requests.some(({ path }) => path.startsWith('/!')), 'nothing was written')
    t.match(await applyOne(driver, 'SIP1', 'disabled', signal()), { ok: true }, 'the next attempt takes what is there now')
  }
})

const off = (count: number): readonly Change[] => Array.from({ length: count }, (_, index) => ({ interface: `SIP${index + 1}`, desired: 'disabled' as const, permit: permitted }))

test('sixteen interfaces: one reading, the changes, one write, one activate, one reading', async (t) => {
  const { driver, gateway } = await simulate(t, {}, {}, 16)
  const ends = await driver.apply(off(16), signal())
  t.ok(ends.every(({ ok }) => ok) && ends.length === 16)
  const paths = gateway.requests.map(({ path }) => path.replace(/ RELAY0.*/, ''))
  t.same(paths, ['/cfg.txt', ...Array.from({ length: 16 }, () => '/!config change'), '/!config write', '/!config activate', '/cfg.txt'])
  t.ok(off(16).every((change) => gateway.state(change.interface).running === 'disabled'))
})

test('what switches off is sent first, and a permit that is over by its turn stops its change only', async (t) => {
  const { driver, gateway } = await simulate(t, {}, {}, 3)
  gateway.administrator('config add RELAY0 SIP1 /disabled')
  gateway.administrator('config add RELAY0 SIP3 /disabled')
  gateway.administrator('config activate')
  const old = { ok: false, reason: 'aborted', detail: 'too old', effect: 'none' } as const
  let asked = 0
  const ends = await driver.apply([
    { interface: 'SIP1', desired: 'enabled', permit: async () => ++asked === 1 ? null : old },
    { interface: 'SIP2', desired: 'disabled', permit: permitted },
    { interface: 'SIP3', desired: 'enabled', permit: permitted }
  ], signal())
  t.same(ends, [old, { ok: true, activated: true }, { ok: true, activated: true }])
  t.same(gateway.requests.map(({ path }) => /^\/!config change RELAY0 (SIP\d)/.exec(path)?.[1]).filter((name) => name !== undefined), ['SIP2', 'SIP3'])
  t.same(['SIP1', 'SIP2', 'SIP3'].map((name) => gateway.state(name).running), ['disabled', 'disabled', 'enabled'])
})

test('a broken connection in the middle tells what may have been done from what has not', async (t) => {
  const { driver, gateway } = await simulate(t, {}, {}, 3)
  await gateway.inject({ activate: 'reset-after' })
  t.match(await driver.apply(off(2), signal()), [{ ok: false, effect: 'unknown' }, { ok: false, effect: 'unknown' }])
  t.equal(gateway.state('SIP2').running, 'disabled', 'it was executed')
  await gateway.clear()
  const changes = off(3)
  const permits = [permitted, permitted, async () => { await gateway.inject({ reply: 'redirect' }); return null }]
  const ends = await driver.apply(changes.map((change, index) => ({ ...change, desired: 'enabled', permit: permits[index] ?? permitted })), signal())
  t.match(ends, [{ ok: false, reason: 'redirect', effect: 'unknown' }, { ok: false, reason: 'redirect', effect: 'none' }, { ok: false, reason: 'redirect', effect: 'none' }])
})
