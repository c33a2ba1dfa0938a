/** A store that can't be used, or has no room: nothing is sent, nobody is told that something was stored. Real sockets and files. */
import { execFile, spawn } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { promisify } from 'node:util'
import { t } from 'tap'
import { createApp } from '../../src/app.ts'
import { loadConfig } from '../../src/config/load.ts'
import { drivers } from '../../src/drivers/registry.ts'
import type { Log } from '../../src/ports.ts'
import { openDatabase } from '../../src/store/database.ts'
import { SCHEMA_VERSION } from '../../src/store/schema.ts'
import { startPair, until } from '../helpers/running-pair.ts'
import type { RunningPair } from '../helpers/running-pair.ts'

t.jobs = 4
const parallel = { buffered: true }
const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => silent }
const startsAt = '2026-01-01T00:00:00Z'
const writes = (r: RunningPair): string[] => [...r.pair.a.requests, ...r.pair.b.requests].map(({ path }) => path).filter((path) => path.includes('!config'))
const text = async (r: RunningPair, path: string): Promise<string> => (await fetch(r.url() + path)).text()

function withSql (path: string, sql: string): void {
  const opened = openDatabase(path)
  if (!opened.ok) throw new Error(opened.detail)
  opened.database.close()
  const connection = new DatabaseSync(path)
  connection.exec(sql)
  connection.close()
}

const unusable: readonly { readonly name: string; readonly make: (path: string) => Promise<void> | void; readonly says: RegExp; /** The file is sound, only what stands in it is not. */ readonly sound?: true }[] = [
  { name: 'another program\'s file', make: (path) => writeFile(path, 'hello '.repeat(1000)), says: /not a database/ },
  { name: 'a newer Pointsman\'s store', make: (path) => { withSql(path, `PRAGMA user_version = ${SCHEMA_VERSION + 1}`) }, says: /newer Pointsman/ },
  { name: 'an emptied file', make: (path) => writeFile(path, ''), says: /is empty/ },
  { name: 'a state that can\'t be read', make: (path) => { withSql(path, `INSERT INTO entry VALUES ('trunk/acme', '{"what":1}', 1)`) }, says: /stored state of trunk acme/, sound: true }
]
for (const { name, make, says, sound = false } of unusable) {
  t.test(`${name}: Pointsman only watches, and says so`, parallel, async (t) => {
    const directory = t.testdir()
    const path = join(directory, 'pointsman.db')
    await make(path)
    const before = await readFile(path)
    const r = await startPair(directory)
    t.teardown(() => r.stop())
    await until('it probes', 8000, r.trunk, (trunk) => trunk.interfaces.every((i) => i.health === 'up'))
    const status = await r.status()
    t.equal(status.mode, 'observe')
    t.match(status.storeProblem, says)
    const ready = await fetch(`${r.url()}/-/ready`)
    t.equal(ready.status, 503)
    t.match(await ready.text(), says)
    t.equal((await fetch(`${r.url()}/-/healthy`)).status, 200)
    t.match(await text(r, '/metrics'), /^pointsman_store_available 0$/m)
    t.match(await text(r, '/metrics'), /^pointsman_mode\{mode="observe"\} 1$/m)
    t.match(await text(r, '/'), /Nothing can be stored/)
    t.equal(await r.alert('firing', 'pbx-a', startsAt), 503, 'a notification is to be sent again')
    t.equal((await r.command('pause', { scope: 'global', reason: 'x' })).status, 503)
    await r.pair.a.kill()
    await until('A is down', 5000, r.trunk, (trunk) => trunk.interfaces[0]?.health === 'down')
    t.equal((await fetch(`${r.url()}/-/reload`, { method: 'POST', headers: { authorization: 'Bearer operator-token' } })).status, 200)
    t.equal((await r.status()).mode, 'observe', 'also after a reload')
    await new Promise((resolve) => setTimeout(resolve, 1500))
    t.same(writes(r), [], 'no gateway was touched')
    if (!sound) t.same(await readFile(path), before, 'nor was the file')
    else t.equal(new DatabaseSync(path, { readOnly: true }).prepare('SELECT value FROM entry WHERE key = ?').get('trunk/acme')?.['value'], '{"what":1}', 'what stands there still stands there')
  })
}

t.test('a store that another Pointsman uses: the second one does not start', parallel, async (t) => {
  const r = await startPair(t.testdir())
  t.teardown(() => r.stop())
  const loaded = await loadConfig(r.configFile, drivers)
  if (!loaded.ok) throw new Error('the configuration did not load')
  const second = createApp(loaded.config, { log: silent, version: 'test' })
  t.teardown(() => second.stop())
  await t.rejects(second.start(), { message: /pointsman\.db is used by another process/ })
  t.equal((await r.status()).storeProblem, null)
})

t.test('a disk without room: 503, no action without a record; with room again it goes on by itself', parallel, async (t) => {
  // The files and the simulated pair; the Pointsman that counts runs as a process of its own, under a limit.
  const r = await startPair(t.testdir())
  t.teardown(() => r.pair.stop())
  await r.app().stop()
  // Below those that the kernel hands out: the tests beside this one listen there.
  const port = 20_000 + process.pid % 12_000
  const url = `http://127.0.0.1:${port}`
  const child = spawn(process.execPath, [join(import.meta.dirname, '../../src/main.ts'), 'run', `--config.file=${r.configFile}`, `--web.listen-address=127.0.0.1:${port}`], { stdio: 'ignore' })
  const ended = new Promise((resolve) => { child.once('exit', resolve) })
  t.teardown(async () => { child.kill('SIGKILL'); await ended })
  const limit = (bytes: number | 'unlimited'): Promise<unknown> => promisify(execFile)('prlimit', [`--pid=${child.pid}`, `--fsize=${bytes}:unlimited`])
  const get = async (path: string): Promise<string> => fetch(url + path).then((reply) => reply.text(), () => '')
  const trunk = async () => (JSON.parse(await get('/api/v1/status') || '{}') as { trunks?: { wanted: string; active: string; interfaces: { health: string }[] }[] }).trunks?.[0]
  const alert = (n: number): Promise<number> => {
    const labels = { alertname: 'SipTrunkDown', trunk: 'acme', gateway: n === 0 ? 'pbx-a' : 'nobody', n: String(n), pad: 'x'.repeat(8000) }
    const body = { version: '4', groupKey: '{}', truncatedAlerts: 0, status: 'firing', receiver: 'p', groupLabels: {}, commonLabels: {}, commonAnnotations: {}, externalURL: '', alerts: [{ status: 'firing', labels, annotations: {}, startsAt, endsAt: '0001-01-01T00:00:00Z', generatorURL: '' }] }
    return fetch(`${url}/api/v1/alerts`, { method: 'POST', headers: { authorization: 'Bearer am-token', 'content-type': 'application/json' }, body: JSON.stringify(body) }).then((reply) => reply.status)
  }
  await until('all is well', 15_000, trunk, (now) => now?.interfaces.every((i) => i.health === 'up') === true)
  await limit(1)
  t.equal(await alert(1), 503)
  t.match(await get('/-/ready'), /can store nothing/)
  t.match(await get('/metrics'), /^pointsman_store_available 0$/m)
  await r.pair.a.inject({ sip: 'silent' })
  await until('A is down', 8000, trunk, (now) => now?.interfaces[0]?.health === 'down')
  t.equal(await alert(0), 503)
  await new Promise((resolve) => setTimeout(resolve, 3000))
  t.same(writes(r), [], 'nothing is sent that is not on disk')
  t.equal((await fetch(`${url}/-/healthy`)).status, 200)
  await limit('unlimited')
  t.equal(await alert(0), 200, 'Alertmanager sends it again')
  await until('the trunk moves', 20_000, trunk, (now) => now?.wanted === 'pbx-b/SIP1' && now.active === 'pbx-b/SIP1')
  t.match(await get('/-/ready'), /is ready/)
  t.match(await get('/metrics'), /^pointsman_store_available 1$/m)
})
