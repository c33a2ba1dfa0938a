/** Shared trunks: all members are on; one that fails is taken out while another one carries, and put back when it is well. */
import { test } from 'tap'
import type { TrunkOrder } from '../../src/core/operator.ts'
import { planTrunk } from '../../src/core/planner.ts'
import type { TrunkTopology } from '../../src/core/topology.ts'
import { A, B, buildAlert, buildInterface, buildWorld, C, NOW, SECOND, TELLS_ALL } from '../helpers/build-world.ts'
import type { WorldParts } from '../helpers/build-world.ts'
import { createModelTrunk } from '../helpers/model-trunk.ts'
import type { Death, ModelTrunk } from '../helpers/model-trunk.ts'

const KEYS: Readonly<Record<string, string>> = { 'pbx-a': A, 'pbx-b': B, 'pbx-c': C }
const order = (verb: 'failback' | 'adopt' | 'reassert' | 'unpin'): TrunkOrder => ({ verb, trunk: 'acme' })
const switchoverTo = (to: string): TrunkOrder => ({ verb: 'switchover', trunk: 'acme', to, override: [], knownOff: [], force: false })

/** All interfaces are on and well. @param trunk - what is different */
function shared (trunk: Partial<TrunkTopology> = {}, parts: WorldParts = {}): ModelTrunk {
  const keys = (parts.names ?? ['pbx-a', 'pbx-b']).map((name) => KEYS[name] ?? name)
  const model = createModelTrunk({
    ...parts,
    onSecond: 'coexist',
    resyncs: true,
    trunk: { type: 'shared', failback: { policy: 'automatic', window: null, drainMs: null }, ...trunk },
    interfaces: Object.fromEntries(keys.map((key) => [key, buildInterface(true)])),
    state: { members: keys, wanted: null, activeHistory: [], ...parts.state }
  })
  for (const key of keys) model.sides[key]!.on = model.sides[key]!.runs = true
  return model
}

const failing = (): ModelTrunk => {
  const model = shared()
  model.sides[A]!.path = false
  model.fire([buildAlert('pbx-a')])
  return model
}

test('one that fails is taken out, the other one is not touched', (t) => {
  const model = failing()
  model.pass(60)
  t.same(model.sent, [`disabled ${A}`])
  t.same([model.ended(), model.state().out, model.state().debts], [['verified'], [A], []])
  t.end()
})

test('it is put back when it has been well for the hold, by itself or by command', (t) => {
  for (const policy of ['automatic', 'manual'] as const) {
    const model = shared({ failback: { policy, window: null, drainMs: null } })
    model.sides[A]!.path = false
    model.fire([buildAlert('pbx-a')])
    model.pass(60)
    model.sides[A]!.path = true
    model.fire([])
    model.pass(500)
    t.same(model.sent, [`disabled ${A}`], `${policy}: not before the hold is over`)
    model.pass(500)
    t.same(model.sent.slice(1), policy === 'automatic' ? [`enabled ${A}`] : [], policy)
    if (policy === 'manual') {
      t.equal(model.order(order('failback')).ok, true)
      model.pass(60)
      t.same(model.sent.slice(1), [`enabled ${A}`])
    }
    t.same(model.state().out, [])
    t.equal(model.order(order('failback')).ok, false, 'nothing is out any more')
  }
  t.end()
})

test('nothing is taken out without a word of its own evidence, nor when nobody else carries, nor below min_enabled', (t) => {
  const unconfirmed = shared()
  unconfirmed.fire([buildAlert('pbx-a')])
  unconfirmed.pass(60)
  t.same([unconfirmed.sent, unconfirmed.last().vetoes.map((v) => v.interlock)], [[], ['confirm']])

  const both = failing()
  both.sides[B]!.path = false
  both.fire([buildAlert('pbx-a'), buildAlert('pbx-b')])
  both.pass(60)
  t.same(both.sent, [])
  t.ok(both.last().vetoes.some((v) => v.interlock === 'no-better'))

  const least = shared({ minEnabled: 2 }, { names: ['pbx-a', 'pbx-b', 'pbx-c'] })
  least.sides[A]!.path = false
  least.fire([buildAlert('pbx-a')])
  least.pass(60)
  t.same(least.sent, [`disabled ${A}`], 'two of three stay')
  least.sides[B]!.path = false
  least.fire([buildAlert('pbx-a'), buildAlert('pbx-b')])
  least.pass(60)
  t.same([least.sent, least.last().vetoes.map((v) => v.interlock)], [[`disabled ${A}`], ['min-enabled']])
  t.end()
})

test('a silent gateway is left alone and owes nothing', (t) => {
  const model = shared()
  model.sides[A]!.answers = model.sides[A]!.sip = false
  model.fire([buildAlert('pbx-a')])
  model.pass(600)
  t.same([model.sent, model.state().debts, model.last().vetoes], [[], [], []])
  model.sides[A]!.answers = model.sides[A]!.sip = true
  model.fire([])
  model.pass(60)
  t.same([model.sent, model.state().drift], [[], null])
  t.end()
})

test('what is out comes in first when the last one fails: make before break', (t) => {
  const model = failing()
  model.pass(60)
  model.sides[A]!.path = true
  model.sides[B]!.path = false
  model.fire([buildAlert('pbx-b')])
  model.pass(120)
  t.same(model.sent, [`disabled ${A}`, `enabled ${A}`, `disabled ${B}`])
  t.same(model.state().out, [B])

  const dead = failing()
  dead.pass(60)
  dead.sides[A]!.path = true
  dead.sides[B]!.answers = dead.sides[B]!.sip = false
  dead.fire([buildAlert('pbx-b')])
  dead.pass(120)
  t.same(dead.sent, [`disabled ${A}`, `enabled ${A}`], 'nobody can take the dead one out')
  t.same([dead.state().out, dead.state().debts], [[], []])
  t.end()
})

test('what is put back and does not register is taken out again; three times, then by command only', (t) => {
  const model = failing()
  model.pass(60)
  model.sides[A]!.path = true
  model.sides[A]!.registers = false
  model.fire([])
  model.pass(4 * 3600)
  t.same(model.sent, [`disabled ${A}`, ...Array.from({ length: 3 }, () => [`enabled ${A}`, `disabled ${A}`]).flat()])
  t.same([model.state().out, model.state().failedFailbacks], [[A], 3])
  t.end()
})

test('a person who switches one off is not fought: adopt takes it so, reassert undoes it', (t) => {
  for (const verb of ['adopt', 'reassert'] as const) {
    const model = shared()
    model.pass(5)
    model.sides[A]!.on = model.sides[A]!.runs = false
    model.pass(120)
    t.same([model.sent, model.state().drift === null], [[], false])
    t.equal(model.order(order(verb)).ok, true)
    model.pass(120)
    t.same(model.sent, verb === 'adopt' ? [] : [`enabled ${A}`], verb)
    t.same([model.state().members, model.state().out, model.state().drift], [verb === 'adopt' ? [B] : [A, B], [], null])
  }
  t.end()
})

test('reassert takes out what a person has switched on', (t) => {
  const model = failing()
  model.pass(60)
  model.sides[A]!.on = model.sides[A]!.runs = true
  model.fire([])
  model.sides[A]!.path = true
  model.pass(60)
  t.same([model.sent.length, model.state().drift === null], [1, false])
  model.order(order('reassert'))
  model.pass(60)
  t.same(model.sent, [`disabled ${A}`, `disabled ${A}`])
  t.end()
})

test('the first reads make the members: who is off then is never touched', (t) => {
  const first = createModelTrunk({ onSecond: 'coexist', trunk: { type: 'shared' }, state: { baseline: 'unset', wanted: null } })
  first.pass(120)
  t.same([first.state().baseline, first.state().members, first.sent], ['adopted', [A], []])
  const none = shared({ minEnabled: 2 }, { state: { baseline: 'unset', members: [] } })
  none.sides[B]!.on = none.sides[B]!.runs = false
  none.pass(60)
  t.same([none.state().baseline, none.sent], ['unclear', []])
  none.order(order('adopt'))
  t.same(none.state().members, [A])
  t.end()
})

test('by command: one interface alone, then all of them again', (t) => {
  const model = shared({}, { names: ['pbx-a', 'pbx-b', 'pbx-c'] })
  model.pass(5)
  t.equal(model.order(switchoverTo(B)).ok, true)
  model.pass(60)
  t.same([model.sent, model.state().out, model.state().request], [[`disabled ${A}`, `disabled ${C}`], [A, C], null])
  t.match(model.order(switchoverTo(B)), { ok: false, detail: /on pbx-b\/SIP1 already/ })
  t.equal(model.order(order('failback')).ok, true)
  model.pass(120)
  t.same([model.sent.slice(2), model.state().out, model.state().request], [[`enabled ${A}`, `enabled ${C}`], [], null])
  t.end()
})

test('a pinned interface is not taken out', (t) => {
  const model = failing()
  t.equal(model.order({ verb: 'pin', trunk: 'acme', interface: A, untilMs: null }).ok, true)
  model.pass(120)
  t.same(model.sent, [])
  model.order(order('unpin'))
  model.pass(60)
  t.same(model.sent, [`disabled ${A}`])
  t.end()
})

test('wherever the process dies, the trunk is never left without an interface and ends as without the death', (t) => {
  let deaths = 0
  for (const how of ['before-sending', 'half-way', 'after-sending'] as const satisfies readonly Death[]) {
    for (let step = 1; step <= 12; step++) {
      const model = failing()
      model.dieAt(step, how)
      model.pass(90)
      model.sides[A]!.path = true
      model.sides[B]!.path = false
      model.fire([buildAlert('pbx-b')])
      for (let second = 0; second < 400; second++) {
        model.pass(1)
        if (!model.sides[A]!.on && !model.sides[B]!.on) t.fail(`nothing is on: ${how} at ${step}`)
      }
      t.same([model.sides[A]!.on, model.sides[B]!.on, model.state().drift], [true, false, null], `${how} at ${step}`)
      deaths++
    }
  }
  t.equal(deaths, 36)
  t.end()
})

test('a plan that is carried out plans to nothing, and the same world gives the same plan', (t) => {
  const model = failing()
  model.pass(60)
  const again = planTrunk(model.world(), 'acme', 'x', model.nowMs())
  t.same(again.actions.filter((a) => a.kind === 'apply'), [])
  const world = buildWorld({ trunk: { type: 'shared' }, state: { members: [A], wanted: null }, alerts: [buildAlert('pbx-a')] })
  t.same(planTrunk(world, 'acme', 'x', NOW + SECOND), planTrunk(world, 'acme', 'x', NOW + SECOND))
  t.end()
})

test('what is held about one interface holds none of the others', (t) => {
  const three = { names: ['pbx-a', 'pbx-b', 'pbx-c'] }
  const unconfirmed = shared({}, { ...three, capabilities: { ...TELLS_ALL, persistent: false } })
  unconfirmed.fire([buildAlert('pbx-a')])
  unconfirmed.pass(60)
  unconfirmed.sides[B]!.on = unconfirmed.sides[B]!.runs = false
  unconfirmed.pass(60)
  t.same(unconfirmed.sent, [`enabled ${B}`], 'an alert that nothing confirms')

  const paused = shared({}, { ...three, pauses: [{ scope: 'gateway/pbx-a', actor: 'x', reason: 'm', atMs: NOW, untilMs: null }] })
  paused.sides[A]!.path = false
  paused.fire([buildAlert('pbx-a')])
  paused.pass(60)
  paused.sides[B]!.path = false
  paused.fire([buildAlert('pbx-a'), buildAlert('pbx-b')])
  paused.pass(60)
  t.same(paused.sent, [`disabled ${B}`], 'a gateway that is paused')

  const least = shared({ minEnabled: 2 }, three)
  least.sides[C]!.path = false
  least.fire([buildAlert('pbx-c')])
  least.pass(60)
  least.sides[C]!.path = true
  least.fire([])
  least.pass(30)
  least.sides[A]!.path = false
  least.fire([buildAlert('pbx-a')])
  least.pass(1800)
  t.same(least.sent, [`disabled ${C}`, `enabled ${C}`, `disabled ${A}`], 'min_enabled')
  t.end()
})

test('whom a person puts in belongs to the trunk from then on', (t) => {
  const model = shared({}, { names: ['pbx-a', 'pbx-b', 'pbx-c'], state: { members: [A, B] } })
  model.sides[C]!.on = model.sides[C]!.runs = false
  model.pass(30)
  t.equal(model.order(switchoverTo(C)).ok, true)
  model.pass(300)
  t.same([model.sent, model.state().members, model.state().out], [[`enabled ${C}`, `disabled ${A}`, `disabled ${B}`], [A, B, C], [A, B]])
  t.end()
})

test('a gateway that answers with errors only is left alone, and replaced by what was taken out', (t) => {
  const model = shared({}, { names: ['pbx-a', 'pbx-b', 'pbx-c'], state: { out: [C] } })
  model.sides[C]!.on = model.sides[C]!.runs = false
  model.pass(5)
  Object.assign(model.sides[A]!, { readError: true, sip: false })
  Object.assign(model.sides[B]!, { answers: false, sip: false })
  model.fire([buildAlert('pbx-a'), buildAlert('pbx-b')])
  model.pass(300)
  t.same(model.sent, [`enabled ${C}`])
  t.end()
})

test('an abort takes out again what is being put in', (t) => {
  const model = failing()
  model.pass(60)
  model.sides[A]!.path = true
  model.fire([])
  model.pass(20)
  model.sides[A]!.registers = false
  t.equal(model.order(order('failback')).ok, true)
  model.pass(5)
  t.equal(model.order({ verb: 'abort', trunk: 'acme' }).ok, true)
  model.pass(60)
  t.same([model.sent.slice(1), model.ended().at(-1), model.state().out], [[`enabled ${A}`, `disabled ${A}`], 'aborted', [A]])
  t.end()
})
