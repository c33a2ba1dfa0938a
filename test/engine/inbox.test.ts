import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import type { AlertBook } from '../../src/core/alert-book.ts'
import type { Topology } from '../../src/core/topology.ts'
import type { TrunkState } from '../../src/core/world.ts'
import { createInbox } from '../../src/engine/inbox.ts'
import type { Inbox } from '../../src/engine/inbox.ts'
import type { Log, Store } from '../../src/ports.ts'
import { rule, topologyWith } from '../helpers/alert-topology.ts'
import { createFakeClock, createSeededRandom } from '../../src/rehearsal/fake-clock.ts'
import type { FakeClock } from '../../src/rehearsal/fake-clock.ts'
import { createMemoryStore } from '../../src/rehearsal/memory-store.ts'
import type { MemoryStore } from '../../src/rehearsal/memory-store.ts'

const fixture = (name: string): any => JSON.parse(readFileSync(join(import.meta.dirname, `../fixtures/notifications/${name}.json`), 'utf8'))
const RECORDED_AT = Date.parse(fixture('single-firing').alerts[0].startsAt) + 5000
const FIRST = fixture('single-firing').alerts[0].fingerprint as string

const silentLog: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => silentLog }

interface Stage {
  readonly inbox: Inbox
  readonly store: MemoryStore
  readonly clock: FakeClock
  /** Trunks told by each change. */
  readonly changes: string[][]
  readonly doubts: () => number
  readonly counted: string[]
  topology: Topology
  history: TrunkState['activeHistory']
}
interface StageOptions { readonly store?: MemoryStore; readonly through?: (store: MemoryStore) => Store; readonly load?: boolean }

const stage = async ({ store = createMemoryStore(), through = (s) => s, load = true }: StageOptions = {}): Promise<Stage> => {
  const clock = createFakeClock(RECORDED_AT)
  const changes: string[][] = []
  const counted: string[] = []
  let doubts = 0
  const inbox = createInbox({
    store: through(store),
    clock,
    random: createSeededRandom(),
    log: silentLog,
    metrics: { increment: (name, labels) => { counted.push(`${name} ${Object.values(labels ?? {}).join()}`) }, observe: () => {} },
    topology: () => self.topology,
    activeHistory: (trunk) => trunk === 'acme' ? self.history : [],
    join: () => new Map(),
    onChange: (trunks) => { changes.push([...trunks].sort()) },
    onDoubt: () => { doubts++ },
    onWatchdog: () => { changes.push(['watchdog']) },
    watched: () => true
  })
  const self: Stage = { inbox, store, clock, changes, doubts: () => doubts, counted, topology: topologyWith(rule()), history: [] }
  if (load) await inbox.load()
  return self
}
const reasons = async (inbox: Inbox, body: unknown): Promise<unknown> => {
  const result = await inbox.receive(body)
  return result.ok ? result.alerts.map(({ reason }) => reason) : result
}
const statuses = (book: AlertBook): unknown => [...book.values()].map(({ labels, status }) => `${labels['gateway']} ${labels['trunk']} ${status}`).sort()

test('a recorded course of events: firing, one of a group resolved, all resolved', async (t) => {
  const { inbox, changes, counted, doubts } = await stage()
  t.same(await reasons(inbox, fixture('single-firing')), ['stored'])
  t.same(await reasons(inbox, fixture('group-firing')), ['repeated', 'unknown-trunk', 'stored', 'unknown-trunk'])
  t.same(changes, [['acme'], ['acme']])
  t.same(await reasons(inbox, fixture('group-mixed')), ['stored', 'unknown-trunk', 'repeated', 'unknown-trunk'])
  t.same(statuses(inbox.book()), ['pbx-a acme resolved', 'pbx-a größe firing', 'pbx-b acme firing', 'pbx-b other firing'])
  t.same(inbox.alertsByTrunk().get('acme')?.map(({ labels }) => labels['gateway']), ['pbx-b'])
  t.same(await reasons(inbox, fixture('single-resolved')), ['repeated'], 'the other route tells the same')
  t.same(await reasons(inbox, fixture('group-resolved')), ['stored'])
  t.same(statuses(inbox.book()), ['pbx-a acme resolved', 'pbx-a größe firing', 'pbx-b acme resolved', 'pbx-b other firing'], 'a silenced and an inhibited alert end without a word')
  t.equal(inbox.alertsByTrunk().size, 0)
  t.same([changes.length, doubts()], [4, 0])
  t.equal(counted.filter((line) => line === 'pointsman_alerts_received_total stored').length, 4)
  t.end()
})

test('what is acknowledged is in the store, and a restarted process knows it', async (t) => {
  const first = await stage()
  await first.inbox.receive(fixture('group-mixed'))
  const second = await stage({ store: first.store.reopen() })
  t.same(Object.fromEntries(second.inbox.book()), Object.fromEntries(first.inbox.book()))
  t.equal(second.inbox.alertsByTrunk().get('acme')?.length, 1)
  t.same(await reasons(second.inbox, fixture('single-firing')), ['disputed'], 'it knows the end')
  t.end()
})

test('what can\'t be stored is not taken', async (t) => {
  const { inbox, store, changes } = await stage()
  store.breakCommits('disk full')
  t.same(await inbox.receive(fixture('single-firing')), { ok: false, kind: 'unavailable', detail: 'disk full' })
  t.equal(inbox.book().size, 0)
  t.same(changes, [])
  t.equal(await inbox.reconcile({ listed: [], complete: true, askedAtMs: RECORDED_AT }), true, 'nothing to write, nothing to fail')
  store.breakCommits(null)
  t.same(await reasons(inbox, fixture('single-firing')), ['stored'])
  t.end()
})

test('before the book is read, nothing is taken', async (t) => {
  const { inbox } = await stage({ load: false })
  t.match(await inbox.receive(fixture('single-firing')), { ok: false, kind: 'unavailable', detail: /not read yet/ })
  t.equal(await inbox.reconcile({ listed: [], complete: true, askedAtMs: RECORDED_AT }), false)
  await inbox.load()
  t.match(await inbox.receive(fixture('single-firing')), { ok: true })
  t.end()
})

test('a body that is no notification is refused and changes nothing', async (t) => {
  const { inbox, store } = await stage()
  t.match(await inbox.receive({ version: '3', alerts: [] }), { ok: false, kind: 'malformed', detail: /version is "3"/ })
  t.same(await store.read(''), [])
  t.end()
})

test('one bad alert among good ones: the good ones are stored, the bad one is journalled', async (t) => {
  const { inbox, store } = await stage()
  const body = fixture('group-firing')
  body.alerts[0] = { ...body.alerts[0], startsAt: 'soon' }
  t.same(await reasons(inbox, body), ['malformed', 'unknown-trunk', 'stored', 'unknown-trunk'])
  t.equal(inbox.book().size, 3)
  const described = (index: number): any => store.allRecords()[index]?.data['alerts']
  t.match(store.allRecords()[0], { type: 'alert-refused', trunk: null, data: { count: 3 } })
  t.match(described(0)[0], { reason: 'malformed', detail: /startsAt is "soon"/ })
  t.match(described(0)[1], { reason: 'unknown-trunk', detail: /größe/ })
  await inbox.receive(fixture('group-firing'))
  t.equal(store.allRecords().length, 1, 'the unknown trunk is journalled once, not with every repetition')
  const many = { ...body, alerts: Array.from({ length: 50 }, () => null) }
  await inbox.receive(many)
  t.match(store.allRecords()[1]?.data, { count: 50 })
  t.equal(described(1).length, 20)
  t.end()
})

test('an alert of an unknown trunk is kept, and counts when a reload brings its trunk', async (t) => {
  const self = await stage()
  await self.inbox.receive(fixture('group-firing'))
  t.equal(self.inbox.alertsByTrunk().has('größe'), false)
  const acme = self.topology.trunks.get('acme')!
  self.topology = { ...self.topology, trunks: new Map([...self.topology.trunks, ['größe', { ...acme, id: 'größe' }]]) }
  self.inbox.topologyChanged()
  t.equal(self.inbox.alertsByTrunk().get('größe')?.length, 1)
  t.equal(self.inbox.alertsByTrunk().get('acme')?.length, 2)
  t.end()
})

test('a body that was cut off and a disputed alert ask for a resync', async (t) => {
  const { inbox, doubts } = await stage()
  await inbox.receive(fixture('truncated-firing'))
  t.equal(doubts(), 1)
  await inbox.receive(fixture('single-resolved'))
  t.equal(doubts(), 1)
  t.same(await reasons(inbox, fixture('single-firing')), ['disputed'])
  t.equal(doubts(), 2)
  t.end()
})

test('an alert without a gateway is bound to the interface enabled at its start, and stays so', async (t) => {
  const self = await stage()
  const body = fixture('single-firing')
  delete body.alerts[0].labels.gateway
  delete body.alerts[0].fingerprint
  const boundNow = (): unknown => [...self.inbox.book().values()][0]?.bound
  await self.inbox.receive(body)
  t.equal(boundNow(), null, 'nobody was seen enabled yet')
  self.history = [{ interface: 'pbx-a/SIP1', fromMs: RECORDED_AT - 60_000 }]
  await self.inbox.receive(body)
  t.equal(boundNow(), 'pbx-a/SIP1')
  t.equal(self.changes.length, 2, 'to be bound is a change')
  self.history = [{ interface: 'pbx-b/SIP1', fromMs: RECORDED_AT - 60_000 }]
  await self.inbox.receive(body)
  t.equal(boundNow(), 'pbx-a/SIP1')
  t.equal(self.changes.length, 2)
  t.end()
})

test('bodies that wait for a commit share the next one, and nothing overtakes', async (t) => {
  let commits = 0
  let open = (): void => {}
  const gate = new Promise<void>((resolve) => { open = resolve })
  const { inbox, changes } = await stage({
    through: (store) => ({ ...store, commit: async (writes, journal) => { commits++; await gate; return store.commit(writes, journal) } })
  })
  const first = inbox.receive(fixture('single-firing'))
  await Promise.resolve().then(() => {}).then(() => {})
  const later = ['single-resolved', 'single-firing', 'group-firing', 'single-firing'].map((name) => inbox.receive(fixture(name)))
  t.equal(inbox.book().size, 0, 'nothing is known before it is durable')
  open()
  t.match(await first, { alerts: [{ reason: 'stored' }] })
  t.same((await Promise.all(later)).map((result) => result.ok && result.alerts[0]?.reason), ['stored', 'disputed', 'disputed', 'disputed'])
  t.equal(commits, 2)
  t.same(changes, [['acme'], ['acme']])
  t.end()
})

test('another process wrote the same alert: it is read again and nothing is lost', async (t) => {
  const self = await stage()
  const other = await stage({ store: self.store })
  await other.inbox.receive(fixture('single-resolved'))
  t.same(await reasons(self.inbox, fixture('single-firing')), ['disputed'], 'its end is seen')
  await other.store.commit([{ key: 'alert/broken', value: { no: 'alert' }, expect: 0 }], [])
  t.same(await reasons(other.inbox, fixture('group-firing')), ['disputed', 'unknown-trunk', 'stored', 'unknown-trunk'])
  t.equal(other.inbox.book().size, 4, 'an unreadable entry is left alone')
  const endless = await stage({ through: (store) => ({ ...store, commit: async () => ({ ok: false, reason: 'conflict', key: 'alert/x' }) }) })
  t.match(await endless.inbox.receive(fixture('single-firing')), { ok: false, kind: 'unavailable', detail: /another process/ })
  t.end()
})

test('resolved alerts are forgotten after five days', async (t) => {
  const { inbox, clock, store } = await stage()
  const days = 24 * 3_600_000
  const glance = (): Promise<boolean> => inbox.reconcile({ listed: [], complete: false, askedAtMs: clock.now() })
  await inbox.receive(fixture('group-mixed'))
  await clock.advance(5 * days)
  await glance()
  t.equal(inbox.book().has(FIRST), true)
  await inbox.receive(fixture('single-resolved'))
  await clock.advance(5 * days)
  await glance()
  t.equal(inbox.book().has(FIRST), true, 'the repetition renewed it')
  await clock.advance(3_600_001)
  await glance()
  t.equal(inbox.book().has(FIRST), false)
  t.same((await store.read('alert/')).length, 3, 'what fires is kept')
  t.end()
})

test('a resync takes what a rule uses, and what it knows already', async (t) => {
  const { inbox, changes, doubts, clock } = await stage()
  const listed = (name: string, startsAtMs = RECORDED_AT): any => ({ fingerprint: name, labels: { alertname: 'SipTrunkDown', severity: 'critical', trunk: 'acme', gateway: 'pbx-a' }, startsAtMs, suppressed: false })
  const resync = (...alerts: readonly any[]): Promise<boolean> => inbox.reconcile({ listed: alerts, complete: true, askedAtMs: clock.now() })
  await resync(listed('a'), { ...listed('b'), labels: { alertname: 'DiskFull' } }, { ...listed('c'), labels: { ...listed('c').labels, trunk: 'nobody' } })
  t.same([...inbox.book().keys()], ['a'])
  t.same(changes, [['acme']])
  await resync(listed('a'))
  t.equal(changes.length, 1, 'nothing new')
  await resync({ ...listed('a'), suppressed: true })
  t.same([changes.length, doubts()], [2, 0])
  await clock.advance(60_000)
  await resync()
  await clock.advance(120_000)
  await resync()
  t.equal(inbox.alertsByTrunk().size, 0, 'absent long enough')
  await resync(listed('a'))
  t.same([changes.length, doubts()], [4, 1], 'it is back with its old start: disputed, so ask again')
  t.end()
})

test('a silenced alert that is notified asks for a resync', async (t) => {
  const { inbox, doubts, clock } = await stage()
  await inbox.receive(fixture('single-firing'))
  const [alert] = fixture('single-firing').alerts
  await inbox.reconcile({ listed: [{ fingerprint: FIRST, labels: alert.labels, startsAtMs: Date.parse(alert.startsAt), suppressed: true }], complete: true, askedAtMs: clock.now() })
  t.equal(doubts(), 0)
  await inbox.receive(fixture('single-firing'))
  t.equal(doubts(), 1)
  t.equal(inbox.book().get(FIRST)?.suppressed, true, 'until the list says otherwise')
  t.end()
})
