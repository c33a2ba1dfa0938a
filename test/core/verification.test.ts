import { test } from 'tap'
import { CARRIER } from '../helpers/build-world.ts'
import { trunkHealth } from '../../src/core/trunk-health.ts'
import { verification } from '../../src/core/verification.ts'
import type { InterfaceState } from '../../src/core/world.ts'
import { A, B, buildInterface, buildWorld, NOW, SECOND, sipOf, TELLS_LITTLE } from '../helpers/build-world.ts'

/** B was switched on a second ago, and was seen on after that. */
function verdictOf (seen: Partial<NonNullable<InterfaceState['observed']>>, auth: 'ip' | 'register', afterMs = 2 * SECOND): string {
  const nowMs = NOW + afterMs
  const world = buildWorld({
    capabilities: TELLS_LITTLE, registration: { auth },
    interfaces: { [A]: buildInterface(false), [B]: buildInterface(true, { observed: { present: true, admin: 'enabled', registered: null, path: null, atMs: nowMs, ...seen } }) },
    evidence: Object.fromEntries([CARRIER, sipOf(A), sipOf(B)].map((id) => [id, { atMs: nowMs }]))
  })
  const trunk = world.topology.trunks.get('acme')!
  const state = world.trunks.get('acme')!
  return verification(world, trunk, state, trunkHealth(world, trunk, state, nowMs), B, NOW, nowMs).state
}

test('a change that callers may not know of yet is not verified', async (t) => {
  t.equal(verdictOf({}, 'ip'), 'verified', 'complete at once')
  t.equal(verdictOf({ settled: true }, 'ip'), 'verified', 'complete')
  t.equal(verdictOf({ settled: false }, 'ip'), 'open', 'an SRV record\'s time to live runs')
  t.equal(verdictOf({ settled: false }, 'ip', 31 * SECOND), 'unverifiable', 'and outlasts the deadline: nothing speaks against it')
  t.equal(verdictOf({ registered: true }, 'register'), 'verified')
  t.equal(verdictOf({ registered: true, settled: false }, 'register'), 'open', 'a standby that is still at its beacon')
})
