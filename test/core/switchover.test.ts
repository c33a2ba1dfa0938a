/** Switchovers stepped through a model: what a trunk comes to, whatever fails on the way. */
import { test } from 'tap'
import { pauseMs } from '../../src/core/debt.ts'
import { fitState } from '../../src/core/durable.ts'
import { adopt } from '../../src/core/operator.ts'
import { planTrunk } from '../../src/core/planner.ts'
import { A, B, buildAlert, buildInterface, buildWorld, C, MINUTE, NOW, QUERY, TELLS_ALL, TELLS_LITTLE } from '../helpers/build-world.ts'
import { newDebt } from '../../src/core/world.ts'
import type { WorldParts } from '../helpers/build-world.ts'
import { createModelTrunk } from '../helpers/model-trunk.ts'
import type { Death, ModelTrunk } from '../helpers/model-trunk.ts'

const alerts = [buildAlert('pbx-a')]
const where = (model: ModelTrunk): readonly unknown[] => [model.sides[A]?.on, model.sides[B]?.on, model.state().wanted, model.state().inFlight]
const ON_B = [false, true, B, null]
const ON_A = [true, false, A, null]
const die = (model: ModelTrunk, key: string): void => { Object.assign(model.sides[key] ?? {}, { answers: false, sip: false }) }
const live = (model: ModelTrunk, key: string): void => { Object.assign(model.sides[key] ?? {}, { answers: true, sip: true }) }

/** A's path is lost, its management answers; an alert says so. */
function pathLost (parts: WorldParts = {}): ModelTrunk {
  const model = createModelTrunk({ onSecond: 'replace', alerts, ...parts })
  Object.assign(model.sides[A] ?? {}, { path: false })
  return model
}
/** A is dead; an alert says so. */
function dead (parts: WorldParts = {}): ModelTrunk {
  const model = createModelTrunk({ alerts, ...parts })
  die(model, A)
  return model
}

test('a switchover that works is applied in full and plans to nothing', (t) => {
  const model = pathLost()
  model.pass(20)
  t.same(where(model), ON_B)
  t.same(model.sent, [`disabled ${A}`, `enabled ${B}`])
  t.same(model.ended(), ['verified'])
  const { length } = model.sent
  model.pass(300)
  t.equal(model.sent.length, length, 'nothing more is sent')
  t.end()
})

const SHOWN: readonly Death[] = ['before-sending', 'after-sending']
const kinds = [
  { name: 'a gateway that tells everything', parts: {}, deaths: SHOWN },
  { name: 'a gateway that tells little', parts: { capabilities: TELLS_LITTLE }, deaths: [...SHOWN, 'half-way'] }
] as const
for (const { name, parts, deaths } of kinds) {
  for (const how of deaths) {
    test(`the process dies at any step, ${how}, with ${name}: the switchover is finished`, (t) => {
      const clean = pathLost(parts)
      if (name !== 'a gateway that tells everything') Object.assign(clean.sides[A] ?? {}, { sip: false })
      clean.pass(60)
      t.same(where(clean), ON_B)
      for (let step = 1; step <= clean.steps(); step++) {
        const model = pathLost(parts)
        if (name !== 'a gateway that tells everything') Object.assign(model.sides[A] ?? {}, { sip: false })
        model.dieAt(step, how)
        model.pass(5 * 60)
        t.same(where(model), ON_B, `step ${step}: ${model.sent.join(', ')}`)
        t.same([model.sides[A]?.runs, model.sides[B]?.runs], [false, true], `step ${step}: what is read also runs`)
        t.same(model.unsafe, [])
        t.same(model.state().refuted, null, 'a restart refutes nothing')
      }
      t.end()
    })

    test(`the process dies at any step of a rollback, ${how}, with ${name}: A is on again`, (t) => {
      const start = (): ModelTrunk => {
        const model = pathLost(parts)
        Object.assign(model.sides[A] ?? {}, { sip: parts === undefined })
        Object.assign(model.sides[B] ?? {}, { registers: false })
        return model
      }
      const refute = (model: ModelTrunk): void => {
        model.pass(10)
        // Down by its own evidence while it is verified.
        Object.assign(model.sides[B] ?? {}, { sip: false })
      }
      const clean = start()
      refute(clean)
      const first = clean.steps()
      clean.pass(30)
      t.same([clean.sides[A]?.on, clean.sides[B]?.on], [true, false])
      t.match(clean.ended()[0], /rolled-back|refuted/)
      for (let step = 1; step <= clean.steps() - first; step++) {
        const model = start()
        refute(model)
        model.dieAt(step, how)
        model.pass(60)
        t.same([model.sides[A]?.on, model.sides[B]?.on, model.state().wanted], [true, false, A], `step ${step}: ${model.sent.join(', ')} ${model.ended().join(', ')}`)
        t.same(model.unsafe, [])
      }
      t.end()
    })
  }
}

test('refuted: rolled back, and the next try is spaced', (t) => {
  const model = pathLost()
  Object.assign(model.sides[B] ?? {}, { registers: false })
  model.pass(40)
  t.same(where(model), ON_A)
  t.equal(model.notes.filter((n) => n.data['phase'] === 'rolling-back').length, 1)
  model.pass(3 * MINUTE / 1000)
  t.ok(model.ended().length >= 2 && model.ended().length <= 3, model.ended().join(', '))
  t.same(model.unsafe, [])
  t.end()
})

test('A dead: B is enabled when the timer has run, never before', (t) => {
  const model = dead()
  model.pass(300)
  t.same(model.sent, [])
  model.pass(60)
  t.same(model.sent, [`enabled ${B}`])
  t.same(model.ended(), ['verified'])
  t.same(model.state().debts.map((debt) => debt.interface), [A])
  t.end()
})

test('the carrier refuses B while A is silent: B is disabled again, A lives, the next try comes after expires', (t) => {
  const model = dead()
  Object.assign(model.sides[B] ?? {}, { registers: false })
  model.pass(400)
  t.same(model.sent, [`enabled ${B}`, `disabled ${B}`])
  t.same(model.ended(), ['gateway-alive'])
  t.equal(model.state().wanted, A)
  t.ok(model.last().vetoes.some((veto) => veto.interlock === 'gateway-alive'))
  model.pass(200)
  t.equal(model.sent.length, 2, 'not before expires has passed')
  Object.assign(model.sides[B] ?? {}, { registers: true })
  model.pass(180)
  t.same(model.ended(), ['gateway-alive', 'verified'])
  t.equal(model.state().wanted, B)
  t.end()
})

test('A dead, B\'s own path lost after its enable: no refusal by the carrier; B stays and registers once a minute', (t) => {
  const model = dead()
  model.pass(320)
  Object.assign(model.sides[B] ?? {}, { registers: false })
  for (let second = 0; second < 30 && !model.sent.includes(`enabled ${B}`); second++) model.pass(1)
  Object.assign(model.sides[B] ?? {}, { path: false })
  model.pass(10)
  t.same(model.ended(), ['refuted'])
  t.same([model.state().wanted, model.sides[B]?.on], [B, true])
  model.pass(185)
  t.equal(model.sent.filter((line) => line === `reregister ${B}`).length, 3, model.sent.join(', '))
  t.end()
})

test('a debt is paid when the debtor answers', (t) => {
  const model = dead()
  model.pass(400)
  live(model, A)
  model.pass(10)
  t.same(where(model), ON_B)
  model.pass(60)
  t.same(model.state().debts, [])
  t.ok(model.sent.includes(`disabled ${A}`))
  t.end()
})

test('a debt is turned round when the wanted one is dead: the only live gateway keeps the trunk', (t) => {
  const model = dead()
  model.pass(400)
  die(model, B)
  model.pass(30)
  live(model, A)
  model.pass(30)
  t.same([model.sides[A]?.on, model.state().wanted], [true, A])
  t.same(model.state().debts.map((debt) => debt.interface), [B])
  t.notOk(model.sent.includes(`disabled ${A}`))
  live(model, B)
  model.pass(60)
  t.same([model.sides[A]?.on, model.sides[B]?.on], [true, false])
  t.same(model.state().debts, [])
  t.end()
})

test('a debt is not paid while the wanted one wavers', (t) => {
  const model = dead()
  model.pass(400)
  // B misses two probes just when A comes back: it is not down, and may be dying.
  Object.assign(model.sides[B] ?? {}, { sip: false })
  live(model, A)
  model.pass(2)
  t.notOk(model.sent.includes(`disabled ${A}`))
  Object.assign(model.sides[B] ?? {}, { sip: true })
  model.pass(20)
  t.ok(model.sent.includes(`disabled ${A}`))
  t.end()
})

test('a debt is paid though the wanted one\'s management is lost: its voice lives', (t) => {
  const model = dead()
  model.pass(400)
  Object.assign(model.sides[B] ?? {}, { answers: false })
  model.pass(20)
  live(model, A)
  model.pass(60)
  t.notOk(model.sides[A]?.on)
  t.end()
})

test('an interface that came on by itself during the switchover is switched off after it', (t) => {
  for (const persistent of [true, false]) {
    const model = pathLost({ capabilities: { ...TELLS_LITTLE, persistent } })
    Object.assign(model.sides[A] ?? {}, { sip: false })
    model.pass(10)
    t.equal(model.state().inFlight?.phase, 'verifying')
    // A restarts with the state that it had.
    Object.assign(model.sides[A] ?? {}, { on: true })
    model.pass(90)
    t.same(where(model), ON_B, `persistent ${persistent}`)
  }
  t.end()
})

test('the standby refuses every command: A is on again, whatever can be read of the standby', (t) => {
  for (const capabilities of [undefined, TELLS_LITTLE]) {
    const parts = capabilities === undefined ? {} : { capabilities, interfaces: { [B]: buildInterface(false, { offConfirmed: false }) }, state: { baseline: 'unset' as const, wanted: null } }
    const model = pathLost(parts)
    Object.assign(model.sides[B] ?? {}, { refuses: true })
    model.pass(2)
    Object.assign(model.sides[A] ?? {}, { sip: false })
    model.pass(60)
    t.equal(model.sides[A]?.on, true, model.sent.join(', '))
  }
  t.end()
})

test('the old gateway answers with errors only, after it was disabled: B is enabled all the same', (t) => {
  const model = pathLost({ onSecond: 'reject' })
  model.pass(60)
  t.equal(model.state().inFlight?.phase, 'proving')
  Object.assign(model.sides[A] ?? {}, { readError: true })
  model.pass(300)
  t.same(where(model), ON_B)
  t.end()
})

test('a third gateway that is not proven off is waited for before anything is written', (t) => {
  const model = pathLost({ names: ['pbx-a', 'pbx-b', 'pbx-c'], onSecond: 'reject', capabilities: TELLS_LITTLE, interfaces: { [C]: buildInterface(false, { offConfirmed: false }) } })
  Object.assign(model.sides[A] ?? {}, { sip: false })
  die(model, C)
  model.pass(30)
  t.same(model.sent, [])
  t.same(model.last().waits.map((wait) => wait.reason), ['waiting-for-proof'])
  t.end()
})

test('the carrier rejects A only, and A gives up: one try to bring it back does not hold the move to B', (t) => {
  const model = createModelTrunk({ onSecond: 'replace' })
  model.pass(5)
  Object.assign(model.sides[A] ?? {}, { registers: false, givesUp: true })
  model.pass(5)
  t.same(model.sent, [`enabled ${A}`], 'it is enabled again')
  model.fire(alerts)
  model.pass(10)
  t.same(where(model), ON_B)
  t.end()
})

test('a debtor that has left its gateway is sent nothing, and owes no more after a while', (t) => {
  const model = dead({ capabilities: TELLS_LITTLE })
  model.pass(400)
  live(model, A)
  Object.assign(model.sides[A] ?? {}, { absent: true })
  model.pass(60)
  t.same(model.sent, [`enabled ${B}`])
  t.equal(model.state().debts.length, 1)
  model.pass(400)
  t.same(model.sent, [`enabled ${B}`])
  t.same(model.state().debts, [])
  t.end()
})

test('a switchover whose target leaves the configuration and whose source is dead starts anew from what is seen', (t) => {
  const model = dead()
  model.pass(340)
  const world = model.world()
  const trunk = world.topology.trunks.get('acme')
  if (trunk === undefined) throw new Error('no trunk')
  const left = { ...trunk, interfaces: trunk.interfaces.filter((i) => i.key !== B) }
  const state = fitState({ ...model.state(), wanted: A, inFlight: { decision: 'd', from: A, to: B, cause: 'alert', trial: false, admittedAtMs: model.nowMs(), rollingBack: false, phase: 'enabling', phaseSinceMs: model.nowMs(), failures: 0, provenBy: 'timer', reregistered: false, abortedBy: null, knownOff: [] } }, [A], model.nowMs())
  const step = planTrunk({ ...world, topology: { ...world.topology, trunks: new Map([['acme', left]]) }, trunks: new Map([['acme', state]]) }, 'acme', 'x', model.nowMs())
  t.same([step.state.inFlight, step.state.wanted, step.state.baseline], [null, null, 'unset'])
  t.end()
})

test('adopt while A is silent and B carries: B is the wanted one, A owes', (t) => {
  const model = dead()
  model.pass(400)
  const trunk = model.world().topology.trunks.get('acme')
  if (trunk === undefined) throw new Error('no trunk')
  const adopted = adopt(trunk, model.state(), 'x', model.nowMs())
  t.same([adopted.wanted, adopted.debts.map((debt) => debt.interface)], [B, [A]])
  t.end()
})

test('a calibration by another registrar is none', (t) => {
  const calibratedAtMs = { [A]: NOW }
  const after = (calibratedBy: string | null): unknown => planTrunk(buildWorld({ query: QUERY, state: { calibratedAtMs, calibratedBy } }), 'acme', 'd', NOW).state.calibratedAtMs
  t.same(after('sip:carrier'), calibratedAtMs)
  t.same(after('sip:old-carrier'), {})
  t.end()
})

test('a disable that a gateway accepts but never activates is repeated at a distance', (t) => {
  const model = pathLost({ capabilities: TELLS_LITTLE })
  Object.assign(model.sides[A] ?? {}, { sip: false, activates: false })
  model.pass(20)
  t.ok(model.sent.length >= 3 && model.sent.length <= 20, model.sent.length.toString())
  t.equal(model.sides[B]?.on, false, 'it may still run')
  Object.assign(model.sides[A] ?? {}, { activates: true })
  model.pass(40)
  t.same(where(model), ON_B)
  t.end()
})

/** A died, B took over, A is back on and refuses every command. */
function stubbornDebtor (): ModelTrunk {
  const model = dead()
  model.pass(400)
  Object.assign(model.sides[A] ?? {}, { refuses: true })
  live(model, A)
  return model
}

test('a debtor that refuses its command is asked less and less often, and told once', (t) => {
  const model = stubbornDebtor()
  const before = model.sent.length
  const seconds = (count: number): number => {
    const { length } = model.sent
    model.pass(count)
    return model.sent.length - length
  }
  const early = seconds(15)
  t.ok(early >= 3 && early <= 4, `three tries, five seconds apart (${early})`)
  const later = seconds(600)
  t.ok(later >= 600 / 30 && later <= 600 / 12, `then half a minute at most, with a pause that differs (${later} in 600 s)`)
  t.ok(model.sent.slice(before).every((line) => line === `disabled ${A}`))
  const told = model.notes.filter((note) => note.type === 'command' && note.data['because'] === 'debt')
  t.equal(told.length, 1, 'the journal is told once')
  t.same(model.state().debts.map((debt) => [debt.interface, debt.refusal]), [[A, 'rpc-error']])
  Object.assign(model.sides[A] ?? {}, { refuses: false })
  model.pass(40)
  t.same(where(model), ON_B)
  t.same(model.state().debts, [])
  t.end()
})

test('a debtor that went away and comes back gets its early tries anew', (t) => {
  const model = stubbornDebtor()
  model.pass(120)
  die(model, A)
  model.pass(20)
  t.equal(model.state().debts[0]?.tries, 0)
  Object.assign(model.sides[A] ?? {}, { refuses: false })
  live(model, A)
  model.pass(8)
  t.equal(model.sides[A]?.on, false)
  t.end()
})

test('the pauses of two debts of one moment differ', (t) => {
  const pauses = new Set([A, B, C].map((key) => pauseMs({ ...newDebt(key, 'tab12-0a1b2c3d', NOW), tries: 6 })))
  t.equal(pauses.size, 3)
  for (const pause of pauses) t.ok(pause >= 15_000 && pause <= 30_000, `${pause} ms`)
  t.end()
})

test('a debt is paid though the one that should carry is not registered: that one registers anew', (t) => {
  const model = dead({ capabilities: { ...TELLS_ALL, unregisters: false } })
  model.pass(400)
  model.fire([])
  Object.assign(model.sides[B] ?? {}, { registers: false })
  Object.assign(model.sides[A] ?? {}, { path: false })
  live(model, A)
  model.pass(45)
  t.same([model.sides[A]?.on, model.state().debts], [false, []])
  t.not(model.state().refuted, null)
  model.pass(70)
  t.ok(model.sent.filter((line) => line === `reregister ${B}`).length >= 2, model.sent.join(', '))
  t.end()
})

test('auth ip: a dead gateway is left after a minute of silence, and its debt needs no registrar', (t) => {
  const model = dead({ registration: { auth: 'ip', expiresMs: 0 } })
  model.pass(50)
  t.same(model.sent, [])
  model.pass(30)
  t.same([model.sides[B]?.on, model.state().wanted, model.ended()], [true, B, ['verified']])
  live(model, A)
  model.pass(20)
  t.same(model.sent, [`enabled ${B}`, `disabled ${A}`])
  t.same(model.state().debts, [])
  t.end()
})

test('unproven: act, the carrier replaces, A is dead: on B when the timer has run; page: a veto', (t) => {
  const acting = dead({ onSecond: 'replace', registration: { unproven: 'act' } })
  acting.pass(320)
  t.same(acting.sent, [])
  acting.pass(40)
  t.same([acting.sides[B]?.on, acting.state().wanted, acting.ended()], [true, B, ['verified']])
  const paging = dead({ onSecond: 'replace' })
  paging.pass(600)
  t.same(paging.sent, [])
  t.ok(paging.last().vetoes.some((veto) => veto.interlock === 'owner-unproven'))
  t.end()
})
