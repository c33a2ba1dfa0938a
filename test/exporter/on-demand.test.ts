import { test } from 'tap'
import { DEFAULT_POLICY } from '../../src/core/judgement.ts'
import { createOnDemandProber, type OnDemandTarget } from '../../src/exporter/on-demand.ts'
import { createProbeHistory } from '../../src/probes/history.ts'
import { createFakeClock } from '../../src/rehearsal/fake-clock.ts'
import { buildOutcome } from '../../src/rehearsal/outcome.ts'

const target = (name: string): OnDemandTarget => ({ id: `options sip:${name}`, target: { uri: `sip:${name}` }, request: { method: 'OPTIONS' }, policy: DEFAULT_POLICY, thresholds: { timeoutMs: 2000 } })

const setUp = (answerMs = 100) => {
  const clock = createFakeClock()
  const history = createProbeHistory()
  const asked: string[] = []
  const prober = createOnDemandProber({
    clock, history, offsetMs: () => 500,
    sip: {
      probe: async ({ target: { uri } }, timeoutMs, signal) => {
        asked.push(`${uri} ${timeoutMs}`)
        await clock.sleep(answerMs, signal)
        return buildOutcome({ reason: 'alive', code: 200 })
      }
    }
  })
  return { clock, history, prober, asked }
}

test('the deadline is the scraper\'s, less the offset, and never more than the probe\'s own', async (t) => {
  const { prober } = setUp()
  const cases: [scrapeTimeoutMs: number | null, want: number][] = [[null, 2000], [10_000, 2000], [2500, 2000], [2000, 1500], [1000, 500], [600, 300], [100, 50]]
  for (const [scrape, want] of cases) t.equal(prober.timeoutMs(target('a'), scrape), want, String(scrape))
})

test('who asks for what is under way, or was within a second, gets that result', async (t) => {
  const { clock, history, prober, asked } = setUp()
  const both = Promise.all([prober.probe(target('a'), null), prober.probe(target('a'), null), prober.probe(target('b'), null)])
  await clock.advance(200)
  const [one, two, other] = await both
  t.equal(one, two)
  t.not(one, other)
  t.equal(await prober.probe(target('a'), null), one, 'still fresh')
  t.same(asked, ['sip:a 2000', 'sip:b 2000'])
  await clock.advance(1000)
  const later = prober.probe(target('a'), null)
  await clock.advance(200)
  t.not(await later, one)
  t.equal(asked.length, 3)
  t.match(history.list({ onlyFailed: false, limit: 10 }), [{ probe: 'options sip:a', count: 2, onDemand: true }, { probe: 'options sip:b', count: 1 }])
})

test('only so many at once; the rest is refused, not queued', async (t) => {
  const { clock, prober, asked } = setUp()
  const running = Array.from({ length: 1000 }, (_, index) => prober.probe(target(`t${index}`), null))
  t.equal(await prober.probe(target('one-more'), null), null)
  t.equal(asked.length, 1000)
  await clock.advance(200)
  t.ok((await Promise.all(running)).every((result) => result?.outcome.reason === 'alive'))
  const after = prober.probe(target('one-more'), null)
  await clock.advance(200)
  t.match(await after, { outcome: { reason: 'alive' } })
})

test('stop cancels what is under way, and that is no result', async (t) => {
  const { clock, history, prober } = setUp(60_000)
  const running = prober.probe(target('a'), null)
  await clock.advance(10)
  prober.stop()
  await running
  t.same(history.list({ onlyFailed: false, limit: 10 }), [])
})
