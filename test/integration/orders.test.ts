/** Orders at the wire: HTTP in, SQLite under it, two simulated gateways behind it. */
import { copyFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { t } from 'tap'
import type { TrunkState } from '../../src/core/world.ts'
import { startPair, until } from '../helpers/running-pair.ts'

t.jobs = 2

t.test('what was answered 200 is committed, and there after a restart', { buffered: true }, async (t) => {
  const directory = t.testdir()
  const r = await startPair(directory)
  t.teardown(() => r.stop())
  await until('it carries calls', 10_000, r.trunk, (trunk) => trunk.carrying === 'yes')
  /** What a machine that died right after the answer would find: the files as they are now. */
  const committed = async (): Promise<TrunkState> => {
    const copy = join(directory, 'copy.db')
    await rm(`${copy}-wal`, { force: true })
    for (const end of ['', '-wal']) await copyFile(join(directory, `pointsman.db${end}`), `${copy}${end}`)
    const connection = new DatabaseSync(copy)
    const row = connection.prepare('SELECT value FROM entry WHERE key = ?').get('trunk/acme') as { value: string }
    connection.close()
    return JSON.parse(row.value) as TrunkState
  }
  const key = (await r.trunk()).active ?? ''
  const pinned = await r.command('pin', { trunk: 'acme', interface: key, for: '1h', reason: 'test' })
  t.match([pinned.status, (await committed()).pin], [200, { interface: key, actor: 'anna', reason: 'test' }])
  const refused = await r.command('switchover', { trunk: 'acme', reason: 'test' })
  t.match(refused, { status: 409, body: { error: 'refused', message: /pinned/, vetoes: ['pin'], release: 'pointsman unpin acme --reason …' } })
  await r.restart()
  await until('it is ready', 10_000, r.trunk, (trunk) => trunk.carrying === 'yes')
  t.match((await r.trunk()).pin, { interface: key, actor: 'anna' }, 'the pin survives')
  t.equal((await r.command('unpin', { trunk: 'acme', reason: 'test' })).status, 200)
  t.equal((await committed()).pin, null)
  const verbs = (await r.records()).filter(({ type }) => type === 'operator').map(({ data }) => `${String(data['verb'])} ${String(data['result'])}`)
  t.same(verbs.sort(), ['pin taken', 'switchover refused', 'unpin taken'])
})

t.test('a switchover by hand, an abort, and one that a vouch makes possible', { buffered: true }, async (t) => {
  const r = await startPair(t.testdir())
  t.teardown(() => r.stop())
  await until('it carries calls and its standby is usable', 10_000, r.trunk, (trunk) => trunk.carrying === 'yes' && trunk.interfaces.every((i) => i.usable))
  const [a, b] = (await r.trunk()).interfaces.map((i) => i.key)
  t.match(await r.command('switchover', { trunk: 'acme', to: b, knownOff: [a], reason: 'test' }), { status: 409, body: { message: /answers: it is disabled in order/ } })
  await until('the first verdicts are there, and the order is taken', 5000, () => r.command('switchover', { trunk: 'acme', to: b, reason: 'test' }), ({ status }) => status === 200)
  await until('it is under way', 5000, r.trunk, (trunk) => trunk.switchover !== null)
  t.match(await r.command('switchover', { trunk: 'acme', reason: 'test' }), { status: 409, body: { release: 'pointsman abort acme --reason …' } })
  t.equal((await r.command('abort', { trunk: 'acme', reason: 'test' })).status, 200)
  await until('it is back', 20_000, r.trunk, (trunk) => trunk.switchover === null && trunk.active === a && trunk.carrying === 'yes')
  t.equal((await r.status()).pauses.length, 0)
  await r.pair.a.kill()
  await until('A is silent', 10_000, r.trunk, (trunk) => trunk.interfaces[0]?.unreachable === true)
  t.equal((await r.command('switchover', { trunk: 'acme', to: b, knownOff: [a], reason: 'its plug is pulled' })).status, 200)
  await until('B carries calls', 15_000, r.trunk, (trunk) => trunk.wanted === b && trunk.carrying === 'yes')
})
