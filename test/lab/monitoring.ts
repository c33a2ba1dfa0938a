/** Prometheus and Alertmanager as deploy/ sets them up, with the lab's addresses and shorter intervals. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import { answersOk } from './processes.ts'
import type { Running, Stage } from './processes.ts'

export const DEPLOY = join(import.meta.dirname, '../../deploy')

/** What differs from deploy/, printed by the lab. */
export const INTERVALS = { scrape: '250ms', evaluation: '250ms', groupWait: '0s', groupInterval: '1s' } as const

export interface Address {
  readonly host: string
  readonly port: number
}

const hostPort = ({ host, port }: Address): string => `${host}:${port}`

interface PrometheusFile {
  global: Record<string, string>
  rule_files: string[]
  scrape_configs: { job_name: string, static_configs: { targets: string[] }[] }[]
  alerting: { alertmanagers: { static_configs: { targets: string[] }[] }[] }
}

/** Both targets scraped and the Alertmanager found: Prometheus takes five seconds for that after its start. */
const isScraping = async (base: string): Promise<boolean> => {
  if (!await answersOk(`${base}/-/ready`)) return false
  const read = async <T>(path: string): Promise<T> => (await (await fetch(`${base}/api/v1/${path}`)).json() as { data: T }).data
  const { activeTargets } = await read<{ activeTargets: { health: string }[] }>('targets?state=active')
  const { activeAlertmanagers } = await read<{ activeAlertmanagers: object[] }>('alertmanagers')
  return activeTargets.length === 2 && activeTargets.every(({ health }) => health === 'up') && activeAlertmanagers.length === 1
}

/** Starts Prometheus with the rules of deploy/. */
export const startPrometheus = (stage: Stage, at: Address, pointsman: Address, alertmanager: Address): Promise<Running> => {
  const folder = stage.folder('prometheus')
  cpSync(join(DEPLOY, 'prometheus/rules'), join(folder, 'rules'), { recursive: true })
  const file = parse(readFileSync(join(DEPLOY, 'prometheus/prometheus.yml'), 'utf8')) as PrometheusFile
  file.global = { ...file.global, scrape_interval: INTERVALS.scrape, evaluation_interval: INTERVALS.evaluation }
  const targets: Record<string, Address> = { pointsman, alertmanager }
  for (const job of file.scrape_configs) job.static_configs = [{ targets: [hostPort(targets[job.job_name]!)] }]
  for (const receiver of file.alerting.alertmanagers) receiver.static_configs = [{ targets: [hostPort(alertmanager)] }]
  writeFileSync(join(folder, 'prometheus.yml'), stringify(file))
  return stage.start({
    name: 'prometheus',
    command: 'prometheus',
    args: [`--config.file=${join(folder, 'prometheus.yml')}`, `--storage.tsdb.path=${join(folder, 'data')}`, `--web.listen-address=${hostPort(at)}`, '--log.level=warn'],
    ready: () => isScraping(`http://${hostPort(at)}`)
  })
}

interface Route { receiver?: string, group_wait?: string, group_interval?: string, routes?: Route[] }
interface Webhook { url: string, http_config?: { authorization?: { credentials_file?: string } } }
interface AlertmanagerFile {
  route: Route
  receivers: { name: string, webhook_configs?: Webhook[] }[]
}

const quicken = (route: Route): void => {
  route.group_wait = INTERVALS.groupWait
  route.group_interval = INTERVALS.groupInterval
  for (const child of route.routes ?? []) quicken(child)
}

/** Starts Alertmanager with the routes of deploy/; its data survive a restart on the same stage. */
export const startAlertmanager = (stage: Stage, at: Address, pointsman: Address, tokenFile: string): Promise<Running> => {
  const folder = stage.folder('alertmanager')
  const file = parse(readFileSync(join(DEPLOY, 'alertmanager/alertmanager.yml'), 'utf8')) as AlertmanagerFile
  quicken(file.route)
  for (const webhook of file.receivers.find(({ name }) => name === 'pointsman')?.webhook_configs ?? []) {
    webhook.url = `http://${hostPort(pointsman)}${new URL(webhook.url).pathname}`
    if (webhook.http_config?.authorization !== undefined) webhook.http_config.authorization.credentials_file = tokenFile
  }
  writeFileSync(join(folder, 'alertmanager.yml'), stringify(file))
  return stage.start({
    name: 'alertmanager',
    command: 'prometheus-alertmanager',
    args: [
      `--config.file=${join(folder, 'alertmanager.yml')}`, `--storage.path=${join(folder, 'data')}`, `--web.listen-address=${hostPort(at)}`,
      '--cluster.listen-address=', '--log.level=info'
    ],
    ready: () => answersOk(`http://${hostPort(at)}/-/ready`)
  })
}
