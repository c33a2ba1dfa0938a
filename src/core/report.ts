/** The status that people and metrics read, made from the world and the last plan of each trunk. */
import { isFiring, startedAtMs } from './alert-book.ts'
import { freezeOf } from './demands.ts'
import { evidenceKey, newEvidence, verdictAt } from './evidence.ts'
import { awaitsApproval, explainTrunk } from './explain.ts'
import { enabledInterfaces, shouldBeOn } from './resting.ts'
import { standingPin } from './permission.ts'
import type { Step } from './plan.ts'
import { ALIVE_PROBE_REASONS, VETOES } from './reasons.ts'
import type { ProbeReason } from './reasons.ts'
import { demandsOf } from './rules.ts'
import type { Demand } from './rules.ts'
import type { GatewayStatus, InterfaceStatus, ProbeFacts, ProbeStatus, TrunkFacts, TrunkStatus } from './status.ts'
import { bindingWord, isCalibrated, probeLimits, trunkHealth } from './trunk-health.ts'
import type { InterfaceHealth } from './trunk-health.ts'
import type { DurationMs, EpochMs, GatewayTopology, InterfaceKey, InterfaceTopology, ProbeId, TrunkId, TrunkTopology } from './topology.ts'
import { interfaceState } from './world.ts'
import type { InterfaceState, TrunkState, World } from './world.ts'

/** What is told of the last plan. */
export type Held = Pick<Step, 'vetoes' | 'waits'>

/** Status of one trunk. */
export function reportTrunk (world: World, trunk: TrunkTopology, state: TrunkState, held: Held, nowMs: EpochMs): TrunkStatus {
  const health = trunkHealth(world, trunk, state, nowMs)
  const facts = factsOf(trunk, state, held, health, nowMs)
  const demands = demandsOf(world.alertsByTrunk.get(trunk.id) ?? [], trunk, world.topology.rules)
  const words = explainTrunk(world, trunk, state, health, facts.active, { ...held, frozenBy: freezeOf(demands) ?? null }, nowMs)
  return { ...facts, ...words, alerts: reportAlerts(world, trunk, demands) }
}

/** The same without the words. */
export function reportFacts (world: World, trunk: TrunkTopology, state: TrunkState, held: Held, nowMs: EpochMs): TrunkFacts {
  return factsOf(trunk, state, held, trunkHealth(world, trunk, state, nowMs), nowMs)
}

function factsOf (trunk: TrunkTopology, state: TrunkState, held: Held, health: ReadonlyMap<InterfaceKey, InterfaceHealth>, nowMs: EpochMs): TrunkFacts {
  // A silent gateway's last read says nothing about now; it is told as a debt.
  const enabled = enabledInterfaces(trunk, state).filter((key) => !(health.get(key)?.unreachable === true && state.debts.some((debt) => debt.interface === key)))
  return {
    id: trunk.id,
    type: trunk.type,
    mode: trunk.mode,
    active: enabled.length === 1 ? enabled[0] ?? null : null,
    wanted: state.wanted,
    emergency: trunk.emergency,
    carrierDown: state.carrierDownSinceMs !== null,
    interfaces: trunk.interfaces.map((iface) => reportInterface(trunk, state, iface, health.get(iface.key), nowMs)),
    switchover: state.inFlight === null
      ? null
      : {
          decision: state.inFlight.decision,
          from: state.inFlight.from,
          to: state.inFlight.to,
          cause: state.inFlight.cause,
          phase: state.inFlight.rollingBack ? `rolling-back: ${state.inFlight.phase}` : state.inFlight.phase,
          admittedAtMs: state.inFlight.admittedAtMs
        },
    proposal: reportProposal(state, held),
    pin: standingPin(state, nowMs),
    latch: state.latch,
    vetoes: held.vetoes.map((v) => ({ interlock: v.interlock, sentence: `${VETOES[v.interlock]} (${v.detail})` })),
    waits: held.waits.map((w) => ({ reason: w.reason, untilMs: w.untilMs })),
    binding: reportBinding(state, nowMs)
  }
}

function reportProposal ({ open }: TrunkState, held: Held): TrunkStatus['proposal'] {
  if (open === null) return null
  const { id, from, to, cause, sinceMs, answer } = open
  return { decision: id, from, to, cause, sinceMs, answer, needsApproval: awaitsApproval(held.vetoes) }
}

function reportInterface (trunk: TrunkTopology, state: TrunkState, iface: InterfaceTopology, health: InterfaceHealth | undefined, nowMs: EpochMs): InterfaceStatus {
  const own = interfaceState(state, iface.key)
  const word = bindingWord(trunk, state, iface.key, nowMs)
  return {
    key: iface.key,
    gateway: iface.gateway,
    name: iface.name,
    enabled: health?.enabled ?? null,
    desired: shouldBeOn(state, iface.key),
    health: health?.verdict ?? 'unknown',
    usable: health?.usable ?? false,
    because: health?.unusable ?? [],
    registered: trunk.registration.auth === 'ip' ? null : own.observed?.registered ?? (word === null ? null : word === 'held'),
    takeoverMs: own.observed?.boundUntilMs == null ? null : Math.max(0, own.observed.boundUntilMs - nowMs),
    unreachable: health?.unreachable ?? false,
    debt: state.debts.some((debt) => debt.interface === iface.key),
    evidence: health?.evidence ?? []
  }
}

/** An empty list is `none` only when it is calibrated for the wanted interface; else it proves nothing. */
function reportBinding (state: TrunkState, nowMs: EpochMs): TrunkStatus['binding'] {
  const { binding } = state
  if (state.queryRefused) return { verdict: 'refused', holder: null, atMs: state.queriedAtMs ?? nowMs, expiresAtMs: null, contacts: null }
  if (binding === null) return null
  const calibrated = state.wanted !== null && isCalibrated(state, state.wanted, nowMs)
  const verdict = binding.verdict === 'empty' ? (calibrated ? 'none' : 'unsupported') : binding.verdict
  // A registrar that lists nothing to strangers has told no number.
  const contacts = binding.verdict === 'unsupported' && binding.contacts.length === 0 ? null : binding.contacts.length
  return { verdict, holder: binding.holder, atMs: binding.atMs, expiresAtMs: binding.expiresAtMs, contacts }
}

function reportAlerts (world: World, trunk: TrunkTopology, demands: readonly Demand[]): TrunkStatus['alerts'] {
  const booked = world.alertsByTrunk.get(trunk.id) ?? []
  return booked.filter(isFiring).map((alert) => ({
    fingerprint: alert.fingerprint,
    name: alert.labels['alertname'] ?? '',
    interface: demands.find((d) => d.alert?.fingerprint === alert.fingerprint)?.interface ?? null,
    startsAtMs: startedAtMs(alert),
    disputed: alert.disputed
  }))
}

/** Status of one gateway: does its driver get answers? @param members - its interfaces */
export function reportGateway (world: World, gateway: GatewayTopology, members: readonly { readonly trunk: TrunkId; readonly key: InterfaceKey }[], nowMs: EpochMs): GatewayStatus {
  const evidence = world.evidence.get(evidenceKey.driver(gateway.id)) ?? newEvidence(false)
  const last = firstAttempt(world, members)
  return {
    id: gateway.id,
    driver: gateway.driver,
    answers: verdictAt(evidence, gateway.observe, nowMs, 0),
    lastAnswerAtMs: last?.observed?.atMs ?? null,
    reason: last?.attempt?.reason ?? null,
    condition: world.conditions.get(gateway.id) ?? null
  }
}

/** Of the first of these interfaces that was ever read, or tried to. */
function firstAttempt (world: World, members: readonly { readonly trunk: TrunkId; readonly key: InterfaceKey }[]): InterfaceState | null {
  for (const { trunk, key } of members) {
    const own = world.trunks.get(trunk)?.interfaces[key]
    if (own?.attempt != null) return own
  }
  return null
}

/** The last probe of a target, as far as it is told. */
export interface LastProbe {
  readonly outcome: Pick<ProbeFacts, 'code' | 'degraded' | 'retransmissions' | 'certificateExpiresAtMs' | 'bindings'> & {
    readonly reason: ProbeReason
    readonly durationMs: DurationMs
    readonly phases: NonNullable<ProbeFacts['phases']>
    readonly registrationExpiresMs: DurationMs | null
    readonly addresses: readonly { readonly reason: ProbeReason }[]
  }
  readonly atMs: EpochMs
  readonly aliveAtMs: EpochMs | null
}

/** Status of one probe target. @param facts - as the scheduler saw it; null: it never ran */
export function reportProbe (world: World, id: ProbeId, facts: ProbeFacts | null, nowMs: EpochMs): ProbeStatus {
  return { id, verdict: verdictAt(world.evidence.get(id), probeLimits(world.topology, id), nowMs, 0), ...facts ?? reportLast(null) }
}

/** What one result says by itself. */
export function reportLast (last: LastProbe | null): ProbeFacts {
  if (last === null) {
    return {
      reason: 'no result yet', code: null, durationMs: null, lastAtMs: null, aliveAtMs: null, degraded: null, retransmissions: 0, phases: null,
      addresses: 0, addressesAlive: 0, certificateExpiresAtMs: null, registrationExpiresAtMs: null, bindings: null
    }
  }
  const { outcome, atMs, aliveAtMs } = last
  const { reason, code, durationMs, degraded, retransmissions, phases, certificateExpiresAtMs, registrationExpiresMs, bindings, addresses } = outcome
  return {
    reason, code, durationMs, lastAtMs: atMs, aliveAtMs, degraded, retransmissions, phases, certificateExpiresAtMs, bindings,
    addresses: addresses.length,
    addressesAlive: addresses.filter((each) => ALIVE_PROBE_REASONS.has(each.reason)).length,
    registrationExpiresAtMs: registrationExpiresMs === null ? null : atMs + registrationExpiresMs
  }
}
