/** Whatever is posted: a clear answer, nothing lost, nothing switched. Real sockets, real store. */
import { test } from 'tap'
import { startPair, until } from '../helpers/running-pair.ts'

const SINCE = '2026-01-01T00:00:00Z'
const alert = (labels: Record<string, string>, more: object = {}): object => ({ status: 'firing', labels: { alertname: 'SipTrunkDown', ...labels }, annotations: {}, startsAt: SINCE, endsAt: '0001-01-01T00:00:00Z', generatorURL: '', ...more })
const body = (alerts: unknown, more: object = {}): object => ({ version: '4', groupKey: '{}', truncatedAlerts: 0, status: 'firing', receiver: 'pointsman', groupLabels: {}, commonLabels: {}, commonAnnotations: {}, externalURL: '', alerts, ...more })
const huge = (megabytes: number, alerts: number): string => JSON.stringify(body(Array.from({ length: alerts }, (_, i) => alert({ trunk: 'acme', gateway: 'pbx-b', n: String(i) }, { annotations: { description: 'x'.repeat(megabytes * 1_000_000 / alerts) } }))))

interface Case {
  readonly name: string
  readonly text: string
  readonly token?: string | null
  readonly status: number
  /** Part of the answer. */
  readonly says: RegExp
}

const cases: readonly Case[] = [
  { name: 'not JSON', text: '{', status: 400, says: /JSON/i },
  { name: 'an empty body', text: '', status: 400, says: /empty|body/i },
  { name: 'JSON, but a list', text: '[]', status: 400, says: /object|notification/i },
  { name: 'another version', text: JSON.stringify(body([], { version: '3' })), status: 400, says: /version/ },
  { name: 'alerts that are no list', text: JSON.stringify(body({})), status: 400, says: /alerts/ },
  { name: 'no credentials', text: JSON.stringify(body([])), token: null, status: 401, says: /./ },
  { name: 'wrong credentials', text: JSON.stringify(body([])), token: 'wrong', status: 401, says: /./ },
  { name: '40 MB', text: huge(40, 500), status: 413, says: /large/i },
  { name: 'an alert for an unknown trunk', text: JSON.stringify(body([alert({ trunk: 'nobody', gateway: 'pbx-a' })])), status: 200, says: /unknown-trunk/ },
  { name: 'an alert for an unknown gateway', text: JSON.stringify(body([alert({ trunk: 'acme', gateway: 'nobody' })])), status: 200, says: /unknown-gateway/ },
  { name: 'one bad alert among good ones', text: JSON.stringify(body([alert({ trunk: 'acme', gateway: 'pbx-a' }), 7, alert({ trunk: 'acme', gateway: 'pbx-a', n: 'x' }, { startsAt: 'yesterday' })])), status: 200, says: /stored.*malformed.*malformed/s },
  { name: 'unknown fields', text: JSON.stringify(body([alert({ trunk: 'acme', gateway: 'pbx-a', n: 'new' })], { notification_reason: 'first notification', routeLabels: {} })), status: 200, says: /stored/ },
  { name: 'a valid 10 MB body of 500 alerts', text: huge(10, 500), status: 200, says: /stored/ }
]

test('notifications', async (t) => {
  const r = await startPair(t.testdir())
  t.teardown(() => r.stop())
  await until('A is up', 8000, r.trunk, (s) => s.interfaces.every((i) => i.health === 'up'))
  for (const { name, text, token = 'am-token', status, says } of cases) {
    const response = await fetch(`${r.url()}/api/v1/alerts`, { method: 'POST', body: text, headers: { 'content-type': 'application/json', ...(token === null ? {} : { authorization: `Bearer ${token}` }) } })
    const answer = await response.text()
    t.equal(response.status, status, `${name}: ${answer.slice(0, 200)}`)
    t.match(answer, says, `${name}: the answer says why`)
  }
  const before = (await r.status()).alerts
  t.ok(before > 500, 'the good ones are in the alert book')
  const journal = await r.records()
  t.ok(journal.filter((x) => x.type === 'alert-refused').length >= 3, 'the bad ones are in the journal')
  const metrics = await (await fetch(`${r.url()}/metrics`)).text()
  t.match(metrics, /pointsman_alerts_received_total\{reason="malformed"\} 2/)
  await r.restart()
  t.equal((await r.status()).alerts, before, 'nothing is lost by a restart')
  t.same([...r.pair.a.requests, ...r.pair.b.requests].map(String).filter((line) => line.includes('!config')), [], 'nothing was switched')
  t.same(r.pair.holders(), ['a'])
})

test('a bad configuration at a reload leaves the old one in force', async (t) => {
  const { readFile, writeFile } = await import('node:fs/promises')
  const r = await startPair(t.testdir())
  t.teardown(() => r.stop())
  const good = await readFile(r.configFile, 'utf8')
  const reload = (): Promise<Response> => fetch(`${r.url()}/-/reload`, { method: 'POST', headers: { authorization: 'Bearer operator-token' } })
  await writeFile(r.configFile, good.replace('mode: automatic', 'mode: [broken'))
  const refused = await reload()
  t.ok(refused.status >= 400, 'refused')
  t.match(await refused.text(), /pointsman\.yaml:\d+:\d+/, 'says where')
  t.match(await (await fetch(`${r.url()}/metrics`)).text(), /pointsman_config_last_reload_successful 0/)
  t.equal((await r.status()).mode, 'automatic')
  await writeFile(r.configFile, good.replace('mode: automatic', 'mode: observe'))
  t.equal((await reload()).status, 200)
  t.equal((await r.status()).mode, 'observe')
  t.match(await (await fetch(`${r.url()}/metrics`)).text(), /pointsman_config_last_reload_successful 1/)
})
