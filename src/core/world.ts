/**
 * Everything that a decision is made from. Values only; the engine owns the maps and replaces entries, the core reads
 * them and returns new entries. One `TrunkState` is one document in the store.
 */
import type { BookedAlert } from './alert-book.ts'
import type { KnownCondition } from './condition.ts'
import type { ListedContact } from './binding.ts'
import type { Evidence } from './evidence.ts'
import type { AdminState, Observation } from './observation.ts'
import type { DriverReason, VetoReason } from './reasons.ts'
import type { PauseStatus } from './status.ts'
import type { EpochMs, GatewayId, InterfaceKey, Topology, TrunkId } from './topology.ts'
import type { Vantage } from './vantage.ts'

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
  /** Since when it is usable, well and named by no alert, without a break; null: it is not. */
  readonly wellSinceMs: EpochMs | null
  /** Since when it is on; its registration counts as evidence `registers_within` later. */
  readonly onSinceMs: EpochMs | null
  /** Last sign of life of the gateway: SIP answer, driver answer, or a binding that grew. */
  readonly lastLifeAtMs: EpochMs | null
  /** The last sign of life was a binding that grew. */
  readonly lifeByBinding: boolean
  readonly command: Command | null
  /** The last switchover to it ended refuted: others come first for a while. */
  readonly refutedAtMs: EpochMs | null
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
  /** The first of them. */
  readonly sinceMs: EpochMs
}

/** A message of a switchover that changes the carrier's bindings; at most one is under way. */
export interface Rebinding {
  readonly kind: 'fence' | 'swap'
  readonly decision: string
  /** Direction of the switchover that it belongs to. */
  readonly rollingBack: boolean
  /** Interfaces whose Contacts it removes. */
  readonly outs: readonly InterfaceKey[]
  /** Interface that it makes room for; a swap puts its Contact in. */
  readonly to: InterfaceKey
  readonly atMs: EpochMs
  /** How often it was sent. */
  readonly sent: number
  /** `done`: the registrar lists what was asked for; `refused`: it will not be asked again. */
  readonly outcome: 'pending' | 'done' | 'failed' | 'refused'
  readonly endedAtMs: EpochMs | null
}

export interface Debt {
  readonly interface: InterfaceKey
  /** Empty until the next plan names it. */
  readonly decision: string
  readonly sinceMs: EpochMs
  /** After it was paid the wanted interface was made to register anew. */
  readonly reregisteredAtMs: EpochMs | null
  /** Disables sent since the gateway came back: the pause between two grows. */
  readonly tries: number
  /** Why the last disable failed; null: none did. Told once, and again when it changes. */
  readonly refusal: DriverReason | null
  /** Left behind by a switchover that a person ordered: it is paid in mode observe, too. */
  readonly ordered: boolean
}

/** `alert` and `health`: a rule's demand; `prefer`: a rule's; `operator`, `failback` and `upkeep` speak for themselves. */
export const SWITCHOVER_CAUSES = ['alert', 'health', 'prefer', 'operator', 'failback', 'upkeep'] as const
export type SwitchoverCause = typeof SWITCHOVER_CAUSES[number]
export function isCause (text: string): text is SwitchoverCause {
  return (SWITCHOVER_CAUSES as readonly string[]).includes(text)
}
export type Phase = 'disabling' | 'proving' | 'enabling' | 'verifying'

/** An admitted switchover: from its first write on it is a transaction. */
export interface Switchover {
  readonly decision: string
  /** The interface that carried the trunk; null: none did. */
  readonly from: InterfaceKey | null
  readonly to: InterfaceKey
  readonly cause: SwitchoverCause
  /** An automatic failback: not verified in time, it goes back at once. */
  readonly trial: boolean
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
  /** An operator's abort: it turns back as soon as it can. */
  readonly abortedBy: string | null
  /** Interfaces that a person vouches for to be off (`--i-know`), though nothing proves it. */
  readonly knownOff: readonly InterfaceKey[]
}

/** The shared cause of switchovers: what the brake counts, whatever its number of trunks. */
export interface Incident {
  /** For example `gateway pbx-a` or `carrier options sip:sbc.acme.example`. */
  readonly cause: string
  /** When the cause fell. The same cause that fell again is another incident. */
  readonly downAtMs: EpochMs
  readonly atMs: EpochMs
}

/** The proposal that is open now, so that a changed set of vetoes is journalled once and under one id. */
export interface OpenDecision {
  readonly id: string
  readonly from: InterfaceKey | null
  readonly to: InterfaceKey | null
  readonly cause: SwitchoverCause
  /** Vetoes and waits as last journalled. */
  readonly held: string
  /** Since when the calls of the interface that is left are waited for; null: nothing has come so far yet. */
  readonly drainSinceMs: EpochMs | null
  /** Since when it is proposed; in mode `approve` an approval is asked for from here. */
  readonly sinceMs: EpochMs
  /** What a person said to it, in mode `approve`. */
  readonly answer: { readonly verdict: 'approved' | 'rejected'; readonly actor: string; readonly reason: string; readonly atMs: EpochMs } | null
}

/** An operator's order that waits to be admitted. */
export interface OperatorRequest {
  readonly verb: 'failback' | 'switchover' | 'pin' | 'reassert'
  readonly decision: string
  readonly to: InterfaceKey
  readonly actor: string
  readonly reason: string
  readonly atMs: EpochMs
  /** Interlocks that its author has named to be overridden. */
  readonly override: readonly VetoReason[]
  /** Interfaces that its author vouches for to be off. */
  readonly knownOff: readonly InterfaceKey[]
  /** Don't wait for calls to end. */
  readonly force: boolean
}

/** An operator's fixed choice: automation keeps off. */
export interface Pin {
  readonly interface: InterfaceKey
  readonly actor: string
  readonly reason: string
  readonly atMs: EpochMs
  readonly untilMs: EpochMs | null
}

/** What concerns all trunks at once. One document in the store; planned by `fleet.ts`. */
export interface FleetState {
  /** Engaged: everything is frozen until a person releases it. */
  readonly brake: { readonly sinceMs: EpochMs; readonly causes: readonly string[]; readonly decision: string } | null
  /** Incidents before this don't count any more. */
  readonly brakeReleasedAtMs: EpochMs
  /** Whether we can believe what we see. */
  readonly vantage: Vantage
  /** Our own vantage point is distrusted since. */
  readonly panicSinceMs: EpochMs | null
  /** Evidence counts from here: the last panic ended. */
  readonly panicEndedAtMs: EpochMs
  /** Last arrival of the watchdog's alert; stored up to a minute early. */
  readonly watchdogAtMs: EpochMs | null
  /** Its silence counts from here: its last arrival, or the start of the process. */
  readonly watchdogFromMs: EpochMs
  /** Silent for its timeout, since; stored, so that a restart makes nothing fresh. */
  readonly watchdogLostSinceMs: EpochMs | null
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
  /** Instants of the last switchovers that stayed, newest last, at most 24 h old: the latch and the hold count them. */
  readonly movesAtMs: readonly EpochMs[]
  /** Refuted switchovers in a row. */
  readonly ineffective: number
  /** No failback and no `prefer` until a person acknowledges it. */
  readonly latch: { readonly sinceMs: EpochMs; readonly because: string } | null
  /** Failed trials of a failback in a row; after three it is manual. */
  readonly failedFailbacks: number
  readonly incidents: readonly Incident[]
  readonly pin: Pin | null
  /** Type `shared`: the interfaces that are on while all is well, as adopted; null: type `exclusive`. `wanted` is null then. */
  readonly members: readonly InterfaceKey[] | null
  /** Type `shared`: members that we have taken out. Only these are put back by us. */
  readonly out: readonly InterfaceKey[]
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
  /** The registrar that `calibratedAtMs` and `knownContacts` speak of; another one has to prove itself anew. */
  readonly calibratedBy: string | null
  /** When this interface's Contact was last listed while it was certainly the registered one. */
  readonly calibratedAtMs: Readonly<Record<InterfaceKey, EpochMs>>
  /** Contact of each interface as it was last listed while it was certainly the registered one. */
  readonly knownContacts: Readonly<Record<InterfaceKey, ListedContact>>
  readonly rebinding: Rebinding | null
  /** The registrar refused such a message: none is sent until the configuration changes. */
  readonly rebindingRefused: boolean
  /**
   * A binding that we have put in for an interface. That it is listed shows nothing about the interface until it has another
   * end, by the interface's own REGISTER. `expiresAtMs` null: not listed yet.
   */
  readonly placed: { readonly interface: InterfaceKey; readonly atMs: EpochMs; readonly expiresAtMs: EpochMs | null } | null
  /** A refusal of the standby showed that the silent gateway still refreshes: no next try before this. */
  readonly notBeforeMs: EpochMs
  /** The last move ended refuted and nothing better was left: make `wanted` register once a minute. */
  readonly refuted: { readonly sinceMs: EpochMs; readonly decision: string } | null
  readonly reregisteredAtMs: EpochMs | null
}

/** Firing alerts that a rule maps to a trunk, by fingerprint. It is asked for one trunk at a time. */
export type AlertsByTrunk = Pick<ReadonlyMap<TrunkId, readonly BookedAlert[]>, 'get'>

export interface World {
  readonly topology: Topology
  readonly evidence: ReadonlyMap<string, Evidence>
  readonly trunks: ReadonlyMap<TrunkId, TrunkState>
  /** Those of all trunks, for the brake (incidents.ts). */
  readonly incidents: ReadonlyMap<string, readonly Incident[]>
  readonly alertsByTrunk: AlertsByTrunk
  readonly pauses: readonly PauseStatus[]
  /** Last successful resync of the alert book. */
  readonly resyncedAtMs: EpochMs | null
  readonly fleet: FleetState
  /** What gateways say about themselves, where their drivers tell it. */
  readonly conditions: ReadonlyMap<GatewayId, KnownCondition>
  /** We are the one that acts; always so with a store of our own. */
  readonly leader: boolean
}

export const NEW_FLEET: FleetState = { brake: null, brakeReleasedAtMs: 0, vantage: 'clear', panicSinceMs: null, panicEndedAtMs: 0, watchdogAtMs: null, watchdogFromMs: 0, watchdogLostSinceMs: null }

const NEW_INTERFACE: InterfaceState = {
  observed: null,
  attempt: null,
  silentSince: false,
  darkSinceRead: false,
  offSinceMs: null,
  offConfirmed: false,
  wellSinceMs: null,
  onSinceMs: null,
  lastLifeAtMs: null,
  lifeByBinding: false,
  command: null,
  refutedAtMs: null
}

/** State of a trunk that was never seen before. */
export function newTrunkState (interfaces: readonly InterfaceKey[], nowMs: EpochMs): TrunkState {
  return {
    baseline: 'unset',
    wanted: null,
    drift: null,
    interfaces: interfaceRecord(interfaces.map((key) => [key, NEW_INTERFACE])),
    activeHistory: [],
    inFlight: null,
    debts: [],
    open: null,
    request: null,
    moves: { count: 0, lastAtMs: null },
    movedAtMs: null,
    movesAtMs: [],
    ineffective: 0,
    latch: null,
    failedFailbacks: 0,
    incidents: [],
    pin: null,
    members: null,
    out: [],
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
    knownContacts: {},
    rebinding: null,
    rebindingRefused: false,
    placed: null,
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
export function newDebt (key: InterfaceKey, decision: string, nowMs: EpochMs, ordered = false): Debt {
  return { interface: key, decision, sinceMs: nowMs, reregisteredAtMs: null, tries: 0, refusal: null, ordered }
}

/**
 * States by interface. V8 makes hidden classes for each set of names: of ten thousand trunks twenty thousand objects that the
 * garbage collector has to visit. Objects without a prototype share one.
 */
export function interfaceRecord (entries: Iterable<readonly [InterfaceKey, InterfaceState]>): Readonly<Record<InterfaceKey, InterfaceState>> {
  const record = Object.create(null) as Record<InterfaceKey, InterfaceState>
  for (const [key, own] of entries) record[key] = own
  return record
}

/** A record of its own, to be changed before anybody else sees it. */
export function copyInterfaces (interfaces: TrunkState['interfaces']): Record<InterfaceKey, InterfaceState> {
  const record = Object.create(null) as Record<InterfaceKey, InterfaceState>
  for (const key of Object.keys(interfaces)) record[key] = interfaces[key] ?? NEW_INTERFACE
  return record
}

/** The trunk with one interface's state changed. */
export function withInterface (trunk: TrunkState, key: InterfaceKey, change: Partial<InterfaceState>): TrunkState {
  const interfaces = copyInterfaces(trunk.interfaces)
  interfaces[key] = { ...interfaceState(trunk, key), ...change }
  return { ...trunk, interfaces }
}
