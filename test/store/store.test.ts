import { execFile } from 'node:child_process'
import { copyFileSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { promisify } from 'node:util'
import { test } from 'tap'
import type { Test } from 'tap'
import { systemClock } from '../../src/clock.ts'
import type { JournalQuery, JournalRecord, Retention, Store, StoreEntry, StoreWrite } from '../../src/ports.ts'
import { openDatabase } from '../../src/store/database.ts'
import { SCHEMA_VERSION } from '../../src/store/schema.ts'
import { createSqliteStore } from '../../src/store/sqlite-store.ts'
import { createMemoryStore } from '../../src/rehearsal/memory-store.ts'

const write = (key: string, value: unknown, expect = 0): StoreWrite => ({ key, value, expect })
const record = (decision: string, atMs: number, trunk: string | null = 'acme'): JournalRecord => ({ decision, atMs, trunk, type: 'proposed', data: { n: atMs } })
const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index)

async function openSqlite (t: Test, path: string): Promise<Store> {
  const opened = await createSqliteStore({ path, clock: systemClock })
  if (!opened.ok) throw new Error(opened.detail)
  t.teardown(() => opened.store.close())
  return opened.store
}

const stores: { name: string; open: (t: Test) => Promise<Store> }[] = [
  { name: 'memory', open: async () => createMemoryStore() },
  { name: 'sqlite', open: (t) => openSqlite(t, join(t.testdir(), 'store.db')) }
]

for (const { name, open } of stores) {
  test(`the contract of a store: ${name}`, async (t) => {
    await t.test('it keeps JSON values, and reads them by prefix in the order of their keys', async (t) => {
      const store = await open(t)
      const value = { text: 'Bücher "und" \u0000', list: [1, 2.5, null], nested: { yes: true } }
      t.same(await store.commit([write('b/2', value), write('b/1', 'x'), write('c', false)], []), { ok: true, revision: 1 })
      t.same(await store.read('b/'), [{ key: 'b/1', value: 'x', revision: 1 }, { key: 'b/2', value, revision: 1 }])
      t.same((await store.read('')).map(({ key }) => key), ['b/1', 'b/2', 'c'])
      t.same(await store.read('nothing'), [])
    })

    await t.test('a write goes through only at the expected revision', async (t) => {
      const store = await open(t)
      await store.commit([write('a', 1)], [])
      t.same(await store.commit([write('a', 2)], []), { ok: false, reason: 'conflict', key: 'a' }, 'it exists already')
      t.same(await store.commit([write('x', 2, 7)], []), { ok: false, reason: 'conflict', key: 'x' }, 'it does not exist')
      t.same(await store.commit([write('a', 2, 1)], []), { ok: true, revision: 2 })
      t.same(await store.commit([write('a', 3, 1)], []), { ok: false, reason: 'conflict', key: 'a' }, 'it is newer')
      t.same(await store.read('a'), [{ key: 'a', value: 2, revision: 2 }])
    })

    await t.test('a conflict leaves nothing of its commit behind, journal included', async (t) => {
      const store = await open(t)
      await store.commit([write('taken', 1)], [])
      t.same(await store.commit([write('new', 1), write('taken', 2)], [record('d1', 1)]), { ok: false, reason: 'conflict', key: 'taken' })
      t.same((await store.read('')).map(({ key }) => key), ['taken'])
      t.same((await store.journal({ order: 'newest-first', limit: 10 })).records, [])
    })

    await t.test('null deletes, and no revision is used twice', async (t) => {
      const store = await open(t)
      await store.commit([write('a', 1)], [])
      t.same(await store.commit([write('a', null, 1)], []), { ok: true, revision: 2 })
      t.same(await store.read('a'), [])
      t.same(await store.commit([write('a', 2)], []), { ok: true, revision: 3 })
    })

    await t.test('of many commits at once on one key exactly one wins; the others conflict, and their neighbours go through', async (t) => {
      const store = await open(t)
      const results = await Promise.all(range(50).flatMap((n) => [store.commit([write('same', n)], []), store.commit([write(`own/${n}`, n)], [])]))
      t.equal(results.filter((result) => result.ok).length, 51)
      t.same((await store.read('same')).map(({ value }) => value), [0], 'the first one')
      t.equal((await store.read('own/')).length, 50)
      const revisions = results.flatMap((result) => result.ok ? [result.revision] : [])
      t.equal(new Set(revisions).size, 51, 'each with a revision of its own')
    })

    await t.test('the journal is read in both directions, by decision, trunk, type and time', async (t) => {
      const store = await open(t)
      await store.commit([], [record('d1', 10), record('d1', 20)])
      await store.commit([], [record('d2', 30, 'beta'), { ...record('d3', 40, null), type: 'drift' }])
      const times = async (query: Omit<JournalQuery, 'order'>, order: JournalQuery['order'] = 'newest-first'): Promise<number[]> => (await store.journal({ order, ...query })).records.map(({ atMs }) => atMs)
      t.same(await times({ limit: 10 }), [40, 30, 20, 10])
      t.same(await times({ limit: 10 }, 'oldest-first'), [10, 20, 30, 40])
      t.same(await times({ limit: 2 }), [40, 30])
      t.same(await times({ limit: 10, decision: 'd1' }), [20, 10])
      t.same(await times({ limit: 10, trunk: 'beta' }), [30])
      t.same(await times({ limit: 10, type: 'drift' }), [40])
      t.same(await times({ limit: 10, sinceMs: 20, trunk: 'acme' }), [20])
      t.same(await times({ limit: 10, sinceMs: 20, untilMs: 40 }), [30, 20])
      t.same((await store.journal({ order: 'newest-first', limit: 1 })).records[0], { ...record('d3', 40, null), type: 'drift' })
      t.same(await store.journal({ order: 'oldest-first', limit: 9, decision: 'none' }), { records: [], next: null })
    })

    await t.test('the journal is read page by page, each record once', async (t) => {
      const store = await open(t)
      t.same(await store.journal({ order: 'oldest-first', limit: 2 }), { records: [], next: null }, 'an empty one')
      await store.commit([], range(7).map((n) => record(`d${n % 2}`, n)))
      for (const order of ['oldest-first', 'newest-first'] as const) {
        for (const filter of [{}, { decision: 'd1' }, { trunk: 'acme' }]) {
          const seen: number[] = []
          let from: number | null | undefined
          while (from !== null) {
            const page = await store.journal({ ...filter, order, limit: 2, ...(from === undefined ? {} : { from }) })
            t.ok(page.records.length <= 2)
            seen.push(...page.records.map(({ atMs }) => atMs))
            from = page.next
          }
          const all = range(7).filter((n) => !('decision' in filter) || n % 2 === 1)
          t.same(seen, order === 'oldest-first' ? all : all.toReversed(), `${order} ${JSON.stringify(filter)}`)
        }
      }
    })

    await t.test('the journal forgets its oldest end, by age and by number, in pieces', async (t) => {
      const store = await open(t)
      await store.commit([], range(1000).map((n) => record('d', n)))
      const left = async (): Promise<(number | undefined)[]> => [
        (await store.journal({ order: 'oldest-first', limit: 1 })).records[0]?.atMs, (await store.journal({ order: 'newest-first', limit: 1 })).records[0]?.atMs
      ]
      const pruneAll = async (retention: Retention): Promise<number> => {
        let total = 0
        for (let count = await store.prune(retention); count > 0; count = await store.prune(retention)) total += count
        return total
      }
      t.equal(await store.prune({ beforeMs: 0, maxRecords: 1000 }), 0, 'nothing is too old, nor too much')
      t.equal(await pruneAll({ beforeMs: 300, maxRecords: 1_000_000 }), 300)
      t.same(await left(), [300, 999])
      t.equal(await pruneAll({ beforeMs: 0, maxRecords: 100 }), 600)
      t.same(await left(), [900, 999])
      await store.commit([], [record('d', 1000)])
      t.same(await left(), [900, 1000], 'it goes on')
    })

    await t.test('it tells why nothing becomes durable', async (t) => {
      const store = await open(t)
      t.equal(store.problem(), null)
      await store.commit([write('a', 1)], [])
      await store.commit([write('a', 1)], [])
      t.equal(store.problem(), null, 'a conflict is none')
    })

    await t.test('a watcher sees what is committed from the call on, in order, until its signal aborts', async (t) => {
      const store = await open(t)
      await store.commit([write('w/old', 1)], [])
      const stop = new AbortController()
      const watched = store.watch('w/', stop.signal)
      await store.commit([write('w/a', 1), write('other', 1)], [])
      await store.commit([write('w/a', null, 2)], [])
      await store.commit([write('w/a', 9), write('w/old', 9)], [])
      const seen: StoreEntry[] = []
      for await (const entry of watched) {
        seen.push(entry)
        if (seen.length === 2) stop.abort()
      }
      t.same(seen, [{ key: 'w/a', value: 1, revision: 2 }, { key: 'w/a', value: null, revision: 3 }])
      for await (const entry of store.watch('', stop.signal)) t.fail('an aborted watch yields nothing', { entry })
    })

    await t.test('closing ends the watches; after it commits are unavailable and reads fail', async (t) => {
      const store = await open(t)
      const watched = (async () => { for await (const entry of store.watch('', new AbortController().signal)) t.fail('nothing was committed', { entry }) })()
      await store.close()
      await watched
      t.match(await store.commit([write('a', 1)], []), { ok: false, reason: 'unavailable', detail: 'the store is closed' })
      await t.rejects(store.read(''), { message: 'the store is closed' })
      await store.close()
    })
  })
}

test('a SQLite store', async (t) => {
  await t.test('keeps everything over a restart, revisions included', async (t) => {
    const path = join(t.testdir(), 'store.db')
    const first = await openSqlite(t, path)
    await first.commit([write('a', { x: 1 }), write('b', 1)], [record('d1', 1)])
    await first.commit([write('b', null, 1)], [])
    await first.close()
    const second = await openSqlite(t, path)
    t.same(await second.read(''), [{ key: 'a', value: { x: 1 }, revision: 1 }])
    t.same((await second.journal({ order: 'oldest-first', limit: 5 })).records, [record('d1', 1)])
    t.same(await second.commit([write('b', 2)], []), { ok: true, revision: 3 })
  })

  await t.test('finds every reported commit after a crash', async (t) => {
    const dir = t.testdir()
    const store = await openSqlite(t, join(dir, 'store.db'))
    await Promise.all(range(20).map((n) => store.commit([write(`k/${n}`, n)], [])))
    // What a killed process leaves: both files as they are on the disk at this moment.
    for (const end of ['', '-wal']) copyFileSync(join(dir, `store.db${end}`), join(dir, `crashed.db${end}`))
    t.equal((await (await openSqlite(t, join(dir, 'crashed.db'))).read('k/')).length, 20)
  })

  await t.test('syncs every commit: WAL and synchronous FULL, as the database itself reports them', async (t) => {
    const opened = await createSqliteStore({ path: join(t.testdir(), 'store.db'), clock: systemClock })
    if (!opened.ok) throw new Error(opened.detail)
    t.teardown(() => opened.store.close())
    t.same(opened.durability, { journalMode: 'wal', synchronous: 2, foreignKeys: true })
  })

  await t.test('takes `:memory:` for a file name like any other', async (t) => {
    const dir = t.testdir()
    const before = process.cwd()
    process.chdir(dir)
    t.teardown(() => { process.chdir(before) })
    await openSqlite(t, ':memory:')
    t.ok(existsSync(join(dir, ':memory:')))
  })

  await t.test('counts commits, failures and their duration', async (t) => {
    const counted: string[] = []
    const metrics = { increment: (name: string) => { counted.push(name) }, observe: (name: string, seconds: number) => { counted.push(`${name} ${seconds >= 0}`) } }
    const opened = await createSqliteStore({ path: join(t.testdir(), 'store.db'), clock: systemClock, metrics })
    if (!opened.ok) throw new Error(opened.detail)
    await opened.store.commit([write('a', 1)], [])
    await opened.store.close()
    await opened.store.commit([write('b', 1)], [])
    const once = ['pointsman_store_commits_total', 'pointsman_store_commit_duration_seconds true']
    t.same(counted, [...once, ...once, 'pointsman_store_commit_failures_total'])
  })

  await t.test('refuses to store what is not JSON', async (t) => {
    const store = await openSqlite(t, join(t.testdir(), 'store.db'))
    await t.rejects(store.commit([write('a', undefined)], []), TypeError)
    t.same(await store.read(''), [])
  })
})

test('a file that can\'t be used is a failure, and stays as it is', async (t) => {
  const foreign = (path: string, sql: string): void => {
    const connection = new DatabaseSync(path)
    connection.exec(sql)
    connection.close()
  }
  const cases: { name: string; make: (path: string) => void; want: RegExp }[] = [
    { name: 'text', make: (path) => { writeFileSync(path, 'hello '.repeat(1000)) }, want: /not a database/ },
    { name: 'an emptied file', make: (path) => { writeFileSync(path, '') }, want: /is empty; delete it if this is a new installation/ },
    { name: 'another program\'s database', make: (path) => { foreign(path, 'CREATE TABLE songs (title TEXT)') }, want: /not a Pointsman store/ },
    { name: 'another program\'s empty database', make: (path) => { foreign(path, 'PRAGMA user_version = 3') }, want: /not a Pointsman store/ },
    {
      name: 'a newer Pointsman\'s',
      make: (path) => {
        const opened = openDatabase(path)
        if (opened.ok) opened.database.close()
        foreign(path, `PRAGMA user_version = ${SCHEMA_VERSION + 1}`)
      },
      want: /newer Pointsman/
    },
    {
      name: 'a damaged one',
      make: (path) => {
        const opened = openDatabase(path)
        if (opened.ok) opened.database.close()
        const bytes = readFileSync(path)
        bytes.fill(0x5a, 4096)
        writeFileSync(path, bytes)
      },
      want: /damaged|malformed/
    },
    { name: 'a folder that does not exist', make: () => {}, want: /unable to open/ }
  ]
  for (const { name, make, want } of cases) {
    await t.test(name, async (t) => {
      const path = join(t.testdir(), name.startsWith('a folder') ? 'missing/store.db' : 'store.db')
      make(path)
      const before = existsSync(path) ? readFileSync(path) : null
      const opened = await createSqliteStore({ path, clock: systemClock })
      t.match(opened, { ok: false, reason: 'unusable', detail: want })
      t.match(opened, { detail: path }, 'it names the file')
      t.same(existsSync(path) ? readFileSync(path) : null, before)
    })
  }

  await t.test('one that another process uses', async (t) => {
    const path = join(t.testdir(), 'store.db')
    await openSqlite(t, path)
    t.match(await createSqliteStore({ path, clock: systemClock }), { ok: false, reason: 'locked', detail: /used by another process/ })
  })
})

test('the log is moved to the file now and then, after a commit and not within it', async (t) => {
  const path = join(t.testdir(), 'store.db')
  const opened = openDatabase(path)
  if (!opened.ok) return t.fail(opened.detail)
  const { database } = opened
  const size = (): number => statSync(path).size
  const before = size()
  const commit = (number: number): void => { database.commit([{ writes: [{ key: `k${number}`, value: JSON.stringify('x'.repeat(2000)), expect: 0 }], journal: [] }]) }
  for (const number of range(150)) commit(number)
  t.equal(size(), before, 'no commit moves it')
  database.checkpoint()
  const moved = size()
  t.ok(moved >= before + 150 * 2000, `${moved} bytes`)
  for (const number of range(50)) commit(150 + number)
  database.checkpoint()
  t.equal(size(), moved, 'not after a few')
  database.commit([{ writes: [], journal: [{ decision: 'd', atMs: 1, trunk: null, type: 'proposed', data: '{}' }] }])
  t.equal(database.prune({ beforeMs: 2, maxRecords: 10 }), 1)
  database.checkpoint()
  t.ok(size() > moved, 'but when the journal was shortened')
  t.equal(database.read('k').length, 200)
  database.close()
})

test('the thread moves the log, too', async (t) => {
  const path = join(t.testdir(), 'store.db')
  const store = await openSqlite(t, path)
  const before = statSync(path).size
  for (const number of range(120)) await store.commit([write(`k${number}`, 'x'.repeat(2000))], [])
  await store.read('k')
  t.ok(statSync(path).size > before)
})

test('on a full disk commits are unavailable, and exactly the reported ones are kept', async (t) => {
  const script = new URL('full-disk.ts', import.meta.url).pathname
  const path = join(t.testdir(), 'store.db')
  // The shell limits the size of a file, which makes the writes fail as a full disk does.
  const { stdout } = await promisify(execFile)('sh', ['-c', 'ulimit -f 400 && exec "$0" "$1" "$2"', process.execPath, script, path])
  const { stored, failure, kept } = JSON.parse(stdout) as { stored: number; failure: unknown; kept: number }
  t.ok(stored > 0, 'some commits fitted')
  t.match(failure, { ok: false, reason: 'unavailable', detail: /SQLite error/ })
  t.equal(kept, stored)
  const later = await openSqlite(t, path)
  t.equal((await later.read('k/')).length, stored, 'also when the process starts again with room')
  t.match(await later.commit([write('more', 1)], []), { ok: true })
})
