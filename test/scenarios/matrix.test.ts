/**
 * Every folder of test/fixtures/scenarios: a story that is played with the real engine against modelled gateways, carrier
 * and monitoring (src/rehearsal/model-world.ts), for each kind of gateway, without and with a binding query. What must never
 * happen is watched at every step; `expected.yaml` says what must come of it.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { t, test } from 'tap'
import { createReplay } from '../../src/core/replay.ts'
import type { Replayed } from '../../src/core/replay.ts'
import type { Played } from '../../src/rehearsal/play.ts'
import { differences } from './differences.ts'
import { readStory } from './read-story.ts'
import { createStage } from './stage.ts'

const FOLDER = join(import.meta.dirname, '../fixtures/scenarios')
/** `SCENARIO=part-of-a-name` plays only these and tells their journals. */
const only = process.env['SCENARIO']
const names = readdirSync(FOLDER).filter((name) => only === undefined || name.includes(only)).sort()

// About a minute on two idle cores; other tests may run beside it.
t.setTimeout(600_000)

/** Each moment of the journal that is not decided the same again, after a way through a file. */
function replayed (journal: Played['journal']): Exclude<Replayed, { readonly kind: 'same' }>[] {
  const replay = createReplay(null)
  const moments = [...journal.flatMap((record) => replay.take(JSON.parse(JSON.stringify(record)) as typeof record)), ...replay.end()]
  decidedAgain.count += moments.length
  return moments.filter((each) => each.kind !== 'same')
}
const decidedAgain = { count: 0 }

function report (variant: string, played: Played, tookMs: number): string {
  const { runs, bound, silenceMs, ends, commands, seen, story } = played
  return [
    `${variant} (${Math.round(tookMs)} ms): runs ${runs}, bound ${bound}, silence ${silenceMs / 1000} s`,
    `ends [${ends.join(', ')}]`, `orders [${played.orders.join('; ')}]`, `commands [${commands.join(', ')}]`, `seen ${[...seen].join(' ')}`, ...story
  ].join('\n')
}

test('the failure matrix', async (t) => {
  t.ok(names.length > (only === undefined ? 40 : 0), 'there are scenarios')
  const stage = createStage()
  t.teardown(() => stage.close())
  const directory = t.testdir()
  const played = new Map(names.map((name) => [name, stage.perform({ folder: FOLDER, name, directory })]))
  const [first] = names
  const again = first === undefined ? [] : await stage.perform({ folder: FOLDER, name: first, directory: join(directory, 'again') })
  t.same(again.map((p) => p.played.journal), (await played.get(first ?? ''))?.map((p) => p.played.journal), 'the same story gives the same decisions')
  for (const name of names) {
    const story = readStory(FOLDER, name)
    await t.test(story.name, async (t) => {
      const performances = await played.get(name) ?? []
      t.same(performances.map((p) => p.variant), story.variants.map((v) => v.name), 'all variants were played')
      for (const [index, { variant, played, tookMs }] of performances.entries()) {
        if (only !== undefined) t.comment(report(variant, played, tookMs))
        t.same(differences(story.variants[index]?.expected ?? {}, played), [], variant)
        t.same(replayed(played.journal), [], `${variant}: its journal decides the same again`)
      }
    })
  }
  t.comment(`${decidedAgain.count} moments decided again`)
  t.ok(decidedAgain.count > names.length, 'decisions were made again')
})
