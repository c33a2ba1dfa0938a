/**
 * Stands in for a store that can't be used: nothing is read from it and nothing becomes durable, so the webhook answers 503
 * and nothing is sent. The file that could not be used is not touched.
 */
import type { Store } from '../ports.ts'
import { createWatchers } from './watchers.ts'

/** @param detail - why the real one can't be used */
export function createUnavailableStore (detail: string): Store {
  const watchers = createWatchers()
  return {
    read: async () => [],
    commit: async () => ({ ok: false, reason: 'unavailable', detail }),
    watch: (prefix, signal) => watchers.watch(prefix, signal),
    journal: async () => ({ records: [], next: null }),
    prune: async () => 0,
    problem: () => detail,
    close: async () => { watchers.close() }
  }
}
