/** A plan with all that the journal says of it. */
import { RECORDED_WITH_SNAPSHOT } from './record-types.ts'
import type { RecordType } from './record-types.ts'
import type { Note, Step } from './plan.ts'
import { planTrunk } from './planner.ts'
import { takeSnapshot } from './snapshot.ts'
import type { Snapshot } from './snapshot.ts'
import { trunkHealth } from './trunk-health.ts'
import type { Verdict } from './status.ts'
import type { EpochMs, InterfaceKey, TrunkId } from './topology.ts'
import { interfaceState } from './world.ts'
import type { TrunkState, World } from './world.ts'

/** One interface as a person would describe it. */
export interface InterfaceThen {
  /** As read last; null: never read. */
  readonly enabled: boolean | null
  readonly registered: boolean | null
  readonly health: Verdict
}

/** A line for the journal; the engine adds trunk and time: the instant of the plan, for all of its lines. */
export interface Line {
  readonly decision: string
  readonly type: RecordType
  readonly data: Readonly<Record<string, unknown>>
}

/** The data of a `snapshot` record. It stands before the plan's own records. */
export interface RecordedSnapshot extends Snapshot {
  /** How many records of the same plan follow it. */
  readonly records: number
}

/**
 * Plans one trunk (planner.ts). Its notes say how the interfaces were before a switchover and are after it.
 * @returns `lines`: what to journal, the notes included; a decision that was opened, judged or dropped comes with a snapshot
 */
export function recordPlan (world: World, id: TrunkId, freshId: string, nowMs: EpochMs): Step & { readonly lines: readonly Line[] } {
  const step = planTrunk(world, id, freshId, nowMs)
  if (step.notes.length === 0) return { ...step, lines: [] }
  const before = world.trunks.get(id)
  const notes = step.notes.map((note): Note => {
    if (note.type === 'admitted' && before !== undefined) return { ...note, data: { ...note.data, before: interfacesOf(world, id, before, nowMs) } }
    if (note.type === 'ended') return { ...note, data: { ...note.data, after: interfacesOf(world, id, step.state, nowMs) } }
    return note
  })
  const judged = notes.find(({ type }) => RECORDED_WITH_SNAPSHOT.has(type))
  if (judged === undefined) return { ...step, notes, lines: notes }
  const data: RecordedSnapshot = { records: notes.length, ...takeSnapshot(world, id, freshId, nowMs) }
  return { ...step, notes, lines: [{ decision: judged.decision, type: 'snapshot', data: { ...data } }, ...notes] }
}

function interfacesOf (world: World, id: TrunkId, state: TrunkState, nowMs: EpochMs): Readonly<Record<InterfaceKey, InterfaceThen>> {
  const trunk = world.topology.trunks.get(id)
  if (trunk === undefined) return {}
  return Object.fromEntries([...trunkHealth(world, trunk, state, nowMs)].map(([key, health]) => [key, {
    enabled: health.enabled,
    registered: interfaceState(state, key).observed?.registered ?? null,
    health: health.verdict
  }]))
}
