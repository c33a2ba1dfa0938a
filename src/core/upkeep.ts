/** The steady care of a trunk: how often its gateways are read and its registrar is asked, and one REGISTER a minute while refuted. */
import { PRE_FLIGHT_MS } from './interlocks/target.ts'
import { earlier } from './plan.ts'
import { maySend } from './permission.ts'
import type { Action, Note } from './plan.ts'
import { readings } from './reading.ts'
import { shouldBeOn } from './resting.ts'
import { gatewayOf } from './trunk-health.ts'
import type { InterfaceHealth } from './trunk-health.ts'
import type { EpochMs, InterfaceKey, TrunkTopology } from './topology.ts'
import type { TrunkState, World } from './world.ts'

/** While something is changing, gateways are read at least this often. */
const CHANGING_READ_MS = 1000
/** While a switchover may be asked for at any moment: often enough that its pre-flight finds fresh reads and can act at once. */
const READY_READ_MS = PRE_FLIGHT_MS - 1000
const REREGISTER_MS = 60_000
/** An un-REGISTER takes a round trip, a first REGISTER with its challenge a few. */
const AFTER_PHASE_MS = { proving: 200, verifying: 1000 } as const

export interface Care { readonly state: TrunkState; readonly actions: readonly Action[]; readonly notes: readonly Note[]; readonly wakeAtMs: EpochMs | null }

/** `changing`: evidence is in transition, or a wait, a switchover or a debt is under way; `doubt`: a firing alert names the trunk, or a gateway has a fresh alarm. */
export type Mood = 'calm' | 'doubt' | 'changing'

export function attend (world: World, trunk: TrunkTopology, before: TrunkState, health: ReadonlyMap<InterfaceKey, InterfaceHealth>, mood: Mood, nowMs: EpochMs): Care {
  const actions: Action[] = []
  let wakeAtMs: EpochMs | null = null
  let state = before
  const mayMove = mood === 'doubt' || [...health.values()].some((h) => shouldBeOn(state, h.key) && h.verdict === 'down')
  const everyMs = mood === 'changing' ? CHANGING_READ_MS : mayMove ? READY_READ_MS : null
  // A switchover asks for the reads that it needs.
  if (everyMs !== null && state.inFlight === null) {
    const steadyMs = Math.min(...trunk.interfaces.map((iface) => gatewayOf(world.topology, iface).observe.intervalMs))
    const reads = readings(world, trunk, state, trunk.interfaces.map((iface) => iface.key), Math.min(everyMs, steadyMs), nowMs)
    actions.push(...reads.actions)
    wakeAtMs = Math.max(reads.dueMs ?? 0, nowMs + everyMs / 2)
  }
  const queryMs = queryDueAt(trunk, state, mood !== 'calm')
  if (queryMs !== null) {
    if (nowMs >= queryMs) {
      actions.push({ kind: 'query', trunk: trunk.id })
      state = { ...state, queriedAtMs: nowMs }
    }
    wakeAtMs = earlier(wakeAtMs, queryDueAt(trunk, state, mood !== 'calm'))
  }
  return reregister(world, trunk, state, health, actions, wakeAtMs, nowMs)
}

/** Gentle with a live account: 5 s apart on doubt, else minutes; never after a refusal; Retry-After is honoured. */
export function queryDueAt (trunk: TrunkTopology, state: TrunkState, doubt: boolean): EpochMs | null {
  const query = trunk.registration.query
  if (query === null || state.queryRefused) return null
  const intervalMs = doubt ? Math.min(query.doubtIntervalMs, query.intervalMs) : query.intervalMs
  const dueMs = Math.min((state.queriedAtMs ?? 0) + intervalMs, extraQueryAt(state))
  return Math.max(dueMs, state.queryNotBeforeMs)
}

/** One question as soon as its answer can be new: after the old interface went off, and after the new one came on. */
function extraQueryAt (state: TrunkState): EpochMs {
  const run = state.inFlight
  if (run === null || (run.phase !== 'proving' && run.phase !== 'verifying')) return Infinity
  const atMs = run.phaseSinceMs + AFTER_PHASE_MS[run.phase]
  return (state.queriedAtMs ?? 0) < atMs ? atMs : Infinity
}

/** A move that ended refuted with nothing better left: the wanted interface registers anew once a minute. */
function reregister (world: World, trunk: TrunkTopology, state: TrunkState, health: ReadonlyMap<InterfaceKey, InterfaceHealth>, actions: readonly Action[], wakeAtMs: EpochMs | null, nowMs: EpochMs): Care {
  const wanted = trunk.interfaces.find((i) => i.key === state.wanted)
  const its = wanted === undefined ? undefined : health.get(wanted.key)
  const { refuted } = state
  const idle: Care = { state, actions, notes: [], wakeAtMs }
  if (refuted === null || wanted === undefined || its === undefined || state.inFlight !== null || !maySend(world, trunk, state, nowMs)) return idle
  if (its.verdict === 'up') return { ...idle, state: { ...state, refuted: null } }
  const dueMs = Math.max(refuted.sinceMs, state.reregisteredAtMs ?? 0) + REREGISTER_MS
  if (nowMs < dueMs) return { ...idle, wakeAtMs: earlier(wakeAtMs, dueMs) }
  const next: Care = { ...idle, state: { ...state, reregisteredAtMs: nowMs }, wakeAtMs: earlier(wakeAtMs, nowMs + REREGISTER_MS) }
  if (its.answers !== 'yes' || its.enabled !== true || !wanted.capabilities.reregisters) return next
  return {
    ...next,
    actions: [...actions, { kind: 'reregister', interface: wanted.key, decision: refuted.decision }],
    notes: [{ decision: refuted.decision, type: 'command', data: { interface: wanted.key, command: 'reregister', because: 'refuted' } }]
  }
}
