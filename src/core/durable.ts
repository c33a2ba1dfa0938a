/**
 * A trunk's state as it is stored, and as it is read back after a restart. Instants of mere routine (the last read, the
 * last query) are rounded, so that an idle trunk is not written with every probe.
 */
import type { InterfaceKey } from './topology.ts'
import { newTrunkState } from './world.ts'
import type { InterfaceState, TrunkState } from './world.ts'

const GRID_MS = 30_000

/** Signs of life are stored at most 30 s late, never early: rounded up. */
function lifeOf (atMs: number | null): number | null {
  return atMs === null ? null : Math.ceil(atMs / GRID_MS) * GRID_MS
}

function durableInterface (own: InterfaceState): InterfaceState {
  return {
    ...own,
    observed: own.observed === null ? null : { ...own.observed, atMs: 0 },
    attempt: null,
    lastLifeAtMs: lifeOf(own.lastLifeAtMs)
  }
}

/** The document that is stored. Equal documents need no write. */
export function toDurable (state: TrunkState): TrunkState {
  return {
    ...state,
    interfaces: Object.fromEntries(Object.entries(state.interfaces).map(([key, own]) => [key, durableInterface(own)])),
    binding: null,
    queriedAtMs: null,
    calibratedAtMs: Object.fromEntries(Object.entries(state.calibratedAtMs).map(([key, atMs]) => [key, Math.floor(atMs / 3_600_000) * 3_600_000]))
  }
}

/**
 * The state after a restart. Nothing was observed yet in this run; a command that was under way may have been executed.
 * @param stored - what `toDurable` made, read from the store
 */
export function fromDurable (stored: TrunkState, interfaces: readonly InterfaceKey[], nowMs: number): TrunkState {
  const fresh = newTrunkState(interfaces, nowMs)
  const known = interfaces.map((key): [InterfaceKey, InterfaceState] => {
    const own = stored.interfaces[key] ?? fresh.interfaces[key]
    if (own === undefined) throw new Error(`no state for ${key}`)
    const command = own.command?.outcome === 'pending' ? { ...own.command, outcome: 'unknown' as const, endedAtMs: own.command.atMs } : own.command
    return [key, { ...own, command, attempt: null, lastLifeAtMs: own.lastLifeAtMs === null ? null : Math.min(own.lastLifeAtMs, nowMs) }]
  })
  const wantedIsGone = stored.wanted !== null && !interfaces.includes(stored.wanted)
  const runs = stored.inFlight !== null && [stored.inFlight.from, stored.inFlight.to].every((key) => key === null || interfaces.includes(key))
  return {
    ...fresh,
    ...stored,
    interfaces: Object.fromEntries(known),
    baseline: wantedIsGone ? 'unset' : stored.baseline,
    wanted: wantedIsGone ? null : stored.wanted,
    inFlight: runs ? stored.inFlight : null,
    debts: stored.debts.filter((debt) => interfaces.includes(debt.interface)),
    warmSinceMs: nowMs,
    registrationsFromMs: Math.min(stored.registrationsFromMs, nowMs),
    binding: null,
    queriedAtMs: null,
    queryRefused: false
  }
}
