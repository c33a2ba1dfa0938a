/** SRV records moved at real DNS servers: a carrier address dies, callers are sent to the other one, and back by command. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { drivers } from '../../src/drivers/registry.ts'
import { API_KEY, srvOrder, startBind, startPowerdns, TSIG_NAME, TSIG_SECRET, ZONE } from './dns-servers.ts'
import { startAlertmanager, startPrometheus } from './monitoring.ts'
import { startPointsman, WEBHOOK_TOKEN, writeSecret } from './pointsman.ts'
import type { Pointsman } from './pointsman.ts'
import type { Running, Stage } from './processes.ts'
import { seconds } from './report.ts'
import type { Report } from './report.ts'
import { ADDRESSES, commonConfig, probeConfig } from './scene.ts'
import { sleep, until } from './wait.ts'

const HOSTS = { 'sbc-a': '127.0.40.1', 'sbc-b': '127.0.40.2' } as const
const TARGETS = { a: `sbc-a.${ZONE}`, b: `sbc-b.${ZONE}` }
/** Time to live of the records [s]. */
const TTL = 2
const LIMIT_MS = 30_000

const SERVERS = { powerdns: '127.0.41.1', rfc2136: '127.0.41.2' } as const
type Server = keyof typeof SERVERS

const names = (server: Server): readonly string[] => ['_sip._udp', '_sip._tcp'].map((service) => `${service}.${server}.${ZONE}`)

const settings = (stage: Stage, server: Server): Readonly<Record<string, unknown>> => {
  const common = { zone: ZONE, records: names(server), ttl: TTL }
  return server === 'powerdns'
    ? { url: `http://${SERVERS.powerdns}:8081`, token_file: writeSecret(stage, 'api-key', API_KEY), ...common }
    : { server: SERVERS.rfc2136, key_name: TSIG_NAME, key_file: writeSecret(stage, 'tsig', TSIG_SECRET), ...common }
}

const startServer = (stage: Stage, server: Server): Promise<Running> => {
  const srv = names(server).flatMap((name) => [{ name, priority: 10, port: 5060, target: TARGETS.a }, { name, priority: 100, port: 5060, target: TARGETS.b }])
  return (server === 'powerdns' ? startPowerdns : startBind)(stage, { ip: SERVERS[server], ttl: TTL, srv, hosts: HOSTS })
}

/** One address of the carrier: it answers OPTIONS. */
const startTarget = (stage: Stage, host: keyof typeof HOSTS): Promise<Running> => stage.start({
  name: host, command: 'sipp', args: ['-sf', join(import.meta.dirname, 'sipp/options.xml'), '-i', HOSTS[host], '-p', '5060', '-nostdin'], env: { TERM: 'dumb' }
})

const configuration = (stage: Stage): Record<string, unknown> => ({
  ...commonConfig(stage),
  gateways: Object.fromEntries(Object.keys(SERVERS).map((server) => [server, {
    driver: server, ...settings(stage, server as Server), timeout: '1s', observe: { interval: '1s', fall: 2, rise: 2 }
  }])),
  probes: probeConfig(stage, []),
  trunks: Object.fromEntries(Object.keys(SERVERS).map((server) => [`by-${server}`, {
    type: 'exclusive',
    registration: { auth: 'ip' },
    interfaces: [
      { gateway: server, interface: TARGETS.a, sip: `sip:${HOSTS['sbc-a']}`, probe: 'options' },
      { gateway: server, interface: `${TARGETS.b}:5060`, sip: `sip:${HOSTS['sbc-b']}`, probe: 'options' }
    ]
  }]))
})

const first = async (server: Server): Promise<readonly string[]> => Promise.all(names(server).map(async (name) => (await srvOrder(SERVERS[server], name))[0] ?? ''))

interface Moments { alerted: number | null; admitted: number | null; sent: number | null; verified: number | null }

/** Watches from the outside until the decision has ended. */
const watch = async (pointsman: Pointsman, server: Server, target: string, sinceAt: number): Promise<Moments> => {
  const moments: Moments = { alerted: null, admitted: null, sent: null, verified: null }
  const epoch = Date.now() - (performance.now() - sinceAt)
  let decision: string | null = null
  while (performance.now() - sinceAt < LIMIT_MS && moments.verified === null) {
    const [status, targets] = await Promise.all([pointsman.trunk(`by-${server}`), first(server)])
    const now = performance.now() - sinceAt
    if (status.alerts.length > 0) moments.alerted ??= now
    if (targets.every((each) => each === target)) moments.sent ??= now
    if (status.switchover?.to.includes(target) === true) {
      decision ??= status.switchover.decision
      moments.admitted ??= status.switchover.admittedAtMs - epoch
    }
    if (decision !== null && status.switchover === null) {
      const ended = (await pointsman.decision(decision)).find(({ type }) => type === 'ended')
      if (ended?.data['result'] === 'verified') moments.verified = ended.atMs - epoch
      else if (ended !== undefined) throw new Error(`ended ${JSON.stringify(ended.data)}`)
    }
    await sleep(20)
  }
  return moments
}

const checkByHand = async (report: Report, stage: Stage, server: Server): Promise<void> => {
  const hand = drivers.get(server)!.byHand({ ...settings(stage, server) }, 'gw')
  const run = (commands: readonly string[]): string => spawnSync('sh', ['-s'], { input: [hand.login.defines, ...commands, ''].join('\n'), encoding: 'utf8' }).stdout
  for (const [target, other] of [[TARGETS.b, TARGETS.a], [TARGETS.a, TARGETS.b]] as const) {
    run([...hand.apply(other, 'disabled').commands, ...hand.apply(target, 'enabled').commands])
    const shown = run(hand.observe(target).commands)
    report.check((await first(server)).every((each) => each === target) && shown.includes(`10 100 5060 ${target}.`), `${server} by hand: callers are sent to ${target}`)
  }
}

export const playSrv = async (report: Report, stage: Stage): Promise<void> => {
  report.section(`SRV records, time to live ${TTL} s: PowerDNS (API) and BIND (signed dynamic updates)`)
  let [a] = await Promise.all([startTarget(stage, 'sbc-a'), startTarget(stage, 'sbc-b'), startServer(stage, 'powerdns'), startServer(stage, 'rfc2136')])
  for (const server of ['powerdns', 'rfc2136'] as const) await checkByHand(report, stage, server)
  await startAlertmanager(stage, ADDRESSES.alertmanager, ADDRESSES.pointsman, writeSecret(stage, 'webhook', WEBHOOK_TOKEN))
  const pointsman = await startPointsman(stage, 'pointsman', ADDRESSES.pointsman, configuration(stage))
  await startPrometheus(stage, ADDRESSES.prometheus, ADDRESSES.pointsman, [ADDRESSES.alertmanager])
  const rests = async (server: Server): Promise<boolean> => {
    const { interfaces, switchover, active } = await pointsman.trunk(`by-${server}`)
    return switchover === null && active === `${server}/${TARGETS.a}` && interfaces[0]?.health === 'up' && interfaces[1]?.usable === true
  }
  const servers = ['powerdns', 'rfc2136'] as const
  for (const server of servers) await until(`rest of ${server}`, () => rests(server), 30_000, 100)
  const rows: string[][] = []
  const faultAt = performance.now()
  await a.kill()
  const away = await Promise.all(servers.map((server) => watch(pointsman, server, TARGETS.b, faultAt)))
  for (const [index, server] of servers.entries()) {
    const { alerted, admitted, sent, verified } = away[index]!
    rows.push([server, 'A killed', seconds(alerted), seconds(admitted), seconds(sent), seconds(verified)])
    report.check(sent !== null && verified !== null, `${server}: callers are sent to B, and it is verified`)
    report.check(verified !== null && sent !== null && verified - sent >= TTL * 1_000 - 100, `${server}: not verified before the time to live is over`)
  }
  a = await startTarget(stage, 'sbc-a')
  await until('A usable', async () => (await pointsman.status()).trunks.every(({ interfaces, alerts }) => interfaces[0]?.usable === true && alerts.length === 0), LIMIT_MS, 100)
  for (const server of servers) {
    const askedAt = performance.now()
    const { code, answer } = await pointsman.command('failback', { trunk: `by-${server}`, reason: 'A is mended' })
    if (code !== 200 && code !== 202) throw new Error(`failback: ${code} ${answer}`)
    const { sent, admitted, verified } = await watch(pointsman, server, TARGETS.a, askedAt)
    rows.push([server, 'failback', '-', seconds(admitted), seconds(sent), seconds(verified)])
    report.check(sent !== null && verified !== null, `${server}: back on A by failback`)
  }
  report.table(['server', 'fault', 'alert', 'decision', 'records changed', 'verified'], rows)
}
