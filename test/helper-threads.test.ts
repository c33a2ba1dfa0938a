import { readdirSync, readFileSync } from 'node:fs'
import { getPriority } from 'node:os'
import { test } from 'tap'
import { giveWayToProgram } from '../src/helper-threads.ts'

const niceOf = (isHelper: boolean): number[] => readdirSync('/proc/self/task')
  .filter((id) => (readFileSync(`/proc/self/task/${id}/comm`, 'utf8').trim() === 'V8Worker') === isHelper)
  .map((id) => getPriority(Number(id)))

test('the threads that collect garbage give way, the others stay as they are', (t) => {
  if (process.platform !== 'linux') {
    t.doesNotThrow(giveWayToProgram)
    t.end()
    return
  }
  const others = niceOf(false)
  giveWayToProgram()
  t.ok(niceOf(true).length > 0, 'V8 has such threads')
  t.ok(niceOf(true).every((nice) => nice >= 10))
  t.same(niceOf(false), others)
  t.end()
})
