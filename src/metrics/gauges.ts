/** The gauges' values at one moment: a pure reading of the status. What has no value has no series. */
import type { GatewayCondition } from '../core/observation.ts'
import { ALIVE_PROBE_REASONS, VETOES, WAITS } from '../core/reasons.ts'
import type { GatewayStatus, InterfaceStatus, ProbeFacts, ProbeStatus, StatusSurvey, TrunkStatus, Verdict } from '../core/status.ts'
import type { EpochMs, Mode } from '../core/topology.ts'
import type { GaugeName } from './catalogue.ts'
import { also, labelText, zeroLines, type LabelText } from './label-text.ts'

export interface Sample {
  readonly name: GaugeName
  readonly labels: LabelText
  readonly value: number
}

/** Series of one gauge as they are written. */
export interface Lines {
  readonly name: GaugeName
  readonly lines: string
}

/** A gauge with one series for each value of a label, of which few are 1. */
interface States {
  readonly name: GaugeName
  readonly label: string
  readonly values: readonly string[]
  readonly zeros: (own: LabelText) => string
}

function createStates (name: GaugeName, label: string, values: readonly string[]): States {
  return { name, label, values, zeros: zeroLines(name, values.map((value) => labelText({ [label]: value }))) }
}

/** Written as an object, so that the compiler misses a value that is missing here. */
const MODES = Object.keys({ observe: 0, approve: 0, automatic: 0 } satisfies Record<Mode, 0>)
const HEALTHS = Object.keys({ up: 0, down: 0, unknown: 0 } satisfies Record<Verdict, 0>)
const PROBE_HEALTHS = [...HEALTHS, 'degraded']
const VERDICTS = Object.keys({ held: 0, 'held-by-other': 0, none: 0, unsupported: 0, refused: 0 } satisfies Record<NonNullable<TrunkStatus['binding']>['verdict'], 0>)
const ROLES = Object.keys({ active: 0, standby: 0 } satisfies Record<NonNullable<GatewayCondition['role']>, 0>)
const VETO_STATES = createStates('pointsman_veto', 'interlock', Object.keys(VETOES))
const WAIT_STATES = createStates('pointsman_wait', 'reason', Object.keys(WAITS))
const ALIVE: ReadonlySet<string> = ALIVE_PROBE_REASONS
const NO_LABELS = labelText({})

/** What concerns the whole installation. */
export function sampleInstallation (status: StatusSurvey): readonly Sample[] {
  return [
    ...MODES.map((mode) => sample('pointsman_mode', labelText({ mode }), status.mode === mode)),
    sample('pointsman_store_available', NO_LABELS, status.storeProblem === null),
    sample('pointsman_alerts', NO_LABELS, status.alerts),
    ...known('pointsman_resync_last_success_timestamp_seconds', NO_LABELS, seconds(status.resyncedAtMs)),
    sample('pointsman_brake', NO_LABELS, status.brake !== null),
    sample('pointsman_panic', NO_LABELS, status.panicSinceMs !== null),
    ...known('pointsman_watchdog_lost', NO_LABELS, status.watchdog === null ? null : status.watchdog.lostSinceMs !== null),
    ...known('pointsman_watchdog_last_timestamp_seconds', NO_LABELS, seconds(status.watchdog?.lastAtMs ?? null)),
    sample('pointsman_paused', labelText({ scope: 'global' }), isPaused(status, 'global')),
    sample('pointsman_probe_scheduler_targets', NO_LABELS, status.probing.targets),
    sample('pointsman_probe_scheduler_in_flight', NO_LABELS, status.probing.inFlight),
    sample('pointsman_probe_scheduler_overdue_seconds', NO_LABELS, status.probing.overdueMs / 1000)
  ]
}

function sample (name: GaugeName, labels: LabelText, value: number | boolean): Sample {
  return { name, labels, value: Number(value) }
}

function statesOf ({ name, label, values, zeros }: States, own: LabelText, set: ReadonlySet<string>): readonly (Sample | Lines)[] {
  return set.size === 0 ? [{ name, lines: zeros(own) }] : values.map((value) => sample(name, also(own, label, value), set.has(value)))
}

/** Nothing while the value is unknown. */
function known (name: GaugeName, labels: LabelText, value: number | boolean | null): readonly Sample[] {
  return value === null ? [] : [sample(name, labels, value)]
}

function seconds (ms: EpochMs | null): number | null {
  return ms === null ? null : ms / 1000
}

function isPaused (status: StatusSurvey, scope: string): boolean {
  return status.pauses.some((pause) => pause.scope === scope)
}

export function sampleGateway (status: StatusSurvey, { id, answers, condition }: GatewayStatus): readonly Sample[] {
  const own = labelText({ gateway: id })
  return [
    sample('pointsman_paused', labelText({ scope: `gateway/${id}` }), isPaused(status, `gateway/${id}`)),
    ...known('pointsman_gateway_answers', labelText({ gateway: id }), answers === 'unknown' ? null : answers === 'up'),
    ...known('pointsman_gateway_alarms', own, condition?.alarms ?? null),
    ...known('pointsman_gateway_registration_alarm', own, condition?.registrationFailed ?? null),
    ...known('pointsman_gateway_reset_required', own, condition?.resetRequired ?? null),
    ...(condition?.role == null ? [] : ROLES.map((role) => sample('pointsman_gateway_role', also(own, 'role', role), condition.role === role)))
  ]
}

/** A probe that never ran has no series. */
export function sampleProbe (probe: ProbeStatus): readonly Sample[] {
  return probe.lastAtMs === null ? [] : [...probeHealth(probe), ...probeResult(labelText({ probe: probe.id }), probe, probe.lastAtMs)]
}

function probeHealth (probe: ProbeStatus): readonly Sample[] {
  const own = labelText({ probe: probe.id })
  const health = probe.verdict === 'up' && probe.degraded !== null ? 'degraded' : probe.verdict
  return PROBE_HEALTHS.map((state) => sample('pointsman_probe_health', also(own, 'state', state), health === state))
}

/** The last result, on whichever door it is asked for. */
export function probeResult (own: LabelText, probe: ProbeFacts, lastAtMs: EpochMs): readonly Sample[] {
  const phases = Object.entries(probe.phases ?? {}) as readonly (readonly [keyof typeof PHASES, number | null])[]
  return [
    sample('pointsman_probe_success', own, ALIVE.has(probe.reason)),
    ...known('pointsman_probe_duration_seconds', own, seconds(probe.durationMs)),
    ...phases.flatMap(([phase, ms]) => known('pointsman_probe_phase_duration_seconds', also(own, 'phase', PHASES[phase]), seconds(ms))),
    sample('pointsman_probe_status_code', own, probe.code ?? 0),
    sample('pointsman_probe_retransmissions', own, probe.retransmissions),
    sample('pointsman_probe_addresses', own, probe.addresses),
    sample('pointsman_probe_addresses_alive', own, probe.addressesAlive),
    ...known('pointsman_probe_certificate_expiry_timestamp_seconds', own, seconds(probe.certificateExpiresAtMs)),
    ...known('pointsman_probe_registration_expiry_timestamp_seconds', own, seconds(probe.registrationExpiresAtMs)),
    ...known('pointsman_probe_bindings', own, probe.bindings),
    sample('pointsman_probe_last_timestamp_seconds', own, lastAtMs / 1000),
    ...known('pointsman_probe_last_success_timestamp_seconds', own, seconds(probe.aliveAtMs))
  ]
}

/** Label values of the phases. */
const PHASES = { resolveMs: 'resolve', connectMs: 'connect', tlsMs: 'tls', firstResponseMs: 'first-response' } as const

export function sampleTrunk (status: StatusSurvey, trunk: TrunkStatus): readonly (Sample | Lines)[] {
  const own = labelText({ trunk: trunk.id })
  const vetoes = new Set<string>(trunk.vetoes.map(({ interlock }) => interlock))
  const waits = new Set<string>(trunk.waits.map(({ reason }) => reason))
  return [
    sample('pointsman_paused', labelText({ scope: `trunk/${trunk.id}` }), isPaused(status, `trunk/${trunk.id}`)),
    sample('pointsman_trunk_carrier_down', own, trunk.carrierDown),
    sample('pointsman_latch', own, trunk.latch !== null),
    sample('pointsman_switchover_in_flight', own, trunk.switchover !== null),
    sample('pointsman_approval_waiting', own, trunk.proposal?.needsApproval === true),
    ...statesOf(VETO_STATES, own, vetoes),
    ...statesOf(WAIT_STATES, own, waits),
    ...trunk.binding === null ? [] : bindingSamples(own, trunk.binding),
    ...trunk.interfaces.flatMap((item) => interfaceSamples(trunk, item))
  ]
}

function bindingSamples (own: LabelText, binding: NonNullable<TrunkStatus['binding']>): readonly Sample[] {
  return [
    ...VERDICTS.map((verdict) => sample('pointsman_binding_verdict', also(own, 'verdict', verdict), binding.verdict === verdict)),
    ...known('pointsman_bindings', own, binding.contacts),
    ...known('pointsman_binding_expiry_timestamp_seconds', own, seconds(binding.expiresAtMs))
  ]
}

function interfaceSamples (trunk: TrunkStatus, item: InterfaceStatus): readonly Sample[] {
  const own = labelText({ trunk: trunk.id, gateway: item.gateway, interface: item.name })
  return [
    ...HEALTHS.map((state) => sample('pointsman_interface_health', also(own, 'state', state), item.health === state)),
    ...known('pointsman_interface_enabled', own, item.enabled),
    sample('pointsman_interface_desired', own, item.desired),
    sample('pointsman_interface_usable', own, item.usable),
    ...known('pointsman_interface_registered', own, item.registered),
    ...known('pointsman_standby_takeover_seconds', own, seconds(item.takeoverMs)),
    sample('pointsman_fencing_debt', own, item.debt),
    sample('pointsman_trunk_active', own, trunk.active === item.key),
    sample('pointsman_pin', own, trunk.pin?.interface === item.key),
    ...known('pointsman_binding_holder', own, trunk.binding === null ? null : trunk.binding.holder === item.key),
    ...item.evidence.flatMap(({ kind, verdict }) =>
      known('pointsman_evidence_up', also(own, 'evidence', kind), verdict === 'unknown' ? null : verdict === 'up'))
  ]
}
