import { test } from 'tap'
import { keepJournal } from '../../src/engine/journal-keeper.ts'
import type { Log } from '../../src/ports.ts'
import { createFakeClock, FAKE_START_MS } from '../../src/rehearsal/fake-clock.ts'
import { createMemoryStore } from '../../src/rehearsal/memory-store.ts'

const DAY_MS = 86_400_000
const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => silent }

test('the journal is shortened while no trunk is moved, by the limits that count then', async (t) => {
  const clock = createFakeClock()
  const store = createMemoryStore()
  await store.commit([], [1, 2, 3, 4].map((day) => ({ decision: 'd', atMs: FAKE_START_MS - day * DAY_MS, trunk: null, type: 'drift', data: {} })).reverse())
  const stopping = new AbortController()
  let keepMs = 10 * DAY_MS
  let isMoving = true
  const keeping = keepJournal({ store, clock, log: silent, limits: () => ({ keepMs, maxRecords: 1000 }), isMoving: () => isMoving }, stopping.signal)
  const pass = async (minutes: number): Promise<number> => {
    await clock.advance(minutes * 60_000)
    return store.allRecords().length
  }
  t.equal(await pass(2), 4, 'nothing is too old')
  keepMs = 2.5 * DAY_MS
  t.equal(await pass(5), 4, 'not while a trunk is moved')
  isMoving = false
  t.equal(await pass(2), 2)
  stopping.abort()
  await keeping
  t.equal(clock.pending(), 0)
})
