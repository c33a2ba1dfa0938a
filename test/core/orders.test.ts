/** Orders stepped through a model: what a trunk comes to, whenever they are given and whatever fails then. */
import { test } from 'tap'
import type { TrunkOrder } from '../../src/core/operator.ts'
import { A, B, buildAlert, TELLS_LITTLE } from '../helpers/build-world.ts'
import type { WorldParts } from '../helpers/build-world.ts'
import { createModelTrunk } from '../helpers/model-trunk.ts'
import type { ModelTrunk } from '../helpers/model-trunk.ts'

const toB: TrunkOrder = { verb: 'switchover', trunk: 'acme', to: B, override: [], knownOff: [], force: false }
const abort: TrunkOrder = { verb: 'abort', trunk: 'acme' }
const where = (model: ModelTrunk): readonly unknown[] => [model.sides[A]?.on, model.sides[B]?.on, model.state().wanted, model.state().inFlight]
const ON_A = [true, false, A, null]
const ON_B = [false, true, B, null]

/** The order is given and the trunk is about to move. */
function moving (parts: WorldParts): ModelTrunk {
  const model = createModelTrunk({ onSecond: 'replace', ...parts })
  model.pass(2)
  const answer = model.order(toB)
  if (!answer.ok) throw new Error(answer.detail)
  return model
}

for (const [kind, parts] of [['tells everything', {}], ['tells little', { capabilities: TELLS_LITTLE }]] as const) {
  test(`an abort at any step, of a gateway that ${kind}: A is on again, and never both`, (t) => {
    const clean = moving(parts)
    const before = clean.steps()
    clean.pass(60)
    t.same(where(clean), ON_B)
    const steps = clean.steps() - before
    t.ok(steps > 3, `${steps} steps`)
    const results = new Set<string>()
    for (let step = 1; step <= steps; step++) {
      const model = moving(parts)
      model.orderAt(step, abort)
      model.pass(5 * 60)
      // After the last step there is nothing left to abort.
      t.same(where(model), step === steps ? ON_B : ON_A, `step ${step}: ${model.sent.join(', ')}`)
      t.same(model.unsafe, [], `step ${step}`)
      t.same(model.world().pauses, [], 'an order of a person pauses nothing')
      for (const result of model.ended()) results.add(result)
    }
    t.ok(results.has('aborted'), [...results].join(', '))
    t.end()
  })

  test(`an abort and a death at any step, of a gateway that ${kind}: one of both is on`, (t) => {
    for (let step = 1; step <= 4; step++) {
      for (let later = 1; later <= 4; later++) {
        for (const how of ['before-sending', 'after-sending'] as const) {
          const model = moving(parts)
          model.orderAt(step, abort)
          model.dieAt(step + later, how)
          model.pass(5 * 60)
          t.equal([model.sides[A]?.runs, model.sides[B]?.runs].filter(Boolean).length, 1, `abort at ${step}, death ${later} later, ${how}: ${model.sent.join(', ')}`)
          t.same(model.unsafe, [])
          t.equal(model.state().inFlight, null)
        }
      }
    }
    t.end()
  })
}

test('an abort before the first write ends without one', (t) => {
  const model = createModelTrunk({ onSecond: 'replace' })
  model.pass(2)
  Object.assign(model.sides[A] ?? {}, { refuses: true })
  model.order(toB)
  model.pass(1)
  t.equal(model.state().inFlight?.phase, 'disabling')
  model.order(abort)
  const { length } = model.sent
  model.pass(60)
  t.equal(model.sent.length, length, 'nothing more is sent')
  t.same(model.ended(), ['aborted'])
  t.same(where(model), ON_A)
  t.end()
})

test('an abort while the old gateway does not answer: it goes on, since nobody would carry the trunk', (t) => {
  const model = createModelTrunk({ onSecond: 'reject' })
  model.pass(2)
  model.order(toB)
  model.pass(5)
  t.equal(model.state().inFlight?.phase, 'proving')
  Object.assign(model.sides[A] ?? {}, { answers: false, sip: false })
  model.pass(20)
  t.ok(model.order(abort).ok)
  model.pass(400)
  t.same(where(model), ON_B)
  t.same(model.unsafe, [])
  t.end()
})

test('an abort of what an alert began: the trunk is paused with it and stays on A', (t) => {
  const model = createModelTrunk({ onSecond: 'replace', alerts: [buildAlert('pbx-a')] })
  Object.assign(model.sides[A] ?? {}, { path: false })
  model.pass(1)
  for (let second = 0; second < 10 && model.state().inFlight === null; second++) model.pass(1)
  t.not(model.state().inFlight, null)
  t.ok(model.order(abort).ok)
  model.pass(300)
  t.same(where(model), ON_A)
  t.same(model.last().vetoes.map((v) => v.interlock).includes('paused'), true)
  t.end()
})

test('a gateway that is known to be off: B takes over at once, and A owes', (t) => {
  const model = createModelTrunk({ onSecond: 'reject' })
  Object.assign(model.sides[A] ?? {}, { answers: false, sip: false })
  model.pass(10)
  const answer = model.order({ ...toB, knownOff: [A] })
  t.ok(answer.ok, answer.detail)
  model.pass(5)
  t.equal(model.sides[B]?.on, true)
  t.ok(model.nowMs() - model.state().interfaces[A]!.lastLifeAtMs! < 60_000, 'without the wait for the proof')
  model.pass(60)
  t.same([model.state().wanted, model.state().debts.map((d) => d.interface)], [B, [A]])
  Object.assign(model.sides[A] ?? {}, { answers: true, sip: true })
  model.pass(120)
  t.same(where(model), ON_B, 'when it comes back enabled it is switched off')
  t.same(model.state().debts, [])
  t.end()
})

test('a gateway that is known to be off and answers after all is disabled in order', (t) => {
  const model = createModelTrunk({ onSecond: 'reject' })
  Object.assign(model.sides[A] ?? {}, { answers: false, sip: false })
  model.pass(10)
  model.order({ ...toB, knownOff: [A] })
  Object.assign(model.sides[A] ?? {}, { answers: true, sip: true })
  model.pass(500)
  t.same(model.sent.slice(0, 2), [`disabled ${A}`, `enabled ${B}`])
  t.same(model.unsafe, [])
  t.same(where(model), ON_B)
  t.end()
})

test('reassert brings a trunk that a person moved back, by a switchover', (t) => {
  const model = createModelTrunk({ onSecond: 'replace' })
  model.pass(2)
  Object.assign(model.sides[A] ?? {}, { on: false, runs: false })
  Object.assign(model.sides[B] ?? {}, { on: true, runs: true })
  model.pass(5)
  t.not(model.state().drift, null)
  t.same(model.sent, [])
  const answer = model.order({ verb: 'reassert', trunk: 'acme' })
  t.ok(answer.ok, answer.detail)
  model.pass(120)
  t.same(where(model), ON_A)
  t.same(model.sent, [`disabled ${B}`, `enabled ${A}`])
  t.equal(model.state().drift, null)
  t.end()
})

test('reassert switches off what a person switched on beside', (t) => {
  const model = createModelTrunk({ onSecond: 'replace' })
  model.pass(2)
  Object.assign(model.sides[B] ?? {}, { on: true, runs: true })
  model.pass(5)
  t.not(model.state().drift, null)
  t.ok(model.order({ verb: 'reassert', trunk: 'acme' }).ok)
  model.pass(120)
  t.same(where(model), ON_A)
  t.same([model.state().drift, model.state().debts], [null, []])
  t.end()
})

test('reassert switches on what a person switched off', (t) => {
  const model = createModelTrunk({ onSecond: 'replace' })
  model.pass(2)
  Object.assign(model.sides[A] ?? {}, { on: false, runs: false })
  model.pass(5)
  t.not(model.state().drift, null)
  t.ok(model.order({ verb: 'reassert', trunk: 'acme' }).ok)
  model.pass(120)
  t.same(where(model), ON_A)
  t.end()
})

test('in mode observe an overriding order runs to its end, and what it leaves behind is settled; nothing else is', (t) => {
  const model = createModelTrunk({ onSecond: 'reject', trunk: { mode: 'observe' } })
  Object.assign(model.sides[A] ?? {}, { answers: false, sip: false })
  model.pass(10)
  t.not(model.order({ ...toB, knownOff: [A] }).ok, true)
  t.ok(model.order({ ...toB, override: ['mode'], knownOff: [A] }).ok)
  model.pass(60)
  t.same([model.state().wanted, model.state().debts.map((d) => d.ordered)], [B, [true]])
  Object.assign(model.sides[A] ?? {}, { answers: true, sip: true })
  model.pass(120)
  t.same(where(model), ON_B, 'A came back enabled and is switched off')
  const { length } = model.sent
  Object.assign(model.sides[B] ?? {}, { sip: false })
  model.fire([buildAlert('pbx-b')])
  model.pass(120)
  t.equal(model.sent.length, length)
  t.same(model.last().vetoes.map((v) => v.interlock), ['mode'])
  t.end()
})
