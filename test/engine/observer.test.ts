import { test } from 'tap'
import type { Executor } from '../../src/engine/executor.ts'
import { createObserver } from '../../src/engine/observer.ts'
import { createFakeClock } from '../../src/rehearsal/fake-clock.ts'

/** @param early - timers fire so much too early [ms] */
function createRig (early = 0) {
  const clock = createFakeClock()
  const stopping = new AbortController()
  const reads: string[] = []
  const executor = { observe: (id: string) => { reads.push(`${id}@${Math.round(clock.monotonicMs())}`) }, askCondition: () => {} } as unknown as Executor
  const observer = createObserver(executor, { ...clock, sleep: (ms, signal) => clock.sleep(Math.max(0, ms - early), signal) }, stopping.signal)
  return { clock, reads, observer, stop: () => { stopping.abort() } }
}

const gateways = (count: number, intervalMs = 10_000) => Array.from({ length: count }, (_, n) => ({ id: `g${n}`, intervalMs }))

test('gateways are read one after the other, and each at its interval', async (t) => {
  const { clock, reads, observer, stop } = createRig()
  observer.update(gateways(3))
  await clock.advance(20_050)
  t.same(reads, ['g0@0', 'g1@10', 'g2@20', 'g0@10000', 'g1@10010', 'g2@10020', 'g0@20000', 'g1@20010', 'g2@20020'])
  stop()
  await clock.advance(20_000)
  t.equal(reads.length, 9)
})

test('thousands are spread over their interval', async (t) => {
  const { clock, reads, observer, stop } = createRig()
  observer.update(gateways(4000, 1000))
  await clock.advance(999)
  t.equal(reads.length, 3997, 'each once')
  await clock.advance(1000)
  t.equal(reads.length, 7997)
  stop()
})

test('a timer that fires early makes no second read', async (t) => {
  const { clock, reads, observer, stop } = createRig(0.7)
  observer.update(gateways(1, 1000))
  await clock.advance(10_500)
  t.equal(reads.length, 11)
  stop()
})

test('what stays in the configuration keeps its time; what left is read no more', async (t) => {
  const { clock, reads, observer, stop } = createRig()
  observer.update(gateways(2))
  await clock.advance(5000)
  observer.update([{ id: 'g1', intervalMs: 10_000 }, { id: 'new', intervalMs: 10_000 }])
  await clock.advance(10_000)
  t.same(reads, ['g0@0', 'g1@10', 'new@5000', 'g1@10010', 'new@15000'])
  stop()
})
