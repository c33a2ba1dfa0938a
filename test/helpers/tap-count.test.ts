import { test } from 'tap'
import { countTap } from './tap-count.ts'

const CASES = [
  { title: 'assertions at the left edge', tap: 'TAP version 14\nok 1 - a\nnot ok 2 - b\n1..2\n', counts: { passed: 1, failed: 1 } },
  { title: 'the line that sums up a subtest is not counted', tap: '# Subtest: x\n    ok 1 - a\n    ok 2 - b\n    1..2\nok 1 - x # time=3ms\n1..1\n', counts: { passed: 2, failed: 0 } },
  { title: 'a failed subtest counts by its assertions', tap: '# Subtest: x\n    ok 1 - a\n    not ok 2 - b\n    1..2\nnot ok 1 - x\n', counts: { passed: 1, failed: 1 } },
  { title: 'nested subtests', tap: '# Subtest: f\n    # Subtest: x\n        ok 1 - a\n        1..1\n    ok 1 - x\n    ok 2 - y\n    1..2\nok 1 - f\n', counts: { passed: 2, failed: 0 } },
  { title: 'a subtest in braces', tap: 'ok 1 - f {\n    ok 1 - a\n    1..1\n}\n', counts: { passed: 1, failed: 0 } },
  { title: 'skipped ones are not counted', tap: 'ok 1 - a\nok 2 - b # SKIP no network\n', counts: { passed: 1, failed: 0 } },
  { title: 'a file that can not be loaded fails at the left edge', tap: '# Subtest: f\n    1..0\nnot ok 1 - f\nnot ok 2 - timeout\n', counts: { passed: 0, failed: 1 } },
  { title: 'no assertion at all', tap: 'TAP version 14\n1..0\n', counts: null }
] as const

test('the assertions of a TAP stream are counted', (t) => {
  for (const { title, tap, counts } of CASES) t.same(countTap(tap), counts, title)
  t.end()
})
