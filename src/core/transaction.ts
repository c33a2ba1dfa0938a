/**
 * What the phases of all switchovers have in common: one command at a time, reads while something is awaited, the step from
 * phase to phase, and the end.
 */
import type { AdminState } from './observation.ts'
import { countMove, nextTry } from './moves.ts'
import { recordCommand } from './observe.ts'
import { NO_STEP } from './plan.ts'
import type { Action, Note, Step } from './plan.ts'
import { READ_EVERY_MS, readings } from './reading.ts'
import type { InterfaceHealth } from './trunk-health.ts'
import type { EpochMs, InterfaceTopology, InterfaceKey, TrunkTopology } from './topology.ts'
import type { Verification } from './verification.ts'
import type { Wait } from './waits.ts'
import { interfaceState, withInterface } from './world.ts'
import type { Phase, Switchover, TrunkState, World } from './world.ts'

/** A command is tried this often before the switchover gives up (nothing changed) or turns back. */
export const TRIES = 3

export interface Context {
  readonly world: World
  readonly trunk: TrunkTopology
  readonly state: TrunkState
  readonly run: Switchover
  readonly health: ReadonlyMap<InterfaceKey, InterfaceHealth>
  readonly nowMs: EpochMs
}

/** What each phase does; it gives the next phase, or what it waits for. */
export type Phases = Readonly<Record<Phase, (context: Context) => Step>>

/** Goes from phase to phase as far as the world allows now. @param abort - asked first in each; null: nobody wants that */
export function runPhases (phases: Phases, abort: (context: Context) => Step | null, at: Omit<Context, 'run'>): Step {
  let { state } = at
  const notes: Note[] = []
  // At most: every phase forth and back once.
  for (let turn = 0; turn < 10 && state.inFlight !== null; turn++) {
    const run = state.inFlight
    const context: Context = { ...at, state, run }
    const step = abort(context) ?? phases[run.phase](context)
    notes.push(...step.notes)
    state = step.state
    const moved = state.inFlight === null || state.inFlight.phase !== run.phase || state.inFlight.rollingBack !== run.rollingBack
    if (!moved) return { ...step, notes }
  }
  return { ...NO_STEP, state, notes }
}

/** Which interface goes off and which comes on in the present direction. */
export function direction (run: Switchover): { readonly off: InterfaceKey | null; readonly on: InterfaceKey | null } {
  return run.rollingBack ? { off: run.to, on: run.from } : { off: run.from, on: run.to }
}

/** Sends a command, unless one is under way, unsettled, or has just ended. */
export function command (context: Context, key: InterfaceKey, desired: AdminState, notAfterMs: EpochMs | null): Step {
  const { state, run, health, nowMs } = context
  const own = interfaceState(state, key)
  const last = own.command !== null && own.command.atMs >= run.admittedAtMs && own.command.desired === desired ? own.command : null
  const wait: Wait = { reason: 'read-back', detail: `${key} is being ${desired}`, untilMs: null }
  if (own.command?.outcome === 'pending') return { ...NO_STEP, state, waits: [wait] }
  if (own.command?.outcome === 'unknown' || health.get(key)?.answers !== 'yes') return observing(context, [key], wait)
  // Also after a success that did not last or was not activated: a gateway is never sent one command after the other.
  const retryAtMs = last === null ? 0 : (last.endedAtMs ?? nowMs) + 1000 * 2 ** Math.min(Math.max(run.failures - 1, 0), 4)
  if (nowMs < retryAtMs) return { ...NO_STEP, state, waits: [wait], wakeAtMs: retryAtMs }
  const action: Action = { kind: 'apply', interface: key, desired, decision: run.decision, notAfterMs }
  const note: Note = { decision: run.decision, type: 'command', data: { interface: key, command: desired } }
  return { ...NO_STEP, state: recordCommand(state, key, desired, nowMs), actions: [action], notes: [note], waits: [wait] }
}

export function to (context: Context, phase: Phase, change: Partial<Switchover> = {}, because: string | null = null): Step {
  const { state, run, nowMs } = context
  const note: Note = { decision: run.decision, type: 'phase', data: { phase, ...(because === null ? {} : { because }), ...(change.provenBy === undefined ? {} : { provenBy: change.provenBy }) } }
  return { ...NO_STEP, state: { ...state, inFlight: { ...run, phase, phaseSinceMs: nowMs, failures: 0, ...change } }, notes: [note] }
}

export function waiting (context: Context, wait: Wait | null): Step {
  const waits = wait === null ? [] : [wait]
  return { ...NO_STEP, state: context.state, waits, wakeAtMs: wait?.untilMs ?? context.nowMs + 1000 }
}

/** Reads while something is awaited. */
export function observing (context: Context, keys: readonly InterfaceKey[], wait: Wait, everyMs = READ_EVERY_MS): Step {
  const { world, trunk, state, nowMs } = context
  const { actions, dueMs } = readings(world, trunk, state, keys, everyMs, nowMs)
  return { ...NO_STEP, state, actions, waits: [wait], wakeAtMs: Math.min(dueMs ?? nowMs + 500, wait.untilMs ?? Infinity) }
}

export function interfaceOf (trunk: TrunkTopology, key: InterfaceKey): InterfaceTopology | undefined {
  return trunk.interfaces.find((i) => i.key === key)
}

/** It is on, and nobody knows yet whether it works. */
export function awaitVerification (context: Context, on: InterfaceKey, open: Extract<Verification, { state: 'open' }>): Step {
  const { trunk, state, run, nowMs } = context
  const { observed } = interfaceState(state, on)
  const unsettled = observed?.settled === false
  const wait: Wait = { reason: 'waiting-for-registration', detail: unsettled ? `${on} is on, but ${observed.boundUntilMs == null ? 'resolvers may hold the old record' : 'still bound at its beacon'}` : `${on} is on`, untilMs: open.deadlineMs }
  // A gateway that can't say whether it is registered is read once; then only the registrar can tell.
  const tells = interfaceOf(trunk, on)?.capabilities.reportsRegistration === true || unsettled || (observed?.atMs ?? 0) <= run.phaseSinceMs
  const step = tells ? observing(context, [on], wait) : { ...NO_STEP, state, waits: [wait], wakeAtMs: Math.min(open.deadlineMs, nowMs + 1000) }
  if (!open.reregister || run.reregistered) return step
  const action: Action = { kind: 'reregister', interface: on, decision: run.decision }
  const note: Note = { decision: run.decision, type: 'command', data: { interface: on, command: 'reregister' } }
  return { ...step, state: { ...state, inFlight: { ...run, reregistered: true } }, actions: [...step.actions, action], notes: [note] }
}

export type Result = 'verified' | 'unverifiable' | 'refuted' | 'rolled-back' | 'aborted' | 'failed' | 'gateway-alive'

/**
 * The end: what is counted, and what is told.
 * @param stays - the trunk is where it was before
 * @param change - what the type of the trunk adds
 */
export function ending (context: Context, result: Result, stays: boolean, detail: string | null, change: Partial<TrunkState>): Step {
  const { world, state, run, nowMs } = context
  const moved = run.cause !== 'upkeep' && !stays
  const { wanted = state.wanted } = change
  const note: Note = { decision: run.decision, type: 'ended', data: { result, wanted, ...(state.members === null ? {} : { out: change.out ?? state.out }), cause: run.cause, ...(detail === null ? {} : { because: detail }), durationMs: nowMs - run.admittedAtMs } }
  const next: TrunkState = {
    ...state,
    inFlight: null,
    moves: isSpaced(run, moved) ? nextTry(state.moves, nowMs) : state.moves,
    movedAtMs: moved ? nowMs : state.movedAtMs,
    ...(run.cause === 'upkeep' ? {} : countMove(state, { moved, helped: !stays && result !== 'refuted', refuted: result === 'refuted' || result === 'rolled-back' }, world.topology.interlocks.latch, nowMs)),
    ...change
  }
  const refutedAtMs = result === 'refuted' || result === 'rolled-back' ? nowMs : result === 'verified' || result === 'unverifiable' ? null : interfaceState(state, run.to).refutedAtMs
  const known = withInterface(next, run.to, { refutedAtMs })
  return { ...NO_STEP, state: run.trial ? endTrial(known, run, result) : known, notes: [note] }
}

/** What is away from a down interface keeps a distance to the one before; so does a preference that did not work out. */
function isSpaced ({ cause }: Switchover, moved: boolean): boolean {
  return cause === 'alert' || cause === 'health' || (cause === 'prefer' && !moved)
}

/** A failed trial makes the next hold longer and begin anew. */
function endTrial (state: TrunkState, { to }: Switchover, result: Result): TrunkState {
  if (result === 'aborted') return state
  // One of several on a shared trunk costs nobody his calls while nobody can say more about it.
  if (result === 'verified' || (result === 'unverifiable' && state.members !== null)) return { ...state, failedFailbacks: 0 }
  return withInterface({ ...state, failedFailbacks: state.failedFailbacks + 1 }, to, { wellSinceMs: null })
}
