/**
 * All small worlds of one exclusive trunk with two interfaces, and what must hold in each: nothing is enabled beside an
 * interface that is not proven off, nothing is sent past a person's word, the same world gives the same plan, a plan that
 * is carried out ends, and a needed switchover happens.
 */
import { test } from 'tap'
import { evidenceKey } from '../../src/core/evidence.ts'
import type { Evidence } from '../../src/core/evidence.ts'
import { mayBeOn, recordCommandEnd, recordObservation } from '../../src/core/observe.ts'
import type { Action, Step } from '../../src/core/plan.ts'
import { planTrunk } from '../../src/core/planner.ts'
import { proofOff } from '../../src/core/proof.ts'
import { trunkHealth } from '../../src/core/trunk-health.ts'
import type { TrunkState, World } from '../../src/core/world.ts'
import { A, B, buildAlert, buildInterface, buildWorld, DOWN, driverOf, NOW, SECOND, silentInterface, sipOf, WAVERING } from '../helpers/build-world.ts'
import type { WorldParts } from '../helpers/build-world.ts'

const ADMIN = ['on', 'off', 'off-unconfirmed', 'self-disabled', 'debt'] as const
const GATEWAY = ['alive', 'sip-lost', 'management-lost', 'dead', 'wavering'] as const
const PATH = ['up', 'down', 'unknown'] as const
const ALERTS = ['none', 'wanted', 'both'] as const
const HELD = ['nobody', 'observe', 'paused', 'drift', 'unclear'] as const
type One<T extends readonly unknown[]> = T[number]

interface Spec {
  readonly a: { readonly admin: One<typeof ADMIN>; readonly gateway: One<typeof GATEWAY>; readonly path: One<typeof PATH> }
  readonly b: Spec['a']
  readonly alerts: One<typeof ALERTS>
  readonly held: One<typeof HELD>
  readonly onSecond: 'reject' | 'replace'
}

function * allSpecs (): Generator<Spec> {
  const sides = ADMIN.flatMap((admin) => GATEWAY.flatMap((gateway) => PATH.map((path) => ({ admin, gateway, path }))))
  for (const a of sides) {
    // A is the wanted one: it can't owe to be off. B is not: it is off, or owes to be.
    if (a.admin === 'debt') continue
    for (const b of sides) {
      if (b.admin === 'on' || b.admin === 'self-disabled') continue
      for (const alerts of ALERTS) for (const held of HELD) for (const onSecond of ['reject', 'replace'] as const) yield { a, b, alerts, held, onSecond }
    }
  }
}

function build ({ a, b, alerts, held, onSecond }: Spec): World {
  const evidence: Record<string, Partial<Evidence> | null> = {}
  const interfaces: Record<string, NonNullable<WorldParts['interfaces']>[string]> = {}
  for (const [key, side] of [[A, a], [B, b]] as const) {
    const silent = side.gateway === 'dead' || side.gateway === 'management-lost'
    if (side.gateway === 'sip-lost' || side.gateway === 'dead') evidence[sipOf(key)] = DOWN
    if (silent) evidence[driverOf(key)] = DOWN
    if (side.gateway === 'wavering') evidence[driverOf(key)] = WAVERING
    evidence[evidenceKey.path(key)] = side.path === 'up' ? {} : side.path === 'down' ? DOWN : null
    const on = side.admin === 'on' || side.admin === 'self-disabled' || side.admin === 'debt'
    evidence[evidenceKey.registration(key)] = side.admin === 'self-disabled' ? DOWN : side.admin === 'on' ? {} : null
    const base = buildInterface(on, side.admin === 'off-unconfirmed' ? { offConfirmed: false } : {})
    const admin = side.admin === 'self-disabled' ? 'self-disabled' as const : on ? 'enabled' as const : 'disabled' as const
    interfaces[key] = { ...base, observed: { present: true, admin, registered: side.admin === 'on', path: null, atMs: silent ? NOW - 60 * SECOND : NOW - SECOND }, ...(silent ? silentInterface(60 * SECOND) : {}) }
  }
  return buildWorld({
    onSecond,
    evidence,
    interfaces,
    alerts: alerts === 'none' ? [] : alerts === 'wanted' ? [buildAlert('pbx-a')] : [buildAlert('pbx-a'), buildAlert('pbx-b')],
    trunk: { mode: held === 'observe' ? 'observe' : 'automatic' },
    pauses: held === 'paused' ? [{ scope: 'global', actor: 'anna', reason: 'x', atMs: NOW, untilMs: null }] : [],
    state: {
      drift: held === 'drift' ? { detail: 'x', decision: 'd0' } : null,
      baseline: held === 'unclear' ? 'unclear' : 'adopted',
      debts: b.admin === 'debt' ? [{ interface: B, decision: 'd0', sinceMs: NOW - 60 * SECOND, reregisteredAtMs: null, tries: 0, refusal: null, ordered: false }] : []
    }
  })
}

const applies = (step: Step): Extract<Action, { kind: 'apply' }>[] => step.actions.flatMap((action) => action.kind === 'apply' ? [action] : [])
const stateOf = (world: World): TrunkState => world.trunks.get('acme') ?? (() => { throw new Error('no trunk') })()

/** Statement 1: an enable goes out only beside interfaces that are off by a fresh read, or proven off. */
function enablesUnsafely (world: World, step: Step, nowMs: number): string | null {
  const trunk = world.topology.trunks.get('acme')
  if (trunk === undefined) return 'no trunk'
  for (const action of applies(step)) {
    if (action.desired !== 'enabled') continue
    const health = trunkHealth(world, trunk, step.state, nowMs)
    for (const iface of trunk.interfaces) {
      if (iface.key === action.interface) continue
      const own = stateOf(world).interfaces[iface.key]
      const its = health.get(iface.key)
      if (own === undefined || its === undefined) return `no state of ${iface.key}`
      const readOff = own.offSinceMs !== null && own.offConfirmed && !mayBeOn(own) && own.observed !== null && nowMs - own.observed.atMs <= 2 * SECOND
      const proof = proofOff(trunk, stateOf(world), its, iface.key, nowMs)
      if (proof.state !== 'proven') return `${action.interface} enabled while ${iface.key} is ${proof.state}`
      if (its.answers === 'yes' && !readOff) return `${action.interface} enabled on an old read of ${iface.key}`
    }
  }
  return null
}

/** Carries out what a step asks for, as gateways that work would; where nothing was sent, 20 s pass. */
function carryOut (world: World, step: Step, spec: Spec, nowMs: number): { world: World; nowMs: number } {
  const laterMs = nowMs + (applies(step).length > 0 ? 100 : 20 * SECOND)
  let state = step.state
  const evidence = new Map([...world.evidence].map(([key, value]) => [key, { ...value, atMs: laterMs }]))
  const read = (key: string, on: boolean): void => {
    const gateway = world.topology.gateways.get(key.split('/')[0] ?? '')
    if (gateway === undefined) throw new Error(key)
    const before = state.interfaces[key]?.observed
    const admin = on ? (before?.admin === 'self-disabled' && !applies(step).some((a) => a.interface === key) ? 'self-disabled' : 'enabled') : 'disabled'
    state = recordObservation(gateway, state, key, { present: true, admin, registered: on && admin === 'enabled', path: null }, laterMs)
    if (admin === 'disabled') evidence.delete(evidenceKey.registration(key))
    else if (admin === 'enabled') evidence.set(evidenceKey.registration(key), { verdict: 'up', failures: 0, successes: 9, reason: '', atMs: laterMs, everUp: true, turnedAtMs: null })
  }
  for (const [key, side] of [[A, spec.a], [B, spec.b]] as const) {
    const action = applies(step).find((a) => a.interface === key)
    if (side.gateway === 'dead' || side.gateway === 'management-lost') {
      if (action !== undefined) state = recordCommandEnd(state, key, { ok: false, reason: 'timeout', detail: '', effect: 'unknown' }, laterMs)
      continue
    }
    const observed = state.interfaces[key]?.observed
    read(key, action === undefined ? observed?.admin !== 'disabled' : action.desired === 'enabled')
    if (action !== undefined) state = recordCommandEnd(state, key, { ok: true, activated: true }, laterMs)
  }
  return { world: { ...world, evidence, trunks: new Map([['acme', state]]) }, nowMs: laterMs }
}

/** Must the trunk end on B? The enabled interface is down, an alert says so, B is usable, and nothing else is in the way. */
function mustMove (spec: Spec, world: World): boolean {
  const trunk = world.topology.trunks.get('acme')
  if (trunk === undefined || spec.held !== 'nobody' || spec.alerts === 'none') return false
  const health = trunkHealth(world, trunk, stateOf(world), NOW)
  if (health.get(A)?.verdict !== 'down' || health.get(B)?.usable !== true || spec.b.gateway !== 'alive') return false
  // Can't be disabled while only its management is lost; not proven off where the carrier lets it come back; not clear yet.
  return spec.a.gateway === 'alive' || spec.a.gateway === 'sip-lost' || (spec.a.gateway === 'dead' && spec.onSecond === 'reject')
}

test('all worlds of two interfaces', (t) => {
  let worlds = 0
  let plans = 0
  let moves = 0
  const wrong: string[] = []
  const note = (spec: Spec, what: string): void => { if (wrong.length < 20) wrong.push(`${what}: ${JSON.stringify(spec)}`) }
  for (const spec of allSpecs()) {
    worlds++
    const first = build(spec)
    let world = first
    let nowMs = NOW
    let quiet = 0
    for (let turn = 0; turn < 80 && quiet < 3; turn++) {
      const step = planTrunk(world, 'acme', `d${turn}`, nowMs)
      plans++
      if (turn === 0 && JSON.stringify(planTrunk(world, 'acme', 'd0', nowMs)) !== JSON.stringify(step)) note(spec, 'two plans of one world differ')
      const unsafe = enablesUnsafely(world, step, nowMs)
      if (unsafe !== null) note(spec, unsafe)
      const sends = step.actions.some((a) => a.kind === 'apply' || a.kind === 'reregister')
      // A drift that was put right is none any more.
      if (spec.held !== 'nobody' && sends && (spec.held !== 'drift' || step.state.drift !== null)) note(spec, `held by ${spec.held}, yet it sends`)
      const waits = step.waits.some((w) => w.untilMs !== null) || step.state.inFlight !== null
      quiet = sends || waits ? 0 : quiet + 1
      ;({ world, nowMs } = carryOut(world, step, spec, nowMs))
    }
    const end = stateOf(world)
    if (mustMove(spec, first)) {
      moves++
      if (end.wanted !== B || end.interfaces[B]?.observed?.admin !== 'enabled') note(spec, `a needed switchover did not happen (wanted ${end.wanted ?? 'nothing'}, ${end.inFlight?.phase ?? 'not in flight'})`)
    }
    const answering = ([[A, spec.a], [B, spec.b]] as const).filter(([, side]) => side.gateway === 'alive' || side.gateway === 'sip-lost').map(([key]) => key)
    const on = answering.filter((key) => end.interfaces[key]?.observed?.admin !== 'disabled')
    if (spec.held === 'nobody' && answering.length === 2 && on.length > 1) note(spec, 'two interfaces stay on')
  }
  t.comment(`${worlds} worlds, ${plans} plans, ${moves} needed switchovers`)
  t.ok(worlds > 20_000)
  t.ok(moves > 300)
  t.same(wrong, [])
  t.end()
})
