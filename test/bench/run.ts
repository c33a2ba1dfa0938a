/**
 * The bench: `failover` (this file) and the parts of the `prober`; words choose, without one all run. What is measured is the
 * built program, as it is installed.
 *
 * The failover: a webhook in, the write that disables out. One notification at a time, each trunk once, with evidence that is
 * really down, every interlock at its default, durably stored; Debian's `webhook` with curl beside it for the same body.
 */
import { execFileSync } from 'node:child_process'
import { Agent, request } from 'node:http'
import { join } from 'node:path'
import { BENCH_PACKAGES, requirePackages } from '../lab/install.ts'
import { enterNamespace } from '../lab/namespace.ts'
import { startPointsman, WEBHOOK_TOKEN } from '../lab/pointsman.ts'
import type { Pointsman } from '../lab/pointsman.ts'
import { createStage } from '../lab/processes.ts'
import type { Stage } from '../lab/processes.ts'
import { sleep, TimeoutError, until } from '../lab/wait.ts'
import { BARE_RESPONDER_URL, startBareResponder } from './bare-responder.ts'
import { alertFor, configuration, notificationFor, SHAPE } from './configuration.ts'
import { DEBIAN_WEBHOOK_URL, startDebianWebhook } from './debian-webhook.ts'
import { traceDuring } from './durability.ts'
import { BUILT } from './gaps.ts'
import { benchCost } from './prober-cost.ts'
import { benchLoad } from './prober-load.ts'
import { benchScrape } from './prober-scrape.ts'
import { BARE_SINK_IP, createWorld, CURL_SINK_IP, placeOf } from './world.ts'
import type { BenchWorld } from './world.ts'

const MEASURED = Number(process.env['BENCH_TRUNKS'] ?? 1000)
/** Further trunks: for warming both programs up, and for the run under strace. */
const WARM_UP = 20
const TRACED = 20
const AT = { host: '127.0.32.5', port: 9867 }
const POINTSMAN_URL = `http://${AT.host}:${AT.port}/api/v1/alerts`

const agent = new Agent({ keepAlive: true })

/** Posts as Alertmanager does and returns the status. */
const post = (url: string, body: string): Promise<number> => new Promise((resolve, reject) => {
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), authorization: `Bearer ${WEBHOOK_TOKEN}` }
  const sent = request(url, { method: 'POST', agent, headers }, (response) => {
    response.resume()
    response.once('end', () => resolve(response.statusCode ?? 0))
  })
  sent.once('error', reject)
  sent.end(body)
})

const bounded = async <T>(what: string, promise: Promise<T>): Promise<T> => {
  const late = Symbol('late')
  const result = await Promise.race([promise, sleep(10_000, late, { ref: false })])
  if (result === late) throw new TimeoutError(`no ${what} within 10 s`)
  return result
}

/** One notification; returns the time from its sending to the arrival of the write [ms]. */
const measure = async (url: string, body: string, arrival: Promise<number>): Promise<number> => {
  const start = performance.now()
  const [code, arrived] = await bounded(`write after the notification to ${url}`, Promise.all([post(url, body), arrival]))
  if (code < 200 || code > 299) throw new Error(`${url} answered ${code}`)
  return arrived - start
}

const measurePointsman = async (world: BenchWorld, index: number): Promise<number> => {
  const { aIp, bIp, interfaceName } = placeOf(index)
  const alert = alertFor(index)
  world.listAlert(alert)
  const time = await measure(POINTSMAN_URL, JSON.stringify(notificationFor(alert)), world.arrival(aIp, interfaceName, 'disabled'))
  // The next notification comes when this switchover has made its last write.
  await bounded('write that enables the standby', world.arrival(bIp, interfaceName, 'enabled'))
  return time
}

const measureOther = (url: string, sink: string) => (world: BenchWorld, index: number): Promise<number> =>
  measure(url, JSON.stringify(notificationFor(alertFor(index, sink))), world.arrival(sink, placeOf(index).trunk, 'disabled'))

const percentile = (values: readonly number[], part: number): number => {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(part * sorted.length) - 1)]!
}

/** Every trunk: A enabled and down, B usable. Before its death A's SIP service was seen up: what never answered is not down. */
const prepare = async (world: BenchWorld, pointsman: Pointsman): Promise<void> => {
  const all = (condition: (health: string, usable: boolean) => boolean) => async (): Promise<boolean> => (await pointsman.status()).trunks.every(({ active, interfaces }) =>
    active === interfaces[0]?.key && interfaces[1]?.health !== 'down' && condition(interfaces[0]?.health ?? '', interfaces[1]?.usable === true))
  await until('first verdicts', all((health, usable) => health === 'up' && usable), 60_000, 500)
  await world.killSipOfA()
  await until('down verdicts', all((health, usable) => health === 'down' && usable), 60_000, 500)
}

const CONTENDERS = {
  'Pointsman': measurePointsman,
  'Debian webhook with curl': measureOther(DEBIAN_WEBHOOK_URL, CURL_SINK_IP),
  'bare Node, no decision': measureOther(BARE_RESPONDER_URL, BARE_SINK_IP)
} as const

type Results = Readonly<Record<keyof typeof CONTENDERS, number[]>>

/** Alternates, so that all meet the same machine. */
const alternate = async (world: BenchWorld): Promise<Results> => {
  const results: Results = { 'Pointsman': [], 'Debian webhook with curl': [], 'bare Node, no decision': [] }
  for (let index = 0; index < WARM_UP + MEASURED; index += 1) {
    for (const name of Object.keys(CONTENDERS) as (keyof Results)[]) {
      const time = await CONTENDERS[name](world, index)
      if (index >= WARM_UP) results[name].push(time)
      await sleep(5)
    }
  }
  return results
}

const STEADY = { perSecond: 50, p99Ms: 25 }

/** At a steady rate, whether or not the ones before have had their effect. */
const measureSteady = async (world: BenchWorld, from: number, count: number): Promise<readonly number[]> => {
  const times: Promise<number>[] = []
  const start = performance.now()
  for (let n = 0; n < count; n += 1) {
    await sleep(Math.max(0, start + n * 1000 / STEADY.perSecond - performance.now()))
    times.push(measurePointsman(world, from + n))
  }
  return Promise.all(times)
}

const printSteady = (times: readonly number[]): void => {
  const p99 = percentile(times, 0.99)
  console.log(`\nthe same at ${STEADY.perSecond} notifications a second, each about another trunk: n=${times.length}  p50 ${percentile(times, 0.5).toFixed(2)} ms  p99 ${p99.toFixed(2)} ms  ` +
    `max ${percentile(times, 1).toFixed(2)} ms (aim: p99 under ${STEADY.p99Ms} ms: ${p99 < STEADY.p99Ms ? 'met' : 'missed'})`)
}

const print = (results: Results): void => {
  const line = (name: string, values: readonly number[]): string =>
    `${name.padEnd(26)} n=${values.length}  p50 ${percentile(values, 0.5).toFixed(2)} ms  p99 ${percentile(values, 0.99).toFixed(2)} ms  max ${percentile(values, 1).toFixed(2)} ms`
  console.log('\nwebhook in > arrival of the write that disables')
  for (const [name, values] of Object.entries(results)) console.log(line(name, values))
  const times = (name: keyof Results): number => percentile(results['Debian webhook with curl'], 0.5) / percentile(results[name], 0.5)
  const ratio = times('Pointsman')
  console.log(`faster than Debian's webhook, at the median: ${ratio.toFixed(1)} times (aim: at least 4: ${ratio >= 4 ? 'met' : 'missed'}; bare Node: ${times('bare Node, no decision').toFixed(1)} times)`)
}

/** Succeeds when every notification was on disk before its answer; how fast it is, is printed and not judged. */
const bench = async (stage: Stage): Promise<boolean> => {
  const trunks = WARM_UP + 2 * MEASURED + TRACED
  console.log(`configuration: ${JSON.stringify({ trunks, ...SHAPE, 'everything else': 'at its default (probes every 5 s, gateways read every 10 s), Node.js without options' }, null, 1)}`)
  const world = await createWorld(trunks)
  const pointsman = await startPointsman(stage, 'pointsman', AT, configuration(stage, trunks), { main: BUILT })
  await startDebianWebhook(stage)
  await startBareResponder(stage)
  await prepare(world, pointsman)
  print(await alternate(world))
  printSteady(await measureSteady(world, WARM_UP + MEASURED, MEASURED))
  const durability = await traceDuring(stage, pointsman.process.pid, async () => {
    for (let index = WARM_UP + 2 * MEASURED; index < trunks; index += 1) await measurePointsman(world, index)
  })
  const durable = durability.answers >= TRACED && durability.afterSync === durability.answers
  console.log(`\nstrace: ${durability.afterSync} of ${durability.answers} answers 2xx came after an fsync of their own\n${durability.excerpt.join('\n')}`)
  await world.stop()
  return durable
}

/** Each succeeds when what can be judged honestly is as it should be. */
const PARTS: Readonly<Record<string, (stage: Stage) => Promise<boolean>>> = { failover: bench, 'prober-cost': benchCost, 'prober-load': benchLoad, 'prober-scrape': benchScrape }

/** `prober` chooses everything that begins with it. */
const chosen = (words: readonly string[]): readonly string[] => {
  const names = Object.keys(PARTS)
  const isMeant = (word: string) => (name: string): boolean => name === word || name.startsWith(`${word}-`)
  for (const word of words) if (!names.some(isMeant(word))) throw new Error(`no part ${word}; there are: ${names.join(', ')}`)
  return words.length === 0 ? names : names.filter((name) => words.some((word) => isMeant(word)(name)))
}

/** A stage of its own: what a part started ends with it. */
const play = async (name: string): Promise<boolean> => {
  let good = false
  const stage = createStage(() => !good)
  try {
    good = await PARTS[name]!(stage)
    return good
  } finally {
    await stage.stopAll()
    if (!good) console.log(`logs of ${name}: ${stage.directory}`)
  }
}

const main = async (): Promise<number> => {
  const names = chosen(process.argv.slice(2))
  requirePackages(BENCH_PACKAGES)
  const outer = enterNamespace()
  if (outer !== null) return outer
  execFileSync(process.execPath, ['--run', 'build'], { cwd: join(import.meta.dirname, '../..'), stdio: 'inherit' })
  const missed: string[] = []
  for (const name of names) if (!await play(name)) missed.push(name)
  console.log(missed.length === 0 ? '\nwhat is judged has passed; the speed of failover is printed only' : `\nmissed: ${missed.join(', ')}`)
  return missed.length === 0 ? 0 : 1
}

try {
  process.exit(await main())
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
}
