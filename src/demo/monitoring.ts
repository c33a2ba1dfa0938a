/** Prometheus and Alertmanager of this machine with the demo's files, or the stand-in. */
import { join } from 'node:path'
import type { Clock } from '../ports.ts'
import type { Address, Claim } from './addresses.ts'
import { findProgram, startChild } from './child-process.ts'
import type { Child } from './child-process.ts'
import { differingTimes } from './differences.ts'
import type { Difference } from './differences.ts'
import type { PointsmanClient } from './pointsman-client.ts'
import { httpUrl, readData } from './setup.ts'
import type { DemoSetup } from './setup.ts'
import { LOOK_MS, startStandIn } from './stand-in.ts'

/** What watches Pointsman. Alertmanager comes before it (it is asked at once), Prometheus after it. */
export interface Monitoring {
  readonly kind: 'real' | 'stand-in'
  /** What runs, for people. */
  readonly sentence: string
  readonly differences: readonly Difference[]
  readonly claims: readonly Claim[]
  readonly urls: readonly (readonly [name: string, url: string])[]
  startAlertmanager(client: PointsmanClient): Promise<Child>
  startPrometheus(): Promise<Child | null>
  /** Why an alert would not come through yet; null: it would. */
  notReady(): Promise<string | null>
}

/** Where the demo's Prometheus listens; its file names the other addresses. */
const PROMETHEUS: Address = { host: '127.0.0.1', port: 19090 }

/** @param deploy - the folder deploy/; @param data - a folder for their data and logs */
export async function chooseMonitoring (setup: DemoSetup, at: { readonly deploy: string; readonly data: string; readonly searchPath: string }, clock: Clock): Promise<Monitoring> {
  const prometheus = await findProgram(['prometheus'], at.searchPath)
  const alertmanager = await findProgram(['prometheus-alertmanager', 'alertmanager'], at.searchPath)
  if (prometheus === null || alertmanager === null) return standIn(setup, prometheus === null ? 'Prometheus' : 'Alertmanager', clock)
  return await real(setup, { prometheus, alertmanager }, at, clock)
}

function standIn (setup: DemoSetup, missing: string, clock: Clock): Monitoring {
  return {
    kind: 'stand-in',
    sentence: `${missing} is not installed here, so the demo stands in for Prometheus and Alertmanager: it looks at Pointsman's status\nevery ${LOOK_MS} ms and posts Alertmanager's own format.`,
    differences: [],
    claims: [{ address: setup.alertmanager, protocol: 'TCP', user: 'the stand-in for Alertmanager' }],
    urls: [['Alerts of the stand-in', `${httpUrl(setup.alertmanager)}/api/v2/alerts`]],
    startAlertmanager: (client) => startStandIn(setup.alertmanager, `${setup.pointsman.host}:${setup.pointsman.port}`, client, clock),
    startPrometheus: () => Promise.resolve(null),
    notReady: () => Promise.resolve(null)
  }
}

async function real (setup: DemoSetup, programs: { readonly prometheus: string; readonly alertmanager: string }, at: { readonly deploy: string; readonly data: string }, clock: Clock): Promise<Monitoring> {
  const files = { prometheus: join(at.deploy, 'examples/demo-prometheus.yml'), alertmanager: join(at.deploy, 'examples/demo-alertmanager.yml') }
  const urls = { prometheus: httpUrl(PROMETHEUS), alertmanager: httpUrl(setup.alertmanager) }
  const [ownTimes, ownRoute] = [await readData(files.prometheus), await readData(files.alertmanager)]
  const [shippedTimes, shippedRoute] = [await readData(join(at.deploy, 'prometheus/prometheus.yml')), await readData(join(at.deploy, 'alertmanager/alertmanager.yml'))]
  return {
    kind: 'real',
    sentence: `Prometheus and Alertmanager are those of this machine (${programs.prometheus}, ${programs.alertmanager}), with the shipped rules.`,
    differences: [...differingTimes(ownTimes, shippedTimes), ...differingTimes(ownRoute, shippedRoute)],
    claims: [{ address: PROMETHEUS, protocol: 'TCP', user: 'Prometheus' }, { address: setup.alertmanager, protocol: 'TCP', user: 'Alertmanager' }],
    urls: [['Prometheus', `${urls.prometheus}/alerts`], ['Alertmanager', `${urls.alertmanager}/#/alerts`]],
    startAlertmanager: () => startChild({
      command: programs.alertmanager,
      args: [`--config.file=${files.alertmanager}`, `--web.listen-address=${setup.alertmanager.host}:${setup.alertmanager.port}`, '--cluster.listen-address=', `--storage.path=${join(at.data, 'alertmanager')}`],
      logFile: join(at.data, 'alertmanager.log'),
      readyUrl: `${urls.alertmanager}/-/ready`
    }, clock),
    startPrometheus: () => startChild({
      command: programs.prometheus,
      args: [`--config.file=${files.prometheus}`, `--web.listen-address=${PROMETHEUS.host}:${PROMETHEUS.port}`, `--storage.tsdb.path=${join(at.data, 'prometheus')}`],
      logFile: join(at.data, 'prometheus.log'),
      readyUrl: `${urls.prometheus}/-/ready`
    }, clock),
    notReady: () => prometheusNotReady(urls.prometheus, clock)
  }
}

/** Prometheus drops an alert that it evaluates before it knows its Alertmanagers, and sends it again only a minute later. */
async function prometheusNotReady (url: string, clock: Clock): Promise<string | null> {
  const get = async (path: string): Promise<{ readonly result?: readonly unknown[]; readonly activeAlertmanagers?: readonly unknown[] }> => {
    const reply = await fetch(url + path, { signal: clock.deadline(2000) })
    return (await reply.json() as { readonly data: object }).data
  }
  try {
    if (((await get('/api/v1/alertmanagers')).activeAlertmanagers ?? []).length === 0) return 'Prometheus does not know its Alertmanager yet'
    const { result = [] } = await get(`/api/v1/query?query=${encodeURIComponent('pointsman_interface_health{state="up"} == 1')}`)
    return result.length === 0 ? 'Prometheus has no healthy interface of Pointsman yet' : null
  } catch {
    return 'Prometheus does not answer'
  }
}
