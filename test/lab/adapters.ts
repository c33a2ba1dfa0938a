/** Pointsman's own adapters against the real servers, one by one: probe, binding query, Kamailio driver. */
import { systemClock, systemRandom } from '../../src/clock.ts'
import { DEFAULT_POLICY } from '../../src/core/judgement.ts'
import { createDriver } from '../../src/drivers/registry.ts'
import { createSecret } from '../../src/secret.ts'
import { createSipClient } from '../../src/sip/client.ts'
import { applyOne } from '../helpers/permitted.ts'
import { startCalls, startPbx } from './calls.ts'
import { createGateway, REALM, RPC_TOKEN, startCarrier } from './kamailio.ts'
import type { Carrier, Gateway, OnSecond } from './kamailio.ts'
import type { Stage } from './processes.ts'
import type { Report } from './report.ts'
import { ADDRESSES, EXPIRES_SECONDS } from './scene.ts'
import { until } from './wait.ts'

const ACCOUNT = { user: 'adapters', password: 'password-of-adapters', second: 'reject' } as const
/** One for each policy, whose bindings nobody but the check changes. */
const ACCOUNTS = {
  reject: { user: 'change1', password: 'password-of-change1', second: 'reject' },
  replace: { user: 'change2', password: 'password-of-change2', second: 'replace' },
  coexist: { user: 'change3', password: 'password-of-change3', second: 'coexist' }
} as const
const deadline = (): AbortSignal => AbortSignal.timeout(2000)

const checkDriver = async (report: Report, gateway: Gateway, carrier: Carrier): Promise<void> => {
  const settings = { url: `http://${gateway.ip}:8080/RPC`, token: createSecret(RPC_TOKEN), dispatcher_group: 1 }
  const driver = createDriver('kamailio', settings, { clock: systemClock, random: systemRandom })
  const observed = async (): Promise<unknown> => {
    const result = await driver.observe([gateway.record], deadline())
    return result.ok ? result.interfaces.get(gateway.record) : result
  }
  const shows = async (wanted: Readonly<Record<string, unknown>>): Promise<boolean> => {
    const seen = await observed() as Readonly<Record<string, unknown>>
    return Object.entries(wanted).every(([name, value]) => seen[name] === value)
  }
  // Twice: the second enable meets what the first disable left behind.
  for (const turn of ['first', 'second']) {
    const enabled = await applyOne(driver, gateway.record, 'enabled', deadline())
    await until('registration', async () => await carrier.holder(ACCOUNT.user) === gateway.ip, 4000).catch(() => false)
    report.check(enabled.ok && await carrier.holder(ACCOUNT.user) === gateway.ip, `driver, ${turn} enable: registered at the carrier`)
    report.check(await until('reading', () => shows({ present: true, admin: 'enabled', registered: true, path: 'up' }), 3000).catch(() => false), `driver, ${turn} enable: read back as registered`)
    const disabled = await applyOne(driver, gateway.record, 'disabled', deadline())
    await until('un-registration', async () => await carrier.holder(ACCOUNT.user) === null, 2000).catch(() => false)
    report.check(disabled.ok && await carrier.holder(ACCOUNT.user) === null, `driver, ${turn} disable: gone at the carrier`)
    report.check(await shows({ present: true, admin: 'disabled' }), `driver, ${turn} disable: read back`)
  }
  await driver.close()
}

/** What a drain waits for: calls in progress, by the driver's own count. */
const checkCalls = async (report: Report, stage: Stage, gateway: Gateway, carrier: Carrier): Promise<void> => {
  const driver = createDriver('kamailio', { url: `http://${gateway.ip}:8080/RPC`, token: createSecret(RPC_TOKEN), dialogs: true }, { clock: systemClock, random: systemRandom })
  const calls = async (): Promise<number | undefined> => {
    const result = await driver.observe([gateway.record], deadline())
    return result.ok ? result.interfaces.get(gateway.record)?.calls : undefined
  }
  await startPbx(stage, ADDRESSES.pbx)
  await applyOne(driver, gateway.record, 'enabled', deadline())
  await until('registration', async () => await carrier.holder(ACCOUNT.user) === gateway.ip, 4000)
  report.check(await calls() === 0, 'driver: no call')
  const caller = await startCalls(stage, { from: ADDRESSES.caller, carrier: carrier.ip, account: ACCOUNT.user, rate: 20 })
  // None yet is no answer.
  const busy = await until('calls', async () => await calls() || null, 4000)
  report.check(busy > 0 && busy < 40, `driver: ${busy} calls in progress at 20 calls/s of 0.3 s`)
  const count = await caller.finish()
  report.check(count.placed > 0 && count.lost === 0, `${count.placed} calls, ${count.lost} lost`)
  report.check(await until('end of the calls', async () => await calls() === 0, 4000).catch(() => false), 'driver: no call after the last one has ended')
  await applyOne(driver, gateway.record, 'disabled', deadline())
  await until('un-registration', async () => await carrier.holder(ACCOUNT.user) === null, 2000)
  await driver.close()
}

/** What one message does to the bindings of a real registrar. B is a Contact that nobody else registers. */
const checkChanges = async (report: Report, gateway: Gateway, carrier: Carrier, second: OnSecond): Promise<void> => {
  const sip = createSipClient({ clock: systemClock, random: systemRandom })
  const target = { uri: `sip:${carrier.ip}`, aor: `sip:${ACCOUNTS[second].user}@${REALM}`, localAddress: ADDRESSES.probes }
  const credentials = { username: ACCOUNTS[second].user, password: createSecret(ACCOUNTS[second].password) }
  const change = async (...changes: readonly (readonly [uri: string, expiresSeconds: number])[]): Promise<string> => {
    const answer = await sip.changeBindings(target, credentials, changes.map(([uri, expiresSeconds]) => ({ uri, expiresSeconds })), 1000, deadline())
    return answer.kind === 'listed' ? answer.contacts.map((contact) => contact.uri).join(' ') : 'code' in answer ? String(answer.code) : answer.kind
  }
  const bound = async (): Promise<string> => (await carrier.bindings(ACCOUNTS[second].user)).map(({ host }) => host).join(' ')
  const a = `sip:a@${gateway.ip}:5060`
  const b = 'sip:b@127.0.21.2:5060;line=7'
  await change([a, 10])
  const beside = await change([b, 10])
  const wanted = { reject: '403', replace: b, coexist: `${a} ${b}` }[second]
  report.check(beside.split(' ').toSorted().join(' ') === wanted.split(' ').toSorted().join(' '), `${second}: a second Contact beside the first: ${beside}`)
  await change([b, 0])
  await change([a, 10])
  const swapped = await change([a, 0], [b, 6])
  report.check(swapped === b && await bound() === '127.0.21.2', `${second}: one message exchanges the Contacts: ${swapped}`)
  const again = await change([b, 6], [a, 0])
  report.check(again === b, `${second}: the same in another order: ${again}`)
  const removed = await change([b, 0])
  report.check(removed === '' && await bound() === '', `${second}: exactly that Contact is removed${removed === '' ? '' : `: ${removed}`}`)
  await sip.close()
}

const checkSip = async (report: Report, gateway: Gateway, carrier: Carrier): Promise<void> => {
  const sip = createSipClient({ clock: systemClock, random: systemRandom })
  const target = { uri: `sip:${carrier.ip}`, aor: `sip:${ACCOUNT.user}@${REALM}`, localAddress: ADDRESSES.probes }
  const query = (password: string): ReturnType<typeof sip.queryBindings> => sip.queryBindings(target, { username: ACCOUNT.user, password: createSecret(password) }, 1000, deadline())
  const alive = await sip.probe({ target, request: { method: 'OPTIONS' }, policy: DEFAULT_POLICY }, 1000, deadline())
  report.check(alive.reason === 'alive' && alive.code === 200, `OPTIONS to the carrier: ${alive.reason}`)
  const empty = await query(ACCOUNT.password)
  report.check(empty.kind === 'listed' && empty.contacts.length === 0, 'query of an account that nobody holds: an empty list')
  await gateway.rpc('uac.reg_enable', ['l_uuid', gateway.record])
  await until('registration', async () => await carrier.holder(ACCOUNT.user) === gateway.ip, 4000)
  const held = await query(ACCOUNT.password)
  report.check(held.kind === 'listed' && held.contacts.length === 1 && held.contacts[0]?.hostPort === `${gateway.ip}:5060`, 'query of a held account: exactly the gateway\'s Contact')
  const wrong = await query('wrong')
  report.check(wrong.kind === 'refused', `query with a wrong password: ${wrong.kind}`)
  report.check(await carrier.holder(ACCOUNT.user) === gateway.ip, 'queries change nothing')
  await sip.close()
}

export const checkAdapters = async (report: Report, stage: Stage): Promise<void> => {
  report.section('Adapters at real servers')
  const carrier = await startCarrier(stage, ADDRESSES.carrier, [ACCOUNT, ...Object.values(ACCOUNTS)], EXPIRES_SECONDS)
  const gateway = createGateway(stage, {
    name: 'adapters', ip: '127.0.21.1', carrier: carrier.ip, pbx: ADDRESSES.pbx, account: ACCOUNT, expiresSeconds: EXPIRES_SECONDS, retrySeconds: 0
  })
  await gateway.start()
  await checkDriver(report, gateway, carrier)
  await checkCalls(report, stage, gateway, carrier)
  await gateway.stop()
  await gateway.start()
  await checkSip(report, gateway, carrier)
  for (const second of ['reject', 'replace', 'coexist'] as const) await checkChanges(report, gateway, carrier, second)
}
