/**
 * `planFleet(world, now)`: what concerns all trunks at once. Engages the brake, sees whether our vantage point is blind and
 * whether the watchdog is lost. Level-triggered, like `planTrunk`; it runs before the trunks are planned.
 */
import { beyondLimit, incidentCause } from './incidents.ts'
import { interfaceHealth } from './trunk-health.ts'
import { judgeVantage } from './vantage.ts'
import { earlier } from './plan.ts'
import type { Note } from './plan.ts'
import type { EpochMs, TrunkId } from './topology.ts'
import type { FleetState, TrunkState, World } from './world.ts'

export interface FleetStep {
  readonly state: FleetState
  readonly notes: readonly Note[]
  /** When to plan again if nothing happens before. */
  readonly wakeAtMs: EpochMs | null
}

/**
 * @param freshId - an unused decision id, for what begins or ends now
 * @param heldByBrake - trunks whose last plan was held by the brake; default: all are looked at
 */
export function planFleet (world: World, freshId: string, nowMs: EpochMs, heldByBrake: Iterable<TrunkId> = world.trunks.keys()): FleetStep {
  const notes: Note[] = []
  const note = (type: 'brake' | 'panic' | 'watchdog', data: Note['data']): void => { notes.push({ decision: freshId, type, data }) }
  const watched = watchWatchdog(world, world.fleet, note, nowMs)
  const seen = watchVantage(world, watched, note, nowMs)
  const state = engageBrake(world, seen, freshId, note, nowMs, heldByBrake)
  const lossMs = world.topology.watchdog === null || state.watchdogLostSinceMs !== null ? null : state.watchdogFromMs + world.topology.watchdog.timeoutMs
  // Verdicts grow stale by time alone.
  return { state, notes, wakeAtMs: earlier(lossMs, state.vantage === 'clear' ? null : nowMs + 1000) }
}

type Tell = (type: 'brake' | 'panic' | 'watchdog', data: Note['data']) => void

/** Lost: silent for its timeout, counted from its last arrival or from the start of the process. */
function watchWatchdog (world: World, fleet: FleetState, note: Tell, nowMs: EpochMs): FleetState {
  const { watchdog } = world.topology
  const { watchdogAtMs, watchdogFromMs, watchdogLostSinceMs: lostSinceMs } = fleet
  if (watchdog === null) return lostSinceMs === null ? fleet : { ...fleet, watchdogLostSinceMs: null }
  if (lostSinceMs === null) {
    if (nowMs - watchdogFromMs < watchdog.timeoutMs) return fleet
    note('watchdog', { lost: true, lastAtMs: watchdogAtMs, whenLost: watchdog.whenLost })
    return { ...fleet, watchdogLostSinceMs: nowMs }
  }
  if (watchdogAtMs === null || watchdogAtMs <= lostSinceMs) return fleet
  note('watchdog', { lost: false, lostMs: nowMs - lostSinceMs })
  return { ...fleet, watchdogLostSinceMs: null }
}

function watchVantage (world: World, fleet: FleetState, note: Tell, nowMs: EpochMs): FleetState {
  const { vantage, detail } = judgeVantage(world, nowMs)
  const blind = vantage === 'blind'
  if (blind === (fleet.panicSinceMs !== null)) return vantage === fleet.vantage ? fleet : { ...fleet, vantage }
  note('panic', blind ? { panic: true, detail } : { panic: false, lastedMs: nowMs - (fleet.panicSinceMs ?? nowMs) })
  return blind ? { ...fleet, vantage, panicSinceMs: nowMs } : { ...fleet, vantage, panicSinceMs: null, panicEndedAtMs: nowMs }
}

/** A switchover that nothing but the brake's limit holds engages it: one incident more than was meant to be possible. */
function engageBrake (world: World, fleet: FleetState, decision: string, note: Tell, nowMs: EpochMs, candidates: Iterable<TrunkId>): FleetState {
  if (fleet.brake !== null) return fleet
  for (const id of candidates) {
    const state = world.trunks.get(id)
    const beyond = state?.open?.held === 'brake' ? limitHolding(world, id, state, nowMs) : null
    if (beyond === null) continue
    note('brake', { engaged: true, trunk: id, causes: beyond.causes, detail: beyond.detail })
    return { ...fleet, brake: { sinceMs: nowMs, causes: beyond.causes, decision } }
  }
  return fleet
}

/** Judged anew: after a release the trunk's last veto is still written there. */
function limitHolding (world: World, id: TrunkId, state: TrunkState, nowMs: EpochMs): ReturnType<typeof beyondLimit> {
  const trunk = world.topology.trunks.get(id)
  const iface = trunk?.interfaces.find((i) => i.key === state.open?.from)
  if (trunk === undefined || iface === undefined || state.open === null) return null
  return beyondLimit(world, incidentCause(world, iface, interfaceHealth(world, trunk, state, iface, nowMs), state.open.sinceMs), nowMs)
}

/** A person releases the brake: what was counted counts no more. */
export function releaseBrake (fleet: FleetState, nowMs: EpochMs): FleetState {
  return { ...fleet, brake: null, brakeReleasedAtMs: nowMs }
}

const GRID_MS = 60_000

/** The document that is stored. Arrivals of the watchdog are rounded down; what is seen is seen anew after a restart. */
export function fleetToDurable (fleet: FleetState): FleetState {
  return { ...fleet, vantage: 'clear', panicSinceMs: null, panicEndedAtMs: 0, watchdogAtMs: fleet.watchdogAtMs === null ? null : Math.floor(fleet.watchdogAtMs / GRID_MS) * GRID_MS, watchdogFromMs: 0 }
}

/** After a restart: the watchdog gets its whole timeout, unless it was lost already. */
export function fleetFromDurable (stored: FleetState, nowMs: EpochMs): FleetState {
  const past = (atMs: EpochMs): EpochMs => Math.min(atMs, nowMs)
  return {
    ...stored,
    brakeReleasedAtMs: past(stored.brakeReleasedAtMs),
    watchdogAtMs: stored.watchdogAtMs === null ? null : past(stored.watchdogAtMs),
    watchdogLostSinceMs: stored.watchdogLostSinceMs === null ? null : past(stored.watchdogLostSinceMs),
    watchdogFromMs: nowMs
  }
}
