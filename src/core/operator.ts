/**
 * What an operator's orders do to a trunk: judged on the world as it is, with all vetoes told, and given back as a change of
 * its state. Pure; the engine stores the change and the journal line before it counts.
 */
import { ranked } from './demands.ts'
import { standingPause, standingPin } from './permission.ts'
import { ADVISORY, isOverridable, isPassable, OVERRIDABLE, releaseLine, switchoverLine } from './override.ts'
import { planTrunk } from './planner.ts'
import { predictedGapMs } from './proof.ts'
import type { Step } from './plan.ts'
import { mode, paused, pin as pinned } from './interlocks/people.ts'
import type { Judgement, Proposal, Veto } from './interlocks/judgement.ts'
import { VETOES, WAITS } from './reasons.ts'
import type { VetoReason } from './reasons.ts'
import { awaitsApproval } from './explain.ts'
import { enabledInterfaces, shouldBeOn } from './resting.ts'
import { demandsOf } from './rules.ts'
import type { Demand } from './rules.ts'
import { trunkHealth } from './trunk-health.ts'
import type { InterfaceHealth } from './trunk-health.ts'
import type { EpochMs, InterfaceKey, TrunkId, TrunkTopology } from './topology.ts'
import { interfaceState, newDebt } from './world.ts'
import type { OpenDecision, OperatorRequest, Pin, SwitchoverCause, TrunkState, World } from './world.ts'

/** An order about one trunk. Names are as the caller wrote them. */
export type TrunkOrder =
  | { readonly verb: 'pin'; readonly trunk: TrunkId; readonly interface: InterfaceKey; readonly untilMs: EpochMs | null }
  | { readonly verb: 'switchover'; readonly trunk: TrunkId; readonly to: InterfaceKey | null; readonly override: readonly string[]; readonly knownOff: readonly InterfaceKey[]; readonly force: boolean }
  | { readonly verb: 'approve' | 'reject'; readonly trunk: TrunkId; readonly decision: string }
  | { readonly verb: 'unpin' | 'abort' | 'failback' | 'ack' | 'adopt' | 'reassert'; readonly trunk: TrunkId }

/** Who gives it, why, when, and the decision id under which it is journalled. */
export interface Author { readonly decision: string; readonly actor: string; readonly reason: string; readonly atMs: EpochMs }

export type Answer =
  /** `change` counts for whatever the state has become when it is stored; `pauses`: the trunk is paused with it. */
  | { readonly ok: true; readonly detail: string; readonly pauses: boolean; readonly change: (state: TrunkState) => TrunkState }
  /** `release`: the command line that would bring it about all the same. */
  | { readonly ok: false; readonly detail: string; readonly vetoes: readonly Veto[]; readonly release: string | null }

interface Desk {
  readonly world: World
  readonly trunk: TrunkTopology
  readonly state: TrunkState
  readonly health: ReadonlyMap<InterfaceKey, InterfaceHealth>
  readonly author: Author
}

const refuse = (detail: string, release: string | null = null): Answer => ({ ok: false, detail, vetoes: [], release })
const take = (detail: string, change: (state: TrunkState) => TrunkState, pauses = false): Answer => ({ ok: true, detail, pauses, change })

/** Judges an order. Null: there is no such trunk. */
export function giveOrder (world: World, order: TrunkOrder, author: Author): Answer | null {
  const trunk = world.topology.trunks.get(order.trunk)
  const state = world.trunks.get(order.trunk)
  if (trunk === undefined || state === undefined) return null
  const desk: Desk = { world, trunk, state, health: trunkHealth(world, trunk, state, author.atMs), author }
  switch (order.verb) {
    case 'pin': return pin(desk, order.interface, order.untilMs)
    case 'unpin': return unpin(desk)
    case 'switchover': return switchover(desk, order)
    case 'failback': return failback(desk)
    case 'abort': return abort(desk)
    case 'ack': return ack(desk)
    case 'approve': case 'reject': return answerProposal(desk, order.verb, order.decision)
    case 'adopt': return adoptState(desk)
    case 'reassert': return reassert(desk)
  }
}

function pin (desk: Desk, key: InterfaceKey, untilMs: EpochMs | null): Answer {
  const { trunk, state, health, author } = desk
  const its = health.get(key)
  if (its === undefined) return refuse(noInterface(trunk, key))
  if (state.inFlight !== null) return busy(desk)
  const placed: Pin = { interface: key, actor: author.actor, reason: author.reason, atMs: author.atMs, untilMs }
  const length = untilMs === null ? 'until it is unpinned' : `until ${new Date(untilMs).toISOString()}`
  if (!shouldBeOn(state, key)) return ask(desk, { verb: 'pin', to: key }, { pin: placed })
  const dead = its.verdict === 'down' ? `; it is down (${its.downBy.join(', ')}), and the pin keeps the trunk there` : ''
  // An order to go elsewhere that still waits is over with it.
  return take(`${trunk.id} stays on ${key} ${length}${dead}`, (now) => ({ ...now, pin: placed, request: null, open: now.request === null ? now.open : null }))
}

function unpin ({ trunk, state, author }: Desk): Answer {
  const placed = standingPin(state, author.atMs)
  if (placed === null) return refuse(`${trunk.id} is not pinned`)
  return take(`${trunk.id} is no longer pinned to ${placed.interface}`, (now) => ({ ...now, pin: null }))
}

function switchover (desk: Desk, order: Extract<TrunkOrder, { verb: 'switchover' }>): Answer {
  const { trunk, state, health } = desk
  if (state.inFlight !== null) return busy(desk)
  const carries = (key: InterfaceKey): boolean => trunk.type === 'shared' ? onlyOneOn(desk, key) : key === state.wanted && health.get(key)?.enabled !== false
  const others = ranked(trunk, demandsNow(desk)).filter((i) => trunk.type === 'shared' || i.key !== state.wanted)
  const to = order.to ?? (others.find((i) => health.get(i.key)?.usable === true) ?? others[0])?.key
  if (to === undefined) return refuse(`${trunk.id} has no other interface`)
  if (!health.has(to)) return refuse(noInterface(trunk, to))
  if (carries(to)) return refuse(`${trunk.id} is on ${to} already`)
  const wrong = wrongName(order.override) ?? wrongVouch(desk, order.knownOff, to)
  if (wrong !== null) return refuse(wrong)
  return ask(desk, { verb: 'switchover', to, override: order.override.filter(isOverridable), knownOff: order.knownOff, force: order.force })
}

/** A shared trunk is on one interface when no other one is seen enabled. */
function onlyOneOn ({ trunk, state }: Desk, key: InterfaceKey): boolean {
  const [only, second] = enabledInterfaces(trunk, state)
  return only === key && second === undefined
}

function wrongName (names: readonly string[]): string | null {
  const wrong = names.find((name) => !isOverridable(name))
  if (wrong === undefined) return null
  const exists = Object.hasOwn(VETOES, wrong)
  return `${exists ? `${wrong} can't be overridden by its name` : `no interlock is called ${wrong}`}; these can: ${OVERRIDABLE.join(', ')}`
}

/** A person's word that an interface is off counts only while its gateway does not answer: what answers is disabled in order. */
function wrongVouch ({ trunk, health }: Desk, keys: readonly InterfaceKey[], to: InterfaceKey): string | null {
  for (const key of keys) {
    const its = health.get(key)
    if (its === undefined) return noInterface(trunk, key)
    if (key === to) return `${key} can't be known to be off and be switched to`
    if (its.answers === 'yes') return `the gateway of ${key} answers: it is disabled in order, nobody needs to know that it is off`
    if (its.answers === 'unclear') return `it is not clear yet whether the gateway of ${key} answers; try again in a moment`
  }
  return null
}

function demandsNow ({ world, trunk }: Desk): readonly Demand[] {
  return demandsOf(world.alertsByTrunk.get(trunk.id) ?? [], trunk, world.topology.rules)
}

function failback (desk: Desk): Answer {
  const { trunk, state } = desk
  if (state.inFlight !== null) return busy(desk)
  if (trunk.type === 'shared') {
    const [out] = state.out
    return out === undefined ? refuse(`nothing is taken out of ${trunk.id}`) : ask(desk, { verb: 'failback', to: out })
  }
  const first = ranked(trunk, demandsNow(desk))[0]?.key
  if (first === undefined || first === state.wanted) return refuse(`${trunk.id} is on its preferred interface already`)
  if (trunk.failback.policy === 'never') return refuse(`the failback of ${trunk.id} is "never" in the configuration`, `pointsman switchover ${trunk.id} --to ${first} --reason …`)
  return ask(desk, { verb: 'failback', to: first })
}

/** Would it be admitted now? Planned on the state as if it were given. */
function ask (desk: Desk, wish: Pick<OperatorRequest, 'verb' | 'to'> & Partial<OperatorRequest>, more: Partial<TrunkState> = {}): Answer {
  const { trunk, state, author } = desk
  const request: OperatorRequest = { override: [], knownOff: [], force: false, ...author, ...wish }
  // A proposal that is open, or an order that waits, gives way.
  const change = (now: TrunkState): TrunkState => ({ ...now, ...more, open: null, request })
  const trial = tryOut(desk, change(state))
  if (trial.vetoes.length > 0) return vetoed(desk, request.to, trial.vetoes)
  const waits = trial.waits.filter((w) => w.untilMs !== null).map((w) => `${WAITS[w.reason]}, until ${new Date(w.untilMs ?? 0).toISOString()}`)
  const shown = trial.passed.filter((v) => ADVISORY.has(v.interlock)).map((v) => `automation would be held by ${v.interlock} (${v.detail})`)
  const blind = interfaceState(trial.state, request.to).observed?.path == null ? ['nothing tells whether it reaches the carrier while it is off'] : []
  return take([`${trunk.id} moves to ${request.to}`, ...waits, ...shown, ...blind].join('; '), change)
}

function tryOut ({ world, trunk, author }: Desk, state: TrunkState): Step {
  return planTrunk({ ...world, trunks: new Map([[trunk.id, state]]) }, trunk.id, author.decision, author.atMs)
}

function vetoed ({ world, trunk, health, author }: Desk, to: InterfaceKey | null, vetoes: readonly Veto[]): Answer {
  const silent = [...health.values()].filter((h) => h.key !== to && h.answers === 'no').map((h) => h.key)
  const pauseScope = standingPause(world, trunk, trunk.interfaces.map((i) => i.key), author.atMs)?.scope ?? null
  const held = { trunk, to, vetoes, silent, pauseScope, approvable: false }
  const detail = vetoes.map((v) => `${v.interlock}: ${v.detail}`).join('; ')
  return { ok: false, detail, vetoes, release: to !== null && vetoes.every((v) => isPassable(v.interlock)) ? switchoverLine(held) : releaseLine(held) }
}

/** Causes that come again by themselves as long as their evidence stands. */
const AUTOMATIC: ReadonlySet<SwitchoverCause> = new Set(['alert', 'health', 'prefer', 'upkeep'])

/**
 * Ends what is under way as soon as that is safe. What automation has begun would begin again at once, so the trunk is
 * paused with it; an order of a person is just taken back.
 */
function abort ({ world, trunk, state, author }: Desk): Answer {
  const run = state.inFlight
  const comesAgain = (cause: SwitchoverCause): boolean => AUTOMATIC.has(cause) || (cause === 'failback' && trunk.failback.policy === 'automatic')
  const paused = `; ${trunk.id} is paused, since it would begin again: pointsman resume --trunk ${trunk.id}`
  if (run === null) {
    if (state.request !== null) return take(`the order to move to ${state.request.to} is taken back`, (now) => ({ ...now, request: null }))
    return state.open === null ? refuse(`nothing is under way for ${trunk.id}`) : take(`nothing was begun${paused}`, (now) => now, true)
  }
  if (run.rollingBack) return refuse(`it goes back to ${run.from ?? 'nothing'} already`)
  if (run.abortedBy !== null) return refuse(`${run.abortedBy} has aborted it already`)
  if (state.members !== null && run.phase === 'disabling') return refuse(`${run.from ?? run.to} is being taken out already; put it in again: pointsman failback ${trunk.id} --reason …`)
  if (state.members === null && run.from === null && run.phase !== 'disabling' && run.phase !== 'proving') return refuse(`${run.to} is being switched on and there is nothing to go back to`)
  const back = run.from === null ? 'it ends' : `it turns back to ${run.from} as soon as it can; while that gateway does not answer it goes on${gapOf(world, trunk, state, author.atMs)}`
  return take(`${back}${comesAgain(run.cause) ? paused : ''}`, (now) => now.inFlight === null ? now : { ...now, inFlight: { ...now.inFlight, abortedBy: author.actor } }, comesAgain(run.cause))
}

/** The way back has a price when the new interface may be registered by now: its proof. */
function gapOf (world: World, trunk: TrunkTopology, state: TrunkState, nowMs: EpochMs): string {
  const run = state.inFlight
  const to = trunk.interfaces.find((i) => i.key === run?.to)
  if (run === null || run.from === null || to === undefined || (run.phase !== 'enabling' && run.phase !== 'verifying')) return ''
  const gapMs = predictedGapMs(trunk, state, to.key, run.from, to.capabilities.unregisters, nowMs)
  return gapMs === 0 ? '' : `; ${to.key} may be registered already, so nobody carries the trunk for up to ${Math.ceil(gapMs / 1000)} s`
}

/** What automation has counted against itself counts no more. */
function ack ({ trunk, state }: Desk): Answer {
  const told = [
    ...(state.latch === null ? [] : [`the latch (${state.latch.because})`]),
    ...(state.failedFailbacks === 0 ? [] : [`${state.failedFailbacks} failed failbacks`]),
    ...(state.ineffective === 0 ? [] : [`${state.ineffective} refuted switchovers`])
  ]
  if (told.length === 0) return refuse(`${trunk.id} has nothing to acknowledge`)
  return take(`acknowledged: ${told.join(', ')}`, (now) => ({ ...now, latch: null, failedFailbacks: 0, ineffective: 0, movesAtMs: [] }))
}

/** Who has answered may think again as long as nothing has begun. */
function answerProposal (desk: Desk, verb: 'approve' | 'reject', decision: string): Answer {
  const { trunk, state, author } = desk
  const { open } = state
  if (open === null) return refuse(`nothing is proposed for ${trunk.id}`)
  const current = `${open.id}, from ${open.from ?? 'nothing'} to ${open.to ?? 'nothing'}`
  if (open.id !== decision) return refuse(`the proposal has changed: it is ${current}`)
  const now = tryOut(desk, state)
  if (now.state.open?.id !== decision) return refuse(`the proposal changes just now: ${current} is over`)
  if (open.answer === null && !awaitsApproval(now.vetoes)) return notAsked(desk, open)
  if (verb === 'approve' && open.to === null) return refuse('there is nothing usable to move to')
  const answer: OpenDecision['answer'] = { verdict: verb === 'approve' ? 'approved' : 'rejected', actor: author.actor, reason: author.reason, atMs: author.atMs }
  const change = (later: TrunkState): TrunkState => later.open?.id === decision ? { ...later, open: { ...later.open, answer } } : later
  if (verb === 'reject') return take(`rejected: ${current}; it is not asked for again while its evidence stands`, change)
  const { vetoes } = tryOut(desk, change(state))
  return vetoes.length > 0 ? vetoed(desk, open.to, vetoes) : take(`approved: ${current}`, change)
}

/** In mode observe nothing is approved, in mode automatic nobody is asked. */
function notAsked ({ trunk }: Desk, { id, from, to }: OpenDecision): Answer {
  const observed = trunk.mode === 'observe'
  const detail = `${id}, from ${from ?? 'nothing'} to ${to ?? 'nothing'}, does not wait for an approval${observed ? `: ${trunk.id} is in mode observe` : ''}`
  return refuse(detail, `pointsman switchover ${trunk.id}${to === null ? '' : ` --to ${to}`}${observed ? ' --override mode' : ''} --reason …`)
}

function adoptState (desk: Desk): Answer {
  const { trunk, state, author } = desk
  if (state.inFlight !== null) return busy(desk)
  const change = (now: TrunkState): TrunkState => adopt(trunk, now, author.decision, author.atMs)
  const { members, wanted } = change(state)
  return take(`${(members === null ? wanted : members.join(', ')) ?? 'nothing'} is now what should be on`, change)
}

/**
 * `adopt`: what the gateways show now is right. The first enabled interface becomes the wanted one; further enabled ones
 * owe to be off; with none enabled the first in order of preference is to be switched on. Registrations count from now:
 * after a move by hand the carrier may keep the old one for a while. On a shared trunk all that are enabled are wanted.
 */
export function adopt (trunk: TrunkTopology, state: TrunkState, decision: string, nowMs: EpochMs): TrunkState {
  const enabled = enabledInterfaces(trunk, state)
  if (state.members !== null) {
    const members = enabled.length > 0 ? enabled : trunk.interfaces.map((i) => i.key)
    return { ...state, baseline: 'adopted', drift: null, members, out: [], refuted: null, registrationsFromMs: nowMs }
  }
  // Of a silent gateway only an old read is known.
  const wanted = enabled.find((key) => !interfaceState(state, key).silentSince) ?? enabled[0]
  const debts = enabled.filter((key) => key !== wanted).map((key) => newDebt(key, decision, nowMs))
  return { ...state, baseline: 'adopted', drift: null, wanted: wanted ?? trunk.interfaces[0]?.key ?? null, debts, refuted: null, registrationsFromMs: nowMs }
}

/**
 * `reassert`: what a person changed at the gateways is undone. What came on beside the wanted one owes to be off; a wanted
 * one that is merely off is switched on by the planner; where another one carries the trunk it is a switchover back. On a
 * shared trunk the planner takes out and puts in what differs.
 */
function reassert (desk: Desk): Answer {
  const { trunk, state, author } = desk
  const { wanted } = state
  if (state.inFlight !== null) return busy(desk)
  if (state.baseline !== 'adopted' || (wanted === null && state.members === null)) return refuse('nothing is wanted yet that could be put back', `pointsman adopt ${trunk.id} --reason …`)
  if (state.drift === null) return refuse(`nobody has changed a gateway of ${trunk.id}`)
  if (wanted === null) {
    const order: Proposal = { from: null, to: trunk.interfaces.find((i) => shouldBeOn(state, i.key))?.key ?? null, cause: 'operator', demands: [], byOperator: true, lastUsable: false }
    const held = forbidden(desk, order)
    return held.length > 0 ? vetoed(desk, null, held) : take('what differs is put back', (now) => ({ ...now, drift: null }))
  }
  const enabled = enabledInterfaces(trunk, state)
  const [carrying] = enabled
  const owing = (now: TrunkState, keys: readonly InterfaceKey[]): TrunkState => ({
    ...now,
    drift: null,
    debts: [...now.debts, ...keys.filter((key) => !now.debts.some((debt) => debt.interface === key)).map((key) => newDebt(key, author.decision, author.atMs))]
  })
  if (carrying !== undefined && !enabled.includes(wanted)) {
    const from = { ...owing(state, enabled.slice(1)), wanted: carrying }
    return ask({ ...desk, state: from }, { verb: 'reassert', to: wanted }, { wanted: carrying, drift: null, debts: from.debts })
  }
  const change = (now: TrunkState): TrunkState => owing(now, enabled.filter((key) => key !== wanted))
  const held = forbidden(desk, { from: enabled.find((key) => key !== wanted) ?? null, to: wanted, cause: 'operator', demands: [], byOperator: true, lastUsable: false })
  return held.length > 0 ? vetoed(desk, null, held) : take(`${wanted} is what should be on; what differs is put back`, change)
}

/** It moves nothing by itself, and what follows is judged when it is due; but people may have said that nothing shall be touched. */
function forbidden ({ world, trunk, state, health, author }: Desk, proposal: Proposal): Veto[] {
  const decision: OpenDecision = { ...proposal, id: author.decision, held: '', sinceMs: author.atMs, drainSinceMs: null, answer: null }
  const judgement: Judgement = { world, trunk, state, health, demands: [], proposal, decision, proof: { state: 'unclear' }, nowMs: author.atMs }
  return Object.entries({ mode, paused, pin: pinned }).flatMap(([name, interlock]): Veto[] => {
    const refusal = interlock(judgement)
    return refusal === null ? [] : [{ interlock: name as VetoReason, ...refusal }]
  })
}

function busy ({ trunk, state }: Desk): Answer {
  return refuse(`a switchover of ${trunk.id} to ${state.inFlight?.to ?? 'nothing'} is under way`, `pointsman abort ${trunk.id} --reason …`)
}

function noInterface (trunk: TrunkTopology, key: InterfaceKey): string {
  return `${trunk.id} has no interface ${key}; it has ${trunk.interfaces.map((i) => i.key).join(', ')}`
}
