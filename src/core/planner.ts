/**
 * `planTrunk(world, trunk, now)`: what to do about one trunk, from everything known. Level-triggered: it never
 * looks at what has just happened, only at what is so. Same world and instant, same plan.
 *
 * What holds: an enable is planned only by an admitted switchover whose other interfaces are proven off; nothing is
 * planned for a drifting or unclear trunk; a plan applied in full plans to nothing.
 */
import { isAlarmed } from './condition.ts'
import { payDebts, payWhileVerifying } from './debt.ts'
import { drainOf, drainsFirst } from './drain.ts'
import { incidentCause, withIncident } from './incidents.ts'
import { judge } from './interlocks.ts'
import type { Judgement, Proposal, Veto } from './interlocks/judgement.ts'
import { PRE_FLIGHT_MS } from './interlocks/target.ts'
import { hasExpired, modeOf } from './mode.ts'
import { nextTry } from './moves.ts'
import { recordDark } from './observe.ts'
import { maySend } from './permission.ts'
import { earlier, NO_STEP } from './plan.ts'
import type { Action, Note, Step } from './plan.ts'
import { proofOthersOff } from './proof.ts'
import { prepare } from './prepare.ts'
import type { Proof } from './proof.ts'
import { READ_EVERY_MS, readings } from './reading.ts'
import { demandsOf, healthDemandsOf } from './rules.ts'
import { proposeShared } from './propose-shared.ts'
import { propose } from './propose.ts'
import type { Demand } from './rules.ts'
import { advanceShared } from './shared-switchover.ts'
import { advance } from './switchover.ts'
import { trunkHealth } from './trunk-health.ts'
import type { InterfaceHealth } from './trunk-health.ts'
import type { EpochMs, InterfaceKey, TrunkId, TrunkTopology } from './topology.ts'
import { attend } from './upkeep.ts'
import { waitsFor } from './waits.ts'
import { keepWell } from './well.ts'
import type { Wait } from './waits.ts'
import { rulesInForce } from './watchdog.ts'
import { interfaceState } from './world.ts'
import type { OpenDecision, Switchover, TrunkState, World } from './world.ts'

/** Evidence grows stale without a word: a held proposal is looked at again this often. */
const LOOK_AGAIN_MS = 60_000

/** Pause between two reads while calls are waited for. */
const DRAIN_READ_MS = 1000

type HealthMap = ReadonlyMap<InterfaceKey, InterfaceHealth>

/**
 * One step of one trunk.
 * @param freshId - an unused decision id, for a proposal that opens now
 */
export function planTrunk (world: World, id: TrunkId, freshId: string, nowMs: EpochMs): Step {
  const trunk = world.topology.trunks.get(id)
  const stored = world.trunks.get(id)
  if (trunk === undefined || stored === undefined) throw new Error(`no trunk ${id}`)
  const notes: Note[] = []
  let state = prepare(world, trunk, stored, freshId, notes, nowMs)
  const health = trunkHealth(world, trunk, state, nowMs)
  state = recordDark(state, [...health.values()].filter((h) => !h.sipAlive && interfaceState(state, h.key).silentSince).map((h) => h.key))
  const alerts = demandsOf(world.alertsByTrunk.get(id) ?? [], trunk, world.topology.rules)
  const own = healthDemandsOf(trunk, health, rulesInForce(world), nowMs)
  state = keepWell(state, health, alerts, nowMs)
  const step = decide(world, trunk, state, health, [...own.demands, ...alerts], freshId, nowMs)
  // Hours until a window opens are no time of change.
  const changing = step.state.inFlight !== null || step.state.debts.length > 0 || step.waits.some((w) => w.reason !== 'window') || [...health.values()].some((h) => h.wavering)
  const care = attend(world, trunk, step.state, health, changing ? 'changing' : alerts.length > 0 || isAlarmed(world, trunk, nowMs) ? 'doubt' : 'calm', nowMs)
  return {
    ...step,
    state: care.state,
    actions: [...step.actions, ...care.actions],
    notes: [...notes, ...step.notes, ...care.notes],
    wakeAtMs: [step.wakeAtMs, care.wakeAtMs, own.wakeAtMs, care.state.pin?.untilMs ?? null].reduce(earlier, null)
  }
}

function decide (world: World, trunk: TrunkTopology, state: TrunkState, health: HealthMap, demands: readonly Demand[], freshId: string, nowMs: EpochMs): Step {
  if (state.inFlight !== null && !world.leader) return { ...NO_STEP, state }
  if (state.inFlight !== null) {
    const step = goOn(world, trunk, state, health, nowMs)
    // Beside one another is how the interfaces of a shared trunk are.
    return state.members === null ? resolveOverlap(world, trunk, step, health, nowMs) : step
  }
  const proposals = (state.members === null ? propose : proposeShared)(trunk, state, health, demands, nowMs)
  const considered = proposals.map((proposal) => consider(world, trunk, state, health, demands, proposal, freshId, nowMs))
  const held = considered.find((step) => step.vetoes.length === 0) ?? considered[0] ?? null
  if (held?.state.inFlight != null) {
    // Admitted: what is journalled in this step includes the first command, and both are on disk before its first byte.
    const first = goOn(world, trunk, held.state, health, nowMs)
    return { ...first, passed: held.passed, notes: [...held.notes, ...first.notes] }
  }
  const base = held ?? withdraw(state)
  if (base.state.debts.length === 0) return base
  const debts = payDebts(world, trunk, base.state, health, nowMs)
  return { ...base, state: debts.state, actions: [...base.actions, ...debts.actions], notes: [...base.notes, ...debts.notes], wakeAtMs: earlier(base.wakeAtMs, debts.wakeAtMs) }
}

function goOn (world: World, trunk: TrunkTopology, state: TrunkState, health: HealthMap, nowMs: EpochMs): Step {
  return (state.members === null ? advance : advanceShared)(world, trunk, state, health, nowMs)
}

/** What comes back enabled while the new interface is verified is switched off at once, not after the end. */
function resolveOverlap (world: World, trunk: TrunkTopology, step: Step, health: HealthMap, nowMs: EpochMs): Step {
  const run = step.state.inFlight
  if (run?.phase !== 'verifying' || !maySend(world, trunk, step.state, nowMs, run.cause === 'operator')) return step
  const debts = payWhileVerifying(world, trunk, step.state, run, health, nowMs)
  return { ...step, state: debts.state, actions: [...step.actions, ...debts.actions], notes: [...step.notes, ...debts.notes], wakeAtMs: earlier(step.wakeAtMs, debts.wakeAtMs) }
}

/** Judges a proposal: admitted, or held with all vetoes and waits. Changes are journalled once. */
function consider (world: World, trunk: TrunkTopology, state: TrunkState, health: HealthMap, demands: readonly Demand[], proposal: Proposal, freshId: string, nowMs: EpochMs): Step {
  const proof = proofBefore(trunk, state, health, proposal, nowMs)
  let decision = open(world, trunk, state, health, demands, proposal, freshId, nowMs)
  const judgement: Judgement = { world, trunk, state, health, demands, proposal, decision, proof, nowMs }
  const { vetoes, passed } = judge(judgement)
  const waits: Wait[] = vetoes.length > 0 ? [] : waitsFor(judgement)
  const actions: Action[] = []
  let drained: string | null = null
  if (vetoes.length === 0 && waits.length === 0 && drainsFirst(trunk, state, health, proposal)) {
    // Nothing is written yet, so all is judged anew while the calls are waited for.
    decision = { ...decision, drainSinceMs: decision.drainSinceMs ?? nowMs }
    const drain = drainOf(trunk, state, health, proposal.from, decision.drainSinceMs ?? nowMs, nowMs)
    if (drain.state === 'over') drained = drain.because
    else waits.push({ reason: 'draining', detail: drain.detail, untilMs: drain.untilMs })
    if (proposal.from !== null) actions.push(...readings(world, trunk, state, [proposal.from], DRAIN_READ_MS, nowMs).actions)
  }
  if (vetoes.length === 0 && waits.length === 0 && proposal.to !== null) {
    const missing = unreadLately(state, proposal, health, nowMs)
    actions.push(...readings(world, trunk, state, missing, READ_EVERY_MS, nowMs).actions)
    if (missing.length === 0) return admit({ ...judgement, decision }, passed, drained)
    waits.push({ reason: 'pre-flight', detail: `reading ${missing.join(', ')}`, untilMs: null })
  }
  const held = [...vetoes.map((v) => v.interlock), ...waits.map((w) => w.reason)].join(' ')
  const notes: Note[] = []
  if (state.open !== null && decision.id !== state.open.id && isSameMove(state.open, proposal)) {
    notes.push({ decision: state.open.id, type: 'expired', data: { from: state.open.from, to: state.open.to, anew: decision.id } })
  }
  if (decision.id === freshId && state.open?.id !== freshId) {
    notes.push({ decision: decision.id, type: 'proposed', data: describe(proposal) })
  }
  // A read before the first write is part of the admission, not a change of mind.
  if (held !== decision.held && held !== 'pre-flight') {
    notes.push({ decision: decision.id, type: 'vetoed', data: { vetoes: vetoes.map((v) => ({ ...v })), waits: waits.map((w) => ({ ...w })) } })
  }
  // An order that an interlock refuses is not kept: it would act at a moment that its author does not expect.
  const refused = proposal.byOperator && vetoes.length > 0
  const ends = [...vetoes, ...waits].map((v) => v.untilMs).filter((t): t is number => t !== null && t > nowMs)
  return {
    state: refused ? { ...state, open: null, request: null } : { ...state, open: { ...decision, held: held === 'pre-flight' ? decision.held : held } },
    actions,
    notes,
    vetoes,
    passed,
    waits,
    // A wait without an end is over with the next result; whatever else changes wakes the plan, too.
    wakeAtMs: ends.length > 0 ? Math.min(...ends, nowMs + (waits.some((w) => w.reason === 'draining') ? DRAIN_READ_MS : LOOK_AGAIN_MS)) : nowMs + (waits.length > 0 ? 1000 : 5000)
  }
}

/** The proof that has to stand before the first write. What answers is disabled in order, inside the switchover. */
function proofBefore (trunk: TrunkTopology, state: TrunkState, health: HealthMap, proposal: Proposal, nowMs: EpochMs): Proof {
  if (proposal.to === null) return { state: 'unclear' }
  // Several may be on at once.
  if (state.members !== null) return { state: 'proven', by: 'off' }
  const disabledInOrder = proposal.from !== null && health.get(proposal.from)?.answers === 'yes'
  // Who answers with errors only can't be disabled, and is not dead.
  const own = proposal.from === null ? null : interfaceState(state, proposal.from)
  if (disabledInOrder && own?.attempt?.reason != null && nowMs - (own.observed?.atMs ?? 0) > PRE_FLIGHT_MS) {
    return { state: 'blocked', veto: 'exclusive', detail: `${proposal.from ?? ''} answers, but can't be read or commanded (${own.attempt.reason})` }
  }
  const others = disabledInOrder ? new Map([...health].filter(([key]) => key !== proposal.from)) : health
  return proofOthersOff(trunk, state, others, proposal.to, nowMs).proof
}

function isSameMove (last: OpenDecision, { from, to, cause }: Proposal): boolean {
  return last.from === from && last.to === to && last.cause === cause
}

/** The same move under the same cause keeps its decision id, unless nobody has approved it in time. */
function open (world: World, trunk: TrunkTopology, state: TrunkState, health: HealthMap, demands: readonly Demand[], proposal: Proposal, freshId: string, nowMs: EpochMs): OpenDecision {
  const last = state.open
  const asks = !proposal.byOperator && modeOf(world.topology, trunk, health, demands, proposal) === 'approve'
  if (last !== null && isSameMove(last, proposal) && !(asks && hasExpired(last, nowMs))) return last
  return { id: state.request?.decision ?? freshId, from: proposal.from, to: proposal.to, cause: proposal.cause, held: '', sinceMs: nowMs, drainSinceMs: null, answer: null }
}

function describe (proposal: Proposal): Record<string, unknown> {
  const { from, to, cause, demands, lastUsable } = proposal
  return { from, to, cause, ...(lastUsable ? { because: 'last-usable' } : {}), demands: demands.map((d) => ({ rule: d.rule, alert: d.alert?.name ?? null, fingerprint: d.alert?.fingerprint ?? null, interface: d.interface })) }
}

/** Interfaces without a good read in the last 5 s. What is silent by its fall count is not waited for. */
function unreadLately (state: TrunkState, { from, to }: Proposal, health: HealthMap, nowMs: EpochMs): InterfaceKey[] {
  return [to, from].filter((key): key is InterfaceKey => {
    if (key === null || health.get(key)?.answers === 'no') return false
    const { observed, attempt } = interfaceState(state, key)
    return observed === null || attempt?.reason !== null || nowMs - observed.atMs > PRE_FLIGHT_MS
  })
}

/** @param drained - why no call is waited for any longer; null: none was */
function admit ({ world, trunk, state, health, proposal, decision, nowMs }: Judgement, passed: readonly Veto[], drained: string | null): Step {
  if (proposal.to === null) throw new Error('a proposal without a target was admitted')
  const knownOff = proposal.byOperator ? state.request?.knownOff ?? [] : []
  const inFlight: Switchover = {
    decision: decision.id,
    from: proposal.from,
    to: proposal.to,
    cause: proposal.cause,
    trial: proposal.cause === 'failback' && !proposal.byOperator,
    admittedAtMs: nowMs,
    rollingBack: false,
    phase: state.members === null ? 'disabling' : 'enabling',
    phaseSinceMs: nowMs,
    failures: 0,
    provenBy: null,
    reregistered: false,
    abortedBy: null,
    knownOff
  }
  const upkeeps = proposal.cause === 'upkeep' ? nextTry(state.upkeeps, nowMs) : state.upkeeps
  const from = trunk.interfaces.find((i) => i.key === proposal.from)
  const its = health.get(proposal.from ?? '')
  const counts = (proposal.cause === 'alert' || proposal.cause === 'health') && !proposal.byOperator && from !== undefined && its !== undefined
  const incidents = counts ? withIncident(state, incidentCause(world, from, its, decision.sinceMs), nowMs) : state.incidents
  // On a shared trunk it takes as many switchovers as there are interfaces to take out or to put in.
  const isLasting = state.members !== null && proposal.byOperator
  const note: Note = { decision: decision.id, type: 'admitted', data: { ...describe(proposal), ...(drained === null ? {} : { drained }), ...passedBy(state, passed), ...(knownOff.length > 0 ? { knownOff } : {}), ...approvedBy(decision) } }
  return { ...NO_STEP, state: { ...state, inFlight, open: null, request: isLasting ? state.request : null, upkeeps, incidents }, passed, notes: [note] }
}

/** `overridden`: named by the author of the order; `shown`: they judge automation only. */
function passedBy (state: TrunkState, passed: readonly Veto[]): Record<string, unknown> {
  const named = new Set(state.request?.override)
  const [overridden, shown] = [passed.filter((v) => named.has(v.interlock)), passed.filter((v) => !named.has(v.interlock))]
  return { ...(overridden.length > 0 ? { overridden: overridden.map((v) => ({ ...v })) } : {}), ...(shown.length > 0 ? { shown: shown.map((v) => ({ ...v })) } : {}) }
}

function approvedBy ({ answer }: OpenDecision): Record<string, unknown> {
  return answer?.verdict === 'approved' ? { approvedBy: answer.actor } : {}
}

function withdraw (state: TrunkState): Step {
  if (state.open === null && state.request === null) return { ...NO_STEP, state }
  const notes: Note[] = state.open === null ? [] : [{ decision: state.open.id, type: 'withdrawn', data: { from: state.open.from, to: state.open.to } }]
  return { ...NO_STEP, state: { ...state, open: null, request: null }, notes }
}
