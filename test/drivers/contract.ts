/** What every driver must do, whatever its gateway speaks. Run by contract.test.ts; what goes wrong is in contract-failures.ts. */
import type { Test } from 'tap'
import type { Observation } from '../../src/core/observation.ts'
import { applyOne, permitted } from '../helpers/permitted.ts'
import { cancelsMidway, echoesNothing, endsWhenTold, refusesCertificates, staysInPlace, survivesLateSuccess, survivesMisbehaviour, tellsUnknownFromNone } from './contract-failures.ts'
import { later, plain } from './contract-subject.ts'
import type { MakeSubject, Subject } from './contract-subject.ts'

async function switches (t: Test, { driver, names, runs }: Subject): Promise<void> {
  const admins = async (): Promise<unknown> => {
    const result = await driver.observe([names.on, names.off], later())
    return result.ok ? [...result.interfaces.values()].map(({ admin }) => admin) : result
  }
  t.same(await admins(), ['enabled', 'disabled'], 'the first look')
  for (const round of ['first', 'again']) {
    t.same(await applyOne(driver, names.on, 'disabled', later()), { ok: true, activated: true }, `disable, ${round}`)
    t.equal(runs(names.on), false, `off, ${round}`)
  }
  t.same(await admins(), ['disabled', 'disabled'], 'both read as off')
  for (const round of ['first', 'again']) {
    t.same(await applyOne(driver, names.on, 'enabled', later()), { ok: true, activated: true }, `enable, ${round}`)
    t.equal(runs(names.on), true, `on, ${round}`)
  }
  t.same(await admins(), ['enabled', 'disabled'], 'and back')
  t.equal(runs(names.off), false, 'the other interface was left alone')
}

async function knowsAbsence (t: Test, { driver, names }: Subject): Promise<void> {
  const result = await driver.observe([names.absent, names.on], later())
  t.match(result, { ok: true })
  t.equal(result.ok && result.interfaces.get(names.absent)?.present, false)
  t.equal(result.ok && result.interfaces.get(names.on)?.present, true)
  for (const desired of ['enabled', 'disabled'] as const) {
    t.match(await applyOne(driver, names.absent, desired, later()), { ok: false, reason: 'no-interface', effect: 'none' }, desired)
  }
  t.match(await driver.reregister(names.absent, later()), { ok: false, effect: 'none' })
  const none = await driver.observe([], later())
  t.equal(none.ok && none.interfaces.size, 0, 'asked for nothing')
}

/** What it declares is what it tells: no more, since the planner would trust it, and no less. */
async function keepsItsWord (t: Test, { driver, names, capabilities, runs }: Subject): Promise<void> {
  const seen = async (): Promise<readonly Observation[]> => {
    const result = await driver.observe([names.on, names.off], later())
    return result.ok ? [...result.interfaces.values()] : []
  }
  const first = await seen()
  t.equal(first.length, 2)
  t.equal(first[0]?.registered, capabilities.reportsRegistration ? true : null, 'the enabled one is registered')
  for (const { admin, registered, path, calls } of first) {
    t.equal(registered !== null, capabilities.reportsRegistration, 'registration')
    // Some tell it of what is on; the capability is to tell it of what is off, too.
    t.equal(path !== null, admin === 'disabled' ? capabilities.reportsPath === true : capabilities.reportsPath !== false, `path, ${admin}`)
    t.equal(calls !== undefined, capabilities.reportsCalls, 'calls')
  }
  const again = await driver.reregister(names.on, later())
  t.match(again, capabilities.reregisters ? { ok: true } : { ok: false, reason: 'rpc-error', effect: 'none' }, 'registers anew')
  await driver.reregister(names.off, later())
  t.same([runs(names.on), runs(names.off)], [true, false], 'registering anew switches nothing')
  t.ok(capabilities.registersWithinMs > 0)
  const condition = await driver.condition?.(later())
  if (capabilities.reportsAlarms) t.match(condition, { ok: true, condition: { alarms: Number, registrationFailed: Boolean } }, 'alarms')
  else t.equal(condition, undefined, 'alarms')
}

async function waitsForPermit (t: Test, { driver, names, runs }: Subject): Promise<void> {
  const no = { ok: false, reason: 'aborted', detail: 'not on disk', effect: 'none' } as const
  t.same(await applyOne(driver, names.on, 'disabled', later(), async () => no), no, 'refused')
  t.equal(runs(names.on), true, 'nothing was written')
  let isAsked = false
  const permit = Promise.withResolvers<null>()
  const applied = applyOne(driver, names.on, 'disabled', later(), () => { isAsked = true; return permit.promise })
  await driver.observe([names.on], later())
  // Longer than a reading lasts: it is read anew.
  await new Promise((resolve) => { setTimeout(resolve, 400) })
  t.same([isAsked, runs(names.on)], [true, true], 'asked after the read, and still waiting')
  permit.resolve(null)
  t.same(await applied, { ok: true, activated: true })
  t.equal(runs(names.on), false)
}

/** Each change has its own permit and its own end. */
async function switchesSeveral (t: Test, { driver, names, runs }: Subject): Promise<void> {
  const no = { ok: false, reason: 'aborted', detail: 'not on disk', effect: 'none' } as const
  const done = { ok: true, activated: true }
  const ends = await driver.apply([
    { interface: names.on, desired: 'disabled', permit: permitted },
    { interface: names.absent, desired: 'enabled', permit: permitted },
    { interface: names.off, desired: 'enabled', permit: permitted }
  ], later())
  t.match(ends, [done, { ok: false, reason: 'no-interface', effect: 'none' }, done])
  t.same([runs(names.on), runs(names.off)], [false, true], 'both were switched')
  const again = await driver.apply([
    { interface: names.on, desired: 'enabled', permit: async () => no },
    { interface: names.off, desired: 'disabled', permit: permitted }
  ], later())
  t.same(again, [no, done], 'what is not on disk holds up no other one')
  t.same([runs(names.on), runs(names.off)], [false, false], 'and was not switched')
  t.same(await driver.apply([], later()), [], 'nothing to do')
}

/** Runs the whole contract. */
export function testContract (t: Test, make: MakeSubject): void {
  const withOne = (title: string, check: (t: Test, subject: Subject) => Promise<void>): unknown => t.test(title, async (t) => check(t, await plain(t, make)))
  withOne('switches off and on, any number of times, and reads it back', switches)
  withOne('knows an interface that is not there', knowsAbsence)
  withOne('tells what its capabilities say, and nothing else', keepsItsWord)
  withOne('reads before it may write, and never writes before', waitsForPermit)
  withOne('makes several changes at once, each with an end of its own', switchesSeveral)
  withOne('ends at the deadline, when cancelled, and when nobody listens', endsWhenTold)
  withOne('a write that is cancelled midway may still be executed', cancelsMidway)
  withOne('a write without an answer that was executed is found by the next attempt', survivesLateSuccess)
  withOne('never follows a redirect', staysInPlace)
  t.test('a gateway that misbehaves is a failure with a reason, and nothing was changed', (t) => survivesMisbehaviour(t, make))
  t.test('a write that fails says whether it may still be executed', (t) => tellsUnknownFromNone(t, make))
  t.test('a certificate counts only with the right name and a known issuer', (t) => refusesCertificates(t, make))
  t.test('no result and no output holds a secret, whatever the gateway echoes', (t) => echoesNothing(t, make))
}
