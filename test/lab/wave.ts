/** A gateway dies or is left with many trunks on it: 25 changes of one gateway through the executor, against one. */
import { systemClock, systemRandom } from '../../src/clock.ts'
import type { AdminState } from '../../src/core/observation.ts'
import { createDriver } from '../../src/drivers/registry.ts'
import { createExecutor } from '../../src/engine/executor.ts'
import type { GatewayDriver, Log, Metrics } from '../../src/ports.ts'
import { createSecret } from '../../src/secret.ts'
import { createSimulatedGateway } from '../../src/simulator/innovaphone-gateway.ts'
import { createGateway, RPC_TOKEN } from './kamailio.ts'
import type { Stage } from './processes.ts'
import { median } from './report.ts'
import type { Report } from './report.ts'
import { ADDRESSES } from './scene.ts'

const COUNT = 25
const ROUNDS = 7
/** Of the wave against one change; the work at the gateway itself grows with their number. */
const LIMIT = 8

const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => silent }
const unmeasured: Metrics = { increment: () => {}, observe: () => {} }

/** Time until the last of these changes was read back [ms]; throws when one failed. */
const waveOf = async (driver: GatewayDriver, names: readonly string[], desired: AdminState, all: readonly string[]): Promise<number> => {
  const over = new AbortController()
  const ends = new Map<string, string>()
  const done = Promise.withResolvers<void>()
  const executor = createExecutor({ clock: systemClock, log: silent, metrics: unmeasured }, {
    observed: () => {},
    conditioned: () => {},
    applied: (_gateway, name, _desired, end) => {
      ends.set(name, end.ok ? 'ok' : `${end.reason}: ${end.detail}`)
      if (ends.size === names.length) done.resolve()
    },
    reregistered: () => {}
  }, over.signal)
  executor.update([{ id: 'gateway', driver, timeoutMs: 5000, interfaces: all }])
  const startMs = performance.now()
  for (const name of names) executor.apply('gateway', name, desired, name, null, Promise.resolve(true))
  await done.promise
  const tookMs = performance.now() - startMs
  over.abort()
  const failed = [...ends].filter(([, end]) => end !== 'ok')
  if (failed.length > 0) throw new Error(`${failed.length} of ${names.length} changes failed: ${failed[0]?.join(' ')}`)
  return tookMs
}

const measure = async (driver: GatewayDriver, names: readonly string[]): Promise<{ readonly one: number; readonly all: number }> => {
  const [first] = names
  if (first === undefined) throw new Error('no interfaces')
  const ones: number[] = []
  const alls: number[] = []
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const desired of ['disabled', 'enabled'] as const) {
      ones.push(await waveOf(driver, [first], desired, names))
      await waveOf(driver, names.slice(1), desired, names)
    }
    for (const desired of ['disabled', 'enabled'] as const) alls.push(await waveOf(driver, names, desired, names))
  }
  return { one: median(ones), all: median(alls) }
}

const ms = (value: number): string => `${value.toFixed(1)} ms`

export const playWave = async (report: Report, stage: Stage): Promise<void> => {
  report.section(`${COUNT} changes of one gateway against one, from the order to the read-back, median of ${2 * ROUNDS}`)
  const account = { user: 'wave', password: 'unused', second: 'coexist' } as const
  const gateway = createGateway(stage, { name: 'wave', ip: '127.0.24.9', carrier: ADDRESSES.carrier, pbx: ADDRESSES.pbx, account, expiresSeconds: 60, retrySeconds: 2, copies: COUNT })
  await gateway.start()
  const ports = { clock: systemClock, random: systemRandom }
  const rows: (readonly [string, number, number])[] = []
  const play = async (name: string, driver: GatewayDriver, names: readonly string[]): Promise<void> => {
    const { one, all } = await measure(driver, names)
    rows.push([name, one, all])
    await driver.close()
  }
  const numbers = Array.from({ length: COUNT }, (_, index) => index + 1)
  const kamailio = (): GatewayDriver => createDriver('kamailio', { url: `http://${gateway.ip}:8080/RPC`, token: createSecret(RPC_TOKEN) }, ports)
  await play('Kamailio 5.6.3, records', kamailio(), numbers.map((number) => `wave${number}`))
  await play('Kamailio 5.6.3, destinations', kamailio(), numbers.map((number) => `dispatcher:1:sip:${ADDRESSES.carrier}:${5100 + number}`))
  for (const slowMs of [0, 20]) {
    const box = await createSimulatedGateway({
      name: 'wave', host: '127.0.0.1', username: 'pointsman', password: 'p', ...ports,
      interfaces: numbers.map((number) => ({ name: `SIP${number}`, enabled: true, label: 'wave', username: 'u', domain: 'd', password: 'p', proxy: '127.0.0.1:9', expires: 60 }))
    })
    if (slowMs > 0) await box.inject({ http: 'slow', slowMs })
    await play(`innovaphone, simulated, ${slowMs} ms for each answer`, createDriver('innovaphone', { url: box.url, username: 'pointsman', password: createSecret('p') }, ports), numbers.map((number) => `SIP${number}`))
    await box.stop()
  }
  report.table(['gateway', 'one', `${COUNT}`, 'times', 'one by one'], rows.map(([name, one, all]) => [name, ms(one), ms(all), (all / one).toFixed(1), ms(COUNT * one)]))
  for (const [name, one, all] of rows) report.check(all < LIMIT * one, `${name}: ${COUNT} changes take ${(all / one).toFixed(1)} times as long as one (limit ${LIMIT})`)
}
