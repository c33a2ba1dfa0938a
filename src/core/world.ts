/**
 * Everything that a decision is made from. Values only; the engine owns the maps and replaces entries, the core reads
 * them and returns new entries. One `TrunkState` is one document in the store.
 */
import type { BookedAlert } from './alert-book.ts'
import type { ListedContact } from './binding.ts'
import type { Evidence } from './evidence.ts'
import type { AdminState, Observation } from './observation.ts'
import type { DriverReason } from './reasons.ts'
import type { PauseStatus } from './status.ts'
import type { EpochMs, InterfaceKey, Topology, TrunkId } from './topology.ts'

/** The last command that we sent to an interface. `pending` after a crash is read as `unknown`. */
export interface Command {
  readonly desired: AdminState
  readonly atMs: EpochMs
  /** `done` accepted and read back; `failed` without effect, or not complete; `unknown` it may still be executed. */
  readonly outcome: 'pending' | 'done' | 'failed' | 'unknown'
  readonly reason: DriverReason | null
  readonly detail: string
  readonly endedAtMs: EpochMs | null
}

export interface InterfaceState {
  readonly observed: (Observation & { readonly atMs: EpochMs }) | null
  /** The last try to observe, good or bad. */
  readonly attempt: { readonly atMs: EpochMs; readonly reason: DriverReason | null } | null
  /** Reads failed by silence since `observed`: what changed meanwhile is the gateway's doing, not a person's. */
  readonly silentSince: boolean
  /** Driver and SIP address were silent together at some time since `observed`: the gateway may have restarted. */
  readonly darkSinceRead: boolean
  /** Off by every read since this instant; null: on, or not known. */
  readonly offSinceMs: EpochMs | null
  /** Off is the running state: the gateway shows it, or it answered the activation that followed the change. */
  readonly offConfirmed: boolean
  /** Since when it is on; its registration counts as evidence `registers_within` later. */
  readonly onSinceMs: EpochMs | null
  /** Last sign of life of the gateway: SIP answer, driver answer, or a binding that grew. */
  readonly lastLifeAtMs: EpochMs | null
  /** The last sign of life was a binding that grew. */
  readonly lifeByBinding: boolean
  readonly command: Command | null
}

export interface BindingState {
  readonly verdict: 'held' | 'held-by-other' | 'empty' | 'unsupported'
  readonly holder: InterfaceKey | null
  readonly contacts: readonly ListedContact[]
  readonly atMs: EpochMs
  /** End of the holder's binding. */
  readonly expiresAtMs: EpochMs | null
  /** Queries in a row with this verdict and holder. */
  readonly times: number
}

export interface Debt {
  readonly interface: InterfaceKey
  /** Empty until the next plan names it. */
  readonly decision: string
  readonly sinceMs: EpochMs
  /** After it was paid the wanted interface was made to register anew. */
  readonly reregisteredAtMs: EpochMs | null
}

export type SwitchoverCause = 'alert' | 'failback' | 'upkeep'
export type Phase = 'disabling' | 'proving' | 'enabling' | 'verifying'

/** An admitted switchover: from its first write on it is a transaction. */
export interface Switchover {
  readonly decision: string
  /** The interface that carried the trunk; null: none did. */
  readonly from: InterfaceKey | null
  readonly to: InterfaceKey
  readonly cause: SwitchoverCause
  readonly admittedAtMs: EpochMs
  /** Running backwards: `to` is disabled and `from` is enabled again. */
  readonly rollingBack: boolean
  readonly phase: Phase
  readonly phaseSinceMs: EpochMs
  /** Failed commands in this phase. */
  readonly failures: number
  /** What showed that the other interfaces are off. */
  readonly provenBy: string | null
  readonly reregistered: boolean
}

/** The proposal that is open now, so that a changed set of vetoes is journalled once and under one id. */
export interface OpenDecision {
  readonly id: string
  readonly from: InterfaceKey | null
  readonly to: InterfaceKey | null
  readonly cause: SwitchoverCause
  /** Vetoes and waits as last journalled. */
  readonly held: string
}

/** An operator's order that waits to be admitted. */
export interface OperatorRequest {
  readonly verb: 'failback'
  readonly decision: string
  readonly to: InterfaceKey
  readonly actor: string
  readonly reason: string
  readonly atMs: EpochMs
}

export interface TrunkState {
  readonly baseline: 'unset' | 'adopted' | 'unclear'
  /** The interface that should be on. */
  readonly wanted: InterfaceKey | null
  /** What a person changed behind our back; null: nothing. The decision id is filled in by the next plan. */
  readonly drift: { readonly detail: string; readonly decision: string } | null
  readonly interfaces: Readonly<Record<InterfaceKey, InterfaceState>>
  /** Who was enabled from when; newest last, at most 16. Binds alerts that name no gateway. */
  readonly activeHistory: readonly { readonly interface: InterfaceKey; readonly fromMs: EpochMs }[]
  readonly inFlight: Switchover | null
  readonly debts: readonly Debt[]
  readonly open: OpenDecision | null
  readonly request: OperatorRequest | null
  /** Automatic tries to move without 24 h of quiet between them: they keep a growing distance. */
  readonly moves: { readonly count: number; readonly lastAtMs: EpochMs | null }
  /** Last switchover that stayed (no rollback); starts the cooldown. */
  readonly movedAtMs: EpochMs | null
  /** Tries to get the wanted interface on again without a move. */
  readonly upkeeps: { readonly count: number; readonly lastAtMs: EpochMs | null }
  /** Evidence counts from here: start of the process or end of `carrier-down`. */
  readonly warmSinceMs: EpochMs
  readonly carrierDownSinceMs: EpochMs | null
  /** After the carrier came back, or an `adopt`, registrations and paths count from here. */
  readonly registrationsFromMs: EpochMs
  readonly binding: BindingState | null
  readonly queriedAtMs: EpochMs | null
  /** No query before this (Retry-After); `Infinity` is written as `refused`. */
  readonly queryNotBeforeMs: EpochMs
  readonly queryRefused: boolean
  /** When this interface's Contact was last listed while it was certainly the registered one. */
  /** The registrar that `calibratedAtMs` speaks of; another one has to prove itself anew. */
  readonly calibratedBy: string | null
  readonly calibratedAtMs: Readonly<Record<InterfaceKey, EpochMs>>
  /** A refusal of the standby showed that the silent gateway still refreshes: no next try before this. */
  readonly notBeforeMs: EpochMs
  /** The last move ended refuted and nothing better was left: make `wanted` register once a minute. */
  readonly refuted: { readonly sinceMs: EpochMs; readonly decision: string } | null
  readonly reregisteredAtMs: EpochMs | null
}

export interface World {
  readonly topology: Topology
  readonly evidence: ReadonlyMap<string, Evidence>
  readonly trunks: ReadonlyMap<TrunkId, TrunkState>
  readonly alertsByTrunk: ReadonlyMap<TrunkId, readonly BookedAlert[]>
  readonly pauses: readonly PauseStatus[]
  /** Last successful resync of the alert book. */
  readonly resyncedAtMs: EpochMs | null
}

const NEW_INTERFACE: InterfaceState = {
  observed: null,
  attempt: null,
  silentSince: false,
  darkSinceRead: false,
  offSinceMs: null,
  offConfirmed: false,
  onSinceMs: null,
  lastLifeAtMs: null,
  lifeByBinding: false,
  command: null
}

/** State of a trunk that was never seen before. */
export function newTrunkState (interfaces: readonly InterfaceKey[], nowMs: EpochMs): TrunkState {
  return {
    baseline: 'unset',
    wanted: null,
    drift: null,
    interfaces: Object.fromEntries(interfaces.map((key) => [key, NEW_INTERFACE])),
    activeHistory: [],
    inFlight: null,
    debts: [],
    open: null,
    request: null,
    moves: { count: 0, lastAtMs: null },
    movedAtMs: null,
    upkeeps: { count: 0, lastAtMs: null },
    warmSinceMs: nowMs,
    carrierDownSinceMs: null,
    registrationsFromMs: nowMs,
    binding: null,
    queriedAtMs: null,
    queryNotBeforeMs: 0,
    queryRefused: false,
    calibratedBy: null,
    calibratedAtMs: {},
    notBeforeMs: 0,
    refuted: null,
    reregisteredAtMs: null
  }
}

/** The state of one interface; a key that came with a reload starts empty. */
export function interfaceState (trunk: TrunkState, key: InterfaceKey): InterfaceState {
  return trunk.interfaces[key] ?? NEW_INTERFACE
}

/** @param decision - empty: the next plan names it */
export function newDebt (key: InterfaceKey, decision: string, nowMs: EpochMs): Debt {
  return { interface: key, decision, sinceMs: nowMs, reregisteredAtMs: null }
}

/** The trunk with one interface's state changed. */
export function withInterface (trunk: TrunkState, key: InterfaceKey, change: Partial<InterfaceState>): TrunkState {
  return { ...trunk, interfaces: { ...trunk.interfaces, [key]: { ...interfaceState(trunk, key), ...change } } }
}
