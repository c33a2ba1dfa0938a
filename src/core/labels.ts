/** Label sets and Alertmanager matchers (`name="v"`, `!=`, `=~`, `!~`; regular expressions are anchored). */

export type Labels = Readonly<Record<string, string>>

export interface Matcher {
  readonly name: string
  readonly operator: '=' | '!=' | '=~' | '!~'
  readonly value: string
  /** Compiled, anchored; null for `=` and `!=`. */
  readonly pattern: RegExp | null
}
