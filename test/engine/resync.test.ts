import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import type { ResyncInput } from '../../src/core/alert-book.ts'
import { createResync } from '../../src/engine/resync.ts'
import type { AlertmanagerClient, Log } from '../../src/ports.ts'
import { createFakeClock, FAKE_START_MS } from '../../src/rehearsal/fake-clock.ts'
import type { FakeClock } from '../../src/rehearsal/fake-clock.ts'

const LIST = JSON.parse(readFileSync(join(import.meta.dirname, '../fixtures/notifications/list.json'), 'utf8')) as readonly any[]

type Answer = Awaited<ReturnType<AlertmanagerClient['alerts']>>
const listing = (...alerts: readonly unknown[]): Answer => ({ ok: true, alerts })
const silent: Answer = { ok: false, detail: 'Alertmanager am-b:9093 did not answer in time' }

interface Stage {
  readonly clock: FakeClock
  readonly inputs: Omit<ResyncInput, 'watched'>[]
  readonly successes: number[]
  readonly counted: string[]
  readonly warned: unknown[]
  /** What each Alertmanager answers now. */
  answers: readonly Answer[]
  isStored: boolean
  request(): void
  stop(): Promise<void>
}
const stage = (...answers: readonly Answer[]): Stage => {
  const clock = createFakeClock()
  const stopping = new AbortController()
  const warned: unknown[] = []
  const inputs: Omit<ResyncInput, 'watched'>[] = []
  const successes: number[] = []
  const counted: string[] = []
  const log: Log = { debug: () => {}, info: () => {}, warn: (fields) => { warned.push(fields) }, error: () => {}, child: () => log }
  const resync = createResync({
    clients: () => self.answers.map((_, index) => ({ alerts: async () => self.answers[index] ?? silent })),
    reconcile: async (input) => { inputs.push(input); return self.isStored },
    onSuccess: (atMs) => { successes.push(atMs - FAKE_START_MS) },
    clock,
    log,
    metrics: { increment: (name, labels) => { counted.push(`${name} ${Object.values(labels ?? {}).join()}`) }, observe: () => {} }
  })
  const self: Stage = {
    clock, inputs, successes, counted, warned, answers, isStored: true,
    request: () => { resync.request() },
    stop: async () => {
      stopping.abort()
      await running
      if (clock.pending() > 0) throw new Error('a timer was left behind')
    }
  }
  const running = resync.run(stopping.signal)
  return self
}

test('at the start and each minute', async (t) => {
  const self = stage(listing(...LIST))
  await self.clock.advance(0)
  t.equal(self.inputs.length, 1)
  t.match(self.inputs[0], { complete: true, askedAtMs: FAKE_START_MS })
  t.same(self.inputs[0]?.listed.map(({ fingerprint, suppressed }) => [fingerprint, suppressed]), LIST.map((item) => [item.fingerprint, item.status.state === 'suppressed']))
  await self.clock.advance(180_000)
  t.same(self.successes, [0, 60_000, 120_000, 180_000])
  await self.stop()
  t.equal(self.inputs.length, 4)
  t.end()
})

test('a long list is read in several turns, and whole', async (t) => {
  const long = Array.from({ length: 1001 }, (_, index) => ({ ...LIST[0], fingerprint: index.toString(16).padStart(16, '0') }))
  const self = stage(listing(...long))
  await self.clock.advance(0)
  t.equal(self.inputs.length, 0, 'not in the turn of the answer')
  await self.clock.advance(5)
  t.equal(self.inputs.length, 0, 'nor soon after')
  await self.clock.advance(20)
  t.same(self.inputs[0]?.listed.map(({ fingerprint }) => fingerprint), long.map(({ fingerprint }) => fingerprint))
  t.match(self.inputs[0], { complete: true, askedAtMs: FAKE_START_MS })
  await self.clock.advance(59_991)
  await self.stop()
  t.equal(self.inputs.length, 1, 'what is stopped amid a list books nothing')
})

test('at once on request, but not more often than once a second', async (t) => {
  const self = stage(listing())
  await self.clock.advance(20_000)
  self.request()
  self.request()
  await self.clock.advance(500)
  self.request()
  self.request()
  await self.clock.advance(5000)
  t.same(self.successes, [0, 20_000, 21_000])
  await self.clock.advance(60_000)
  t.same(self.successes.at(-1), 81_000, 'then a minute later')
  await self.stop()
  t.end()
})

test('one silent Alertmanager of two: what the other lists counts and is fresh, absence doesn\'t count, and it is tried again soon', async (t) => {
  const self = stage(listing(LIST[0]), silent)
  await self.clock.advance(0)
  t.match(self.inputs[0], { complete: false, listed: [{ fingerprint: LIST[0].fingerprint }] })
  t.same(self.successes, [0])
  t.same(self.counted, ['pointsman_resyncs_total ok', 'pointsman_resyncs_total failed'])
  t.match(self.warned, [{ detail: /did not answer in time/ }])
  self.answers = [listing(LIST[0]), listing(LIST[1])]
  await self.clock.advance(10_000)
  t.match(self.inputs[1], { complete: true })
  t.equal(self.inputs[1]?.listed.length, 2)
  t.same(self.successes, [0, 10_000])
  self.answers = [silent, silent]
  await self.clock.advance(120_000)
  t.same(self.successes, [0, 10_000], 'nobody answers')
  await self.stop()
  t.end()
})

test('an alert that can\'t be read: absence proves nothing, the others count', async (t) => {
  const self = stage(listing(LIST[0], { fingerprint: 'x' }, LIST[1]))
  await self.clock.advance(0)
  t.match(self.inputs[0], { complete: false })
  t.equal(self.inputs[0]?.listed.length, 2)
  t.same(self.successes, [0])
  t.match(self.warned, [{ detail: /1 of 3 alerts could not be read: labels is missing/ }])
  await self.stop()
  t.end()
})

test('a resync that can\'t be stored is no success', async (t) => {
  const self = stage(listing())
  self.isStored = false
  await self.clock.advance(5000)
  t.same(self.successes, [])
  self.isStored = true
  await self.clock.advance(5000)
  t.same(self.successes, [10_000])
  await self.stop()
  t.end()
})

test('without an Alertmanager nothing is asked, until a reload brings one', async (t) => {
  const self = stage()
  await self.clock.advance(60_000)
  t.same([self.inputs, self.successes, self.counted], [[], [], []])
  self.answers = [listing()]
  self.request()
  await self.clock.advance(1000)
  t.same(self.successes.length, 1)
  await self.stop()
  t.end()
})

test('a stop in the middle of an answer is no failure', async (t) => {
  const clock = createFakeClock()
  const stopping = new AbortController()
  const counted: string[] = []
  const log: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => log }
  const resync = createResync({
    clients: () => [{ alerts: (signal) => new Promise((resolve) => { signal.addEventListener('abort', () => { resolve(silent) }) }) }],
    reconcile: async () => { throw new Error('nothing may be booked after the stop') },
    onSuccess: () => {},
    clock,
    log,
    metrics: { increment: (name) => { counted.push(name) }, observe: () => {} }
  })
  const running = resync.run(stopping.signal)
  await clock.advance(1000)
  stopping.abort()
  await running
  t.same(counted, [])
  t.equal(clock.pending(), 0)
  t.end()
})
