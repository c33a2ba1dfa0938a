/** Monitoring only: a configuration with targets and no trunks, scraped as Prometheus does. Real sockets, the whole app. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'tap'
import { createApp } from '../../src/app.ts'
import { loadConfig } from '../../src/config/load.ts'
import { drivers } from '../../src/drivers/registry.ts'
import type { Log } from '../../src/ports.ts'
import { until } from '../helpers/running-pair.ts'
import { createFakeUas } from '../sip/fake-uas.ts'

const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => silent }

test('the exporter', async (t) => {
  const alive = await createFakeUas(t, ({ reply }) => { reply({ status: 200, reason: 'OK' }) })
  const broken = await createFakeUas(t, ({ reply }) => { reply({ status: 503, reason: 'Service Unavailable' }) })
  const mute = await createFakeUas(t, () => {})
  const onDemand = await createFakeUas(t, ({ reply }) => { reply({ status: 200, reason: 'OK' }) })
  const file = join(t.testdir(), 'pointsman.yaml')
  const configure = (targets: string): Promise<void> => writeFile(file, `
web: {listen: '127.0.0.1:0'}
probes:
  options: {method: OPTIONS, interval: 1s, timeout: 900ms}
targets:
${targets}
exporter: {timeout_offset: 100ms}
`)
  await configure(`
  - {uri: '${alive.uri}', probe: options, labels: {site: berlin}}
  - {uri: '${broken.uri}', probe: options}
  - {uri: '${onDemand.uri}', probe: options, on_demand: true}
  - {uri: '${mute.uri}', probe: options, on_demand: true}`)
  const loaded = await loadConfig(file, drivers)
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems))
  const app = createApp(loaded.config, { log: silent, version: 'test' })
  await app.start()
  t.teardown(() => app.stop())
  const get = async (path: string, headers: Record<string, string> = {}): Promise<{ code: number; type: string; text: string }> => {
    const response = await fetch(`http://127.0.0.1:${app.address().port}${path}`, { headers })
    return { code: response.status, type: response.headers.get('content-type') ?? '', text: await response.text() }
  }
  const probe = (uri: string, more = '', headers: Record<string, string> = {}) => get(`/probe?target=${encodeURIComponent(uri)}${more}`, headers)

  await t.test('targets are probed by themselves, with a verdict', async (t) => {
    const text = await until('verdicts', 8000, async () => (await get('/metrics')).text, (text) => text.includes(`pointsman_probe_health{probe="options ${alive.uri}",state="up"} 1\n`))
    t.ok(text.includes(`pointsman_probe_success{probe="options ${alive.uri}"} 1\n`))
    t.ok(text.includes(`pointsman_probe_success{probe="options ${broken.uri}"} 0\n`))
    t.ok(text.includes(`pointsman_probe_status_code{probe="options ${broken.uri}"} 503\n`))
    t.ok(text.includes(`pointsman_probe_health{probe="options ${broken.uri}",state="unknown"} 1\n`), 'never up is unknown, not down')
    t.match(text, new RegExp(`pointsman_probe_phase_duration_seconds\\{probe="options ${alive.uri}",phase="first-response"\\} 0\\.\\d+`))
    t.ok(text.includes('pointsman_probe_scheduler_targets 2\n'), 'those on demand are not')
    t.equal(onDemand.requests.length, 0)
  })

  await t.test('a probe for Prometheus: its own metrics, without labels', async (t) => {
    const { code, type, text } = await probe(onDemand.uri, '&module=options')
    t.equal(code, 200)
    t.equal(type, 'text/plain; version=0.0.4; charset=utf-8')
    t.match(text, /^# HELP pointsman_probe_success .+\n# TYPE pointsman_probe_success gauge\npointsman_probe_success 1\n/m)
    t.match(text, /^pointsman_probe_duration_seconds 0\.\d+$/m)
    t.match(text, /^pointsman_probe_phase_duration_seconds\{phase="first-response"\} 0\.\d+$/m)
    t.match(text, /^pointsman_probe_status_code 200$/m)
    t.notMatch(text, /probe="|process_|_total/)
    t.equal(onDemand.requests.length, 1)
  })

  await t.test('a silent peer is a result, by the scraper\'s deadline', async (t) => {
    const started = performance.now()
    const { code, text } = await probe(mute.uri, '', { 'x-prometheus-scrape-timeout-seconds': '0.5' })
    const took = performance.now() - started
    t.equal(code, 200)
    t.match(text, /^pointsman_probe_success 0$/m)
    t.ok(took >= 390 && took < 500, `${took.toFixed(0)} ms`)
  })

  await t.test('others are refused', async (t) => {
    const cases: [query: string, code: number, says: RegExp][] = [
      ['', 400, /`target` is missing/],
      ['?target=127.0.0.1:9', 403, /neither configured/],
      ['?target=nonsense%20x', 400, /`target`/],
      [`?target=${alive.uri}&module=nope`, 400, /known: options/],
      [`?target=${alive.uri}&debug=maybe`, 400, /debug/],
      [`?target=a&target=b`, 400, /target/]
    ]
    for (const [query, code, says] of cases) {
      const reply = await get(`/probe${query}`)
      t.equal(reply.code, code, query)
      t.match(reply.text, says, query)
    }
  })

  await t.test('debug shows the messages', async (t) => {
    const { type, text } = await probe(alive.uri, '&debug=true')
    t.equal(type, 'text/plain; charset=utf-8')
    t.match(text, /^Probe options sip:127\.0\.0\.1:\d+, deadline 900 ms: alive \(200 OK\)/)
    t.match(text, /s sent to 127\.0\.0\.1 port \d+ by udp\n {2}OPTIONS sip:/)
    t.match(text, /s received from 127\.0\.0\.1 port \d+ by udp\n {2}SIP\/2\.0 200 OK/)
    t.match(text, /^pointsman_probe_success 1$/m)
  })

  await t.test('service discovery and history', async (t) => {
    t.match(JSON.parse((await get('/sd')).text), [{ targets: [alive.uri], labels: { site: 'berlin' } }, {}, {}, {}])
    const { results } = JSON.parse((await get(`/api/v1/probes?failed=true&limit=5`)).text) as { results: { probe: string; reason: string; code: number | null }[] }
    t.ok(results.length > 1)
    t.ok(results.every(({ reason }) => reason !== 'alive'))
    t.match(JSON.parse((await get(`/api/v1/probes?probe=${encodeURIComponent(`options ${mute.uri}`)}`)).text), { results: [{ reason: 'timeout', onDemand: true, address: `127.0.0.1:${mute.port}` }] })
    t.equal((await get('/api/v1/probes?limit=0')).code, 400)
  })

  await t.test('a reload takes targets away, with all their series, and brings new ones', async (t) => {
    await configure(`
  - {uri: '${onDemand.uri}', probe: options}`)
    t.same(await app.reload(), { ok: true })
    const text = await until('the new target', 5000, async () => (await get('/metrics')).text, (text) => text.includes(`pointsman_probe_success{probe="options ${onDemand.uri}"} 1\n`))
    t.notOk(text.includes(alive.uri))
    t.equal((await probe(alive.uri)).code, 403)
    t.match(JSON.parse((await get('/sd')).text), [{ targets: [onDemand.uri] }])
  })
})
