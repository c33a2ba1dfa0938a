/** One trunk in core alone, second by second: gateways that obey, fail or fall silent, and a process that may die between any two steps. */
import type { BookedAlert } from '../../src/core/alert-book.ts'
import type { BindingAnswer, ContactChange } from '../../src/core/binding.ts'
import { fromDurable, toDurable } from '../../src/core/durable.ts'
import { bookIncidents } from '../../src/core/incidents.ts'
import { evidenceKey } from '../../src/core/evidence.ts'
import type { Evidence } from '../../src/core/evidence.ts'
import type { AdminState } from '../../src/core/observation.ts'
import { recordCommandEnd, recordObservation, recordUnread } from '../../src/core/observe.ts'
import { giveOrder } from '../../src/core/operator.ts'
import type { Answer, TrunkOrder } from '../../src/core/operator.ts'
import type { Action, Note, Step } from '../../src/core/plan.ts'
import { planTrunk } from '../../src/core/planner.ts'
import { recordRebinding } from '../../src/core/rebinding.ts'
import { recordBinding } from '../../src/core/registrar.ts'
import type { TrunkState, World } from '../../src/core/world.ts'
import { createRegistrar } from '../../src/simulator/registrar.ts'
import { A, buildWorld, CARRIER, driverOf, NOW, SECOND, sipOf } from './build-world.ts'
import type { WorldParts } from './build-world.ts'

/** What a gateway really is and does. */
export interface ModelSide {
  on: boolean
  /** What runs; differs from `on`, which is stored and read, when a change was not activated. */
  runs: boolean
  /** Its management answers. */
  answers: boolean
  /** Its SIP address answers. */
  sip: boolean
  path: boolean
  /** The carrier takes its registration. */
  registers: boolean
  /** Reads work, commands are refused without effect. */
  refuses: boolean
  /** Reads fail with a page of an error, though it answers. */
  readError: boolean
  /** A refused registration switches the interface off until somebody enables it again. */
  givesUp: boolean
  /** The interface was deleted. */
  absent: boolean
  /** In progress; told where its kind can. */
  calls: number
  /** It answers the activation that follows a change. */
  activates: boolean
  /** Nobody between it and the carrier: it registers though Pointsman may not reach it. */
  reachesCarrier: boolean
}

/** What the registrar does with questions and changes. */
export interface ModelRegistrar {
  query: 'lists' | 'nothing' | 'unsupported'
  change: 'obeys' | 'refuses' | 'lies' | 'silent'
}

export interface ModelTrunk {
  readonly sides: Readonly<Record<string, ModelSide>>
  readonly registrar: ModelRegistrar
  /** Interfaces bound at the registrar. */
  bound(): readonly string[]
  /** How often two were bound at once. */
  overlaps(): number
  nowMs(): number
  state(): TrunkState
  world(): World
  last(): Step
  /** Commands that reached a gateway, for example `disabled pbx-a/SIP1`. */
  readonly sent: readonly string[]
  readonly notes: readonly Note[]
  /** Enables that left while another interface was really on and answered. */
  readonly unsafe: readonly string[]
  /** Results of ended switchovers. */
  ended(): readonly string[]
  /** An order, or what else changes the state from outside. */
  change(alter: (state: TrunkState) => TrunkState): void
  /** From now on these alerts fire. */
  fire(alerts: readonly BookedAlert[]): void
  /** A second: one plan after the other while something is sent, then the reads. */
  pass(seconds: number): void
  /** The process dies after the plan number `step` was stored: its commands never leave, are cut off, or leave and nobody hears how they end. */
  dieAt(step: number, how: Death): void
  /** A person's order, given now; `orderAt`: after the plan number `step` was stored and before its commands arrive. */
  order(order: TrunkOrder): Answer
  orderAt(step: number, order: TrunkOrder): void
  /** The process dies and starts again, between two plans. */
  restart(): void
  /** Plans that sent or changed something. */
  steps(): number
}

/** `half-way`: the change was executed, its activation never sent. */
export type Death = 'before-sending' | 'half-way' | 'after-sending'

const side = (on: boolean): ModelSide => ({ on, runs: on, answers: true, sip: true, path: true, registers: true, refuses: false, readError: false, givesUp: false, absent: false, calls: 0, activates: true, reachesCarrier: true })

export function createModelTrunk (parts: WorldParts = {}): ModelTrunk {
  let world = buildWorld(parts)
  const trunk = world.topology.trunks.get('acme')
  if (trunk === undefined) throw new Error('no trunk')
  const sides = Object.fromEntries(trunk.interfaces.map((i) => [i.key, side(i.key === (parts.state?.wanted ?? A))]))
  const registrar: ModelRegistrar = { query: 'lists', change: 'obeys' }
  const { onSecond, expiresMs, auth, query } = trunk.registration
  const table = createRegistrar({ onSecond, minExpires: 1, maxExpires: Math.max(1, expiresMs / 1000), clock: { now: () => nowMs } })
  const boundUntilMs = new Map<string, number>()
  let cseq = 0
  const sent: string[] = []
  const notes: Note[] = []
  const unsafe: string[] = []
  let nowMs = NOW
  let steps = 0
  let last: Step | null = null
  let death: { readonly step: number; readonly how: Death } | null = null

  let later: { readonly step: number; readonly order: TrunkOrder } | null = null

  const sideOf = (key: string): ModelSide => sides[key] ?? (() => { throw new Error(key) })()
  const stateNow = (): TrunkState => world.trunks.get('acme') ?? (() => { throw new Error('no trunk') })()
  const setState = (state: TrunkState): void => { world = { ...world, trunks: new Map([['acme', state]]), incidents: bookIncidents(state.incidents, world.fleet.brakeReleasedAtMs) } }

  const contactOf = (key: string): string => `${key.split('/')[0] ?? ''}:5060`
  const keyOf = (hostPort: string): string => trunk.interfaces.find((i) => contactOf(i.key) === hostPort)?.key ?? hostPort
  const bound = (): readonly string[] => table.bindings('x').map((binding) => keyOf(binding.hostPort))
  /** A gateway that runs and reaches the carrier registers, and refreshes at half the lifetime. */
  const register = (key: string): void => {
    const own = sideOf(key)
    if (!own.runs) boundUntilMs.delete(key)
    if (auth === 'ip' || !own.runs || !own.registers || !own.reachesCarrier || !own.path || nowMs < (boundUntilMs.get(key) ?? 0) - expiresMs / 2) return
    const result = table.register({ aor: 'x', callId: key, cseq: ++cseq, contacts: [{ uri: `sip:x@${contactOf(key)}`, hostPort: contactOf(key), expiresSeconds: expiresMs / 1000 }] })
    boundUntilMs.set(key, result.ok ? nowMs + expiresMs : 0)
  }
  const isRegistered = (key: string): boolean => (boundUntilMs.get(key) ?? 0) > nowMs && bound().includes(key)
  const listed = (): BindingAnswer => ({ kind: 'listed', contacts: table.bindings('x').map(({ uri, hostPort, expiresAtMs }) => ({ uri, user: 'x', hostPort, instance: null, expiresSeconds: Math.ceil((expiresAtMs - nowMs) / 1000) })) })
  const answer = (): BindingAnswer => registrar.query === 'lists' ? listed() : registrar.query === 'nothing' ? { kind: 'listed', contacts: [] } : { kind: 'unsupported', code: 405, retryAfterMs: null }
  const change = (changes: readonly ContactChange[]): BindingAnswer => {
    if (registrar.change === 'silent') return { kind: 'failed', reason: 'timeout', detail: '' }
    if (registrar.change === 'refuses') return { kind: 'refused', code: 403 }
    if (registrar.change === 'lies') return listed()
    const result = table.register({ aor: 'x', callId: 'pointsman', cseq: ++cseq, contacts: changes.map(({ uri, expiresSeconds }) => ({ uri, hostPort: uri.replace(/^.*@/, ''), expiresSeconds })) })
    return result.ok ? listed() : { kind: 'refused', code: 403 }
  }

  const look = (): void => {
    for (const { key } of trunk.interfaces) register(key)
    const evidence = new Map(world.evidence)
    const set = (key: string, good: boolean): void => {
      const before = evidence.get(key)
      const failures = good ? 0 : (before?.failures ?? 0) + 1
      const successes = good ? (before?.successes ?? 0) + 1 : 0
      const verdict: Evidence['verdict'] = failures >= 3 ? 'down' : successes >= 2 ? 'up' : before?.verdict ?? 'unknown'
      evidence.set(key, { verdict, failures, successes, reason: good ? 'good' : 'timeout', atMs: nowMs, everUp: true, seenUp: true, turnedAtMs: verdict === before?.verdict ? before.turnedAtMs : nowMs })
    }
    set(CARRIER, true)
    for (const { key } of trunk.interfaces) {
      const own = sideOf(key)
      set(sipOf(key), own.sip)
      set(driverOf(key), own.answers)
      if (!own.answers || own.readError) continue
      set(evidenceKey.path(key), own.path)
      if (own.on) set(evidenceKey.registration(key), tellsRegistered(key))
      else evidence.delete(evidenceKey.registration(key))
    }
    world = { ...world, evidence, resyncedAtMs: world.topology.resyncs ? nowMs : null }
    for (const { key } of trunk.interfaces) {
      if (sideOf(key).sip) setState({ ...stateNow(), interfaces: { ...stateNow().interfaces, [key]: { ...stateNow().interfaces[key]!, lastLifeAtMs: nowMs, lifeByBinding: false } } })
      read(key)
    }
  }
  /** With a registrar in play the gateway tells what it has there; without one, whether it would. */
  const tellsRegistered = (key: string): boolean => query === null ? sideOf(key).registers && sideOf(key).path : isRegistered(key)
  const read = (key: string): void => {
    const own = sideOf(key)
    const can = [...world.topology.trunks.values()].flatMap(({ interfaces }) => interfaces).find((iface) => iface.key === key)?.capabilities
    if (can === undefined) throw new Error(key)
    if (!own.answers || own.readError) {
      setState(recordUnread(stateNow(), key, { ok: false, reason: own.answers ? 'http-status' : 'timeout', detail: '', effect: 'none' }, nowMs))
      return
    }
    setState(recordObservation(can, stateNow(), key, {
      present: !own.absent, admin: own.absent || !own.on ? 'disabled' : own.givesUp && !own.registers ? 'self-disabled' : 'enabled', registered: can.reportsRegistration ? own.on && tellsRegistered(key) : null, path: can.reportsPath === true || (can.reportsPath === 'while-on' && own.on) ? (own.path ? 'up' : 'down') : null,
      ...(can.reportsCalls ? { calls: own.calls } : {})
    }, nowMs))
  }
  const execute = (key: string, desired: AdminState, activated = true): void => {
    const own = sideOf(key)
    sent.push(`${desired} ${key}`)
    if (desired === 'enabled') for (const other of trunk.interfaces) if (other.key !== key && sideOf(other.key).on && sideOf(other.key).answers) unsafe.push(`${key} while ${other.key} is on`)
    if (!own.answers || own.refuses) return
    own.on = desired === 'enabled'
    if (activated) own.runs = own.on
  }
  const carryOut = (action: Action): void => {
    if (action.kind === 'query') { setState(recordBinding(trunk, stateNow(), answer(), (key) => stateNow().interfaces[key]?.observed?.registered === true, nowMs)); return }
    if (action.kind === 'fence' || action.kind === 'swap') {
      sent.push([action.kind, ...action.changes.map((c) => keyOf(c.uri.replace(/^.*@/, '')))].join(' '))
      setState(recordRebinding(trunk, stateNow(), action.decision, change(action.changes), nowMs))
      return
    }
    if (action.kind === 'reregister') { sent.push(`reregister ${action.interface}`); return }
    if (action.kind !== 'apply') return
    const own = sideOf(action.interface)
    execute(action.interface, action.desired)
    if (own.answers && !own.refuses) read(action.interface)
    setState(recordCommandEnd(stateNow(), action.interface, own.refuses
      ? { ok: false, reason: 'rpc-error', detail: '', effect: 'none' }
      : own.answers ? { ok: true, activated: own.activates } : { ok: false, reason: 'timeout', detail: '', effect: 'unknown' }, nowMs))
  }
  const restart = (): void => {
    setState(fromDurable(JSON.parse(JSON.stringify(toDurable(stateNow()))) as TrunkState, trunk.interfaces.map((i) => i.key), nowMs))
    world = { ...world, evidence: new Map([...world.evidence].map(([key, value]) => [key, { ...value, verdict: 'unknown' as const, failures: 0, successes: 0, atMs: null }])) }
  }
  const order = (given: TrunkOrder): Answer => {
    const answer = giveOrder(world, given, { decision: `o${steps}`, actor: 'anna', reason: 'test', atMs: nowMs })
    if (answer === null) throw new Error('no trunk')
    if (answer.ok) setState(answer.change(stateNow()))
    if (answer.ok && answer.pauses) world = { ...world, pauses: [{ scope: 'trunk/acme', actor: 'anna', reason: 'test', atMs: nowMs, untilMs: null }] }
    return answer
  }
  /** One plan; true: it sent something, so there is more to plan. */
  const plan = (): boolean => {
    const before = stateNow()
    const step = planTrunk(world, 'acme', `d${steps}`, nowMs)
    last = step
    notes.push(...step.notes)
    setState(step.state)
    const commands = step.actions.filter((a) => a.kind !== 'observe' && a.kind !== 'query')
    for (const action of step.actions) if (action.kind === 'query' && query !== null) carryOut(action)
    if (commands.length > 0 || JSON.stringify(toDurable(before)) !== JSON.stringify(toDurable(step.state))) steps++
    if (death?.step === steps) {
      const { how } = death
      death = null
      if (how !== 'before-sending') for (const action of commands) if (action.kind === 'apply') execute(action.interface, action.desired, how === 'after-sending')
      restart()
      return false
    }
    if (later?.step === steps) {
      const { order: due } = later
      later = null
      order(due)
    }
    for (const action of commands) carryOut(action)
    nowMs += 10
    return commands.length > 0
  }

  return {
    sides,
    registrar,
    bound,
    overlaps: () => table.overlaps(),
    nowMs: () => nowMs,
    state: stateNow,
    world: () => world,
    last: () => last ?? (() => { throw new Error('nothing was planned') })(),
    sent,
    notes,
    unsafe,
    ended: () => notes.filter((n) => n.type === 'ended').map((n) => String(n.data['result'])),
    change: (alter) => { setState(alter(stateNow())) },
    fire: (alerts) => { world = { ...world, alertsByTrunk: new Map([['acme', alerts]]) } },
    pass: (seconds) => {
      for (let second = 0; second < seconds; second++) {
        nowMs = NOW + Math.ceil((nowMs - NOW + 1) / SECOND) * SECOND
        look()
        for (let turn = 0; turn < 5 && plan(); turn++);
      }
    },
    restart,
    dieAt: (step, how) => { death = { step: steps + step, how } },
    order,
    orderAt: (step, given) => { later = { step: steps + step, order: given } },
    steps: () => steps
  }
}

