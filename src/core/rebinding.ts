/**
 * Writes to the carrier's registrar: `fence` takes a dead gateway's Contact away, `swap` takes the old Contact away and puts
 * the new one in, in one message, of which a registrar takes all or nothing (RFC 3261 §10.3). Both are a head start, no
 * guarantee: the old gateway keeps its credentials. A Contact is removed as it was listed and put in as it was last listed;
 * none is ever made up from its parts, since a URI that differs in one parameter is another binding.
 */
import type { BindingAnswer, ContactChange, ListedContact } from './binding.ts'
import { contactOf, isListed, recordBinding } from './registrar.ts'
import type { InterfaceHealth } from './trunk-health.ts'
import { isCalibrated } from './trunk-health.ts'
import type { DurationMs, EpochMs, InterfaceKey, InterfaceTopology, TrunkTopology } from './topology.ts'
import { interfaceState } from './world.ts'
import type { Rebinding, Switchover, TrunkState } from './world.ts'

/** One switchover sends such a message this often at most, in each direction. */
export const REBINDING_TRIES = 3
/** Three tries a second apart, and their answers: what a move waits for a swap, for the limits that ask beforehand. */
export const SWAP_WITHIN_MS: DurationMs = 5000

/** The switchover's own message in its present direction; null: none was sent. */
export function rebindingOf (state: TrunkState, run: Switchover): Rebinding | null {
  const { rebinding } = state
  return rebinding !== null && rebinding.decision === run.decision && rebinding.rollingBack === run.rollingBack ? rebinding : null
}

/** The registrar may be written to: it is configured, and has refused neither credentials nor a change. */
function mayRebind (trunk: TrunkTopology, state: TrunkState, nowMs: EpochMs): boolean {
  const { auth, query } = trunk.registration
  return auth === 'register' && query !== null && !state.queryRefused && !state.rebindingRefused && nowMs >= state.queryNotBeforeMs
}

/** Its Contact as it was last listed, if it still is what the configuration calls its own. */
function knownContact (trunk: TrunkTopology, state: TrunkState, key: InterfaceKey): ListedContact | null {
  const known = state.knownContacts[key]
  const pattern = trunk.interfaces.find((i) => i.key === key)?.contact
  return known === undefined || pattern == null || !isListed(pattern, [known]) ? null : known
}

/** A password in a Contact would have to be repeated, in the journal too. */
function isPlain (contact: ListedContact | null): contact is ListedContact {
  return contact !== null && !/^[^:]*:[^@]*:[^@]*@/.test(contact.uri)
}

/** Contacts of a swap away from an interface that was disabled in order; null: it can't be done, or nobody asked for it. */
export function swapContacts (trunk: TrunkTopology, state: TrunkState, from: InterfaceKey, to: InterfaceKey, nowMs: EpochMs): { readonly out: string; readonly in: string } | null {
  if (trunk.registration.handover !== 'swap' || !mayRebind(trunk, state, nowMs)) return null
  // What it has listed lately shows that it lists this trunk; what it lists after the swap is proof without that.
  if (!isCalibrated(state, from, nowMs) && !isCalibrated(state, to, nowMs)) return null
  const out = contactOf(trunk, state.binding, from) ?? knownContact(trunk, state, from)
  const next = knownContact(trunk, state, to)
  return isPlain(out) && isPlain(next) ? { out: out.uri, in: next.uri } : null
}

/**
 * Contact of a gateway that is dead and still registered, which may be removed for the sake of `to`; null: it may not. Dead:
 * no sign of life by driver, SIP address or a binding that grew; registered: listed by an answer to a question of later.
 */
export function removableContact (trunk: TrunkTopology, state: TrunkState, health: InterfaceHealth, to: InterfaceKey, nowMs: EpochMs): string | null {
  const { fencing, handover, onSecond, query } = trunk.registration
  const wanted = fencing || (handover === 'swap' && knownContact(trunk, state, to) !== null)
  // Only where a second registration is refused does the removal keep an undead gateway out.
  if (!wanted || onSecond !== 'reject' || query === null || !mayRebind(trunk, state, nowMs) || !isCalibrated(state, health.key, nowMs)) return null
  const { binding, notBeforeMs } = state
  const own = interfaceState(state, health.key)
  const dead = health.unreachable && !health.sipAlive && health.answers === 'no' && own.attempt?.reason !== null && own.lastLifeAtMs !== null && nowMs >= notBeforeMs
  if (!dead || binding === null || binding.atMs <= own.lastLifeAtMs || nowMs - binding.atMs > 3 * query.doubtIntervalMs) return null
  const given = state.inFlight === null ? null : rebindingOf(state, state.inFlight)
  if (given !== null && given.outcome !== 'pending' && given.sent >= REBINDING_TRIES) return null
  const contact = contactOf(trunk, binding, health.key)
  return isPlain(contact) ? contact.uri : null
}

/**
 * Lifetime of a Contact that is put in [s]: long enough for the gateway's own REGISTER, and unlike the one that it will ask
 * for itself, so that its own can be told from ours. A registrar that finds it too brief is offered the whole one.
 */
function lifetimeSeconds (trunk: TrunkTopology, registersWithinMs: DurationMs, again: boolean): number {
  const wholeMs = trunk.registration.expiresMs
  return Math.floor((again ? wholeMs : Math.min(wholeMs, Math.max(wholeMs / 2, registersWithinMs))) / 1000)
}

/** A message with the state that knows of it. */
export interface Started {
  readonly kind: Rebinding['kind']
  readonly changes: readonly ContactChange[]
  readonly state: TrunkState
}

/** The message to send now, and the state that knows of it before its first byte. @param outs - interfaces with the Contacts that go */
export function startRebinding (trunk: TrunkTopology, state: TrunkState, run: Switchover, outs: ReadonlyMap<InterfaceKey, string>, to: InterfaceKey, registersWithinMs: DurationMs, nowMs: EpochMs): Started {
  const sent = rebindingOf(state, run)?.sent ?? 0
  const next = trunk.registration.handover === 'swap' ? knownContact(trunk, state, to) : null
  const removals = [...outs.values()].map((uri): ContactChange => ({ uri, expiresSeconds: 0 }))
  const rebinding: Rebinding = { kind: next === null ? 'fence' : 'swap', decision: run.decision, rollingBack: run.rollingBack, outs: [...outs.keys()], to, atMs: nowMs, sent: sent + 1, outcome: 'pending', endedAtMs: null }
  if (next === null) return { kind: 'fence', changes: removals, state: { ...state, rebinding } }
  const expiresSeconds = lifetimeSeconds(trunk, registersWithinMs, sent > 0)
  return { kind: 'swap', changes: [...removals, { uri: next.uri, expiresSeconds }], state: { ...state, rebinding, placed: { interface: to, atMs: nowMs, expiresAtMs: null } } }
}

/** `late`: it was not sent, since what allowed it had become too old. */
export type RebindingEnd = BindingAnswer | { readonly kind: 'late' }

/** How a message ended. What the registrar lists in its answer is as good as a question of that moment. */
export function recordRebinding (trunk: TrunkTopology, before: TrunkState, decision: string, end: RebindingEnd, nowMs: EpochMs): TrunkState {
  const { rebinding } = before
  if (rebinding === null || rebinding.decision !== decision || rebinding.outcome !== 'pending') return before
  const ended = (outcome: Rebinding['outcome'], sent: number = rebinding.sent): Rebinding => ({ ...rebinding, outcome, sent, endedAtMs: nowMs })
  switch (end.kind) {
    case 'late': return { ...before, rebinding: ended('failed', rebinding.sent - 1), placed: rebinding.sent > 1 ? before.placed : null }
    case 'failed': return { ...before, rebinding: ended('failed') }
    case 'refused': {
      // A 403 may mean this message only (several Contacts at once); credentials that are refused end every question, too.
      const state = { ...before, rebindingRefused: true, placed: null, rebinding: ended('refused') }
      return end.code === 403 ? state : recordBinding(trunk, state, end, () => false, nowMs)
    }
    case 'unsupported': {
      const queryNotBeforeMs = end.retryAfterMs === null ? before.queryNotBeforeMs : nowMs + end.retryAfterMs
      return { ...before, queryNotBeforeMs, placed: null, rebinding: ended('failed') }
    }
    case 'listed': {
      const state = recordBinding(trunk, before, end, () => false, nowMs)
      const patternOf = (key: InterfaceKey): InterfaceTopology['contact'] => trunk.interfaces.find((i) => i.key === key)?.contact ?? null
      const gone = rebinding.outs.every((key) => !isListed(patternOf(key), end.contacts))
      const there = rebinding.kind === 'fence' || isListed(patternOf(rebinding.to), end.contacts)
      return { ...state, rebinding: ended(gone && there ? 'done' : 'failed'), placed: there ? state.placed : null }
    }
  }
}
