/** Changes that have nothing to do with each other: each interface is switched by requests of its own. */
import type { ApplyResult } from '../core/observation.ts'
import type { Change, GatewayDriver } from '../ports.ts'

/** Side by side; how many requests really are under way is limited by the HTTP client. */
export function eachAlone (one: (change: Change, signal: AbortSignal) => Promise<ApplyResult>): GatewayDriver['apply'] {
  return (changes, signal) => Promise.all(changes.map((change) => one(change, signal)))
}
