/**
 * Sees that the wall clock was set while nobody ran. What is stored then keeps its distance to now: without it a clock that
 * was set forward would end the proof that a dead gateway's registration has expired. A machine that was restarted itself
 * tells nothing: its wall clock is believed.
 */
import { STEP_MS } from './watched-clock.ts'
import type { DurationMs } from '../core/topology.ts'
import type { Clock, Log, Revision, Store } from '../ports.ts'

/** Wall time less the machine's uptime: it changes only when the clock is set. */
interface StoredClock { readonly boot: string; readonly offsetMs: number }

export interface ClockKeeper {
  /** How far the clock was set since it was kept last; 0: not at all, or nobody knows. Throws when the store can't be read. */
  load(): Promise<DurationMs>
  /** To be called once the clock counts as it is. */
  keep(): Promise<void>
}

const KEY = 'clock'

export function createClockKeeper ({ store, clock, log }: { readonly store: Store; readonly clock: Clock; readonly log: Log }): ClockKeeper {
  let revision: Revision = 0
  const look = (): StoredClock | null => {
    const boot = clock.boot()
    return boot === null ? null : { boot: boot.id, offsetMs: Math.round(clock.now() - boot.upMs) }
  }
  return {
    load: async () => {
      const entry = (await store.read(KEY)).find(({ key }) => key === KEY)
      revision = entry?.revision ?? 0
      const [before, now] = [entry?.value as StoredClock | undefined, look()]
      if (before === undefined || now === null || before.boot !== now.boot) return 0
      const byMs = now.offsetMs - before.offsetMs
      if (Math.abs(byMs) < STEP_MS) return 0
      log.warn({ byMs }, 'the clock was set while nobody ran')
      return byMs
    },
    keep: async () => {
      const value = look()
      if (value === null) return
      const result = await store.commit([{ key: KEY, value, expect: revision }], [])
      if (result.ok) revision = result.revision
      else log.error({ reason: result.reason }, 'clock not stored')
    }
  }
}
