/** The one door to the engine, for HTTP and CLI. Types only. */
import type { TrunkOrder } from '../core/operator.ts'
import type { Prospect } from '../core/prospect.ts'
import type { AlertReason } from '../core/reasons.ts'
import type { FactSurvey, Status, StatusSurvey } from '../core/status.ts'
import type { EpochMs, InterfaceKey, TrunkId } from '../core/topology.ts'
import type { JournalFilter, JournalRecord } from '../ports.ts'

/** How a webhook body was taken. `unavailable` means: not durable, send it again (503). */
export type ReceiveResult =
  | { readonly ok: true; readonly alerts: readonly { readonly fingerprint: string | null; readonly reason: AlertReason }[] }
  | { readonly ok: false; readonly kind: 'malformed'; readonly detail: string }
  | { readonly ok: false; readonly kind: 'unavailable'; readonly detail: string }

export type OperatorCommand =
  | { readonly verb: 'pause'; readonly scope: string; readonly untilMs: EpochMs | null }
  | { readonly verb: 'resume'; readonly scope: string }
  | { readonly verb: 'release' }
  | TrunkOrder

export type OperatorResult =
  | { readonly ok: true; readonly decision: string; readonly detail: string }
  /**
   * `unknown` no such thing (404), `refused` an interlock or the situation says no (409), `unavailable` not durable (503).
   * `release`: the command line that would bring it about all the same.
   */
  | { readonly ok: false; readonly kind: 'unknown' | 'refused' | 'unavailable'; readonly detail: string; readonly vetoes: readonly string[]; readonly release: string | null }

export interface DecisionSummary {
  readonly id: string
  readonly trunk: TrunkId | null
  readonly atMs: EpochMs
  readonly from: InterfaceKey | null
  readonly to: InterfaceKey | null
  /** Why it moves or would move, for example `alert` or `failback`; null: it is not about a move. */
  readonly cause: string | null
  /** Type of its last record, for example `vetoed`, `admitted`, `ended`. */
  readonly state: string
  /** One sentence. */
  readonly explanation: string
}

export interface DecisionQuery extends Pick<JournalFilter, 'trunk' | 'sinceMs' | 'untilMs'> {
  /** Type of the last record. */
  readonly state?: string
  readonly cause?: string
  /** At most this many decisions. */
  readonly limit: number
}

export interface DecisionList {
  /** Newest first. */
  readonly decisions: readonly DecisionSummary[]
  /** False: the journal was not looked through to its end; a narrower time tells more. */
  readonly complete: boolean
}

/** One alert of a notification that did not really come. */
export interface PreviewedAlert {
  readonly fingerprint: string | null
  readonly name: string
  readonly reason: AlertReason
  /** Why it can't be read; null: it can. */
  readonly detail: string | null
  /** Trunks that a rule maps it to. */
  readonly trunks: readonly TrunkId[]
}

export interface ExplainQuery {
  /** A webhook body (parsed JSON), as if it came now. Absent: as things are. */
  readonly notification?: unknown
  /** Only this trunk. Absent: those that the notification speaks about; without one, all. */
  readonly trunk?: TrunkId
  /** Judged at this instant, with everything as fresh as now. Absent: now. */
  readonly atMs?: EpochMs
}

export type ExplainResult =
  | { readonly ok: true; readonly atMs: EpochMs; readonly alerts: readonly PreviewedAlert[]; readonly trunks: readonly Prospect[] }
  | { readonly ok: false; readonly kind: 'malformed' | 'unknown'; readonly detail: string }

export interface Engine {
  start(): Promise<void>
  stop(): Promise<void>
  /** True once the state is loaded and the first plan was made; before that the webhook answers 503. */
  ready(): boolean
  /** False when the loop has not turned for too long. */
  healthy(): boolean
  /** Why nothing becomes durable at present; null: it does. */
  storeProblem(): string | null
  status(): Status
  /** The status piece by piece, for who reads thousands. */
  survey(): StatusSurvey
  /** What metrics are made of, piece by piece. */
  facts(): FactSurvey
  /** Stores a webhook body (parsed JSON) durably, then wakes the controller. */
  receive(body: unknown): Promise<ReceiveResult>
  operate(command: OperatorCommand, actor: string, reason: string): Promise<OperatorResult>
  /** What would be decided, and why. Stores nothing, sends nothing. */
  explain(query: ExplainQuery): ExplainResult
  decisions(query: DecisionQuery): Promise<DecisionList>
  /** All journal records of one decision, oldest first; empty: unknown. */
  decision(id: string): Promise<readonly JournalRecord[]>
  /** The journal's records in the order of writing, page by page. */
  journal(filter: JournalFilter): AsyncIterable<readonly JournalRecord[]>
}
