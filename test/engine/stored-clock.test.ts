import { test } from 'tap'
import { createClockKeeper } from '../../src/engine/stored-clock.ts'
import type { ClockKeeper } from '../../src/engine/stored-clock.ts'
import { createFakeClock } from '../../src/rehearsal/fake-clock.ts'
import type { FakeClock } from '../../src/rehearsal/fake-clock.ts'
import { createMemoryStore } from '../../src/rehearsal/memory-store.ts'
import type { MemoryStore } from '../../src/rehearsal/memory-store.ts'
import { silent } from '../helpers/engine-rig.ts'

const HOUR = 3_600_000

const keeperOf = (store: MemoryStore, clock: FakeClock): ClockKeeper => createClockKeeper({ store, clock, log: silent }, new AbortController().signal)
const offOf = async (store: MemoryStore): Promise<unknown> => (await store.read('trunk/')).map(({ value }) => (value as { readonly offSinceMs: number }).offSinceMs)

async function stored () {
  const [store, clock] = [createMemoryStore(), createFakeClock()]
  const offSinceMs = clock.now()
  await store.commit([{ key: 'trunk/acme', value: { offSinceMs }, expect: 0 }, { key: 'trunk/beta', value: { offSinceMs }, expect: 0 }], [])
  await keeperOf(store, clock).keep()
  return { store, clock, offSinceMs }
}

for (const stepMs of [HOUR, -HOUR]) {
  test(`set ${stepMs < 0 ? 'back' : 'forward'} while nobody ran: what is stored follows once, whenever the process dies`, async (t) => {
    const { store, clock, offSinceMs } = await stored()
    clock.stepWallClock(stepMs)
    await keeperOf(store, clock).catchUp()
    t.same(await offOf(store), [offSinceMs + stepMs, offSinceMs + stepMs])
    await keeperOf(store, clock).catchUp()
    t.same(await offOf(store), [offSinceMs + stepMs, offSinceMs + stepMs], 'killed before anything else was stored, and started again')
  })
}

test('what can\'t be brought to the clock is not begun with', async (t) => {
  const { store, clock, offSinceMs } = await stored()
  clock.stepWallClock(HOUR)
  store.breakCommits('disk full')
  await t.rejects(keeperOf(store, clock).catchUp(), /can't be brought to it/)
  t.same(await offOf(store), [offSinceMs, offSinceMs])
})

test('a clock that the store did not take is stored later', async (t) => {
  for (const fails of ['full', 'answer lost'] as const) {
    const { store, clock, offSinceMs } = await stored()
    const keeper = keeperOf(store, clock)
    await keeper.catchUp()
    clock.stepWallClock(-HOUR)
    if (fails === 'full') store.breakCommits('disk full')
    else store.loseAnswers(1)
    await keeper.keep()
    await clock.advance(5000)
    store.breakCommits(null)
    await clock.advance(5000)
    clock.stepWallClock(-HOUR)
    await keeper.keep()
    await keeperOf(store, clock).catchUp()
    t.same(await offOf(store), [offSinceMs, offSinceMs], `${fails}: the process has shifted them itself`)
  }
})
