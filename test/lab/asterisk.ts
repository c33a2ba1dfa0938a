/** Switchovers between two real Asterisks: killed, drained back, and its uplink cut, where an un-REGISTER can't be answered. */
import { createAsterisk, MANAGER } from './asterisk-server.ts'
import type { Asterisk } from './asterisk-server.ts'
import { startCarrier } from './kamailio.ts'
import type { Account, Carrier } from './kamailio.ts'
import { createUplink } from './network.ts'
import { startPointsman, writeSecret } from './pointsman.ts'
import type { Pointsman } from './pointsman.ts'
import type { Stage } from './processes.ts'
import { seconds } from './report.ts'
import type { Report } from './report.ts'
import { ADDRESSES, commonConfig, EXPIRES_SECONDS, isRested, probeConfig } from './scene.ts'
import { holds, sleep, until } from './wait.ts'

const TRUNK = 'asterisk'
const ACCOUNT: Account = { user: '4930155', password: 'password-of-asterisk', second: 'reject' }
const HOSTS = { a: '127.0.44.1', b: '127.0.44.2' } as const
const KEYS = { a: 'pbx-a/acme', b: 'pbx-b/acme' } as const
const CALL_SECONDS = 8
const OBSERVE_MS = 1000

interface Site {
  readonly carrier: Carrier
  readonly pointsman: Pointsman
  readonly a: Asterisk
  readonly b: Asterisk
}

const configuration = (stage: Stage): Record<string, unknown> => ({
  ...commonConfig(stage),
  alertmanagers: [],
  rules: [{ name: 'own-eyes', when: { health: 'down', for: '0s' }, demand: 'disable' }],
  interlocks: { spacing: ['0s'], warmup: '5s', cooldown: '1s', hold: '1s', latch: { switchovers: 100, per: '1m' }, brake: { incidents: 100 }, panic_share: 1 },
  gateways: Object.fromEntries((['a', 'b'] as const).map((side) => [`pbx-${side}`, {
    driver: 'asterisk', url: `http://${HOSTS[side]}:8088/asterisk`, username: MANAGER.username, password_file: writeSecret(stage, 'manager', MANAGER.secret),
    timeout: `${OBSERVE_MS}ms`, observe: { interval: `${OBSERVE_MS}ms`, fall: 2, rise: 2 }, registers_within: '10s'
  }])),
  probes: probeConfig(stage, [{ trunk: TRUNK, account: ACCOUNT }]),
  trunks: {
    [TRUNK]: {
      type: 'exclusive',
      registration: {
        auth: 'register', on_second: ACCOUNT.second, expires: `${EXPIRES_SECONDS}s`, aor: `sip:${ACCOUNT.user}@carrier.test`, registrar: `sip:${ADDRESSES.carrier}`, query: `binding-${TRUNK}`
      },
      interfaces: (['a', 'b'] as const).map((side) => ({
        gateway: `pbx-${side}`, interface: 'acme', sip: `sip:${HOSTS[side]}`, contact: `${HOSTS[side]}:5060`, carrier: `sip:${ADDRESSES.carrier}`, probe: 'options'
      })),
      failback: { policy: 'manual', drain: '30s' }
    }
  }
})

const raise = async (report: Report, stage: Stage): Promise<Site> => {
  const carrier = await startCarrier(stage, ADDRESSES.carrier, [ACCOUNT], EXPIRES_SECONDS)
  const create = (side: 'a' | 'b'): Asterisk => createAsterisk(stage, { name: `asterisk-${side}`, ip: HOSTS[side], carrier: ADDRESSES.carrier, account: ACCOUNT, expiresSeconds: EXPIRES_SECONDS })
  const [a, b] = [create('a'), create('b')]
  // It registers by itself; a person tells the standby not to.
  await b.start()
  await until('registration of the standby', async () => await carrier.holder(ACCOUNT.user) === HOSTS.b, 10_000)
  // Told before it has read the carrier's answer, it does nothing.
  await until('un-registration of the standby', async () => {
    await b.tell('PJSIPUnregister')
    return await carrier.holder(ACCOUNT.user) === null
  }, 10_000, 500)
  await a.start()
  await until('registration of pbx-a', async () => await carrier.holder(ACCOUNT.user) === HOSTS.a, 10_000)
  report.note(await a.version())
  const pointsman = await startPointsman(stage, 'pointsman', ADDRESSES.pointsman, configuration(stage))
  await until('rest of the trunk', () => isRested(pointsman, TRUNK), 30_000, 100)
  return { carrier, pointsman, a, b }
}

/** On B, verified, by Pointsman's word and the carrier's; returns how long it took since `faultAt`. */
const movesToB = async ({ carrier, pointsman }: Site, faultAt: number, withinMs: number): Promise<{ readonly registered: number, readonly verified: number }> => {
  await until('registration of pbx-b', async () => await carrier.holder(ACCOUNT.user) === HOSTS.b, withinMs)
  const registered = performance.now() - faultAt
  await until('end of the switchover to B', async () => {
    const status = await pointsman.trunk(TRUNK)
    return status.active === KEYS.b && status.switchover === null
  }, 20_000)
  return { registered, verified: performance.now() - faultAt }
}

/** Back to A by the operator, with a call on B: it is waited for. */
const failsBack = async (report: Report, site: Site): Promise<void> => {
  await until('usable pbx-a', async () => (await site.pointsman.trunk(TRUNK)).interfaces[0]?.usable === true, 60_000, 100)
  await site.b.call(CALL_SECONDS)
  // Pointsman's next look.
  await sleep(2 * OBSERVE_MS)
  const askedAt = performance.now()
  const { code, answer } = await site.pointsman.command('failback', { trunk: TRUNK, reason: 'the fault is mended' })
  report.check(code === 200 || code === 202, `failback is taken: ${code} ${code < 300 ? '' : answer}`)
  await until('draining', async () => (await site.pointsman.trunk(TRUNK)).waits.some(({ reason }) => reason === 'draining'), 5000)
  report.check(await site.carrier.holder(ACCOUNT.user) === HOSTS.b, 'the trunk stays on B while the call lasts')
  await until('rest of the trunk on A', () => isRested(site.pointsman, TRUNK), 60_000, 100)
  report.check(await site.carrier.holder(ACCOUNT.user) === HOSTS.a, `the call has ended, the trunk is back on A: ${seconds(performance.now() - askedAt)} after the command`)
}

export const playAsterisk = async (report: Report, stage: Stage): Promise<void> => {
  report.section('Asterisk: A killed, back with a call on B, uplink cut; carrier rejects a second registration')
  const site = await raise(report, stage)
  const uplink = createUplink(HOSTS.a, ADDRESSES.carrier)
  try {
    const killedAt = performance.now()
    await site.a.kill()
    const killed = await movesToB(site, killedAt, 60_000)
    report.check(true, `A killed: B registered after ${seconds(killed.registered)}, verified after ${seconds(killed.verified)} (expires ${EXPIRES_SECONDS} s)`)
    await site.a.start()
    // It comes up registering; the carrier refuses, and Pointsman sends it to rest.
    await until('pbx-a off', async () => await site.a.status() === 'Unregistered', 30_000, 100)
    report.check(await site.carrier.holder(ACCOUNT.user) === HOSTS.b, 'A is back and was un-registered, B still holds')
    await failsBack(report, site)

    const cutAt = performance.now()
    await uplink.cut()
    const cut = await movesToB(site, cutAt, 120_000)
    report.check(true, `A's uplink cut: B registered after ${seconds(cut.registered)}, verified after ${seconds(cut.verified)} (A's un-REGISTER is given up after 32 s)`)
    await uplink.restore()
    await holds('B holds although A reaches the carrier again', async () => await site.carrier.holder(ACCOUNT.user) === HOSTS.b, 10_000, 200)
    await until('pbx-a off for good', async () => await site.a.status() === 'Unregistered', 90_000, 500)
    report.check(await site.carrier.holder(ACCOUNT.user) === HOSTS.b, 'A\'s un-REGISTER was repeated until it was answered, B still holds')
  } catch (error) {
    report.note(JSON.stringify(await site.pointsman.trunk(TRUNK).catch(() => null)))
    throw error
  } finally {
    await uplink.restore()
  }
}
