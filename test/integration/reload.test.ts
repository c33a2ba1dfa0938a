import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'tap'
import { startPair } from '../helpers/running-pair.ts'

test('reloads at the same time are all done, and leave one whole manual', async (t) => {
  const r = await startPair(t.testdir())
  t.teardown(async () => { await r.app().stop(); await r.pair.stop() })
  const file = join(dirname(r.configFile), 'pointsman-manual.txt')
  const manual = readFileSync(file, 'utf8')
  const results = await Promise.all([r.app().reload(), r.app().reload(), r.app().reload()])
  t.same(results.map(({ ok }) => ok), [true, true, true])
  t.equal(readFileSync(file, 'utf8'), manual)
  t.notOk(existsSync(`${file}.new`))
})

test('a reload that is overtaken by the stop begins nothing again', async (t) => {
  const r = await startPair(t.testdir())
  t.teardown(() => r.pair.stop())
  const reloaded = r.app().reload()
  await r.app().stop()
  t.match(await reloaded, { ok: false, problems: ['Pointsman is not running'] })
})
