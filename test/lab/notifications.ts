/** What Alertmanager may do to us: die, deliver twice, resolve one alert of a group. None of it may lead to a wrong action. */
import type { Report } from './report.ts'
import { failBack, GATEWAY_KILLED } from './rounds.ts'
import { keyOf } from './scene.ts'
import type { Pair, Scene } from './scene.ts'
import { holds, until } from './wait.ts'

/** Alertmanager's fingerprint is opaque to Pointsman; the lab's own alerts have made-up ones. */
let fingerprints = 0

interface Alert {
  readonly status: 'firing' | 'resolved'
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly startsAt: string
  readonly endsAt: string
  readonly generatorURL: string
  readonly fingerprint: string
}

const alertAbout = (pair: Pair, side: 'a' | 'b', status: Alert['status'], name = 'SipTrunkDown'): Alert => {
  fingerprints += 1
  const gateway = `${pair.trunk}-${side}`
  return {
    status,
    labels: { alertname: name, trunk: pair.trunk, gateway, interface: pair.account.user, severity: 'critical', by: 'lab' },
    annotations: {},
    startsAt: new Date(Date.now() - 2000).toISOString(),
    endsAt: status === 'firing' ? '0001-01-01T00:00:00Z' : new Date(Date.now() - 1000).toISOString(),
    generatorURL: '',
    fingerprint: fingerprints.toString(16).padStart(16, '0')
  }
}

const ended = (alert: Alert): Alert => ({ ...alert, status: 'resolved', endsAt: new Date().toISOString() })

/** A webhook body of version 4; its own status is firing as soon as one alert fires, as Alertmanager does it. */
const notification = (...alerts: readonly Alert[]): object => ({
  version: '4',
  groupKey: '{}/{alertname=~"SipTrunk.+"}:{by="lab"}',
  truncatedAlerts: 0,
  status: alerts.some(({ status }) => status === 'firing') ? 'firing' : 'resolved',
  receiver: 'pointsman',
  groupLabels: {},
  commonLabels: {},
  commonAnnotations: {},
  externalURL: 'http://127.0.25.3:9093',
  alerts
})

/** What is needed to look at a trunk from outside. */
type Sight = Pick<Scene, 'pointsman' | 'carrier'>

/** How many switchovers of a trunk were admitted so far. */
export const admissions = async ({ pointsman }: Sight, pair: Pair): Promise<number> => {
  const decisions = await pointsman.decisions(pair.trunk)
  const records = await Promise.all(decisions.map(({ id }) => pointsman.decision(id)))
  return records.filter((list) => list.some(({ type }) => type === 'admitted')).length
}

/** True as long as the trunk rests on A: at the carrier, on both gateways, and for Pointsman. */
export const restsOnA = async (scene: Sight, pair: Pair): Promise<boolean> => {
  const [holder, a, b, status] = await Promise.all([
    scene.carrier.holder(pair.account.user), pair.a.registration(), pair.b.registration(), scene.pointsman.trunk(pair.trunk)
  ])
  return holder === pair.a.ip && a?.enabled === true && b?.enabled === false && status.switchover === null && status.active === keyOf(pair, 'a')
}

export const isOnB = async (scene: Sight, pair: Pair): Promise<boolean> => {
  const status = await scene.pointsman.trunk(pair.trunk)
  return await scene.carrier.holder(pair.account.user) === pair.b.ip && status.active === keyOf(pair, 'b') && status.switchover === null
}

export const checkHolds = async (report: Report, sentence: string, probe: () => Promise<boolean>, forMs: number): Promise<void> => {
  try {
    await holds(sentence, probe, forMs)
    report.check(true, sentence)
  } catch (cause) {
    report.check(false, `${sentence}: ${(cause as Error).message}`)
  }
}

const alertmanagerRestarted = async (report: Report, scene: Scene, pair: Pair): Promise<void> => {
  await scene.alertmanager().kill()
  await checkHolds(report, 'Alertmanager killed: the trunk stays on A', () => restsOnA(scene, pair), 2000)
  await scene.restartAlertmanager()
  await checkHolds(report, 'Alertmanager restarted: the trunk stays on A', () => restsOnA(scene, pair), 2000)
}

const healthyTrunkAccused = async (report: Report, scene: Scene, pair: Pair): Promise<void> => {
  const before = await admissions(scene, pair)
  const accusation = alertAbout(pair, 'a', 'firing')
  const body = notification(accusation)
  const codes = [await scene.pointsman.deliver(body), await scene.pointsman.deliver(body)]
  report.check(codes.every((code) => code === 200), `an alert about a healthy gateway, delivered twice, is taken (${codes.join(', ')})`)
  await checkHolds(report, 'the trunk stays on A, since its own evidence contradicts', () => restsOnA(scene, pair), 2000)
  report.check(await admissions(scene, pair) === before, 'no switchover was admitted')
  await scene.pointsman.deliver(notification(ended(accusation)))
}

/** A is really dead. Its alert comes by Alertmanager and twice more by hand, once with resolved ones beside it; Alertmanager dies meanwhile. */
const deadTrunkReported = async (report: Report, scene: Scene, dead: Pair, healthy: Pair): Promise<void> => {
  const before = await admissions(scene, dead)
  const healthyBefore = await admissions(scene, healthy)
  await GATEWAY_KILLED.inject(dead)
  await until('alert', async () => (await scene.pointsman.trunk(dead.trunk)).alerts.length > 0, 10_000)
  const accusation = alertAbout(dead, 'a', 'firing')
  const body = notification(
    accusation, alertAbout(dead, 'a', 'resolved', 'SipTrunkRegistrationLost'),
    alertAbout(healthy, 'a', 'resolved'), alertAbout(healthy, 'b', 'resolved')
  )
  await Promise.all([scene.pointsman.deliver(body), scene.pointsman.deliver(body)])
  await scene.alertmanager().kill()
  await scene.restartAlertmanager()
  await until(`${dead.trunk} on B`, () => isOnB(scene, dead), 30_000, 100)
  await checkHolds(report, 'one switchover to B, and it stays there', () => isOnB(scene, dead), 2000)
  report.check(await admissions(scene, dead) === before + 1, 'the webhook delivered twice and Alertmanager\'s restart led to exactly one switchover')
  report.check(await restsOnA(scene, healthy) && await admissions(scene, healthy) === healthyBefore, 'the trunk whose alerts were resolved in the same group stays on A')
  await scene.pointsman.deliver(notification(ended(accusation)))
  await GATEWAY_KILLED.mend(dead)
  await failBack(scene, dead.trunk)
}

export const checkNotifications = async (report: Report, scene: Scene): Promise<void> => {
  report.section('Alertmanager restarted, a webhook delivered twice, one alert of a group resolved')
  const [first, second] = scene.pairs
  await alertmanagerRestarted(report, scene, first!)
  await healthyTrunkAccused(report, scene, second!)
  await deadTrunkReported(report, scene, first!, second!)
}
