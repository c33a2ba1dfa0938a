import { test } from 'tap'
import type { ProbeReason } from '../../src/core/reasons.ts'
import { createProbeHistory } from '../../src/probes/history.ts'
import { buildOutcome } from '../../src/rehearsal/outcome.ts'

/** One result at each millisecond. */
const fill = (results: readonly (readonly [probe: string, reason: ProbeReason, code?: number])[]) => {
  const history = createProbeHistory()
  results.forEach(([probe, reason, code = null], index) => { history.add(probe, buildOutcome({ reason, code }), index + 1, false) })
  /** `since-at*count` of each record. */
  const runs = (probe: string | undefined, onlyFailed = false, limit = 100): string[] =>
    history.list({ ...(probe === undefined ? {} : { probe }), onlyFailed, limit }).map(({ sinceMs, atMs, count }) => `${sinceMs}-${atMs}*${count}`)
  return { history, runs }
}
const repeat = (count: number, probe: string, reason: ProbeReason) => Array.from({ length: count }, () => [probe, reason] as const)

test('equal results in a row are one record, newest first', async (t) => {
  const { runs, history } = fill([...repeat(3, 'a', 'timeout'), ['b', 'alive'], ...repeat(1000, 'a', 'alive'), ['a', 'bad-code', 503], ['a', 'bad-code', 500]])
  t.same(runs('a'), ['1006-1006*1', '1005-1005*1', '5-1004*1000', '1-3*3'])
  t.same(runs('a', true), ['1006-1006*1', '1005-1005*1', '1-3*3'])
  t.same(runs('a', false, 2), ['1006-1006*1', '1005-1005*1'])
  t.same(runs('b'), ['4-4*1'])
  t.same(runs('nobody'), [])
  t.match(history.list({ probe: 'a', onlyFailed: false, limit: 1 }), [{ probe: 'a', reason: 'bad-code', code: 500, durationMs: 1, onDemand: false }])
})

test('failures stay when they are older, the last ones of them', async (t) => {
  const flapping = Array.from({ length: 20 }, (_, index) => ['a', 'timeout', 400 + index] as const)
  const steady = Array.from({ length: 8 }, (_, index) => ['a', 'alive', 200 + index] as const)
  const { runs } = fill([...flapping, ...steady])
  t.same(runs('a').length, 10)
  t.same(runs('a', true), ['20-20*1', '19-19*1', '18-18*1', '17-17*1', '16-16*1'])
})

test('of all targets together', async (t) => {
  const { runs } = fill([['a', 'timeout'], ['b', 'alive'], ['a', 'alive'], ['c', 'busy']])
  t.same(runs(undefined), ['4-4*1', '3-3*1', '2-2*1', '1-1*1'])
  t.same(runs(undefined, true), ['1-1*1'], 'busy is alive')
})

test('who left the configuration is forgotten; targets of the exporter are bounded', async (t) => {
  const { history, runs } = fill([['a', 'alive'], ['b', 'alive']])
  history.keep(['b'])
  t.same(runs('a'), [])
  t.same(runs('b'), ['2-2*1'])
  for (let index = 0; index < 1500; index++) history.add(`x${index}`, buildOutcome({ reason: 'alive' }), 10 + index, true)
  history.keep(['b'])
  t.same(runs('x0'), [], 'the oldest made room')
  t.same(runs('x1499'), ['1509-1509*1'])
  t.same(runs('b'), ['2-2*1'])
})
