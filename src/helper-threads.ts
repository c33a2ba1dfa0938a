/**
 * V8 collects garbage with threads of its own beside the program. As equals they take the processors from the one thread that
 * answers: of two processors it got a third while ten thousand trunks were marked. So they get what is left over.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { setPriority } from 'node:os'

const TASKS = '/proc/self/task'
/** As Linux names them. */
const NAME = 'V8Worker'
/** About a tenth of a share. Not less: a pause ends when the last of them has done its part. */
const NICE = 10

/** Only Linux has priorities of threads; elsewhere, and where it is not allowed, nothing happens. */
export function giveWayToProgram (): void {
  try {
    for (const id of readdirSync(TASKS)) {
      if (readFileSync(`${TASKS}/${id}/comm`, 'utf8').trim() === NAME) setPriority(Number(id), NICE)
    }
  } catch { /* It only makes things better. */ }
}
