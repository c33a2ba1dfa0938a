/** README against the code: generated tables, names of metrics, links and scripts. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { parse } from 'yaml'
import { unknownMetrics } from '../helpers/metric-names.ts'
import { renewTables, TABLE_NAMES } from './readme-tables.ts'

const ROOT = join(import.meta.dirname, '../..')
const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')

test('the reference tables are what the code says (npm run gen)', async (t) => {
  t.equal(readme, renewTables(readme))
  t.same([...readme.matchAll(/<!-- table: (\S+) -->/g)].map(([, name]) => name ?? '').sort(), [...TABLE_NAMES].sort())
})

test('tables are renewed, and an unknown one is an error', async (t) => {
  const stale = 'before\n<!-- table: waits -->\n| old |\n<!-- end -->\nafter'
  t.match(renewTables(stale), /^before\n<!-- table: waits -->\n\n\| wait \| meaning \|\n[\s\S]*\| `spacing` \|[^]*\n\n<!-- end -->\nafter$/)
  t.throws(() => renewTables('<!-- table: nonsense -->\n<!-- end -->'), /unknown table: nonsense/)
})

test('every metric in the text exists', async (t) => {
  t.same(unknownMetrics(readme), [])
  t.same(unknownMetrics('see pointsman_veto, pointsman_store_commit_duration_seconds_count and pointsman_nonsense'), ['pointsman_nonsense'])
})

test('every alert in the text is shipped', async (t) => {
  const shipped = ['trunks', 'self'].map((name) => readFileSync(join(ROOT, `deploy/prometheus/rules/pointsman-${name}.yml`), 'utf8')).join('\n')
  const named = [...readme.matchAll(/`((?:SipTrunk|Pointsman)[A-Z]\w+)`/g)].map(([, name]) => name ?? '')
  t.ok(named.length > 1)
  for (const name of named) t.ok(shipped.includes(`- alert: ${name}\n`), name)
})

test('every file and every script in the text exists', async (t) => {
  const links = [...readme.matchAll(/\]\(([^)#]+)\)/g)].map(([, target]) => target ?? '').filter((target) => !target.includes('://'))
  t.ok(links.length > 8)
  for (const target of links) t.ok(existsSync(join(ROOT, target)), target)
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: Record<string, string> }
  const named = new Set([...readme.matchAll(/npm (?:run )?([a-z:]+)/g)].map(([, name]) => name ?? '').filter((name) => !['ci', 'run', 'to'].includes(name)))
  for (const name of named) t.ok(Object.hasOwn(scripts, name), `npm run ${name}`)
})

test('every folder of the layout exists', async (t) => {
  const layout = [...readme.matchAll(/^((?:[a-z]+\/)+) {2,}/gm)].map(([, folder]) => folder ?? '')
  t.ok(layout.length > 10)
  for (const folder of layout) t.ok(existsSync(join(ROOT, folder)), folder)
})

test('the scrape job in the text is the shipped one', async (t) => {
  const job = (text: string): object => {
    const found = /^ {2}- job_name: sip\n(?: {4,}.*\n|\n)+/m.exec(text)?.[0] ?? ''
    return (parse(`jobs:\n${found}`) as { jobs: object[] }).jobs[0] ?? {}
  }
  t.match(job(readme), { metrics_path: '/probe' })
  t.same(job(readme), job(readFileSync(join(ROOT, 'deploy/prometheus/exporter.yml'), 'utf8')))
})
