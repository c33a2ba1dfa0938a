/**
 * Ten thousand trunks: a scrape of all of them must not hold up a notification. Beside it, in the same seconds: a responder
 * that only stores (bare-child.ts), so what the machine itself gives; and prom-client alone at the same size.
 */
import { execFile, fork } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Gauge, Registry } from 'prom-client'
import { startPointsman, WEBHOOK_TOKEN } from '../lab/pointsman.ts'
import type { Stage } from '../lab/processes.ts'
import { sleep, until } from '../lab/wait.ts'
import { BARE_RESPONDER_URL, startBareResponder } from './bare-responder.ts'
import { configuration } from './configuration.ts'
import { createGapMeter, worstGap, type Gap } from './gaps.ts'
import type { PosterAlert, PosterReport } from './poster-child.ts'
import { createWorld } from './world.ts'

const TRUNKS = Number(process.env['BENCH_SCRAPED_TRUNKS'] ?? 10_000)
const SECONDS = Number(process.env['BENCH_SECONDS'] ?? 60)
const SCRAPE_EVERY_MS = 5000
const POSTS_PER_SECOND = 20
const AIMS = { p99Ms: 15, gapMs: 25 }
const AT = { host: '127.0.32.7', port: 9867 }

const percentile = (values: readonly number[], part: number): number => values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.ceil(part * values.length) - 1)] ?? NaN

const readMetrics = async (): Promise<string> => (await fetch(`http://${AT.host}:${AT.port}/metrics`)).text()

/** Scrapes in a process of its own, as Prometheus does. */
const scrape = async (): Promise<{ readonly seconds: number, readonly bytes: number }> => {
  const { stdout } = await promisify(execFile)('curl', ['-s', '-o', '/dev/null', '-w', '%{time_total} %{size_download}', `http://${AT.host}:${AT.port}/metrics`])
  const [seconds = NaN, bytes = NaN] = stdout.split(' ').map(Number)
  return { seconds, bytes }
}

/** What prom-client needs for the same series, in one go [ms]. */
const plainPromClient = async (text: string): Promise<number> => {
  const registry = new Registry()
  const gauges = new Map<string, Gauge>()
  for (const [, name = '', labels = '', value = ''] of text.matchAll(/^(pointsman_\w+)\{(.*)\} (\S+)$/gm)) {
    const pairs = Object.fromEntries([...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, label, of]) => [label!, of!]))
    const gauge = gauges.get(name) ?? new Gauge({ name, help: 'The same.', labelNames: Object.keys(pairs), registers: [registry] })
    gauges.set(name, gauge)
    gauge.set(pairs, Number(value))
  }
  await registry.metrics()
  const start = performance.now()
  await registry.metrics()
  return performance.now() - start
}

/** Pointsman and the bare responder, over the same time. */
const lines = (name: string, report: PosterReport, gap: Gap, bareGap: Gap): void => {
  const line = (who: string, times: readonly number[], { wall, own }: Gap): void => {
    const [p50, p99, max] = [0.5, 0.99, 1].map((part) => percentile(times, part).toFixed(1))
    console.log(`${name.padEnd(16)} ${who.padEnd(15)} n=${times.length}  webhook p50 ${p50} ms  p99 ${p99} ms  max ${max} ms;  ` +
      `largest gap of the event loop ${wall.toFixed(1)} ms (own CPU in one turn at most ${own.toFixed(1)} ms)`)
  }
  line('Pointsman', report.times, gap)
  line('bare responder', report.bareTimes, bareGap)
}

export const benchScrape = async (stage: Stage): Promise<boolean> => {
  console.log(`\n## a scrape of ${TRUNKS} trunks each 5 s, ${POSTS_PER_SECOND} notifications a second`)
  const meter = createGapMeter(stage.folder('scrape'))
  const bareMeter = createGapMeter(stage.folder('bare-gaps'))
  const world = await createWorld(TRUNKS)
  const pointsman = await startPointsman(stage, 'scraped', AT, configuration(stage, TRUNKS), meter)
  await until('all interfaces up', async () => !/^pointsman_interface_health\{.*state="up"\} 0$/m.test(await readMetrics()), 120_000, 5000)
  await startBareResponder(stage, bareMeter)
  const poster = fork(join(import.meta.dirname, 'poster-child.ts'), [`http://${AT.host}:${AT.port}/api/v1/alerts`, BARE_RESPONDER_URL, WEBHOOK_TOKEN, String(TRUNKS), String(POSTS_PER_SECOND)])
  const kill = (): void => { poster.kill('SIGKILL') }
  process.once('exit', kill)
  let reported = (_report: PosterReport): void => { /* nobody asked yet */ }
  poster.on('message', (message: PosterAlert | PosterReport) => {
    if (message.kind === 'alert') world.listAlert(message.alert)
    else reported(message)
  })
  const report = (): Promise<PosterReport> => new Promise((resolve) => {
    reported = resolve
    poster.send('report')
  })
  try {
    await sleep(5000)
    await report()
    meter.read()
    bareMeter.read()
    await sleep(SECONDS * 500)
    const quiet = await report()
    const quietGap = worstGap(meter.read())
    const quietBareGap = worstGap(bareMeter.read())
    const scrapes: { readonly seconds: number, readonly bytes: number }[] = []
    const end = performance.now() + SECONDS * 1000
    while (performance.now() < end) {
      const next = sleep(SCRAPE_EVERY_MS)
      scrapes.push(await scrape())
      await next
    }
    const scraped = await report()
    const gap = worstGap(meter.read())
    const bareGap = worstGap(bareMeter.read())
    const text = await readMetrics()
    const series = text.split('\n').filter((each) => each !== '' && !each.startsWith('#')).length
    lines('without scrapes', quiet, quietGap, quietBareGap)
    lines('while scraped', scraped, gap, bareGap)
    console.log(`${scrapes.length} scrapes of ${series} series, ${(scrapes[0]!.bytes / 1e6).toFixed(0)} MB each: ${(percentile(scrapes.map(({ seconds }) => seconds), 0.5)).toFixed(2)} s each`)
    console.log(`prom-client alone stands still for ${(await plainPromClient(text)).toFixed(0)} ms with the same series`)
    const isMet = percentile(scraped.times, 0.99) < AIMS.p99Ms && gap.wall < AIMS.gapMs && scraped.refused === 0
    console.log(`aim: p99 under ${AIMS.p99Ms} ms, gap under ${AIMS.gapMs} ms, none refused (${scraped.refused}): ${isMet ? 'met' : 'missed'}`)
    return isMet
  } finally {
    process.removeListener('exit', kill)
    kill()
    await pointsman.process.stop()
    await world.stop()
  }
}
