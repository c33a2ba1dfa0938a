/** A pair of real Alertmanagers, of which one is frozen, deaf or dead; and a silence. The needed switchover comes, no other one. */
import { startCarrier } from './kamailio.ts'
import { CLUSTER_PORT, startAlertmanager, startPrometheus } from './monitoring.ts'
import type { Address } from './monitoring.ts'
import { createDeafness } from './network.ts'
import { admissions, checkHolds, isOnB, restsOnA } from './notifications.ts'
import { startPointsman, WEBHOOK_TOKEN, writeSecret } from './pointsman.ts'
import type { Running, Stage } from './processes.ts'
import type { Report } from './report.ts'
import { failBack, GATEWAY_KILLED } from './rounds.ts'
import { ADDRESSES, commonConfig, createPair, EXPIRES_SECONDS, gatewayConfig, isRested, probeConfig, raise, trunkConfig } from './scene.ts'
import type { Pair, Scene } from './scene.ts'
import { until } from './wait.ts'

/** Four times this after its last word an Alertmanager takes an alert for over; with the default, 1m, after four minutes. */
const RESEND_DELAY = '3s'
const ONE = ADDRESSES.alertmanager
const TWO = ADDRESSES.peer

interface Stand extends Pick<Scene, 'pointsman' | 'carrier'> {
  readonly pair: Pair
  readonly one: Running
  readonly two: Running
  startTwo(): Promise<Running>
}

const url = ({ host, port }: Address, path: string): string => `http://${host}:${port}${path}`

const start = async (stage: Stage): Promise<Stand> => {
  const pair = createPair(stage, 0, '127.0.21', 'reject')
  const carrier = await startCarrier(stage, ADDRESSES.carrier, [pair.account], EXPIRES_SECONDS)
  await raise(pair, carrier)
  const tokenFile = writeSecret(stage, 'webhook', WEBHOOK_TOKEN)
  const startTwo = (): Promise<Running> => startAlertmanager(stage, TWO, ADDRESSES.pointsman, tokenFile, ONE)
  const [one, two] = await Promise.all([startAlertmanager(stage, ONE, ADDRESSES.pointsman, tokenFile, TWO), startTwo()])
  const pointsman = await startPointsman(stage, 'pointsman-pair', ADDRESSES.pointsman, {
    ...commonConfig(stage),
    alertmanagers: [{ url: url(ONE, '') }, { url: url(TWO, '') }],
    gateways: gatewayConfig(stage, pair),
    probes: probeConfig(stage, [pair]),
    trunks: { [pair.trunk]: trunkConfig(pair) }
  })
  await startPrometheus(stage, ADDRESSES.prometheus, ADDRESSES.pointsman, [ONE, TWO], RESEND_DELAY)
  await until(`rest of trunk ${pair.trunk}`, () => isRested(pointsman, pair.trunk), 30_000, 100)
  return { pair, carrier, pointsman, one, two, startTwo }
}

const alertsOf = async ({ pointsman, pair }: Stand) => (await pointsman.trunk(pair.trunk)).alerts

const mendAndGoBack = async (stand: Stand): Promise<void> => {
  await GATEWAY_KILLED.mend(stand.pair)
  await until('end of the alerts', async () => (await alertsOf(stand)).length === 0, 60_000, 100)
  await failBack(stand, stand.pair.trunk)
}

const frozenOne = async (report: Report, stand: Stand): Promise<void> => {
  stand.one.signal('SIGSTOP')
  await GATEWAY_KILLED.inject(stand.pair)
  await until(`${stand.pair.trunk} on B`, () => isOnB(stand, stand.pair), 40_000, 100)
  report.check(await admissions(stand, stand.pair) === 1, 'one Alertmanager frozen, A killed: one switchover to B')
  stand.one.signal('SIGCONT')
  await checkHolds(report, 'thawed, it says the same once more: the trunk stays on B', () => isOnB(stand, stand.pair), 2000)
}

/** A is dead and its alert fires at both. The deaf one believes it to be over and says so; the other one knows better. */
const deafOne = async (report: Report, stand: Stand): Promise<void> => {
  const deafness = createDeafness(TWO.host, [TWO.port, CLUSTER_PORT])
  const before = await admissions(stand, stand.pair)
  await deafness.cut()
  try {
    await until('a disputed alert', async () => (await alertsOf(stand)).some(({ disputed }) => disputed), 60_000, 50)
    report.check(true, 'the deaf Alertmanager resolves what fires at the other one: the alert is disputed, not over')
    await checkHolds(report, 'the disputed alert still counts', async () => (await alertsOf(stand)).length > 0, 3000)
    report.check(await isOnB(stand, stand.pair) && await admissions(stand, stand.pair) === before, 'no switchover came of it')
  } finally {
    await deafness.restore()
  }
}

const silence = async (pair: Pair): Promise<() => Promise<void>> => {
  const matchers = [{ name: 'gateway', value: `${pair.trunk}-a`, isRegex: false, isEqual: true }]
  const body = { matchers, startsAt: new Date().toISOString(), endsAt: new Date(Date.now() + 600_000).toISOString(), createdBy: 'lab', comment: 'work' }
  const response = await fetch(url(ONE, '/api/v2/silences'), { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
  const { silenceID } = await response.json() as { silenceID: string }
  return async () => { await fetch(url(ONE, `/api/v2/silence/${silenceID}`), { method: 'DELETE' }) }
}

/** The other one is dead; the one that is left silences the alert, and ends the silence. */
const silencedAlert = async (report: Report, stand: Stand): Promise<void> => {
  const before = await admissions(stand, stand.pair)
  await stand.two.kill()
  const expire = await silence(stand.pair)
  await GATEWAY_KILLED.inject(stand.pair)
  await until(`fall of ${stand.pair.trunk}-a`, async () => (await stand.pointsman.trunk(stand.pair.trunk)).interfaces[0]?.health === 'down', 20_000, 50)
  await checkHolds(report, 'silenced: no switchover, though A is down', async () => await admissions(stand, stand.pair) === before, 4000)
  await expire()
  await until(`${stand.pair.trunk} on B`, () => isOnB(stand, stand.pair), 90_000, 100)
  report.check(await admissions(stand, stand.pair) === before + 1, 'one Alertmanager dead, the silence over: one switchover to B')
  await stand.startTwo()
  await mendAndGoBack(stand)
  report.check(await restsOnA(stand, stand.pair), 'back on A by command')
}

export const playPair = async (report: Report, stage: Stage): Promise<void> => {
  report.section(`Two Alertmanagers (resend delay ${RESEND_DELAY} instead of 1m)`)
  const stand = await start(stage)
  await frozenOne(report, stand)
  await deafOne(report, stand)
  await mendAndGoBack(stand)
  report.check(await restsOnA(stand, stand.pair), 'the partition and A mended: back on A by command')
  await silencedAlert(report, stand)
}
