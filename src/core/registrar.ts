/** What the registrar's answers mean for a trunk: the verdict, its calibration, and signs of life. */
import type { BindingAnswer, ListedContact } from './binding.ts'
import type { ContactPattern, EpochMs, InterfaceKey, TrunkTopology } from './topology.ts'
import { interfaceState, withInterface } from './world.ts'
import type { BindingState, TrunkState } from './world.ts'

/** Which configured interface a listed Contact belongs to, judged by one given part after the other. */
function matches (contact: ListedContact, pattern: ContactPattern): boolean {
  return (pattern.hostPort !== undefined && contact.hostPort === pattern.hostPort) ||
    (pattern.user !== undefined && contact.user === pattern.user) ||
    (pattern.instance !== undefined && contact.instance === pattern.instance)
}

export function isListed (pattern: ContactPattern | null, contacts: readonly ListedContact[]): boolean {
  return pattern !== null && contacts.some((contact) => matches(contact, pattern))
}

/** The one Contact of an interface in the last answer; null: it was not listed, or several were. */
export function contactOf (trunk: TrunkTopology, binding: BindingState | null, key: InterfaceKey): ListedContact | null {
  const pattern = trunk.interfaces.find((i) => i.key === key)?.contact
  if (pattern == null || binding?.verdict !== 'held' || binding.holder !== key) return null
  const [only, second] = binding.contacts.filter((contact) => matches(contact, pattern))
  return second === undefined ? only ?? null : null
}

/** `held(X)` as soon as exactly one interface matches the listed Contacts; several, or an unlisted state, prove nothing. */
function verdictOf (trunk: TrunkTopology, contacts: readonly ListedContact[]): { verdict: BindingState['verdict']; holder: InterfaceKey | null } {
  if (contacts.length === 0) return { verdict: 'empty', holder: null }
  const holders = trunk.interfaces.filter(({ contact: pattern }) => isListed(pattern, contacts))
  const [only, second] = holders
  if (only === undefined) return { verdict: 'held-by-other', holder: null }
  return second === undefined ? { verdict: 'held', holder: only.key } : { verdict: 'unsupported', holder: null }
}

function endOf (trunk: TrunkTopology, contacts: readonly ListedContact[], holder: InterfaceKey | null, nowMs: EpochMs): EpochMs | null {
  const pattern = trunk.interfaces.find((i) => i.key === holder)?.contact
  if (pattern == null) return null
  const seconds = contacts.filter((contact) => matches(contact, pattern)).map((contact) => contact.expiresSeconds)
  const known = seconds.filter((s): s is number => s !== null)
  return known.length === 0 ? null : nowMs + Math.max(...known) * 1000
}

/** Registrars tell whole seconds: an end that moved by less is the same binding. */
const GROWTH_MS = 1500

/**
 * Takes one answer into the trunk's state: verdict, calibration, and a binding that grew as a sign of life.
 * A failed query (no answer) changes nothing: the last verdict grows old by itself.
 */
export function recordBinding (trunk: TrunkTopology, state: TrunkState, answer: BindingAnswer, registeredByDriver: (key: InterfaceKey) => boolean, nowMs: EpochMs): TrunkState {
  switch (answer.kind) {
    case 'failed': return state
    case 'refused': return { ...state, queryRefused: true }
    case 'unsupported': {
      const queryNotBeforeMs = answer.retryAfterMs === null ? state.queryNotBeforeMs : nowMs + answer.retryAfterMs
      return { ...state, queryNotBeforeMs, binding: { verdict: 'unsupported', holder: null, contacts: [], atMs: nowMs, expiresAtMs: null, times: 1, sinceMs: nowMs } }
    }
    // Questions and changes are on the way side by side: a later word stands.
    case 'listed': return state.binding !== null && nowMs < state.binding.atMs ? state : recordListed(trunk, state, answer.contacts, registeredByDriver, nowMs)
  }
}

function recordListed (trunk: TrunkTopology, before: TrunkState, contacts: readonly ListedContact[], registeredByDriver: (key: InterfaceKey) => boolean, nowMs: EpochMs): TrunkState {
  const { verdict, holder } = verdictOf(trunk, contacts)
  const expiresAtMs = endOf(trunk, contacts, holder, nowMs)
  const last = before.binding
  const same = last !== null && last.verdict === verdict && last.holder === holder
  const placed = placedAfter(trunk, before, holder, expiresAtMs, nowMs)
  let state: TrunkState = { ...before, placed, binding: { verdict, holder, contacts, atMs: nowMs, expiresAtMs, times: same ? last.times + 1 : 1, sinceMs: same ? last.sinceMs : nowMs } }
  // A binding that we have put in ourselves tells nothing of the gateway.
  if (holder === null || placed?.interface === holder) return state
  const onlyEnabled = trunk.interfaces.every((i) => {
    const observed = interfaceState(state, i.key).observed
    return observed !== null && (observed.admin !== 'disabled') === (i.key === holder)
  })
  if (onlyEnabled || registeredByDriver(holder)) {
    const contact = contactOf(trunk, state.binding, holder)
    state = {
      ...state,
      calibratedAtMs: { ...state.calibratedAtMs, [holder]: nowMs },
      knownContacts: contact === null ? state.knownContacts : { ...state.knownContacts, [holder]: { ...contact, expiresSeconds: null } }
    }
  }
  return hasRegistered(trunk, state, last, holder, expiresAtMs) ? withInterface(state, holder, { lastLifeAtMs: nowMs, lifeByBinding: true }) : state
}

/** It registered between two answers and after its last sign of life: its binding has grown, or was not there before. */
function hasRegistered (trunk: TrunkTopology, state: TrunkState, last: BindingState | null, holder: InterfaceKey, expiresAtMs: EpochMs | null): boolean {
  if (last === null || last.verdict === 'unsupported') return false
  const grew = last.holder === holder && expiresAtMs !== null && last.expiresAtMs !== null && expiresAtMs > last.expiresAtMs + GROWTH_MS
  // It may have happened before the gateway's last sign of life and be seen only now: that shows no life after it.
  const lifeMs = interfaceState(state, holder).lastLifeAtMs ?? 0
  const later = last.atMs > lifeMs || (expiresAtMs !== null && expiresAtMs - trunk.registration.expiresMs > lifeMs + GROWTH_MS)
  return later && (grew || last.holder !== holder)
}

/** What is left of a binding that we have put in: nothing once it has another end, by the gateway's own REGISTER, or is over. */
function placedAfter (trunk: TrunkTopology, { placed }: TrunkState, holder: InterfaceKey | null, expiresAtMs: EpochMs | null, nowMs: EpochMs): TrunkState['placed'] {
  if (placed === null) return null
  if (nowMs > (placed.expiresAtMs ?? placed.atMs + trunk.registration.expiresMs) + GROWTH_MS) return null
  if (holder !== placed.interface || expiresAtMs === null) return placed
  if (placed.expiresAtMs === null) return { ...placed, expiresAtMs }
  return Math.abs(expiresAtMs - placed.expiresAtMs) > GROWTH_MS ? null : placed
}
