/** A real Prometheus finds the targets by /sd and scrapes /probe, by the job of deploy/; SIPp is what it probes. */
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import { DEPLOY } from './monitoring.ts'
import { startPointsman } from './pointsman.ts'
import { answersOk } from './processes.ts'
import type { Stage } from './processes.ts'
import type { Report } from './report.ts'
import { until } from './wait.ts'

const POINTSMAN = { host: '127.0.26.1', port: 9867 }
const PROMETHEUS = 'http://127.0.26.2:9090'
const ALIVE = 'sip:127.0.26.3'
const SILENT = 'sip:127.0.26.4'
const WATCHED = 'sip:127.0.26.3:5060'

const CONFIGURATION = {
  probes: { options: { method: 'OPTIONS', interval: '1s', timeout: '500ms' } },
  targets: [
    { uri: ALIVE, probe: 'options', on_demand: true, labels: { site: 'berlin' } },
    { uri: SILENT, probe: 'options', on_demand: true },
    // The same server, probed by Pointsman itself: it must not come by /probe, too.
    { uri: WATCHED, probe: 'options' }
  ]
}

interface ScrapeFile { global?: object, scrape_configs: { scrape_interval: string, scrape_timeout: string, http_sd_configs: { url: string, refresh_interval?: string }[], relabel_configs: { replacement?: string }[] }[] }

/** The file of deploy/, with the lab's addresses and intervals. */
const scrapeFile = (): ScrapeFile => {
  const file = parse(readFileSync(join(DEPLOY, 'prometheus/exporter.yml'), 'utf8').replaceAll('pointsman:9867', `${POINTSMAN.host}:${POINTSMAN.port}`)) as ScrapeFile
  for (const job of file.scrape_configs) {
    job.scrape_interval = '2s'
    job.scrape_timeout = '2s'
    for (const discovery of job.http_sd_configs) discovery.refresh_interval = '1s'
  }
  return file
}

interface Sample { readonly metric: Readonly<Record<string, string>>, readonly value: readonly [number, string] }

const query = async (expression: string): Promise<readonly Sample[]> => {
  const response = await fetch(`${PROMETHEUS}/api/v1/query?query=${encodeURIComponent(expression)}`)
  return (await response.json() as { data: { result: Sample[] } }).data.result
}

const isClean = (text: string): boolean => spawnSync('promtool', ['check', 'metrics'], { input: text }).status === 0

export const checkExporter = async (report: Report, stage: Stage): Promise<void> => {
  report.section('A real Prometheus scrapes /probe')
  report.note(`differs from deploy/prometheus/exporter.yml: addresses, scrape each 2s, ${JSON.stringify({ discovery: '1s' })}`)
  await stage.start({ name: 'sipp', command: 'sipp', args: ['-sf', join(import.meta.dirname, 'sipp/options.xml'), '-i', '127.0.26.3', '-p', '5060', '-nostdin'], env: { TERM: 'dumb' } })
  const pointsman = await startPointsman(stage, 'exporter', POINTSMAN, CONFIGURATION)
  const folder = stage.folder('exporter-prometheus')
  writeFileSync(join(folder, 'prometheus.yml'), stringify(scrapeFile()))
  await stage.start({
    name: 'exporter-prometheus',
    command: 'prometheus',
    args: [`--config.file=${join(folder, 'prometheus.yml')}`, `--storage.tsdb.path=${join(folder, 'data')}`, '--web.listen-address=127.0.26.2:9090', '--log.level=warn'],
    ready: () => answersOk(`${PROMETHEUS}/-/ready`)
  })
  const success = (instance: string): string => `pointsman_probe_success{job="sip",instance="${instance}"}`
  const scraped = (instance: string): Promise<Sample> => until(`a scrape of ${instance}`, async () => (await query(success(instance)))[0], 30_000, 500)
  const [alive, silent] = [await scraped(ALIVE), await scraped(SILENT)]
  report.check(alive.value[1] === '1' && alive.metric['site'] === 'berlin', 'the living target: success 1, with the label of its configuration')
  report.check(silent.value[1] === '0', 'the silent target: success 0')
  report.check((await query('up{job="sip"} == 1')).length === 2, 'both scrapes are up: a silent peer is a result')
  report.check((await query(success(WATCHED))).length === 0, 'what Pointsman probes by itself is not scraped by /probe')
  const probe = async (target: string): Promise<string> => (await fetch(`http://${POINTSMAN.host}:${POINTSMAN.port}/probe?target=${target}`)).text()
  for (const target of [ALIVE, SILENT]) report.check(isClean(await probe(target)), `promtool check metrics: /probe?target=${target} is clean`)
  report.check(isClean(await pointsman.metrics()), 'promtool check metrics: /metrics of a prober without trunks is clean')
}
