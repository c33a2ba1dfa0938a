/** One queue per gateway: what waits goes together, and each change has its own permit and end. */
import { test } from 'tap'
import type { ApplyResult, DriverFailure, ObserveResult } from '../../src/core/observation.ts'
import { createExecutor } from '../../src/engine/executor.ts'
import type { Change, GatewayDriver } from '../../src/ports.ts'
import { createFakeClock } from '../../src/rehearsal/fake-clock.ts'
import { silent, unmeasured } from '../helpers/engine-rig.ts'

const CALL_MS = 50

/** A gateway whose every call takes 50 ms, and everything that was asked of it. */
function createRig (end: (change: Change) => ApplyResult = () => ({ ok: true, activated: true })) {
  const clock = createFakeClock()
  const calls: string[] = []
  const ends: string[] = []
  const admin = new Map<string, 'enabled' | 'disabled'>()
  const observe = async (names: readonly string[]): Promise<ObserveResult> => {
    calls.push('read')
    await clock.sleep(CALL_MS)
    return { ok: true, interfaces: new Map(names.map((name) => [name, { present: true, admin: admin.get(name) ?? 'enabled', registered: null, path: null }])) }
  }
  const one = async (change: Change): Promise<ApplyResult> => {
    const refused = await change.permit()
    const result = refused ?? end(change)
    if (result.ok) admin.set(change.interface, change.desired)
    return result
  }
  const driver: GatewayDriver = {
    observe,
    apply: async (changes) => {
      calls.push(changes.map(({ interface: name, desired }) => `${desired} ${name}`).join(', '))
      const [results] = await Promise.all([Promise.all(changes.map(one)), clock.sleep(CALL_MS)])
      return results
    },
    condition: async (signal) => {
      calls.push('condition')
      await clock.sleep(20 * CALL_MS, signal)
      return signal.aborted ? { ok: false, reason: 'aborted', detail: '', effect: 'none' } : { ok: true, condition: { alarms: 0, registrationFailed: false, resetRequired: null, role: null } }
    },
    reregister: async (name): Promise<{ ok: true } | DriverFailure> => { calls.push(`reregister ${name}`); return { ok: true } },
    close: async () => {}
  }
  const over = new AbortController()
  const executor = createExecutor({ clock, log: silent, metrics: unmeasured }, {
    observed: () => {},
    applied: (_gateway, name, _desired, result, decision) => { ends.push(`${decision} ${name} ${result.ok ? 'ok' : result.reason} at ${clock.now() - startMs} ms`) },
    conditioned: (_gateway, condition) => { ends.push(condition === null ? 'no condition' : `condition at ${clock.now() - startMs} ms`) },
    reregistered: () => {}
  }, over.signal)
  const startMs = clock.now()
  const names = Array.from({ length: 40 }, (_, index) => `SIP${index + 1}`)
  executor.update([{ id: 'pbx-a', driver, timeoutMs: 2000, interfaces: names }])
  return { clock, executor, calls, ends, names }
}

const STORED = Promise.resolve(true)

test('25 changes of one gateway take the time of one: one call, one reading, an end for each', async (t) => {
  const { clock, executor, calls, ends, names } = createRig()
  for (const [index, name] of names.slice(0, 25).entries()) executor.apply('pbx-a', name, 'disabled', `d${index}`, null, STORED)
  await clock.advance(1000)
  t.same([calls.length, calls[0]?.split(', ').length, calls[1]], [2, 25, 'read'])
  t.same(ends, names.slice(0, 25).map((name, index) => `d${index} ${name} ok at ${2 * CALL_MS} ms`))
})

test('what comes while a call is under way goes together after it', async (t) => {
  const { clock, executor, calls, ends } = createRig()
  executor.apply('pbx-a', 'SIP1', 'disabled', 'd1', null, STORED)
  await clock.advance(10)
  executor.apply('pbx-a', 'SIP2', 'disabled', 'd2', null, STORED)
  executor.apply('pbx-a', 'SIP3', 'disabled', 'd3', null, STORED)
  await clock.advance(1000)
  t.same(calls, ['disabled SIP1', 'read', 'disabled SIP2, disabled SIP3', 'read'])
  t.same(ends.map((text) => text.split(' ')[0]), ['d1', 'd2', 'd3'])
})

test('two changes of one interface, and what follows a call to register anew, keep their order', async (t) => {
  const { clock, executor, calls } = createRig()
  executor.apply('pbx-a', 'SIP1', 'disabled', 'd1', null, STORED)
  executor.apply('pbx-a', 'SIP2', 'disabled', 'd2', null, STORED)
  executor.apply('pbx-a', 'SIP1', 'enabled', 'd3', null, STORED)
  executor.reregister('pbx-a', 'SIP2', 'd4')
  executor.apply('pbx-a', 'SIP3', 'disabled', 'd5', null, STORED)
  await clock.advance(2000)
  t.same(calls, ['disabled SIP1, disabled SIP2', 'read', 'enabled SIP1', 'read', 'reregister SIP2', 'disabled SIP3', 'read'])
})

test('more than a call can carry waits for the next one', async (t) => {
  const { clock, executor, calls, ends, names } = createRig()
  for (const name of names) executor.apply('pbx-a', name, 'disabled', name, null, STORED)
  await clock.advance(2000)
  t.same(calls.map((call) => call.split(', ').length), [32, 1, 8, 1])
  t.equal(ends.length, 40)
})

test('what is not on disk, is too old, or is refused holds up no other change', async (t) => {
  const { clock, executor, ends } = createRig(({ interface: name }) => name === 'SIP3' ? { ok: false, reason: 'line-masked', detail: '', effect: 'none' } : { ok: true, activated: true })
  executor.apply('pbx-a', 'SIP1', 'disabled', 'not-stored', null, Promise.resolve(false))
  executor.apply('pbx-a', 'SIP2', 'enabled', 'too-old', clock.now() - 1, STORED)
  executor.apply('pbx-a', 'SIP3', 'disabled', 'refused', null, STORED)
  executor.apply('pbx-a', 'SIP4', 'disabled', 'good', null, STORED)
  await clock.advance(1000)
  t.same(ends.sort(), [`good SIP4 ok at ${2 * CALL_MS} ms`, `refused SIP3 line-masked at ${CALL_MS} ms`, 'too-old SIP2 aborted at 0 ms'])
})

test('a change that is never seen fails by itself, the others have ended before', async (t) => {
  const { clock, executor, ends } = createRig()
  executor.apply('pbx-a', 'SIP41', 'disabled', 'unseen', null, STORED)
  executor.apply('pbx-a', 'SIP1', 'disabled', 'seen', null, STORED)
  await clock.advance(10_000)
  t.equal(ends[0], `seen SIP1 ok at ${2 * CALL_MS} ms`)
  t.match(ends[1], /^unseen SIP41 no-effect at 2\d\d\d ms$/)
})

test('a driver that throws has ended all of its changes, outcome unknown', async (t) => {
  const { clock, executor, ends } = createRig(() => { throw new Error('a bug') })
  executor.apply('pbx-a', 'SIP1', 'disabled', 'd1', null, STORED)
  executor.apply('pbx-a', 'SIP2', 'disabled', 'd2', null, STORED)
  await clock.advance(1000)
  t.match(ends, [/^d1 SIP1 local-error/, /^d2 SIP2 local-error/])
})

test('what a gateway says about itself is read when nothing else has to be done, and holds up nothing', async (t) => {
  const { clock, executor, calls, ends } = createRig()
  executor.askCondition('pbx-a')
  await clock.advance(10)
  executor.apply('pbx-a', 'SIP1', 'disabled', 'd1', null, STORED)
  await clock.advance(2000)
  t.same(ends, [`d1 SIP1 ok at ${10 + 2 * CALL_MS} ms`], 'the change went at once; nobody hears of the reading that it ended')
  executor.askCondition('pbx-a')
  await clock.advance(2000)
  t.same([ends.length, ends[1]], [2, 'condition at 3010 ms'])
  t.same(calls, ['condition', 'disabled SIP1', 'read', 'condition'])
})
