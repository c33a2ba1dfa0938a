/**
 * Every folder of test/fixtures/scenarios: a story that is played with the real engine against modelled gateways, carrier
 * and monitoring (test/helpers/model-world.ts), for each kind of gateway, without and with a binding query. What must never
 * happen is watched at every step; `expected.yaml` says what must come of it.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { play } from './play.ts'
import type { Played } from './play.ts'
import { milliseconds, readStory } from './story.ts'
import type { Expected } from './story.ts'

const FOLDER = join(import.meta.dirname, '../fixtures/scenarios')
/** `SCENARIO=part-of-a-name` plays only these and tells their journals. */
const only = process.env['SCENARIO']
const names = readdirSync(FOLDER).filter((name) => only === undefined || name.includes(only)).sort()

/** What differs, in words; empty: nothing. */
function differences (expected: Expected, played: Played): string[] {
  const wrong: string[] = []
  const compare = (what: string, want: unknown, got: unknown): void => {
    if (want !== undefined && JSON.stringify(want) !== JSON.stringify(got)) wrong.push(`${what}: ${JSON.stringify(got)} instead of ${JSON.stringify(want)}`)
  }
  compare('runs', expected.runs, played.runs)
  compare('bound', expected.bound, played.bound)
  compare('ends', expected.ends, played.ends)
  compare('commands', expected.commands, played.commands)
  compare('seen', expected.seen, expected.seen?.filter((reason) => played.seen.has(reason)))
  compare('never', expected.never === undefined ? undefined : [], expected.never?.filter((reason) => played.seen.has(reason)))
  if (expected.silence !== undefined && played.silenceMs > milliseconds(expected.silence)) wrong.push(`silence of ${played.silenceMs / 1000} s`)
  if (expected.rivals !== 'allowed' && played.rivals.length > 0) wrong.push(`refused because of another binding: ${played.rivals.join(' ')}`)
  for (const [time, look] of Object.entries(expected.looks ?? {})) {
    for (const [key, want] of Object.entries(look)) compare(`at ${time} ${key}`, want, played.looks[time]?.[key as keyof typeof look])
  }
  const violations = played.violations.filter((line) => !(expected.restless === true && line.includes('at rest')))
  return [...wrong, ...violations]
}

test('the failure matrix', (t) => {
  t.ok(names.length > (only === undefined ? 20 : 0), 'there are scenarios')
  for (const name of names) {
    const story = readStory(FOLDER, name)
    t.test(story.name, async (t) => {
      for (const variant of story.variants) {
        const directory = t.testdir()
        const startedMs = performance.now()
        const played = await play(story.timeline, variant, join(directory, variant.name), Object.keys(variant.expected.looks ?? {}))
        if (only !== undefined) {
          t.comment(`${variant.name} (${Math.round(performance.now() - startedMs)} ms): runs ${played.runs}, bound ${played.bound}, silence ${played.silenceMs / 1000} s, ends ${played.ends.join(', ')}`)
          t.comment([`commands ${played.commands.join(', ')}`, `seen ${[...played.seen].join(' ')}`, ...played.story].join('\n'))
        }
        t.same(differences(variant.expected, played), [], variant.name)
      }
    })
  }
  t.end()
})
