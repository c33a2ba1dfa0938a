/**
 * A switchover of a shared trunk: make before break. No proof is needed, since the carrier lets several interfaces in, and
 * what can't be reached owes nothing.
 *
 *   enabling ──► verifying ──► disabling ──► ended
 *                    └──► rolling back: what was put in is taken out again
 *
 * `from` is taken out (null: nobody is), `to` carries the calls then: it is on already, or is put in first.
 */
import { mayBeOn } from './observe.ts'
import { NO_STEP } from './plan.ts'
import type { Step } from './plan.ts'
import { awaitVerification, command, ending, runPhases, to, TRIES } from './transaction.ts'
import type { Context, Phases, Result } from './transaction.ts'
import type { InterfaceHealth } from './trunk-health.ts'
import type { EpochMs, InterfaceKey, TrunkTopology } from './topology.ts'
import { verification } from './verification.ts'
import { interfaceState } from './world.ts'
import type { AdminState } from './observation.ts'
import type { Switchover, TrunkState, World } from './world.ts'

/** Moves a shared trunk's switchover on as far as the world allows now. */
export function advanceShared (world: World, trunk: TrunkTopology, state: TrunkState, health: ReadonlyMap<InterfaceKey, InterfaceHealth>, nowMs: EpochMs): Step {
  return runPhases(PHASES, abort, { world, trunk, state, health, nowMs })
}

// Nothing has to be proven: a phase that a reload left behind goes on with the next one.
const PHASES: Phases = { proving: (context) => to(context, 'enabling'), enabling, verifying, disabling }

function enabling (context: Context): Step {
  const { state, run, health } = context
  const own = interfaceState(state, run.to)
  const target = health.get(run.to)
  const sent = written(context, run.to, 'enabled')
  if (sent && own.command?.outcome === 'done') return to(context, 'verifying')
  if (target === undefined || (target.answers === 'no' && own.command?.outcome !== 'pending')) return end(context, 'failed', `${run.to} does not answer`)
  // It carries calls already: what it is worth was judged at admission.
  if (!sent && target.enabled === true && !target.selfDisabled) return leave(context)
  if (run.failures >= TRIES) return end(context, 'failed', `${run.to} could not be enabled`)
  return command(context, run.to, 'enabled', null)
}

function verifying (context: Context): Step {
  const { world, trunk, state, run, health, nowMs } = context
  const result = verification(world, trunk, state, health, run.to, run.phaseSinceMs, nowMs)
  switch (result.state) {
    // Beside the others it does no harm, even if nobody can say whether it is registered.
    case 'verified': case 'unverifiable': return leave(context, result.state)
    case 'refuted': return goBack(context, result.detail)
    case 'open': return awaitVerification(context, run.to, result)
  }
}

/** Another one carries the calls: now the other one may go. */
function leave (context: Context, result: Result = 'verified'): Step {
  return context.run.from === null ? end(context, result) : to(context, 'disabling')
}

function disabling (context: Context): Step {
  const { state, run, health } = context
  const off = run.rollingBack ? run.to : run.from
  const its = off === null ? undefined : health.get(off)
  const done = run.rollingBack ? (run.abortedBy === null ? 'rolled-back' : 'aborted') : 'verified'
  if (off === null || its === undefined) return end(context, done)
  const own = interfaceState(state, off)
  if (own.offSinceMs !== null && own.offConfirmed && !mayBeOn(own)) return end(context, done)
  const sent = written(context, off, 'disabled')
  const failed = run.rollingBack ? 'refuted' : 'failed'
  if (its.unreachable || (its.answers === 'no' && !sent)) return end(context, failed, `${off} does not answer`)
  if (run.failures >= TRIES && !sent) return end(context, failed, `${off} could not be disabled`)
  return command(context, off, 'disabled', null)
}

/** A command of this switchover that may have had an effect. */
function written ({ state, run }: Context, key: InterfaceKey, desired: AdminState): boolean {
  const { command: sent } = interfaceState(state, key)
  return sent !== null && sent.desired === desired && sent.atMs >= run.admittedAtMs && sent.outcome !== 'failed'
}

/** A person wants it back. What is being taken out already is put in again by `failback`. */
function abort (context: Context): Step | null {
  const { run } = context
  if (run.abortedBy === null || run.rollingBack || run.phase === 'disabling') return null
  const because = `aborted by ${run.abortedBy}`
  return written(context, run.to, 'enabled') ? goBack(context, because) : end(context, 'aborted', because)
}

/** What was put in and does not work is taken out again. What should be on anyway stays: its gateway may yet register. */
function goBack (context: Context, because: string): Step {
  const { state, run, nowMs } = context
  if (!state.out.includes(run.to)) return end(context, 'refuted', because)
  const next: Switchover = { ...run, rollingBack: true, phase: 'disabling', phaseSinceMs: nowMs, failures: 0, reregistered: false }
  return { ...NO_STEP, state: { ...state, inFlight: next }, notes: [{ decision: run.decision, type: 'phase', data: { phase: 'rolling-back', because } }] }
}

function end (context: Context, result: Result, detail: string | null = null): Step {
  const { state, run } = context
  const out = outAfter(context)
  const good = result === 'verified' || result === 'unverifiable'
  // Whom a person puts in belongs to it from then on.
  const joins = good && run.cause === 'operator' && state.members?.includes(run.to) === false
  const members = joins ? [...state.members ?? [], run.to] : state.members
  return ending(context, result, !good, detail, { out, members, refuted: null, request: good ? state.request : null })
}

/** Members that are out: what we have disabled, and what we had and have not put in. */
function outAfter (context: Context): readonly InterfaceKey[] {
  const { trunk, state, run } = context
  const isOn = (key: InterfaceKey): boolean => interfaceState(state, key).onSinceMs !== null || written(context, key, 'enabled')
  return trunk.interfaces.map((i) => i.key).filter((key) => {
    if (state.members?.includes(key) !== true) return false
    if (key === run.from) return !run.rollingBack && (written(context, key, 'disabled') || !isOn(key))
    return state.out.includes(key) && (key !== run.to || run.rollingBack || !isOn(key))
  })
}
