import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { getPriority } from 'node:os'
import { test } from 'tap'
import { OPTIONS, tuneGarbageCollection } from '../src/garbage-collection.ts'

const niceOf = (isHelper: boolean): number[] => readdirSync('/proc/self/task')
  .filter((id) => (readFileSync(`/proc/self/task/${id}/comm`, 'utf8').trim() === 'V8Worker') === isHelper)
  .map((id) => getPriority(Number(id)))

test('the threads that collect garbage give way, the others stay as they are', (t) => {
  if (process.platform !== 'linux') {
    t.doesNotThrow(tuneGarbageCollection)
    t.end()
    return
  }
  const others = niceOf(false)
  tuneGarbageCollection()
  t.ok(niceOf(true).length > 0, 'V8 has such threads')
  t.ok(niceOf(true).every((nice) => nice >= 10))
  t.same(niceOf(false), others)
  t.end()
})

test('this Node knows every option', (t) => {
  const started = (options: readonly string[]) => spawnSync(process.execPath, [...options, '-e', ''], { encoding: 'utf8' })
  for (const option of OPTIONS) t.match(started([option]), { status: 0, stderr: '' }, option)
  t.not(started(['--no-such-option']).status, 0, 'it refuses what it doesn\'t know')
  t.end()
})
