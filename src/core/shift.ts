/**
 * The wall clock was set (NTP after a start without time, a person, a machine that was suspended). Every instant that is
 * known moves with it, so that all distances stay what they were: a proof that lasts 330 s is neither cut short nor drawn
 * out by it.
 */
import type { DurationMs, EpochMs } from './topology.ts'
import type { TrunkState } from './world.ts'

/** Every number under a key that ends in `Ms` is an instant; 0 stands for "never". @param byMs - how far the clock went */
export function shiftInstants<T> (value: T, byMs: DurationMs): T {
  return shifted(value, false, byMs) as T
}

function shifted (value: unknown, isInstant: boolean, byMs: DurationMs): unknown {
  if (typeof value === 'number') return isInstant && value !== 0 ? value + byMs : value
  if (Array.isArray(value)) return value.map((item) => shifted(item, isInstant, byMs))
  if (typeof value !== 'object' || value === null) return value
  const copy = Object.create(Object.getPrototypeOf(value) as object | null) as Record<string, unknown>
  for (const [key, item] of Object.entries(value)) copy[key] = shifted(item, isInstant || key.endsWith('Ms'), byMs)
  return copy
}

/** A stored state of which something has happened later than now: the clock was set back while nobody ran. */
export function notLaterThan (state: TrunkState, nowMs: EpochMs): TrunkState {
  const own = Object.values(state.interfaces).flatMap((i) => [i.command?.atMs, i.command?.endedAtMs, i.offSinceMs, i.onSinceMs])
  const latestMs = Math.max(...[...own, state.inFlight?.phaseSinceMs, state.moves.lastAtMs, state.movedAtMs].map((atMs) => atMs ?? 0))
  return latestMs > nowMs ? shiftInstants(state, nowMs - latestMs) : state
}
