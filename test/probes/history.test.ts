import { test } from 'tap'
import type { ProbeReason } from '../../src/core/reasons.ts'
import { createProbeHistory } from '../../src/probes/history.ts'
import { buildOutcome } from '../../src/rehearsal/outcome.ts'

const fill = (results: readonly (readonly [probe: string, reason: ProbeReason])[], onDemand = false) => {
  const history = createProbeHistory()
  results.forEach(([probe, reason], index) => { history.add(probe, buildOutcome({ reason }), index + 1, onDemand) })
  const times = (probe: string | undefined, onlyFailed = false, limit = 100): number[] => history.list({ ...(probe === undefined ? {} : { probe }), onlyFailed, limit }).map(({ atMs }) => atMs)
  return { history, times }
}
const repeat = (count: number, probe: string, reason: ProbeReason) => Array.from({ length: count }, () => [probe, reason] as const)

test('the last results of each target, newest first, and its failures also when they are older', async (t) => {
  const { times } = fill([...repeat(2, 'a', 'timeout'), ...repeat(4, 'a', 'alive'), ['b', 'alive'], ...repeat(9, 'a', 'alive')])
  t.same(times('a'), [16, 15, 14, 13, 12, 2, 1])
  t.same(times('a', true), [2, 1])
  t.same(times('a', false, 3), [16, 15, 14])
  t.same(times('b'), [7])
  t.same(times('nobody'), [])
})

test('of many failures the last ones stay', async (t) => {
  const { times } = fill([...repeat(100, 'a', 'timeout'), ...repeat(5, 'a', 'busy')])
  t.same(times('a'), [105, 104, 103, 102, 101, 100, 99, 98, 97, 96])
  t.same(times('a', true), [100, 99, 98, 97, 96], 'busy is alive')
})

test('of all targets together', async (t) => {
  const { times } = fill([['a', 'timeout'], ...repeat(1500, 'b', 'alive')])
  t.equal(times(undefined, false, 9999).length, 1001)
  t.same(times(undefined, true), [1])
})

test('who left the configuration is forgotten; targets of the exporter are bounded', async (t) => {
  const { history, times } = fill([['a', 'alive'], ['b', 'alive']])
  history.keep(['b'])
  t.same(times('a'), [])
  t.same(times('b'), [2])
  for (let index = 0; index < 1500; index++) history.add(`x${index}`, buildOutcome({ reason: 'alive' }), 10 + index, true)
  history.keep(['b'])
  t.same(times('x0'), [], 'the oldest made room')
  t.same(times('x1499'), [1509])
  t.same(times('b'), [2])
})
