/**
 * Explores sequences and tells what it found; a sequence that goes wrong is shrunk and told as a scenario.
 *
 *     node test/interleavings/run.ts [NUMBER] [SEED] [--length=6]    random ones
 *     node test/interleavings/run.ts --every [--part=1/8]            all short ones
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSeededRandom } from '../../src/rehearsal/fake-clock.ts'
import { asScenario, createExplorer } from './explore.ts'
import { everySequence, randomSequence } from './sequence.ts'
import type { Sequence } from './sequence.ts'

const words = process.argv.slice(2)
const option = (name: string): string | undefined => words.find((word) => word.startsWith(`--${name}=`))?.split('=')[1]
const [number = 200, seed = 1] = words.filter((word) => !word.startsWith('--')).map(Number)
const directory = mkdtempSync(join(tmpdir(), 'interleavings-'))
const explorer = createExplorer(directory)
Error.stackTraceLimit = 5

function * chosen (): Generator<{ readonly name: string; readonly sequence: Sequence }> {
  if (words.includes('--every')) {
    const [part = 1, parts = 1] = (option('part') ?? '1/1').split('/').map(Number)
    let index = 0
    for (const sequence of everySequence()) if (index++ % parts === part - 1) yield { name: `every ${index}`, sequence }
    return
  }
  for (let index = seed; index < seed + number; index++) {
    const random = createSeededRandom(index)
    yield { name: `seed ${index}`, sequence: randomSequence(random, Number(option('length') ?? 2 + Math.floor(random.fraction() * 7))) }
  }
}

let played = 0
let failed = 0
for (const { name, sequence } of chosen()) {
  const wrong = await explorer.explore(sequence)
  played++
  if (wrong.length > 0) {
    failed++
    const shrunk = await explorer.shrink({ sequence, wrong })
    process.stdout.write(`--- ${name}\n${asScenario(shrunk)}`)
  }
  if (played % 100 === 0) process.stderr.write(`${played} sequences, ${failed} went wrong, ${explorer.states()} distinct states\n`)
}
const { user, system } = process.cpuUsage()
process.stdout.write(`${played} sequences (${explorer.sequences()} with shrinking), ${explorer.switchovers()} switchovers, ${explorer.states()} distinct states, ${failed} went wrong, ${((user + system) / 1e6).toFixed(0)} s of CPU\n`)
rmSync(directory, { recursive: true })
process.exitCode = failed === 0 ? 0 : 1
