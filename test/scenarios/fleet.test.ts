/**
 * The failure matrix for 20 gateways, 3 carriers and 500 trunks: the rows that are played each time. All of them:
 * `node test/scenarios/fleet/run.ts`.
 */
import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { t, test } from 'tap'
import { readFleetStory } from './fleet/story.ts'

// Some 40 s on an idle core; other tests may run beside it. A process of its own: the test runner's hooks slow each promise.
t.setTimeout(400_000)

const FOLDER = join(import.meta.dirname, '../fixtures/fleet')

test('a fleet', async (t) => {
  const stories = readdirSync(FOLDER).map((name) => readFleetStory(FOLDER, name))
  const expected = stories.flatMap(({ name, always = [], variants }) => variants.filter((variant) => always.includes(variant.name)).map((variant) => `ok ${name} (${variant.name})`))
  t.ok(expected.length >= 4, 'some rows are played each time')
  const output = await new Promise<string>((resolve) => {
    execFile(process.execPath, [join(import.meta.dirname, 'fleet/run.ts'), '--always'], { env: {}, timeout: 390_000 }, (error, stdout, stderr) => { resolve(error === null ? stdout : `${stdout}${stderr}`) })
  })
  const lines = output.split('\n')
  t.same(lines.filter((line) => /^(?:ok|NOT OK) /.test(line)).map((line) => line.replace(/:.*/, '')).sort(), expected.sort(), output)
})
