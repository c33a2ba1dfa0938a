/**
 * Plays the stories of a fleet (test/fixtures/fleet) in all variants and tells how each went.
 *
 *     node test/scenarios/fleet/run.ts [PART-OF-A-NAME] [PART-OF-A-VARIANT] [--journal]
 *     node test/scenarios/fleet/run.ts --always     what `npm test` plays
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { configureFleet } from './configuration.ts'
import { fleetDifferences } from './differences.ts'
import { playFleet } from './play.ts'
import { readFleetStory } from './story.ts'

const FOLDER = join(import.meta.dirname, '../../fixtures/fleet')
const [name = '', variantName = ''] = process.argv.slice(2).filter((word) => !word.startsWith('--'))
const directory = mkdtempSync(join(tmpdir(), 'fleet-'))
const onlyAlways = process.argv.includes('--always')
let failed = 0
Error.stackTraceLimit = 3
for (const story of readdirSync(FOLDER).sort().filter((each) => each.includes(name)).map((each) => readFleetStory(FOLDER, each))) {
  for (const { name: variant, kind, query, expected } of story.variants.filter((each) => each.name.includes(variantName) && (!onlyAlways || story.always?.includes(each.name) === true))) {
    const before = process.cpuUsage()
    const played = await playFleet(story, await configureFleet({ ...story, kind, query: query !== 'no query', directory }))
    const { user, system } = process.cpuUsage(before)
    const { seen, story: told, violations: _, ...rest } = played
    const wrong = fleetDifferences(expected, played)
    if (wrong.length > 0) failed++
    process.stdout.write(`${wrong.length === 0 ? 'ok' : 'NOT OK'} ${story.name} (${variant}): ${((user + system) / 1e6).toFixed(1)} s of CPU\n  ${JSON.stringify(rest)}\n  ${JSON.stringify(Object.fromEntries(seen))}\n`)
    for (const line of wrong) process.stdout.write(`  ${line}\n`)
    if (process.argv.includes('--journal')) process.stdout.write(told.map((line) => `    ${line}\n`).join(''))
  }
}
rmSync(directory, { recursive: true })
process.exitCode = failed === 0 ? 0 : 1
