/** What came of a story against what was expected. */
import type { Played } from '../../src/rehearsal/play.ts'
import { milliseconds } from '../../src/rehearsal/story.ts'
import type { Expected } from '../../src/rehearsal/story.ts'

/** What differs, in words; empty: nothing. */
export function differences (expected: Expected, played: Played): string[] {
  const wrong: string[] = []
  const compare = (what: string, want: unknown, got: unknown): void => {
    if (want !== undefined && JSON.stringify(want) !== JSON.stringify(got)) wrong.push(`${what}: ${JSON.stringify(got)} instead of ${JSON.stringify(want)}`)
  }
  compare('runs', expected.runs, played.runs)
  compare('bound', expected.bound, played.bound)
  compare('ends', expected.ends, played.ends)
  compare('orders', expected.orders, played.orders)
  compare('commands', expected.commands, played.commands)
  compare('seen', expected.seen, expected.seen?.filter((reason) => played.seen.has(reason)))
  compare('never', expected.never === undefined ? undefined : [], expected.never?.filter((reason) => played.seen.has(reason)))
  if (expected.silence !== undefined && played.silenceMs > milliseconds(expected.silence)) wrong.push(`silence of ${played.silenceMs / 1000} s`)
  if (expected.rivals !== 'allowed' && played.rivals.length > 0) wrong.push(`refused because of another binding: ${played.rivals.join(' ')}`)
  for (const [time, look] of Object.entries(expected.looks ?? {})) {
    for (const [key, want] of Object.entries(look)) compare(`at ${time} ${key}`, want, played.looks[time]?.[key as keyof typeof look])
  }
  return [...wrong, ...played.violations]
}
