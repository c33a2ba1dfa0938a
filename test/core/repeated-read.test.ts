import { isDeepStrictEqual } from 'node:util'
import * as fc from 'fast-check'
import { test } from 'tap'
import type { Observation } from '../../src/core/observation.ts'
import { isRepeatedRead, recordObservation, withRepeatedRead } from '../../src/core/observe.ts'
import { interfaceState, withInterface, type InterfaceState, type TrunkState } from '../../src/core/world.ts'
import { A, B, buildInterface, buildWorld, NOW, SECOND, TELLS_ALL, TELLS_LITTLE } from '../helpers/build-world.ts'

const instant = fc.constantFrom(null, NOW - 90 * SECOND, NOW - 10 * SECOND)
const observation: fc.Arbitrary<Observation> = fc.record({
  present: fc.constantFrom(true, true, false),
  admin: fc.constantFrom('enabled' as const, 'disabled' as const, 'self-disabled' as const),
  registered: fc.constantFrom(true, false, null),
  path: fc.constantFrom('up' as const, null)
})
const own = (seen: Observation): fc.Arbitrary<InterfaceState> => fc.record({
  observed: fc.oneof(fc.constant(seen), observation).map((known) => ({ ...known, atMs: NOW - 10 * SECOND })),
  attempt: fc.constantFrom({ atMs: NOW - 10 * SECOND, reason: null }, { atMs: NOW - 5 * SECOND, reason: 'timeout' as const }, null),
  silentSince: fc.constantFrom(false, false, true),
  darkSinceRead: fc.constantFrom(false, false, true),
  offSinceMs: instant,
  offConfirmed: fc.boolean(),
  wellSinceMs: fc.constant(null),
  onSinceMs: instant,
  lastLifeAtMs: instant,
  lifeByBinding: fc.boolean(),
  command: fc.constantFrom(null, null, { desired: 'disabled' as const, atMs: NOW - 20 * SECOND, outcome: 'unknown' as const, reason: null, detail: '', endedAtMs: NOW - 19 * SECOND }),
  refutedAtMs: fc.constant(null)
})
const trunk = (base: TrunkState): fc.Arbitrary<Partial<TrunkState>> => fc.record({
  baseline: fc.constantFrom('adopted' as const, 'adopted' as const, 'unset' as const),
  wanted: fc.constantFrom(A, B),
  drift: fc.constantFrom(null, null, { detail: 'by somebody else', decision: 'd0' }),
  members: fc.constantFrom(null, [A, B]),
  activeHistory: fc.constantFrom(base.activeHistory, [], [{ interface: A, fromMs: 1 }], [{ interface: B, fromMs: 1 }])
})

test('a repeated read is what a whole one would be', (t) => {
  const base = buildWorld({}).trunks.get('acme')!
  let repeated = 0
  const cases = observation.chain((seen) => fc.record({ seen: fc.constant(seen), mine: own(seen), change: trunk(base), can: fc.constantFrom(TELLS_ALL, TELLS_LITTLE) }))
  fc.assert(fc.property(cases, ({ seen, mine, change, can }) => {
    const state: TrunkState = { ...base, ...change, interfaces: { [A]: mine, [B]: buildInterface(false) } }
    if (!isRepeatedRead(can, state, A, seen)) return true
    repeated++
    return isDeepStrictEqual(withInterface(state, A, withRepeatedRead(interfaceState(state, A), NOW)), recordObservation(can, state, A, seen, NOW))
  }), { numRuns: 100_000, seed: 3 })
  t.ok(repeated > 300, `${repeated} of 100000`)
  t.end()
})

test('a binding that grew after the read stays the last sign of life', (t) => {
  const base = buildWorld({}).trunks.get('acme')!
  const state: TrunkState = { ...base, interfaces: { ...base.interfaces, [A]: buildInterface(true, { lastLifeAtMs: NOW, lifeByBinding: true }) } }
  const own = withRepeatedRead(interfaceState(state, A), NOW - SECOND)
  t.same([own.lastLifeAtMs, own.lifeByBinding, own.observed?.atMs], [NOW, true, NOW - SECOND])
  t.end()
})
