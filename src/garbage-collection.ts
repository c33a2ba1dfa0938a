/**
 * V8's garbage collection, set for a program that has to answer at once while ten thousand trunks live in its memory. Set from
 * inside: a later Node that has lost one of the options says so and runs on, where an option of the command line would keep it
 * from starting. Only for options that V8 looks at again and again: the size of the young generation is none, the unit and the
 * image of deploy/ give it.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { setPriority } from 'node:os'
import { setFlagsFromString } from 'node:v8'

export const OPTIONS = [
  // Without it garbage grows to several times of what lives.
  '--heap-growing-percent=60',
  // While V8 marks, the young generation is still collected. Else that grows meanwhile, and all of it is moved in the one pause at the end.
  '--no-separate-gc-phases',
  // Else V8 puts what survived while ten thousand trunks were loaded among the old at once, for ever: the same code makes
  // what lives for one read of a gateway, too. What is dead among the old keeps the young that it refers to, four times as much.
  '--no-allocation-site-pretenuring'
]

const TASKS = '/proc/self/task'
/** As Linux names V8's threads beside the program. */
const NAME = 'V8Worker'
/** About a tenth of a share. Not less: a pause ends when the last of them has done its part. */
const NICE = 10

export function tuneGarbageCollection (): void {
  for (const option of OPTIONS) setFlagsFromString(option)
  giveWayToProgram()
}

/**
 * As equals the helpers take the processors from the one thread that answers: of two it got a third while ten thousand trunks
 * were marked. So they get what is left over. Only Linux has priorities of threads; elsewhere, and where it is not allowed,
 * nothing happens.
 */
function giveWayToProgram (): void {
  try {
    for (const id of readdirSync(TASKS)) {
      if (readFileSync(`${TASKS}/${id}/comm`, 'utf8').trim() === NAME) setPriority(Number(id), NICE)
    }
  } catch { /* It only makes things better. */ }
}
