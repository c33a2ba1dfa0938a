/**
 * A switchover is a transaction: break before make. From its first write until it is verified or rolled back only the
 * proof that the others are off (exclusive) can hold it; vanished evidence, cooldown, pause and warm-up don't.
 *
 *   disabling ──► proving ──► enabling ──► verifying ──► ended: verified | unverifiable | refuted
 *       ▲                                      │
 *       └────────── rolling back ◄─────────────┘  (once; when refuted or aborted, and the old gateway answers)
 *
 * `advance` is a function of the world: running it again after a crash goes on where the world is.
 */
import { mayBeOn } from './observe.ts'
import { NO_STEP } from './plan.ts'
import type { Action, Note, Step } from './plan.ts'
import { isVouchedOff, proofFor, proofOthersOff } from './proof.ts'
import { REBINDING_TRIES, rebindingOf, startRebinding, swapContacts } from './rebinding.ts'
import { awaitVerification, command, direction, ending, interfaceOf, observing, runPhases, to, TRIES, waiting } from './transaction.ts'
import type { Context, Phases, Result } from './transaction.ts'
import type { InterfaceHealth } from './trunk-health.ts'
import type { EpochMs, InterfaceKey, TrunkTopology } from './topology.ts'
import { verification } from './verification.ts'
import type { Wait } from './waits.ts'
import { interfaceState, newDebt } from './world.ts'
import type { Debt, Switchover, TrunkState, World } from './world.ts'

/** A read-back that allows an enable must not be older. */
const READ_BACK_MS = 2000
/** So long an enable waits for reads that fail though the gateway answers. */
const UNREADABLE_MS = 5000
/** So long the registrar is asked for a change of its bindings, however many others ask it at the same time. */
const REBINDING_MS = 30_000

/** Moves the trunk's switchover on as far as the world allows now. */
export function advance (world: World, trunk: TrunkTopology, state: TrunkState, health: ReadonlyMap<InterfaceKey, InterfaceHealth>, nowMs: EpochMs): Step {
  return runPhases(PHASES, abort, { world, trunk, state, health, nowMs })
}

const PHASES: Phases = { disabling, proving, enabling, verifying }

function disabling (context: Context): Step {
  const { state, run, health } = context
  const { off } = direction(run)
  if (off === null) return to(context, 'proving')
  const own = interfaceState(state, off)
  const its = health.get(off)
  if (its === undefined || (own.offSinceMs !== null && own.offConfirmed && !mayBeOn(own))) return to(context, 'proving')
  if (its.unreachable) return run.rollingBack ? end(context, 'refuted') : to(context, 'proving')
  const written = own.command !== null && own.command.atMs >= run.admittedAtMs && own.command.outcome !== 'failed'
  if (isVouchedOff(state, its)) return to(context, 'proving')
  if (its.answers === 'no' && !written) return end(context, run.rollingBack ? 'refuted' : 'gateway-alive')
  if (run.failures >= TRIES && !written) return end(context, run.rollingBack ? 'refuted' : 'failed')
  return command(context, off, 'disabled', null)
}

function proving (context: Context): Step {
  const { trunk, state, run, health, nowMs } = context
  const { off, on } = direction(run)
  // The old gateway was never disabled (it was silent): it keeps what it has.
  if (on === null || (run.rollingBack && owes(state, on))) return end(context, 'gateway-alive')
  const handedOver = handOver(context, off, on)
  if (handedOver !== null) return handedOver
  const { proof, of } = proofOthersOff(trunk, state, health, on, nowMs)
  switch (proof.state) {
    // It was put back at the carrier only: it lives, but can't be commanded.
    case 'proven': return run.rollingBack && health.get(on)?.answers === 'no' ? end(context, 'gateway-alive') : to(context, 'enabling', { provenBy: proof.by })
    case 'removable': return rebind(context, removables(context, on), on) ?? waiting(context, { reason: 'waiting-for-proof', detail: `${of ?? ''} may still be registered`, untilMs: proof.untilMs })
    case 'wait': return waiting(context, { reason: 'waiting-for-proof', detail: `${of ?? ''} may still be registered`, untilMs: proof.untilMs })
    case 'must-disable': return of === null ? waiting(context, null) : command(context, of, 'disabled', null)
    case 'unclear': return observing(context, of === null ? [] : [of], { reason: 'waiting-for-answer', detail: `${of ?? ''} has just stopped answering`, untilMs: null })
    case 'blocked': {
      // Nothing was written yet: the silent gateway showed life before the standby was enabled.
      const untouched = of !== null && (interfaceState(state, of).command?.atMs ?? 0) < run.admittedAtMs
      // At the carrier its Contact was exchanged: that is taken back.
      if (untouched && !run.rollingBack && state.placed?.interface === on) return goBack(context, proof.detail)
      return untouched && !run.rollingBack ? end(context, 'gateway-alive') : observing(context, of === null ? [] : [of], { reason: 'waiting-for-proof', detail: proof.detail, untilMs: null })
    }
  }
}

/**
 * `handover: swap`, once the old interface is off: the carrier is told to exchange the Contacts, and the new one is enabled
 * at once. Null: done, not possible, or given up; then the proof decides as without it.
 */
function handOver (context: Context, off: InterfaceKey | null, on: InterfaceKey): Step | null {
  const { trunk, state, run, health, nowMs } = context
  if (off === null || trunk.registration.handover !== 'swap') return null
  const own = interfaceState(state, off)
  if (own.offSinceMs === null || !own.offConfirmed || own.darkSinceRead || mayBeOn(own)) return null
  // The registrar has the new one already.
  const { binding } = state
  if (binding?.verdict === 'held' && binding.holder === on && binding.atMs >= run.admittedAtMs) return null
  // The new Contact is put in only when nothing else holds its enable.
  const others = new Map([...health].filter(([key]) => key !== off))
  if (proofOthersOff(trunk, state, others, on, nowMs).proof.state !== 'proven') return null
  const contacts = swapContacts(trunk, state, off, on, nowMs)
  const step = contacts === null ? null : rebind(context, new Map([[off, contacts.out]]), on)
  if (step !== null || rebindingOf(state, run) === null || run.rollingBack) return step
  // The carrier did not take it. What works is not left without an interface for as long as a registration lives.
  const waits = proofOthersOff(trunk, state, health, on, nowMs).proof.state === 'wait'
  const from = health.get(off)
  return waits && from?.answers === 'yes' && from.verdict !== 'down' ? goBack(context, 'the carrier did not take the handover') : null
}

/** Dead gateways that are still listed, with their Contacts. */
function removables ({ trunk, state, health, nowMs }: Context, on: InterfaceKey): Map<InterfaceKey, string> {
  const proofs = [...health.values()].filter((h) => h.key !== on).map((h) => ({ key: h.key, proof: proofFor(trunk, state, h, on, nowMs) }))
  return new Map(proofs.flatMap(({ key, proof }) => proof.state === 'removable' ? [[key, proof.contact] as const] : []))
}

/** One message to the registrar, a few times at most. Null: it is done, was refused, or is given up. */
function rebind (context: Context, outs: ReadonlyMap<InterfaceKey, string>, on: InterfaceKey): Step | null {
  const { trunk, state, run, nowMs } = context
  const given = rebindingOf(state, run)
  const wait: Wait = { reason: 'waiting-for-proof', detail: `the carrier is asked to remove ${[...outs.keys()].join(', ')}`, untilMs: null }
  if (given?.outcome === 'pending') return { ...NO_STEP, state, waits: [wait], wakeAtMs: nowMs + 1000 }
  if (given !== null && (given.outcome !== 'failed' || given.sent >= REBINDING_TRIES || nowMs - run.phaseSinceMs > REBINDING_MS)) return null
  const retryAtMs = given?.endedAtMs == null ? 0 : given.endedAtMs + 1000
  if (nowMs < retryAtMs) return { ...NO_STEP, state, waits: [wait], wakeAtMs: retryAtMs }
  const change = startRebinding(trunk, state, run, outs, on, interfaceOf(trunk, on)?.registersWithinMs ?? 0, nowMs)
  const note: Note = { decision: run.decision, type: 'command', data: { interface: [...outs.keys()].join(' '), command: change.kind, contacts: change.changes.map((c) => `${c.uri};expires=${c.expiresSeconds}`) } }
  const action: Action = { kind: change.kind, trunk: trunk.id, changes: change.changes, decision: run.decision, notAfterMs: nowMs + READ_BACK_MS }
  return { ...NO_STEP, state: change.state, actions: [action], notes: [note], waits: [wait] }
}

function enabling (context: Context): Step {
  const { trunk, state, run, health, nowMs } = context
  const { on } = direction(run)
  if (on === null) return end(context, 'gateway-alive')
  const { command: sent } = interfaceState(state, on)
  const current = sent !== null && sent.desired === 'enabled' && sent.atMs >= run.phaseSinceMs
  if (current && sent.outcome === 'done') return to(context, 'verifying')
  const target = health.get(on)
  // Sent, and then it fell silent: nobody waits for its thaw.
  if (target === undefined || (target.answers === 'no' && sent?.outcome !== 'pending')) return turnBack(context, `${on} does not answer`)
  if (current && sent.outcome !== 'failed') return command(context, on, 'enabled', null)
  if (run.failures >= TRIES) return turnBack(context, `${on} could not be enabled`)
  if (proofOthersOff(trunk, state, health, on, nowMs).proof.state !== 'proven') return to(context, 'proving')
  // One that only answers with errors can't be read: after a while what proves it off has to do.
  const unreadable = (h: InterfaceHealth): boolean => h.answers === 'yes' && interfaceState(state, h.key).attempt?.reason != null && nowMs - run.phaseSinceMs > UNREADABLE_MS
  const old = [...health.values()].filter((h) => h.key !== on && h.answers !== 'no' && !unreadable(h) && interfaceState(state, h.key).observed?.present !== false)
  const oldestMs = Math.min(nowMs, ...old.map((h) => interfaceState(state, h.key).observed?.atMs ?? 0))
  if (nowMs - oldestMs > READ_BACK_MS / 2) {
    return observing(context, old.map((h) => h.key), { reason: 'read-back', detail: 'reading the others back', untilMs: null })
  }
  return command(withDebts(context), on, 'enabled', oldestMs + READ_BACK_MS)
}

function verifying (context: Context): Step {
  const { world, trunk, state, run, health, nowMs } = context
  const { on } = direction(run)
  if (on === null) return end(context, 'gateway-alive')
  const result = verification(world, trunk, state, health, on, run.phaseSinceMs, nowMs)
  switch (result.state) {
    case 'verified': case 'unverifiable': {
      if (run.rollingBack) return end(context, run.abortedBy === null ? 'rolled-back' : 'aborted')
      return run.trial && result.state === 'unverifiable' ? turnBack(context, 'nobody can say whether it is registered') : end(context, result.state)
    }
    case 'refuted': return turnBack(context, result.detail, result.refusal)
    case 'open': {
      // It was enabled once more and gave up once more: waiting changes nothing, and would hold a move.
      const { observed } = interfaceState(state, on)
      if (run.cause === 'upkeep' && observed?.admin === 'self-disabled' && observed.atMs > run.phaseSinceMs) return end(context, 'refuted', 'the gateway gave up again')
      return awaitVerification(context, on, result)
    }
  }
}

/**
 * A person wants it back. Nothing written: it ends. Else the old interface comes on again by the same proofs, which needs its
 * gateway to answer; while that is not so the switchover goes on, since nobody would carry the trunk otherwise.
 */
function abort (context: Context): Step | null {
  const { trunk, state, run, health } = context
  if (run.abortedBy === null || run.rollingBack) return null
  const written = trunk.interfaces.some((i) => {
    const { command: sent } = interfaceState(state, i.key)
    return sent !== null && sent.atMs >= run.admittedAtMs && sent.outcome !== 'failed'
  }) || state.placed?.interface === run.to
  if (!written) return end(context, 'aborted', `aborted by ${run.abortedBy}`)
  const canReturn = run.from !== null && !owes(state, run.from) && health.get(run.from)?.answers === 'yes'
  return canReturn ? goBack(context, `aborted by ${run.abortedBy}`) : null
}

/** Refuted: back to the old interface if its driver answers; else stay. A carrier's refusal may show that the silent one lives. */
function turnBack (context: Context, detail: string, refusal = false): Step {
  const { trunk, state, run, health } = context
  if (run.rollingBack) return end(context, 'refuted', detail)
  const silent = run.from !== null && owes(state, run.from)
  // After its Contact was removed it has registered anew; or its timer had run, and yet somebody is registered.
  const back = run.from === null ? null : interfaceState(state, run.from)
  const lives = run.provenBy === 'timer' || (back?.lifeByBinding === true && (back.lastLifeAtMs ?? 0) > run.admittedAtMs)
  const refusedByCarrier = refusal && silent && lives && trunk.registration.onSecond === 'reject' && health.get(run.to)?.answers === 'yes'
  const answers = run.from !== null && !silent && health.get(run.from)?.answers === 'yes'
  return answers || refusedByCarrier ? goBack(context, detail) : end(context, 'refuted', detail)
}

/** From now on it runs backwards. */
function goBack ({ state, run, nowMs }: Context, because: string): Step {
  const next: Switchover = { ...run, rollingBack: true, phase: 'disabling', phaseSinceMs: nowMs, failures: 0, reregistered: false }
  const note: Note = { decision: run.decision, type: 'phase', data: { phase: 'rolling-back', because } }
  return { ...NO_STEP, state: { ...state, inFlight: next }, notes: [note] }
}

/** An interface that should be off and can't be reached is a debt from the moment that another one is enabled. */
function withDebts (context: Context): Context {
  const { state, run, health, nowMs } = context
  const { on } = direction(run)
  const owing = [...health.values()].filter((h) => {
    const own = interfaceState(state, h.key)
    return h.key !== on && own.observed?.present !== false && (own.offSinceMs === null || !own.offConfirmed || mayBeOn(own)) && !owes(state, h.key)
  })
  if (owing.length === 0) return context
  const debts = owing.map((h) => newDebt(h.key, run.decision, nowMs, run.cause === 'operator'))
  return { ...context, state: { ...state, debts: [...state.debts, ...debts] } }
}

function owes (state: TrunkState, key: InterfaceKey): boolean {
  return state.debts.some((debt) => debt.interface === key)
}

/** Ends the switchover. `wanted` is from now on what really carries the trunk. */
function end (context: Context, result: Result, detail: string | null = null): Step {
  const { trunk, state, run, nowMs } = context
  const stays = result === 'rolled-back' || result === 'aborted' || result === 'failed' || result === 'gateway-alive' || (run.rollingBack && result === 'refuted' && interfaceState(state, run.to).offSinceMs !== null)
  const carries = (stays ? run.from : run.to) ?? state.wanted
  // It may have left the configuration meanwhile: then what is seen next is the baseline.
  const wanted = trunk.interfaces.some((i) => i.key === carries) ? carries : null
  return ending(context, result, stays, detail, {
    rebinding: null,
    wanted,
    baseline: wanted === null ? 'unset' : state.baseline,
    debts: debtsAtEnd(context, wanted),
    notBeforeMs: result === 'gateway-alive' && run.rollingBack ? nowMs + trunk.registration.expiresMs : state.notBeforeMs,
    refuted: result === 'refuted' ? { sinceMs: nowMs, decision: run.decision } : null
  })
}

/**
 * What was never disabled and is wanted again owes nothing. What came on meanwhile (a gateway that restarted), or may yet
 * come on by our own command, owes.
 */
function debtsAtEnd ({ trunk, state, run, nowMs }: Context, wanted: InterfaceKey | null): readonly Debt[] {
  const owing = trunk.interfaces.map((i) => i.key).filter((key) => {
    const own = interfaceState(state, key)
    return key !== wanted && !owes(state, key) && (own.onSinceMs !== null || mayBeOn(own))
  })
  return [...state.debts.filter((debt) => debt.interface !== wanted), ...owing.map((key) => newDebt(key, run.decision, nowMs, run.cause === 'operator'))]
}
