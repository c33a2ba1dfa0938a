import { test, type Test } from 'tap'
import { DEFAULT_POLICY } from '../../src/core/judgement.ts'
import type { Log, Metrics, SipClient, SipTarget } from '../../src/ports.ts'
import { createProbeScheduler, type ProbeScheduler, type ProbeTarget } from '../../src/probes/scheduler.ts'
import { createFakeClock, createSeededRandom, type FakeClock } from '../../src/rehearsal/fake-clock.ts'
import { buildOutcome } from '../../src/rehearsal/outcome.ts'

const target = (name: string, intervalMs = 5000, timeoutMs = 2000): ProbeTarget =>
  ({ id: `options sip:${name}`, target: { uri: `sip:${name}` }, request: { method: 'OPTIONS' }, policy: DEFAULT_POLICY, thresholds: { intervalMs, timeoutMs }, evidence: true })

interface Bench {
  readonly clock: FakeClock
  readonly scheduler: ProbeScheduler
  /** `host@ms` of each start and each result. */
  readonly started: string[]
  readonly reported: string[]
  readonly counted: Record<string, string>[]
  readonly logged: object[]
  /** Most attempts of one target that ran at once. */
  readonly overlap: () => number
  /** Attempts of this target never end. */
  readonly hang: (name: string) => void
  /** The process stood still: time has passed, nothing ran. */
  readonly stall: (ms: number) => void
}

/** A scheduler over peers that answer after `answerMs`; longer than the timeout: silent. */
const createBench = (t: Test, answerMs: (target: SipTarget) => number, code = (): number => 200, isChanging = (_id: string): boolean => false): Bench => {
  const fake = createFakeClock()
  let stalledMs = 0
  const clock: FakeClock = { ...fake, now: () => fake.now() + stalledMs, monotonicMs: () => fake.monotonicMs() + stalledMs }
  let hanging = ''
  const running = new Map<string, number>()
  const [started, reported, counted, logged]: [string[], string[], Record<string, string>[], object[]] = [[], [], [], []]
  let overlap = 0
  const host = (text: string): string => text.replace(/^.*sip:/, '')
  const sip: Pick<SipClient, 'probe'> = {
    probe: async ({ target: asked }, timeoutMs, signal) => {
      started.push(`${host(asked.uri)}@${Math.round(clock.monotonicMs())}`)
      running.set(asked.uri, (running.get(asked.uri) ?? 0) + 1)
      overlap = Math.max(overlap, running.get(asked.uri) ?? 0)
      if (host(asked.uri) === hanging) return new Promise(() => { /* never */ })
      const durationMs = Math.min(answerMs(asked), timeoutMs)
      await clock.sleep(durationMs, signal)
      running.set(asked.uri, (running.get(asked.uri) ?? 0) - 1)
      const isSilent = answerMs(asked) > timeoutMs
      return buildOutcome(isSilent ? { reason: 'timeout', durationMs } : { reason: 'alive', code: code(), durationMs })
    }
  }
  const log: Log = { debug: () => { /* quiet */ }, info: (fields) => { logged.push(fields) }, warn: () => { /* quiet */ }, error: () => { /* quiet */ }, child: () => log }
  const metrics: Metrics = { increment: (name, labels) => { counted.push({ name, ...labels }) }, observe: () => { /* none */ } }
  const scheduler = createProbeScheduler({ sip: { ...sip, release: async () => {}, queryBindings: () => Promise.reject(new Error('not asked')), changeBindings: () => Promise.reject(new Error('not asked')), close: () => Promise.resolve() }, clock, random: createSeededRandom(3), metrics, log },
    (id, outcome, atMs) => {
      reported.push(`${host(id)} ${outcome.reason}@${Math.round(atMs - clock.now() + clock.monotonicMs())}`)
      return isChanging(id)
    })
  t.teardown(() => hanging === '' ? scheduler.stop() : undefined)
  return { clock, scheduler, started, reported, counted, logged, overlap: () => overlap, hang: (name) => { hanging = name }, stall: (ms) => { stalledMs += ms } }
}

const times = (started: readonly string[], host: string): number[] => started.flatMap((entry) => entry.startsWith(`${host}@`) ? [Number(entry.split('@')[1])] : [])
const distances = (ms: readonly number[]): number[] => ms.slice(1).map((at, index) => at - (ms[index] ?? 0))

test('first attempts are spread, at most over a second; then each target keeps its interval with 5 % jitter', async (t) => {
  const bench = createBench(t, () => 20)
  bench.scheduler.start(['a', 'b', 'c', 'd'].map((name) => target(name)))
  await bench.clock.advance(60_000)
  t.same(bench.started.slice(0, 4), ['a@0', 'b@250', 'c@500', 'd@750'])
  const gaps = distances(times(bench.started, 'a'))
  t.ok(gaps.length >= 10)
  t.ok(gaps.every((gap) => gap >= 4750 && gap <= 5250), gaps.join(' '))
  t.ok(new Set(gaps).size > 5, 'not in step')
  t.equal(bench.reported[0], 'a alive@20')
  t.match(bench.counted[0], { name: 'pointsman_probe_results_total', probe: 'options sip:a', reason: 'alive' })
  t.equal(bench.counted.length, bench.reported.length)
})

test('short intervals are spread over one interval', async (t) => {
  const bench = createBench(t, () => 1)
  bench.scheduler.start([target('a', 200, 100), target('b', 200, 100)])
  await bench.clock.advance(150)
  t.same(bench.started, ['a@0', 'b@100'])
})

test('a silent target is tried from start to start, never twice at once', async (t) => {
  const cases = [
    { name: 'timeout below the interval', intervalMs: 5000, timeoutMs: 2000, least: 4750, most: 5250 },
    { name: 'timeout above the interval', intervalMs: 1000, timeoutMs: 3000, least: 3000, most: 3000 }
  ]
  for (const { name, intervalMs, timeoutMs, least, most } of cases) {
    const bench = createBench(t, () => 60_000)
    bench.scheduler.start([target('a', intervalMs, timeoutMs)])
    await bench.clock.advance(60_000)
    const gaps = distances(times(bench.started, 'a'))
    t.ok(gaps.length >= 10 && gaps.every((gap) => gap >= least && gap <= most), `${name}: ${gaps.join(' ')}`)
    t.equal(bench.overlap(), 1)
    t.match(bench.scheduler.last().get('options sip:a'), { reason: 'timeout' })
  }
})

test('a reload keeps unchanged loops, restarts changed ones, ends removed ones and starts new ones', async (t) => {
  const bench = createBench(t, () => 10)
  bench.scheduler.start([target('kept'), target('changed'), target('removed')])
  await bench.clock.advance(4000)
  bench.started.length = 0
  bench.scheduler.update([target('kept'), target('changed', 2000), target('new')])
  t.same([...bench.scheduler.last().keys()], ['options sip:kept'])
  await bench.clock.advance(600)
  t.same(bench.started, ['changed@4000', 'new@4500'])
  await bench.clock.advance(10_000)
  t.equal(times(bench.started, 'removed').length, 0)
  t.ok(times(bench.started, 'kept').every((at) => at >= 4750))
  t.ok(times(bench.started, 'changed').length >= 5)
  t.same([...bench.scheduler.last().keys()].sort(), ['options sip:changed', 'options sip:kept', 'options sip:new'])
})

test('after stop nothing runs and nothing is reported, not even an attempt in flight', async (t) => {
  const bench = createBench(t, () => 1000)
  bench.scheduler.start([target('a')])
  await bench.clock.advance(500)
  t.equal(bench.started.length, 1)
  await bench.scheduler.stop()
  await bench.clock.advance(60_000)
  t.same(bench.reported, [])
  t.equal(bench.clock.pending(), 0)
  t.equal(bench.scheduler.last().size, 0)
})

test('what is kept of a target follows its results', async (t) => {
  let code = 200
  const bench = createBench(t, () => 10, () => code)
  bench.scheduler.start([target('a', 1000)])
  await bench.clock.advance(500)
  const first = bench.scheduler.last().get('options sip:a')
  const firstAtMs = first?.lastAtMs
  t.match(first, { reason: 'alive', code: 200, durationMs: 10 })
  t.equal(first?.aliveAtMs, firstAtMs)
  code = 404
  await bench.clock.advance(5000)
  t.match(bench.scheduler.last().get('options sip:a'), { code: 404 })
  t.ok((bench.scheduler.last().get('options sip:a')?.lastAtMs ?? 0) > (firstAtMs ?? 0))
})

test('only changes are logged', async (t) => {
  let code = 200
  const bench = createBench(t, () => 10, () => code)
  bench.scheduler.start([target('a', 1000)])
  await bench.clock.advance(5000)
  code = 404
  await bench.clock.advance(5000)
  t.match(bench.logged, [{ probe: 'options sip:a', reason: 'alive', code: 200 }, { code: 404 }])
  t.equal(bench.logged.length, 2)
})

const plain = (name: string, intervalMs = 10_000, timeoutMs = 2000): ProbeTarget => ({ ...target(name, intervalMs, timeoutMs), evidence: false })

test('thousands of targets begin one after the other over their interval, and never in step; a trunk\'s are not delayed by them', async (t) => {
  const bench = createBench(t, () => 1)
  const many = Array.from({ length: 2000 }, (_, index) => plain(`t${index}`))
  bench.scheduler.start([...many, target('a'), target('b')])
  await bench.clock.advance(1000)
  t.same(bench.started.filter((entry) => /^[ab]@/.test(entry)), ['a@0', 'b@500'])
  await bench.clock.advance(14_000)
  const perSecond = new Map<number, number>()
  for (const entry of bench.started) {
    const second = Math.floor(Number(entry.split('@')[1]) / 1000)
    perSecond.set(second, (perSecond.get(second) ?? 0) + 1)
  }
  const counts = [...perSecond.values()]
  t.ok(Math.max(...counts) <= 1100, `at most a thousand a second: ${counts.join(' ')}`)
  t.ok(new Set(bench.started.map((entry) => entry.split('@')[0])).size >= 2002, 'each one began')
  t.equal(bench.overlap(), 1)
  t.match(bench.scheduler.state(), { targets: 2002, overdueMs: 0 })
})

test('the number in flight is bounded for plain targets; a trunk\'s go on', async (t) => {
  const bench = createBench(t, () => 60_000)
  bench.scheduler.start([...Array.from({ length: 4200 }, (_, index) => plain(`t${index}`, 4500, 4499)), target('a', 1000, 900)])
  await bench.clock.advance(4400)
  const { inFlight, overdueMs } = bench.scheduler.state()
  t.ok(inFlight <= 4097 && inFlight >= 4096, `in flight: ${inFlight}`)
  t.ok(overdueMs > 0, `who waits is told: ${overdueMs}`)
  t.ok(times(bench.started, 'a').length >= 4, 'the trunk\'s target keeps its rhythm')
  await bench.clock.advance(2000)
  t.equal(new Set(bench.started.map((entry) => entry.split('@')[0])).size, 4201, 'the others had their turn')
})

test('while the verdict is changing the fast interval counts', async (t) => {
  let changing = false
  const bench = createBench(t, () => 1, undefined, (id) => changing && id.endsWith('a'))
  const fast = (name: string): ProbeTarget => ({ ...target(name, 10_000), thresholds: { intervalMs: 10_000, timeoutMs: 900, fastIntervalMs: 1000 } })
  bench.scheduler.start([fast('a'), fast('b')])
  await bench.clock.advance(15_000)
  changing = true
  await bench.clock.advance(15_000)
  changing = false
  await bench.clock.advance(40_000)
  const gaps = distances(times(bench.started, 'a'))
  t.ok(gaps.filter((gap) => gap >= 950 && gap <= 1050).length >= 5, gaps.join(' '))
  t.ok(gaps.slice(-3).every((gap) => gap >= 9500), 'and then no more')
  t.ok(distances(times(bench.started, 'b')).every((gap) => gap >= 9500), 'of that target only')
})

test('what hangs shows: an attempt that doesn\'t end, and attempts that don\'t begin', async (t) => {
  const bench = createBench(t, () => 1)
  bench.scheduler.start([target('a')])
  await bench.clock.advance(20_000)
  t.equal(bench.scheduler.state().overdueMs, 0)
  const hanging = createBench(t, () => 1)
  hanging.hang('b')
  hanging.scheduler.start([target('b', 5000, 2000)])
  await hanging.clock.advance(30_000)
  t.equal(hanging.scheduler.state().overdueMs, 28_000, 'since its deadline')
})

test('after a stall they begin some at a time, once each, and go back to their old rhythm', async (t) => {
  const bench = createBench(t, () => 1)
  bench.scheduler.start(Array.from({ length: 1000 }, (_, index) => plain(`t${index}`)))
  await bench.clock.advance(9900)
  bench.started.length = 0
  bench.stall(65_000)
  await bench.clock.advance(4000)
  const burst = bench.started.map((entry) => Number(entry.split('@')[1]))
  t.equal(burst.length, 1000)
  t.ok(burst.every((at) => burst.filter((other) => other === at).length <= 50), 'at most 50 in a millisecond')
  bench.started.length = 0
  await bench.clock.advance(20_000)
  const perSecond = Array.from({ length: 20 }, (_, second) => bench.started.filter((entry) => Math.floor((Number(entry.split('@')[1]) - 78_900) / 1000) === second).length)
  t.ok(Math.max(...perSecond) < 800, `spread by jitter as before: ${perSecond.join(' ')}`)
  t.ok(bench.counted.filter(({ name }) => name === 'pointsman_probe_scheduler_late_total').length >= 950, 'counted as late')
})
