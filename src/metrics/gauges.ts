/** The gauges' values at one moment: a pure reading of the status. What has no value has no series. */
import type { GatewayCondition } from '../core/observation.ts'
import { ALIVE_PROBE_REASONS } from '../core/reasons.ts'
import type { FactSurvey, GatewayStatus, InterfaceStatus, ProbeFacts, ProbeStatus, TrunkFacts, Verdict } from '../core/status.ts'
import type { EpochMs, Mode } from '../core/topology.ts'
import type { GaugeName } from './catalogue.ts'
import { furtherLabel, labelBytes, NO_LABELS, type LabelBytes } from './label-bytes.ts'

/** Takes one series. Nobody collects them in lists: of thousands of trunks that would be much garbage. @param further - more labels */
export type Put = (name: GaugeName, labels: LabelBytes, value: number, further?: LabelBytes) => void

/** Written as an object, so that the compiler misses a value that is missing here. */
const MODES = Object.keys({ observe: 0, approve: 0, automatic: 0 } satisfies Record<Mode, 0>)
const HEALTHS = Object.keys({ up: 0, down: 0, unknown: 0 } satisfies Record<Verdict, 0>)
const PROBE_HEALTHS = [...HEALTHS, 'degraded']
const VERDICTS = Object.keys({ held: 0, 'held-by-other': 0, none: 0, unsupported: 0, refused: 0 } satisfies Record<NonNullable<TrunkFacts['binding']>['verdict'], 0>)
const ROLES = Object.keys({ active: 0, standby: 0 } satisfies Record<NonNullable<GatewayCondition['role']>, 0>)
/** Label values of the phases. */
const PHASES = { resolveMs: 'resolve', connectMs: 'connect', tlsMs: 'tls', firstResponseMs: 'first-response' } as const
const ALIVE: ReadonlySet<string> = ALIVE_PROBE_REASONS

const stateLabel = furtherLabel('state')
const verdictLabel = furtherLabel('verdict')
const roleLabel = furtherLabel('role')
const phaseLabel = furtherLabel('phase')
const interlockLabel = furtherLabel('interlock')
const reasonLabel = furtherLabel('reason')
const evidenceLabel = furtherLabel('evidence')

/** Nothing while the value is unknown. */
function putKnown (put: Put, name: GaugeName, labels: LabelBytes, value: number | boolean | null, further?: LabelBytes): void {
  if (value !== null) put(name, labels, Number(value), further)
}

/** One series for each value: 1 for the one that it has. */
function putStates (put: Put, name: GaugeName, labels: LabelBytes, label: (value: string) => LabelBytes, values: readonly string[], now: string): void {
  for (const value of values) put(name, labels, Number(value === now), label(value))
}

function seconds (ms: EpochMs | null): number | null {
  return ms === null ? null : ms / 1000
}

function isPaused (status: FactSurvey, scope: string): number {
  return Number(status.pauses.some((pause) => pause.scope === scope))
}

/** What concerns the whole installation. */
export function putInstallation (put: Put, status: FactSurvey): void {
  for (const mode of MODES) put('pointsman_mode', labelBytes({ mode }), Number(status.mode === mode))
  put('pointsman_store_available', NO_LABELS, Number(status.storeProblem === null))
  put('pointsman_alerts', NO_LABELS, status.alerts)
  putKnown(put, 'pointsman_resync_last_success_timestamp_seconds', NO_LABELS, seconds(status.resyncedAtMs))
  put('pointsman_brake', NO_LABELS, Number(status.brake !== null))
  put('pointsman_panic', NO_LABELS, Number(status.panicSinceMs !== null))
  putKnown(put, 'pointsman_watchdog_lost', NO_LABELS, status.watchdog === null ? null : status.watchdog.lostSinceMs !== null)
  putKnown(put, 'pointsman_watchdog_last_timestamp_seconds', NO_LABELS, seconds(status.watchdog?.lastAtMs ?? null))
  put('pointsman_paused', labelBytes({ scope: 'global' }), isPaused(status, 'global'))
  put('pointsman_probe_scheduler_targets', NO_LABELS, status.probing.targets)
  put('pointsman_probe_scheduler_in_flight', NO_LABELS, status.probing.inFlight)
  put('pointsman_probe_scheduler_overdue_seconds', NO_LABELS, status.probing.overdueMs / 1000)
}

/** @param own - the label of the gateway */
export function putGateway (put: Put, status: FactSurvey, { id, answers, condition }: GatewayStatus, own: LabelBytes): void {
  put('pointsman_paused', labelBytes({ scope: `gateway/${id}` }), isPaused(status, `gateway/${id}`))
  putKnown(put, 'pointsman_gateway_answers', own, answers === 'unknown' ? null : answers === 'up')
  if (condition === null) return
  putKnown(put, 'pointsman_gateway_alarms', own, condition.alarms)
  putKnown(put, 'pointsman_gateway_registration_alarm', own, condition.registrationFailed)
  putKnown(put, 'pointsman_gateway_reset_required', own, condition.resetRequired)
  if (condition.role !== null) putStates(put, 'pointsman_gateway_role', own, roleLabel, ROLES, condition.role)
}

/** A probe that never ran has no series. @param own - the label of the probe */
export function putProbe (put: Put, probe: ProbeStatus, own: LabelBytes): void {
  if (probe.lastAtMs === null) return
  putStates(put, 'pointsman_probe_health', own, stateLabel, PROBE_HEALTHS, probe.verdict === 'up' && probe.degraded !== null ? 'degraded' : probe.verdict)
  putProbeResult(put, own, probe, probe.lastAtMs)
}

/** The last result, on whichever door it is asked for. */
export function putProbeResult (put: Put, own: LabelBytes, probe: ProbeFacts, lastAtMs: EpochMs): void {
  put('pointsman_probe_success', own, Number(ALIVE.has(probe.reason)))
  putKnown(put, 'pointsman_probe_duration_seconds', own, seconds(probe.durationMs))
  for (const phase of Object.keys(probe.phases ?? {}) as (keyof typeof PHASES)[]) {
    putKnown(put, 'pointsman_probe_phase_duration_seconds', own, seconds(probe.phases?.[phase] ?? null), phaseLabel(PHASES[phase]))
  }
  put('pointsman_probe_status_code', own, probe.code ?? 0)
  put('pointsman_probe_retransmissions', own, probe.retransmissions)
  put('pointsman_probe_addresses', own, probe.addresses)
  put('pointsman_probe_addresses_alive', own, probe.addressesAlive)
  putKnown(put, 'pointsman_probe_certificate_expiry_timestamp_seconds', own, seconds(probe.certificateExpiresAtMs))
  putKnown(put, 'pointsman_probe_registration_expiry_timestamp_seconds', own, seconds(probe.registrationExpiresAtMs))
  putKnown(put, 'pointsman_probe_bindings', own, probe.bindings)
  put('pointsman_probe_last_timestamp_seconds', own, lastAtMs / 1000)
  putKnown(put, 'pointsman_probe_last_success_timestamp_seconds', own, seconds(probe.aliveAtMs))
}

/** @param own - the label of the trunk */
export function putTrunk (put: Put, status: FactSurvey, trunk: TrunkFacts, own: LabelBytes): void {
  put('pointsman_paused', labelBytes({ scope: `trunk/${trunk.id}` }), isPaused(status, `trunk/${trunk.id}`))
  put('pointsman_trunk_carrier_down', own, Number(trunk.carrierDown))
  put('pointsman_latch', own, Number(trunk.latch !== null))
  put('pointsman_switchover_in_flight', own, Number(trunk.switchover !== null))
  put('pointsman_approval_waiting', own, Number(trunk.proposal?.needsApproval === true))
  // Only what holds it now: of each trunk forty series would nearly always be 0.
  if (trunk.vetoes.length > 0) for (const interlock of new Set(trunk.vetoes.map((veto) => veto.interlock))) put('pointsman_veto', own, 1, interlockLabel(interlock))
  if (trunk.waits.length > 0) for (const reason of new Set(trunk.waits.map((wait) => wait.reason))) put('pointsman_wait', own, 1, reasonLabel(reason))
  if (trunk.binding !== null) {
    putStates(put, 'pointsman_binding_verdict', own, verdictLabel, VERDICTS, trunk.binding.verdict)
    putKnown(put, 'pointsman_bindings', own, trunk.binding.contacts)
    putKnown(put, 'pointsman_binding_expiry_timestamp_seconds', own, seconds(trunk.binding.expiresAtMs))
  }
  for (const item of trunk.interfaces) putInterface(put, trunk, item)
}

function putInterface (put: Put, trunk: TrunkFacts, item: InterfaceStatus): void {
  const own = labelBytes({ trunk: trunk.id, gateway: item.gateway, interface: item.name })
  putStates(put, 'pointsman_interface_health', own, stateLabel, HEALTHS, item.health)
  putKnown(put, 'pointsman_interface_enabled', own, item.enabled)
  put('pointsman_interface_desired', own, Number(item.desired))
  put('pointsman_interface_usable', own, Number(item.usable))
  putKnown(put, 'pointsman_interface_registered', own, item.registered)
  putKnown(put, 'pointsman_standby_takeover_seconds', own, seconds(item.takeoverMs))
  put('pointsman_fencing_debt', own, Number(item.debt))
  put('pointsman_trunk_active', own, Number(trunk.active === item.key))
  put('pointsman_pin', own, Number(trunk.pin?.interface === item.key))
  putKnown(put, 'pointsman_binding_holder', own, trunk.binding === null ? null : trunk.binding.holder === item.key)
  for (const { kind, verdict } of item.evidence) putKnown(put, 'pointsman_evidence_up', own, verdict === 'unknown' ? null : verdict === 'up', evidenceLabel(kind))
}
