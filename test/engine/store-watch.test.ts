import { test } from 'tap'
import { watchStore } from '../../src/engine/store-watch.ts'
import type { Log } from '../../src/ports.ts'
import { createFakeClock } from '../../src/rehearsal/fake-clock.ts'
import { createMemoryStore } from '../../src/rehearsal/memory-store.ts'

const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => silent }

test('a store that takes commits again is seen to do so, though nobody has anything to store', async (t) => {
  const clock = createFakeClock()
  const store = createMemoryStore()
  const stopping = new AbortController()
  const watching = watchStore({ store, clock, log: silent }, stopping.signal)
  await clock.advance(20_000)
  t.equal((await store.commit([{ key: 'a', value: 1, expect: 0 }], [])).ok && store.problem(), null, 'a sound store is left alone')
  t.same((await store.read('a'))[0]?.revision, 1, 'and was not written to')
  store.breakCommits('disk full')
  await store.commit([], [])
  await clock.advance(20_000)
  t.equal(store.problem(), 'disk full')
  store.breakCommits(null)
  t.equal(store.problem(), 'disk full', 'nobody has looked yet')
  await clock.advance(5000)
  t.equal(store.problem(), null)
  stopping.abort()
  await watching
  t.equal(clock.pending(), 0)
})
