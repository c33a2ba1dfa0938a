/** Prometheus durations: `500ms`, `5s`, `1h30m`, `2d` (prometheus/common `model/time.go`, ParseDuration and String). */
import type { DurationMs } from '../core/topology.ts'

const MS = 1
const SECOND = 1000 * MS
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** From long to short, the order in which they are written. A week has 7 days, a year 365. */
const UNITS: readonly (readonly [name: string, ms: DurationMs])[] = [
  ['y', 365 * DAY], ['w', 7 * DAY], ['d', DAY], ['h', HOUR], ['m', MINUTE], ['s', SECOND], ['ms', MS]
]
const SHAPE = /^(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$/

/** Longest duration of the configuration: timers of the platform overflow at 2^31 ms and would fire at once. */
export const LONGEST_DURATION_MS = 24 * DAY

/** @returns the duration [ms]; null when `text` is not a Prometheus duration */
export function parseDuration (text: string): DurationMs | null {
  if (text === '0') return 0
  const match = text === '' ? null : SHAPE.exec(text)
  if (match === null) return null
  const total = UNITS.reduce((sum, [, ms], index) => sum + Number(match[index + 1] ?? 0) * ms, 0)
  return Number.isSafeInteger(total) ? total : null
}

/** Writes a duration so that `parseDuration` reads the same. @param ms - whole number, not negative */
export function formatDuration (ms: DurationMs): string {
  let rest = ms
  let text = ''
  for (const [name, size] of UNITS) {
    // As Prometheus does: years and weeks only when they are exact, so that 10d is not 1w3d.
    const exactOnly = name === 'y' || name === 'w'
    if (rest < size || (exactOnly && rest % size !== 0)) continue
    text += `${Math.floor(rest / size)}${name}`
    rest %= size
  }
  return text === '' ? '0s' : text
}
