/** Did a switchover work? Seen, never assumed from an accepted command. */
import { evidenceKey } from './evidence.ts'
import { bindingWord } from './trunk-health.ts'
import type { InterfaceHealth } from './trunk-health.ts'
import type { EpochMs, InterfaceKey, TrunkTopology } from './topology.ts'
import { interfaceState } from './world.ts'
import type { TrunkState, World } from './world.ts'

export type Verification =
  /** The driver says registered, or the registrar lists it (`auth: ip`: it is seen enabled); and one probe of it is up. */
  | { readonly state: 'verified' }
  /** Nobody can say; it runs enabled and nothing of its own is down. */
  | { readonly state: 'unverifiable' }
  /** `refusal`: it may be the carrier that refused it, because somebody else is registered. */
  | { readonly state: 'refuted'; readonly detail: string; readonly refusal: boolean }
  /** Not decided before the deadline. `reregister`: half of the time is over, the binding is free and not taken. */
  | { readonly state: 'open'; readonly deadlineMs: EpochMs; readonly reregister: boolean }

/** @param sinceMs - when the interface was seen enabled; older evidence doesn't count */
export function verification (world: World, trunk: TrunkTopology, state: TrunkState, health: ReadonlyMap<InterfaceKey, InterfaceHealth>, key: InterfaceKey, sinceMs: EpochMs, nowMs: EpochMs): Verification {
  const iface = trunk.interfaces.find((i) => i.key === key)
  const its = health.get(key)
  if (iface === undefined || its === undefined) return refuted('the interface left the configuration')
  const deadlineMs = sinceMs + iface.registersWithinMs
  const { observed } = interfaceState(state, key)
  const fresh = observed !== null && observed.atMs > sinceMs ? observed : null
  const word = state.binding !== null && state.binding.atMs > sinceMs ? bindingWord(trunk, state, key, nowMs) : null

  const lost = its.downBy.filter((reason) => reason !== 'registration-lost')
  if (lost.length > 0) return refuted(lost.join(', '))
  const probes = [iface.sipProbe, iface.carrierProbe, evidenceKey.path(key)]
  const probeUp = probes.some((id) => {
    const evidence = id === null ? undefined : world.evidence.get(id)
    return evidence?.atMs != null && evidence.atMs > sinceMs && evidence.failures === 0
  })
  // The registrar may still list what the interface had before it lost it; its own denial is newer.
  const byIp = trunk.registration.auth === 'ip'
  const registered = byIp ? fresh !== null && fresh.admin !== 'disabled' : fresh?.registered === true || (word === 'held' && fresh?.registered !== false)
  if (registered && probeUp && fresh?.settled !== false) return { state: 'verified' }
  if (nowMs < deadlineMs) {
    const halfTime = nowMs >= sinceMs + iface.registersWithinMs / 2
    const free = !byIp && state.binding !== null && state.binding.atMs > sinceMs && state.binding.verdict === 'empty'
    return { state: 'open', deadlineMs, reregister: halfTime && free && !registered && iface.capabilities.reregisters }
  }
  // Where the registrar lists nobody, nobody else can be the cause.
  const refusal = !(word === 'lost' && state.binding?.verdict === 'empty')
  if (fresh?.admin === 'self-disabled' && !byIp) return refuted('the gateway gave up registering', refusal)
  if (fresh?.registered === false && !byIp) return refuted('the gateway says that it is not registered', refusal)
  if (word === 'lost') return refuted('the carrier\'s registrar does not list it', refusal)
  if (fresh === null || fresh.admin === 'disabled') return refuted('it was not seen enabled')
  return { state: 'unverifiable' }
}

function refuted (detail: string, refusal = false): Verification {
  return { state: 'refuted', detail, refusal }
}
