/**
 * Why a proposed switchover is not admitted. Each interlock is a small function over the proposal's end state; all are
 * evaluated, all vetoes are reported, and what can't be evaluated vetoes. To add one: a name and a sentence in
 * `reasons.ts`, a function here, a line in `INTERLOCKS`, a case in `test/core/interlocks.test.ts`.
 */
import { predictedWaitMs } from './proof.ts'
import type { Proof } from './proof.ts'
import type { VetoReason, WaitReason } from './reasons.ts'
import type { Demand } from './rules.ts'
import { gatewayOf, isWarm, sharedCarrierVerdict } from './trunk-health.ts'
import type { InterfaceHealth } from './trunk-health.ts'
import type { EpochMs, InterfaceKey, TrunkTopology } from './topology.ts'
import { interfaceState } from './world.ts'
import type { SwitchoverCause, TrunkState, World } from './world.ts'

/** A move that the planner wants. */
export interface Proposal {
  /** The interface that should be on now; null: none. */
  readonly from: InterfaceKey | null
  /** Null: nothing usable to move to. */
  readonly to: InterfaceKey | null
  readonly cause: SwitchoverCause
  /** The demands behind it. */
  readonly demands: readonly Demand[]
  /** Given by a person: `cooldown` judges automation only. */
  readonly byOperator: boolean
}

export interface Judgement {
  readonly world: World
  readonly trunk: TrunkTopology
  readonly state: TrunkState
  readonly health: ReadonlyMap<InterfaceKey, InterfaceHealth>
  readonly proposal: Proposal
  /** Proof that everything but the target is off, apart from what answers and is disabled first. */
  readonly proof: Proof
  readonly nowMs: EpochMs
}

export interface Veto { readonly interlock: VetoReason; readonly detail: string; readonly untilMs: EpochMs | null }
export interface Wait { readonly reason: WaitReason; readonly detail: string; readonly untilMs: EpochMs | null }

type Interlock = (judgement: Judgement) => Omit<Veto, 'interlock'> | null

const veto = (detail: string, untilMs: EpochMs | null = null): Omit<Veto, 'interlock'> => ({ detail, untilMs })

const mode: Interlock = ({ trunk }) => trunk.mode === 'automatic' ? null : veto('the trunk is in mode observe')

const paused: Interlock = ({ world, trunk, proposal, nowMs }) => {
  const gateways = trunk.interfaces.filter((i) => i.key === proposal.from || i.key === proposal.to).map((i) => `gateway/${i.gateway}`)
  const scopes = new Set(['global', `trunk/${trunk.id}`, ...gateways])
  const pause = world.pauses.find((p) => scopes.has(p.scope) && (p.untilMs === null || p.untilMs > nowMs))
  return pause === undefined ? null : veto(`${pause.scope} was paused by ${pause.actor}: ${pause.reason}`, pause.untilMs)
}

const pin: Interlock = ({ state, proposal, nowMs }) => {
  const own = state.pin
  if (own === null || (own.untilMs !== null && own.untilMs <= nowMs) || proposal.to === own.interface) return null
  return veto(`${own.actor} pinned it to ${own.interface}: ${own.reason}`, own.untilMs)
}

const baselineUnclear: Interlock = ({ state }) => state.baseline === 'adopted' ? null : veto(state.baseline === 'unset' ? 'the gateways have not all been read yet' : 'not exactly one interface was enabled when Pointsman first looked')

const drift: Interlock = ({ state }) => state.drift === null ? null : veto(state.drift.detail)

/** Alert evidence is fresh while a resync succeeded within three minutes. */
const RESYNC_FRESH_MS = 180_000
const freeze: Interlock = ({ world, proposal, nowMs }) => {
  if (proposal.cause !== 'alert' || !world.topology.resyncs) return null
  if (world.resyncedAtMs !== null && nowMs - world.resyncedAtMs < RESYNC_FRESH_MS) return null
  return veto(world.resyncedAtMs === null ? 'no Alertmanager has answered yet' : 'no Alertmanager has answered for three minutes')
}

const warmUp: Interlock = ({ world, trunk, state, nowMs }) => isWarm(world, trunk, state, nowMs) ? null : veto('waiting for the first verdicts', state.warmSinceMs + world.topology.interlocks.warmupMs)

const confirm: Interlock = ({ proposal, health }) => {
  if (proposal.cause !== 'alert') return null
  const confirmed = proposal.demands.some((d) => d.startsNew && (d.evidence === 'none' || health.get(proposal.from ?? '')?.verdict === 'down'))
  return confirmed ? null : veto(`${proposal.from ?? 'no interface'} is ${health.get(proposal.from ?? '')?.verdict ?? 'unknown'} by its own evidence`)
}

/** The carrier itself is down or about to be: no move between interfaces mends that. */
const noBetter: Interlock = ({ world, trunk, proposal, health, nowMs }) => {
  const carrier = sharedCarrierVerdict(world, trunk, nowMs)
  if (carrier?.verdict === 'down' && proposal.cause !== 'failback') return veto('the carrier does not answer for any interface (carrier-down)')
  if (proposal.to !== null) {
    const target = health.get(proposal.to)
    return target === undefined || target.usable || proposal.cause === 'upkeep' ? null : veto(`${proposal.to}: ${target.unusable.join(', ')}`)
  }
  const others = [...health.values()].filter((h) => h.key !== proposal.from)
  return veto(others.map((h) => `${h.key}: ${h.unusable.join(', ') || 'named by an alert'}`).join('; '))
}

const exclusive: Interlock = ({ proof }) => proof.state === 'blocked' && proof.veto === 'exclusive' ? veto(proof.detail) : null
const gatewayAlive: Interlock = ({ proof, state, nowMs }) => {
  if (proof.state === 'blocked' && proof.veto === 'gateway-alive') return veto(proof.detail)
  return state.notBeforeMs > nowMs ? veto('the carrier refused the standby: the silent gateway still refreshes its registration', state.notBeforeMs) : null
}
const ownerUnproven: Interlock = ({ proof }) => proof.state === 'blocked' && proof.veto === 'owner-unproven' ? veto(proof.detail) : null

/** Judged on the end state: exactly `to` is enabled. */
const minEnabled: Interlock = ({ trunk, proposal }) => (proposal.to === null ? 0 : 1) >= trunk.minEnabled ? null : veto(`${trunk.minEnabled} must stay enabled`)

/** A predicted gap judges only moves away from an interface that is not down. */
const emergency: Interlock = ({ world, trunk, state, proposal, health, nowMs }) => {
  if (!trunk.emergency || proposal.to === null || proposal.from === null || health.get(proposal.from)?.verdict === 'down') return null
  const from = trunk.interfaces.find((i) => i.key === proposal.from)
  if (from === undefined) return null
  const gapMs = predictedWaitMs(trunk, state, from.key, gatewayOf(world.topology, from).capabilities.unregisters, nowMs)
  return gapMs <= world.topology.interlocks.maxGapMs ? null : veto(`the trunk would be without an interface for ${Math.ceil(gapMs / 1000)} s`)
}

/** Blocks a move away from an interface that is not down; a move from down to usable is only spaced (see `spacing`). */
const cooldown: Interlock = ({ world, state, proposal, health, nowMs }) => {
  if (proposal.byOperator || proposal.cause === 'upkeep' || state.movedAtMs === null) return null
  if (proposal.from === null || health.get(proposal.from)?.verdict === 'down') return null
  const untilMs = state.movedAtMs + world.topology.interlocks.cooldownMs
  return nowMs < untilMs ? veto('the last switchover was too short ago', untilMs) : null
}

/** The standby's read within the last 5 s failed. A read that is only missing is a wait (`pre-flight`), not a veto. */
const standbyNotReady: Interlock = ({ state, proposal, nowMs }) => {
  if (proposal.to === null) return null
  const { attempt, observed } = interfaceState(state, proposal.to)
  if (attempt !== null && attempt.reason !== null && nowMs - attempt.atMs <= PRE_FLIGHT_MS) return veto(`${proposal.to}: ${attempt.reason}`)
  return observed !== null && !observed.present ? veto(`${proposal.to}: no-interface`) : null
}

/** A pre-flight read counts for this long before the first write. */
export const PRE_FLIGHT_MS = 5000

/** Every interlock by its name, in the order in which people read them. */
export const INTERLOCKS: Readonly<Record<VetoReason, Interlock>> = {
  mode,
  paused,
  pin,
  'baseline-unclear': baselineUnclear,
  drift,
  freeze,
  'warm-up': warmUp,
  confirm,
  exclusive,
  'gateway-alive': gatewayAlive,
  'owner-unproven': ownerUnproven,
  'no-better': noBetter,
  'min-enabled': minEnabled,
  emergency,
  'standby-not-ready': standbyNotReady,
  cooldown
}

/** All vetoes against a proposal. */
export function judge (judgement: Judgement): Veto[] {
  const names = Object.keys(INTERLOCKS) as VetoReason[]
  return names.flatMap((interlock) => {
    const refused = INTERLOCKS[interlock](judgement)
    return refused === null ? [] : [{ interlock, ...refused }]
  })
}

/** Waits that end by themselves before an otherwise admitted switchover may begin. */
export function waitsFor ({ world, trunk, state, health, proposal, proof, nowMs }: Judgement): Wait[] {
  const waits: Wait[] = []
  const spacedMs = spacedUntil(world, state, proposal)
  if (spacedMs > nowMs && !proposal.byOperator) waits.push({ reason: 'spacing', detail: 'the last try was too short ago', untilMs: spacedMs })
  if (sharedCarrierVerdict(world, trunk, nowMs)?.wavering === true) waits.push({ reason: 'waiting-for-answer', detail: 'the carrier has just missed a probe', untilMs: null })
  if (proposal.from !== null && health.get(proposal.from)?.settling === true) waits.push({ reason: 'waiting-for-answer', detail: `${proposal.from} came back a moment ago`, untilMs: null })
  if (proof.state === 'unclear') waits.push({ reason: 'waiting-for-answer', detail: 'a gateway has just stopped answering', untilMs: null })
  if (proof.state === 'wait') waits.push({ reason: 'waiting-for-proof', detail: 'the old registration may still be alive', untilMs: proof.untilMs })
  return waits
}

function spacedUntil (world: World, state: TrunkState, proposal: Proposal): EpochMs {
  const tries = proposal.cause === 'upkeep' ? state.upkeeps : state.moves
  if (tries.lastAtMs === null || proposal.cause === 'failback') return 0
  const { spacingMs } = world.topology.interlocks
  return tries.lastAtMs + (spacingMs[Math.min(tries.count, spacingMs.length - 1)] ?? 0)
}

