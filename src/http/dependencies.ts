/** What the HTTP server stands on. */
import type { UserConfig } from '../config/config.ts'
import type { FactSurvey } from '../core/status.ts'
import type { Engine } from '../engine/contract.ts'
import type { Exporter } from '../exporter/exporter.ts'
import type { ProbeHistory } from '../probes/history.ts'
import type { Clock, Log, Metrics } from '../ports.ts'

export interface HttpMetrics extends Metrics {
  render(status: FactSurvey | null, accept?: string): Promise<{ readonly contentType: string; readonly chunks: readonly Uint8Array[]; release(): void }>
}

export type ReloadResult = { readonly ok: true } | { readonly ok: false; readonly problems: readonly string[] }

/** Read anew at every request, so that a reload may replace what stands behind a getter. */
export interface HttpDependencies {
  readonly engine: Engine
  readonly users: readonly UserConfig[]
  readonly metrics: HttpMetrics
  readonly exporter: Pick<Exporter, 'probe' | 'discover'>
  readonly history: Pick<ProbeHistory, 'list'>
  /** The beacons of this process. */
  beacons(): readonly { readonly gateway: string; readonly refuses: boolean }[]
  readonly log: Log
  readonly clock: Clock
  /** Loads the configuration again. Never throws. */
  reload(): Promise<ReloadResult>
}
