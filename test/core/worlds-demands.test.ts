/**
 * All small worlds of demands: what each rule says about each interface, the state of its alert, the own evidence, a
 * preference, a freeze, the cooldown. One plan in each, held against a second and simpler account of the rules.
 */
import { test } from 'tap'
import type { BookedAlert } from '../../src/core/alert-book.ts'
import { planTrunk } from '../../src/core/planner.ts'
import type { Step } from '../../src/core/plan.ts'
import type { Rule } from '../../src/core/topology.ts'
import type { World } from '../../src/core/world.ts'
import { A, B, buildAlert, buildWorld, DOWN, MINUTE, NOW, ownEyes, ruleOf, sipOf } from '../helpers/build-world.ts'

const HEALTH = ['up', 'down', 'unknown'] as const
/** Which rule names it; `two-voices`: a quorum with a second alert of another name. */
const NAMED = ['nobody', 'probe', 'none', 'quorum', 'two-voices'] as const
const ALERT = ['firing', 'silenced', 'disputed'] as const
type One<T extends readonly unknown[]> = T[number]

interface Spec {
  readonly health: Readonly<Record<string, One<typeof HEALTH>>>
  readonly named: Readonly<Record<string, One<typeof NAMED>>>
  readonly alert: One<typeof ALERT>
  readonly eyes: boolean
  readonly preferred: string | null
  readonly frozen: boolean
  readonly cooling: boolean
}

function * allSpecs (): Generator<Spec> {
  for (const a of HEALTH) for (const b of HEALTH) for (const onA of NAMED) for (const onB of NAMED) for (const alert of ALERT) {
    for (const eyes of [false, true]) for (const preferred of [null, A, B]) for (const frozen of [false, true]) for (const cooling of [false, true]) {
      yield { health: { [A]: a, [B]: b }, named: { [A]: onA, [B]: onB }, alert, eyes, preferred, frozen, cooling }
    }
  }
}

const gatewayOf = (key: string): string => key.split('/')[0] ?? ''
const evidenceOf = (named: One<typeof NAMED>): Rule['evidence'] => named === 'nobody' ? 'probe' : named === 'two-voices' ? 'quorum' : named

function build (spec: Spec): World {
  const change: Partial<BookedAlert> = { suppressed: spec.alert === 'silenced', disputed: spec.alert === 'disputed' }
  const alerts: BookedAlert[] = []
  const rules: Rule[] = spec.eyes ? [ownEyes(0)] : []
  const add = (demand: Rule['demand'], evidence: Rule['evidence'], name: string, key: string): void => {
    const gateway = gatewayOf(key)
    rules.push({ ...ruleOf(demand, evidence, `${name}-${gateway}`), target: { trunk: '{trunk}', gateway: demand === 'freeze' ? null : '{gateway}', interface: null } })
    alerts.push(buildAlert(gateway, { ...change, fingerprint: `${name} ${gateway}`, labels: { alertname: `${name}-${gateway}`, trunk: 'acme', gateway } }))
  }
  for (const key of [A, B]) {
    const named = spec.named[key] ?? 'nobody'
    if (named !== 'nobody') add('disable', evidenceOf(named), 'Down', key)
    if (named === 'two-voices') add('disable', 'quorum', 'CallsFail', key)
  }
  if (spec.preferred !== null) add('prefer', 'probe', 'Maintenance', spec.preferred)
  if (spec.frozen) add('freeze', 'probe', 'Holiday', A)
  const evidence = Object.fromEntries([A, B].map((key) => [sipOf(key), spec.health[key] === 'up' ? {} : spec.health[key] === 'down' ? DOWN : null]))
  return buildWorld({ onSecond: 'replace', rules, alerts, evidence, state: spec.cooling ? { movedAtMs: NOW - MINUTE } : {} })
}

/** A rule takes it out: 0 no, 1 but it starts nothing, 2 yes. */
function out (spec: Spec, key: string): 0 | 1 | 2 {
  const down = spec.health[key] === 'down'
  if (spec.eyes && down) return 2
  const named = spec.named[key] ?? 'nobody'
  const voices = (spec.alert === 'firing' ? { probe: 1, none: 1, quorum: 1, 'two-voices': 2, nobody: 0 }[named] : 0) + (down ? 1 : 0)
  const confirmed = named !== 'nobody' && (spec.alert === 'disputed' || named === 'probe' ? down : named === 'none' || voices >= 2)
  return !confirmed ? 0 : spec.alert === 'silenced' ? 1 : 2
}

/** Where the trunk, which is on A, has to go; null: nowhere. */
function expected (spec: Spec): string | null {
  if (spec.frozen) return null
  const down = spec.health[A] === 'down'
  // What works is not left so soon after a move.
  if (spec.cooling && !down) return null
  const usable = spec.health[B] !== 'down'
  if (out(spec, A) > 0) {
    const refuge = usable && (out(spec, B) === 0 || (spec.health[A] !== 'up' && spec.health[B] === 'up'))
    return out(spec, A) === 2 && refuge ? B : null
  }
  return spec.preferred === B && spec.alert === 'firing' && usable && out(spec, B) === 0 ? B : null
}

function judge (spec: Spec, step: Step): string | null {
  const want = expected(spec)
  const run = step.state.inFlight
  if ((run?.to ?? null) !== want) return `goes to ${run?.to ?? 'nowhere'} instead of ${want ?? 'nowhere'} (${step.vetoes.map((v) => v.interlock).join(' ')})`
  if (run !== null && run.cause === 'health' && !(spec.eyes && spec.health[A] === 'down')) return 'own health speaks though it is not down'
  if (run === null && step.actions.some((action) => action.kind === 'apply')) return 'sends without a switchover'
  if (spec.frozen && step.state.open !== null && !step.vetoes.some((v) => v.interlock === 'freeze')) return 'frozen, and nobody says so'
  return null
}

test('all worlds of demands', (t) => {
  let worlds = 0
  let moves = 0
  const wrong: string[] = []
  for (const spec of allSpecs()) {
    worlds++
    const world = build(spec)
    const step = planTrunk(world, 'acme', 'd', NOW)
    if (step.state.inFlight !== null) moves++
    const what = judge(spec, step) ?? (JSON.stringify(planTrunk(world, 'acme', 'd', NOW)) === JSON.stringify(step) ? null : 'two plans of one world differ')
    if (what !== null && wrong.length < 20) wrong.push(`${what}: ${JSON.stringify(spec)}`)
  }
  t.comment(`${worlds} worlds, ${moves} switchovers`)
  t.ok(worlds > 15_000)
  t.ok(moves > 1000)
  t.same(wrong, [])
  t.end()
})
