/**
 * Each interlock is switched off in turn, and the suite has to notice: its own table, the table of plans, and the stories
 * in which it speaks. An interlock that nothing misses protects nobody.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { t, test } from 'tap'
import { judge } from '../../src/core/interlocks.ts'
import { planTrunk } from '../../src/core/planner.ts'
import { VETOES } from '../../src/core/reasons.ts'
import type { VetoReason } from '../../src/core/reasons.ts'
import { buildWorld, NOW } from '../helpers/build-world.ts'
import { leaveOut } from '../helpers/leave-out.ts'
import { differences } from '../scenarios/differences.ts'
import { readStory } from '../scenarios/read-story.ts'
import { createStage } from '../scenarios/stage.ts'
import type { Stage } from '../scenarios/stage.ts'
import { judgementOf, TABLE } from './interlock-cases.ts'
import { cases } from './planner-cases.ts'

const FOLDER = join(import.meta.dirname, '../fixtures/scenarios')
const names = Object.keys(VETOES) as VetoReason[]
/**
 * No proof ends in these by itself: that the others are off is a wait before the admission, and is judged again right before
 * each enable (statement 1 in worlds.test.ts). Their tables hold them.
 */
const ONLY_IN_TABLE: ReadonlySet<VetoReason> = new Set(['exclusive'])
/** Stories that are played for one interlock. */
const STORIES = 2

t.setTimeout(600_000)

function rowsThatDiffer (name: VetoReason): string[] {
  return TABLE[name].filter(([, given, refuses]) => judge(judgementOf(given)).vetoes.some((v) => v.interlock === name) !== refuses).map(([title]) => title)
}

/** Plans whose vetoes are not what they were. */
function plansThatDiffer (): string[] {
  return cases.filter(({ given, vetoes = [], shown = [] }) => JSON.stringify(saidTo(given)) !== JSON.stringify([vetoes, shown])).map(({ name }) => name)
}

function saidTo (given: (typeof cases)[number]['given']): readonly (readonly string[])[] {
  const { vetoes, passed } = planTrunk(buildWorld(given), 'acme', 'd1', NOW)
  return [vetoes.map((v) => v.interlock), passed.map((v) => v.interlock)]
}

/** Folders in which this interlock is expected to speak. */
function storiesOf (name: VetoReason): string[] {
  return readdirSync(FOLDER).filter((folder) => readStory(FOLDER, folder).variants.some(({ expected }) => {
    const looks = Object.values(expected.looks ?? {}).flatMap((look) => look.vetoes ?? [])
    return [...expected.seen ?? [], ...looks].includes(name)
  })).sort()
}

async function storiesThatDiffer (stage: Stage, name: VetoReason, directory: string): Promise<string[]> {
  const stories = storiesOf(name).slice(0, STORIES)
  const played = await Promise.all(stories.map(async (story) => {
    const performances = await stage.perform({ folder: FOLDER, name: story, directory: join(directory, name), without: name })
    const { variants } = readStory(FOLDER, story)
    return performances.some((p, index) => differences(variants[index]?.expected ?? {}, p.played).length > 0) ? [story] : []
  }))
  return played.flat()
}

test('nothing differs while all interlocks are there', (t) => {
  t.same(plansThatDiffer(), [])
  for (const name of names) t.same(rowsThatDiffer(name), [], name)
  t.end()
})

test('each interlock is missed', async (t) => {
  const stage = createStage()
  t.teardown(() => stage.close())
  const directory = t.testdir()
  let told = 0
  for (const name of names) {
    const putBack = leaveOut(name)
    const rows = rowsThatDiffer(name)
    const plans = plansThatDiffer()
    putBack()
    const stories = await storiesThatDiffer(stage, name, directory)
    t.comment(`${name}: table ${rows.length} (${rows[0] ?? 'none'}); plans ${plans.length} (${plans[0] ?? 'none'}); stories ${stories.length} (${stories[0] ?? 'none'})`)
    t.ok(rows.length > 0, `${name} is missed by its table`)
    if (ONLY_IN_TABLE.has(name)) continue
    told++
    t.ok(plans.length + stories.length > 0, `${name} is missed by a plan or a story`)
  }
  t.equal(told, names.length - ONLY_IN_TABLE.size)
})
