/** Moves that must happen although something beside them is wrong, and proofs that must not be taken too early. */
import { test } from 'tap'
import { planTrunk } from '../../src/core/planner.ts'
import { takeBack } from '../../src/core/take-back.ts'
import { recordObservation } from '../../src/core/observe.ts'
import { A, B, buildAlert, buildInterface, buildWorld, C, CARRIER, DOWN, MINUTE, NOW, ownEyes, SECOND, sipOf, TELLS_ALL } from '../helpers/build-world.ts'
import { createModelTrunk } from '../helpers/model-trunk.ts'

test('after a restart a gateway that was well when its state was stored may have lived until now', (t) => {
  const model = createModelTrunk({ rules: [ownEyes(0)], onSecond: 'reject' })
  model.pass(60)
  const storedMs = model.nowMs() - 60 * MINUTE
  model.change((state) => ({ ...state, interfaces: { ...state.interfaces, [A]: { ...state.interfaces[A]!, lastLifeAtMs: storedMs } } }))
  model.restart()
  const startMs = model.nowMs()
  Object.assign(model.sides[A]!, { answers: false, sip: false, path: false })
  for (let second = 0; second < 600 && model.sent.length === 0; second++) model.pass(1)
  t.same(model.sent, [`enabled ${B}`])
  t.ok(model.nowMs() - startMs >= 330 * SECOND, `not before expires + 10 % (${(model.nowMs() - startMs) / 1000} s)`)
  t.end()
})

test('a silence that was stored goes on counting over a restart', (t) => {
  const model = createModelTrunk({ rules: [ownEyes(0)], onSecond: 'reject' })
  model.pass(60)
  Object.assign(model.sides[A]!, { answers: false, sip: false, path: false })
  const deadMs = model.nowMs()
  model.pass(200)
  model.restart()
  for (let second = 0; second < 600 && model.sent.length === 0; second++) model.pass(1)
  t.ok(model.nowMs() - deadMs >= 330 * SECOND)
  t.ok(model.nowMs() - deadMs < 400 * SECOND, `${(model.nowMs() - deadMs) / 1000} s`)
  t.end()
})

test('a carrier target that has never answered, or was not asked for long, holds nothing', (t) => {
  for (const change of [{ everUp: false, verdict: 'unknown', failures: 5000 }, { verdict: 'up', failures: 1, atMs: NOW - 60 * MINUTE }] as const) {
    const world = buildWorld({ alerts: [buildAlert('pbx-a')], evidence: { [CARRIER]: { ...change, successes: 0 }, [sipOf(A)]: DOWN } })
    const step = planTrunk(world, 'acme', 'd', NOW)
    t.same([step.vetoes, step.waits.map((w) => w.reason), step.state.inFlight?.to], [[], ['read-back'], B])
  }
  t.end()
})

test('with a third interface: where the first refuge is paused, or has just been refuted, the next one is gone to', (t) => {
  const names = ['pbx-a', 'pbx-b', 'pbx-c']
  const paused = createModelTrunk({ names, rules: [ownEyes(0)], onSecond: 'replace', pauses: [{ scope: 'gateway/pbx-b', actor: 'x', reason: 'm', atMs: NOW, untilMs: null }] })
  paused.pass(10)
  paused.sides[A]!.path = false
  paused.pass(60)
  t.same(paused.sent, [`disabled ${A}`, `enabled ${C}`])

  const refused = createModelTrunk({ names, rules: [ownEyes(0)], onSecond: 'replace' })
  refused.sides[B]!.registers = false
  refused.pass(10)
  refused.sides[A]!.path = false
  refused.pass(20 * 60)
  t.equal(refused.state().wanted, C)
  t.ok(refused.sides[C]!.on && !refused.sides[A]!.on && !refused.sides[B]!.on, refused.sent.join(', '))
  t.same(refused.unsafe, [])
  t.end()
})

test('a gateway that answers with errors only is told to be in the way, and keeps no order waiting', (t) => {
  const model = createModelTrunk({ rules: [ownEyes(0)], onSecond: 'replace' })
  model.pass(10)
  Object.assign(model.sides[A]!, { readError: true, sip: false })
  model.pass(300)
  t.match(model.last().vetoes, [{ interlock: 'exclusive', detail: /can't be read or commanded \(http-status\)/ }])
  t.same(model.sent, [])
  t.match(model.order({ verb: 'switchover', trunk: 'acme', to: B, override: [], knownOff: [], force: false }), { ok: false, detail: /exclusive/ })
  t.end()
})

test('a trunk that never came to its pinned interface is not left without any', (t) => {
  const model = createModelTrunk({ onSecond: 'replace', capabilities: { ...TELLS_ALL, persistent: false }, state: { pin: { interface: B, actor: 'anna', reason: 'x', atMs: NOW, untilMs: null } } })
  model.pass(10)
  model.sides[A]!.on = model.sides[A]!.runs = false
  model.pass(120)
  t.same(model.sent, [`enabled ${A}`])
  t.end()
})

test('the end of a pin wakes the planner', (t) => {
  const untilMs = NOW + 10 * MINUTE
  const world = buildWorld({ state: { pin: { interface: A, actor: 'anna', reason: 'x', atMs: NOW, untilMs } } })
  t.equal(planTrunk(world, 'acme', 'd', NOW).wakeAtMs, untilMs)
  t.end()
})

test('what changed at a gateway while a switchover seemed to be under way is judged when that is taken back', (t) => {
  const world = buildWorld({ alerts: [buildAlert('pbx-a')], evidence: { [sipOf(A)]: DOWN } })
  const before = world.trunks.get('acme')!
  const { state: planned } = planTrunk(world, 'acme', 'd', NOW)
  t.type(planned.inFlight, 'object')
  const can = world.topology.trunks.get('acme')!.interfaces[1]!.capabilities
  const on = { present: true, admin: 'enabled', registered: true, path: 'up' } as const
  const back = takeBack(before, planned, recordObservation(can, planned, B, on, NOW + SECOND))
  t.equal(recordObservation(can, back, B, on, NOW + 2 * SECOND).drift?.detail, `${B} was switched on by somebody else`)
  t.end()
})

test('an interface that is off since it was seen first owes nothing to a late command', (t) => {
  const model = createModelTrunk({ interfaces: { [B]: buildInterface(false) } })
  model.pass(30)
  t.same([model.sent, model.state().drift, model.state().debts], [[], null, []])
  t.end()
})
