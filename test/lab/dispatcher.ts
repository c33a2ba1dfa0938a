/** Destinations of Kamailio's dispatcher as a trunk: the way of gateway A to the carrier is cut, an alert moves the trunk to B. */
import { createGateway, startCarrier } from './kamailio.ts'
import type { Gateway } from './kamailio.ts'
import { startAlertmanager, startPrometheus } from './monitoring.ts'
import { createUplink } from './network.ts'
import type { Uplink } from './network.ts'
import { startPointsman, WEBHOOK_TOKEN, writeSecret } from './pointsman.ts'
import type { Pointsman } from './pointsman.ts'
import type { Stage } from './processes.ts'
import { median, seconds } from './report.ts'
import type { Report } from './report.ts'
import { ADDRESSES, commonConfig, EXPIRES_SECONDS, gatewayConfig, probeConfig } from './scene.ts'
import { sleep, until } from './wait.ts'

const TRUNK = 'routed'
const DESTINATION = `sip:${ADDRESSES.carrier}:5060`
const INTERFACE = `dispatcher:1:${DESTINATION}`
const ROUNDS = 4
const ROUND_MS = 30_000
/** From the fault to B: two lost pings, Pointsman's reads, Prometheus, Alertmanager, two commands. */
const LIMIT_MS = 6000
/** A is usable for this long before the way back is asked for. */
const STEADY_MS = 3000

interface Ground { readonly a: Gateway; readonly b: Gateway; readonly uplink: Uplink; readonly pointsman: Pointsman }

const keyOf = (side: 'a' | 'b'): string => `${TRUNK}-${side}/${INTERFACE}`
/** `AP`, `DX` …; the first letter tells. */
const isOff = async (gateway: Gateway): Promise<boolean> => (await gateway.carrierState())?.startsWith('D') === true
const isOn = async (gateway: Gateway): Promise<boolean> => (await gateway.carrierState())?.startsWith('A') === true

const start = async (stage: Stage): Promise<Ground> => {
  const account = { user: TRUNK, password: 'unused', second: 'coexist' } as const
  const [a, b] = (['a', 'b'] as const).map((side, index) => createGateway(stage, {
    name: `${TRUNK}-${side}`, ip: `127.0.24.${index + 1}`, carrier: ADDRESSES.carrier, pbx: ADDRESSES.pbx, account, expiresSeconds: EXPIRES_SECONDS, retrySeconds: 0
  })) as [Gateway, Gateway]
  await startCarrier(stage, ADDRESSES.carrier, [account], EXPIRES_SECONDS)
  await Promise.all([a.start(), b.start()])
  await b.rpc('dispatcher.set_state', ['d', 1, DESTINATION])
  const tokenFile = writeSecret(stage, 'webhook', WEBHOOK_TOKEN)
  await startAlertmanager(stage, ADDRESSES.alertmanager, ADDRESSES.pointsman, tokenFile)
  const uplink = createUplink(a.ip, ADDRESSES.carrier)
  const gateways = gatewayConfig(stage, { trunk: TRUNK, account, retrySeconds: 0, a, b, uplink })
  const pointsman = await startPointsman(stage, 'pointsman-dispatcher', ADDRESSES.pointsman, {
    ...commonConfig(stage),
    gateways: Object.fromEntries(Object.entries(gateways).map(([id, gateway]) => [id, { ...gateway as object, dispatcher_group: undefined }])),
    probes: { options: probeConfig(stage, [])['options'] },
    trunks: {
      [TRUNK]: {
        type: 'exclusive', registration: { auth: 'ip' },
        interfaces: [a, b].map(({ ip }, index) => ({ gateway: `${TRUNK}-${'ab'[index]}`, interface: INTERFACE, sip: `sip:${ip}`, carrier: `sip:${ADDRESSES.carrier}`, probe: 'options' }))
      }
    }
  })
  await startPrometheus(stage, ADDRESSES.prometheus, ADDRESSES.pointsman, [ADDRESSES.alertmanager])
  await until('rest of the trunk', () => restsOn({ pointsman }, 'a'), ROUND_MS, 100)
  return { a, b, uplink, pointsman }
}

const restsOn = async ({ pointsman }: Pick<Ground, 'pointsman'>, side: 'a' | 'b'): Promise<boolean> => {
  const { active, switchover, interfaces } = await pointsman.trunk(TRUNK)
  return active === keyOf(side) && switchover === null && interfaces.every(({ usable, enabled }) => usable || enabled === true)
}

/** Moments after the fault [ms]; null: not seen. */
type Moments = Record<'down' | 'alert' | 'admitted' | 'aOff' | 'bOn' | 'ended', number | null>

const watch = async ({ a, b, pointsman }: Ground, faultAt: number): Promise<Moments> => {
  const moments: Moments = { down: null, alert: null, admitted: null, aOff: null, bOn: null, ended: null }
  const faultEpoch = Date.now() - (performance.now() - faultAt)
  while (performance.now() - faultAt < ROUND_MS && moments.ended === null) {
    const [status, off, on] = await Promise.all([pointsman.trunk(TRUNK), isOff(a), isOn(b)])
    const now = performance.now() - faultAt
    if (status.interfaces[0]?.health === 'down') moments.down ??= now
    if (status.alerts.length > 0) moments.alert ??= now
    if (off) moments.aOff ??= now
    if (on) moments.bOn ??= now
    if (status.switchover !== null) moments.admitted ??= status.switchover.admittedAtMs - faultEpoch
    if (moments.bOn !== null && status.switchover === null && status.active === keyOf('b')) moments.ended = now
    await sleep(20)
  }
  return moments
}

/** As a person would: when A has looked well for a while. */
const goBack = async ({ pointsman }: Ground): Promise<number> => {
  let since: number | null = null
  await until('usable A', async () => {
    const { interfaces, alerts, switchover } = await pointsman.trunk(TRUNK)
    const usable = interfaces[0]?.usable === true && alerts.length === 0 && switchover === null
    since = usable ? since ?? performance.now() : null
    return since !== null && performance.now() - since > STEADY_MS
  }, 2 * ROUND_MS, 100)
  const askedAt = performance.now()
  const { code, answer } = await pointsman.command('failback', { trunk: TRUNK, reason: 'the way is mended' })
  if (code !== 200 && code !== 202) throw new Error(`failback: ${code} ${answer}`)
  await until('rest on A', () => restsOn({ pointsman }, 'a'), ROUND_MS, 20)
  return performance.now() - askedAt
}

const since = (later: number | null, earlier: number | null): number | null => later === null || earlier === null ? null : Math.max(0, later - earlier)

export const playDispatcher = async (report: Report, stage: Stage): Promise<void> => {
  report.section(`Kamailio's dispatcher: the uplink of gateway A is cut, ${ROUNDS} rounds, driven by Prometheus and Alertmanager`)
  const ground = await start(stage)
  const rows: { readonly moments: Moments; readonly backMs: number }[] = []
  for (let round = 1; round <= ROUNDS; round += 1) {
    const faultAt = performance.now()
    await ground.uplink.cut()
    const moments = await watch(ground, faultAt)
    report.check(moments.ended !== null && await isOff(ground.a) && await isOn(ground.b), `round ${round}: A's destination is disabled, B's is active, the trunk is on B`)
    report.check(since(moments.admitted, moments.alert) !== null && moments.aOff !== null && moments.bOn !== null && moments.aOff <= moments.bOn, `round ${round}: an alert moved it, A went off first`)
    await ground.uplink.restore()
    rows.push({ moments, backMs: await goBack(ground) })
    report.check(await isOn(ground.a) && await isOff(ground.b), `round ${round}: A's destination is active again, B's is disabled`)
  }
  report.table(
    ['round', 'fault>down', '>alert', '>decision', '>A off', '>B on', 'fault>B on', '>ended', 'failback'],
    rows.map(({ moments: { down, alert, admitted, aOff, bOn, ended }, backMs }, index) => [
      index + 1, seconds(down), seconds(since(alert, down)), seconds(since(admitted, alert)), seconds(since(aOff, admitted)), seconds(since(bOn, aOff)), seconds(bOn), seconds(since(ended, bOn)), seconds(backMs)
    ])
  )
  const middle = median(rows.map(({ moments }) => moments.bOn ?? ROUND_MS))
  report.check(middle <= LIMIT_MS, `median fault > B on: ${seconds(middle)}, limit ${seconds(LIMIT_MS)}`)
}
