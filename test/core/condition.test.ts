/** A gateway's own alarm makes the carrier be asked soon, for a while. */
import { test } from 'tap'
import { isAlarmed, recordCondition } from '../../src/core/condition.ts'
import { planTrunk } from '../../src/core/planner.ts'
import { trunkHealth } from '../../src/core/trunk-health.ts'
import { A, B, buildInterface, buildWorld, NOW, SECOND } from '../helpers/build-world.ts'

const MINUTE = 60 * SECOND
const QUIET = { alarms: 0, registrationFailed: false, resetRequired: null, role: null } as const
const LOUD = { ...QUIET, alarms: 1, registrationFailed: true } as const
const QUERY = { registrar: 'sip:carrier', intervalMs: 5 * MINUTE, doubtIntervalMs: 5 * SECOND }

test('an alarm begins with its first reading and ends with the first one without it', async (t) => {
  const first = recordCondition(undefined, LOUD, NOW)
  t.equal(first.failedSinceMs, NOW)
  t.equal(recordCondition(first, LOUD, NOW + MINUTE).failedSinceMs, NOW, 'it stays')
  t.equal(recordCondition(first, QUIET, NOW + MINUTE).failedSinceMs, null)
  t.equal(recordCondition(recordCondition(first, QUIET, NOW + 1), LOUD, NOW + MINUTE).failedSinceMs, NOW + MINUTE, 'a new one')
})

test('a fresh alarm of a gateway of the trunk is a doubt; an old one, or another gateway\'s, is none', async (t) => {
  for (const { gateway, condition, want } of [
    { gateway: 'pbx-a', condition: recordCondition(undefined, LOUD, NOW - MINUTE), want: true },
    { gateway: 'pbx-b', condition: recordCondition(undefined, LOUD, NOW - MINUTE), want: true },
    { gateway: 'pbx-a', condition: recordCondition(undefined, LOUD, NOW - 2 * MINUTE), want: false },
    { gateway: 'pbx-a', condition: recordCondition(undefined, QUIET, NOW), want: false },
    { gateway: 'pbx-c', condition: recordCondition(undefined, LOUD, NOW), want: false }
  ]) {
    const world = buildWorld({ query: QUERY, conditions: new Map([[gateway, condition]]), state: { queriedAtMs: NOW - MINUTE } })
    t.equal(isAlarmed(world, world.topology.trunks.get('acme')!, NOW), want, `${gateway} ${condition.failedSinceMs}`)
    t.equal(planTrunk(world, 'acme', 'd', NOW).actions.some(({ kind }) => kind === 'query'), want, 'the carrier is asked')
  }
})

test('an interface that could not be switched is not usable, so it is known before it is needed', async (t) => {
  const observed = { present: true, admin: 'disabled', registered: false, path: 'up', atMs: NOW - SECOND, obstacle: 'line-masked' } as const
  const world = buildWorld({ interfaces: { [B]: buildInterface(false, { observed }) } })
  const health = trunkHealth(world, world.topology.trunks.get('acme')!, world.trunks.get('acme')!, NOW)
  t.match(health.get(B), { usable: false, unusable: ['it could not be switched (line-masked)'] })
  t.equal(health.get(A)?.usable, true)
})
