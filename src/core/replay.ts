/** Plans again what the journal has snapshots of: the same decisions again, or those of another configuration. */
import type { Step } from './plan.ts'
import { recordPlan } from './record-plan.ts'
import type { RecordedSnapshot } from './record-plan.ts'
import { restoreSnapshot, SNAPSHOT_FORMAT } from './snapshot.ts'
import type { EpochMs, InterfaceKey, Topology, TrunkId } from './topology.ts'
import type { SwitchoverCause } from './world.ts'

/** A journal record, as it was exported. */
export interface Recorded {
  readonly decision: string
  readonly atMs: EpochMs
  readonly trunk: TrunkId | null
  readonly type: string
  readonly data: Readonly<Record<string, unknown>>
}

/** What came of one plan. */
export interface Judged {
  readonly result: 'admitted' | 'held' | 'under-way' | 'nothing' | 'no-trunk'
  readonly from: InterfaceKey | null
  readonly to: InterfaceKey | null
  readonly cause: SwitchoverCause | null
  /** Names of the vetoes and waits that hold it. */
  readonly by: readonly string[]
}

/** One moment, planned again. */
export type Replayed = { readonly decision: string; readonly trunk: TrunkId; readonly atMs: EpochMs } & (
  | { readonly kind: 'same' }
  /** The records of then and those that this program would write now. */
  | { readonly kind: 'recorded-otherwise'; readonly was: readonly string[]; readonly now: readonly string[] }
  /** Under the other configuration. */
  | { readonly kind: 'judged-otherwise'; readonly was: Judged; readonly now: Judged }
  /** It can't be planned again. */
  | { readonly kind: 'unreadable'; readonly detail: string })

export interface Replay {
  /** Takes the next record, in the order of the journal; a moment is told when it is complete. */
  take(record: Recorded): readonly Replayed[]
  /** After the last one. */
  end(): readonly Replayed[]
}

interface Moment { readonly snapshot: Recorded; readonly records: readonly Recorded[] }

/** @param topology - judge by this configuration; null: by the one of then */
export function createReplay (topology: Topology | null): Replay {
  const open = new Map<TrunkId, Moment>()
  const close = (trunk: TrunkId): readonly Replayed[] => {
    const moment = open.get(trunk)
    open.delete(trunk)
    return moment === undefined ? [] : [replayed(moment, trunk, topology)]
  }
  return {
    take: (record) => {
      const { trunk } = record
      if (trunk === null) return []
      const cut = record.type === 'snapshot' ? close(trunk) : []
      const moment = record.type === 'snapshot' ? { snapshot: record, records: [] } : open.get(trunk)
      if (moment === undefined) return cut
      const next = record.type === 'snapshot' ? moment : { ...moment, records: [...moment.records, record] }
      open.set(trunk, next)
      return next.records.length < countOf(next) && record.atMs === next.snapshot.atMs ? cut : [...cut, ...close(trunk)]
    },
    end: () => [...open.keys()].flatMap(close)
  }
}

function countOf ({ snapshot }: Moment): number {
  return Number(snapshot.data['records'])
}

function replayed (moment: Moment, trunk: TrunkId, topology: Topology | null): Replayed {
  const { decision, atMs } = moment.snapshot
  const head = { decision, trunk, atMs }
  try {
    const snapshot = snapshotOf(moment)
    const world = restoreSnapshot(snapshot, null)
    if (world === null) throw new Error('the snapshot has no trunk')
    const again = recordPlan(world, trunk, snapshot.freshId, atMs)
    if (topology !== null) return { ...head, ...compareJudged(judgedOf(again), judgedUnder(snapshot, topology)) }
    const was = moment.records.map(lineOf)
    const now = again.notes.map(lineOf)
    return was.join('\n') === now.join('\n') ? { ...head, kind: 'same' } : { ...head, kind: 'recorded-otherwise', was, now }
  } catch (error) {
    return { ...head, kind: 'unreadable', detail: error instanceof Error ? error.message : String(error) }
  }
}

function snapshotOf (moment: Moment): RecordedSnapshot {
  const { snapshot, records } = moment
  if (snapshot.data['format'] !== SNAPSHOT_FORMAT) throw new Error(`a snapshot of the format ${String(snapshot.data['format'])}; this Pointsman reads ${SNAPSHOT_FORMAT}`)
  if (records.length !== countOf(moment) || records.some(({ atMs }) => atMs !== snapshot.atMs)) throw new Error('the records after its snapshot are not all there; export the journal without --type and --decision')
  return snapshot.data as unknown as RecordedSnapshot
}

function judgedUnder (snapshot: RecordedSnapshot, topology: Topology): Judged {
  const world = restoreSnapshot(snapshot, topology)
  const { id } = snapshot.topology.trunk
  return world === null ? { result: 'no-trunk', from: null, to: null, cause: null, by: [] } : judgedOf(recordPlan(world, id, snapshot.freshId, snapshot.atMs))
}

function judgedOf ({ notes, state, vetoes, waits }: Step): Judged {
  const by = [...vetoes.map((veto) => veto.interlock), ...waits.map((wait) => wait.reason)]
  const admitted = notes.find(({ type }) => type === 'admitted')
  if (admitted !== undefined) return { result: 'admitted', from: nameOf(admitted.data['from']), to: nameOf(admitted.data['to']), cause: admitted.data['cause'] as SwitchoverCause, by: [] }
  if (state.inFlight !== null) return { result: 'under-way', from: state.inFlight.from, to: state.inFlight.to, cause: state.inFlight.cause, by }
  return state.open === null ? { result: 'nothing', from: null, to: null, cause: null, by: [] } : { result: 'held', from: state.open.from, to: state.open.to, cause: state.open.cause, by }
}

function compareJudged (was: Judged, now: Judged): { readonly kind: 'same' } | { readonly kind: 'judged-otherwise'; readonly was: Judged; readonly now: Judged } {
  return JSON.stringify(was) === JSON.stringify(now) ? { kind: 'same' } : { kind: 'judged-otherwise', was, now }
}

function nameOf (value: unknown): InterfaceKey | null {
  return typeof value === 'string' ? value : null
}

/** What a record says, apart from trunk and time. The same program writes the same text. */
function lineOf ({ decision, type, data }: Pick<Recorded, 'decision' | 'type' | 'data'>): string {
  return JSON.stringify({ decision, type, data })
}
