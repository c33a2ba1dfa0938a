/** Delivery of committed entries to whoever watches a prefix. */
import type { StoreEntry } from '../ports.ts'

export interface Watchers {
  /** Subscribes at the call, not at the first `next()`: nothing that is committed in between is missed. */
  watch(prefix: string, signal: AbortSignal): AsyncIterable<StoreEntry>
  /** @param entries - made only when somebody watches */
  publish(entries: () => readonly StoreEntry[]): void
  /** Ends every iteration. */
  close(): void
}

interface Subscription {
  readonly prefix: string
  readonly queue: StoreEntry[]
  ended: boolean
  wake: () => void
}

export function createWatchers (): Watchers {
  const subscriptions = new Set<Subscription>()
  const end = (subscription: Subscription): void => {
    subscriptions.delete(subscription)
    subscription.ended = true
    subscription.wake()
  }
  return {
    watch: (prefix, signal) => {
      const subscription: Subscription = { prefix, queue: [], ended: signal.aborted, wake: () => {} }
      if (!signal.aborted) {
        subscriptions.add(subscription)
        signal.addEventListener('abort', () => { end(subscription) }, { once: true })
      }
      return iterate(subscription, end)
    },
    publish: (make) => {
      if (subscriptions.size === 0) return
      const entries = make()
      for (const subscription of subscriptions) {
        const wanted = entries.filter((entry) => entry.key.startsWith(subscription.prefix))
        if (wanted.length === 0) continue
        subscription.queue.push(...wanted)
        subscription.wake()
      }
    },
    close: () => { for (const subscription of subscriptions) end(subscription) }
  }
}

async function* iterate (subscription: Subscription, end: (subscription: Subscription) => void): AsyncGenerator<StoreEntry> {
  try {
    while (!subscription.ended) {
      const entry = subscription.queue.shift()
      if (entry !== undefined) yield entry
      else await new Promise<void>((resolve) => { subscription.wake = resolve })
    }
  } finally {
    end(subscription)
  }
}
