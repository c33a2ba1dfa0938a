/**
 * Every metric of Pointsman: name, type, help, labels. Nobody else makes one. Base units, help ends with a full stop;
 * label values come only from the configuration and from closed lists.
 */
import { ALERT_REASONS, DRIVER_REASONS, PROBE_REASONS } from '../core/reasons.ts'
import type { SwitchoverStatus } from '../core/status.ts'

/** An object of the configuration whose series appear and vanish with it. */
export type ObjectLabel = 'trunk' | 'gateway' | 'probe'

interface Described {
  readonly name: string
  /** One sentence; names the unit. */
  readonly help: string
  readonly labels: readonly string[]
}

/** Computed from the status at each scrape (gauges.ts). */
export interface GaugeDefinition extends Described {}

/** Counted as it happens. */
export interface CounterDefinition extends Described {
  /** Label that names a configured object. */
  readonly object?: ObjectLabel
  /** All values of the other labels; their series exist from the start, at 0. Absent: the values aren't listed anywhere. */
  readonly closed?: Readonly<Record<string, readonly string[]>>
}

export interface HistogramDefinition extends Described {
  /** Upper bounds [s]. */
  readonly buckets: readonly number[]
  /** As for counters. */
  readonly closed: Readonly<Record<string, readonly string[]>>
}

const INTERFACE = ['trunk', 'gateway', 'interface'] as const
const CAUSES = Object.keys({ alert: 0, health: 0, prefer: 0, operator: 0, failback: 0, upkeep: 0 } satisfies Record<SwitchoverStatus['cause'], 0>)
const OPERATIONS = ['observe', 'enable', 'disable', 'reregister', 'condition'] as const

export const GAUGES = [
  { name: 'pointsman_store_available', help: 'Whether commits become durable; while they do not, notifications are answered 503 and nothing is sent.', labels: [] },
  { name: 'pointsman_build_info', help: 'Version of Pointsman and of the Node.js that runs it; always 1.', labels: ['version', 'node'] },
  { name: 'pointsman_mode', help: 'Whether this is the mode of the whole installation.', labels: ['mode'] },
  { name: 'pointsman_paused', help: 'Whether automation is paused for this scope.', labels: ['scope'] },
  { name: 'pointsman_config_last_reload_successful', help: 'Whether the last attempt to load the configuration succeeded.', labels: [] },
  { name: 'pointsman_config_last_reload_success_timestamp_seconds', help: 'Time of the last successful load of the configuration, in seconds since 1970.', labels: [] },
  { name: 'pointsman_interface_health', help: 'Health of the interface: 1 for the state that it is in.', labels: [...INTERFACE, 'state'] },
  { name: 'pointsman_interface_enabled', help: 'Whether the gateway has the interface enabled, as last observed; absent when never observed.', labels: INTERFACE },
  { name: 'pointsman_interface_desired', help: 'Whether Pointsman wants the interface enabled.', labels: INTERFACE },
  { name: 'pointsman_interface_usable', help: 'Whether a switchover could go to the interface.', labels: INTERFACE },
  { name: 'pointsman_interface_registered', help: 'Whether the interface is registered at the carrier; absent when nobody can tell.', labels: INTERFACE },
  { name: 'pointsman_standby_takeover_seconds', help: 'How long the standby stays at its beacon at the longest once it is refused, in seconds; absent while it is not there.', labels: INTERFACE },
  { name: 'pointsman_evidence_up', help: 'Whether this kind of evidence says that the interface is up; absent while it is unknown.', labels: [...INTERFACE, 'evidence'] },
  { name: 'pointsman_fencing_debt', help: 'Whether the interface should be off and its gateway can\'t be reached.', labels: INTERFACE },
  { name: 'pointsman_trunk_active', help: 'Whether the interface is the only one of its trunk that is enabled.', labels: INTERFACE },
  { name: 'pointsman_pin', help: 'Whether an operator has pinned the trunk to the interface.', labels: INTERFACE },
  { name: 'pointsman_approval_waiting', help: 'Whether a proposed switchover of the trunk waits for approval.', labels: ['trunk'] },
  { name: 'pointsman_brake', help: 'Whether the brake is engaged: everything is frozen until a person releases it.', labels: [] },
  { name: 'pointsman_panic', help: 'Whether Pointsman distrusts its own view of the world and moves nothing.', labels: [] },
  { name: 'pointsman_watchdog_lost', help: 'Whether the watchdog of the monitoring has not arrived in time; absent when none is configured.', labels: [] },
  { name: 'pointsman_watchdog_last_timestamp_seconds', help: 'Time of the watchdog\'s last arrival, in seconds since 1970; absent before the first.', labels: [] },
  { name: 'pointsman_latch', help: 'Whether the trunk moved too often: it does not go back by itself until a person acknowledges it.', labels: ['trunk'] },
  { name: 'pointsman_trunk_carrier_down', help: 'Whether the carrier is down for all interfaces of the trunk.', labels: ['trunk'] },
  { name: 'pointsman_switchover_in_flight', help: 'Whether a switchover of the trunk is under way.', labels: ['trunk'] },
  { name: 'pointsman_veto', help: 'An interlock that holds the trunk back now: 1; absent while it does not.', labels: ['trunk', 'interlock'] },
  { name: 'pointsman_wait', help: 'Something that the trunk waits for now: 1; absent while it does not.', labels: ['trunk', 'reason'] },
  { name: 'pointsman_binding_holder', help: 'Whether the carrier\'s registrar lists the interface as holder of the binding; absent before the first answer.', labels: INTERFACE },
  { name: 'pointsman_binding_verdict', help: 'What the carrier\'s registrar says about the binding: 1 for the last verdict.', labels: ['trunk', 'verdict'] },
  { name: 'pointsman_bindings', help: 'Bindings that the carrier\'s registrar lists for the trunk; absent while it doesn\'t say.', labels: ['trunk'] },
  { name: 'pointsman_binding_expiry_timestamp_seconds', help: 'End of the holder\'s binding at the carrier\'s registrar, in seconds since 1970; absent while it is unknown.', labels: ['trunk'] },
  { name: 'pointsman_probe_health', help: 'What the last probes of the target add up to, by its fall and rise: 1 for the state that it is in.', labels: ['probe', 'state'] },
  { name: 'pointsman_probe_success', help: 'Whether the last probe was answered as from a living peer.', labels: ['probe'] },
  { name: 'pointsman_probe_duration_seconds', help: 'Duration of the last probe, in seconds.', labels: ['probe'] },
  { name: 'pointsman_probe_status_code', help: 'SIP status code of the last probe; 0 without a final response.', labels: ['probe'] },
  { name: 'pointsman_probe_phase_duration_seconds', help: 'Where the time of the last probe went, in seconds; absent for a phase that did not happen.', labels: ['probe', 'phase'] },
  { name: 'pointsman_probe_retransmissions', help: 'How often the last probe sent its request again.', labels: ['probe'] },
  { name: 'pointsman_probe_addresses', help: 'Addresses of the target that the last probe tried.', labels: ['probe'] },
  { name: 'pointsman_probe_addresses_alive', help: 'Those of them that answered as from a living peer.', labels: ['probe'] },
  { name: 'pointsman_probe_certificate_expiry_timestamp_seconds', help: 'End of the peer\'s TLS certificate, the earliest of its chain, in seconds since 1970.', labels: ['probe'] },
  { name: 'pointsman_probe_registration_expiry_timestamp_seconds', help: 'End of the registration that the last probe saw, in seconds since 1970.', labels: ['probe'] },
  { name: 'pointsman_probe_bindings', help: 'Bindings that the registrar listed for the last probe.', labels: ['probe'] },
  { name: 'pointsman_probe_last_timestamp_seconds', help: 'Time of the last probe, in seconds since 1970.', labels: ['probe'] },
  { name: 'pointsman_probe_last_success_timestamp_seconds', help: 'Time of the last probe that was answered as from a living peer, in seconds since 1970; absent before the first.', labels: ['probe'] },
  { name: 'pointsman_probe_scheduler_targets', help: 'Targets that are probed by themselves.', labels: [] },
  { name: 'pointsman_probe_scheduler_in_flight', help: 'Probes that are under way.', labels: [] },
  { name: 'pointsman_probe_scheduler_overdue_seconds', help: 'Age of the oldest probe that should have begun or ended, in seconds; 0 while there is none. It grows while the prober hangs.', labels: [] },
  { name: 'pointsman_gateway_answers', help: 'Whether the management of the gateway answers; absent while it is unknown.', labels: ['gateway'] },
  { name: 'pointsman_gateway_alarms', help: 'Alarms that the gateway says are active; absent where it can\'t tell.', labels: ['gateway'] },
  { name: 'pointsman_gateway_registration_alarm', help: 'Whether the gateway has an alarm that a registration at a carrier failed; absent where it can\'t tell.', labels: ['gateway'] },
  { name: 'pointsman_gateway_reset_required', help: 'Whether a change of the gateway\'s configuration waits for its restart; absent where it can\'t tell.', labels: ['gateway'] },
  { name: 'pointsman_gateway_role', help: 'Role of the gateway in a pair of PBXs, by the registrations that it lists: 1 for the one that it has; absent where it can\'t tell.', labels: ['gateway', 'role'] },
  { name: 'pointsman_alerts', help: 'Alerts in the alert book.', labels: [] },
  { name: 'pointsman_resync_last_success_timestamp_seconds', help: 'Time of the last successful resync with Alertmanager, in seconds since 1970; absent before the first.', labels: [] }
] as const satisfies readonly GaugeDefinition[]

export type GaugeName = (typeof GAUGES)[number]['name']

export const COUNTERS: readonly CounterDefinition[] = [
  { name: 'pointsman_probe_results_total', help: 'Probes, by how they ended.', labels: ['probe', 'reason'], object: 'probe', closed: { reason: Object.keys(PROBE_REASONS) } },
  { name: 'pointsman_probe_scheduler_late_total', help: 'Probes that began late, by more than a tenth of a second.', labels: [], closed: {} },
  {
    name: 'pointsman_driver_requests_total',
    help: 'Attempts to read or change a gateway, by how they ended.',
    labels: ['gateway', 'operation', 'result'],
    object: 'gateway',
    closed: { operation: OPERATIONS, result: ['ok', ...Object.keys(DRIVER_REASONS)] }
  },
  { name: 'pointsman_beacon_requests_total', help: 'Messages that a beacon got, by what became of them.', labels: ['gateway', 'result'], object: 'gateway' },
  { name: 'pointsman_switchovers_total', help: 'Switchovers that ended on their new interface, by cause.', labels: ['trunk', 'cause'], object: 'trunk', closed: { cause: CAUSES } },
  { name: 'pointsman_switchover_failures_total', help: 'Switchovers that ended otherwise, by how.', labels: ['trunk', 'reason'], object: 'trunk', closed: { reason: ['refuted', 'rolled-back', 'aborted', 'failed', 'gateway-alive'] } },
  {
    name: 'pointsman_binding_changes_total',
    help: 'Messages that changed a binding at the carrier (fence, swap), by what became of them.',
    labels: ['trunk', 'kind', 'result'],
    object: 'trunk',
    closed: { kind: ['fence', 'swap'], result: ['done', 'failed', 'refused', 'unsupported', 'late'] }
  },
  {
    name: 'pointsman_notifications_total',
    help: 'Webhook notifications, by what became of them.',
    labels: ['result'],
    closed: { result: ['accepted', 'malformed', 'refused', 'too-large', 'unavailable'] }
  },
  { name: 'pointsman_alerts_received_total', help: 'Alerts in accepted notifications, by what became of them.', labels: ['reason'], closed: { reason: Object.keys(ALERT_REASONS) } },
  { name: 'pointsman_resyncs_total', help: 'Resyncs of the alert book with one Alertmanager, by result.', labels: ['result'], closed: { result: ['ok', 'failed'] } },
  { name: 'pointsman_approvals_expired_total', help: 'Proposals that nobody approved in time; each was proposed anew.', labels: ['trunk'], object: 'trunk', closed: {} },
  { name: 'pointsman_heartbeats_total', help: 'Heartbeats to the dead man\'s switch, by result; withheld while the loop hangs or the store takes nothing.', labels: ['result'], closed: { result: ['ok', 'failed', 'withheld'] } },
  { name: 'pointsman_store_commits_total', help: 'Commits that the store was asked for.', labels: [], closed: {} },
  { name: 'pointsman_store_commit_failures_total', help: 'Commits that did not become durable.', labels: [], closed: {} }
]

export const HISTOGRAMS: readonly HistogramDefinition[] = [
  {
    name: 'pointsman_driver_request_duration_seconds',
    help: 'Duration of one attempt to read or change a gateway, in seconds.',
    labels: ['operation'],
    buckets: [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    closed: { operation: OPERATIONS }
  },
  {
    name: 'pointsman_switchover_duration_seconds',
    help: 'Time from the admission of a switchover to its end, in seconds.',
    labels: [],
    buckets: [0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600],
    closed: {}
  },
  {
    name: 'pointsman_store_commit_duration_seconds',
    help: 'Time until a commit was durable, in seconds.',
    labels: [],
    buckets: [0.0002, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 1],
    closed: {}
  }
]
