/**
 * The loop: plan what changed or is due, store state and journal in one commit, then let the writes go. Level-triggered:
 * everything that happens only marks a trunk; nothing is sent that is not on disk before. Reads change nothing, so they
 * don't wait for the disk.
 */
import { fromDurable, isTrunkDocument, toDurable } from '../core/durable.ts'
import { recordPlan } from '../core/record-plan.ts'
import type { Action, Note } from '../core/plan.ts'
import type { Held } from '../core/report.ts'
import { shiftInstants } from '../core/shift.ts'
import { takeBack } from '../core/take-back.ts'
import type { DurationMs, EpochMs, TrunkId } from '../core/topology.ts'
import type { TrunkState, World } from '../core/world.ts'
import type { Clock, CommitResult, JournalRecord, Log, Metrics, Random, Revision, Store, StoreWrite } from '../ports.ts'
import { createAgenda } from './agenda.ts'
import { commitTo } from './commit.ts'
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
  /**
   * Plans these trunks as if `alerts` were known, for the commit that stores those alerts: what follows from a notification
   * is on disk with it, by one sync. A trunk with another step on its way is left out: mark it afterwards.
   */
  join(trunks: Iterable<TrunkId>, alerts: World['alertsByTrunk']): ReadonlyMap<TrunkId, Departure>
  run(signal: AbortSignal): Promise<void>
  /** Vetoes and waits of the last plan. */
  heldOf(trunk: TrunkId): Held
  /**
   * Between two plans of a trunk: `judge` looks at its state, what it answers is stored together with its journal line, and
   * only then it counts. When the store does not take it nothing has changed.
   */
  order(trunk: TrunkId, judge: () => Order): Promise<CommitResult>
  /** Journals one line about a trunk with its next commit. */
  note(trunk: TrunkId, note: Line): void
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

/** A line for the journal; trunk and time are added. */
interface Line { readonly decision: string; readonly type: string; readonly data: Readonly<Record<string, unknown>> }

/** A step that has to be stored before anything of it is sent. */
export interface Departure {
  readonly writes: readonly StoreWrite[]
  readonly journal: readonly JournalRecord[]
  /** To be called with what became of the commit. */
  end(result: CommitResult): void
}

type Failed = Extract<CommitResult, { ok: false }>

const NOTHING_HELD: Held = { vetoes: [], waits: [] }
/** A state that could not be stored is planned anew after this. */
const RETRY_MS = 1000
/** Reason of a wake. Without one, each abort makes an exception with a stack that nobody reads. */
const MARKED = 'marked'
/** The loop turns at least this often. */
const IDLE_MS = 5000
/** So long trunks are planned without a break: probes, requests and timers have their turn in between. */
const SLICE_MS = 2

interface Desk {
  revision: Revision
  stored: string
  /** Journal lines that wait for a commit. */
  notes: JournalRecord[]
  /** What stands in the store is not what was written last. */
  isOutdated: boolean
  /** Why the last commit failed; told once. */
  failure: string | null
  held: Held
  /** Ends when nobody works on the trunk any more; null: nobody does. */
  busy: Promise<void> | null
  /** The step that is on its way to the disk: the state before it, and with it. */
  underWay: { readonly before: TrunkState; readonly planned: TrunkState } | null
}

export function createController (holder: WorldHolder, fleet: FleetDesk, executor: Executor, registrar: Pick<Querier, 'ask' | 'change'>, ports: ControllerPorts): Controller {
  const { clock, random, store, metrics, log } = ports
  const { world } = holder
  const desks = new Map<TrunkId, Desk>()
  const agenda = createAgenda()
  const working = new Set<Promise<void>>()
  let wake: AbortController = new AbortController()
  let turnedMs = clock.monotonicMs()
  let fresh = ''
  let running = false

  const desk = (id: TrunkId): Desk => {
    const known = desks.get(id)
    if (known !== undefined) return known
    const made: Desk = { revision: 0, stored: '', notes: [], isOutdated: false, failure: null, held: NOTHING_HELD, busy: null, underWay: null }
    desks.set(id, made)
    return made
  }
  const newDecision = (): string => `${Math.floor(clock.now() / 1000).toString(36)}-${random.hex(4)}`
  const mark = (trunks: Iterable<TrunkId>): void => {
    for (const id of trunks) agenda.mark(id)
    wake.abort(MARKED)
  }
  const recordOf = (id: TrunkId, line: Line, atMs: EpochMs): JournalRecord => ({ decision: line.decision, atMs, trunk: id, type: line.type, data: line.data })

  const plan = (view: World, id: TrunkId, nowMs: EpochMs): ReturnType<typeof recordPlan> => {
    if (fresh === '') fresh = newDecision()
    const step = recordPlan(view, id, fresh, nowMs)
    const used = step.state.open?.id === fresh || step.state.inFlight?.decision === fresh || step.notes.some((n) => n.decision === fresh)
    if (used) fresh = ''
    return step
  }

  const planFleet = (): void => {
    if (fresh === '') fresh = newDecision()
    if (!fleet.turn(fresh)) return
    fresh = ''
    for (const id of world.topology.trunks.keys()) agenda.mark(id)
  }

  /** Takes the trunk: one piece of work at a time. @returns what gives it back */
  const occupy = (id: TrunkId, own: Desk): () => void => {
    const { promise, resolve } = Promise.withResolvers<void>()
    own.busy = promise
    return () => {
      own.busy = null
      resolve()
      agenda.release(id)
      // What fell due meanwhile was passed over.
      if (agenda.has(id)) wake.abort(MARKED)
    }
  }

  const alone = async <T>(id: TrunkId, work: (own: Desk) => Promise<T>): Promise<T> => {
    const own = desk(id)
    while (own.busy !== null) await own.busy
    const release = occupy(id, own)
    try {
      if (own.isOutdated) await catchUp(id, own)
      return await work(own)
    } finally {
      release()
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

  /**
   * Plans one trunk. What only reads begins at once, everything else waits for `end`. The step counts in memory meanwhile,
   * so that nothing that happens now is lost.
   */
  const begin = (view: World, id: TrunkId, own: Desk): Departure => {
    const nowMs = clock.now()
    agenda.clear(id)
    const before = world.trunks.get(id)
    // As it is now, so that the plan's own looks copy nothing.
    if (before !== undefined) holder.setTrunk(id, before)
    const step = plan(view, id, nowMs)
    const document = toDurable(step.state)
    const text = JSON.stringify(document)
    const earlier = own.notes
    const journal = [...earlier, ...step.lines.map((line) => recordOf(id, line, nowMs))]
    const isNews = text !== own.stored || journal.length > 0
    own.notes = []
    holder.setTrunk(id, step.state)
    own.held = { vetoes: step.vetoes, waits: step.waits }
    agenda.wakeAt(id, step.wakeAtMs)
    own.underWay = { before: before ?? step.state, planned: step.state }
    // One incident too many: the fleet engages the brake.
    if (step.state.open?.held === 'brake') fleet.mark()
    const stored = Promise.withResolvers<boolean>()
    for (const action of step.actions) act(id, action, stored.promise)
    // After the caller has handed the step to the store: writing the log and syncing the disk take place side by side.
    queueMicrotask(() => { for (const note of step.notes) log.info({ trunk: id, decision: note.decision, ...note.data }, note.type) })
    return {
      writes: isNews ? [{ key: `trunk/${id}`, value: document, expect: own.revision }] : [],
      journal,
      end: (result) => {
        if (!result.ok) fail(id, own, earlier, result)
        else {
          if (isNews) Object.assign(own, { revision: result.revision, stored: text, failure: null })
          for (const note of step.notes) count(id, note)
        }
        own.underWay = null
        stored.resolve(result.ok)
      }
    }
  }

  /** What is not on disk has not happened, and nothing of it is sent. */
  const fail = (id: TrunkId, own: Desk, earlier: readonly JournalRecord[], result: Failed): void => {
    const state = world.trunks.get(id)
    if (state !== undefined && own.underWay !== null) holder.setTrunk(id, takeBack(own.underWay.before, own.underWay.planned, state))
    notStored(id, own, earlier, result)
  }

  /** The lines that waited go on waiting, and the trunk is planned anew soon. */
  const notStored = (id: TrunkId, own: Desk, lines: readonly JournalRecord[], result: Failed): void => {
    own.notes = [...lines, ...own.notes]
    own.isOutdated = result.reason === 'conflict' && result.key === `trunk/${id}`
    agenda.wakeAt(id, clock.now() + RETRY_MS)
    const detail = result.reason === 'conflict' ? result.key : result.detail
    if (detail !== own.failure) log.error({ trunk: id, reason: result.reason, detail }, 'state not stored, nothing is sent')
    own.failure = detail
  }

  /** One trunk by itself: plan, store, act. */
  const turn = (id: TrunkId): Promise<void> => alone(id, async (own) => {
    const step = begin(world, id, own)
    step.end(step.writes.length === 0 ? { ok: true, revision: 0 } : await commitTo(store, step.writes, step.journal))
  })

  const planFailed = (id: TrunkId, error: unknown): void => {
    log.error({ trunk: id, err: error }, 'plan failed')
    agenda.wakeAt(id, clock.now() + IDLE_MS)
  }

  const order = (id: TrunkId, judge: () => Order): Promise<CommitResult> => alone(id, async (own) => {
    const { change, line, writes } = judge()
    const before = world.trunks.get(id)
    // A reload took it away while the order waited.
    if (before === undefined) return await commitTo(store, [], [line])
    const result = await keep(id, own, toDurable(change?.(before) ?? before), line, writes)
    const now = world.trunks.get(id)
    if (result.ok && change !== null && now !== undefined) holder.setTrunk(id, change(now))
    if (result.ok) mark([id])
    return result
  })

  /** Stores an order with all lines that wait. @param line - forgotten when it fails */
  const keep = async (id: TrunkId, own: Desk, document: TrunkState, line: JournalRecord, writes: readonly StoreWrite[]): Promise<CommitResult> => {
    const notes = own.notes
    own.notes = []
    const result = await commitTo(store, [{ key: `trunk/${id}`, value: document, expect: own.revision }, ...writes], [...notes, line])
    if (result.ok) Object.assign(own, { revision: result.revision, stored: JSON.stringify(document), failure: null })
    else notStored(id, own, notes, result)
    return result
  }

  /** A read begins at once, everything else when the step is on disk. */
  const act = (id: TrunkId, action: Action, stored: Promise<boolean>): void => {
    if (action.kind === 'observe') { executor.observe(action.gateway); return }
    const key = 'interface' in action ? action.interface : null
    const iface = world.topology.trunks.get(id)?.interfaces.find((i) => i.key === key)
    if (action.kind === 'apply') {
      if (iface !== undefined) executor.apply(iface.gateway, iface.name, action.desired, action.decision, action.notAfterMs, stored)
      return
    }
    void stored.then((isStored) => {
      if (!isStored) return
      if (action.kind === 'query') registrar.ask(action.trunk)
      else if (action.kind === 'fence' || action.kind === 'swap') registrar.change(action)
      else if (iface !== undefined) executor.reregister(iface.gateway, iface.name, action.decision)
    })
  }

  const count = (id: TrunkId, note: Note): void => {
    if (note.type === 'expired') metrics.increment('pointsman_approvals_expired_total', { trunk: id })
    if (note.type !== 'ended') return
    const result = String(note.data['result'])
    const good = result === 'verified' || result === 'unverifiable'
    if (good) metrics.increment('pointsman_switchovers_total', { trunk: id, cause: String(note.data['cause']) })
    else metrics.increment('pointsman_switchover_failures_total', { trunk: id, reason: result })
    metrics.observe('pointsman_switchover_duration_seconds', Number(note.data['durationMs']) / 1000)
  }

  const isFree = (id: TrunkId): boolean => desks.get(id)?.busy == null

  const nextWake = (): DurationMs => {
    const nowMs = clock.now()
    const at = Math.min(nowMs + IDLE_MS, fleet.wakeAtMs() ?? Infinity, agenda.nextAtMs() ?? Infinity)
    return Math.max(0, at - nowMs)
  }

  const start = (id: TrunkId): void => {
    agenda.clear(id)
    // It left the configuration. Its desk keeps the revision, in case it comes back.
    if (!world.topology.trunks.has(id)) return
    const work = turn(id).catch((error: unknown) => { planFailed(id, error) })
    working.add(work)
    void work.finally(() => { working.delete(work) })
  }

  return {
    mark,
    markAll: () => { mark(world.topology.trunks.keys()) },
    clockSet: (byMs) => {
      for (const own of desks.values()) own.underWay = shiftInstants(own.underWay, byMs)
      agenda.clockSet(byMs)
      fleet.clockSet(byMs)
    },
    join: (trunks, alerts) => {
      const departures = new Map<TrunkId, Departure>()
      if (!running) return departures
      planFleet()
      for (const id of trunks) {
        const own = desk(id)
        if (!world.trunks.has(id) || own.busy !== null || own.isOutdated) continue
        const release = occupy(id, own)
        try {
          // The view is made anew for each: the brake counts what those before it were admitted to.
          const { end, ...step } = begin({ ...world, alertsByTrunk: alerts }, id, own)
          departures.set(id, { ...step, end: (result) => { end(result); release() } })
        } catch (error) {
          planFailed(id, error)
          release()
        }
      }
      return departures
    },
    run: async (signal) => {
      running = !signal.aborted
      signal.addEventListener('abort', () => { wake.abort(MARKED) }, { once: true })
      let sliceMs = clock.monotonicMs()
      const isOver = (): boolean => clock.monotonicMs() - sliceMs > SLICE_MS
      const next = (): TrunkId | null => agenda.next(clock.now(), isFree)
      while (!signal.aborted) {
        wake = new AbortController()
        turnedMs = clock.monotonicMs()
        // Before the trunks: they are judged by it.
        planFleet()
        for (let id = next(); id !== null && !isOver(); id = next()) start(id)
        // Somebody was marked meanwhile: another turn at once, which leaves nobody else a turn.
        if (wake.signal.aborted && !isOver()) continue
        await (isOver() ? clock.sleep(0) : clock.sleep(nextWake(), wake.signal))
        sliceMs = clock.monotonicMs()
      }
      running = false
      await Promise.all([...working, fleet.settled()])
    },
    order,
    heldOf: (id) => desks.get(id)?.held ?? NOTHING_HELD,
    note: (id, note) => {
      desk(id).notes.push(recordOf(id, note, clock.now()))
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
