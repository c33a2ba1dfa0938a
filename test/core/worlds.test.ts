/**
 * All small worlds of one exclusive trunk with two interfaces, and a seeded sample of those with three. What must hold in
 * each: nothing is enabled beside an interface that is not proven off (1), an emergency trunk is not left without one (2), a
 * plan that is carried out ends, also after a restart in its middle (3), the same world gives the same plan (4), nothing is
 * sent past a veto or a person's word (6, 7), and a needed switchover happens (8). Statement 5 is for test/crash.
 */
import { test } from 'tap'
import { fromDurable, toDurable } from '../../src/core/durable.ts'
import { evidenceKey } from '../../src/core/evidence.ts'
import type { Evidence } from '../../src/core/evidence.ts'
import { mayBeOn, recordCommandEnd, recordObservation } from '../../src/core/observe.ts'
import type { Action, Step } from '../../src/core/plan.ts'
import { planTrunk } from '../../src/core/planner.ts'
import { proofOff } from '../../src/core/proof.ts'
import { trunkHealth } from '../../src/core/trunk-health.ts'
import type { TrunkState, World } from '../../src/core/world.ts'
import { A, B, buildAlert, buildInterface, buildWorld, C, DOWN, driverOf, MINUTE, NOW, ownEyes, SECOND, silentInterface, sipOf, WAVERING } from '../helpers/build-world.ts'
import type { WorldParts } from '../helpers/build-world.ts'

const ADMIN = ['on', 'off', 'off-unconfirmed', 'self-disabled', 'debt'] as const
const GATEWAY = ['alive', 'sip-lost', 'management-lost', 'dead', 'wavering'] as const
const PATH = ['up', 'down', 'unknown'] as const
/** Who demands: nobody, alerts about the wanted one or about both, a rule on own health. */
const ALERTS = ['none', 'wanted', 'both', 'own-eyes'] as const
/** `approved`: a person agrees to what is proposed; `probes`: the watchdog is lost, and the own evidence acts alone. */
const HELD = ['nobody', 'latched', 'approved', 'probes', 'observe', 'approve', 'paused', 'drift', 'unclear', 'pin', 'brake', 'panic', 'watchdog', 'follower'] as const
/** Nothing holds these: a needed switchover has to happen. */
const FREE: ReadonlySet<One<typeof HELD>> = new Set(['nobody', 'latched', 'approved', 'probes'])
const CARRIERS = ['reject', 'replace', 'ip'] as const
type One<T extends readonly unknown[]> = T[number]

interface Spec {
  readonly a: { readonly admin: One<typeof ADMIN>; readonly gateway: One<typeof GATEWAY>; readonly path: One<typeof PATH> }
  readonly b: Spec['a']
  readonly alerts: One<typeof ALERTS>
  readonly held: One<typeof HELD>
  /** What it does with a second registration, or that it knows gateways by their address. */
  readonly carrier: One<typeof CARRIERS>
  /** Pointsman is restarted after the first plan. */
  readonly restarts: boolean
  /** A third interface. */
  readonly c?: Spec['a']
}

function * allSpecs (): Generator<Spec> {
  const sides = ADMIN.flatMap((admin) => GATEWAY.flatMap((gateway) => PATH.map((path) => ({ admin, gateway, path }))))
  for (const a of sides) {
    // A is the wanted one: it can't owe to be off. B is not: it is off, or owes to be.
    if (a.admin === 'debt') continue
    for (const b of sides) {
      if (b.admin === 'on' || b.admin === 'self-disabled') continue
      for (const held of HELD) {
        // Where something holds, less variety is enough.
        if (held !== 'nobody' && (a.path === 'unknown' || b.path === 'unknown' || b.gateway === 'wavering')) continue
        for (const alerts of ALERTS) for (const carrier of CARRIERS) yield { a, b, alerts, held, carrier, restarts: false }
      }
    }
  }
}

/** The same numbers each time (mulberry32). */
function createDice (seed: number): <T>(list: readonly T[]) => T {
  let state = seed
  return (list) => {
    state = (state + 0x6D2B79F5) | 0
    let x = Math.imul(state ^ (state >>> 15), 1 | state)
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x
    const item = list[((x ^ (x >>> 14)) >>> 0) % list.length]
    if (item === undefined) throw new Error('an empty list')
    return item
  }
}

function * sampleOfThree (count: number): Generator<Spec> {
  const pick = createDice(20_260_101)
  // Gateways that live are more common, or the third one would nearly always be in the way.
  const side = (admins: readonly One<typeof ADMIN>[]): Spec['a'] => ({ admin: pick(admins), gateway: pick([...GATEWAY, 'alive', 'alive', 'alive', 'alive'] as const), path: pick(PATH) })
  for (let n = 0; n < count; n++) {
    yield { a: side(['on', 'on', 'off', 'off-unconfirmed', 'self-disabled']), b: side(['off', 'off', 'off-unconfirmed', 'debt']), c: side(['off', 'off', 'off-unconfirmed', 'debt']), alerts: pick(ALERTS), held: pick(HELD), carrier: pick(CARRIERS), restarts: pick([true, false]) }
  }
}

const sidesOf = (spec: Spec): readonly (readonly [string, Spec['a']])[] => [[A, spec.a], [B, spec.b], ...(spec.c === undefined ? [] : [[C, spec.c] as const])]

const WATCHDOG = { match: [], timeoutMs: 5 * MINUTE }
/** What holds the trunk, or could. */
const PARTS: Readonly<Record<One<typeof HELD>, { readonly parts?: WorldParts; readonly state?: Partial<TrunkState> }>> = {
  nobody: {},
  latched: { state: { latch: { sinceMs: NOW, because: 'x' }, movedAtMs: NOW - MINUTE, movesAtMs: [NOW - MINUTE], moves: { count: 1, lastAtMs: NOW - MINUTE } } },
  approved: { parts: { trunk: { mode: 'approve' } } },
  probes: { parts: { topology: { watchdog: { ...WATCHDOG, whenLost: 'probes' } }, fleet: { watchdogLostSinceMs: NOW - MINUTE } } },
  observe: { parts: { trunk: { mode: 'observe' } } },
  approve: { parts: { trunk: { mode: 'approve' } } },
  paused: { parts: { pauses: [{ scope: 'global', actor: 'anna', reason: 'x', atMs: NOW, untilMs: null }] } },
  drift: { state: { drift: { detail: 'x', decision: 'd0' } } },
  unclear: { state: { baseline: 'unclear' } },
  pin: { state: { pin: { interface: A, actor: 'anna', reason: 'x', atMs: NOW, untilMs: null } } },
  brake: { parts: { fleet: { brake: { sinceMs: NOW, causes: [], decision: 'd0' } } } },
  panic: { parts: { fleet: { panicSinceMs: NOW } } },
  watchdog: { parts: { topology: { watchdog: { ...WATCHDOG, whenLost: 'freeze' } }, fleet: { watchdogLostSinceMs: NOW - MINUTE } } },
  follower: { parts: { leader: false } }
}

function build (spec: Spec): World {
  const { alerts, held, carrier } = spec
  const evidence: Record<string, Partial<Evidence> | null> = {}
  const interfaces: Record<string, NonNullable<WorldParts['interfaces']>[string]> = {}
  for (const [key, side] of sidesOf(spec)) {
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
    onSecond: carrier === 'ip' ? 'reject' : carrier,
    ...(carrier === 'ip' ? { registration: { auth: 'ip' as const } } : {}),
    ...(spec.c === undefined ? {} : { names: ['pbx-a', 'pbx-b', 'pbx-c'] }),
    evidence,
    interfaces,
    alerts: alerts === 'wanted' ? [buildAlert('pbx-a')] : alerts === 'both' ? [buildAlert('pbx-a'), buildAlert('pbx-b')] : [],
    ...(alerts === 'own-eyes' ? { rules: [ownEyes(0)] } : {}),
    ...PARTS[held].parts,
    // Statement 2 is about these.
    trunk: { emergency: true, ...PARTS[held].parts?.trunk },
    state: {
      ...PARTS[held].state,
      debts: sidesOf(spec).flatMap(([key, side]) => side.admin === 'debt' ? [{ interface: key, decision: 'd0', sinceMs: NOW - 60 * SECOND, reregisteredAtMs: null, tries: 0, refusal: null, ordered: false }] : [])
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
    const can = [...world.topology.trunks.values()].flatMap(({ interfaces }) => interfaces).find((iface) => iface.key === key)?.capabilities
    if (can === undefined) throw new Error(key)
    const before = state.interfaces[key]?.observed
    const admin = on ? (before?.admin === 'self-disabled' && !applies(step).some((a) => a.interface === key) ? 'self-disabled' : 'enabled') : 'disabled'
    state = recordObservation(can, state, key, { present: true, admin, registered: on && admin === 'enabled', path: null }, laterMs)
    if (admin === 'disabled') evidence.delete(evidenceKey.registration(key))
    else if (admin === 'enabled') evidence.set(evidenceKey.registration(key), { verdict: 'up', failures: 0, successes: 9, reason: '', atMs: laterMs, everUp: true, seenUp: true, turnedAtMs: null })
  }
  for (const [key, side] of sidesOf(spec)) {
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

/** Must the trunk leave A? It is down, a demand says so, another is usable, and nothing else is in the way. */
function mustMove (spec: Spec, world: World): boolean {
  const trunk = world.topology.trunks.get('acme')
  const demanded = spec.alerts !== 'none' || spec.held === 'probes'
  if (trunk === undefined || !FREE.has(spec.held) || !demanded) return false
  // While the watchdog is lost an alert is none, and the own evidence acts alone.
  const health = trunkHealth(world, trunk, stateOf(world), NOW)
  const others = sidesOf(spec).filter(([key]) => key !== A)
  const ready = others.some(([key, side]) => health.get(key)?.usable === true && side.gateway === 'alive')
  // A third one that does not answer may be in the way of the proof.
  if (health.get(A)?.verdict !== 'down' || !ready || others.some(([, side]) => others.length > 1 && (side.gateway !== 'alive' || side.admin === 'debt'))) return false
  // Can't be disabled while only its management is lost; not proven off where the carrier lets it come back; not clear yet.
  return spec.a.gateway === 'alive' || spec.a.gateway === 'sip-lost' || (spec.a.gateway === 'dead' && spec.carrier !== 'replace')
}

/** Statements 6 and 7: what holds, holds. Debts, and switching the wanted one on again, are no moves. */
function passesHeld ({ held }: Spec, step: Step): string | null {
  const { inFlight, drift } = step.state
  const sends = step.actions.some((a) => a.kind === 'apply' || a.kind === 'reregister')
  const moves = inFlight !== null && inFlight.cause !== 'upkeep'
  switch (held) {
    case 'nobody': case 'latched': case 'approved': case 'probes': return null
    // A drift that was put right is none any more.
    case 'drift': return sends && drift !== null ? 'it sends' : null
    case 'observe': case 'paused': case 'unclear': case 'follower': return sends ? 'it sends' : null
    case 'approve': return inFlight === null ? null : 'it moves'
    case 'pin': case 'brake': case 'panic': return moves ? 'it moves' : null
    case 'watchdog': return inFlight?.cause === 'alert' ? 'it moves because of an alert' : null
  }
}

/** A person agrees to what waits for it. */
function approve (state: TrunkState, nowMs: number): TrunkState {
  const { open } = state
  return open === null || open.answer !== null || !open.held.split(' ').includes('mode') ? state : { ...state, open: { ...open, answer: { verdict: 'approved', actor: 'anna', reason: 'x', atMs: nowMs } } }
}

interface Tally { worlds: number; plans: number; moves: number; readonly wrong: string[] }

/** Follows one world until it rests, and looks at every step. */
function follow (spec: Spec, tally: Tally): void {
  const note = (what: string): void => { if (tally.wrong.length < 20) tally.wrong.push(`${what}: ${JSON.stringify(spec)}`) }
  tally.worlds++
  const first = build(spec)
  let world = first
  let nowMs = NOW
  let quiet = 0
  for (let turn = 0; turn < 80 && quiet < 3; turn++) {
    const step = planTrunk(world, 'acme', `d${turn}`, nowMs)
    tally.plans++
    if (turn === 0 && JSON.stringify(planTrunk(world, 'acme', 'd0', nowMs)) !== JSON.stringify(step)) note('two plans of one world differ')
    const unsafe = enablesUnsafely(world, step, nowMs)
    if (unsafe !== null) note(unsafe)
    const passed = passesHeld(spec, step)
    if (passed !== null) note(`held by ${spec.held}, yet ${passed}`)
    const sends = step.actions.some((a) => a.kind === 'apply' || a.kind === 'reregister')
    const waits = step.waits.some((w) => w.untilMs !== null) || step.state.inFlight !== null || (spec.held === 'approved' && turn < 3)
    quiet = sends || waits ? 0 : quiet + 1
    ;({ world, nowMs } = carryOut(world, step, spec, nowMs))
    const state = stateOf(world)
    if (spec.restarts && turn === 1) world = withState(world, fromDurable(toDurable(state), sidesOf(spec).map(([key]) => key), nowMs))
    else if (spec.held === 'approved') world = withState(world, approve(state, nowMs))
  }
  rests(spec, first, world, note, tally)
}

function withState (world: World, state: TrunkState): World {
  return { ...world, trunks: new Map([['acme', state]]) }
}

/** What must be so in the end. */
function rests (spec: Spec, first: World, world: World, note: (what: string) => void, tally: Tally): void {
  const end = stateOf(world)
  const isOn = (key: string): boolean => end.interfaces[key]?.observed?.admin !== 'disabled'
  if (mustMove(spec, first)) {
    tally.moves++
    if (end.wanted === A || end.wanted === null || !isOn(end.wanted)) note(`a needed switchover did not happen (wanted ${end.wanted ?? 'nothing'}, ${end.inFlight?.phase ?? `held by ${end.open?.held ?? 'nothing'}`})`)
  }
  if (!FREE.has(spec.held)) return
  const sides = sidesOf(spec)
  const answering = sides.filter(([, side]) => side.gateway === 'alive' || side.gateway === 'sip-lost').map(([key]) => key)
  const on = answering.filter(isOn)
  if (answering.length === sides.length && on.length > 1) note('two interfaces stay on')
  // Statement 2, where everything can be seen and commanded, and nobody has to be asked first.
  if (answering.length === sides.length && on.length === 0 && spec.held !== 'approved') note('no interface is on')
}

test('all worlds of two interfaces, and a sample of those with three', (t) => {
  const tally: Tally = { worlds: 0, plans: 0, moves: 0, wrong: [] }
  const startedMs = performance.now()
  for (const spec of allSpecs()) follow({ ...spec, restarts: tally.worlds % 5 === 0 }, tally)
  const two = { ...tally }
  for (const spec of sampleOfThree(5000)) follow(spec, tally)
  const tookS = ((performance.now() - startedMs) / 1000).toFixed(1)
  t.comment(`${two.worlds} worlds of two interfaces and ${tally.worlds - two.worlds} of three, ${tally.plans} plans, ${tally.moves} needed switchovers, ${tookS} s`)
  t.ok(two.worlds >= 50_000)
  t.ok(two.moves > 1000, 'needed switchovers among two')
  t.ok(tally.moves - two.moves > 20, 'needed switchovers among three')
  t.same(tally.wrong, [])
  t.end()
})
