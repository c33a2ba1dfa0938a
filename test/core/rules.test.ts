import { test } from 'tap'
import { receiveAlert } from '../../src/core/alert-book.ts'
import type { BookedAlert } from '../../src/core/alert-book.ts'
import type { Labels } from '../../src/core/labels.ts'
import { bindAlert, demandsOf, healthDemandsOf, refusalOf, resolveTarget, trunksOf } from '../../src/core/rules.ts'
import type { Rule, TrunkTopology } from '../../src/core/topology.ts'
import { trunkHealth } from '../../src/core/trunk-health.ts'
import type { TrunkState } from '../../src/core/world.ts'
import { buildWorld } from '../helpers/build-world.ts'
import { rule, topologyWith } from '../helpers/alert-topology.ts'

const NOW = Date.UTC(2026, 0, 1)

const labels = (more: Labels = {}): Labels => ({ alertname: 'SipTrunkDown', severity: 'critical', ...more })
const alert = (more: Labels, change: Partial<BookedAlert> = {}): BookedAlert => ({
  ...receiveAlert(undefined, { fingerprint: 'f1', labels: labels(more), status: 'firing', startsAtMs: NOW, endsAtMs: null }, NOW, true).booked,
  ...change
})

test('which interface an alert speaks about', (t) => {
  const cases: ReadonlyArray<readonly [string, Rule, Labels, unknown]> = [
    ['another alert', rule(), { ...labels(), alertname: 'DiskFull' }, { kind: 'none' }],
    ['a severity that the rule does not take', rule(), labels({ severity: 'warning', trunk: 'acme' }), { kind: 'none' }],
    ['trunk and gateway', rule(), labels({ trunk: 'acme', gateway: 'pbx-b' }), { trunk: 'acme', interfaces: ['pbx-b/SIP1'] }],
    ['no gateway: the one that was enabled at its start', rule(), labels({ trunk: 'acme' }), { trunk: 'acme', interfaces: null }],
    ['a gateway with two interfaces in the trunk: both', rule(), labels({ trunk: 'twin', gateway: 'pbx-a' }), { trunk: 'twin', interfaces: ['pbx-a/SIP2', 'pbx-a/SIP3'] }],
    ['one of the two, by its name', rule({ interface: '{interface}' }), labels({ trunk: 'twin', gateway: 'pbx-a', interface: 'SIP3' }), { interfaces: ['pbx-a/SIP3'] }],
    ['one of the two, by its key', rule({ interface: '{interface}' }), labels({ trunk: 'twin', gateway: 'pbx-a', interface: 'pbx-a/SIP3' }), { interfaces: ['pbx-a/SIP3'] }],
    ['a key alone', rule({ gateway: null, interface: '{interface}' }), labels({ trunk: 'acme', interface: 'pbx-b/SIP1' }), { interfaces: ['pbx-b/SIP1'] }],
    ['a name alone that two gateways have', rule({ gateway: null, interface: '{interface}' }), labels({ trunk: 'acme', interface: 'SIP1' }), { kind: 'refused', reason: 'unknown-gateway' }],
    ['a name alone that one gateway has', rule({ gateway: null, interface: '{interface}' }), labels({ trunk: 'twin', interface: 'SIP3' }), { interfaces: ['pbx-a/SIP3'] }],
    ['literal text', rule({ trunk: 'acme', gateway: 'pbx-a' }), labels(), { trunk: 'acme', interfaces: ['pbx-a/SIP1'] }],
    ['text around a label', rule({ gateway: 'pbx-{site}' }), labels({ trunk: 'acme', site: 'a' }), { interfaces: ['pbx-a/SIP1'] }],
    ['a trunk that is not configured', rule(), labels({ trunk: 'nobody', gateway: 'pbx-a' }), { kind: 'refused', reason: 'unknown-trunk' }],
    ['no trunk at all', rule(), labels({ gateway: 'pbx-a' }), { kind: 'refused', reason: 'unknown-trunk' }],
    ['a name that every object has', rule(), labels({ trunk: 'constructor' }), { kind: 'refused', reason: 'unknown-trunk' }],
    ['a gateway that the trunk does not use', rule(), labels({ trunk: 'acme', gateway: 'pbx-c' }), { kind: 'refused', reason: 'unknown-gateway' }],
    ['an interface that the gateway does not have', rule({ interface: '{interface}' }), labels({ trunk: 'acme', gateway: 'pbx-a', interface: 'SIP9' }), { kind: 'refused', reason: 'unknown-gateway' }]
  ]
  for (const [what, one, with_, expected] of cases) t.match(resolveTarget(one, with_, topologyWith(one)), expected, what)
  t.end()
})

test('trunks of an alert, and why it is of no use', (t) => {
  const both = topologyWith(rule(), rule({ trunk: 'twin', gateway: null }, { name: 'always-twin' }))
  t.same(trunksOf(labels({ trunk: 'acme', gateway: 'pbx-a' }), both), { trunks: ['acme', 'twin'], unbound: ['twin'] })
  t.same(trunksOf(labels({ alertname: 'x' }), both), { trunks: [], unbound: [] })
  t.equal(refusalOf(labels({ trunk: 'nobody' }), both), null, 'one rule can use it')
  t.equal(refusalOf(labels({ trunk: 'nobody' }), topologyWith(rule())), 'unknown-trunk')
  t.equal(refusalOf(labels({ trunk: 'acme', gateway: 'pbx-c' }), topologyWith(rule())), 'unknown-gateway')
  t.equal(refusalOf({ alertname: 'Watchdog' }, topologyWith(rule())), null, 'no rule matches')
  t.end()
})

test('what alerts demand of a trunk', (t) => {
  const one = rule({}, { evidence: 'none' })
  const acme = topologyWith(one).trunks.get('acme') as TrunkTopology
  const onA = { trunk: 'acme', gateway: 'pbx-a' }
  const demand = {
    rule: 'trunk-down', demand: 'disable', interface: 'pbx-a/SIP1', alert: { fingerprint: 'f1', name: 'SipTrunkDown' }, sinceMs: NOW, evidence: 'none', disputed: false, startsNew: true
  }
  const cases: ReadonlyArray<readonly [string, BookedAlert, readonly unknown[]]> = [
    ['a firing one', alert(onA), [demand]],
    ['a resolved one', alert(onA, { status: 'resolved' }), []],
    ['a silenced one holds but starts nothing', alert(onA, { suppressed: true }), [{ ...demand, startsNew: false }]],
    ['a disputed one', alert(onA, { disputed: true }), [{ ...demand, disputed: true }]],
    ['one of another trunk', alert({ trunk: 'twin', gateway: 'pbx-a' }), []],
    ['one that is bound', alert({ trunk: 'acme' }, { bound: 'pbx-b/SIP1' }), [{ ...demand, interface: 'pbx-b/SIP1' }]],
    ['one that nobody could bind', alert({ trunk: 'acme' }), []],
    ['one bound to an interface that is gone from the configuration', alert({ trunk: 'acme' }, { bound: 'pbx-z/SIP1' }), []],
    ['a label beats a binding', alert(onA, { bound: 'pbx-b/SIP1' }), [demand]]
  ]
  for (const [what, booked, expected] of cases) t.same(demandsOf([booked], acme, [one]), expected, what)
  const two = demandsOf([alert({ trunk: 'twin', gateway: 'pbx-a' })], topologyWith(one).trunks.get('twin') as TrunkTopology, [one, rule()])
  t.same(two.map((d) => [d.interface, d.evidence]), [['pbx-a/SIP2', 'none'], ['pbx-a/SIP3', 'none'], ['pbx-a/SIP2', 'probe'], ['pbx-a/SIP3', 'probe']])
  t.end()
})

test('a rule that freezes speaks about the whole trunk', (t) => {
  const one = rule({ gateway: null }, { demand: 'freeze' })
  const acme = topologyWith(one).trunks.get('acme') as TrunkTopology
  t.match(demandsOf([alert({ trunk: 'acme' })], acme, [one]), [{ demand: 'freeze', interface: null, startsNew: true }], 'though nobody could bind the alert')
  t.match(demandsOf([alert({ trunk: 'acme' }, { suppressed: true, bound: 'pbx-a/SIP1' })], acme, [one]), [{ demand: 'freeze', interface: null, startsNew: false }])
  t.same(demandsOf([alert({ trunk: 'twin' })], acme, [one]), [])
  t.end()
})

test('what own health demands of a trunk', (t) => {
  const onHealth = (seconds: number, target: Partial<Rule['target']> = {}): Rule =>
    ({ ...rule(), name: 'own-eyes', match: null, when: { downForMs: seconds * 1000 }, target: { trunk: null, gateway: null, interface: null, ...target } })
  const cases: ReadonlyArray<readonly [string, Rule, Readonly<Record<string, number | null>>, readonly string[], number | null]> = [
    ['down for less than the rule says', onHealth(10), { 'pbx-a/SIP1': 9 }, [], 1],
    ['down for as long as the rule says', onHealth(10), { 'pbx-a/SIP1': 10 }, ['pbx-a/SIP1'], null],
    ['down since this moment, for a rule that does not wait', onHealth(0), { 'pbx-a/SIP1': 0 }, ['pbx-a/SIP1'], null],
    ['not down', onHealth(0), { 'pbx-a/SIP1': null }, [], null],
    ['both, of which one has to wait', onHealth(10), { 'pbx-a/SIP1': 20, 'pbx-b/SIP1': 4 }, ['pbx-a/SIP1'], 6],
    ['another trunk', onHealth(0, { trunk: 'twin' }), { 'pbx-a/SIP1': 5 }, [], null],
    ['another gateway', onHealth(0, { trunk: 'acme', gateway: 'pbx-b' }), { 'pbx-a/SIP1': 5 }, [], null],
    ['this gateway', onHealth(0, { gateway: 'pbx-a', interface: 'SIP1' }), { 'pbx-a/SIP1': 5, 'pbx-b/SIP1': 5 }, ['pbx-a/SIP1'], null]
  ]
  for (const [what, one, downFor, expected, wakesIn] of cases) {
    const world = buildWorld()
    const acme = topologyWith(one).trunks.get('acme') as TrunkTopology
    const health = new Map([...trunkHealth(world, world.topology.trunks.get('acme') as TrunkTopology, world.trunks.get('acme') as TrunkState, NOW)].map(([key, its]) => {
      const seconds = downFor[key] ?? null
      return [key, { ...its, downSinceMs: seconds === null ? null : NOW - seconds * 1000 }] as const
    }))
    const found = healthDemandsOf(acme, health, [one, rule()], NOW)
    t.same(found.demands.map((d) => d.interface), expected, what)
    t.ok(found.demands.every((d) => d.alert === null && d.rule === 'own-eyes' && d.startsNew), what)
    t.equal(found.wakeAtMs, wakesIn === null ? null : NOW + wakesIn * 1000, `${what}: wakes`)
  }
  t.end()
})

test('an alert without a gateway is bound once, to the interface enabled at its start', (t) => {
  const history = [{ interface: 'pbx-a/SIP1', fromMs: NOW - 60_000 }, { interface: 'pbx-b/SIP1', fromMs: NOW + 30_000 }]
  const cases: ReadonlyArray<readonly [string, Partial<BookedAlert>, string | null]> = [
    ['it started under A', { startsAtMs: NOW }, 'pbx-a/SIP1'],
    ['it started with A', { startsAtMs: NOW - 60_000 }, 'pbx-a/SIP1'],
    ['it started under B', { startsAtMs: NOW + 40_000, firstSeenAtMs: NOW + 41_000 }, 'pbx-b/SIP1'],
    ['its clock is ahead: it arrived under A', { startsAtMs: NOW + 40_000, firstSeenAtMs: NOW + 10_000 }, 'pbx-a/SIP1'],
    ['it started before anything is known', { startsAtMs: NOW - 90_000 }, null],
    ['it was bound before', { startsAtMs: NOW + 40_000, firstSeenAtMs: NOW + 41_000, bound: 'pbx-a/SIP1' }, 'pbx-a/SIP1']
  ]
  for (const [what, change, expected] of cases) t.equal(bindAlert(alert({ trunk: 'acme' }, change), history), expected, what)
  t.equal(bindAlert(alert({ trunk: 'acme' }), []), null, 'nobody was ever enabled')
  t.end()
})
