/** Orders at the engine's door: on disk before they are answered, and nothing changed when the disk does not take them. */
import { test } from 'tap'
import type { OperatorCommand, OperatorResult } from '../../src/engine/contract.ts'
import { NEW_FLEET } from '../../src/core/world.ts'
import type { Store } from '../../src/ports.ts'
import { A, B, MINUTE } from '../helpers/build-world.ts'
import { startRig } from '../helpers/engine-rig.ts'
import type { Rig } from '../helpers/engine-rig.ts'

const toB: OperatorCommand = { verb: 'switchover', trunk: 'acme', to: B, override: [], knownOff: [], force: false }
const pinA: OperatorCommand = { verb: 'pin', trunk: 'acme', interface: A, untilMs: null }

async function give (rig: Rig, command: OperatorCommand): Promise<OperatorResult> {
  const given = rig.engine().operate(command, 'anna', 'work')
  await rig.clock.settle()
  return await given
}
const lines = (rig: Rig): readonly unknown[] => rig.records().filter((r) => r.type === 'operator').map(({ trunk, data }) => [trunk, data['verb'], data['actor'], data['reason'], data['result']])

const every: readonly OperatorCommand[] = [
  { verb: 'pause', scope: 'global', untilMs: null }, pinA, toB,
  { verb: 'adopt', trunk: 'acme' }, { verb: 'unpin', trunk: 'acme' }, { verb: 'abort', trunk: 'acme' }, { verb: 'resume', scope: 'trunk/acme' }
]

test('a store that does not take it: 503, and nothing is changed or sent', async (t) => {
  for (const command of every) {
    const rig = await startRig()
    rig.store.breakCommits('disk full')
    const [before, pauses] = [rig.trunk(), rig.engine().world.pauses]
    t.match(await give(rig, command), { ok: false, kind: 'unavailable', detail: /nothing was changed/ }, command.verb)
    const { request, pin, wanted, inFlight } = rig.trunk()
    t.same([request, pin, wanted, inFlight], [before.request, before.pin, before.wanted, before.inFlight])
    t.same(rig.engine().world.pauses, pauses)
    await rig.pass(20)
    t.same([...rig.a.got, ...rig.b.got], [], 'no command')
    rig.store.breakCommits(null)
    await rig.pass(5)
    t.same(lines(rig), [], 'it is forgotten')
    const again = await give(rig, pinA)
    t.equal(again.ok, true, 'and the next one works')
  }
})

test('what was answered survives a kill right after the answer', async (t) => {
  const rig = await startRig()
  t.equal((await give(rig, pinA)).ok, true)
  const killed = await startRig({}, { store: rig.store.reopen() })
  t.match(killed.trunk().pin, { interface: A, actor: 'anna', reason: 'work' }, 'a pin')
  t.match(killed.engine().status().trunks[0]?.pin, { interface: A })

  const moving = await startRig()
  const given = moving.engine().operate(toB, 'anna', 'work')
  const answer = await given
  const left = moving.store.reopen()
  t.equal(answer.ok, true)
  const stored = (await left.read('trunk/acme'))[0]?.value as { request: { to: string } | null; inFlight: { to: string } | null }
  t.equal(stored.request?.to ?? stored.inFlight?.to, B, 'a switchover')
  t.same(left.allRecords().filter((r) => r.type === 'operator').map((r) => r.decision), answer.ok ? [answer.decision] : [])
})

test('every order is in the journal with actor, reason and result, also what was refused', async (t) => {
  const rig = await startRig()
  await give(rig, pinA)
  await give(rig, toB)
  await give(rig, { ...toB, trunk: 'beta' })
  await give(rig, { verb: 'resume', scope: 'global' })
  await give(rig, { verb: 'pause', scope: 'trunk/beta', untilMs: null })
  t.same(lines(rig), [
    ['acme', 'pin', 'anna', 'work', 'taken'],
    ['acme', 'switchover', 'anna', 'work', 'refused'],
    [null, 'switchover', 'anna', 'work', 'refused'],
    [null, 'resume', 'anna', 'work', 'refused'],
    ['beta', 'pause', 'anna', 'work', 'refused']
  ])
  t.match(rig.records().filter((r) => r.type === 'operator')[1]?.data, { vetoes: ['pin'], detail: /anna pinned it/ })
})

test('a switchover by order, from answer to end, under one decision', async (t) => {
  const rig = await startRig()
  const answer = await give(rig, toB)
  t.match(answer, { ok: true, detail: /acme moves to pbx-b\/SIP1/ })
  await rig.pass(10)
  t.same([rig.a.admin, rig.b.admin, rig.trunk().wanted], ['disabled', 'enabled', B])
  const story = await rig.engine().decision(answer.ok ? answer.decision : '')
  t.same(story.map((r) => r.type).filter((type) => type === 'operator' || type === 'admitted' || type === 'ended'), ['operator', 'admitted', 'ended'])
})

test('an abort of what an alert began is stored together with the pause', async (t) => {
  const rig = await startRig()
  rig.a.sip = null
  const obey = rig.a.apply
  rig.a.apply = async (name, desired, signal) => {
    await rig.clock.sleep(1500)
    return await obey(name, desired, signal)
  }
  await rig.pass(20)
  await rig.fire('pbx-a')
  await rig.pass(1)
  t.not(rig.trunk().inFlight, null)
  const commits: string[][] = []
  const commit = rig.store.commit
  const spied: Pick<Store, 'commit'> = { commit: (writes, journal) => { commits.push(writes.map((w) => w.key)); return commit(writes, journal) } }
  Object.assign(rig.store, spied)
  t.match(await give(rig, { verb: 'abort', trunk: 'acme' }), { ok: true, detail: /acme is paused/ })
  t.ok(commits.some((keys) => keys.join(' ') === 'trunk/acme pause/trunk/acme'), commits.map((keys) => keys.join(' ')).join('; '))
  t.match(rig.engine().world.pauses, [{ scope: 'trunk/acme', actor: 'anna', reason: 'abort: work' }])
  await rig.pass(60)
  t.same([rig.a.admin, rig.b.admin, rig.trunk().wanted, rig.trunk().inFlight], ['enabled', 'disabled', A, null])
})

test('orders and plans of one trunk wait for one another: a slow disk loses none', async (t) => {
  const rig = await startRig()
  const commit = rig.store.commit
  const slow: Pick<Store, 'commit'> = { commit: async (writes, journal) => { await rig.clock.sleep(300); return await commit(writes, journal) } }
  Object.assign(rig.store, slow)
  const answers = Promise.all([
    rig.engine().operate(pinA, 'anna', 'one'),
    rig.engine().operate({ verb: 'unpin', trunk: 'acme' }, 'bert', 'two'),
    rig.engine().operate({ ...pinA, untilMs: rig.clock.now() + MINUTE }, 'anna', 'three')
  ])
  await rig.pass(5)
  t.same((await answers).map((answer) => answer.ok), [true, true, true])
  t.match(rig.trunk().pin, { reason: 'three' })
  const stored = (await rig.store.read('trunk/acme'))[0]?.value as { pin: { reason: string } }
  t.equal(stored.pin.reason, 'three', 'disk and memory say the same')
  t.same(rig.records().filter((r) => r.type === 'operator').map((r) => r.data['reason']), ['one', 'two', 'three'])
})

test('release', async (t) => {
  const rig = await startRig()
  t.match(await give(rig, { verb: 'release' }), { ok: false, kind: 'refused', detail: 'the brake is not engaged' })
  const engaged = rig.store
  const entry = (await engaged.read('fleet')).find((found) => found.key === 'fleet')
  const brake = { sinceMs: rig.clock.now(), causes: ['gateway pbx-x'], decision: 'd0' }
  await engaged.commit([{ key: 'fleet', value: { ...NEW_FLEET, ...(entry?.value as object | undefined), brake }, expect: entry?.revision ?? 0 }], [])
  const again = await startRig({}, { store: engaged.reopen() })
  t.match(again.engine().status().brake, { causes: ['gateway pbx-x'] })
  t.match(await give(again, toB), { ok: false, vetoes: ['brake'], release: `pointsman switchover acme --to ${B} --override brake --reason …` })
  again.store.breakCommits('disk full')
  t.match(await give(again, { verb: 'release' }), { ok: false, kind: 'unavailable' })
  t.match(again.engine().status().brake, { causes: ['gateway pbx-x'] }, 'and nothing was changed')
  again.store.breakCommits(null)
  t.match(await give(again, { verb: 'release' }), { ok: true, detail: /it had engaged because of gateway pbx-x/ })
  t.equal(again.engine().status().brake, null)
  t.match(lines(again).at(-1), [null, 'release', 'anna', 'work', 'taken'])
  const killed = await startRig({}, { store: again.store.reopen() })
  t.equal(killed.engine().status().brake, null, 'also after a kill')
  t.match(await give(again, toB), { ok: true })
})
