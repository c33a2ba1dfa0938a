import { test } from 'tap'
import { bookIncidents } from '../../src/core/incidents.ts'
import { recordPlan } from '../../src/core/record-plan.ts'
import { createReplay } from '../../src/core/replay.ts'
import type { Recorded, Replayed } from '../../src/core/replay.ts'
import { restoreSnapshot, takeSnapshot } from '../../src/core/snapshot.ts'
import type { Topology } from '../../src/core/topology.ts'
import type { World } from '../../src/core/world.ts'
import { A, B, buildAlert, buildWorld, DOWN, NOW, QUERY, sipOf } from '../helpers/build-world.ts'

const copy = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T
/** A's SIP service is dead, its management alive, and an alert says so. */
const troubled = (mode: 'automatic' | 'observe' = 'automatic'): World => buildWorld({ evidence: { [sipOf(A)]: DOWN }, alerts: [buildAlert('pbx-a')], trunk: { mode } })
/** What the journal would hold of one plan. */
const recordsOf = (world: World): Recorded[] => recordPlan(world, 'acme', 'd1', NOW).lines.map((line) => copy({ ...line, trunk: 'acme', atMs: NOW }))
const replay = (records: readonly Recorded[], topology: Topology | null = null): Replayed[] => {
  const again = createReplay(topology)
  return [...records.flatMap((record) => again.take(record)), ...again.end()]
}

test('a plan and its snapshot', async (t) => {
  await t.test('stand in one place: the snapshot first, everything at the instant of the plan', async (t) => {
    const records = recordsOf(troubled())
    t.same(records.map(({ type }) => type), ['snapshot', 'proposed', 'admitted', 'phase', 'command'].filter((type) => records.some((r) => r.type === type)))
    t.ok(records.some(({ type }) => type === 'admitted'), 'it is admitted at once')
    t.match(records.find(({ type }) => type === 'admitted')?.data, { before: { [A]: { enabled: true, registered: true, health: 'down' }, [B]: { enabled: false, registered: false, health: 'up' } } })
    t.equal(records[0]?.data['records'], records.length - 1)
    t.same(new Set(records.map(({ decision }) => decision)), new Set(['d1']))
  })

  await t.test('a plan that decides nothing has none', async (t) => {
    t.same(recordsOf(buildWorld()), [])
  })

  await t.test('two interfaces with a query take about 5 KB', async (t) => {
    const world = buildWorld({ evidence: { [sipOf(A)]: DOWN }, alerts: [buildAlert('pbx-a')], query: QUERY })
    const bytes = JSON.stringify(takeSnapshot(world, 'acme', 'd1', NOW)).length
    t.comment(`${bytes} bytes`)
    t.ok(bytes > 1000 && bytes < 6500, `${bytes} bytes`)
  })

  await t.test('the world comes back as it was, as far as it concerns the trunk', async (t) => {
    const incident = { cause: 'gateway pbx-z', downAtMs: NOW - 1, atMs: NOW }
    const world = troubled()
    const crowd: World = {
      ...world,
      topology: { ...world.topology, gateways: new Map([...world.topology.gateways, ...Array.from({ length: 18 }, (_, n) => [`g${n}`, { ...world.topology.gateways.get('pbx-a')!, id: `g${n}` }] as const)]), rules: [...world.topology.rules, { ...world.topology.rules[0]!, name: 'about others', match: [{ name: 'alertname', operator: '=~', value: 'X', pattern: /^X$/ }] }] },
      evidence: new Map([...world.evidence, ['options sip:elsewhere', world.evidence.get(sipOf(B))!]]),
      incidents: bookIncidents([incident], 0),
      alertsByTrunk: new Map([['acme', world.alertsByTrunk.get('acme') ?? []], ['beta', [buildAlert('pbx-z')]]])
    }
    const restored = restoreSnapshot(copy(takeSnapshot(crowd, 'acme', 'd1', NOW)), null)
    t.same(restored?.trunks.get('acme'), world.trunks.get('acme'))
    t.same([...restored?.incidents.values() ?? []].flat(), [incident], 'the brake counts the incidents of all trunks')
    t.equal(restored?.topology.gateways.size, 20, 'and its limits grow with the number of gateways')
    t.same(restored?.topology.rules, world.topology.rules, 'matchers are compiled again; a rule that no alert here fits is left out')
    t.same(restored?.evidence, new Map([...world.evidence].filter(([key]) => !key.includes('carrier-of'))), 'its own evidence')
    t.same(restored?.alertsByTrunk.get('acme'), world.alertsByTrunk.get('acme'))
    t.equal(restored?.alertsByTrunk.get('beta'), undefined)
  })
})

test('replay', async (t) => {
  await t.test('the same program decides the same', async (t) => {
    t.match(replay(recordsOf(troubled())), [{ kind: 'same', decision: 'd1', trunk: 'acme', atMs: NOW }])
    t.match(replay(recordsOf(troubled('observe'))), [{ kind: 'same' }])
  })

  await t.test('moments of several trunks may be mixed, and other records stand between them', async (t) => {
    const [first, ...rest] = recordsOf(troubled())
    const others = recordsOf(troubled('observe')).map((record) => ({ ...record, trunk: 'beta', data: record.type === 'snapshot' ? { ...record.data, topology: { ...record.data['topology'] as object, trunk: { ...(record.data['topology'] as { trunk: object }).trunk, id: 'beta' } } } : record.data }))
    const foreign: Recorded = { decision: 'x', atMs: NOW, trunk: null, type: 'alert-refused', data: {} }
    t.equal(replay([first!, foreign, others[0]!, ...rest, ...others.slice(1)]).length, 2)
    t.equal(replay([first!, foreign, ...rest]).every(({ kind }) => kind === 'same'), true)
  })

  await t.test('a journal that tells something else is told with both texts', async (t) => {
    const records = recordsOf(troubled()).map((record) => record.type === 'admitted' ? { ...record, data: { ...record.data, to: 'pbx-z/SIP1' } } : record)
    const [moment] = replay(records)
    t.match(moment, { kind: 'recorded-otherwise' })
    if (moment?.kind === 'recorded-otherwise') t.ok(moment.was.some((line) => line.includes('pbx-z')) && !moment.now.some((line) => line.includes('pbx-z')))
  })

  const otherwise: readonly { readonly name: string; readonly world: World; readonly topology: Topology; readonly want: object }[] = [
    { name: 'in mode automatic it would have moved', world: troubled('observe'), topology: troubled().topology, want: { kind: 'judged-otherwise', was: { result: 'held', by: ['mode'], to: B }, now: { result: 'admitted', from: A, to: B, cause: 'alert' } } },
    { name: 'without the rule there was nothing to decide', world: troubled(), topology: { ...troubled().topology, rules: [] }, want: { kind: 'judged-otherwise', was: { result: 'admitted' }, now: { result: 'nothing' } } },
    { name: 'the trunk is gone', world: troubled(), topology: { ...troubled().topology, trunks: new Map() }, want: { kind: 'judged-otherwise', now: { result: 'no-trunk' } } },
    { name: 'a probe that nothing is known of is unknown, not down', world: troubled(), topology: buildWorld({ trunk: { interfaces: troubled().topology.trunks.get('acme')!.interfaces.map((i) => ({ ...i, sipProbe: 'other sip:x' })) }, topology: { probes: new Map([...troubled().topology.probes, ['other sip:x', troubled().topology.probes.get(sipOf(A))!]]) } }).topology, want: { kind: 'judged-otherwise', now: { result: 'held', by: ['confirm'] } } },
    { name: 'what does not matter here changes nothing', world: troubled(), topology: { ...troubled().topology, interlocks: { ...troubled().topology.interlocks, cooldownMs: 1 } }, want: { kind: 'same' } }
  ]
  for (const { name, world, topology, want } of otherwise) {
    await t.test(`another configuration: ${name}`, async (t) => { t.match(replay(recordsOf(world), topology), [want]) })
  }

  const unreadable: readonly { readonly name: string; readonly records: readonly Recorded[]; readonly says: RegExp }[] = [
    { name: 'records are missing', records: recordsOf(troubled()).slice(0, 2), says: /not all there/ },
    { name: 'only snapshots were exported', records: recordsOf(troubled()).slice(0, 1), says: /not all there/ },
    { name: 'another format', records: recordsOf(troubled()).map((r) => r.type === 'snapshot' ? { ...r, data: { ...r.data, format: 7 } } : r), says: /format 7/ },
    { name: 'a damaged snapshot', records: recordsOf(troubled()).map((r) => r.type === 'snapshot' ? { ...r, data: { format: 1, records: r.data['records'] } } : r), says: /./ }
  ]
  for (const { name, records, says } of unreadable) {
    await t.test(`not readable: ${name}`, async (t) => { t.match(replay(records), [{ kind: 'unreadable', detail: says }]) })
  }
})
