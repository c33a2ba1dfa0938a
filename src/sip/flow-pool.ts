/** Flows that are kept between probes: one per peer and way to it, thrown away when they fail or nobody uses them. */
import type { Clock } from '../ports.ts'
import type { Flow, FlowOpened } from './flow.ts'

/** A kept flow that was not used for so long is closed [ms]. */
const IDLE_MS = 600_000
/** So often idle ones are looked for [ms]. A timer for each would be made anew with each probe, and grow old with thousands of others. */
const SWEEP_MS = 60_000

export interface Lease {
  readonly flow: Flow
  /** It was open before this lease. */
  readonly isReused: boolean
  /** Gives it back. `works`: it brought an answer, the next one may use it. */
  end(works: boolean): void
}

export type Leased = { readonly ok: true; readonly lease: Lease } | (FlowOpened & { readonly ok: false })

export interface FlowPool {
  /**
   * A kept flow comes at once.
   *
   * @param key - names the peer and the way to it; null: a flow for this lease only
   */
  lease(key: string | null, open: () => Promise<FlowOpened>): Leased | Promise<Leased>
  close(): void
}

interface Kept {
  readonly flow: Flow
  users: number
  /** Since when nobody uses it. */
  idleSinceMs: number
}

export const createFlowPool = (clock: Clock): FlowPool => {
  const kept = new Map<string, Kept>()
  const leased = new Set<Flow>()
  let isClosed = false
  let cancelSweep: (() => void) | null = null

  const stopSweep = (): void => {
    cancelSweep?.()
    cancelSweep = null
  }

  const drop = (key: string, entry: Kept): void => {
    if (kept.get(key) === entry) kept.delete(key)
    if (entry.users === 0) entry.flow.close()
    if (kept.size === 0) stopSweep()
  }

  const sweep = (): void => {
    const sinceMs = clock.monotonicMs() - IDLE_MS
    for (const [key, entry] of kept) if (entry.users === 0 && entry.idleSinceMs <= sinceMs) drop(key, entry)
    if (kept.size > 0) cancelSweep = clock.after(SWEEP_MS, sweep)
  }

  const join = (key: string, entry: Kept, isReused: boolean): Lease => {
    entry.users++
    return {
      flow: entry.flow,
      isReused,
      end: (works) => {
        entry.users--
        if (!works || !entry.flow.isOpen() || kept.get(key) !== entry) drop(key, entry)
        else if (entry.users === 0) entry.idleSinceMs = clock.monotonicMs()
      }
    }
  }

  const single = (flow: Flow): Lease => {
    leased.add(flow)
    return { flow, isReused: false, end: () => { leased.delete(flow); flow.close() } }
  }

  const leaseAnew = async (key: string | null, open: () => Promise<FlowOpened>): Promise<Leased> => {
    const opened = await open()
    if (!opened.ok) return opened
    if (isClosed) opened.flow.close()
    // Two probes that began together opened one each: the first one is kept.
    if (key === null || isClosed || kept.has(key)) return { ok: true, lease: single(opened.flow) }
    const entry: Kept = { flow: opened.flow, users: 0, idleSinceMs: clock.monotonicMs() }
    kept.set(key, entry)
    cancelSweep ??= clock.after(SWEEP_MS, sweep)
    return { ok: true, lease: join(key, entry, false) }
  }

  return {
    lease: (key, open) => {
      const known = key === null ? undefined : kept.get(key)
      if (key === null || known === undefined) return leaseAnew(key, open)
      if (known.flow.isOpen()) return { ok: true, lease: join(key, known, true) }
      drop(key, known)
      return leaseAnew(key, open)
    },
    close: () => {
      isClosed = true
      stopSweep()
      for (const [key, entry] of kept) {
        kept.delete(key)
        entry.flow.close()
      }
      for (const flow of leased) flow.close()
    }
  }
}
