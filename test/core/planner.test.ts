import { test } from 'tap'
import { planTrunk } from '../../src/core/planner.ts'
import type { Step } from '../../src/core/plan.ts'
import type { World } from '../../src/core/world.ts'
import { A, buildWorld, NOW, QUERY, SECOND } from '../helpers/build-world.ts'
import type { WorldParts } from '../helpers/build-world.ts'
import { alertOnA, eyes, cases } from './planner-cases.ts'

const plan = (world: World): Step => planTrunk(world, 'acme', 'd1', NOW)

test('planTrunk', (t) => {
  t.ok(cases.length > 30)
  for (const { name, given, sends = [], vetoes = [], waits = [], shown = [], goes } of cases) {
    t.test(name, (t) => {
      const world = buildWorld(given)
      const step = plan(world)
      t.same(step.actions.flatMap((a) => a.kind === 'apply' ? [`${a.desired} ${a.interface}`] : []), sends, 'commands')
      t.same(step.vetoes.map((v) => v.interlock), vetoes, 'vetoes')
      t.same(step.passed.map((v) => v.interlock), shown, 'shown')
      t.same(step.waits.map((w) => w.reason), waits, 'waits')
      if (goes !== undefined) t.equal(step.state.inFlight?.to, goes)
      t.same(plan(world), step, 'the same world and instant give the same plan')
      t.end()
    })
  }
  t.end()
})

test('a rule on own health wakes the planner exactly when its time is over', (t) => {
  t.equal(plan(buildWorld(eyes(10, 7))).wakeAtMs, NOW + 3 * SECOND)
  t.equal(plan(buildWorld(eyes(0.25, 0.1))).wakeAtMs, NOW + 150)
  const step = plan(buildWorld(eyes(10, 10)))
  t.equal(step.state.inFlight?.cause, 'health')
  t.match(step.notes.find((n) => n.type === 'admitted')?.data, { cause: 'health', demands: [{ rule: 'own-eyes', alert: null, fingerprint: null, interface: A }] })
  t.end()
})

test('a proposal keeps its decision id, and a changed set of vetoes is journalled once', (t) => {
  const world = buildWorld({ alerts: alertOnA })
  const first = plan(world)
  t.same(first.notes.map((n) => n.type), ['proposed', 'vetoed'])
  const again = planTrunk({ ...world, trunks: new Map([['acme', first.state]]) }, 'acme', 'd2', NOW + SECOND)
  t.same(again.notes, [])
  t.equal(again.state.open?.id, 'd1')
  const gone = planTrunk({ ...world, trunks: new Map([['acme', first.state]]), alertsByTrunk: new Map() }, 'acme', 'd2', NOW + SECOND)
  t.same(gone.notes.map((n) => [n.type, n.decision]), [['withdrawn', 'd1']])
  t.end()
})

test('a query is asked gently', (t) => {
  const asks = (parts: WorldParts): boolean => plan(buildWorld({ query: QUERY, ...parts })).actions.some((a) => a.kind === 'query')
  t.ok(asks({ state: { queriedAtMs: null } }), 'at the start')
  t.not(asks({ state: { queriedAtMs: NOW - 149 * SECOND } }), true, 'within the steady interval')
  t.ok(asks({ state: { queriedAtMs: NOW - 150 * SECOND } }), 'after the steady interval')
  t.not(asks({ alerts: alertOnA, state: { queriedAtMs: NOW - 4 * SECOND } }), true, 'on doubt, not within 5 s')
  t.ok(asks({ alerts: alertOnA, state: { queriedAtMs: NOW - 5 * SECOND } }), 'on doubt, after 5 s')
  t.not(asks({ alerts: alertOnA, state: { queryRefused: true } }), true, 'never after a refusal')
  t.not(asks({ state: { queryNotBeforeMs: NOW + 1 } }), true, 'not before Retry-After')
  t.end()
})
