/** Counting of a trunk's moves: what spacing, hold and latch are made from. */
import type { EpochMs, InterlockSettings } from './topology.ts'
import type { TrunkState } from './world.ts'

const DAY_MS = 24 * 3_600_000
/** So many switchovers in a row that did not help latch the trunk. */
const INEFFECTIVE = 3

/** How a switchover ended. `moved`: it stayed; a rollback is no move. */
export interface MoveEnd { readonly moved: boolean; readonly helped: boolean; readonly refuted: boolean }

/** The latch is set by the switchover that is one too many, and stays until a person acknowledges it. */
export function countMove (state: TrunkState, { moved, helped, refuted }: MoveEnd, limit: InterlockSettings['latch'], nowMs: EpochMs): Pick<TrunkState, 'movesAtMs' | 'ineffective' | 'latch'> {
  const movesAtMs = [...state.movesAtMs.filter((atMs) => nowMs - atMs < DAY_MS), ...(moved ? [nowMs] : [])]
  const ineffective = helped ? 0 : state.ineffective + (refuted ? 1 : 0)
  const often = movesAtMs.filter((atMs) => nowMs - atMs < limit.perMs).length
  if (state.latch !== null) return { movesAtMs, ineffective, latch: state.latch }
  if (moved && often >= limit.switchovers) return { movesAtMs, ineffective, latch: { sinceMs: nowMs, because: `${often} switchovers within ${Math.round(limit.perMs / 60_000)} min` } }
  if (refuted && ineffective >= INEFFECTIVE) return { movesAtMs, ineffective, latch: { sinceMs: nowMs, because: `${ineffective} switchovers in a row did not help` } }
  return { movesAtMs, ineffective, latch: null }
}

/** One more try; the count starts anew after 24 h of quiet. */
export function nextTry (tries: { readonly count: number; readonly lastAtMs: EpochMs | null }, nowMs: EpochMs): { count: number; lastAtMs: EpochMs } {
  const quiet = tries.lastAtMs === null || nowMs - tries.lastAtMs > DAY_MS
  return { count: quiet ? 1 : tries.count + 1, lastAtMs: nowMs }
}
