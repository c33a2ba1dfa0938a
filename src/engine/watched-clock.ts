/** A clock that tells when its wall time was set. */
import type { DurationMs } from '../core/topology.ts'
import type { Clock } from '../ports.ts'

/** The two clocks of a machine run alike; only a step sets them this far apart. */
export const STEP_MS = 1000

/** @param onStep - called before the first new time is handed out; must not ask for the time itself */
export function watchClock (clock: Clock, onStep: (byMs: DurationMs) => void): Clock {
  let offsetMs = clock.now() - clock.monotonicMs()
  return {
    ...clock,
    now: () => {
      const nowMs = clock.now()
      const byMs = Math.round(nowMs - clock.monotonicMs() - offsetMs)
      if (Math.abs(byMs) >= STEP_MS) {
        offsetMs += byMs
        onStep(byMs)
      }
      return nowMs
    }
  }
}
