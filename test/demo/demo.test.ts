import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join, resolve } from 'node:path'
import { test } from 'tap'
import { readYaml } from '../../src/config/read.ts'
import { runDemo } from '../../src/demo/demo.ts'
import { differencesFromDefaults, differingTimes } from '../../src/demo/differences.ts'
import { missing, requiredSteps, summary } from '../../src/demo/requirements.ts'
import { evaluate, notification } from '../../src/demo/stand-in.ts'
import type { Step, StepName } from '../../src/demo/timeline.ts'
import { parseNotification } from '../../src/core/notification.ts'
import type { Verdict } from '../../src/core/status.ts'
import { drivers } from '../../src/drivers/registry.ts'
import { buildInterface, buildTrunk } from '../helpers/status.ts'

const EXAMPLES = resolve(import.meta.dirname, '../../deploy/examples')
const demoFile = (): Promise<string> => readFile(join(EXAMPLES, 'demo.yaml'), 'utf8')
const never = new Promise<never>(() => {})

test('values that are not the default', async (t) => {
  const read = readYaml(await demoFile())
  if (!read.ok) throw new Error('demo.yaml is not YAML')
  const found = new Map(differencesFromDefaults(read.value, drivers).map((each) => [each.path, `${each.value} (${each.standard})`]))
  t.equal(found.get('probes.options.interval'), '500ms (default 5s)', 'a default of a probe')
  t.equal(found.get('probes.binding.doubt_interval'), '1s (default 5s)')
  t.equal(found.get('gateways.*.observe.fall'), '2 (default 3)', 'alike for all gateways: told once')
  t.equal(found.get('gateways.*.registers_within'), '10s (default: by driver)', 'a default that is not in the schema')
  t.equal(found.get('trunks.acme.registration.expires'), '10s (no default)', 'a length of time that must be set')
  t.equal(found.get('interlocks.spacing'), '0s, 1s, 5s (default 0s, 1m, 2m, 4m, 10m)', 'a list')
  t.equal(found.get('web.users'), '2 entries (default: none)')
  t.equal(found.has('web.listen'), false, 'written, but the default')
  t.equal(found.has('gateways.pbx-a.url'), false, 'data, not a setting')
  t.same(differencesFromDefaults({ gateways: { x: { driver: 'nonesuch', timeout: '1s' } } }, drivers), [], 'an unknown kind has no defaults')
})

test('one of two gateways that differ keeps its name', (t) => {
  const gateway = (timeout: string): object => ({ driver: 'innovaphone', timeout })
  const found = differencesFromDefaults({ gateways: { x: gateway('1s'), y: gateway('2s') } }, drivers)
  t.same(found.map(({ path, value }) => [path, value]), [['gateways.x.timeout', '1s'], ['gateways.y.timeout', '2s']])
  t.end()
})

test('times of Prometheus and Alertmanager that are not as shipped', (t) => {
  const own = { global: { scrape_interval: '1s' }, routes: [{ receiver: 'x', group_wait: '0s', group_interval: '1s' }], timeout: '2s' }
  const shipped = { global: { scrape_interval: '5s' }, routes: [{ receiver: 'y', group_wait: '0s', group_interval: '10s' }] }
  t.same(differingTimes(own, shipped), [
    { path: 'global.scrape_interval', value: '1s', standard: 'shipped: 5s' },
    { path: 'routes.0.group_interval', value: '1s', standard: 'shipped: 10s' },
    { path: 'timeout', value: '2s', standard: 'shipped: not set' }
  ])
  t.end()
})

test('the stand-in fires while an enabled interface is down, and resolves after it', (t) => {
  const trunks = (health: Verdict, enabled: boolean) => [buildTrunk({ interfaces: [buildInterface('pbx-a', { health, enabled })] })]
  t.same(evaluate([], trunks('up', true), 'x:1', 1000), [], 'up')
  t.same(evaluate([], trunks('unknown', true), 'x:1', 1000), [], 'unknown is not down')
  t.same(evaluate([], trunks('down', false), 'x:1', 1000), [], 'a standby that is off')
  const [fires] = evaluate([], trunks('down', true), 'x:1', 1000)
  if (fires === undefined) throw new Error('it does not fire')
  t.match(fires, { labels: { alertname: 'SipTrunkDown', severity: 'critical' }, startsAtMs: 1000, endsAtMs: null, delivered: false })
  t.match(parseNotification(notification(fires)), { ok: true, alerts: [{ ok: true, alert: { status: 'firing', startsAtMs: 1000 } }] }, 'Pointsman can read it')
  const held = [{ ...fires, delivered: true }]
  t.same(evaluate(held, trunks('down', true), 'x:1', 2000), held, 'it is not new')
  const [ended] = evaluate(held, trunks('down', false), 'x:1', 3000)
  if (ended === undefined) throw new Error('it is lost')
  t.match(ended, { startsAtMs: 1000, endsAtMs: 3000, delivered: false })
  t.match(parseNotification(notification(ended)), { ok: true, alerts: [{ ok: true, alert: { status: 'resolved', endsAtMs: 3000 } }] })
  t.same(evaluate([ended], trunks('down', false), 'x:1', 4000), [ended], 'kept until it is delivered')
  t.same(evaluate([{ ...ended, delivered: true }], trunks('down', false), 'x:1', 4000), [], 'then forgotten')
  t.match(evaluate([ended], trunks('down', true), 'x:1', 5000), [{ endsAtMs: 3000 }, { startsAtMs: 5000, endsAtMs: null }], 'down again is a new alert')
  t.end()
})

test('what a switchover must show', async (t) => {
  const step = (name: StepName, atMs: number, subject: string | null = null): Step => ({ key: `${name} ${atMs}`, atMs, name, subject, text: '' })
  const steps = [
    step('fault', 0, 'a'), step('expired', 10, 'a'), step('down', 20, 'a'), step('alert', 30, 'a'), step('decision', 30, 'b'), step('off', 40, 'a'),
    step('proof', 50), step('registered', 60, 'b'), step('on', 61, 'b'), step('verified', 70, 'b')
  ]
  const required = requiredSteps([{ name: 'fault', subject: 'a' }, { name: 'down', subject: 'a' }, { name: 'alert', subject: 'a' }], 'a', 'b')
  t.same(missing(steps, required), [], 'all is there')
  t.same(missing(steps.filter(({ name }) => name !== 'alert'), required), ['not seen: alert a'])
  t.same(missing(steps.filter(({ name }) => name !== 'proof'), required), ['not seen: proof'])
  t.same(missing(steps.map((each) => each.name === 'off' ? { ...each, atMs: 65 } : each), required), ['proof was before off', 'registered was before off'], 'make before break')
  t.same(missing(steps.map((each) => each.name === 'registered' ? { ...each, subject: 'a' } : each), required), ['not seen: registered b'], 'the wrong one')
  t.equal(summary(steps, 'b').split('\n')[0], 'fault → b registered: 0.060 s')
  const parts = summary(steps, 'b').split('\n').slice(1).map((line) => Number.parseFloat(line))
  t.equal(parts.length, 6)
  t.ok(Math.abs(parts.reduce((sum, part) => sum + part, 0) - 0.06) < 1e-9, 'the parts add up')
  t.equal(summary(steps, 'c'), '', 'nothing to tell')
})

/** A port that was free a moment ago, for both protocols. */
const freePort = async (): Promise<number> => {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** demo.yaml with other ports and shorter times. */
const shortDemo = async (directory: string): Promise<string> => {
  let text = await demoFile()
  for (const port of ['9867', '19093', '18081', '18082', '15060', '15061', '15062']) text = text.replaceAll(`127.0.0.1:${port}`, `127.0.0.1:${await freePort()}`)
  text = text.replaceAll('demo-secrets/', `${EXAMPLES}/demo-secrets/`).replace('expires: 10s', 'expires: 3s').replaceAll('registers_within: 10s', 'registers_within: 3s')
  text = text.replace('interval: 1s', 'interval: 500ms').replace('doubt_interval: 1s', 'doubt_interval: 500ms')
  const file = join(directory, 'demo.yaml')
  await writeFile(file, text)
  return file
}

test('one failover and its failback, all observed', async (t) => {
  let output = ''
  const code = await runDemo({ once: true, version: 'test', stopped: never, file: await shortDemo(t.testdir()), searchPath: '', colors: false, write: (text) => { output += text } })
  t.equal(code, 0, output)
  t.match(output, /probes\.options\.interval +500ms +\(default 5s\)/)
  t.match(output, 'the demo stands in for Prometheus and Alertmanager')
  const names = [...output.matchAll(/^ +[\d.]+ s {2}([a-z]+) {2}/gm)].map(([, name]) => name ?? '')
  const kept = names.filter((name) => !['waits', 'expired', 'note'].includes(name)).map((name) => ['on', 'registered'].includes(name) ? 'on' : name)
  t.same(kept, ['fault', 'down', 'alert', 'decision', 'off', 'proof', 'on', 'on', 'verified', 'command', 'command', 'decision', 'off', 'proof', 'on', 'on', 'verified'], output)
  // oxlint-disable-next-line no-control-regex -- the point of the check
  t.notMatch(output, /\u001B/, 'no colours')
})

test('a port that is taken is named, and nothing is started', async (t) => {
  const file = await shortDemo(t.testdir())
  const carrier = Number(/registrar: sip:127\.0\.0\.1:(\d+)/.exec(await readFile(file, 'utf8'))?.[1])
  const socket = createSocket('udp4')
  t.teardown(() => { socket.close() })
  socket.bind(carrier, '127.0.0.1')
  await once(socket, 'listening')
  let output = ''
  const code = await runDemo({ once: true, version: 'test', stopped: never, file, searchPath: '', colors: true, write: (text) => { output += text } })
  t.equal(code, 1)
  t.match(output, `UDP port ${carrier} on 127.0.0.1, which the demo needs for the simulated carrier, is in use by another program`)
  t.notMatch(output, 'Where to look')
})

test('a demo that is stopped early has not observed all', async (t) => {
  let output = ''
  const code = await runDemo({ once: false, version: 'test', stopped: Promise.resolve(), file: await shortDemo(t.testdir()), searchPath: '', colors: false, write: (text) => { output += text } })
  t.equal(code, 1)
  t.match(output, 'Stopped before all was ready')
})
