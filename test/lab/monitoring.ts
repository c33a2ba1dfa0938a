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

/** All targets scraped and the Alertmanagers found: Prometheus takes five seconds for that after its start. */
const isScraping = async (base: string, alertmanagers: number): Promise<boolean> => {
  if (!await answersOk(`${base}/-/ready`)) return false
  const read = async <T>(path: string): Promise<T> => (await (await fetch(`${base}/api/v1/${path}`)).json() as { data: T }).data
  const { activeTargets } = await read<{ activeTargets: { health: string }[] }>('targets?state=active')
  const { activeAlertmanagers } = await read<{ activeAlertmanagers: object[] }>('alertmanagers')
  return activeTargets.length === 1 + alertmanagers && activeTargets.every(({ health }) => health === 'up') && activeAlertmanagers.length === alertmanagers
}

/** Starts Prometheus with the rules of deploy/. @param resendDelay - an alert that it no longer sends is over after four times this */
export const startPrometheus = (stage: Stage, at: Address, pointsman: Address, alertmanagers: readonly Address[], resendDelay = '1m'): Promise<Running> => {
  const folder = stage.folder('prometheus')
  cpSync(join(DEPLOY, 'prometheus/rules'), join(folder, 'rules'), { recursive: true })
  const file = parse(readFileSync(join(DEPLOY, 'prometheus/prometheus.yml'), 'utf8')) as PrometheusFile
  file.global = { ...file.global, scrape_interval: INTERVALS.scrape, evaluation_interval: INTERVALS.evaluation }
  const targets: Record<string, readonly Address[]> = { pointsman: [pointsman], alertmanager: alertmanagers }
  for (const job of file.scrape_configs) job.static_configs = [{ targets: targets[job.job_name]!.map(hostPort) }]
  for (const receiver of file.alerting.alertmanagers) receiver.static_configs = [{ targets: alertmanagers.map(hostPort) }]
  writeFileSync(join(folder, 'prometheus.yml'), stringify(file))
  return stage.start({
    name: 'prometheus',
    command: 'prometheus',
    args: [`--config.file=${join(folder, 'prometheus.yml')}`, `--storage.tsdb.path=${join(folder, 'data')}`, `--web.listen-address=${hostPort(at)}`, `--rules.alert.resend-delay=${resendDelay}`, '--log.level=warn'],
    ready: () => isScraping(`http://${hostPort(at)}`, alertmanagers.length)
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

/** Where Alertmanagers of a pair talk to each other. */
export const CLUSTER_PORT = 9094

/** As deploy/alertmanager/alertmanager.yml says for a pair; alone without one. */
const clusterArgs = (at: Address, peer: Address | null): readonly string[] => peer === null ? ['--cluster.listen-address='] : [
  `--cluster.listen-address=${at.host}:${CLUSTER_PORT}`, `--cluster.advertise-address=${at.host}:${CLUSTER_PORT}`, `--cluster.peer=${peer.host}:${CLUSTER_PORT}`,
  '--cluster.peer-timeout=1s', '--cluster.gossip-interval=50ms', '--cluster.probe-interval=200ms', '--cluster.probe-timeout=100ms', '--cluster.settle-timeout=1s'
]

/** Starts Alertmanager with the routes of deploy/; its data survive a restart on the same stage. @param peer - the other one of a pair */
export const startAlertmanager = (stage: Stage, at: Address, pointsman: Address, tokenFile: string, peer: Address | null = null): Promise<Running> => {
  const name = peer === null ? 'alertmanager' : `alertmanager-${at.host}`
  const folder = stage.folder(name)
  const file = parse(readFileSync(join(DEPLOY, 'alertmanager/alertmanager.yml'), 'utf8')) as AlertmanagerFile
  quicken(file.route)
  for (const webhook of file.receivers.find(({ name }) => name === 'pointsman')?.webhook_configs ?? []) {
    webhook.url = `http://${hostPort(pointsman)}${new URL(webhook.url).pathname}`
    if (webhook.http_config?.authorization !== undefined) webhook.http_config.authorization.credentials_file = tokenFile
  }
  writeFileSync(join(folder, 'alertmanager.yml'), stringify(file))
  return stage.start({
    name,
    command: 'prometheus-alertmanager',
    args: [
      `--config.file=${join(folder, 'alertmanager.yml')}`, `--storage.path=${join(folder, 'data')}`, `--web.listen-address=${hostPort(at)}`,
      ...clusterArgs(at, peer), '--log.level=info'
    ],
    ready: () => answersOk(`http://${hostPort(at)}/-/ready`)
  })
}
