/** Which trunks have to be planned, and when: at once because something has happened, or at an instant of their own. */
import { createDueQueue } from '../core/due-queue.ts'
import type { DurationMs, EpochMs, TrunkId } from '../core/topology.ts'

export interface Agenda {
  /** To be planned as soon as it can be. */
  mark(id: TrunkId): void
  /** In place of the instant that was set before; null: only when it is marked. */
  wakeAt(id: TrunkId, atMs: EpochMs | null): void
  /** It is planned now, or left the configuration: what was set and marked is done. */
  clear(id: TrunkId): void
  /** It is marked, or an instant is set. */
  has(id: TrunkId): boolean
  /** A marked or due trunk that may be planned; null: none. Those that may not wait for `release`. */
  next(nowMs: EpochMs, may: (id: TrunkId) => boolean): TrunkId | null
  /** It may be planned again. */
  release(id: TrunkId): void
  /** The first instant that is set; null: none. */
  nextAtMs(): EpochMs | null
  /** The wall clock was set: what is due keeps its distance to now. */
  clockSet(byMs: DurationMs): void
}

interface Wake { readonly id: TrunkId; readonly dueMs: EpochMs }

export function createAgenda (): Agenda {
  const marked = new Set<TrunkId>()
  /** Marked, but they may not be planned now: nobody looks at them again and again. */
  const parked = new Set<TrunkId>()
  const wakes = new Map<TrunkId, Wake>()
  let queue = createDueQueue<Wake>()

  const set = (wake: Wake): void => {
    wakes.set(wake.id, wake)
    queue.push(wake)
  }
  /** What was set anew meanwhile still stands in the queue with its old instant. */
  const first = (): Wake | null => {
    for (let wake = queue.peek(); wake !== undefined; wake = queue.peek()) {
      if (wakes.get(wake.id) === wake) return wake
      queue.pop()
    }
    return null
  }

  return {
    mark: (id) => { if (!parked.has(id)) marked.add(id) },
    wakeAt: (id, atMs) => {
      if (atMs === null) wakes.delete(id)
      else if (wakes.get(id)?.dueMs !== atMs) set({ id, dueMs: atMs })
    },
    clear: (id) => {
      marked.delete(id)
      parked.delete(id)
      wakes.delete(id)
    },
    has: (id) => marked.has(id) || parked.has(id) || wakes.has(id),
    next: (nowMs, may) => {
      for (let wake = first(); wake !== null && wake.dueMs <= nowMs; wake = first()) {
        wakes.delete(wake.id)
        if (!parked.has(wake.id)) marked.add(wake.id)
      }
      for (const id of marked) {
        if (may(id)) return id
        marked.delete(id)
        parked.add(id)
      }
      return null
    },
    release: (id) => { if (parked.delete(id)) marked.add(id) },
    nextAtMs: () => first()?.dueMs ?? null,
    clockSet: (byMs) => {
      const known = [...wakes.values()]
      queue = createDueQueue()
      for (const { id, dueMs } of known) set({ id, dueMs: dueMs + byMs })
    }
  }
}
