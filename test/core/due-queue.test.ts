import { test } from 'tap'
import { createDueQueue } from '../../src/core/due-queue.ts'
import { createSeededRandom } from '../../src/rehearsal/fake-clock.ts'

test('entries come out by their due time, whatever the order in which they came in', async (t) => {
  const random = createSeededRandom(7)
  for (const count of [0, 1, 2, 3, 10, 1000]) {
    const queue = createDueQueue<{ dueMs: number }>()
    const times = Array.from({ length: count }, () => Math.floor(random.fraction() * 500))
    for (const dueMs of times) queue.push({ dueMs })
    t.equal(queue.size, count)
    t.equal(queue.peek()?.dueMs, count === 0 ? undefined : Math.min(...times))
    const out = Array.from({ length: count }, () => queue.pop()?.dueMs)
    t.same(out, times.toSorted((a, b) => a - b), `${count} entries`)
    t.equal(queue.pop(), undefined)
  }
})

test('pushes between pops keep the order', async (t) => {
  const random = createSeededRandom(8)
  const queue = createDueQueue<{ dueMs: number }>()
  let nowMs = 0
  for (let index = 0; index < 50; index++) queue.push({ dueMs: random.fraction() * 100 })
  for (let turn = 0; turn < 2000; turn++) {
    const entry = queue.pop()
    if (entry === undefined) throw new Error('empty')
    if (entry.dueMs < nowMs) t.fail(`${entry.dueMs} after ${nowMs}`)
    nowMs = entry.dueMs
    queue.push({ dueMs: nowMs + random.fraction() * 100 })
  }
  t.equal(queue.size, 50)
})
