/**
 * A trunk's state as it is stored, and as it is read back after a restart. Instants of mere routine (the last read, the
 * last query) are rounded, so that an idle trunk is not written with every probe.
 */
import type { Observation } from './observation.ts'
import { notLaterThan } from './shift.ts'
import type { InterfaceKey } from './topology.ts'
import { interfaceRecord, interfaceState, newTrunkState } from './world.ts'
import type { InterfaceState, TrunkState } from './world.ts'

const GRID_MS = 30_000

/**
 * The last sign of life is stored at most 30 s late, never early: rounded up. What is not silent counts as alive until a
 * restart (`lifeAfterRestart`), so its instant is not needed: with it, ten thousand calm trunks wrote 1 MB a second.
 */
function lifeOf ({ lastLifeAtMs, silentSince }: InterfaceState): number | null {
  if (lastLifeAtMs === null) return null
  return silentSince ? Math.ceil(lastLifeAtMs / GRID_MS) * GRID_MS : 0
}

/** Calls come and go; what was read before a restart says nothing about now. */
function durableObservation ({ present, admin, registered, path }: Observation): Observation & { readonly atMs: number } {
  return { present, admin, registered, path, atMs: 0 }
}

function durableInterface (own: InterfaceState): InterfaceState {
  return {
    ...own,
    observed: own.observed === null ? null : durableObservation(own.observed),
    attempt: null,
    wellSinceMs: null,
    lastLifeAtMs: lifeOf(own)
  }
}

/** The document that is stored. Equal documents need no write. */
export function toDurable (state: TrunkState): TrunkState {
  return {
    ...state,
    interfaces: interfaceRecord(Object.entries(state.interfaces).map(([key, own]) => [key, durableInterface(own)])),
    binding: null,
    queriedAtMs: null,
    calibratedAtMs: Object.fromEntries(Object.entries(state.calibratedAtMs).map(([key, atMs]) => [key, Math.floor(atMs / 3_600_000) * 3_600_000]))
  }
}

/** What answered when it was stored may have lived, and registered, until now: a calm trunk is not written with each answer. */
function lifeAfterRestart (own: InterfaceState, nowMs: number): number | null {
  if (own.lastLifeAtMs === null) return null
  return own.silentSince ? Math.min(own.lastLifeAtMs, nowMs) : nowMs
}

/** Our own earlier writing, so a look at what everything hangs on is enough. */
export function isTrunkDocument (value: unknown): value is TrunkState {
  const { baseline, interfaces, debts, activeHistory } = (value ?? {}) as Partial<TrunkState>
  return typeof baseline === 'string' && typeof interfaces === 'object' && interfaces !== null && Array.isArray(debts) && Array.isArray(activeHistory)
}

/**
 * The state after a restart. Nothing was observed yet in this run; a command that was under way may have been executed.
 * @param document - what `toDurable` made, read from the store
 */
export function fromDurable (document: TrunkState, interfaces: readonly InterfaceKey[], nowMs: number): TrunkState {
  const stored = notLaterThan(document, nowMs)
  const known = Object.entries(stored.interfaces).map(([key, own]): [InterfaceKey, InterfaceState] => {
    const command = own.command?.outcome === 'pending' ? { ...own.command, outcome: 'unknown' as const, endedAtMs: own.command.atMs } : own.command
    return [key, { ...own, command, lastLifeAtMs: lifeAfterRestart(own, nowMs) }]
  })
  // What should show that the new interface works was not looked at while nobody ran: its time begins anew.
  const verifies = stored.inFlight?.phase === 'verifying'
  const inFlight = stored.inFlight !== null && verifies ? { ...stored.inFlight, phaseSinceMs: nowMs } : stored.inFlight
  // It may have arrived; sending it once more does no harm.
  const { rebinding } = stored
  const restarted = rebinding?.outcome === 'pending' ? { ...rebinding, outcome: 'failed' as const, endedAtMs: nowMs } : rebinding ?? null
  return fitState({ ...stored, interfaces: interfaceRecord(known), inFlight, rebinding: restarted }, interfaces, nowMs)
}

/**
 * The state under a configuration that has these interfaces: what is known of those that stay is kept, and the trunk warms
 * up. A switchover that is under way runs to its end, even when one of its interfaces left.
 */
export function fitState (state: TrunkState, interfaces: readonly InterfaceKey[], nowMs: number): TrunkState {
  const fresh = newTrunkState(interfaces, nowMs)
  const wantedIsGone = state.wanted !== null && !interfaces.includes(state.wanted)
  return {
    ...fresh,
    ...state,
    interfaces: interfaceRecord(interfaces.map((key) => [key, { ...interfaceState(state, key), attempt: null }])),
    baseline: wantedIsGone ? 'unset' : state.baseline,
    wanted: wantedIsGone ? null : state.wanted,
    debts: state.debts.filter((debt) => interfaces.includes(debt.interface)),
    members: state.members?.filter((key) => interfaces.includes(key)) ?? null,
    out: (state.out ?? []).filter((key) => interfaces.includes(key)),
    warmSinceMs: nowMs,
    registrationsFromMs: Math.min(state.registrationsFromMs, nowMs),
    binding: null,
    queriedAtMs: null,
    queryRefused: false,
    rebindingRefused: false
  }
}
