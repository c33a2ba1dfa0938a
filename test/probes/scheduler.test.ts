import { test, type Test } from 'tap'
import { DEFAULT_POLICY } from '../../src/core/judgement.ts'
import type { Log, Metrics, SipClient, SipTarget } from '../../src/ports.ts'
import { createProbeScheduler, type ProbeScheduler, type ProbeTarget } from '../../src/probes/scheduler.ts'
import { createFakeClock, createSeededRandom, type FakeClock } from '../../src/rehearsal/fake-clock.ts'
import { buildOutcome } from '../../src/rehearsal/outcome.ts'

const target = (name: string, intervalMs = 5000, timeoutMs = 2000): ProbeTarget =>
  ({ id: `options sip:${name}`, target: { uri: `sip:${name}` }, request: { method: 'OPTIONS' }, policy: DEFAULT_POLICY, thresholds: { intervalMs, timeoutMs } })

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
}

/** A scheduler over peers that answer after `answerMs`; longer than the timeout: silent. */
const createBench = (t: Test, answerMs: (target: SipTarget) => number, code = (): number => 200): Bench => {
  const clock = createFakeClock()
  const running = new Map<string, number>()
  const [started, reported, counted, logged]: [string[], string[], Record<string, string>[], object[]] = [[], [], [], []]
  let overlap = 0
  const host = (text: string): string => text.replace(/^.*sip:/, '')
  const sip: Pick<SipClient, 'probe'> = {
    probe: async ({ target: asked }, timeoutMs, signal) => {
      started.push(`${host(asked.uri)}@${Math.round(clock.monotonicMs())}`)
      running.set(asked.uri, (running.get(asked.uri) ?? 0) + 1)
      overlap = Math.max(overlap, running.get(asked.uri) ?? 0)
      const durationMs = Math.min(answerMs(asked), timeoutMs)
      await clock.sleep(durationMs, signal)
      running.set(asked.uri, (running.get(asked.uri) ?? 0) - 1)
      const isSilent = answerMs(asked) > timeoutMs
      return buildOutcome(isSilent ? { reason: 'timeout', durationMs } : { reason: 'alive', code: code(), durationMs })
    }
  }
  const log: Log = { debug: () => { /* quiet */ }, info: (fields) => { logged.push(fields) }, warn: () => { /* quiet */ }, error: () => { /* quiet */ }, child: () => log }
  const metrics: Metrics = { increment: (name, labels) => { counted.push({ name, ...labels }) }, observe: () => { /* none */ } }
  const scheduler = createProbeScheduler({ sip: { ...sip, release: async () => {}, queryBindings: () => Promise.reject(new Error('not asked')), close: () => Promise.resolve() }, clock, random: createSeededRandom(3), metrics, log },
    (id, outcome, atMs) => { reported.push(`${host(id)} ${outcome.reason}@${Math.round(atMs - clock.now() + clock.monotonicMs())}`) })
  t.teardown(() => scheduler.stop())
  return { clock, scheduler, started, reported, counted, logged, overlap: () => overlap }
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
    t.match(bench.scheduler.last().get('options sip:a'), { outcome: { reason: 'timeout' } })
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
