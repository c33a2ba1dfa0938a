import { test } from 'tap'
import { isOpen, minuteOfDay, opensAt } from '../../src/core/window.ts'
import type { DailyWindow } from '../../src/core/window.ts'

const window = (from: string, to: string, timezone = 'Europe/Berlin'): DailyWindow => {
  const minute = (text: string): number => Number(text.slice(0, 2)) * 60 + Number(text.slice(3))
  return { fromMinute: minute(from), toMinute: minute(to), timezone }
}
const night = window('02:00', '05:00')
const at = (iso: string): number => Date.parse(iso)
const iso = (ms: number): string => new Date(ms).toISOString()

test('the clock on the wall', (t) => {
  t.equal(minuteOfDay(at('2026-01-15T12:00:00Z'), 'UTC'), 720)
  t.equal(minuteOfDay(at('2026-01-15T12:00:00Z'), 'Europe/Berlin'), 780)
  t.equal(minuteOfDay(at('2026-07-15T12:00:00Z'), 'Europe/Berlin'), 840)
  t.equal(minuteOfDay(at('2026-01-15T23:15:00Z'), 'Asia/Kathmandu'), 300)
  t.equal(minuteOfDay(at('2026-01-14T23:00:00Z'), 'Europe/Berlin'), 0, 'midnight is 0, not 24')
  t.end()
})

test('open and closed', (t) => {
  const cases: ReadonlyArray<readonly [string, DailyWindow, string, boolean]> = [
    ['a minute before', night, '2026-01-15T00:59:59Z', false],
    ['its first moment', night, '2026-01-15T01:00:00Z', true],
    ['its last second', night, '2026-01-15T03:59:59Z', true],
    ['its end', night, '2026-01-15T04:00:00Z', false],
    ['in summer', night, '2026-07-15T00:00:00Z', true],
    ['in summer, by winter\'s clock', night, '2026-07-15T03:30:00Z', false],
    ['over midnight, before', window('22:00', '04:00', 'UTC'), '2026-01-15T23:00:00Z', true],
    ['over midnight, after', window('22:00', '04:00', 'UTC'), '2026-01-15T03:59:00Z', true],
    ['over midnight, by day', window('22:00', '04:00', 'UTC'), '2026-01-15T12:00:00Z', false]
  ]
  for (const [what, one, when, open] of cases) t.equal(isOpen(one, at(when)), open, what)
  t.end()
})

test('when it opens', (t) => {
  const cases: ReadonlyArray<readonly [string, DailyWindow, string, string]> = [
    ['it is open', night, '2026-01-15T02:30:12.345Z', '2026-01-15T02:30:12.345Z'],
    ['tonight', night, '2026-01-14T19:00:00Z', '2026-01-15T01:00:00.000Z'],
    ['in a minute', night, '2026-01-15T00:59:30Z', '2026-01-15T01:00:00.000Z'],
    ['tomorrow', night, '2026-01-15T04:00:00Z', '2026-01-16T01:00:00.000Z'],
    ['an odd minute', window('02:07', '02:09', 'UTC'), '2026-01-15T02:10:00Z', '2026-01-16T02:07:00.000Z'],
    ['spring: 02:00 does not exist, the clock lands on 03:00', night, '2026-03-28T20:00:00Z', '2026-03-29T01:00:00.000Z'],
    ['spring: a window that does not exist at all comes a day later', window('02:10', '02:50'), '2026-03-28T20:00:00Z', '2026-03-30T00:10:00.000Z'],
    ['autumn: the first of two 02:00', night, '2026-10-24T20:00:00Z', '2026-10-25T00:00:00.000Z'],
    ['autumn: a short window opens twice', window('02:10', '02:50'), '2026-10-25T00:55:00Z', '2026-10-25T01:10:00.000Z'],
    ['a day of 25 hours', night, '2026-10-25T04:00:00Z', '2026-10-26T01:00:00.000Z'],
    ['half an hour of daylight saving', window('02:00', '03:00', 'Australia/Lord_Howe'), '2026-10-03T10:00:00Z', '2026-10-03T15:30:00.000Z'],
    ['a zone of quarters', window('06:00', '07:00', 'Asia/Kathmandu'), '2026-01-15T12:00:00Z', '2026-01-16T00:15:00.000Z']
  ]
  for (const [what, one, from, expected] of cases) t.equal(iso(opensAt(one, at(from))), expected, what)
  t.end()
})

test('whenever it is asked, it is open then and was not before', (t) => {
  for (let minutes = 0; minutes < 4 * 1440; minutes += 7) {
    const fromMs = at('2026-10-23T00:00:00Z') + minutes * 60_000
    const opens = opensAt(night, fromMs)
    if (!isOpen(night, opens) || (opens > fromMs && isOpen(night, opens - 60_000))) t.fail(iso(fromMs))
    for (let ms = fromMs; ms < opens; ms += 600_000) if (isOpen(night, ms)) t.fail(`${iso(fromMs)} misses ${iso(ms)}`)
  }
  t.ok(isOpen(night, opensAt(night, at('2026-03-28T05:00:00Z'))))
  t.end()
})
