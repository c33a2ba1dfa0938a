/**
 * The loop: plan what changed or is due, store state and journal in one commit, then let the actions go. Level-triggered:
 * everything that happens only marks a trunk; nothing is sent that is not on disk before.
 */
import { fromDurable, isTrunkDocument, toDurable } from '../core/durable.ts'
import type { DriverFailure } from '../core/observation.ts'
import { recordCommandEnd } from '../core/observe.ts'
import { recordPlan } from '../core/record-plan.ts'
import type { Action, Note } from '../core/plan.ts'
import type { Held } from '../core/report.ts'
import type { DurationMs, EpochMs, TrunkId } from '../core/topology.ts'
import type { TrunkState } from '../core/world.ts'
import type { Clock, CommitResult, JournalRecord, Log, Metrics, Random, Revision, Store, StoreWrite } from '../ports.ts'
import type { Executor } from './executor.ts'
import type { FleetDesk } from './fleet-desk.ts'
import type { Querier } from './querier.ts'
import type { WorldHolder } from './world-holder.ts'

export interface ControllerPorts {
  readonly clock: Clock
  readonly random: Random
  readonly store: Store
  readonly metrics: Metrics
  readonly log: Log
}

export interface Controller {
  /** These trunks have to be planned anew. */
  mark(trunks: Iterable<TrunkId>): void
  markAll(): void
  /** The wall clock was set: what is due keeps its distance to now. */
  clockSet(byMs: DurationMs): void
  run(signal: AbortSignal): Promise<void>
  /** Vetoes and waits of the last plan. */
  heldOf(trunk: TrunkId): Held
  /**
   * Between two plans of a trunk: `judge` looks at its state, what it answers is stored together with its journal line, and
   * only then it counts. When the store does not take it nothing has changed.
   */
  order(trunk: TrunkId, judge: () => Order): Promise<CommitResult>
  /** Journals one line about a trunk with its next commit. */
  note(trunk: TrunkId, note: { readonly decision: string; readonly type: string; readonly data: Readonly<Record<string, unknown>> }): void
  /** Revisions of the stored trunk documents, as loaded. */
  load(revisions: ReadonlyMap<TrunkId, Revision>): void
  newDecision(): string
  /** Plans made since the last call turned; the loop lives. */
  lastTurnMs(): number
  /** Resolves when everything marked so far was planned and stored. */
  settled(): Promise<void>
}

/** What a person's order comes to. */
export interface Order {
  /** Null: it was refused, and only its line is written. Applied to whatever the state is when it is stored. */
  readonly change: ((state: TrunkState) => TrunkState) | null
  readonly line: JournalRecord
  /** Further documents of the same commit. */
  readonly writes: readonly StoreWrite[]
}

const NOT_STORED: DriverFailure = { ok: false, reason: 'local-error', detail: 'the journal could not be written', effect: 'none' }
const NOTHING_HELD: Held = { vetoes: [], waits: [] }
/** The loop turns at least this often. */
const IDLE_MS = 5000

interface Desk {
  revision: Revision
  stored: string
  /** Journal lines that wait for a commit. */
  notes: JournalRecord[]
  wakeAtMs: EpochMs | null
  /** What stands in the store is not what was written last. */
  isOutdated: boolean
  /** Why the last commit failed; told once. */
  failure: string | null
  held: Held
  /** Ends when nobody works on the trunk any more; null: nobody does. */
  busy: Promise<void> | null
}

export function createController (holder: WorldHolder, fleet: FleetDesk, executor: Executor, registrar: Pick<Querier, 'ask' | 'change'>, ports: ControllerPorts): Controller {
  const { clock, random, store, metrics, log } = ports
  const { world } = holder
  const desks = new Map<TrunkId, Desk>()
  const dirty = new Set<TrunkId>()
  const working = new Set<Promise<void>>()
  let wake: AbortController = new AbortController()
  let turnedMs = clock.monotonicMs()
  let fresh = ''

  const desk = (id: TrunkId): Desk => {
    const known = desks.get(id)
    if (known !== undefined) return known
    const made: Desk = { revision: 0, stored: '', notes: [], wakeAtMs: null, isOutdated: false, failure: null, held: NOTHING_HELD, busy: null }
    desks.set(id, made)
    return made
  }
  const newDecision = (): string => `${Math.floor(clock.now() / 1000).toString(36)}-${random.hex(4)}`
  const mark = (trunks: Iterable<TrunkId>): void => {
    for (const id of trunks) dirty.add(id)
    wake.abort()
  }
  const addNote = (id: TrunkId, note: { readonly decision: string; readonly type: string; readonly data: Readonly<Record<string, unknown>> }, atMs: EpochMs): void => {
    desk(id).notes.push({ decision: note.decision, atMs, trunk: id, type: note.type, data: note.data })
  }

  const plan = (id: TrunkId, nowMs: EpochMs): ReturnType<typeof recordPlan> => {
    if (fresh === '') fresh = newDecision()
    const step = recordPlan(world, id, fresh, nowMs)
    const used = step.state.open?.id === fresh || step.state.inFlight?.decision === fresh || step.notes.some((n) => n.decision === fresh)
    if (used) fresh = ''
    return step
  }

  const planFleet = (): void => {
    if (fresh === '') fresh = newDecision()
    if (!fleet.turn(fresh)) return
    fresh = ''
    for (const id of world.topology.trunks.keys()) dirty.add(id)
  }

  /** Only one at a time per trunk. */
  const alone = async <T>(id: TrunkId, work: (own: Desk) => Promise<T>): Promise<T> => {
    const own = desk(id)
    while (own.busy !== null) await own.busy
    const { promise, resolve } = Promise.withResolvers<void>()
    own.busy = promise
    try {
      if (own.isOutdated) await catchUp(id, own)
      return await work(own)
    } finally {
      own.busy = null
      resolve()
      // What fell due meanwhile was passed over.
      if (dirty.has(id) || own.wakeAtMs !== null) wake.abort()
    }
  }

  /**
   * A commit that was reported as failed had reached the disk, or somebody else has written: what stands there counts, as
   * after a restart. Nothing of it was sent by us; what was sent by another one is read back.
   */
  const catchUp = async (id: TrunkId, own: Desk): Promise<void> => {
    const key = `trunk/${id}`
    const entry = (await store.read(key)).find((found) => found.key === key)
    const document = entry?.value
    const page = await store.journal({ trunk: id, order: 'newest-first', limit: own.notes.length + 100 })
    if (document !== undefined && !isTrunkDocument(document)) throw new Error(`the stored state of trunk ${id} can't be read`)
    const known = new Set(page.records.map((record) => JSON.stringify(record)))
    own.notes = own.notes.filter((note) => !known.has(JSON.stringify(note)))
    own.revision = entry?.revision ?? 0
    own.stored = ''
    own.isOutdated = false
    const trunk = world.topology.trunks.get(id)
    if (document !== undefined && trunk !== undefined) holder.setTrunk(id, fromDurable(document, trunk.interfaces.map((i) => i.key), clock.now()))
    log.warn({ trunk: id, revision: own.revision }, 'state read again from the store')
  }

  /** One trunk: plan, store, act. */
  const turn = (id: TrunkId): Promise<void> => alone(id, async (own) => {
    const nowMs = clock.now()
    const step = plan(id, nowMs)
    holder.setTrunk(id, step.state)
    own.held = { vetoes: step.vetoes, waits: step.waits }
    own.wakeAtMs = step.wakeAtMs
    // One incident too many: the fleet engages the brake.
    if (step.state.open?.held === 'brake') fleet.mark()
    for (const line of step.lines) addNote(id, line, nowMs)
    for (const note of step.notes) tell(id, note)
    const durable = JSON.stringify(toDurable(step.state))
    const stored = (durable === own.stored && own.notes.length === 0) || (await keep(id, own, durable)).ok
    if (stored) for (const action of step.actions) act(id, action)
    else drop(id, step.actions)
  })

  const order = (id: TrunkId, judge: () => Order): Promise<CommitResult> => alone(id, async (own) => {
    const { change, line, writes } = judge()
    const before = world.trunks.get(id)
    // A reload took it away while the order waited.
    if (before === undefined) return await store.commit([], [line])
    const result = await keep(id, own, JSON.stringify(toDurable(change?.(before) ?? before)), [line], writes)
    const now = world.trunks.get(id)
    if (result.ok && change !== null && now !== undefined) holder.setTrunk(id, change(now))
    if (result.ok) mark([id])
    return result
  })

  /** Stores the document and all lines that wait. @param more - lines that are forgotten when it fails */
  const keep = async (id: TrunkId, own: Desk, durable: string, more: readonly JournalRecord[] = [], writes: readonly StoreWrite[] = []): Promise<CommitResult> => {
    const notes = own.notes
    own.notes = []
    const result = await store.commit([{ key: `trunk/${id}`, value: JSON.parse(durable), expect: own.revision }, ...writes], [...notes, ...more])
    if (result.ok) {
      own.revision = result.revision
      own.stored = durable
      own.failure = null
      return result
    }
    own.notes = [...notes, ...own.notes]
    own.isOutdated = result.reason === 'conflict'
    own.wakeAtMs = clock.now() + 1000
    const detail = result.reason === 'conflict' ? result.key : result.detail
    if (detail !== own.failure) log.error({ trunk: id, reason: result.reason, detail }, 'state not stored, nothing is sent')
    own.failure = detail
    return result
  }

  const act = (id: TrunkId, action: Action): void => {
    const { trunks } = world.topology
    if (action.kind === 'observe') { executor.observe(action.gateway); return }
    if (action.kind === 'query') { registrar.ask(action.trunk); return }
    if (action.kind === 'fence' || action.kind === 'swap') {
      registrar.change(action)
      return
    }
    const iface = trunks.get(id)?.interfaces.find((i) => i.key === action.interface)
    if (iface === undefined) return
    if (action.kind === 'apply') executor.apply(iface.gateway, iface.name, action.desired, action.decision, action.notAfterMs)
    else executor.reregister(iface.gateway, iface.name, action.decision)
  }

  /** What was not journalled is not sent: its commands end without effect. */
  const drop = (id: TrunkId, actions: readonly Action[]): void => {
    const nowMs = clock.now()
    for (const action of actions) {
      const state = world.trunks.get(id)
      if (state === undefined) continue
      if (action.kind === 'fence' || action.kind === 'swap') holder.rebound(id, action.decision, { kind: 'dropped' }, nowMs)
      else if (action.kind === 'apply') holder.setTrunk(id, recordCommandEnd(state, action.interface, NOT_STORED, nowMs))
    }
  }

  const tell = (id: TrunkId, note: Note): void => {
    log.info({ trunk: id, decision: note.decision, ...note.data }, note.type)
    if (note.type === 'expired') metrics.increment('pointsman_approvals_expired_total', { trunk: id })
    if (note.type !== 'ended') return
    const result = String(note.data['result'])
    const good = result === 'verified' || result === 'unverifiable'
    if (good) metrics.increment('pointsman_switchovers_total', { trunk: id, cause: String(note.data['cause']) })
    else metrics.increment('pointsman_switchover_failures_total', { trunk: id, reason: result })
    metrics.observe('pointsman_switchover_duration_seconds', Number(note.data['durationMs']) / 1000)
  }

  const due = (nowMs: EpochMs): TrunkId[] => {
    for (const [id, own] of desks) {
      // A trunk that left the configuration is due no more; its desk keeps the revision, in case it comes back.
      if (!world.topology.trunks.has(id)) own.wakeAtMs = null
      if (own.wakeAtMs !== null && own.wakeAtMs <= nowMs) dirty.add(id)
    }
    for (const id of dirty) if (!world.topology.trunks.has(id)) dirty.delete(id)
    return [...dirty].filter((id) => desks.get(id)?.busy == null)
  }

  const nextWake = (nowMs: EpochMs): number => {
    let at = Math.min(nowMs + IDLE_MS, fleet.wakeAtMs() ?? Infinity)
    for (const own of desks.values()) if (own.wakeAtMs !== null && own.busy === null) at = Math.min(at, own.wakeAtMs)
    return Math.max(0, at - nowMs)
  }

  return {
    mark,
    markAll: () => { mark(world.topology.trunks.keys()) },
    clockSet: (byMs) => {
      for (const own of desks.values()) if (own.wakeAtMs !== null) own.wakeAtMs += byMs
      fleet.clockSet(byMs)
    },
    run: async (signal) => {
      signal.addEventListener('abort', () => { wake.abort() }, { once: true })
      while (!signal.aborted) {
        wake = new AbortController()
        turnedMs = clock.monotonicMs()
        // Before the trunks: they are judged by it.
        planFleet()
        for (const id of due(clock.now())) {
          dirty.delete(id)
          desk(id).wakeAtMs = null
          const work = turn(id).catch((error: unknown) => {
            log.error({ trunk: id, err: error }, 'plan failed')
            desk(id).wakeAtMs = clock.now() + IDLE_MS
          })
          working.add(work)
          void work.finally(() => { working.delete(work) })
        }
        const waiting = [...dirty].some((id) => desks.get(id)?.busy == null)
        if (!waiting) await clock.sleep(nextWake(clock.now()), wake.signal)
      }
      await Promise.all([...working, fleet.settled()])
    },
    order,
    heldOf: (id) => desks.get(id)?.held ?? NOTHING_HELD,
    note: (id, note) => {
      addNote(id, note, clock.now())
      mark([id])
    },
    load: (revisions) => { for (const [id, revision] of revisions) desk(id).revision = revision },
    newDecision,
    lastTurnMs: () => turnedMs,
    settled: async () => {
      do { await Promise.all([...working, fleet.settled()]) } while (working.size > 0)
    }
  }
}
