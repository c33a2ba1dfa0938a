/**
 * The fleet's document: planned before the trunks when something that it reads has changed, stored and journalled like one
 * of them. What it holds back counts at once; what a person changes counts when it is on disk.
 */
import { fleetFromDurable, fleetToDurable, planFleet } from '../core/fleet.ts'
import type { EpochMs } from '../core/topology.ts'
import { NEW_FLEET } from '../core/world.ts'
import type { FleetState } from '../core/world.ts'
import type { Clock, JournalRecord, Log, Store, StoreEntry } from '../ports.ts'
import type { WorldHolder } from './world-holder.ts'

export interface FleetDesk {
  load(entry: StoreEntry | undefined): void
  /** Something that it reads may be different now. */
  mark(): void
  /** Plans if it has to. True: the id was used, and every trunk has to be planned anew. */
  turn(freshId: string): boolean
  wakeAtMs(): EpochMs | null
  clockSet(byMs: number): void
  /** A person's change, journalled; false: the store did not take it, and nothing was changed. */
  change(alter: (fleet: FleetState) => FleetState, record: JournalRecord): Promise<boolean>
  /** Resolves when everything so far was stored, or was not taken. */
  settled(): Promise<void>
}

const KEY = 'fleet'
const RETRY_MS = 1000

export function createFleetDesk (holder: WorldHolder, ports: { readonly clock: Clock; readonly store: Store; readonly log: Log }): FleetDesk {
  const { clock, store, log } = ports
  let marked = true
  let wakeAtMs: EpochMs | null = null
  let revision = 0
  let stored = JSON.stringify(fleetToDurable(NEW_FLEET))
  let notes: JournalRecord[] = []
  let work: Promise<unknown> = Promise.resolve()

  /** One commit after the other: each needs the revision of the one before. */
  const inTurn = <T>(job: () => Promise<T>): Promise<T> => {
    const done = work.then(job)
    work = done.catch((error: unknown) => { log.error({ err: error }, 'fleet not stored') })
    return done
  }

  const write = async (fleet: FleetState, lines: readonly JournalRecord[]): Promise<boolean> => {
    const document = JSON.stringify(fleetToDurable(fleet))
    const result = await store.commit([{ key: KEY, value: JSON.parse(document), expect: revision }], lines)
    if (!result.ok) {
      log.error({ reason: result.reason, detail: result.reason === 'conflict' ? result.key : result.detail }, 'fleet not stored')
      // A commit that was reported as failed had reached the disk. What is known here was never taken back, so it counts.
      if (result.reason === 'conflict') revision = (await store.read(KEY)).find((entry) => entry.key === KEY)?.revision ?? 0
      return false
    }
    revision = result.revision
    stored = document
    return true
  }

  const keep = async (): Promise<void> => {
    if (JSON.stringify(fleetToDurable(holder.world.fleet)) === stored && notes.length === 0) return
    const lines = notes
    notes = []
    if (await write(holder.world.fleet, lines)) return
    notes = [...lines, ...notes]
    marked = true
    wakeAtMs = clock.now() + RETRY_MS
  }

  return {
    load: (entry) => {
      if (entry === undefined) {
        holder.setFleet(fleetFromDurable(NEW_FLEET, clock.now()))
        return
      }
      revision = entry.revision
      stored = JSON.stringify(entry.value)
      holder.setFleet(fleetFromDurable(entry.value as FleetState, clock.now()))
    },
    mark: () => { marked = true },
    turn: (freshId) => {
      const nowMs = clock.now()
      const isDue = wakeAtMs !== null && wakeAtMs <= nowMs
      if (!marked && !isDue) return false
      marked = false
      const step = planFleet(holder.world, freshId, nowMs, holder.heldByBrake())
      holder.setFleet(step.state)
      wakeAtMs = step.wakeAtMs
      for (const { decision, type, data } of step.notes) {
        notes.push({ decision, atMs: nowMs, trunk: null, type, data })
        log.warn({ decision, ...data }, type)
      }
      if (notes.length > 0 || JSON.stringify(fleetToDurable(step.state)) !== stored) void inTurn(keep)
      return step.notes.length > 0
    },
    wakeAtMs: () => wakeAtMs,
    clockSet: (byMs) => { if (wakeAtMs !== null) wakeAtMs += byMs },
    change: (alter, record) => inTurn(async () => {
      if (!await write(alter(holder.world.fleet), [record])) return false
      holder.setFleet(alter(holder.world.fleet))
      marked = true
      return true
    }),
    settled: async () => { await work }
  }
}
