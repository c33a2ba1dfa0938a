/**
 * Health belongs to an interface, not to a trunk: what all evidence says about one interface now.
 * (g) gateway: its SIP address and its driver; (r) registration; (p) path through it; (c) its own carrier target.
 */
import { evidenceKey, inTransition, staleAfterMs, verdictAt, verdictSince } from './evidence.ts'
import type { Evidence } from './evidence.ts'
import type { EvidenceStatus, Verdict } from './status.ts'
import type { EpochMs, GatewayTopology, InterfaceKey, InterfaceTopology, ProbeId, Thresholds, Topology, TrunkTopology } from './topology.ts'
import { interfaceState } from './world.ts'
import type { InterfaceState, TrunkState, World } from './world.ts'

export type DownReason = 'sip-lost' | 'unreachable' | 'registration-lost' | 'path-lost' | 'carrier-lost'

export interface InterfaceHealth {
  readonly key: InterfaceKey
  /** Down if any own evidence is down; else unknown if any is unknown; else up (and then well). */
  readonly verdict: Verdict
  readonly downBy: readonly DownReason[]
  /** Since when it is down without a break, by the oldest of `downBy`; null: it isn't. Counts anew after a restart. */
  readonly downSinceMs: EpochMs | null
  /** Since when all of its evidence but the registration is up; null: it isn't. */
  readonly upSinceMs: EpochMs | null
  /** May take over: observed lately, present, nothing known that would refuse a change, account accepted, no debt, nothing of its own down. */
  readonly usable: boolean
  /** Why it is not usable. */
  readonly unusable: readonly string[]
  /** As observed; a self-disabled interface counts as enabled. Null: never observed, or not present. */
  readonly enabled: boolean | null
  readonly selfDisabled: boolean
  /** The driver: `yes` answered last time, `no` silent by its fall count, `unclear` between the two. */
  readonly answers: 'yes' | 'no' | 'unclear'
  /** Its driver is back since a moment, or its SIP address answers again: it may be whole, though it still counts as down. */
  readonly settling: boolean
  readonly sipAlive: boolean
  /** SIP address and driver both silent. */
  readonly unreachable: boolean
  /** Some evidence contradicts its verdict and has not turned it yet. */
  readonly wavering: boolean
  readonly evidence: readonly EvidenceStatus[]
}

/** Carrier target that all interfaces of the trunk share; null: each has its own, or none. */
export function sharedCarrier (trunk: TrunkTopology): ProbeId | null {
  const first = trunk.interfaces[0]?.carrierProbe ?? null
  return first !== null && trunk.interfaces.every((i) => i.carrierProbe === first) ? first : null
}

export function gatewayOf (topology: Topology, iface: InterfaceTopology): GatewayTopology {
  const gateway = topology.gateways.get(iface.gateway)
  if (gateway === undefined) throw new Error(`no gateway ${iface.gateway}: the configuration check let it pass`)
  return gateway
}

export function probeLimits (topology: Topology, id: ProbeId): Thresholds {
  const limits = topology.probes.get(id)
  if (limits === undefined) throw new Error(`no probe ${id}: the configuration check let it pass`)
  return limits
}

const CALIBRATION_MS = 24 * 3_600_000

/** An empty list from the registrar proves something about this interface only while it is calibrated for it. */
export function isCalibrated (state: TrunkState, key: InterfaceKey, nowMs: EpochMs): boolean {
  const atMs = state.calibratedAtMs[key]
  return atMs !== undefined && nowMs - atMs <= CALIBRATION_MS
}

/** The registrar's word about one interface: `held`, `lost` (another holds it, or a calibrated none), or null: no word. */
export function bindingWord (trunk: TrunkTopology, state: TrunkState, key: InterfaceKey, nowMs: EpochMs): 'held' | 'lost' | null {
  const { binding } = state
  const query = trunk.registration.query
  if (binding === null || query === null) return null
  if (nowMs - binding.atMs > 3 * query.intervalMs) return null
  switch (binding.verdict) {
    case 'held': {
      if (binding.holder !== key) return 'lost'
      if (state.placed?.interface === key) return null
      return binding.expiresAtMs !== null && binding.expiresAtMs < nowMs ? null : 'held'
    }
    case 'held-by-other': return 'lost'
    case 'empty': return isCalibrated(state, key, nowMs) ? 'lost' : null
    case 'unsupported': return null
  }
}

/** (r): counts only where something is registered, while the interface is on and past its verify deadline; one odd query is not enough. */
function registrationVerdict (world: World, trunk: TrunkTopology, state: TrunkState, iface: InterfaceTopology, own: InterfaceState, nowMs: EpochMs): { readonly status: EvidenceStatus; readonly sinceMs: EpochMs } | null {
  if (trunk.registration.auth === 'ip') return null
  const gateway = gatewayOf(world.topology, iface)
  const countsFromMs = Math.max((own.onSinceMs ?? nowMs), state.registrationsFromMs) + iface.registersWithinMs
  if (own.onSinceMs === null || nowMs < countsFromMs) return null
  const driver = iface.capabilities.reportsRegistration ? world.evidence.get(evidenceKey.registration(iface.key)) : undefined
  const heard = bindingWord(trunk, state, iface.key, nowMs)
  // "Not listed" from before the deadline says nothing: it may have registered since.
  const word = heard === 'lost' && (state.binding?.atMs ?? 0) < countsFromMs ? null : heard
  if (driver === undefined && word === null) return null
  const seen = driver === undefined ? null : verdictAt(driver, gateway.observe, nowMs, state.warmSinceMs)
  // Failures, too, count from the deadline.
  const byDriver = driver !== undefined && seen === 'down' ? verdictAt(driver, gateway.observe, nowMs, countsFromMs) : seen
  const byWord = word === 'lost' && (state.binding?.times ?? 0) >= 2
  if (byDriver === 'down' || byWord) {
    const driverMs = driver !== undefined && byDriver === 'down' ? verdictSince(driver, gateway.observe, countsFromMs) : Infinity
    const wordMs = byWord ? Math.max(state.binding?.sinceMs ?? nowMs, countsFromMs) : Infinity
    const reason = word === 'lost' ? 'the carrier\'s registrar does not list it' : driver?.reason ?? ''
    return { status: { kind: 'registration', verdict: 'down', reason, atMs: state.binding?.atMs ?? driver?.atMs ?? null }, sinceMs: Math.min(driverMs, wordMs) }
  }
  const up = byDriver === 'up' || word === 'held'
  const reason = word === 'held' ? 'listed by the carrier\'s registrar' : driver?.reason ?? 'not certain'
  return { status: { kind: 'registration', verdict: up ? 'up' : 'unknown', reason, atMs: driver?.atMs ?? state.binding?.atMs ?? null }, sinceMs: nowMs }
}

function status (kind: EvidenceStatus['kind'], evidence: Evidence | undefined, verdict: Verdict): EvidenceStatus {
  return { kind, verdict, reason: evidence?.reason ?? 'no result yet', atMs: evidence?.atMs ?? null }
}

/** All evidence of one interface that counts now. */
export function interfaceHealth (world: World, trunk: TrunkTopology, state: TrunkState, iface: InterfaceTopology, nowMs: EpochMs): InterfaceHealth {
  const { topology } = world
  const gateway = gatewayOf(topology, iface)
  const own = interfaceState(state, iface.key)
  const sinceMs = state.warmSinceMs

  const sip = world.evidence.get(iface.sipProbe)
  const sipVerdict = verdictAt(sip, probeLimits(topology, iface.sipProbe), nowMs, sinceMs)
  const driver = world.evidence.get(evidenceKey.driver(iface.gateway))
  const driverVerdict = verdictAt(driver, gateway.observe, nowMs, sinceMs)
  const evidence: EvidenceStatus[] = [status('sip', sip, sipVerdict), status('driver', driver, driverVerdict)]
  const wavering = [sip, driver]
  const downBy: DownReason[] = []
  const sincesMs: EpochMs[] = []
  const upMs: EpochMs[] = []
  const isDown = (reason: DownReason, atMs: EpochMs): void => {
    downBy.push(reason)
    sincesMs.push(atMs)
  }
  if (sip !== undefined) upMs.push(verdictSince(sip, probeLimits(topology, iface.sipProbe), sinceMs))
  if (driver !== undefined) upMs.push(verdictSince(driver, gateway.observe, sinceMs))
  const unreachable = sipVerdict === 'down' && driverVerdict === 'down'
  if (sip !== undefined && sipVerdict === 'down') isDown(unreachable ? 'unreachable' : 'sip-lost', verdictSince(sip, probeLimits(topology, iface.sipProbe), sinceMs))

  const registration = registrationVerdict(world, trunk, state, iface, own, nowMs)
  if (registration !== null) {
    evidence.push(registration.status)
    if (registration.status.verdict === 'down') isDown('registration-lost', registration.sinceMs)
    wavering.push(world.evidence.get(evidenceKey.registration(iface.key)))
  }
  const { reportsPath } = iface.capabilities
  const path = reportsPath === true || (reportsPath === 'while-on' && own.onSinceMs !== null) ? world.evidence.get(evidenceKey.path(iface.key)) : undefined
  if (path !== undefined && nowMs >= state.registrationsFromMs) {
    const verdict = verdictAt(path, gateway.observe, nowMs, sinceMs)
    evidence.push(status('path', path, verdict))
    upMs.push(verdictSince(path, gateway.observe, sinceMs))
    if (verdict === 'down') isDown('path-lost', Math.max(verdictSince(path, gateway.observe, sinceMs), state.registrationsFromMs))
    wavering.push(path)
  }
  if (iface.carrierProbe !== null) {
    const carrier = world.evidence.get(iface.carrierProbe)
    const verdict = verdictAt(carrier, probeLimits(topology, iface.carrierProbe), nowMs, sinceMs)
    evidence.push(status('carrier', carrier, verdict))
    if (carrier !== undefined) upMs.push(verdictSince(carrier, probeLimits(topology, iface.carrierProbe), sinceMs))
    // A target that all interfaces share says nothing about one of them: it is `carrier-down` of the trunk.
    if (carrier !== undefined && verdict === 'down' && sharedCarrier(trunk) === null) isDown('carrier-lost', verdictSince(carrier, probeLimits(topology, iface.carrierProbe), sinceMs))
    wavering.push(carrier)
  }

  const unusable = unusableBecause(state, own, gateway, iface, downBy, nowMs)
  const verdict = downBy.length > 0 ? 'down' : evidence.some((e) => e.verdict === 'unknown') ? 'unknown' : 'up'
  return {
    key: iface.key,
    verdict,
    downBy,
    upSinceMs: verdict === 'up' ? Math.max(...upMs) : null,
    downSinceMs: sincesMs.length === 0 ? null : Math.min(...sincesMs),
    usable: unusable.length === 0,
    unusable,
    enabled: own.observed === null || !own.observed.present ? null : own.observed.admin !== 'disabled',
    selfDisabled: own.observed?.admin === 'self-disabled' && own.observed.present,
    answers: driverVerdict === 'down' ? 'no' : driver?.failures === 0 && driver.atMs !== null ? 'yes' : 'unclear',
    settling: sipVerdict === 'down' && driver?.failures === 0 && isSettling(driver, sip, probeLimits(topology, iface.sipProbe), nowMs),
    sipAlive: sip !== undefined && sip.failures === 0 && sip.atMs !== null,
    unreachable,
    // "Not listed" once is a doubt: the next question comes soon.
    wavering: wavering.some(inTransition) || (own.onSinceMs !== null && bindingWord(trunk, state, iface.key, nowMs) === 'lost' && registration?.status.verdict !== 'down'),
    evidence
  }
}

/** A gateway that has just come back may be whole again: its SIP address gets the time of its rise count to answer. */
function isSettling (driver: Evidence, sip: Evidence | undefined, limits: Thresholds, nowMs: EpochMs): boolean {
  const isBack = driver.turnedAtMs !== null && nowMs - driver.turnedAtMs < (limits.rise + 1) * limits.intervalMs
  return isBack || (sip !== undefined && sip.successes > 0)
}

function unusableBecause (state: TrunkState, own: InterfaceState, gateway: GatewayTopology, iface: InterfaceTopology, downBy: readonly DownReason[], nowMs: EpochMs): string[] {
  const because: string[] = []
  if (own.observed === null) because.push('it was never read')
  else if (!own.observed.present) because.push('the gateway has no such interface')
  else if (own.observed.obstacle !== undefined) because.push(`it could not be switched (${own.observed.obstacle})`)
  else if (nowMs - own.observed.atMs > staleAfterMs(gateway.observe)) because.push(`its last read is too old${own.attempt?.reason == null ? '' : ` (${own.attempt.reason})`}`)
  if (own.attempt?.reason === 'auth-failed') because.push('the gateway refuses the account')
  if (state.debts.some((debt) => debt.interface === iface.key)) because.push('it should be off and could not be reached (debt)')
  because.push(...downBy)
  return because
}

/** Health of every interface of a trunk, in order of preference. */
export function trunkHealth (world: World, trunk: TrunkTopology, state: TrunkState, nowMs: EpochMs): ReadonlyMap<InterfaceKey, InterfaceHealth> {
  return new Map(trunk.interfaces.map((iface) => [iface.key, interfaceHealth(world, trunk, state, iface, nowMs)]))
}

/** Verdict of the carrier target that all interfaces share; null when there is none. */
export function sharedCarrierVerdict (world: World, trunk: TrunkTopology, nowMs: EpochMs): { readonly verdict: Verdict; readonly wavering: boolean } | null {
  const id = sharedCarrier(trunk)
  if (id === null) return null
  const evidence = world.evidence.get(id)
  const verdict = verdictAt(evidence, probeLimits(world.topology, id), nowMs, 0)
  return {
    verdict,
    // One that has never answered may answer nobody, and one that was not asked for long tells nothing: no end to wait for.
    wavering: verdict !== 'unknown' && verdict !== 'down' && inTransition(evidence)
  }
}

/** Every interface's evidence has a verdict, or two minutes have passed: the trunk is warm. */
export function isWarm (world: World, trunk: TrunkTopology, state: TrunkState, nowMs: EpochMs): boolean {
  if (nowMs - state.warmSinceMs >= world.topology.interlocks.warmupMs) return true
  return [...trunkHealth(world, trunk, state, nowMs).values()].every((health) => health.evidence.every((e) => e.verdict !== 'unknown'))
}
