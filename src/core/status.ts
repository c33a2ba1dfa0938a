/** What Pointsman knows and wants right now: one object for API, CLI, page and metrics. Times in ms since 1970, JSON-safe. */
import type { GatewayCondition } from './observation.ts'
import type { Degradation } from './judgement.ts'
import type { DriverReason, VetoReason, WaitReason } from './reasons.ts'
import type { DurationMs, EpochMs, GatewayId, InterfaceKey, Mode, ProbeId, TrunkId } from './topology.ts'

export type Verdict = 'up' | 'down' | 'unknown'

export interface EvidenceStatus {
  /** `sip` g by OPTIONS, `driver` g by observe, `registration` r, `path` p, `carrier` c. */
  readonly kind: 'sip' | 'driver' | 'registration' | 'path' | 'carrier'
  readonly verdict: Verdict
  /** One line: the last reason. */
  readonly reason: string
  readonly atMs: EpochMs | null
}

export interface InterfaceStatus {
  readonly key: InterfaceKey
  readonly gateway: GatewayId
  readonly name: string
  /** As observed (a self-disabled interface counts as enabled); null: never observed. */
  readonly enabled: boolean | null
  readonly desired: boolean
  readonly health: Verdict
  readonly usable: boolean
  /** Why it is not usable or down, for people. */
  readonly because: readonly string[]
  readonly registered: boolean | null
  /** A standby at a beacon has left it after so long at the latest, counted from the moment in which it may go; null: it is not there. */
  readonly takeoverMs: DurationMs | null
  readonly unreachable: boolean
  /** It should be off and can't be reached. */
  readonly debt: boolean
  readonly evidence: readonly EvidenceStatus[]
}

export interface SwitchoverStatus {
  readonly decision: string
  readonly from: InterfaceKey | null
  readonly to: InterfaceKey
  readonly cause: 'alert' | 'health' | 'prefer' | 'operator' | 'failback' | 'upkeep'
  readonly phase: string
  readonly admittedAtMs: EpochMs
}

/** A move that is wanted and not admitted yet. */
export interface ProposalStatus {
  readonly decision: string
  readonly from: InterfaceKey | null
  readonly to: InterfaceKey | null
  readonly cause: SwitchoverStatus['cause']
  readonly sinceMs: EpochMs
  /** It waits for a person: `pointsman approve` or `reject`. */
  readonly needsApproval: boolean
  readonly answer: { readonly verdict: 'approved' | 'rejected'; readonly actor: string; readonly reason: string; readonly atMs: EpochMs } | null
}

/** An operator's fixed choice. */
export interface PinStatus {
  readonly interface: InterfaceKey
  readonly actor: string
  readonly reason: string
  readonly atMs: EpochMs
  readonly untilMs: EpochMs | null
}

/** What is known of a trunk, without the words for people, which take longer to find: metrics read it of thousands. */
export interface TrunkFacts {
  readonly id: TrunkId
  readonly type: 'exclusive' | 'shared'
  readonly mode: Mode
  /** The interface observed enabled; null: none, or several. */
  readonly active: InterfaceKey | null
  readonly wanted: InterfaceKey | null
  readonly emergency: boolean
  readonly carrierDown: boolean
  readonly interfaces: readonly InterfaceStatus[]
  readonly switchover: SwitchoverStatus | null
  readonly proposal: ProposalStatus | null
  readonly pin: PinStatus | null
  /** No failback and no `prefer` until `pointsman ack`. */
  readonly latch: { readonly sinceMs: EpochMs; readonly because: string } | null
  readonly vetoes: readonly { readonly interlock: VetoReason; readonly sentence: string }[]
  readonly waits: readonly { readonly reason: WaitReason; readonly untilMs: EpochMs | null }[]
  readonly binding: {
    /** `refused`: the credentials were refused; nothing is asked again until the configuration changes. */
    readonly verdict: 'held' | 'held-by-other' | 'none' | 'unsupported' | 'refused'
    readonly holder: InterfaceKey | null
    readonly atMs: EpochMs
    readonly expiresAtMs: EpochMs | null
    /** Bindings that it lists; null: it refused. */
    readonly contacts: number | null
  } | null
}

export interface TrunkStatus extends TrunkFacts {
  /** Carrying calls, as far as the evidence tells: `yes`, `no`, or `unknown`. */
  readonly carrying: 'yes' | 'no' | 'unknown'
  /** One line for three in the morning. */
  readonly sentence: string
  /** The one command that releases a held trunk; null when nothing is held. */
  readonly release: string | null
  /** Firing alerts that concern this trunk. */
  readonly alerts: readonly { readonly fingerprint: string; readonly name: string; readonly interface: InterfaceKey | null; readonly startsAtMs: EpochMs; readonly disputed: boolean }[]
}

export interface GatewayStatus {
  readonly id: GatewayId
  readonly driver: string
  readonly answers: Verdict
  readonly lastAnswerAtMs: EpochMs | null
  readonly reason: DriverReason | null
  /** What it says about itself as a whole; null: it can't tell. */
  readonly condition: GatewayCondition | null
}

export interface ProbeStatus extends ProbeFacts {
  readonly id: ProbeId
  readonly verdict: Verdict
}

/** What the last result of a target says by itself. */
export interface ProbeFacts {
  readonly reason: string
  readonly code: number | null
  readonly durationMs: number | null
  readonly lastAtMs: EpochMs | null
  /** End of the last probe that found the peer alive; null: none since the start. */
  readonly aliveAtMs: EpochMs | null
  /** Alive, but not well. */
  readonly degraded: Degradation | null
  readonly retransmissions: number
  /** Where the time of the last probe went [ms]; null: it didn't come to that. */
  readonly phases: { readonly resolveMs: number | null; readonly connectMs: number | null; readonly tlsMs: number | null; readonly firstResponseMs: number | null } | null
  /** Addresses that the last probe tried, and those of them that were alive. */
  readonly addresses: number
  readonly addressesAlive: number
  readonly certificateExpiresAtMs: EpochMs | null
  readonly registrationExpiresAtMs: EpochMs | null
  /** Bindings that the registrar lists. */
  readonly bindings: number | null
}

/** How the prober itself does. */
export interface ProbingStatus {
  readonly targets: number
  readonly inFlight: number
  /** Age of the oldest probe that should have begun or ended; 0: none [ms]. */
  readonly overdueMs: number
}

export interface PauseStatus {
  /** `global`, `trunk/<id>` or `gateway/<id>`. */
  readonly scope: string
  readonly actor: string
  readonly reason: string
  readonly atMs: EpochMs
  readonly untilMs: EpochMs | null
}

export interface Status {
  readonly version: string
  readonly atMs: EpochMs
  readonly mode: Mode
  /** Why nothing becomes durable, so that notifications are refused and nothing is sent; null: the store works. */
  readonly storeProblem: string | null
  readonly pauses: readonly PauseStatus[]
  /** Everything is frozen until `pointsman release`; null: it is not. */
  readonly brake: { readonly sinceMs: EpochMs; readonly causes: readonly string[]; readonly decision: string } | null
  /** Pointsman distrusts its own view of the world, and moves nothing, since; null: it does not. */
  readonly panicSinceMs: EpochMs | null
  /** Null: none is configured. `lastAtMs`: its last arrival; `lostSinceMs`: it is lost. */
  readonly watchdog: { readonly lastAtMs: EpochMs | null; readonly lostSinceMs: EpochMs | null } | null
  readonly trunks: readonly TrunkStatus[]
  readonly gateways: readonly GatewayStatus[]
  readonly probes: readonly ProbeStatus[]
  readonly probing: ProbingStatus
  /** Last successful resync of the alert book; null: never, or no Alertmanager is configured. */
  readonly resyncedAtMs: EpochMs | null
  readonly alerts: number
}

/** The same piece by piece: each trunk, gateway and probe is looked at when it is asked for, so that a reader of thousands may pause. */
export interface Survey<Trunk extends TrunkFacts> extends Omit<Status, 'trunks' | 'gateways' | 'probes'> {
  readonly trunks: Iterable<Trunk>
  readonly gateways: Iterable<GatewayStatus>
  readonly probes: Iterable<ProbeStatus>
}

export type StatusSurvey = Survey<TrunkStatus>
/** What metrics are made of. */
export type FactSurvey = Survey<TrunkFacts>
