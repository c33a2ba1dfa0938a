/** Changes that have nothing to do with each other: each interface is switched by requests of its own. */
import type { ApplyResult } from '../core/observation.ts'
import type { Change, GatewayDriver } from '../ports.ts'

/**
 * Side by side, in their order.
 *
 * @param atOnce - no more than the gateway has connections, where a write goes out at once: one that had to wait for a
 *   connection would leave on an old permit
 */
export function eachAlone (one: (change: Change, signal: AbortSignal) => Promise<ApplyResult>, atOnce = Infinity): GatewayDriver['apply'] {
  return async (changes, signal) => {
    const ends = new Map<Change, ApplyResult>()
    const waiting = changes.values()
    // All of them take from the same iterator.
    const work = async (): Promise<void> => { for (const change of waiting) ends.set(change, await one(change, signal)) }
    await Promise.all(Array.from({ length: Math.min(atOnce, changes.length) }, work))
    return changes.map((change) => ends.get(change) ?? (() => { throw new Error('a change was left out') })())
  }
}
