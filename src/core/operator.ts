/** What an operator's verbs do to a trunk's state. Pure; the engine judges, stores and journals. */
import type { EpochMs, InterfaceKey, TrunkTopology } from './topology.ts'
import { interfaceState, newDebt } from './world.ts'
import type { Debt, TrunkState } from './world.ts'

/** Interfaces observed enabled, in order of preference. */
export function enabledInterfaces (trunk: TrunkTopology, state: TrunkState): InterfaceKey[] {
  return trunk.interfaces.map((i) => i.key).filter((key) => {
    const { observed } = interfaceState(state, key)
    return observed?.present === true && observed.admin !== 'disabled'
  })
}

/**
 * `adopt`: what the gateways show now is right. The first enabled interface becomes the wanted one; further enabled ones
 * owe to be off; with none enabled the first in order of preference is to be switched on. Registrations count from now:
 * after a move by hand the carrier may keep the old one for a while.
 */
export function adopt (trunk: TrunkTopology, state: TrunkState, decision: string, nowMs: EpochMs): TrunkState {
  const enabled = enabledInterfaces(trunk, state)
  // Of a silent gateway only an old read is known.
  const wanted = enabled.find((key) => !interfaceState(state, key).silentSince) ?? enabled[0]
  const debts: Debt[] = enabled.filter((key) => key !== wanted).map((key) => newDebt(key, decision, nowMs))
  return { ...state, baseline: 'adopted', drift: null, wanted: wanted ?? trunk.interfaces[0]?.key ?? null, debts, refuted: null, registrationsFromMs: nowMs }
}

/** `failback`: the first interface in order of preference is to carry the trunk again; null: it does already. */
export function failback (trunk: TrunkTopology, state: TrunkState, decision: string, actor: string, reason: string, nowMs: EpochMs): TrunkState | null {
  const first = trunk.interfaces[0]?.key
  if (first === undefined || first === state.wanted) return null
  return { ...state, request: { verb: 'failback', decision, to: first, actor, reason, atMs: nowMs, override: [], knownOff: [], force: false } }
}
