/** What happens at the wrong moment: between plan and store, between store and wire, between question and answer. */
import { test } from 'tap'
import { A, B, driverOf, MINUTE, QUERY, sipOf, TELLS_ALL } from '../helpers/build-world.ts'
import { startRig } from '../helpers/engine-rig.ts'
import { createMemoryStore } from '../../src/rehearsal/memory-store.ts'

test('a needed switchover, step by step', async (t) => {
  const rig = await startRig()
  rig.a.sip = null
  await rig.pass(20)
  await rig.fire('pbx-a')
  await rig.pass(10)
  t.same([rig.a.admin, rig.b.admin, rig.trunk().wanted, rig.trunk().inFlight], ['disabled', 'enabled', B, null])
})

test('a trunk that leaves with a plan due leaves no loop that spins', async (t) => {
  const rig = await startRig()
  await rig.fire('pbx-a')
  await rig.pass(2)
  const setup = rig.setup()
  rig.engine().replace({ ...setup, topology: { ...setup.topology, trunks: new Map() } })
  const before = rig.sleeps()
  await rig.clock.advance(20_000)
  t.ok(rig.sleeps() - before < 200, `${rig.sleeps() - before} sleeps in 20 s`)
})

test('a gateway that left while a read waited is read again when it comes back', async (t) => {
  const rig = await startRig()
  const obey = rig.b.observe
  let reads = 0
  rig.b.observe = async (names, signal) => {
    reads++
    await rig.clock.sleep(1500, signal)
    return await obey(names, signal)
  }
  await rig.fire('pbx-a')
  await rig.pass(3)
  const setup = rig.setup()
  rig.engine().replace({ ...setup, gateways: setup.gateways.filter((line) => line.id !== 'pbx-b'), topology: { ...setup.topology, trunks: new Map() } })
  await rig.pass(10)
  rig.engine().replace(setup)
  reads = 0
  await rig.pass(15)
  t.ok(reads > 0, 'it is read')
})

test('a driver that throws ends its command: nothing waits for an outcome forever', async (t) => {
  const rig = await startRig()
  const obey = rig.b.apply
  rig.b.apply = async () => { throw new Error('a bug') }
  rig.a.sip = null
  await rig.pass(20)
  await rig.fire('pbx-a')
  await rig.pass(2)
  rig.b.apply = obey
  await rig.pass(30)
  t.same([rig.a.admin, rig.b.admin], ['disabled', 'enabled'])
  t.equal(rig.trunk().inFlight, null)
})

for (const stepMs of [-60 * MINUTE, 60 * MINUTE]) {
  test(`the clock is set ${stepMs < 0 ? 'back' : 'forward'} by an hour in the middle of a switchover`, async (t) => {
    const rig = await startRig()
    const obey = rig.a.apply
    rig.a.apply = async (name, desired, signal) => {
      rig.clock.stepWallClock(stepMs)
      return await obey(name, desired, signal)
    }
    rig.a.sip = null
    await rig.pass(20)
    await rig.fire('pbx-a')
    await rig.pass(20)
    t.same([rig.a.admin, rig.b.admin, rig.trunk().wanted, rig.trunk().inFlight], ['disabled', 'enabled', B, null])
    t.equal(rig.b.got.length, 1, rig.b.got.join(', '))
  })

  test(`the clock is set ${stepMs < 0 ? 'back' : 'forward'} by an hour during the proof: it lasts as long as it must`, async (t) => {
    const rig = await startRig({ onSecond: 'reject' })
    rig.a.sip = null
    await rig.pass(20)
    await rig.fire('pbx-a')
    await rig.pass(5)
    t.equal(rig.trunk().inFlight?.phase, 'proving')
    rig.clock.stepWallClock(stepMs)
    await rig.pass(300)
    t.equal(rig.b.admin, 'disabled', 'not before expires and a tenth')
    await rig.pass(60)
    t.equal(rig.b.admin, 'enabled')
  })
}

test('a reload while a command is under way: it is neither judged by an older read nor sent twice', async (t) => {
  const rig = await startRig()
  const obey = rig.b.apply
  rig.b.apply = async (name, desired, signal) => {
    await rig.clock.sleep(1500)
    return await obey(name, desired, signal)
  }
  rig.a.sip = null
  await rig.pass(20)
  await rig.fire('pbx-a')
  await rig.pass(1)
  t.equal(rig.trunk().interfaces[B]?.command?.outcome, 'pending')
  rig.engine().replace(rig.setup({ trunk: { emergency: true } }))
  t.equal(rig.trunk().interfaces[B]?.command?.outcome, 'pending')
  await rig.pass(10)
  t.same([rig.b.admin, rig.b.got.length, rig.trunk().inFlight], ['enabled', 1, null])
})

test('the store fails at the moment of the standby\'s enable: it is sent when the store is back', async (t) => {
  const rig = await startRig()
  const obey = rig.a.apply
  rig.a.apply = async (name, desired, signal) => {
    const end = await obey(name, desired, signal)
    rig.store.breakCommits('disk full')
    return end
  }
  rig.a.sip = null
  await rig.pass(20)
  await rig.fire('pbx-a')
  await rig.pass(30)
  t.same(rig.b.got, [], 'nothing is sent that is not stored')
  rig.store.breakCommits(null)
  await rig.pass(10)
  t.same([rig.a.admin, rig.b.admin, rig.trunk().wanted], ['disabled', 'enabled', B])
})

test('the store fails at the moment of the notification: neither the alert nor what follows from it stays', async (t) => {
  const rig = await startRig()
  rig.a.sip = null
  await rig.pass(20)
  const before = rig.trunk()
  rig.store.breakCommits('disk full')
  await t.rejects(rig.fire('pbx-a'), 'not acknowledged')
  t.same([rig.trunk().inFlight, rig.trunk().open, rig.trunk().interfaces[A]?.command], [null, null, before.interfaces[A]?.command])
  rig.store.breakCommits(null)
  await rig.pass(60)
  t.same([rig.a.got, rig.b.got, rig.trunk().wanted], [[], [], A], 'a forgotten alert moves nothing')
  t.same(rig.records().filter(({ type }) => type === 'admitted'), [])
  await rig.fire('pbx-a')
  await rig.pass(10)
  t.same([rig.a.admin, rig.b.admin, rig.trunk().wanted], ['disabled', 'enabled', B], 'sent again, it moves the trunk')
})

test('a notification and the decision that follows from it are one commit', async (t) => {
  const rig = await startRig()
  rig.a.sip = null
  await rig.pass(20)
  const { commit } = rig.store
  const commits: string[][] = []
  rig.store.commit = (writes, journal) => {
    commits.push([...writes.map(({ key }) => key.replace(/\/.*/, '')), ...journal.map(({ type }) => type)])
    return commit(writes, journal)
  }
  await rig.fire('pbx-a')
  t.same(commits[0]?.filter((name) => name !== 'snapshot'), ['alert', 'trunk', 'admitted', 'command'])
})

test('a gateway whose reads are slow is still enabled in time', async (t) => {
  const rig = await startRig()
  const obey = rig.b.observe
  rig.b.observe = async (names, signal) => {
    await rig.clock.sleep(1400, signal)
    return await obey(names, signal)
  }
  rig.a.sip = null
  await rig.pass(20)
  await rig.fire('pbx-a')
  await rig.pass(40)
  t.same([rig.a.admin, rig.b.admin, rig.trunk().wanted], ['disabled', 'enabled', B])
  t.equal(rig.b.got.length, 1, rig.b.got.join(', '))
})

test('A\'s SIP address answers 503 while its management is silent: it lives', async (t) => {
  const rig = await startRig({ onSecond: 'reject', capabilities: { ...TELLS_ALL, reportsPath: false } })
  rig.a.sip = 503
  rig.a.observe = async () => ({ ok: false, reason: 'timeout', detail: '', effect: 'none' })
  await rig.pass(60)
  await rig.fire('pbx-a')
  await rig.pass(400)
  t.same(rig.b.got, [])
  t.equal(rig.trunk().wanted, A)
})

test('a refused binding query is not repeated, until the configuration is loaded again', async (t) => {
  const rig = await startRig({ query: QUERY })
  await rig.fire('pbx-a')
  await rig.pass(30)
  t.equal(rig.questions(), 1)
  rig.engine().replace(rig.setup())
  await rig.pass(30)
  t.equal(rig.questions(), 2)
})

test('what answered while the store was full is known after a restart all the same', async (t) => {
  const store = createMemoryStore()
  store.breakCommits('disk full')
  const rig = await startRig({}, { store })
  t.same(await store.read('ever-up/'), [])
  store.breakCommits(null)
  await rig.pass(3)
  const known = (await store.read('ever-up/')).map(({ key }) => key)
  t.ok(known.includes(`ever-up/${sipOf(A)}`) && known.includes(`ever-up/${driverOf(A)}`), known.join(', '))
})

// A switchover is six commits.
for (const lost of [0, 1, 2, 3, 4, 5]) {
  test(`the answer of commit ${lost} gets lost though it reached the disk: the switchover goes on from what stands there`, async (t) => {
    const rig = await startRig()
    const overlaps: string[] = []
    const obey = rig.b.apply
    rig.b.apply = async (name, desired, ...rest) => {
      if (desired === 'enabled' && rig.a.admin === 'enabled') overlaps.push(String(rig.clock.now()))
      return await obey(name, desired, ...rest)
    }
    rig.a.sip = null
    await rig.pass(20)
    const { commit } = rig.store
    let commits = 0
    let lostCommits = 0
    rig.store.commit = (writes, journal) => {
      if (writes.some(({ key }) => key === 'trunk/acme') && commits++ === lost) {
        lostCommits += 1
        rig.store.loseAnswers(1)
      }
      return commit(writes, journal)
    }
    // The first commit holds the alert, too: it is refused, and Alertmanager sends it again.
    if (lost === 0) await t.rejects(rig.fire('pbx-a'), 'not acknowledged')
    await rig.fire('pbx-a')
    // A restart's warm-up is part of it.
    await rig.pass(180)
    t.equal(lostCommits, 1, 'it was lost')
    t.same([rig.a.admin, rig.b.admin, rig.trunk().wanted, rig.trunk().inFlight], ['disabled', 'enabled', B, null])
    t.same(overlaps, [], 'never both')
    const lines = rig.records().map((record) => JSON.stringify(record))
    t.equal(new Set(lines).size, lines.length, 'nothing is recorded twice')
    t.ok(rig.records().filter(({ type }) => type === 'ended').length >= 1)
  })
}

test('what is only explained is neither stored nor sent', async (t) => {
  const rig = await startRig()
  rig.a.sip = null
  await rig.pass(20)
  const before = { records: rig.records().length, entries: JSON.stringify(await rig.store.read('')), alerts: rig.engine().status().alerts }
  const labels = { alertname: 'SipTrunkDown', trunk: 'acme', gateway: 'pbx-a' }
  const alert = (more: Record<string, string>) => ({ status: 'firing', labels: { ...labels, ...more }, annotations: {}, startsAt: new Date(rig.clock.now()).toISOString(), endsAt: '0001-01-01T00:00:00Z', generatorURL: '' })
  const notification = { version: '4', groupKey: '{}', truncatedAlerts: 0, status: 'firing', receiver: 'p', groupLabels: {}, commonLabels: {}, commonAnnotations: {}, externalURL: '', alerts: [alert({}), alert({ trunk: 'nobody' }), alert({ alertname: 'Other' })] }
  const told = rig.engine().explain({ notification })
  t.match(told, { ok: true, atMs: rig.clock.now(), alerts: [{ name: 'SipTrunkDown', reason: 'stored', trunks: ['acme'] }, { reason: 'unknown-trunk', trunks: [] }, { name: 'Other', trunks: [] }], trunks: [{ trunk: 'acme', result: 'admitted', commands: [`disabled ${A}`] }] })
  t.equal(told.ok && told.trunks.length, 1)
  t.match(rig.engine().explain({}), { ok: true, alerts: [], trunks: [{ trunk: 'acme', result: 'nothing' }] }, 'without it nothing is to be done')
  t.match(rig.engine().explain({ notification, atMs: rig.clock.now() + 3_600_000 }), { ok: true, trunks: [{ result: 'admitted' }] })
  t.match(rig.engine().explain({ notification: [] }), { ok: false, kind: 'malformed' })
  t.match(rig.engine().explain({ trunk: 'beta' }), { ok: false, kind: 'unknown' })
  await rig.clock.settle()
  t.same({ records: rig.records().length, entries: JSON.stringify(await rig.store.read('')), alerts: rig.engine().status().alerts }, before)
  await rig.pass(10)
  t.same([rig.records().length, rig.engine().status().alerts, rig.trunk().open], [before.records, before.alerts, null])
  t.same([...rig.a.got, ...rig.b.got], [])
})

test('a pause whose answer gets lost though it reached the disk is neither forgotten nor in the way', async (t) => {
  const rig = await startRig()
  const order = (verb: 'pause' | 'resume') => rig.engine().operate(verb === 'pause' ? { verb, scope: 'global', untilMs: null } : { verb, scope: 'global' }, 'anna', 'test')
  rig.store.loseAnswers(1)
  t.match(await order('pause'), { ok: false, kind: 'unavailable' })
  t.match(await order('resume'), { ok: true }, 'what stands in the store counts: it was paused')
  t.same(rig.engine().status().pauses, [])
  t.match(await order('pause'), { ok: true })
  rig.store.loseAnswers(1)
  t.match(await order('resume'), { ok: false, kind: 'unavailable' })
  t.match(await order('pause'), { ok: true })
  t.equal(rig.engine().status().pauses.length, 1)
})

test('the fleet\'s document whose answer gets lost is written again', async (t) => {
  const rig = await startRig({ topology: { watchdog: { match: [], timeoutMs: 60_000, whenLost: 'freeze' } } })
  const { commit } = rig.store
  let lost = 0
  rig.store.commit = (writes, journal) => {
    if (writes.some(({ key }) => key === 'fleet') && lost === 0) {
      lost += 1
      rig.store.loseAnswers(1)
    }
    return commit(writes, journal)
  }
  await rig.pass(40)
  t.equal(lost, 1, 'it was lost')
  await rig.pass(10)
  const [entry] = await rig.store.read('fleet')
  t.match(entry?.value, { watchdogLostSinceMs: Number })
  t.ok((entry?.revision ?? 0) > 0)
  const before = entry?.revision
  rig.engine().replace(rig.setup({ topology: { watchdog: null } }))
  await rig.pass(5)
  t.not((await rig.store.read('fleet'))[0]?.revision, before, 'and goes on to be written')
})
