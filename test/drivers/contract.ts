/** What every driver must do, whatever its gateway speaks. Run by contract.test.ts. */
import type { Test } from 'tap'
import type { GatewayDriver } from '../../src/ports.ts'
import { permitted } from '../helpers/permitted.ts'
import type { Misbehaviour } from './unruly-server.ts'

/** A driver and the gateway that it drives. */
export interface Subject {
  readonly driver: GatewayDriver
  /** Interface names: one enabled, one disabled, one that the gateway doesn't have. */
  readonly names: { readonly on: string; readonly off: string; readonly absent: string }
  /** Running state, past the driver. */
  runs(name: string): boolean
  /** False: this gateway can't misbehave so. */
  misbehave(kind: Misbehaviour | null, only?: 'writes'): Promise<boolean>
  /** Nothing listens any more. */
  switchOff(): Promise<void>
  /** Texts that no result may hold. */
  readonly secrets: readonly string[]
}

export type MakeSubject = (t: Test) => Promise<Subject>

const soon = (): AbortSignal => AbortSignal.timeout(250)
const atOnce = (): AbortSignal => AbortSignal.timeout(60)
const later = (): AbortSignal => AbortSignal.timeout(5_000)

const ALWAYS: readonly { kind: Misbehaviour; want: string }[] = [
  { kind: 'silent', want: 'timeout' },
  { kind: 'slow-loris', want: 'timeout' },
  { kind: 'html', want: 'not-data' },
  { kind: 'redirect', want: 'redirect' },
  { kind: 'unauthorised', want: 'auth-failed' },
  { kind: 'error', want: 'http-status' },
  { kind: 'truncated', want: 'truncated' },
  { kind: 'reset-early', want: 'reset' },
  { kind: 'reset-midway', want: 'truncated' }
]

const ON_WRITES: readonly { kind: Misbehaviour; want: string; effect: 'none' | 'unknown' }[] = [
  { kind: 'silent', want: 'timeout', effect: 'unknown' },
  { kind: 'slow-loris', want: 'timeout', effect: 'unknown' },
  { kind: 'html', want: 'not-data', effect: 'unknown' },
  { kind: 'redirect', want: 'redirect', effect: 'none' },
  { kind: 'unauthorised', want: 'auth-failed', effect: 'none' },
  { kind: 'error', want: 'http-status', effect: 'unknown' },
  { kind: 'truncated', want: 'truncated', effect: 'unknown' },
  { kind: 'reset-early', want: 'reset', effect: 'unknown' },
  { kind: 'reset-midway', want: 'truncated', effect: 'unknown' },
  { kind: 'ignored', want: 'no-effect', effect: 'unknown' }
]

async function switches (t: Test, make: MakeSubject): Promise<void> {
  const { driver, names, runs } = await make(t)
  const admins = async (): Promise<unknown> => {
    const result = await driver.observe([names.on, names.off], later())
    return result.ok ? [...result.interfaces.values()].map(({ admin }) => admin) : result
  }
  t.same(await admins(), ['enabled', 'disabled'], 'the first look')
  for (const round of ['first', 'again']) {
    t.same(await driver.apply(names.on, 'disabled', later(), permitted), { ok: true, activated: true }, `disable, ${round}`)
    t.equal(runs(names.on), false, `off, ${round}`)
  }
  t.same(await admins(), ['disabled', 'disabled'], 'both read as off')
  for (const round of ['first', 'again']) {
    t.same(await driver.apply(names.on, 'enabled', later(), permitted), { ok: true, activated: true }, `enable, ${round}`)
    t.equal(runs(names.on), true, `on, ${round}`)
  }
  t.same(await admins(), ['enabled', 'disabled'], 'and back')
  t.equal(runs(names.off), false, 'the other interface was left alone')
}

async function knowsAbsence (t: Test, make: MakeSubject): Promise<void> {
  const { driver, names } = await make(t)
  const result = await driver.observe([names.absent, names.on], later())
  t.match(result, { ok: true })
  t.equal(result.ok && result.interfaces.get(names.absent)?.present, false)
  t.equal(result.ok && result.interfaces.get(names.on)?.present, true)
  t.match(await driver.apply(names.absent, 'enabled', later(), permitted), { ok: false, reason: 'no-interface', effect: 'none' })
  t.match(await driver.reregister(names.absent, later()), { ok: false, effect: 'none' })
}

async function survivesMisbehaviour (t: Test, make: MakeSubject): Promise<void> {
  for (const { kind, want } of ALWAYS) {
    const { driver, names, runs, misbehave } = await make(t)
    if (!await misbehave(kind)) continue
    t.match(await driver.observe([names.on], soon()), { ok: false, reason: want, effect: 'none' }, `observe: ${kind}`)
    t.match(await driver.apply(names.on, 'disabled', soon(), permitted), { ok: false, reason: want, effect: 'none' }, `apply: ${kind}`)
    await misbehave(null)
    t.match(await driver.observe([names.on], later()), { ok: true }, `well again after ${kind}`)
    t.equal(runs(names.on), true, `nothing was switched by ${kind}`)
  }
}

async function tellsUnknownFromNone (t: Test, make: MakeSubject): Promise<void> {
  for (const { kind, want, effect } of ON_WRITES) {
    const { driver, names, misbehave } = await make(t)
    if (!await misbehave(kind, 'writes')) continue
    t.match(await driver.apply(names.on, 'disabled', soon(), permitted), { ok: false, reason: want, effect }, `a write: ${kind}`)
    await misbehave(null)
    t.match(await driver.apply(names.on, 'disabled', later(), permitted), { ok: true }, `the next attempt after ${kind}`)
  }
}

async function survivesLateSuccess (t: Test, make: MakeSubject): Promise<void> {
  const { driver, names, runs, misbehave } = await make(t)
  t.equal(await misbehave('late', 'writes'), true)
  const result = await driver.apply(names.off, 'enabled', soon(), permitted)
  t.match(result, { ok: false, reason: /^(timeout|reset)$/, effect: 'unknown' }, 'no answer: it may be on')
  await misbehave(null)
  t.match(await driver.apply(names.off, 'enabled', later(), permitted), { ok: true }, 'finished by the next attempt')
  t.equal(runs(names.off), true)
}

async function endsWhenTold (t: Test, make: MakeSubject): Promise<void> {
  const { driver, names, misbehave, switchOff } = await make(t)
  await misbehave('silent')
  const controller = new AbortController()
  const calls = [driver.observe([names.on], controller.signal), driver.apply(names.on, 'disabled', controller.signal, permitted)]
  setTimeout(() => controller.abort(), 30)
  for (const result of await Promise.all(calls)) t.match(result, { ok: false, reason: 'aborted', effect: 'none' })
  const started = performance.now()
  const before = await driver.apply(names.on, 'disabled', AbortSignal.abort(), permitted)
  t.match(before, { ok: false, reason: 'aborted', effect: 'none' }, 'cancelled before it began')
  await driver.observe([names.on], AbortSignal.timeout(100))
  t.ok(performance.now() - started < 1_000, 'the deadline holds')
  await switchOff()
  t.match(await driver.observe([names.on], later()), { ok: false, reason: 'refused', effect: 'none' })
  t.match(await driver.apply(names.on, 'disabled', later(), permitted), { ok: false, reason: 'refused', effect: 'none' })
}

async function waitsForPermit (t: Test, make: MakeSubject): Promise<void> {
  const { driver, names, runs } = await make(t)
  const no = { ok: false, reason: 'aborted', detail: 'not on disk', effect: 'none' } as const
  t.same(await driver.apply(names.on, 'disabled', later(), async () => no), no, 'refused')
  t.equal(runs(names.on), true, 'nothing was written')
  let isAsked = false
  const permit = Promise.withResolvers<null>()
  const applied = driver.apply(names.on, 'disabled', later(), () => { isAsked = true; return permit.promise })
  await driver.observe([names.on], later())
  // Longer than a reading lasts: it is read anew.
  await new Promise((resolve) => { setTimeout(resolve, 400) })
  t.same([isAsked, runs(names.on)], [true, true], 'asked after the read, and still waiting')
  permit.resolve(null)
  t.same(await applied, { ok: true, activated: true })
  t.equal(runs(names.on), false)
}

async function keepsSecrets (t: Test, make: MakeSubject): Promise<void> {
  const told: unknown[] = []
  for (const { kind } of [...ALWAYS, ...ON_WRITES]) {
    for (const only of [undefined, 'writes'] as const) {
      const { driver, names, misbehave } = await make(t)
      await misbehave(kind, only)
      told.push(await driver.observe([names.on], atOnce()), await driver.apply(names.on, 'disabled', atOnce(), permitted), await driver.reregister(names.on, atOnce()))
      told.push(driver)
    }
  }
  const text = JSON.stringify(told)
  t.ok(told.length > 100)
  const { secrets } = await make(t)
  for (const secret of secrets) t.notMatch(text, secret)
}

/** Runs the whole contract. */
export function testContract (t: Test, make: MakeSubject): void {
  t.test('switches off and on, any number of times, and reads it back', (t) => switches(t, make))
  t.test('knows an interface that is not there', (t) => knowsAbsence(t, make))
  t.test('a gateway that misbehaves is a failure with a reason, and nothing was changed', (t) => survivesMisbehaviour(t, make))
  t.test('a write that fails says whether it may still be executed', (t) => tellsUnknownFromNone(t, make))
  t.test('a write without an answer that was executed is found by the next attempt', (t) => survivesLateSuccess(t, make))
  t.test('ends at the deadline, when cancelled, and when nobody listens', (t) => endsWhenTold(t, make))
  t.test('reads before it may write, and never writes before', (t) => waitsForPermit(t, make))
  t.test('no result holds a secret, whatever the gateway echoes', (t) => keepsSecrets(t, make))
}
