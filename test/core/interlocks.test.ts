import { test } from 'tap'
import { INTERLOCKS, judge } from '../../src/core/interlocks.ts'
import { countMove } from '../../src/core/moves.ts'
import { VETOES } from '../../src/core/reasons.ts'
import type { VetoReason } from '../../src/core/reasons.ts'
import { A, DOWN, driverOf, LIMITS, MINUTE, NOW, SECOND } from '../helpers/build-world.ts'
import { judgementOf, back, pause, TABLE } from './interlock-cases.ts'
import type { Given, Row } from './interlock-cases.ts'

test('every interlock has its table', (t) => {
  t.same(Object.keys(TABLE).sort(), Object.keys(VETOES).sort())
  t.same(Object.keys(INTERLOCKS), Object.keys(VETOES), 'in the order of their sentences')
  for (const [name, rows] of Object.entries(TABLE) as [VetoReason, readonly Row[]][]) {
    t.ok(rows.some(([, , refuses]) => refuses) && rows.some(([, , refuses]) => !refuses), `${name} refuses and lets pass`)
    for (const [title, given, refuses] of rows) {
      const { vetoes } = judge(judgementOf(given))
      t.equal(vetoes.some((v) => v.interlock === name), refuses, `${name}: ${title}`)
    }
  }
  t.end()
})

test('nothing is in the way of a move that is needed', (t) => {
  t.same(judge(judgementOf({})), { vetoes: [], passed: [] })
  t.same(judge(judgementOf(back)), { vetoes: [], passed: [] }, 'nor of a failback that is due')
  t.end()
})

test('all vetoes are reported', (t) => {
  const { vetoes } = judge(judgementOf({ ...pause('global'), trunk: { mode: 'observe' }, evidence: { [driverOf(A)]: DOWN }, state: { drift: { detail: 'x', decision: 'd0' } } }))
  t.same(vetoes.map((v) => v.interlock), ['mode', 'paused', 'drift', 'confirm'])
  t.end()
})

test('an order passes what its author has named, and what judges automation only', (t) => {
  const given: Given = { ...back, ...pause('global'), state: { ...back.state, movedAtMs: NOW - SECOND, drift: { detail: 'x', decision: 'd0' } } }
  const names = (override: readonly VetoReason[]): readonly unknown[] => {
    const { vetoes, passed } = judge(judgementOf({ ...given, request: { override } }))
    return [vetoes.map((v) => v.interlock), passed.map((v) => v.interlock)]
  }
  t.same(names([]), [['paused', 'drift'], ['cooldown']])
  t.same(names(['drift']), [['paused'], ['drift', 'cooldown']])
  t.same(names(['drift', 'paused']), [[], ['paused', 'drift', 'cooldown']])
  const automation = judge(judgementOf({ ...given, state: { ...given.state, request: null } }))
  t.same(automation.vetoes.map((v) => v.interlock), ['paused', 'drift', 'cooldown'])
  t.end()
})

test('the latch is set by the move that is one too many', (t) => {
  const state = judgementOf({}).state
  const moved = { moved: true, helped: true, refuted: false }
  const refuted = { moved: false, helped: false, refuted: true }
  const at = (...minutes: number[]): number[] => minutes.map((m) => NOW - m * MINUTE)
  const latched = (change: Partial<typeof state>, end: typeof moved): boolean => countMove({ ...state, ...change }, end, LIMITS.latch, NOW).latch !== null
  t.equal(latched({ movesAtMs: at(50) }, moved), false, 'the second within an hour')
  t.equal(latched({ movesAtMs: at(59, 50) }, moved), true, 'the third within an hour')
  t.equal(latched({ movesAtMs: at(60, 50) }, moved), false, 'the third after an hour')
  t.equal(latched({ movesAtMs: at(50, 40) }, refuted), false, 'a rollback is no move')
  t.equal(latched({ ineffective: 1 }, refuted), false, 'the second that did not help')
  t.equal(latched({ ineffective: 2 }, refuted), true, 'the third that did not help')
  t.equal(countMove({ ...state, ineffective: 2 }, moved, LIMITS.latch, NOW).ineffective, 0, 'one that helped')
  t.end()
})
