/** The gauges' values at one moment: a pure reading of the status. What has no value has no series. */
import { ALIVE_PROBE_REASONS, VETOES, WAITS } from '../core/reasons.ts'
import type { GatewayStatus, InterfaceStatus, ProbeStatus, Status, TrunkStatus, Verdict } from '../core/status.ts'
import type { EpochMs, Mode } from '../core/topology.ts'
import type { GaugeName } from './catalogue.ts'

export interface Sample {
  readonly name: GaugeName
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** Written as an object, so that the compiler misses a value that is missing here. */
const MODES = Object.keys({ observe: 0, approve: 0, automatic: 0 } satisfies Record<Mode, 0>)
const HEALTHS = Object.keys({ up: 0, down: 0, unknown: 0 } satisfies Record<Verdict, 0>)
const VERDICTS = Object.keys({ held: 0, 'held-by-other': 0, none: 0, unsupported: 0, refused: 0 } satisfies Record<NonNullable<TrunkStatus['binding']>['verdict'], 0>)
const VETO_NAMES = Object.keys(VETOES)
const WAIT_NAMES = Object.keys(WAITS)

export function sampleStatus (status: Status): readonly Sample[] {
  return [
    ...MODES.map((mode) => sample('pointsman_mode', { mode }, status.mode === mode)),
    sample('pointsman_store_available', {}, status.storeProblem === null),
    ...pauses(status),
    sample('pointsman_alerts', {}, status.alerts),
    ...known('pointsman_resync_last_success_timestamp_seconds', {}, seconds(status.resyncedAtMs)),
    ...status.gateways.flatMap(gatewaySamples),
    ...status.probes.flatMap(probeSamples),
    ...status.trunks.flatMap(trunkSamples)
  ]
}

function sample (name: GaugeName, labels: Readonly<Record<string, string>>, value: number | boolean): Sample {
  return { name, labels, value: Number(value) }
}

/** Nothing while the value is unknown. */
function known (name: GaugeName, labels: Readonly<Record<string, string>>, value: number | boolean | null): readonly Sample[] {
  return value === null ? [] : [sample(name, labels, value)]
}

function seconds (ms: EpochMs | null): number | null {
  return ms === null ? null : ms / 1000
}

function pauses (status: Status): readonly Sample[] {
  const scopes = ['global', ...status.trunks.map(({ id }) => `trunk/${id}`), ...status.gateways.map(({ id }) => `gateway/${id}`)]
  const paused = new Set(status.pauses.map(({ scope }) => scope))
  return scopes.map((scope) => sample('pointsman_paused', { scope }, paused.has(scope)))
}

function gatewaySamples ({ id, answers }: GatewayStatus): readonly Sample[] {
  return known('pointsman_gateway_answers', { gateway: id }, answers === 'unknown' ? null : answers === 'up')
}

/** A probe that never ran has no series. */
function probeSamples (probe: ProbeStatus): readonly Sample[] {
  if (probe.lastAtMs === null) return []
  const labels = { probe: probe.id }
  return [
    sample('pointsman_probe_success', labels, (ALIVE_PROBE_REASONS as ReadonlySet<string>).has(probe.reason)),
    sample('pointsman_probe_status_code', labels, probe.code ?? 0),
    sample('pointsman_probe_last_timestamp_seconds', labels, probe.lastAtMs / 1000),
    ...known('pointsman_probe_duration_seconds', labels, seconds(probe.durationMs))
  ]
}

function trunkSamples (trunk: TrunkStatus): readonly Sample[] {
  const labels = { trunk: trunk.id }
  const vetoes = new Set<string>(trunk.vetoes.map(({ interlock }) => interlock))
  const waits = new Set<string>(trunk.waits.map(({ reason }) => reason))
  return [
    sample('pointsman_trunk_carrier_down', labels, trunk.carrierDown),
    sample('pointsman_switchover_in_flight', labels, trunk.switchover !== null),
    sample('pointsman_approval_waiting', labels, trunk.proposal?.needsApproval === true),
    ...VETO_NAMES.map((interlock) => sample('pointsman_veto', { ...labels, interlock }, vetoes.has(interlock))),
    ...WAIT_NAMES.map((reason) => sample('pointsman_wait', { ...labels, reason }, waits.has(reason))),
    ...VERDICTS.flatMap((verdict) => trunk.binding === null ? [] : [sample('pointsman_binding_verdict', { ...labels, verdict }, trunk.binding.verdict === verdict)]),
    ...trunk.interfaces.flatMap((item) => interfaceSamples(trunk, item))
  ]
}

function interfaceSamples (trunk: TrunkStatus, item: InterfaceStatus): readonly Sample[] {
  const labels = { trunk: trunk.id, gateway: item.gateway, interface: item.name }
  return [
    ...HEALTHS.map((state) => sample('pointsman_interface_health', { ...labels, state }, item.health === state)),
    ...known('pointsman_interface_enabled', labels, item.enabled),
    sample('pointsman_interface_desired', labels, item.desired),
    sample('pointsman_interface_usable', labels, item.usable),
    ...known('pointsman_interface_registered', labels, item.registered),
    sample('pointsman_fencing_debt', labels, item.debt),
    sample('pointsman_trunk_active', labels, trunk.active === item.key),
    sample('pointsman_pin', labels, trunk.pin?.interface === item.key),
    ...known('pointsman_binding_holder', labels, trunk.binding === null ? null : trunk.binding.holder === item.key),
    ...item.evidence.flatMap(({ kind, verdict }) =>
      known('pointsman_evidence_up', { ...labels, evidence: kind }, verdict === 'unknown' ? null : verdict === 'up'))
  ]
}
