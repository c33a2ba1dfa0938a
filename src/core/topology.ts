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

export type Mode = 'observe' | 'automatic'

/** Consecutive results that turn a verdict, and the age [3 intervals] at which it is stale. */
export interface Thresholds {
  readonly fall: number
  readonly rise: number
  readonly intervalMs: DurationMs
  readonly timeoutMs: DurationMs
}

/** What a kind of gateway can tell and do. Declared by its driver. */
export interface DriverCapabilities {
  /** The driver can say whether the interface is registered at the carrier. */
  readonly reportsRegistration: boolean
  /** The driver reports whether the gateway reaches the carrier (path evidence). */
  readonly reportsPath: boolean
  /** A read of the gateway shows the running state; false: it shows the stored one only (innovaphone). */
  readonly readsRunningState: boolean
  /** `reregister` is supported. */
  readonly reregisters: boolean
  /** Disabling sends an un-REGISTER, whose answer nobody sees: the binding is probably gone at once, never for certain. */
  readonly unregisters: boolean
  /** A change survives a restart of the gateway. Where it doesn't, a change that we did not send is undone, not drift. */
  readonly persistent: boolean
  /** Default time from enable to registered [ms]. */
  readonly registersWithinMs: DurationMs
}

export interface GatewayTopology {
  readonly id: GatewayId
  readonly driver: string
  readonly capabilities: DriverCapabilities
  /** Thresholds of the evidence "the driver answers", "it says registered" and "it reaches the carrier". */
  readonly observe: Thresholds
  readonly registersWithinMs: DurationMs
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
}

export type OnSecond = 'reject' | 'replace' | 'coexist'

export interface Registration {
  readonly auth: 'register'
  /** What the carrier does with a second registration; unknown counts as `reject`. */
  readonly onSecond: OnSecond
  /** Longest binding lifetime that the carrier grants. */
  readonly expiresMs: DurationMs
  /** Binding query (REGISTER without Contact); null when none is configured. */
  readonly query: BindingQuerySettings | null
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
  readonly type: 'exclusive'
  readonly mode: Mode
  /** In order of preference. */
  readonly interfaces: readonly InterfaceTopology[]
  readonly registration: Registration
  readonly failback: 'manual' | 'never'
  readonly emergency: boolean
  readonly minEnabled: number
}

export interface Rule {
  readonly name: string
  readonly match: readonly Matcher[]
  /** Label templates: `{trunk}` is the value of the alert's label `trunk`; text without braces is literal. */
  readonly target: { readonly trunk: string; readonly gateway: string | null; readonly interface: string | null }
  readonly demand: 'disable'
  readonly evidence: 'probe' | 'none'
}

export interface InterlockSettings {
  readonly warmupMs: DurationMs
  readonly cooldownMs: DurationMs
  /** Least distance between two automatic switchovers away from a down interface, by their number in 24 quiet hours. */
  readonly spacingMs: readonly DurationMs[]
  /** Longest predicted gap for a move away from an interface that is not down. */
  readonly maxGapMs: DurationMs
}

export interface Topology {
  readonly gateways: ReadonlyMap<GatewayId, GatewayTopology>
  readonly trunks: ReadonlyMap<TrunkId, TrunkTopology>
  readonly probes: ReadonlyMap<ProbeId, Thresholds>
  readonly rules: readonly Rule[]
  readonly interlocks: InterlockSettings
  /** Alert evidence must be confirmed by a resync; false when no Alertmanager is configured. */
  readonly resyncs: boolean
}
