/** Every row of the failure matrix has its stories: for two gateways and one trunk, and for a fleet. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'

/** What fails, and the folders of test/fixtures/scenarios and test/fixtures/fleet that play it. */
const ROWS: Readonly<Record<string, { readonly pair: readonly string[]; readonly fleet: readonly string[] }>> = {
  'A dead': { pair: ['A-is-dead'], fleet: ['A-is-dead'] },
  'A\'s uplink dead, its management alive': { pair: ['A-loses-its-way-to-the-carrier'], fleet: ['A-loses-its-way-to-the-carrier'] },
  'A\'s management dead, its voice alive': { pair: ['A-management-is-dead-and-its-voice-alive'], fleet: ['A-management-is-dead-and-its-voice-alive'] },
  'A\'s SIP service dead, its management alive': { pair: ['A-SIP-service-is-dead-and-its-management-alive'], fleet: ['A-SIP-service-is-dead-and-its-management-alive'] },
  'carrier edge dead, shared by both': { pair: ['the-carrier-edge-of-both-is-dead-and-comes-back'], fleet: ['a-carrier-edge-is-dead-and-comes-back', 'a-carrier-edge-is-dead-and-the-standbys-have-another', 'the-carrier-edge-of-one-trunk-is-dead-and-its-standby-has-another'] },
  'carrier rejects A\'s registration only': { pair: ['the-carrier-rejects-the-registration-of-A-only'], fleet: ['a-carrier-rejects-the-registrations-of-A-only'] },
  'Prometheus or Alertmanager dead': { pair: ['Alertmanager-is-dead', 'Prometheus-is-cut-off-while-A-waits-for-proof'], fleet: ['Prometheus-and-Alertmanager-die'] },
  'Prometheus dead, then A dead': { pair: ['Prometheus-is-dead-and-then-A-dies-with-probes', 'Prometheus-is-dead-and-then-A-dies-with-freeze'], fleet: ['Prometheus-is-dead-and-then-A-dies-with-probes', 'Prometheus-is-dead-and-then-A-dies-with-freeze'] },
  'Pointsman\'s own uplink dead': { pair: ['Pointsman-loses-its-own-way-to-everything'], fleet: ['Pointsman-loses-its-own-way-to-everything'] },
  // Its cause is the loss of a quorum; a store of one's own (SQLite) has none, and is always the leader.
  'etcd quorum lost, then back': { pair: [], fleet: [] },
  'B answers 401, or has no such interface': { pair: ['B-answers-401-and-A-loses-its-SIP-service', 'B-has-no-such-interface-and-A-loses-its-SIP-service'], fleet: ['B-answers-401-and-A-loses-its-SIP-service', 'B-has-no-such-interface-for-three-trunks-and-A-dies'] },
  'A dead, B dies 2 min after the switchover, A is back': { pair: ['A-dies-then-B-two-minutes-later-and-A-comes-back-then'], fleet: ['A-dies-then-B-and-A-comes-back'] },
  'A comes back enabled by itself': { pair: ['A-comes-back-enabled-by-itself'], fleet: ['A-comes-back-enabled-by-itself'] }
}

for (const place of ['pair', 'fleet'] as const) {
  test(place, async (t) => {
    const there = new Set(readdirSync(join(import.meta.dirname, '../fixtures', place === 'pair' ? 'scenarios' : 'fleet')))
    for (const [row, stories] of Object.entries(ROWS)) t.same(stories[place].filter((name) => !there.has(name)), [], row)
    if (place === 'fleet') t.same([...there].sort(), [...new Set(Object.values(ROWS).flatMap(({ fleet }) => fleet))].sort(), 'no story of a fleet belongs to no row')
  })
}
