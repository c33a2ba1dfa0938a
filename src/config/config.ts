/** The configuration as the shell reads it: validated, defaults filled in, secrets resolved. Built by `normalize.ts`. */
import type { DurationMs, GatewayId, Mode, ProbeId, Thresholds, Topology, TrunkId } from '../core/topology.ts'
import type { Secret, SipCredentials, SipProbe, SipTarget } from '../ports.ts'

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

export interface ProbeConfig extends SipProbe {
  readonly id: ProbeId
  /** Name of the probe module in the file. */
  readonly module: string
  readonly thresholds: Thresholds
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
  readonly probes: readonly ProbeConfig[]
  readonly bindings: readonly BindingConfig[]
  readonly alertmanagers: readonly AlertmanagerConfig[]
  readonly users: readonly UserConfig[]
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
