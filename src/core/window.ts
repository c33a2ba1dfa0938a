/**
 * A daily window of time by the clock on the wall in its zone: "02:00-05:00" may reach over midnight, and is an hour longer
 * or shorter on the days on which that clock is set.
 */
import type { EpochMs, Failback } from './topology.ts'

export type DailyWindow = NonNullable<Failback['window']>

const MINUTE_MS = 60_000
const DAY = 1440
/** Zones are a whole number of quarters from UTC, and clocks are set at whole quarters. */
const QUARTER = 15
/** No clock is set by more than this. [min] */
const FAR = 180

/** Formatters are expensive to make and have no state that shows. */
const formatters = new Map<string, Intl.DateTimeFormat>()

/** Minutes since midnight that the clock on the wall shows. @param timezone - IANA name, for example Europe/Berlin */
export function minuteOfDay (atMs: EpochMs, timezone: string): number {
  const known = formatters.get(timezone)
  const formatter = known ?? new Intl.DateTimeFormat('en-GB', { timeZone: timezone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
  if (known === undefined) formatters.set(timezone, formatter)
  const [hour = 0, minute = 0] = formatter.format(atMs).split(':').map(Number)
  return hour * 60 + minute
}

/** For example 02:00. */
export function clockTime (minuteOfDay: number): string {
  return [Math.floor(minuteOfDay / 60), minuteOfDay % 60].map((n) => String(n).padStart(2, '0')).join(':')
}

/** Minutes from one time of day forward to another. */
function forward (from: number, to: number): number {
  return (to - from + DAY) % DAY
}

export function isOpen (window: DailyWindow, atMs: EpochMs): boolean {
  return forward(window.fromMinute, minuteOfDay(atMs, window.timezone)) < forward(window.fromMinute, window.toMinute)
}

/** The first instant from now on at which it is open; a beginning that the clock leaps over is where it lands. */
export function opensAt (window: DailyWindow, nowMs: EpochMs): EpochMs {
  if (isOpen(window, nowMs)) return nowMs
  let atMs = nowMs - nowMs % MINUTE_MS
  // In quarters near it and near a change of the clock, in one leap from afar.
  for (let step = 0; step < 200; step++) {
    if (isOpen(window, atMs)) return Math.max(atMs, nowMs)
    const minute = minuteOfDay(atMs, window.timezone)
    const left = forward(minute, window.fromMinute)
    const landsMs = atMs + Math.max(left - FAR, 0) * MINUTE_MS
    const isSteady = landsMs > atMs && forward(minute, minuteOfDay(landsMs, window.timezone)) === left - FAR
    atMs = isSteady ? landsMs : atMs + MINUTE_MS * Math.min(left, QUARTER - (atMs / MINUTE_MS) % QUARTER)
  }
  return atMs
}
