/** How reads of a gateway and ends of commands change the state of a trunk. Decides what is ours, reverted, or drift. */
import type { AdminState, DriverFailure, Observation } from './observation.ts'
import type { DriverReason } from './reasons.ts'
import type { DriverCapabilities, EpochMs, InterfaceKey } from './topology.ts'
import { shouldBeOn } from './resting.ts'
import { interfaceState, newDebt, withInterface } from './world.ts'
import type { InterfaceState, TrunkState } from './world.ts'

/** What a failed call says about the gateway: `silent` is no answer, `answers` a bad one, `none` says nothing (our own fault). */
export function answerOf (reason: DriverReason): 'silent' | 'answers' | 'none' {
  switch (reason) {
    case 'refused': case 'timeout': case 'unreachable': case 'reset': return 'silent'
    case 'aborted': case 'local-error': return 'none'
    default: return 'answers'
  }
}

/** A read that failed. Silence is remembered: what changed meanwhile is not a person's doing. */
export function recordUnread (state: TrunkState, key: InterfaceKey, failure: DriverFailure, nowMs: EpochMs): TrunkState {
  const answer = answerOf(failure.reason)
  const own = interfaceState(state, key)
  return withInterface(state, key, {
    // Our own fault says nothing about the gateway, but it was a try: the next one keeps its distance.
    attempt: { atMs: nowMs, reason: answer === 'none' ? own.attempt?.reason ?? null : failure.reason },
    silentSince: own.silentSince || answer === 'silent',
    ...(answer === 'answers' ? { lastLifeAtMs: nowMs, lifeByBinding: false } : {})
  })
}

/** Both its driver and its SIP address miss: noted until the next good read. */
export function recordDark (state: TrunkState, dark: readonly InterfaceKey[]): TrunkState {
  return dark.reduce((next, key) => interfaceState(next, key).darkSinceRead ? next : withInterface(next, key, { darkSinceRead: true }), state)
}

/** A good read. */
export function recordObservation (can: DriverCapabilities, before: TrunkState, key: InterfaceKey, observation: Observation, nowMs: EpochMs): TrunkState {
  const own = interfaceState(before, key)
  const on = observation.present && observation.admin !== 'disabled'
  // An interface that is not there is off, too, though only time proves it (see proof.ts).
  const off = !on
  let state = withInterface(before, key, {
    observed: { ...observation, atMs: nowMs },
    attempt: { atMs: nowMs, reason: null },
    silentSince: false,
    darkSinceRead: false,
    offSinceMs: off ? own.offSinceMs ?? nowMs : null,
    // After a command of unknown outcome what is stored may not be what runs.
    offConfirmed: off && (can.readsRunningState || (own.offConfirmed && own.command?.outcome !== 'unknown')),
    onSinceMs: on ? own.onSinceMs ?? nowMs : null,
    lastLifeAtMs: nowMs,
    lifeByBinding: false,
    command: settled(can, own, observation, nowMs)
  })
  const last = state.activeHistory.at(-1)
  // Of several that are on at once none is the one that an alert speaks about.
  if (on && state.members === null && last?.interface !== key) state = { ...state, activeHistory: [...state.activeHistory, { interface: key, fromMs: nowMs }].slice(-16) }
  return judgeChange(can, state, key, own, on, nowMs)
}

/**
 * Whether a good read shows what the last one showed, where nothing is under way: then `recordObservation` would change
 * instants only, and `withRepeatedRead` may take its place.
 */
export function isRepeatedRead (can: DriverCapabilities, state: TrunkState, key: InterfaceKey, observation: Observation): boolean {
  const own = interfaceState(state, key)
  if (own.observed === null || !isNoNews(own.observed, observation)) return false
  if (own.observed.calls !== observation.calls || own.observed.boundUntilMs !== observation.boundUntilMs) return false
  if (own.attempt?.reason !== null || own.silentSince || own.darkSinceRead || own.command?.outcome === 'unknown' || state.drift !== null) return false
  if (observation.present && observation.admin !== 'disabled') {
    return own.onSinceMs !== null && own.offSinceMs === null && !own.offConfirmed && (state.members !== null || state.activeHistory.at(-1)?.interface === key)
  }
  // An interface that is not there may be told with any other state: that is left to the whole record.
  return observation.admin === 'disabled' && own.offSinceMs !== null && own.onSinceMs === null && (own.offConfirmed || !can.readsRunningState)
}

/** @param atMs - of the read; a later sign of life stays */
export function withRepeatedRead (own: InterfaceState, atMs: EpochMs): InterfaceState {
  if (own.observed === null) return own
  const life = atMs >= (own.lastLifeAtMs ?? -Infinity) ? { lastLifeAtMs: atMs, lifeByBinding: false } : {}
  return { ...own, observed: { ...own.observed, atMs }, attempt: { atMs, reason: null }, ...life }
}

/** Whether nothing that a plan is made from has changed; calls and the end of a binding at a beacon run on by themselves. */
export function isNoNews (before: Observation, now: Observation): boolean {
  return before.present === now.present && before.admin === now.admin && before.registered === now.registered && before.path === now.path &&
    before.obstacle === now.obstacle && before.settled === now.settled
}

/**
 * A command of unknown outcome is settled by the first read after it. A stored "on" may not be running: it was cut off
 * between the change and its activation, and is sent again. (A stored "off" is not confirmed, see `offConfirmed`.)
 */
function settled (can: DriverCapabilities, own: InterfaceState, observation: Observation, nowMs: EpochMs): InterfaceState['command'] {
  const { command } = own
  if (command?.outcome !== 'unknown') return command
  const wanted = (observation.admin === 'disabled') === (command.desired === 'disabled')
  const complete = command.desired === 'disabled' || can.readsRunningState
  return { ...command, outcome: wanted && complete ? 'done' : 'failed', endedAtMs: nowMs }
}

/** Ours, reverted by the gateway (to be undone), or drift (a person's: never fought). */
function judgeChange (can: DriverCapabilities, state: TrunkState, key: InterfaceKey, before: InterfaceState, on: boolean, nowMs: EpochMs): TrunkState {
  if (state.baseline !== 'adopted' || state.inFlight !== null) return state
  const should = shouldBeOn(state, key)
  if (on === should) return state.drift !== null && allAsWanted(state) ? { ...state, drift: null } : state
  const owed = state.debts.some((debt) => debt.interface === key)
  const ours = before.command !== null && (before.command.outcome === 'pending' || before.command.outcome === 'unknown')
  const knew = before.observed !== null && (before.observed.admin !== 'disabled') === on
  if (owed || knew || (ours && !on)) return state
  // Ours and on: a command that was given up was executed late.
  const reverted = ours || before.silentSince || !can.persistent
  if (!reverted) return { ...state, drift: state.drift ?? { detail: `${key} was switched ${on ? 'on' : 'off'} by somebody else`, decision: '' } }
  // Beside the others it may be on: it is put back, by its gateway instead of by us.
  if (on && state.members !== null) return { ...state, out: state.out.filter((other) => other !== key) }
  // The wanted one being off again needs no note: the planner switches it on (`upkeep`).
  return on ? { ...state, debts: [...state.debts, newDebt(key, '', nowMs)] } : state
}

function allAsWanted (state: TrunkState): boolean {
  return Object.entries(state.interfaces).every(([key, own]) => own.observed !== null && (own.observed.admin !== 'disabled') === shouldBeOn(state, key))
}

/** Notes a command before it is sent. */
export function recordCommand (state: TrunkState, key: InterfaceKey, desired: AdminState, nowMs: EpochMs): TrunkState {
  return withInterface(state, key, { command: { desired, atMs: nowMs, outcome: 'pending', reason: null, detail: '', endedAtMs: null } })
}

/** How a command ended, read back already (the read-back itself was recorded before). */
export type CommandEnd = { readonly ok: true; readonly activated: boolean } | DriverFailure

export function recordCommandEnd (before: TrunkState, key: InterfaceKey, end: CommandEnd, nowMs: EpochMs): TrunkState {
  const own = interfaceState(before, key)
  const { command } = own
  if (command === null) return before
  const outcome = end.ok ? 'done' : end.effect === 'none' ? 'failed' : 'unknown'
  const debts = before.debts.map((debt) => debt.interface === key && command.desired === 'disabled' ? { ...debt, refusal: end.ok ? null : end.reason } : debt)
  const state = withInterface({ ...before, debts }, key, {
    command: { ...command, outcome, reason: end.ok ? null : end.reason, detail: end.ok ? '' : end.detail, endedAtMs: nowMs },
    // The running state follows the stored one once the activation was answered.
    offConfirmed: own.offSinceMs !== null && (own.offConfirmed || (end.ok && end.activated && command.desired === 'disabled'))
  })
  if (state.inFlight === null || end.ok) return state
  // Never sent (its read-back was too old, our store or machine failed): the gateway refused nothing. While nothing was
  // written yet it counts all the same, or an admission would wait for a store that is gone.
  const sent = end.reason !== 'aborted' && end.reason !== 'local-error'
  if (!sent && state.inFlight.phase === 'enabling') return state
  return { ...state, inFlight: { ...state.inFlight, failures: state.inFlight.failures + 1 } }
}

/** A debtor that refuses once more for the same reason is no news for the journal. Asked before the end is recorded. */
export function isNews (state: TrunkState, key: InterfaceKey, end: { readonly ok: boolean; readonly reason?: DriverReason }): boolean {
  const debt = state.debts.find((d) => d.interface === key)
  return state.inFlight !== null || debt === undefined || end.ok || debt.refusal !== end.reason
}

/** It may be on though nobody saw it: an enable is under way or of unknown outcome. */
export function mayBeOn (own: InterfaceState): boolean {
  return own.command !== null && own.command.desired === 'enabled' && (own.command.outcome === 'pending' || own.command.outcome === 'unknown')
}
