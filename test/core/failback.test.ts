/** The way back: when an automatic one begins, that it is a trial, and that planned moves wait for calls. */
import { test } from 'tap'
import { giveOrder } from '../../src/core/operator.ts'
import type { Failback } from '../../src/core/topology.ts'
import { A, B, buildAlert, buildInterface, MINUTE, NOW, ruleOf, SECOND, TELLS_ALL } from '../helpers/build-world.ts'
import type { WorldParts } from '../helpers/build-world.ts'
import { createModelTrunk } from '../helpers/model-trunk.ts'
import type { ModelTrunk } from '../helpers/model-trunk.ts'

/** The trunk is on B since an hour; A is well, and the carrier lets B's registration be replaced. */
function onB (failback: Partial<Failback> = {}, parts: WorldParts = {}): ModelTrunk {
  return createModelTrunk({
    onSecond: 'replace',
    resyncs: true,
    capabilities: { ...TELLS_ALL, reportsCalls: true },
    interfaces: { [A]: buildInterface(false), [B]: buildInterface(true) },
    ...parts,
    trunk: { failback: { policy: 'automatic', window: null, drainMs: 2 * MINUTE, ...failback }, ...parts.trunk },
    state: { wanted: B, activeHistory: [{ interface: B, fromMs: NOW - 60 * MINUTE }], movedAtMs: NOW - 60 * MINUTE, movesAtMs: [NOW - 60 * MINUTE], ...parts.state }
  })
}
const minutes = (n: number): number => n * 60
const there = (model: ModelTrunk): unknown[] => [model.state().wanted, model.ended()]
const vetoes = (model: ModelTrunk): string[] => model.last().vetoes.map((v) => v.interlock)
const waits = (model: ModelTrunk): string[] => model.last().waits.map((w) => w.reason)

test('it goes back once A has been well for the hold', (t) => {
  const model = onB()
  model.pass(minutes(10) - 5)
  t.same(there(model), [B, []])
  t.same(vetoes(model), ['hold'])
  model.pass(30)
  t.same(there(model), [A, ['verified']])
  t.equal(model.notes.find((n) => n.type === 'admitted')?.data['cause'], 'failback')
  t.same(model.unsafe, [])
  model.pass(minutes(60))
  t.same(there(model), [A, ['verified']], 'and nothing more')
  t.end()
})

test('a bad minute begins the hold anew', (t) => {
  const model = onB()
  model.pass(minutes(9))
  Object.assign(model.sides[A] ?? {}, { path: false })
  model.pass(60)
  Object.assign(model.sides[A] ?? {}, { path: true })
  model.pass(minutes(9))
  t.same(there(model), [B, []])
  model.pass(minutes(2))
  t.same(there(model), [A, ['verified']])
  t.end()
})

test('an alert that names A holds it, be it silenced or disputed', (t) => {
  for (const change of [{}, { suppressed: true }, { disputed: true }]) {
    const model = onB()
    model.fire([buildAlert('pbx-a', change)])
    model.pass(minutes(30))
    t.same(there(model), [B, []], JSON.stringify(change))
    model.fire([])
    model.pass(minutes(9))
    t.same(there(model), [B, []])
    model.pass(minutes(2))
    t.same(there(model), [A, ['verified']])
  }
  t.end()
})

test('manual and never are what they say', (t) => {
  for (const policy of ['manual', 'never'] as const) {
    const model = onB({ policy })
    model.pass(minutes(120))
    t.same(there(model), [B, []], policy)
    t.same(model.notes, [])
  }
  t.end()
})

test('a trial that is not verified goes back at once; the hold grows; after three it is manual', (t) => {
  const model = onB({}, { interlocks: { latch: { switchovers: 99, perMs: MINUTE } } })
  Object.assign(model.sides[A] ?? {}, { registers: false })
  model.pass(minutes(12))
  t.same(there(model), [B, ['rolled-back']])
  t.equal(model.state().failedFailbacks, 1)
  const trials: number[] = []
  for (let minute = 12; minute < 300; minute++) {
    const before = model.ended().length
    model.pass(60)
    if (model.ended().length > before) trials.push(minute)
  }
  t.same(model.ended(), ['rolled-back', 'rolled-back', 'rolled-back'])
  t.ok(trials.length === 2 && (trials[0] ?? 0) >= 30 && (trials[0] ?? 0) <= 33, `20 min after the first: ${trials.join(', ')}`)
  t.ok((trials[1] ?? 0) - (trials[0] ?? 0) >= 40 && (trials[1] ?? 0) - (trials[0] ?? 0) <= 42, `40 min after the second: ${trials.join(', ')}`)
  t.same([model.state().wanted, model.sides[B]?.on, model.sides[A]?.on], [B, true, false])
  t.ok(model.state().latch, 'three that did not help latch the trunk, too')
  Object.assign(model.sides[A] ?? {}, { registers: true })
  const desk = { decision: 'x', actor: 'anna', reason: 'mended', atMs: model.nowMs() }
  const answer = giveOrder(model.world(), { verb: 'ack', trunk: 'acme' }, desk)
  if (answer?.ok !== true) throw new Error('ack was refused')
  model.change(answer.change)
  model.pass(minutes(12))
  t.same(model.ended().at(-1), 'verified', 'after ack')
  t.same(model.unsafe, [])
  t.end()
})

test('nobody can say whether A is registered: automation takes it back, a person\'s order stays', (t) => {
  const mute = { capabilities: { ...TELLS_ALL, reportsCalls: true, reportsRegistration: false } }
  const model = onB({}, mute)
  model.pass(minutes(12))
  t.same(there(model), [B, ['rolled-back']])
  const ordered = onB({ policy: 'manual' }, mute)
  ordered.pass(5)
  const answer = giveOrder(ordered.world(), { verb: 'failback', trunk: 'acme' }, { decision: 'x', actor: 'anna', reason: 'x', atMs: ordered.nowMs() })
  if (answer?.ok !== true) throw new Error('failback was refused')
  ordered.change(answer.change)
  ordered.pass(60)
  t.same(there(ordered), [A, ['unverifiable']])
  t.end()
})

test('only within its window', (t) => {
  // NOW is midnight UTC.
  const model = onB({ window: { fromMinute: 120, toMinute: 300, timezone: 'UTC' }, drainMs: null })
  model.pass(minutes(30))
  t.same(there(model), [B, []])
  t.match(model.last().waits, [{ reason: 'window', untilMs: NOW + 120 * MINUTE }])
  t.notOk(model.last().actions.some((action) => action.kind === 'observe'), 'hours of waiting are no time of change')
  model.pass(minutes(89))
  t.same(there(model), [B, []])
  model.pass(minutes(2))
  t.same(there(model), [A, ['verified']])
  t.end()
})

test('the window is over before A is well: not today', (t) => {
  const model = onB({ window: { fromMinute: 0, toMinute: 15, timezone: 'UTC' }, drainMs: null })
  Object.assign(model.sides[A] ?? {}, { path: false })
  model.pass(minutes(8))
  Object.assign(model.sides[A] ?? {}, { path: true })
  model.pass(minutes(60))
  t.same(there(model), [B, []])
  t.same(waits(model), ['window'])
  t.end()
})

test('a preferred B is no place to go back from', (t) => {
  const model = onB({}, { rules: [ruleOf('disable'), ruleOf('prefer', 'probe', 'Maintenance')] })
  model.fire([buildAlert('pbx-b', { labels: { alertname: 'Maintenance', trunk: 'acme', gateway: 'pbx-b' } })])
  model.pass(minutes(60))
  t.same(there(model), [B, []])
  model.fire([])
  model.pass(minutes(1))
  t.same(there(model), [A, ['verified']], 'A has been well all the time')
  t.end()
})

test('without a path proof, or a count of the calls that it waits for, it does not go back by itself', (t) => {
  for (const parts of [{ reportsPath: false }, { reportsCalls: false }]) {
    const model = onB({}, { capabilities: { ...TELLS_ALL, reportsCalls: true, ...parts }, evidence: parts.reportsPath === false ? { [`path ${A}`]: null, [`path ${B}`]: null } : {} })
    model.pass(minutes(60))
    t.same(there(model), [B, []])
    t.same(vetoes(model), ['hold'])
  }
  t.end()
})

/** B has calls, and the time for A to go back has come. */
function draining (calls: number, parts: WorldParts = {}): ModelTrunk {
  const model = onB({}, parts)
  Object.assign(model.sides[B] ?? {}, { calls })
  model.pass(minutes(10) + 5)
  return model
}

test('it waits until the last call has ended', (t) => {
  const model = draining(2)
  t.match(model.last().waits, [{ reason: 'draining', detail: `${B} has 2 calls` }])
  t.same(model.sent, [])
  Object.assign(model.sides[B] ?? {}, { calls: 1 })
  model.pass(60)
  t.match(model.last().waits, [{ detail: `${B} has 1 call` }])
  t.same(model.sent, [])
  Object.assign(model.sides[B] ?? {}, { calls: 0 })
  model.pass(20)
  t.same(there(model), [A, ['verified']])
  t.end()
})

test('it waits for so long only', (t) => {
  const model = draining(2)
  model.pass(110)
  t.same(model.sent, [])
  model.pass(30)
  t.same(there(model), [A, ['verified']])
  t.equal(model.notes.find((n) => n.type === 'admitted')?.data['drained'], 'its time is over')
  t.end()
})

test('B dies while its calls are waited for: nobody waits any longer', (t) => {
  const model = draining(2)
  Object.assign(model.sides[B] ?? {}, { sip: false })
  model.pass(15)
  t.same(there(model), [A, ['verified']])
  t.end()
})

test('A dies while calls are waited for: B stays, and that was no failed trial', (t) => {
  const model = draining(2)
  Object.assign(model.sides[A] ?? {}, { path: false })
  model.pass(30)
  t.same(there(model), [B, []])
  t.same([model.sent, model.state().failedFailbacks], [[], 0])
  t.end()
})

test('an abort while calls are waited for leaves all as it was', (t) => {
  const model = draining(2)
  t.equal(model.order({ verb: 'abort', trunk: 'acme' }).ok, true)
  Object.assign(model.sides[B] ?? {}, { calls: 0 })
  model.pass(60)
  t.same([there(model), model.sent, vetoes(model)], [[B, []], [], ['paused']])
  t.end()
})

test('all is judged anew while calls are waited for: a pause, a standby that is not ready, one that comes on', (t) => {
  const paused = draining(2)
  paused.order({ verb: 'pin', trunk: 'acme', interface: B, untilMs: null })
  Object.assign(paused.sides[B] ?? {}, { calls: 0 })
  paused.pass(60)
  t.same([there(paused), paused.sent], [[B, []], []], 'pinned meanwhile')

  const unready = draining(2)
  Object.assign(unready.sides[A] ?? {}, { answers: false })
  unready.pass(2)
  Object.assign(unready.sides[B] ?? {}, { calls: 0 })
  unready.pass(5)
  t.same(unready.sent, [], 'what works is not disabled before the standby has been read')

  const overlap = draining(2)
  Object.assign(overlap.sides[A] ?? {}, { on: true, runs: true })
  overlap.pass(10)
  t.ok(overlap.state().drift !== null || overlap.sent.includes(`disabled ${A}`), 'an overlap is told or undone at once')
  t.end()
})

test('the process dies while calls are waited for: all is waited for anew', (t) => {
  for (const left of [0, 2]) {
    const model = draining(2)
    model.restart()
    Object.assign(model.sides[B] ?? {}, { calls: left })
    model.pass(minutes(9))
    t.same(there(model), [B, []], 'A has to be seen well for the hold, as after every restart')
    model.pass(minutes(4))
    t.same(there(model), [A, ['verified']])
    t.same(model.unsafe, [])
  }
  t.end()
})

test('an order waits, too, unless it is forced', (t) => {
  const order = (force: boolean): ModelTrunk => {
    const model = onB({ policy: 'manual' })
    Object.assign(model.sides[B] ?? {}, { calls: 1 })
    model.pass(5)
    const answer = giveOrder(model.world(), { verb: 'switchover', trunk: 'acme', to: A, override: [], knownOff: [], force }, { decision: 'x', actor: 'anna', reason: 'x', atMs: model.nowMs() })
    if (answer?.ok !== true) throw new Error('the order was refused')
    model.change(answer.change)
    model.pass(5)
    return model
  }
  t.same(waits(order(false)), ['draining'])
  t.same(there(order(true)), [A, ['verified']])
  t.end()
})

test('a move that is needed waits for nobody\'s call', (t) => {
  const model = onB({}, { rules: [ruleOf('disable')] })
  Object.assign(model.sides[B] ?? {}, { calls: 5 })
  model.pass(5)
  Object.assign(model.sides[B] ?? {}, { path: false })
  model.fire([buildAlert('pbx-b')])
  model.pass(15)
  t.same(there(model), [A, ['verified']])
  t.ok(model.nowMs() - NOW < 30 * SECOND)
  t.end()
})
