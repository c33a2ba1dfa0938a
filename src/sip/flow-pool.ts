/** Flows that are kept between probes: one per peer and way to it, thrown away when they fail or nobody uses them. */
import type { Clock } from '../ports.ts'
import type { Flow, FlowOpened } from './flow.ts'

/** A kept flow that was not used for so long is closed [ms]. */
const IDLE_MS = 600_000

export interface Lease {
  readonly flow: Flow
  /** It was open before this lease. */
  readonly isReused: boolean
  /** Gives it back. `works`: it brought an answer, the next one may use it. */
  end(works: boolean): void
}

export type Leased = { readonly ok: true; readonly lease: Lease } | (FlowOpened & { readonly ok: false })

export interface FlowPool {
  /** @param key - names the peer and the way to it; null: a flow for this lease only */
  lease(key: string | null, open: () => Promise<FlowOpened>): Promise<Leased>
  close(): void
}

interface Kept {
  readonly flow: Flow
  users: number
  stopIdle: () => void
}

export const createFlowPool = (clock: Clock): FlowPool => {
  const kept = new Map<string, Kept>()
  const leased = new Set<Flow>()
  let isClosed = false

  const drop = (key: string, entry: Kept): void => {
    if (kept.get(key) === entry) kept.delete(key)
    entry.stopIdle()
    if (entry.users === 0) entry.flow.close()
  }

  const join = (key: string, entry: Kept, isReused: boolean): Lease => {
    entry.stopIdle()
    entry.users++
    return {
      flow: entry.flow,
      isReused,
      end: (works) => {
        entry.users--
        if (!works || !entry.flow.isOpen() || kept.get(key) !== entry) drop(key, entry)
        else if (entry.users === 0) entry.stopIdle = clock.after(IDLE_MS, () => { drop(key, entry) })
      }
    }
  }

  const single = (flow: Flow): Lease => {
    leased.add(flow)
    return { flow, isReused: false, end: () => { leased.delete(flow); flow.close() } }
  }

  return {
    lease: async (key, open) => {
      if (key !== null) {
        const known = kept.get(key)
        if (known?.flow.isOpen() === true) return { ok: true, lease: join(key, known, true) }
        if (known !== undefined) drop(key, known)
      }
      const opened = await open()
      if (!opened.ok) return opened
      if (isClosed) opened.flow.close()
      // Two probes that began together opened one each: the first one is kept.
      if (key === null || isClosed || kept.has(key)) return { ok: true, lease: single(opened.flow) }
      const entry: Kept = { flow: opened.flow, users: 0, stopIdle: () => { /* no timer runs yet */ } }
      kept.set(key, entry)
      return { ok: true, lease: join(key, entry, false) }
    },
    close: () => {
      isClosed = true
      for (const [key, entry] of kept) {
        kept.delete(key)
        entry.stopIdle()
        entry.flow.close()
      }
      for (const flow of leased) flow.close()
    }
  }
}
