/** A whole Pointsman against a simulated carrier and two simulated innovaphones: real sockets, real store. */
import { t } from 'tap'
import { createReplay } from '../../src/core/replay.ts'
import type { TrunkStatus } from '../../src/core/status.ts'
import type { JournalRecord } from '../../src/ports.ts'
import { startPair, until } from '../helpers/running-pair.ts'
import type { RunningPair } from '../helpers/running-pair.ts'

// Each test waits for clocks most of the time: they run side by side.
t.jobs = 4
const parallel = { buffered: true }

const A = 'pbx-a/SIP1'
const B = 'pbx-b/SIP1'
const startsAt = (): string => new Date().toISOString()
const healthOf = (trunk: TrunkStatus, key: string): string | undefined => trunk.interfaces.find((i) => i.key === key)?.health
const settled = (on: string) => (trunk: TrunkStatus): boolean => trunk.wanted === on && trunk.switchover === null && trunk.active === on

const ready = (r: RunningPair): Promise<TrunkStatus> => until('A is up and the binding query is calibrated', 8000, r.trunk, (t) => healthOf(t, A) === 'up' && healthOf(t, B) === 'up' && t.binding?.holder === A)
const commands = async (r: RunningPair): Promise<string[]> => (await r.records()).filter((x) => x.type === 'command').map((x) => `${String(x.data['command'])} ${String(x.data['interface'])}`)
const writesTo = (gateway: RunningPair['pair']['a']): readonly string[] => gateway.requests.map(String).filter((line) => line.includes('!config'))

t.test('the uplink of A is cut: A is disabled in order, B takes over; failback brings A again', parallel, async (t) => {
  const r = await startPair(t.testdir())
  t.teardown(() => r.stop())
  await ready(r)
  r.pair.carrier.inject({ dropped: [r.pair.a.contact] })
  await until('the registrar no longer lists A', 10_000, r.trunk, (s) => healthOf(s, A) === 'down')
  const labels = { alertname: 'SipTrunkDown', trunk: 'acme', gateway: 'pbx-a' }
  const notification = { version: '4', groupKey: '{}', truncatedAlerts: 0, status: 'firing', receiver: 'p', groupLabels: {}, commonLabels: {}, commonAnnotations: {}, externalURL: '', alerts: [{ status: 'firing', labels, annotations: {}, startsAt: startsAt(), endsAt: '0001-01-01T00:00:00Z', generatorURL: '' }] }
  const explained = await fetch(`${r.url()}/api/v1/explain`, { method: 'POST', headers: { authorization: 'Bearer operator-token', 'content-type': 'application/json' }, body: JSON.stringify({ notification }) })
  t.match(await explained.json(), { alerts: [{ reason: 'stored', trunks: ['acme'] }], trunks: [{ proposal: { from: A, to: B, cause: 'alert' }, result: 'admitted', commands: [`disabled ${A}`] }] })
  t.same([(await r.status()).alerts, writesTo(r.pair.a)], [0, []], 'what was only explained is not stored, and nothing was sent')
  t.equal(await r.alert('firing', 'pbx-a', startsAt()), 200)
  await until('B carries the trunk', 15_000, r.trunk, settled(B))
  t.same(r.pair.holders(), ['b'])
  t.equal(r.pair.a.state('SIP1').running, 'disabled', 'A is off in its running configuration')
  t.same(await commands(r), [`disabled ${A}`, `enabled ${B}`])
  t.equal(await r.alert('firing', 'pbx-a', startsAt()), 200, 'the same alert again')
  t.same(await commands(r), [`disabled ${A}`, `enabled ${B}`], 'changes nothing')

  r.pair.carrier.clear()
  t.equal(await r.alert('resolved', 'pbx-a', startsAt()), 200)
  const answer = await r.command('failback', { trunk: 'acme', reason: 'line repaired' })
  t.equal(answer.status, 200, JSON.stringify(answer.body))
  await until('A carries the trunk', 15_000, r.trunk, settled(A))
  t.same(r.pair.holders(), ['a'])
  t.equal(r.pair.carrier.overlaps(), 0, 'never two registrations')
  const operator = (await r.records()).find((x) => x.type === 'operator')
  t.match(operator?.data, { verb: 'failback', actor: 'anna', reason: 'line repaired', result: 'taken' })
  t.equal((await r.command('failback', { trunk: 'acme', reason: 'again' })).status, 409, 'it is there already')

  const replay = createReplay(null)
  const lines = (await (await fetch(`${r.url()}/api/v1/journal`)).text()).trimEnd().split('\n').map((line) => JSON.parse(line) as JournalRecord)
  const moments = [...lines.flatMap((record) => replay.take(record)), ...replay.end()]
  t.ok(moments.length >= 2, `${moments.length} moments`)
  t.same(moments.filter(({ kind }) => kind !== 'same'), [], 'the exported journal decides the same again')
})

t.test('what the gateways say about themselves is shown and exported', parallel, async (t) => {
  const r = await startPair(t.testdir())
  t.teardown(() => r.stop())
  await r.pair.a.inject({ pair: 'active', resetRequired: true })
  await r.pair.b.inject({ pair: 'standby' })
  // They are asked at the start, then twice a minute.
  await r.restart()
  const metrics = await until('both were asked', 8000, async () => await (await fetch(`${r.url()}/metrics`)).text(), (text) => text.includes('pointsman_gateway_alarms{gateway="pbx-a"}') && text.includes('pointsman_gateway_alarms{gateway="pbx-b"}'))
  for (const line of ['role{gateway="pbx-a",role="active"} 1', 'role{gateway="pbx-b",role="standby"} 1', 'reset_required{gateway="pbx-a"} 1', 'reset_required{gateway="pbx-b"} 0']) t.ok(metrics.includes(`pointsman_gateway_${line}\n`), line)
  t.match((await r.status()).gateways, [{ id: 'pbx-a', condition: { role: 'active', resetRequired: true } }, { id: 'pbx-b', condition: { role: 'standby' } }])
})

t.test('a shared trunk: A is taken out while B carries, and put in again by command', parallel, async (t) => {
  const r = await startPair(t.testdir(), { type: 'shared', onSecond: 'coexist', enabled: { a: true, b: true } })
  t.teardown(() => r.stop())
  await until('both are up', 8000, r.trunk, (s) => healthOf(s, A) === 'up' && healthOf(s, B) === 'up')
  await until('both are registered', 8000, () => r.pair.holders(), (holders) => holders.length === 2)
  await r.pair.a.inject({ sip: 'silent' })
  await until('A is down', 5000, r.trunk, (s) => healthOf(s, A) === 'down')
  t.equal(await r.alert('firing', 'pbx-a', startsAt()), 200)
  const after = await until('A is out', 10_000, r.trunk, (s) => s.interfaces[0]?.enabled === false && s.switchover === null)
  t.match(after, { carrying: 'yes', sentence: /on pbx-b\/SIP1; taken out: pbx-a\/SIP1/ })
  t.same([r.pair.a.state('SIP1').running, r.pair.b.state('SIP1').running, writesTo(r.pair.b)], ['disabled', 'enabled', []])

  await r.pair.a.inject({ sip: 'none' })
  t.equal(await r.alert('resolved', 'pbx-a', startsAt()), 200)
  await until('A is usable', 5000, r.trunk, (s) => s.interfaces[0]?.usable === true)
  t.equal((await r.command('failback', { trunk: 'acme', reason: 'it answers again' })).status, 200)
  await until('both carry', 15_000, r.trunk, (s) => s.switchover === null && s.interfaces.every((i) => i.enabled === true))
  await until('both are registered again', 8000, () => r.pair.holders(), (holders) => holders.length === 2)
  t.same(await commands(r), [`disabled ${A}`, `enabled ${A}`])
})

t.test('A dies: nothing is written before the proof; when it comes back enabled its debt is paid', parallel, async (t) => {
  const r = await startPair(t.testdir())
  t.teardown(() => r.stop())
  await ready(r)
  await r.pair.a.kill()
  await until('A is down', 5000, r.trunk, (s) => healthOf(s, A) === 'down')
  await r.alert('firing', 'pbx-a', startsAt())
  const waiting = await until('the proof is waited for', 5000, r.trunk, (s) => s.waits.some((w) => w.reason === 'waiting-for-proof'))
  t.ok(waiting.waits.every((w) => w.untilMs !== null), 'the wait tells its end')
  t.same(writesTo(r.pair.b), [], 'B was not written yet')
  await until('B carries the trunk', 15_000, r.trunk, settled(B))
  t.equal((await r.trunk()).interfaces[0]?.debt, true)
  await r.pair.a.revive()
  await until('the debt is paid', 10_000, r.trunk, (s) => s.interfaces.every((i) => !i.debt))
  t.same([r.pair.holders(), r.pair.a.state('SIP1').running], [['b'], 'disabled'])
  t.equal((await r.trunk()).wanted, B)
})

t.test('a restart while the proof is waited for: the switchover goes on', parallel, async (t) => {
  const r = await startPair(t.testdir(), { expires: 6 })
  t.teardown(() => r.stop())
  await ready(r)
  await r.pair.a.inject({ sip: 'silent' })
  await until('A is down', 10_000, r.trunk, (s) => healthOf(s, A) === 'down')
  await r.alert('firing', 'pbx-a', startsAt())
  await until('the proof is waited for', 5000, r.trunk, (s) => s.switchover?.phase === 'proving')
  t.equal(r.pair.a.state('SIP1').running, 'disabled')
  t.same(r.pair.holders(), ['a'], 'its binding lives on at the carrier')
  await r.restart()
  await until('B carries the trunk', 20_000, r.trunk, settled(B))
  t.same(await commands(r), [`disabled ${A}`, `enabled ${B}`], 'nothing was sent twice')
  t.equal(r.pair.carrier.overlaps(), 0)
})

t.test('in mode observe no gateway is written', parallel, async (t) => {
  const r = await startPair(t.testdir(), { mode: 'observe' })
  t.teardown(() => r.stop())
  await ready(r)
  r.pair.carrier.inject({ dropped: [r.pair.a.contact] })
  await until('A is down', 10_000, r.trunk, (s) => healthOf(s, A) === 'down')
  await r.alert('firing', 'pbx-a', startsAt())
  const held = await until('the veto is told', 5000, r.trunk, (s) => s.vetoes.length > 0)
  t.same(held.vetoes.map((v) => v.interlock), ['mode'])
  t.equal((await r.command('failback', { trunk: 'acme', reason: 'x' })).status, 409)
  t.same([...writesTo(r.pair.a), ...writesTo(r.pair.b)], [])
  t.ok((await r.records()).some((x) => x.type === 'proposed'), 'what it would have done is in the journal')
})

t.test('a pause holds, a resume lets go', parallel, async (t) => {
  const r = await startPair(t.testdir())
  t.teardown(() => r.stop())
  await ready(r)
  t.equal((await r.command('pause', { scope: 'trunk/acme', reason: 'maintenance' })).status, 200)
  r.pair.carrier.inject({ dropped: [r.pair.a.contact] })
  await until('A is down', 10_000, r.trunk, (s) => healthOf(s, A) === 'down')
  await r.alert('firing', 'pbx-a', startsAt())
  await until('the veto is told', 5000, r.trunk, (s) => s.vetoes.some((v) => v.interlock === 'paused'))
  await r.restart()
  await until('the pause survives a restart', 8000, r.trunk, (s) => s.vetoes.some((v) => v.interlock === 'paused'))
  t.same(writesTo(r.pair.a), [])
  t.equal((await r.command('resume', { scope: 'trunk/acme', reason: 'done' })).status, 200)
  await until('B carries the trunk', 15_000, r.trunk, settled(B))
})

const untrusted = [
  { name: 'answers HTML', fault: { reply: 'html' }, reason: 'not-data' },
  { name: 'answers 401', fault: 'rotate', reason: 'auth-failed' },
  { name: 'answers nothing', fault: { http: 'frozen' }, reason: 'timeout' },
  { name: 'answers a truncated cfg.txt', fault: { cfg: 'broken-off' }, reason: 'truncated' }
] as const
for (const { name, fault, reason } of untrusted) {
  t.test(`a standby that ${name} is known beforehand: A stays`, parallel, async (t) => {
    const r = await startPair(t.testdir())
    t.teardown(() => r.stop())
    await ready(r)
    if (fault === 'rotate') r.pair.b.rotatePassword('another')
    else await r.pair.b.inject(fault)
    const standby = await until('the standby is unusable', 10_000, r.status, (s) => s.gateways.some((g) => g.id === 'pbx-b' && g.reason === reason) && s.trunks[0]?.interfaces[1]?.usable === false)
    t.equal(standby.gateways[1]?.reason, reason)
    r.pair.carrier.inject({ dropped: [r.pair.a.contact] })
    await until('A is down', 10_000, r.trunk, (s) => healthOf(s, A) === 'down')
    await r.alert('firing', 'pbx-a', startsAt())
    await until('the veto is told', 5000, r.trunk, (s) => s.vetoes.some((v) => v.interlock === 'no-better' || v.interlock === 'standby-not-ready'))
    t.same(writesTo(r.pair.a), [], 'A was not touched')
    t.equal(r.pair.a.state('SIP1').running, 'enabled')
  })
}
