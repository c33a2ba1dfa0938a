import { test } from 'tap'
import { createFakeClock, createSeededRandom, FAKE_START_MS } from '../../src/rehearsal/fake-clock.ts'

test('timers fire in order of time, then of creation, and see their own time', async (t) => {
  const clock = createFakeClock()
  const seen: string[] = []
  const note = async (name: string, ms: number): Promise<void> => {
    await clock.sleep(ms)
    seen.push(`${name}@${clock.monotonicMs()}`)
  }
  const all = [note('b', 20), note('a', 10), note('c', 20), note('a2', 10).then(() => note('d', 5))]
  await clock.advance(30)
  await Promise.all(all)
  t.same(seen, ['a@10', 'a2@10', 'd@15', 'b@20', 'c@20'])
  t.equal(clock.now(), FAKE_START_MS + 30)
  t.equal(clock.pending(), 0)
})

test('an abort ends a sleep at once, a deadline aborts, a parent aborts its deadline', async (t) => {
  const clock = createFakeClock()
  const parent = new AbortController()
  const deadline = clock.deadline(100)
  const child = clock.deadline(1000, parent.signal)
  const sleeping = clock.sleep(10_000, parent.signal)
  await clock.advance(99)
  t.equal(deadline.aborted, false)
  await clock.advance(1)
  t.equal(deadline.aborted, true)
  parent.abort()
  await sleeping
  t.equal(child.aborted, true)
  t.equal(clock.pending(), 0)
  t.equal(clock.deadline(5, parent.signal).aborted, true)
  await clock.sleep(5, parent.signal)
})

test('the wall clock can be stepped without moving the monotonic one', async (t) => {
  const clock = createFakeClock(0)
  clock.stepWallClock(-5000)
  await clock.advance(10)
  t.equal(clock.now(), -4990)
  t.equal(clock.monotonicMs(), 10)
})

test('the seeded random repeats itself', (t) => {
  t.equal(createSeededRandom(7).hex(8), createSeededRandom(7).hex(8))
  t.not(createSeededRandom(7).hex(8), createSeededRandom(8).hex(8))
  t.match(createSeededRandom(7).hex(4), /^[0-9a-f]{8}$/)
  t.end()
})
