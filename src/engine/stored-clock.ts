/**
 * Sees that the wall clock was set while nobody ran. What is stored then keeps its distance to now: without it a clock that
 * was set forward would end the proof that a dead gateway's registration has expired. A machine that was restarted itself
 * tells nothing: its wall clock is believed.
 */
import { shiftInstants } from '../core/shift.ts'
import type { Clock, Log, Revision, Store } from '../ports.ts'
import { commitTo } from './commit.ts'
import { STEP_MS } from './watched-clock.ts'

/** Wall time less the machine's uptime: it changes only when the clock is set. */
interface StoredClock { readonly boot: string; readonly offsetMs: number }

export interface ClockKeeper {
  /**
   * Brings the stored states to the clock as it is. In one commit with the clock: a crash right after it must not leave half
   * of them behind. Throws when the store can't be read or doesn't take it.
   */
  catchUp(): Promise<void>
  /** The clock counts as it is. What the store doesn't take is tried again, or the next start would believe the old one. */
  keep(): Promise<void>
}

const KEY = 'clock'
const RETRY_MS = 1000

export function createClockKeeper ({ store, clock, log }: { readonly store: Store; readonly clock: Clock; readonly log: Log }, signal: AbortSignal): ClockKeeper {
  let revision: Revision = 0
  let last: Promise<unknown> = Promise.resolve()
  let isRetrying = false

  const look = (): StoredClock | null => {
    const boot = clock.boot()
    return boot === null ? null : { boot: boot.id, offsetMs: Math.round(clock.now() - boot.upMs) }
  }
  const load = async (): Promise<StoredClock | undefined> => {
    const entry = (await store.read(KEY)).find(({ key }) => key === KEY)
    revision = entry?.revision ?? 0
    return entry?.value as StoredClock | undefined
  }
  const write = async (): Promise<boolean> => {
    const value = look()
    if (value === null) return true
    const result = await commitTo(store, [{ key: KEY, value, expect: revision }], [])
    if (result.ok) {
      revision = result.revision
      return true
    }
    if (!isRetrying) log.error({ reason: result.reason }, 'clock not stored, tried again')
    // A commit that was reported as failed had reached the disk.
    if (result.reason === 'conflict') await load().catch(() => undefined)
    return false
  }
  /** One after the other: each needs the revision of the one before. */
  const attempt = (): Promise<boolean> => {
    const mine = last.then(write)
    last = mine
    return mine
  }
  const retry = async (): Promise<void> => {
    do await clock.sleep(RETRY_MS, signal)
    while (!signal.aborted && !await attempt())
    isRetrying = false
  }

  return {
    catchUp: async () => {
      const [before, now] = [await load(), look()]
      const byMs = before === undefined || now === null || before.boot !== now.boot ? 0 : now.offsetMs - before.offsetMs
      if (Math.abs(byMs) < STEP_MS) return
      log.warn({ byMs }, 'the clock was set while nobody ran')
      const documents = [...await store.read('trunk/'), ...(await store.read('fleet')).filter(({ key }) => key === 'fleet')]
      const shifted = documents.map(({ key, value, revision: expect }) => ({ key, value: shiftInstants(value, byMs), expect }))
      const result = await commitTo(store, [...shifted, { key: KEY, value: now, expect: revision }], [])
      if (!result.ok) throw new Error(`the clock was set, and what is stored can't be brought to it (${result.reason})`)
      revision = result.revision
    },
    keep: async () => {
      if (await attempt() || isRetrying) return
      isRetrying = true
      void retry()
    }
  }
}
