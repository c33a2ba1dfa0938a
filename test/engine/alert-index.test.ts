/** The alerts of each trunk, kept with every change; what they will be with a change is looked at before it is stored. */
import * as fc from 'fast-check'
import { test } from 'tap'
import type { BookedAlert } from '../../src/core/alert-book.ts'
import { createAlertIndex } from '../../src/engine/alert-index.ts'
import { rule, topologyWith } from '../helpers/alert-topology.ts'

const TRUNKS = ['acme', 'twin', 'unknown'] as const
type Change = readonly [fingerprint: string, alert: BookedAlert | null]

const alertOf = (fingerprint: string, trunk: string, status: 'firing' | 'resolved'): BookedAlert => ({
  fingerprint, labels: { alertname: 'SipTrunkDown', severity: 'critical', trunk, gateway: 'pbx-a' }, startsAtMs: 0, endsAtMs: status === 'firing' ? null : 1, status,
  disputed: false, suppressed: false, firstSeenAtMs: 0, lastSeenAtMs: 0, absentSinceMs: null, bound: null, lastEndsAtMs: null
})
/** Few fingerprints, so that they meet; the trunk of one may change. */
const change: fc.Arbitrary<Change> = fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.constantFrom(...TRUNKS), fc.constantFrom('firing', 'firing', 'resolved', 'removed'))
  .map(([fingerprint, trunk, state]) => [fingerprint, state === 'removed' ? null : alertOf(fingerprint, trunk, state)])

test('what a change is going to make of each trunk is what it makes of it, and looking changes nothing', (t) => {
  const topology = topologyWith(rule())
  fc.assert(fc.property(fc.array(change, { maxLength: 12 }), fc.array(change, { maxLength: 4 }), (before, batch) => {
    const index = createAlertIndex(() => topology)
    for (const [fingerprint, alert] of before) index.put(fingerprint, alert)
    const changes = new Map(batch)
    const now = (): readonly (readonly BookedAlert[])[] => TRUNKS.map((trunk) => index.byTrunk().get(trunk) ?? [])
    const was = now()
    const preview = index.preview(changes)
    const seen = TRUNKS.map((trunk) => preview.get(trunk) ?? [])
    t.same(now(), was)
    for (const [fingerprint, alert] of changes) index.put(fingerprint, alert)
    t.same(seen, now())
    for (const alerts of index.byTrunk().values()) t.ok(alerts.length > 0, 'no trunk without alerts')
    index.rebuild()
    t.same(seen, now(), 'the same from the book alone')
  }), { numRuns: 300 })
  t.end()
})
