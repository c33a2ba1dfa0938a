/**
 * What the configuration says about trunks, interfaces and gateways, in the form that the core reads:
 * names resolved, durations in milliseconds, defaults filled in. Built by `config/normalize.ts`.
 */
import type { Matcher } from './labels.ts'

/** Wall-clock instant [ms since 1970-01-01 UTC]. */
export type EpochMs = number
/** Length of time [ms]. */
export type DurationMs = number

export type TrunkId = string
export type GatewayId = string
/** `gateway/interface`, for example `pbx-a/SIP1`. Unique in a trunk; belongs to exactly one trunk. */
export type InterfaceKey = string
/** Names one probe target: `<probe> <uri>`. Identical targets of several interfaces share one id and one probe. */
export type ProbeId = string

/** `observe` records only, `approve` waits for a person, `automatic` acts. */
export type Mode = 'observe' | 'approve' | 'automatic'

/** Consecutive results that turn a verdict, and the age [3 intervals] at which it is stale. */
export interface Thresholds {
  readonly fall: number
  readonly rise: number
  readonly intervalMs: DurationMs
  /** Interval while the last results contradict the verdict; default: `intervalMs`. */
  readonly fastIntervalMs?: DurationMs
  readonly timeoutMs: DurationMs
}

/** What a driver can tell of an interface and do with it. Declared by its kind (drivers/contract.ts). */
export interface DriverCapabilities {
  /** Enabled, it registers at the carrier; false: calls are only sent by it (a destination of a dispatcher, an SRV target). */
  readonly registers: boolean
  /** The driver can say whether the interface is registered at the carrier. */
  readonly reportsRegistration: boolean
  /** The driver reports whether the gateway reaches the carrier (path evidence). `while-on`: not of a disabled interface. */
  readonly reportsPath: boolean | 'while-on'
  /** The driver tells how many calls there are: a planned move can wait until they have ended. */
  readonly reportsCalls: boolean
  /** A read of the gateway shows the running state; false: it shows the stored one only (innovaphone). */
  readonly readsRunningState: boolean
  /** `reregister` is supported. */
  readonly reregisters: boolean
  /** Disabling sends an un-REGISTER, whose answer nobody sees: the binding is probably gone at once, never for certain. */
  readonly unregisters: boolean
  /** A change survives a restart of the gateway. Where it doesn't, a change that we did not send is undone, not drift. */
  readonly persistent: boolean
  /** The driver tells the alarms of the gateway. */
  readonly reportsAlarms: boolean
  /** Default time from enable to registered [ms]; of one that doesn't register: until its effect can be judged. */
  readonly registersWithinMs: DurationMs
}

export interface GatewayTopology {
  readonly id: GatewayId
  readonly driver: string
  /** Thresholds of the evidence "the driver answers", "it says registered" and "it reaches the carrier". */
  readonly observe: Thresholds
}

/** How the carrier's list of bindings names this interface: any one given part must equal the Contact's. */
export interface ContactPattern {
  readonly hostPort?: string
  readonly user?: string
  readonly instance?: string
}

export interface InterfaceTopology {
  readonly key: InterfaceKey
  readonly gateway: GatewayId
  /** Name on the gateway, for example `SIP1` or a Kamailio `l_uuid`. */
  readonly name: string
  /** OPTIONS to the gateway's own SIP address. */
  readonly sipProbe: ProbeId
  /** OPTIONS to this interface's carrier target; null when none is configured. */
  readonly carrierProbe: ProbeId | null
  readonly contact: ContactPattern | null
  readonly capabilities: DriverCapabilities
  /** `registers_within` of its gateway, or what its driver declares. */
  readonly registersWithinMs: DurationMs
}

export type OnSecond = 'reject' | 'replace' | 'coexist'

export interface Registration {
  /** How the carrier knows who may call: by a registration, or by the gateway's IP address (then nothing is registered). */
  readonly auth: 'register' | 'ip'
  /** What the carrier does with a second registration; unknown counts as `reject`. */
  readonly onSecond: OnSecond
  /** Longest binding lifetime that the carrier grants. */
  readonly expiresMs: DurationMs
  /** Binding query (REGISTER without Contact); null when none is configured. */
  readonly query: BindingQuerySettings | null
  /** With `replace` or `coexist`: whether the timer is proof enough against an unreachable gateway. */
  readonly unproven: 'page' | 'act'
  /** Remove a dead gateway's Contact at the carrier (REGISTER with `expires=0`). */
  readonly fencing: boolean
  /** `swap`: one REGISTER takes the old Contact away and puts the new one in (RFC 3261 §10.3). */
  readonly handover: 'separate' | 'swap'
}

/** When and how a trunk returns to its preferred interface. */
export interface Failback {
  readonly policy: 'manual' | 'automatic' | 'never'
  /** Only within this time of day [minutes since midnight, in `timezone`]; may reach over midnight. Null: always. */
  readonly window: { readonly fromMinute: number; readonly toMinute: number; readonly timezone: string } | null
  /** Longest wait for the calls of the interface that is left; null: calls are not waited for. */
  readonly drainMs: DurationMs | null
}

export interface BindingQuerySettings {
  /** Carrier address that is asked; queries to one registrar share its rate limit. */
  readonly registrar: string
  /** Steady interval, already capped at `expires`/2. */
  readonly intervalMs: DurationMs
  /** Interval on doubt and around a switchover. */
  readonly doubtIntervalMs: DurationMs
}

export interface TrunkTopology {
  readonly id: TrunkId
  /** `exclusive`: exactly one interface is enabled. `shared`: all are, and a failed one is taken out. */
  readonly type: 'exclusive' | 'shared'
  readonly mode: Mode
  /** In order of preference. */
  readonly interfaces: readonly InterfaceTopology[]
  readonly registration: Registration
  readonly failback: Failback
  readonly emergency: boolean
  readonly minEnabled: number
}

export interface Rule {
  readonly name: string
  /** A rule on alerts; null: a rule on own health (`when`). */
  readonly match: readonly Matcher[] | null
  /** The interface has been down by its own evidence for this long. Null: a rule on alerts. */
  readonly when: { readonly downForMs: DurationMs } | null
  /** Label templates: `{trunk}` is the value of the alert's label `trunk`; text without braces is literal. */
  readonly target: { readonly trunk: string | null; readonly gateway: string | null; readonly interface: string | null }
  readonly demand: 'disable' | 'prefer' | 'freeze'
  /** What has to agree before it acts: own evidence, nothing, or two independent voices. */
  readonly evidence: 'probe' | 'none' | 'quorum'
  /** The rule's own mode, where it is stricter than the trunk's; null: none. */
  readonly mode: Mode | null
}

export interface InterlockSettings {
  readonly warmupMs: DurationMs
  readonly cooldownMs: DurationMs
  /** Least distance between two automatic switchovers away from a down interface, by their number in 24 quiet hours. */
  readonly spacingMs: readonly DurationMs[]
  /** Longest predicted gap for a move away from an interface that is not down. */
  readonly maxGapMs: DurationMs
  /** Failback only: how long the preferred interface has to be well, times the number of offences. */
  readonly holdMs: DurationMs
  /** So many switchovers of a trunk within the time latch it. */
  readonly latch: { readonly switchovers: number; readonly perMs: DurationMs }
  /** More incidents than these freeze everything; null: the default, which grows with the number of gateways. */
  readonly brake: { readonly incidents: number | null; readonly perMs: DurationMs; readonly perDay: number | null }
  /** Share of silent targets beyond which our own vantage point is distrusted. */
  readonly panicShare: number
}

/** An alert that always fires: its absence shows that the monitoring is dead. */
export interface Watchdog {
  readonly match: readonly Matcher[]
  readonly timeoutMs: DurationMs
  /** While it is lost: nothing alert-based starts (`freeze`), or the own evidence acts alone (`probes`). */
  readonly whenLost: 'freeze' | 'probes'
}

export interface Topology {
  readonly gateways: ReadonlyMap<GatewayId, GatewayTopology>
  readonly trunks: ReadonlyMap<TrunkId, TrunkTopology>
  readonly probes: ReadonlyMap<ProbeId, Thresholds>
  readonly rules: readonly Rule[]
  readonly interlocks: InterlockSettings
  /** Alert evidence must be confirmed by a resync; false when no Alertmanager is configured. */
  readonly resyncs: boolean
  /** Targets that tell a dead vantage point from dead trunks. */
  readonly canaries: readonly ProbeId[]
  /** Null: a successful resync takes its place. */
  readonly watchdog: Watchdog | null
}
