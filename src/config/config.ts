/** The configuration as the shell reads it: validated, defaults filled in, secrets resolved. Built by `normalize.ts`. */
import type { DurationMs, GatewayId, Mode, ProbeId, Thresholds, Topology, TrunkId } from '../core/topology.ts'
import type { Secret, SipCredentials, SipProbe, SipTarget } from '../ports.ts'
import type { Allowed } from './address.ts'

export interface GatewayConfig {
  readonly id: GatewayId
  readonly driver: string
  /** The driver kind's own keys, with secrets resolved (see drivers/contract.ts). */
  readonly settings: Readonly<Record<string, unknown>>
  /** Where secrets and certificates come from: absolute paths by `x_file`, names of variables by `x_env`. */
  readonly sources: Readonly<Record<string, string>>
  /** Deadline of one driver call. */
  readonly timeoutMs: DurationMs
}

/** A probe of the file, before it has an address. */
export interface ProbeModule extends Omit<SipProbe, 'target'> {
  /** Its name in the file. */
  readonly module: string
  /** Everything of the target but its address. */
  readonly sender: Omit<SipTarget, 'uri'>
  readonly thresholds: Thresholds
}

export interface ProbeConfig extends SipProbe {
  readonly id: ProbeId
  /** Name of the probe module in the file. */
  readonly module: string
  readonly thresholds: Thresholds
  /** A trunk's health depends on it; false: it is only watched. */
  readonly evidence: boolean
}

/** An entry of `targets`. */
export interface TargetConfig {
  readonly probe: ProbeId
  readonly module: string
  readonly uri: string
  /** For service discovery. */
  readonly labels: Readonly<Record<string, string>>
  /** Probed only when `GET /probe` asks. */
  readonly onDemand: boolean
}

export interface BindingConfig {
  readonly trunk: TrunkId
  readonly target: SipTarget
  readonly credentials: SipCredentials
  /** As in GatewayConfig, for the password. */
  readonly sources: Readonly<Record<string, string>>
  readonly timeoutMs: DurationMs
}

export interface AlertmanagerConfig {
  readonly url: string
  readonly username: string | null
  readonly password: Secret | null
  readonly token: Secret | null
}

/** A caller of the API. `webhook` may post notifications; `operator` may also give commands. */
export interface UserConfig {
  readonly name: string
  readonly role: 'webhook' | 'operator'
  /** Basic authentication with `name`; null: not allowed. */
  readonly password: Secret | null
  /** Bearer token; null: not allowed. */
  readonly token: Secret | null
}

export interface Config {
  readonly file: string
  /** The mode of trunks that set none of their own. */
  readonly mode: Mode
  readonly topology: Topology
  readonly gateways: readonly GatewayConfig[]
  /** Everything that Pointsman probes by itself. */
  readonly probes: readonly ProbeConfig[]
  /** The probes of the file that can be sent to any address, by name. */
  readonly modules: ReadonlyMap<string, ProbeModule>
  readonly targets: readonly TargetConfig[]
  readonly exporter: {
    /** Whom `GET /probe` may ask besides the targets and the trunks' addresses. */
    readonly allow: readonly Allowed[]
    /** How much earlier than the scrape a probe ends. */
    readonly timeoutOffsetMs: DurationMs
  }
  readonly bindings: readonly BindingConfig[]
  readonly alertmanagers: readonly AlertmanagerConfig[]
  readonly users: readonly UserConfig[]
  /** Dead man's switch; null: none. */
  readonly heartbeat: { readonly url: Secret; readonly intervalMs: DurationMs } | null
  readonly web: { readonly host: string; readonly port: number }
  readonly storePath: string
  /** What is kept of the journal. */
  readonly journal: { readonly keepMs: DurationMs; readonly maxRecords: number }
}

/** Something wrong in the file. Warnings don't stop a start. */
export interface Problem {
  readonly severity: 'error' | 'warning'
  readonly line: number
  readonly column: number
  /** For example `trunks.acme.interfaces[1].gateway`. */
  readonly path: string
  readonly message: string
  /** What to do. */
  readonly hint: string | null
}
