/**
 * Debt: an interface that should be off and could not be reached. When it answers it is disabled, read back, and the
 * wanted one is made to register anew unless the registrar lists it. Turned round when the wanted one is down or off and
 * the debtor lives: a debt must never kill the only live gateway.
 */
import { fingerprintOf } from './fingerprint.ts'
import { recordCommand } from './observe.ts'
import { maySend, standingPin } from './permission.ts'
import { proofTimeMs } from './proof.ts'
import { NO_STEP } from './plan.ts'
import type { Action, Note, Step } from './plan.ts'
import { READ_EVERY_MS, readings } from './reading.ts'
import { direction } from './transaction.ts'
import { bindingWord } from './trunk-health.ts'
import type { InterfaceHealth } from './trunk-health.ts'
import type { DurationMs, EpochMs, InterfaceKey, TrunkTopology } from './topology.ts'
import { interfaceState, newDebt } from './world.ts'
import type { Debt, Switchover, TrunkState, World } from './world.ts'

/** A debtor that is silent is read this often. */
const POLL_MS = 2000
/** One that refuses its command gets three tries, then fewer and fewer. */
const RETRY_MS = 5000
const EARLY_TRIES = 3
const LONGEST_RETRY_MS = 30_000

/** Pays what can be paid now, as far as people and the mode let it. */
export function payDebts (world: World, trunk: TrunkTopology, before: TrunkState, health: ReadonlyMap<InterfaceKey, InterfaceHealth>, nowMs: EpochMs): Step {
  const payable = before.debts.filter((debt) => maySend(world, trunk, before, nowMs, debt.ordered))
  if (payable.length === 0) return { ...NO_STEP, state: before }
  let state = before
  const actions: Action[] = []
  const notes: Note[] = []
  for (const debt of payable) {
    const step = pay(world, trunk, state, health, debt, nowMs)
    state = step.state
    actions.push(...step.actions)
    notes.push(...step.notes)
    // Turned round: the other debts are seen anew with the next plan.
    if (state.wanted !== before.wanted) break
  }
  return { ...NO_STEP, state, actions, notes, wakeAtMs: nowMs + POLL_MS / 4 }
}

/**
 * While the new interface is verified: another one that came on by itself owes at once. Who is right if the new one fails
 * is for the verification to say, so nothing is turned round here.
 */
export function payWhileVerifying (world: World, trunk: TrunkTopology, before: TrunkState, run: Switchover, health: ReadonlyMap<InterfaceKey, InterfaceHealth>, nowMs: EpochMs): Step {
  const { on } = direction(run)
  const returned = trunk.interfaces.map((i) => i.key).filter((key) => {
    const { observed, onSinceMs } = interfaceState(before, key)
    return key !== on && onSinceMs !== null && observed !== null && observed.atMs > run.phaseSinceMs && !before.debts.some((debt) => debt.interface === key)
  })
  const notes: Note[] = returned.map((key) => ({ decision: run.decision, type: 'debt', data: { interface: key, paid: false, because: 'it came back enabled by itself' } }))
  const state = { ...before, debts: [...before.debts, ...returned.map((key) => newDebt(key, run.decision, nowMs, run.cause === 'operator'))] }
  if (on === null || state.debts.length === 0 || state.debts.some((debt) => debt.interface === on)) return { ...NO_STEP, state: before }
  const its = health.get(on)
  if (its === undefined) return { ...NO_STEP, state: before }
  // That it is not registered yet is no sign that it dies: the returned one may be the cause.
  const steady = new Map([...health, [on, { ...its, wavering: its.answers !== 'yes' || !its.sipAlive }]])
  const step = payDebts(world, trunk, { ...state, wanted: on, refuted: null }, steady, nowMs)
  if (step.state.wanted !== on) return { ...NO_STEP, state, notes }
  return { ...step, state: { ...step.state, wanted: before.wanted, refuted: before.refuted }, notes: [...notes, ...step.notes] }
}

function pay (world: World, trunk: TrunkTopology, state: TrunkState, health: ReadonlyMap<InterfaceKey, InterfaceHealth>, debt: Debt, nowMs: EpochMs): Step {
  const iface = trunk.interfaces.find((i) => i.key === debt.interface)
  const its = health.get(debt.interface)
  const { wanted } = state
  const wantedHealth = wanted === null ? undefined : health.get(wanted)
  if (iface === undefined || its === undefined || wanted === null || wantedHealth === undefined) return { ...NO_STEP, state }
  const own = interfaceState(state, debt.interface)
  const poll = readings(world, trunk, state, [debt.interface], POLL_MS, nowMs).actions
  if (own.attempt === null || own.attempt.reason !== null || its.answers !== 'yes') {
    // When it comes back it may be another one: its tries count anew.
    const anew = its.answers === 'no' && debt.tries > 0 ? withDebt(state, debt, { tries: 0, refusal: null }) : state
    return { ...NO_STEP, state: anew, actions: poll }
  }
  // It left its gateway: there is nothing to command, and only an absence that lasts is one.
  const absent = own.observed?.present === false && own.offSinceMs !== null
  if (absent && nowMs - own.offSinceMs < proofTimeMs(trunk)) return { ...NO_STEP, state, actions: poll }
  if (absent || (own.offSinceMs !== null && own.offConfirmed)) return settle(world, trunk, state, debt, nowMs)
  // Read since it came back, and not before.
  if (own.observed === null || own.observed.atMs < debt.sinceMs) return { ...NO_STEP, state, actions: readings(world, trunk, state, [debt.interface], READ_EVERY_MS, nowMs).actions }
  const bad = its.downBy.some((reason) => reason !== 'registration-lost')
  const idle = wantedHealth.verdict === 'down' || wantedHealth.enabled === false || (state.refuted !== null && wantedHealth.verdict !== 'up')
  // A pin is a person's word: neither is the pinned one switched off, nor does another one take its place.
  const pinned = standingPin(state, nowMs)?.interface
  if (pinned === debt.interface || (pinned === wanted && idle && its.enabled === true)) return { ...NO_STEP, state, actions: poll }
  if (idle && !bad && its.enabled === true) return turnRound(state, debt, wanted, nowMs)
  // Nobody else carries the trunk: wait until it is clear whether this one does.
  if (idle && its.enabled === true && its.settling) return { ...NO_STEP, state, actions: poll }
  // The wanted one may be dying just now: wait until that is clear.
  if (wantedHealth.wavering || wantedHealth.answers === 'unclear' || (wantedHealth.answers === 'no' && !wantedHealth.sipAlive)) return { ...NO_STEP, state, actions: poll }
  if (own.command?.outcome === 'pending' && own.command.atMs >= debt.sinceMs) return { ...NO_STEP, state }
  if (debt.tries > 0 && nowMs < (own.command?.endedAtMs ?? 0) + pauseMs(debt)) return { ...NO_STEP, state, actions: poll }
  // That it goes on trying is in the stored state; the journal is told what changes.
  const news = debt.refusal === null
  return {
    ...NO_STEP,
    state: recordCommand(withDebt(state, debt, { tries: debt.tries + 1 }), debt.interface, 'disabled', nowMs),
    actions: [{ kind: 'apply', interface: debt.interface, desired: 'disabled', decision: debt.decision, notAfterMs: null }],
    notes: news ? [{ decision: debt.decision, type: 'command', data: { interface: debt.interface, command: 'disabled', because: 'debt' } }] : []
  }
}

/**
 * After its last try [ms]. Beyond the early tries it doubles, shortened by up to a half by a number that differs from debt
 * to debt and from try to try: so many debts of one fault are not tried in step.
 */
export function pauseMs ({ decision, interface: key, tries }: Debt): DurationMs {
  if (tries < EARLY_TRIES) return RETRY_MS
  const fullMs = Math.min(RETRY_MS * 2 ** (tries - EARLY_TRIES + 1), LONGEST_RETRY_MS)
  const spread = parseInt(fingerprintOf({ decision, key, try: String(tries) }).slice(0, 4), 16) / 0x10000
  return fullMs - Math.floor((fullMs / 2) * spread)
}

function withDebt (state: TrunkState, debt: Debt, change: Partial<Debt>): TrunkState {
  return { ...state, debts: state.debts.map((d) => d.interface === debt.interface ? { ...d, ...change } : d) }
}

/** It is off. Does the wanted one hold the registration? If nobody says so, make it register, and see. */
function settle (world: World, trunk: TrunkTopology, state: TrunkState, debt: Debt, nowMs: EpochMs): Step {
  if (trunk.registration.auth === 'ip') return paid(state, debt, 'it is off, and nothing is registered on this trunk')
  const wanted = trunk.interfaces.find((i) => i.key === state.wanted)
  const own = interfaceState(state, debt.interface)
  const offAtMs = own.command?.endedAtMs ?? own.offSinceMs ?? nowMs
  if (wanted === undefined) return { ...NO_STEP, state }
  const asked = state.binding !== null && state.binding.atMs > offAtMs
  if (asked && bindingWord(trunk, state, wanted.key, nowMs) === 'held') return paid(state, debt, 'the registrar lists the wanted interface')
  if (debt.reregisteredAtMs === null) {
    const query = trunk.registration.query
    // The question itself is asked by the steady care, at its gentle pace.
    const answerable = query !== null && !state.queryRefused && state.binding?.verdict !== 'unsupported'
    if (answerable && !asked && nowMs - offAtMs < 2 * query.doubtIntervalMs) return { ...NO_STEP, state }
    const next = withDebt(state, debt, { reregisteredAtMs: nowMs })
    if (!wanted.capabilities.reregisters) return { ...NO_STEP, state: next }
    return {
      ...NO_STEP,
      state: next,
      actions: [{ kind: 'reregister', interface: wanted.key, decision: debt.decision }],
      notes: [{ decision: debt.decision, type: 'command', data: { interface: wanted.key, command: 'reregister', because: 'debt' } }]
    }
  }
  const { observed } = interfaceState(state, wanted.key)
  if (observed?.registered === true && observed.atMs > debt.reregisteredAtMs) return paid(state, debt, 'the wanted interface is registered')
  if (nowMs - debt.reregisteredAtMs > wanted.registersWithinMs) {
    const denied = observed?.registered === false || bindingWord(trunk, state, wanted.key, nowMs) === 'lost'
    if (!denied) return paid(state, debt, 'nobody can say who is registered; the wanted interface runs enabled')
    // It is off, which was owed; that the wanted one stays unregistered is another matter: it registers anew once a minute.
    return paid({ ...state, refuted: state.refuted ?? { sinceMs: nowMs, decision: debt.decision } }, debt, 'it is off, though the wanted interface is not registered')
  }
  return { ...NO_STEP, state, actions: readings(world, trunk, state, [wanted.key], READ_EVERY_MS, nowMs).actions }
}

function paid (state: TrunkState, debt: Debt, because: string): Step {
  const notes: Note[] = [{ decision: debt.decision, type: 'debt', data: { interface: debt.interface, paid: true, because } }]
  return { ...NO_STEP, state: { ...state, debts: state.debts.filter((d) => d.interface !== debt.interface) }, notes }
}

function turnRound (state: TrunkState, debt: Debt, wanted: InterfaceKey, nowMs: EpochMs): Step {
  const others = state.debts.filter((d) => d.interface !== debt.interface)
  const debts = [...others, newDebt(wanted, debt.decision, nowMs, debt.ordered)]
  const notes: Note[] = [{ decision: debt.decision, type: 'debt', data: { interface: debt.interface, turnedRound: true, owes: wanted } }]
  return { ...NO_STEP, state: { ...state, wanted: debt.interface, debts, refuted: null, movedAtMs: nowMs }, notes }
}
