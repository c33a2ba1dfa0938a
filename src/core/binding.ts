/** The carrier's registrar: who holds the binding of a trunk's account (safety: REGISTER query without Contact). */

/** One Contact as listed by the registrar. */
export interface ListedContact {
  /** Contact URI as listed. */
  readonly uri: string
  readonly user: string | null
  /** `host:port` with the default port filled in. */
  readonly hostPort: string
  /** `+sip.instance` parameter without quotes and angle brackets. */
  readonly instance: string | null
  /** Remaining lifetime [s]; null when not told. */
  readonly expiresSeconds: number | null
}

/** One Contact of a REGISTER that changes bindings; 0 s removes it. */
export interface ContactChange {
  /** As it was listed. */
  readonly uri: string
  readonly expiresSeconds: number
}

/** Answer to one query. `refused`: credentials or 403; queries stop until the configuration changes. */
export type BindingAnswer =
  | { readonly kind: 'listed'; readonly contacts: readonly ListedContact[] }
  | { readonly kind: 'refused'; readonly code: number }
  | { readonly kind: 'unsupported'; readonly code: number; readonly retryAfterMs: number | null }
  | { readonly kind: 'failed'; readonly reason: string; readonly detail: string }
