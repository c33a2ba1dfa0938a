/**
 * The standby that registers by local SRV records: Pointsman's beacon at priority 0, its second one at priority 1, the carrier last. A real Kamailio
 * resolves them at a real BIND, moves to the real carrier when the beacon refuses, and comes back.
 */
import { join } from 'node:path'
import { startBind, ZONE } from './dns-servers.ts'
import { createGateway, REALM, RPC_TOKEN, startCarrier } from './kamailio.ts'
import type { Account, Carrier, Gateway } from './kamailio.ts'
import { startAlertmanager, startPrometheus } from './monitoring.ts'
import { startPointsman, WEBHOOK_TOKEN, writeSecret } from './pointsman.ts'
import { createUplink } from './network.ts'
import type { Pointsman } from './pointsman.ts'
import type { Running, Stage } from './processes.ts'
import { seconds } from './report.ts'
import type { Report } from './report.ts'
import { ADDRESSES, commonConfig, EXPIRES_SECONDS, probeConfig } from './scene.ts'
import { holds, sleep, until } from './wait.ts'

const TRUNK = 'beta'
const ACCOUNT: Account = { user: '4930999', password: 'password-of-beta', second: 'reject' }
const HOSTS = { a: '127.0.43.1', b: '127.0.43.2', beacons: ['127.0.42.1', '127.0.42.2'], dns: '127.0.41.3' } as const
const KEYS = { a: `pbx-a/${ACCOUNT.user}`, b: 'standby/standby' }
/** What the beacon grants [s]. */
const BEACON_EXPIRES = 6
const LIMIT_MS = 45_000

type Refusal = 'answer' | 'silence'

interface Site {
  readonly carrier: Carrier
  readonly a: Gateway
  readonly b: Gateway
  readonly pointsman: Pointsman
  restart (refusal?: Refusal): Promise<Pointsman>
}

const MAIN = join(import.meta.dirname, '../../src/main.ts')

/** The second beacon, on the second address: a process of its own that follows Pointsman. */
const startSecond = (stage: Stage): Promise<Running> => stage.start({
  name: 'second-beacon',
  command: process.execPath,
  args: [MAIN, 'beacon', '--config.file', join(stage.folder('pointsman'), 'pointsman.yaml'), '--follow', `http://${ADDRESSES.pointsman.host}:${ADDRESSES.pointsman.port}`]
})

const configuration = (stage: Stage, refusal: Refusal): Record<string, unknown> => ({
  ...commonConfig(stage),
  gateways: {
    'pbx-a': { driver: 'kamailio', url: `http://${HOSTS.a}:8080/RPC`, token_file: writeSecret(stage, 'rpc', RPC_TOKEN), dispatcher_group: 1, timeout: '400ms', observe: { interval: '400ms', fall: 2, rise: 2 }, registers_within: '5s' },
    standby: { driver: 'beacon', listen: [`udp:${HOSTS.beacons[0]}:5060`], second: [`udp:${HOSTS.beacons[1]}:5060`], realm: REALM, username: ACCOUNT.user, password_file: writeSecret(stage, 'standby', ACCOUNT.password), expires: `${BEACON_EXPIRES}s`, refusal, observe: { interval: '250ms', fall: 2, rise: 2 }, timeout: '250ms' }
  },
  probes: probeConfig(stage, [{ trunk: TRUNK, account: ACCOUNT }]),
  trunks: {
    [TRUNK]: {
      type: 'srv',
      registration: { auth: 'register', on_second: ACCOUNT.second, expires: `${EXPIRES_SECONDS}s`, aor: `sip:${ACCOUNT.user}@${REALM}`, registrar: `sip:${ADDRESSES.carrier}`, query: `binding-${TRUNK}` },
      interfaces: [
        { gateway: 'pbx-a', interface: ACCOUNT.user, sip: `sip:${HOSTS.a}`, contact: `${HOSTS.a}:5060`, carrier: `sip:${ADDRESSES.carrier}`, probe: 'options' },
        { gateway: 'standby', interface: 'standby', sip: `sip:${HOSTS.b}`, contact: `${HOSTS.b}:5060`, carrier: `sip:${ADDRESSES.carrier}`, probe: 'options' }
      ]
    }
  }
})

const raise = async (stage: Stage): Promise<Site> => {
  const name = `_sip._udp.trunk.${ZONE}`
  const targets = ['beacon-1', 'beacon-2', 'carrier'].map((host, index) => ({ name, priority: [0, 1, 10][index]!, port: 5060, target: `${host}.${ZONE}` }))
  await startBind(stage, { ip: HOSTS.dns, ttl: 60, srv: targets, hosts: { 'beacon-1': HOSTS.beacons[0], 'beacon-2': HOSTS.beacons[1], carrier: ADDRESSES.carrier } })
  const carrier = await startCarrier(stage, ADDRESSES.carrier, [ACCOUNT], EXPIRES_SECONDS)
  const common = { carrier: carrier.ip, pbx: ADDRESSES.pbx, account: ACCOUNT, expiresSeconds: EXPIRES_SECONDS }
  const a = createGateway(stage, { ...common, name: 'pbx-a', ip: HOSTS.a, retrySeconds: 2 })
  const b = createGateway(stage, { ...common, name: 'standby', ip: HOSTS.b, retrySeconds: 2, service: { uri: `sip:trunk.${ZONE}`, nameserver: HOSTS.dns } })
  await Promise.all([a.start(), b.start()])
  await a.rpc('uac.reg_enable', ['l_uuid', a.record])
  await until('registration of A', async () => await carrier.holder(ACCOUNT.user) === a.ip, 5000)
  await startAlertmanager(stage, ADDRESSES.alertmanager, ADDRESSES.pointsman, writeSecret(stage, 'webhook', WEBHOOK_TOKEN))
  const pointsman = (refusal: Refusal = 'answer'): Promise<Pointsman> => startPointsman(stage, 'pointsman', ADDRESSES.pointsman, configuration(stage, refusal))
  const first = await pointsman()
  await startSecond(stage)
  // From now on nobody touches the standby any more.
  await b.rpc('uac.reg_enable', ['l_uuid', b.record])
  await startPrometheus(stage, ADDRESSES.prometheus, ADDRESSES.pointsman, [ADDRESSES.alertmanager])
  return { carrier, a, b, pointsman: first, restart: pointsman }
}

const standsBy = async (pointsman: Pointsman): Promise<boolean> => {
  const { active, switchover, interfaces, alerts } = await pointsman.trunk(TRUNK)
  return active === KEYS.a && switchover === null && alerts.length === 0 && interfaces[0]?.health === 'up' && interfaces[1]?.usable === true && interfaces[1].takeoverMs !== null
}

interface Moments { alerted: number | null; turned: number | null; held: number | null; verified: number | null }

const watch = async ({ carrier, pointsman }: Site, to: 'a' | 'b', sinceAt: number): Promise<Moments> => {
  const moments: Moments = { alerted: null, turned: null, held: null, verified: null }
  const epoch = Date.now() - (performance.now() - sinceAt)
  let decision: string | null = null
  while (performance.now() - sinceAt < LIMIT_MS && moments.verified === null) {
    const [status, holder] = await Promise.all([pointsman.trunk(TRUNK), carrier.holder(ACCOUNT.user)])
    const now = performance.now() - sinceAt
    if (status.alerts.length > 0) moments.alerted ??= now
    if (status.interfaces[1]?.enabled === (to === 'b')) moments.turned ??= now
    if (holder === HOSTS[to]) moments.held ??= now
    if (status.switchover?.to === KEYS[to]) decision ??= status.switchover.decision
    if (decision !== null && status.switchover === null) {
      const ended = (await pointsman.decision(decision)).find(({ type }) => type === 'ended')
      if (ended?.data['result'] === 'verified') moments.verified = ended.atMs - epoch
      else if (ended !== undefined) throw new Error(`ended ${JSON.stringify(ended.data)}`)
    }
    await sleep(20)
  }
  return moments
}

const failBack = async (site: Site): Promise<Moments> => {
  await until('usable A', async () => (await site.pointsman.trunk(TRUNK)).interfaces[0]?.usable === true, LIMIT_MS, 100)
  await sleep(2000)
  const askedAt = performance.now()
  const { code, answer } = await site.pointsman.command('failback', { trunk: TRUNK, reason: 'A is mended' })
  if (code !== 200 && code !== 202) throw new Error(`failback: ${code} ${answer}`)
  return watch(site, 'a', askedAt)
}

/** The way between the standby and the first beacon is lost: it goes on to the second one, and no further. */
const checkSecondBeacon = async (report: Report, site: Site): Promise<void> => {
  const way = createUplink(HOSTS.b, HOSTS.beacons[0])
  await way.cut()
  const stays = await holds('the standby at a beacon', async () => {
    const { interfaces, switchover } = await site.pointsman.trunk(TRUNK)
    return interfaces[1]?.usable === true && switchover === null && await site.carrier.holder(ACCOUNT.user) === HOSTS.a
  }, 3 * BEACON_EXPIRES * 1000).then(() => true, () => false)
  await way.restore()
  report.check(stays, `the first beacon is out of reach for ${3 * BEACON_EXPIRES} s: the standby stays at the second one`)
}

/** Pointsman is dead for two lifetimes of the beacon: the second one does what it did, on whichever side the standby is. */
const checkDeath = async (report: Report, site: Site, side: 'a' | 'b'): Promise<Site> => {
  const before = await site.pointsman.trunk(TRUNK)
  await site.pointsman.process.kill()
  const other = HOSTS[side === 'a' ? 'b' : 'a']
  // A refresh that meets a dead server first may come a moment late: then nobody holds it.
  const stays = async (): Promise<boolean> => await site.carrier.holder(ACCOUNT.user) !== other
  const dead = await holds('holder', stays, 2 * BEACON_EXPIRES * 1000).then(() => true, () => false)
  report.check(dead, `Pointsman killed, for ${2 * BEACON_EXPIRES} s: the registration stays with ${side.toUpperCase()}, by the second beacon`)
  const next = { ...site, pointsman: await site.restart() }
  const again = await holds('holder', stays, (BEACON_EXPIRES + 2) * 1000).then(() => true, () => false)
  await until('holder after the restart', async () => await site.carrier.holder(ACCOUNT.user) === HOSTS[side], 5000)
  const after = await until('first look', async () => { const status = await next.pointsman.trunk(TRUNK); return status.interfaces[1]?.enabled === null ? null : status }, 10_000)
  report.check(again && after.interfaces[1]?.enabled === before.interfaces[1]?.enabled && after.switchover === null, `started again, it ${side === 'a' ? 'accepts' : 'refuses'} as before`)
  return next
}

export const playBeacon = async (report: Report, stage: Stage): Promise<void> => {
  report.section(`Beacon: SRV 0 is Pointsman, 1 its second beacon (lifetime ${BEACON_EXPIRES} s), the carrier is last (lifetime ${EXPIRES_SECONDS} s)`)
  let site = await raise(stage)
  await until('the standby at the beacon', () => standsBy(site.pointsman), 30_000, 100)
  report.check(await site.carrier.holder(ACCOUNT.user) === HOSTS.a, 'A holds the registration at the carrier, the standby is at the beacon')
  site = await checkDeath(report, site, 'a')
  await until('the standby at the beacon again', () => standsBy(site.pointsman), 30_000, 100)
  await checkSecondBeacon(report, site)
  await until('the standby at the first beacon again', () => standsBy(site.pointsman), 30_000, 100)
  const metrics = await site.pointsman.metrics()
  report.check(/pointsman_standby_takeover_seconds\{[^}]*gateway="standby"[^}]*\} [0-6](\.|$)/m.test(metrics), `pointsman_standby_takeover_seconds tells at most ${BEACON_EXPIRES} s`)
  const rows: string[][] = []
  const faults = [
    { title: 'A killed', inject: () => site.a.kill(), mend: () => site.a.start() },
    { title: 'A killed, the beacon silent', inject: () => site.a.kill(), mend: () => site.a.start() },
    { title: 'carrier rejects A', inject: () => site.carrier.refuse(HOSTS.a, 403), mend: () => site.carrier.refuse(HOSTS.a, 200) }
  ]
  for (const [index, fault] of faults.entries()) {
    if (index === 1) {
      await site.pointsman.process.kill()
      site = { ...site, pointsman: await site.restart('silence') }
      await until('the standby at the silent kind of beacon', () => standsBy(site.pointsman), 30_000, 100)
    }
    const faultAt = performance.now()
    await fault.inject()
    const away = await watch(site, 'b', faultAt)
    rows.push([fault.title, seconds(away.alerted), seconds(away.turned), seconds(away.held), seconds(away.verified)])
    report.check(away.held !== null && away.verified !== null, `${fault.title}: the beacon refuses, the standby is registered at the carrier, verified`)
    if (away.verified === null) report.note(JSON.stringify(await site.pointsman.trunk(TRUNK)))
    if (index === 0) site = await checkDeath(report, site, 'b')
    await fault.mend()
    const back = await failBack(site)
    rows.push(['failback', '-', seconds(back.turned), seconds(back.held), seconds(back.verified)])
    report.check(back.held !== null && back.verified !== null, `${fault.title}: mended, A is registered again by failback`)
    if (back.verified === null) report.note(JSON.stringify(await site.pointsman.trunk(TRUNK)))
    await until('the standby at the beacon', () => standsBy(site.pointsman), 30_000, 100)
  }
  report.table(['fault', 'alert', 'beacon turned', 'registered at the carrier', 'verified'], rows)
}
