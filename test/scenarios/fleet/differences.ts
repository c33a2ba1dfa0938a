/** What came of a fleet's story against what was expected. */
import { durationOf } from '../../../src/rehearsal/happen.ts'
import type { FleetPlayed } from './play.ts'
import type { FleetExpected } from './story.ts'

/** What differs, in words; empty: nothing. */
export function fleetDifferences (expected: FleetExpected, played: FleetPlayed): string[] {
  const wrong: string[] = []
  const compare = (what: string, want: unknown, got: unknown): void => {
    if (want !== undefined && JSON.stringify(want) !== JSON.stringify(got)) wrong.push(`${what}: ${JSON.stringify(got)} instead of ${JSON.stringify(want)}`)
  }
  const sorted = (counts: Readonly<Record<string, number>> | undefined): unknown => counts === undefined ? undefined : Object.entries(counts).sort(([a], [b]) => a < b ? -1 : 1)
  compare('on standby', expected.on_standby, played.onStandby)
  compare('silent', expected.silent, played.silent)
  compare('ends', sorted(expected.ends), sorted(played.ends))
  compare('commands', sorted(expected.commands), sorted(played.commands))
  compare('incidents', expected.incidents, played.incidents)
  compare('brake', expected.brake, played.brake)
  for (const [word, number] of Object.entries(expected.seen ?? {})) compare(word, number, played.seen.get(word) ?? 0)
  for (const word of expected.never ?? []) compare(word, 0, played.seen.get(word) ?? 0)
  if (expected.within !== undefined && (played.movedMs === null || played.movedMs > durationOf(expected.within))) wrong.push(`moved after ${String(played.movedMs)} ms, not within ${expected.within}`)
  return [...wrong, ...played.violations]
}
