/**
 * A beacon: the registrar at the best SRV priority of a standby, posing as the carrier. It accepts the standby's REGISTER
 * while the standby shall stay there, and refuses it when the standby shall go on to the carrier. So the standby, an
 * "interface", is *disabled* while its beacon accepts, and *enabled* while it refuses. Pure.
 */
import type { AdminState, Observation } from './observation.ts'
import type { DurationMs, EpochMs, InterfaceKey } from './topology.ts'
import { interfaceState } from './world.ts'
import type { TrunkState } from './world.ts'

export interface BeaconBinding {
  /** URI of the Contact, as it came; what makes two bindings the same. */
  readonly uri: string
  readonly callId: string
  readonly cseq: number
  readonly untilMs: EpochMs
}

export interface BeaconState {
  readonly refuses: boolean
  /** When it began to accept, or to refuse. */
  readonly sinceMs: EpochMs
  readonly startedAtMs: EpochMs
  /** A standby registered, or tried to. Before that it may hold what an earlier run granted, until `expiresMs` after the start. */
  readonly heard: boolean
  readonly bindings: readonly BeaconBinding[]
}

/** A Contact of a REGISTER. */
export interface BeaconContact {
  readonly uri: string
  /** Wanted lifetime [s]; 0 removes; null leaves it to the registrar. */
  readonly expiresSeconds: number | null
}

/** An authenticated REGISTER. Without contacts: a query. */
export interface BeaconRegister {
  readonly callId: string
  readonly cseq: number
  readonly contacts: readonly BeaconContact[] | '*'
}

/** `outdated`: a later message of the same sender came first (RFC 3261 §10.3 step 7). */
export type BeaconAnswer = 'accepted' | 'outdated' | 'too-many'

/** One standby has one Contact, or one for each of its transports and address families. */
const MAX_BINDINGS = 8

/** It accepts until it is told otherwise: nothing that is unknown moves a standby. */
export function newBeacon (refuses: boolean, nowMs: EpochMs): BeaconState {
  return { refuses, sinceMs: nowMs, startedAtMs: nowMs, heard: false, bindings: [] }
}

export function turned (state: BeaconState, refuses: boolean, nowMs: EpochMs): BeaconState {
  return state.refuses === refuses ? state : { ...state, refuses, sinceMs: nowMs }
}

export function alive ({ bindings }: BeaconState, nowMs: EpochMs): readonly BeaconBinding[] {
  return bindings.filter(({ untilMs }) => untilMs > nowMs)
}

/**
 * A REGISTER while the beacon refuses, of whoever: a standby that was refused goes on to the next registrar, so it is bound
 * here no more. Its Call-ID tells it even where a new connection gave it another Contact (RFC 3261 §10.2). Nobody has proved
 * who he is, so `*` speaks of nobody else.
 */
export function refuse (before: BeaconState, { callId, contacts }: Omit<BeaconRegister, 'cseq'>, nowMs: EpochMs): BeaconState {
  const named = new Set(contacts === '*' ? [] : contacts.map(({ uri }) => uri))
  return { ...before, heard: before.heard || contacts.length > 0, bindings: alive(before, nowMs).filter((binding) => binding.callId !== callId && !named.has(binding.uri)) }
}

/**
 * An authenticated REGISTER while the beacon accepts.
 *
 * @param expiresMs - longest lifetime that is granted, and the default
 */
export function accept (before: BeaconState, { callId, cseq, contacts }: BeaconRegister, expiresMs: DurationMs, nowMs: EpochMs): { readonly state: BeaconState; readonly answer: BeaconAnswer } {
  const bindings = alive(before, nowMs)
  const state = { ...before, heard: before.heard || contacts.length > 0, bindings }
  if (contacts.length > 0 && bindings.some((binding) => binding.callId === callId && binding.cseq >= cseq)) return { state, answer: 'outdated' }
  if (contacts === '*') return { state: { ...state, bindings: [] }, answer: 'accepted' }
  const named = new Set(contacts.map(({ uri }) => uri))
  const others = bindings.filter(({ uri }) => !named.has(uri))
  const granted = contacts.filter(({ expiresSeconds }) => expiresSeconds !== 0)
    .map(({ uri, expiresSeconds }) => ({ uri, callId, cseq, untilMs: nowMs + Math.min((expiresSeconds ?? Infinity) * 1_000, expiresMs) }))
  if (others.length + granted.length > MAX_BINDINGS) return { state, answer: 'too-many' }
  return { state: { ...state, bindings: [...others, ...granted] }, answer: 'accepted' }
}

/**
 * When the standby has left at the latest, if the beacon refuses from now on: it comes back before its binding ends. Null:
 * it is not bound here.
 */
export function boundUntilMs (state: BeaconState, expiresMs: DurationMs, nowMs: EpochMs): EpochMs | null {
  const ends = alive(state, nowMs).map(({ untilMs }) => untilMs)
  if (state.refuses && !state.heard && nowMs < state.startedAtMs + expiresMs) ends.push(state.startedAtMs + expiresMs)
  return ends.length === 0 ? null : Math.max(...ends)
}

/**
 * What the beacon tells of its standby.
 * `path`: whether there is a standby that would go: bound here it would, missing for two lifetimes it would not, unless it may
 * be at the second beacon. While the beacon refuses nobody is to be seen here, which says nothing.
 */
export function observeBeacon (state: BeaconState, { expiresMs, hasSecond }: { readonly expiresMs: DurationMs; readonly hasSecond: boolean }, nowMs: EpochMs): Observation {
  const until = boundUntilMs(state, expiresMs, nowMs)
  const missing = !hasSecond && until === null && nowMs - Math.max(state.sinceMs, state.startedAtMs) > 2 * expiresMs
  return {
    present: true,
    admin: state.refuses ? 'enabled' : 'disabled',
    registered: null,
    path: state.refuses ? null : until !== null ? 'up' : missing ? 'down' : null,
    settled: !state.refuses || until === null,
    boundUntilMs: until
  }
}

/**
 * Whether the beacon refused when the trunk's state was stored: by the last command that may have arrived, else by what was
 * seen. So a restart neither calls a standby back that carries the trunk, nor sends one away.
 */
export function refusedBefore (stored: TrunkState, key: InterfaceKey): boolean {
  const { command, observed } = interfaceState(stored, key)
  if (command !== null && command.outcome !== 'failed') return command.desired === 'enabled' satisfies AdminState
  return observed?.admin === 'enabled'
}
