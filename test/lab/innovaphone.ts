/** The same switchover with simulated innovaphones at the real carrier: one round for each fault, proven by the binding query. */
import { systemClock, systemRandom } from '../../src/clock.ts'
import { createSimulatedGateway } from '../../src/simulator/innovaphone-gateway.ts'
import type { SimulatedGateway } from '../../src/simulator/innovaphone-gateway.ts'
import { REALM, startCarrier } from './kamailio.ts'
import type { Account, Carrier } from './kamailio.ts'
import { startAlertmanager, startPrometheus } from './monitoring.ts'
import { createUplink } from './network.ts'
import { startPointsman, WEBHOOK_TOKEN, writeSecret } from './pointsman.ts'
import type { Pointsman } from './pointsman.ts'
import type { Stage } from './processes.ts'
import { seconds } from './report.ts'
import type { Report } from './report.ts'
import { failBack } from './rounds.ts'
import { ADDRESSES, commonConfig, EXPIRES_SECONDS, isRested, probeConfig } from './scene.ts'
import { proofWait, watchSwitchover } from './switchover.ts'
import type { Timeline } from './switchover.ts'
import { until } from './wait.ts'

const TRUNK = 'innovaphone'
const INTERFACE = 'SIP1'
const ACCOUNT: Account = { user: '4930123', password: 'password-of-innovaphone', second: 'reject' }
const MANAGEMENT = { username: 'pointsman', password: 'management-secret' }
const HOSTS = { a: '127.0.23.1', b: '127.0.23.2' } as const
/** Reads at the steady interval, and what a switchover needs beside them: an embedded web server must not be hammered. */
const requestsAllowed = (forMs: number): number => 20 + forMs / 1000 * 5

/** The old registration has to expire, and to be missed: no round is faster than that. */
const LIMIT_MS = (2 * EXPIRES_SECONDS + 10) * 1000

interface Site {
  readonly carrier: Carrier
  readonly pointsman: Pointsman
  readonly a: SimulatedGateway
  readonly b: SimulatedGateway
}

interface Fault {
  readonly title: string
  inject(site: Site): Promise<void>
  mend(site: Site): Promise<void>
}

const uplink = createUplink(HOSTS.a, ADDRESSES.carrier)

const FAULTS: readonly Fault[] = [
  { title: 'A killed', inject: ({ a }) => a.kill(), mend: ({ a }) => a.revive() },
  { title: 'uplink cut', inject: () => uplink.cut(), mend: () => uplink.restore() },
  { title: 'SIP service dead', inject: ({ a }) => a.inject({ sip: 'silent' }), mend: ({ a }) => a.clear() },
  { title: 'carrier rejects A', inject: ({ carrier }) => carrier.refuse(HOSTS.a, 403), mend: ({ carrier }) => carrier.refuse(HOSTS.a, 200) }
]

const startGateway = (side: 'a' | 'b'): Promise<SimulatedGateway> => createSimulatedGateway({
  name: `pbx-${side}`,
  host: HOSTS[side],
  httpPort: 80,
  sipPort: 5060,
  ...MANAGEMENT,
  interfaces: [{
    name: INTERFACE, enabled: side === 'a', label: TRUNK, username: ACCOUNT.user, domain: REALM, password: ACCOUNT.password,
    proxy: `${ADDRESSES.carrier}:5060`, expires: EXPIRES_SECONDS
  }],
  // Real ones take half a minute each; a lab round can't.
  retryMs: 2000,
  answerMs: 2000,
  clock: systemClock,
  random: systemRandom
})

const configuration = (stage: Stage): Record<string, unknown> => ({
  ...commonConfig(stage),
  gateways: Object.fromEntries((['a', 'b'] as const).map((side) => [`pbx-${side}`, {
    driver: 'innovaphone', url: `http://${HOSTS[side]}`, username: MANAGEMENT.username, password_file: writeSecret(stage, 'management', MANAGEMENT.password),
    timeout: '500ms', observe: { interval: '500ms', fall: 2, rise: 2 }, registers_within: '5s'
  }])),
  probes: probeConfig(stage, [{ trunk: TRUNK, account: ACCOUNT }]),
  trunks: {
    [TRUNK]: {
      type: 'exclusive',
      registration: {
        auth: 'register', on_second: ACCOUNT.second, expires: `${EXPIRES_SECONDS}s`, aor: `sip:${ACCOUNT.user}@${REALM}`,
        registrar: `sip:${ADDRESSES.carrier}`, query: `binding-${TRUNK}`
      },
      interfaces: (['a', 'b'] as const).map((side) => ({
        gateway: `pbx-${side}`, interface: INTERFACE, sip: `sip:${HOSTS[side]}`, contact: `${HOSTS[side]}:5060`, carrier: `sip:${ADDRESSES.carrier}`, probe: 'options'
      }))
    }
  }
})

const raise = async (stage: Stage): Promise<Site> => {
  const carrier = await startCarrier(stage, ADDRESSES.carrier, [ACCOUNT], EXPIRES_SECONDS)
  const [a, b] = await Promise.all([startGateway('a'), startGateway('b')])
  await until('registration of pbx-a', async () => await carrier.holder(ACCOUNT.user) === HOSTS.a, 5000)
  await startAlertmanager(stage, ADDRESSES.alertmanager, ADDRESSES.pointsman, writeSecret(stage, 'webhook', WEBHOOK_TOKEN))
  const pointsman = await startPointsman(stage, 'pointsman', ADDRESSES.pointsman, configuration(stage))
  await startPrometheus(stage, ADDRESSES.prometheus, ADDRESSES.pointsman, [ADDRESSES.alertmanager])
  await until('rest of the trunk', () => isRested(pointsman, TRUNK), 30_000, 100)
  return { carrier, pointsman, a, b }
}

const play = (site: Site, faultAt: number): Promise<Timeline> => watchSwitchover({
  trunk: TRUNK,
  user: ACCOUNT.user,
  carrier: site.carrier,
  pointsman: site.pointsman,
  a: { key: `pbx-a/${INTERFACE}`, ip: HOSTS.a },
  b: { key: `pbx-b/${INTERFACE}`, ip: HOSTS.b, enabled: async () => site.b.state(INTERFACE).running === 'enabled' }
}, faultAt, LIMIT_MS)

const playFaults = async (report: Report, site: Site): Promise<void> => {
  const rows: (string | number)[][] = []
  for (const fault of FAULTS) {
    const faultAt = performance.now()
    const requestsBefore = site.b.requests.length
    await fault.inject(site)
    const timeline = await play(site, faultAt)
    const requests = site.b.requests.length - requestsBefore
    const allowed = Math.round(requestsAllowed(performance.now() - faultAt))
    const { downSeen, alerted, admitted, enabled, registered, verified } = timeline
    rows.push([fault.title, seconds(downSeen), seconds(alerted), seconds(proofWait(timeline)), seconds(admitted), seconds(enabled), seconds(registered), seconds(verified), `${EXPIRES_SECONDS} s`])
    report.check(registered !== null && verified !== null, `${fault.title}: the trunk is on B, registered and verified, within ${seconds(LIMIT_MS)}`)
    report.check(timeline.carrierUp, `${fault.title}: Pointsman's own path to the carrier stayed up`)
    report.check(requests <= allowed, `${fault.title}: gateway B got ${requests} HTTP requests, ${allowed} allowed`)
    if (verified === null) report.note(JSON.stringify(await site.pointsman.trunk(TRUNK)))
    await fault.mend(site)
    await failBack(site, TRUNK)
    report.check(await site.carrier.holder(ACCOUNT.user) === HOSTS.a, `${fault.title}: the trunk is back on A by failback`)
  }
  report.table(['fault', 'down', 'alert', 'proof', 'decision', 'B enabled', 'B registered', 'verified', 'expires'], rows)
}

export const playInnovaphone = async (report: Report, stage: Stage): Promise<void> => {
  report.section(`innovaphone (simulated), moments after the fault; on_second: ${ACCOUNT.second}, binding query`)
  const site = await raise(stage)
  try {
    await playFaults(report, site)
  } finally {
    await Promise.all([site.a.stop(), site.b.stop(), uplink.restore()])
  }
}
