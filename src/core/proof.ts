/**
 * Who holds the registration of an exclusive trunk: may another interface be enabled? The proof that interface O no
 * longer registers, each case with the reason why it is enough. Judged at admission and again right before each enable.
 */
import { mayBeOn } from './observe.ts'
import { removableContact, swapContacts, SWAP_WITHIN_MS } from './rebinding.ts'
import { isCalibrated } from './trunk-health.ts'
import type { InterfaceHealth } from './trunk-health.ts'
import type { EpochMs, InterfaceKey, TrunkTopology } from './topology.ts'
import { interfaceState } from './world.ts'
import type { TrunkState } from './world.ts'

/**
 * `off` / `silent`: nothing is registered on this trunk (`auth: ip`), and O is off, or was wholly silent for a minute.
 * `off-and-replaced`: O is off and the carrier lets another one in. `binding-gone`: the registrar lists O no more.
 * `timer`: whatever O had registered is over. `operator`: a person vouches for it, and its gateway does not answer.
 */
export type ProvenBy = 'off' | 'silent' | 'off-and-replaced' | 'binding-gone' | 'timer' | 'operator'

export type Proof =
  /** O is off for the carrier. */
  | { readonly state: 'proven'; readonly by: ProvenBy }
  /** It will be proven by then, if nothing shows life; earlier when the binding is seen gone. */
  | { readonly state: 'wait'; readonly untilMs: EpochMs }
  /** It is dead and still listed: one message to the registrar can remove its binding, else it is proven by then. */
  | { readonly state: 'removable'; readonly contact: string; readonly untilMs: EpochMs }
  /** O answers and is on (or not certainly off): it has to be disabled first. */
  | { readonly state: 'must-disable' }
  /** It is not clear yet whether O answers. */
  | { readonly state: 'unclear' }
  | { readonly state: 'blocked'; readonly veto: 'exclusive' | 'gateway-alive' | 'owner-unproven'; readonly detail: string }

/** Without registrations: so long driver and SIP address have to be silent together. */
const SILENT_MS = 60_000

/** How long silence has to last to be a proof: the carrier's longest binding lifetime and a tenth, since clocks differ. */
export function proofTimeMs (trunk: TrunkTopology): number {
  return trunk.registration.auth === 'ip' ? SILENT_MS : Math.ceil(trunk.registration.expiresMs * 1.1)
}

/** What time alone proves. */
function timerProof (trunk: TrunkTopology, untilMs: EpochMs, nowMs: EpochMs): Proof {
  if (nowMs < untilMs) return { state: 'wait', untilMs }
  return { state: 'proven', by: trunk.registration.auth === 'ip' ? 'silent' : 'timer' }
}

/** The registrar says that O's binding is gone, asked after `sinceMs`: another interface holds it, or a calibrated none. */
export function bindingGone (trunk: TrunkTopology, state: TrunkState, key: InterfaceKey, sinceMs: EpochMs, nowMs: EpochMs): boolean {
  const { binding } = state
  const query = trunk.registration.query
  if (binding === null || query === null || binding.atMs <= sinceMs) return false
  // An old word proves nothing: a living gateway could have registered since.
  if (nowMs - binding.atMs > 3 * query.doubtIntervalMs) return false
  if (binding.verdict === 'held') return binding.holder !== key
  return binding.verdict === 'empty' && isCalibrated(state, key, nowMs)
}

/** @param key - the interface that must be off before another one is enabled */
export function proofOff (trunk: TrunkTopology, state: TrunkState, health: InterfaceHealth, key: InterfaceKey, nowMs: EpochMs): Proof {
  const own = interfaceState(state, key)
  if (isVouchedOff(state, health)) return { state: 'proven', by: 'operator' }
  // One odd answer of the gateway must not count as "off": only an absence that lasts does.
  if (own.observed?.present === false && own.offSinceMs !== null) return timerProof(trunk, own.offSinceMs + proofTimeMs(trunk), nowMs)
  if (own.offSinceMs !== null && own.offConfirmed && !mayBeOn(own)) return proofOfDisabled(trunk, state, key, own.offSinceMs, nowMs)
  if (health.answers === 'unclear') return { state: 'unclear' }
  if (health.answers === 'yes') return { state: 'must-disable' }
  return proofOfSilent(trunk, state, health, key, nowMs)
}

/** A person vouches for it to be off. What answers is disabled in order all the same, and never taken on trust. */
export function isVouchedOff (state: TrunkState, health: InterfaceHealth): boolean {
  const knownOff = state.inFlight === null ? state.request?.knownOff : state.inFlight.knownOff
  return health.answers === 'no' && knownOff?.includes(health.key) === true
}

/** Observed disabled, in the running state: its registration may outlive that. */
function proofOfDisabled (trunk: TrunkTopology, state: TrunkState, key: InterfaceKey, offSinceMs: EpochMs, nowMs: EpochMs): Proof {
  const { auth, onSecond } = trunk.registration
  const own = interfaceState(state, key)
  if (!own.darkSinceRead && auth === 'ip') return { state: 'proven', by: 'off' }
  if (!own.darkSinceRead && onSecond !== 'reject') return { state: 'proven', by: 'off-and-replaced' }
  // A gateway that went dark after that may have restarted and come on: count from its last life.
  const lifeMs = own.darkSinceRead ? own.lastLifeAtMs ?? nowMs : 0
  // So long is a binding alive that we have put in for it ourselves.
  const sinceMs = Math.max(offSinceMs, lifeMs, state.placed?.interface === key ? state.placed.atMs : 0)
  if (bindingGone(trunk, state, key, sinceMs, nowMs)) return { state: 'proven', by: 'binding-gone' }
  return timerProof(trunk, sinceMs + proofTimeMs(trunk), nowMs)
}

/** The driver is silent by its fall count. */
function proofOfSilent (trunk: TrunkTopology, state: TrunkState, health: InterfaceHealth, key: InterfaceKey, nowMs: EpochMs): Proof {
  const { auth, onSecond, unproven } = trunk.registration
  const own = interfaceState(state, key)
  if (!health.unreachable) {
    return health.sipAlive
      ? { state: 'blocked', veto: 'gateway-alive', detail: `${key}: its SIP address answers, only its management is silent` }
      : { state: 'unclear' }
  }
  const lifeMs = Math.max(own.lastLifeAtMs ?? nowMs, own.command?.desired === 'enabled' ? own.command.endedAtMs ?? own.command.atMs : 0)
  const untilMs = lifeMs + proofTimeMs(trunk)
  if (auth === 'ip') return timerProof(trunk, untilMs, nowMs)
  if (bindingGone(trunk, state, key, lifeMs, nowMs)) return { state: 'proven', by: 'binding-gone' }
  if (own.lifeByBinding && nowMs < untilMs) {
    return { state: 'blocked', veto: 'gateway-alive', detail: `${key}: its binding was refreshed after it fell silent` }
  }
  // It could take the registration back, and no refusal of the standby would show that it lives.
  if (onSecond !== 'reject' && unproven === 'page') {
    return { state: 'blocked', veto: 'owner-unproven', detail: `${key} is silent, and the carrier lets it take the registration back` }
  }
  return timerProof(trunk, Math.max(untilMs, state.notBeforeMs), nowMs)
}

/** Proof that one is off, or how it can be had for the one that is to be enabled. */
export function proofFor (trunk: TrunkTopology, state: TrunkState, health: InterfaceHealth, enable: InterfaceKey, nowMs: EpochMs): Proof {
  const proof = proofOff(trunk, state, health, health.key, nowMs)
  if (proof.state !== 'wait') return proof
  const contact = removableContact(trunk, state, health, enable, nowMs)
  return contact === null ? proof : { state: 'removable', contact, untilMs: proof.untilMs }
}

/** The worst of the proofs for all interfaces but the one that is to be enabled. */
export function proofOthersOff (trunk: TrunkTopology, state: TrunkState, health: ReadonlyMap<InterfaceKey, InterfaceHealth>, enable: InterfaceKey, nowMs: EpochMs): { readonly proof: Proof; readonly of: InterfaceKey | null } {
  const order = { blocked: 0, 'must-disable': 1, unclear: 2, wait: 3, removable: 4, proven: 5 } as const
  let worst: { proof: Proof; of: InterfaceKey | null } = { proof: { state: 'proven', by: 'off-and-replaced' }, of: null }
  for (const [key, own] of health) {
    if (key === enable) continue
    const proof = proofFor(trunk, state, own, enable, nowMs)
    const later = proof.state === 'wait' && worst.proof.state === 'wait' && proof.untilMs > worst.proof.untilMs
    if (worst.of === null || order[proof.state] < order[worst.proof.state] || later) worst = { proof, of: key }
  }
  return worst
}

/** How long nobody carries the trunk when `from` answers and is disabled in order: the proof, and a standby's way from its beacon. [ms] */
export function predictedGapMs (trunk: TrunkTopology, state: TrunkState, from: InterfaceKey, to: InterfaceKey, unregisters: boolean, nowMs: EpochMs): number {
  const { observed } = interfaceState(state, to)
  return proofWaitMs(trunk, state, from, to, unregisters, nowMs) + Math.max(0, (observed?.boundUntilMs ?? 0) - nowMs)
}

function proofWaitMs (trunk: TrunkTopology, state: TrunkState, from: InterfaceKey, to: InterfaceKey, unregisters: boolean, nowMs: EpochMs): number {
  if (trunk.registration.auth === 'ip' || trunk.registration.onSecond !== 'reject') return 0
  if (swapContacts(trunk, state, from, to, nowMs) !== null) return SWAP_WITHIN_MS
  const query = trunk.registration.query
  if (unregisters && query !== null && isCalibrated(state, from, nowMs)) return query.doubtIntervalMs
  return proofTimeMs(trunk)
}
