/** The lab's own ground: the servers do what the other sections take for granted. Needs no Pointsman. */
import { startCalls, startPbx } from './calls.ts'
import { createGateway, startCarrier } from './kamailio.ts'
import type { Gateway } from './kamailio.ts'
import { createUplink } from './network.ts'
import type { Stage } from './processes.ts'
import { seconds } from './report.ts'
import type { Report } from './report.ts'
import { ADDRESSES, EXPIRES_SECONDS } from './scene.ts'
import { sleep, until } from './wait.ts'

const ACCOUNT = { user: 'smoke', password: 'password-of-smoke', second: 'reject' } as const

/** Waits for it and says how long it took; a check fails otherwise. */
const within = async (report: Report, sentence: string, probe: () => Promise<boolean>, limitMs: number): Promise<void> => {
  const start = performance.now()
  const seen = await until(sentence, probe, limitMs).catch(() => false)
  report.check(seen, `${sentence} (${seconds(performance.now() - start)})`)
}

export const smoke = async (report: Report, stage: Stage): Promise<void> => {
  report.section('Smoke: carrier, gateways, calls and packet filter')
  const carrier = await startCarrier(stage, ADDRESSES.carrier, [ACCOUNT], EXPIRES_SECONDS)
  const gateway = (side: string, ip: string): Gateway => createGateway(stage, {
    name: `smoke-${side}`, ip, carrier: carrier.ip, pbx: ADDRESSES.pbx, account: ACCOUNT, expiresSeconds: EXPIRES_SECONDS, retrySeconds: 2
  })
  const [a, b] = [gateway('a', '127.0.21.1'), gateway('b', '127.0.21.2')]
  await Promise.all([a.start(), b.start(), startPbx(stage, ADDRESSES.pbx)])
  report.check((await a.registration())?.enabled === false && (await carrier.bindings(ACCOUNT.user)).length === 0, 'a started gateway is disabled and registers nothing')

  await a.rpc('uac.reg_enable', ['l_uuid', a.record])
  await within(report, 'A, enabled by hand, is registered', async () => await carrier.holder(ACCOUNT.user) === a.ip, 3000)
  const caller = await startCalls(stage, { from: ADDRESSES.caller, carrier: carrier.ip, account: ACCOUNT.user, rate: 20 })
  await sleep(1000)
  const calls = await caller.finish()
  report.check(calls.placed > 0 && calls.lost === 0, `${calls.placed} calls through A, ${calls.lost} lost`)

  await b.rpc('uac.reg_enable', ['l_uuid', b.record])
  await sleep(1500)
  report.check(await carrier.holder(ACCOUNT.user) === a.ip && (await b.registration())?.online === false, 'the carrier rejects B as a second registration')

  const uplink = createUplink(a.ip, carrier.ip)
  await uplink.cut()
  await within(report, 'A, cut off, sees the carrier gone', async () => !((await a.carrierState()) ?? '').startsWith('A'), 6000)
  await within(report, 'A\'s registration expires, and B, still enabled by hand, is registered', async () => await carrier.holder(ACCOUNT.user) === b.ip, 16_000)
  await uplink.restore()
  await within(report, 'A sees the carrier again', async () => ((await a.carrierState()) ?? '').startsWith('A'), 6000)
}
