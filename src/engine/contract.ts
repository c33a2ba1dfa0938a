/** The one door to the engine, for HTTP and CLI. Types only. */
import type { AlertReason } from '../core/reasons.ts'
import type { Status } from '../core/status.ts'
import type { EpochMs, InterfaceKey, TrunkId } from '../core/topology.ts'
import type { JournalQuery, JournalRecord } from '../ports.ts'

/** How a webhook body was taken. `unavailable` means: not durable, send it again (503). */
export type ReceiveResult =
  | { readonly ok: true; readonly alerts: readonly { readonly fingerprint: string | null; readonly reason: AlertReason }[] }
  | { readonly ok: false; readonly kind: 'malformed'; readonly detail: string }
  | { readonly ok: false; readonly kind: 'unavailable'; readonly detail: string }

export type OperatorCommand =
  | { readonly verb: 'pause'; readonly scope: string; readonly untilMs: EpochMs | null }
  | { readonly verb: 'resume'; readonly scope: string }
  | { readonly verb: 'failback'; readonly trunk: TrunkId }
  | { readonly verb: 'adopt'; readonly trunk: TrunkId }

export type OperatorResult =
  | { readonly ok: true; readonly decision: string; readonly detail: string }
  /** `unknown` no such thing (404), `refused` an interlock says no (409), `unavailable` not durable (503). */
  | { readonly ok: false; readonly kind: 'unknown' | 'refused' | 'unavailable'; readonly detail: string; readonly vetoes: readonly string[] }

export interface DecisionSummary {
  readonly id: string
  readonly trunk: TrunkId | null
  readonly atMs: EpochMs
  readonly from: InterfaceKey | null
  readonly to: InterfaceKey | null
  /** Type of its last record, for example `vetoed`, `admitted`, `ended`. */
  readonly state: string
  /** One sentence. */
  readonly explanation: string
}

export interface Engine {
  start(): Promise<void>
  stop(): Promise<void>
  /** True once the state is loaded and the first plan was made; before that the webhook answers 503. */
  ready(): boolean
  /** False when the loop has not turned for too long. */
  healthy(): boolean
  status(): Status
  /** Stores a webhook body (parsed JSON) durably, then wakes the controller. */
  receive(body: unknown): Promise<ReceiveResult>
  operate(command: OperatorCommand, actor: string, reason: string): Promise<OperatorResult>
  decisions(query: JournalQuery): Promise<readonly DecisionSummary[]>
  /** All journal records of one decision, oldest first; empty: unknown. */
  decision(id: string): Promise<readonly JournalRecord[]>
}
