/** Everything that runs in the demo: carrier and gateways, Pointsman, and what watches it. */
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { createApp } from '../app.ts'
import type { Status } from '../core/status.ts'
import { createLogger } from '../logging/logger.ts'
import type { Clock, Random } from '../ports.ts'
import { createSimulatedPair } from '../simulator/world.ts'
import type { SimulatedPair } from '../simulator/world.ts'
import { requireFree } from './addresses.ts'
import type { Claim } from './addresses.ts'
import { DemoError } from './demo-error.ts'
import { chooseMonitoring } from './monitoring.ts'
import type { Monitoring } from './monitoring.ts'
import { createPointsmanClient } from './pointsman-client.ts'
import type { PointsmanClient } from './pointsman-client.ts'
import { httpUrl, readSetup } from './setup.ts'
import type { DemoSetup } from './setup.ts'

export interface StageOptions {
  /** Pointsman's configuration. */
  readonly file: string
  /** The folder deploy/. */
  readonly deploy: string
  /** A temporary folder for data and logs. */
  readonly data: string
  readonly searchPath: string
  readonly version: string
  readonly clock: Clock
  readonly random: Random
}

export interface Stage {
  readonly setup: DemoSetup
  readonly monitoring: Monitoring
  readonly client: PointsmanClient
  readonly clock: Clock
  /** Starts all; resolves when the trunk is at rest on its first interface and an alert would come through. @throws {DemoError} */
  start(signal: AbortSignal): Promise<void>
  /** The simulated world. @throws before the start */
  pair(): SimulatedPair
  stop(): Promise<void>
}

/** Time that a gateway waits after a failed REGISTER. Real ones wait longer; the demo shouldn't. */
const RETRY_MS = 1000
const READY_WITHIN_MS = 45_000

/** Reads everything and starts nothing. @throws {DemoError} */
export async function prepareStage (options: StageOptions): Promise<Stage> {
  const { clock, random } = options
  const setup = await readSetup(options.file, join(options.data, 'pointsman.db'))
  const monitoring = await chooseMonitoring(setup, options, clock)
  const client = createPointsmanClient(httpUrl(setup.pointsman), { operator: setup.operatorToken, webhook: setup.webhookToken }, clock)
  const closers: (() => Promise<void>)[] = []
  let pair: SimulatedPair | null = null

  const startPointsman = async (): Promise<void> => {
    const log = createWriteStream(join(options.data, 'pointsman.log'))
    const app = createApp(setup.config, { log: createLogger({ level: 'info', format: 'logfmt' }, log), version: options.version, clock, random })
    closers.push(() => app.stop())
    await app.start()
  }
  return {
    setup,
    monitoring,
    client,
    clock,
    start: async (signal) => {
      await requireFree([...claimsOf(setup), ...monitoring.claims])
      pair = await simulate(setup, clock, random)
      closers.push(pair.stop)
      const alertmanager = await monitoring.startAlertmanager(client)
      closers.push(alertmanager.stop)
      await startPointsman()
      const prometheus = await monitoring.startPrometheus()
      if (prometheus !== null) closers.push(prometheus.stop)
      await untilAtRest(setup, client, monitoring, clock, signal)
    },
    pair: () => {
      if (pair === null) throw new Error('the stage is not started')
      return pair
    },
    stop: async () => {
      for (let close = closers.pop(); close !== undefined; close = closers.pop()) await close()
    }
  }
}

function claimsOf ({ pointsman, a, b, carrier }: DemoSetup): readonly Claim[] {
  return [
    { address: pointsman, protocol: 'TCP', user: 'Pointsman' },
    { address: carrier, protocol: 'UDP', user: 'the simulated carrier' },
    ...[a, b].flatMap((side): readonly Claim[] => [
      { address: side.management, protocol: 'TCP', user: `the management of ${side.gateway}` },
      { address: side.sip, protocol: 'UDP', user: `SIP of ${side.gateway}` }
    ])
  ]
}

function simulate ({ trunk, carrier, a, b }: DemoSetup, clock: Clock, random: Random): Promise<SimulatedPair> {
  const { expiresMs, onSecond } = trunk.registration
  const address = (side: DemoSetup['a']) => ({ host: side.sip.host, httpPort: side.management.port, sipPort: side.sip.port })
  return createSimulatedPair({ clock, random, expires: expiresMs / 1000, retryMs: RETRY_MS, onSecond, label: trunk.id, carrier, a: address(a), b: address(b) })
}

async function untilAtRest (setup: DemoSetup, client: PointsmanClient, monitoring: Monitoring, clock: Clock, signal: AbortSignal): Promise<void> {
  const deadline = clock.deadline(READY_WITHIN_MS, signal)
  let open: readonly string[] = []
  while (!deadline.aborted) {
    const late = await monitoring.notReady()
    open = [...notAtRest(setup, await client.status()), ...(late === null ? [] : [late])]
    if (open.length === 0) return
    await clock.sleep(100, deadline)
  }
  throw new DemoError(`${signal.aborted ? 'Stopped before all was ready' : 'Not ready in time'}: ${open.join('; ')}`)
}

/** Why a failover would not be shown well yet; empty: all evidence is there. */
function notAtRest ({ trunk, a, b }: DemoSetup, status: Status): readonly string[] {
  const now = status.trunks.find(({ id }) => id === trunk.id)
  if (now === undefined) return ['Pointsman does not show the trunk']
  const [first, second] = [a, b].map(({ key }) => now.interfaces.find((iface) => iface.key === key))
  const counted = first?.evidence.some((each) => each.kind === 'registration' && each.verdict === 'up') === true
  return [
    ...(now.active === a.key ? [] : [`${a.key} is not the active interface`]),
    ...(first?.health === 'up' && counted ? [] : [`the evidence of ${a.key} is not complete`]),
    ...(second?.usable === true ? [] : [`${b.key} is not usable: ${second?.because.join(', ') ?? ''}`]),
    ...(now.binding?.holder === a.key ? [] : [`the registrar does not list ${a.key}`]),
    ...(status.resyncedAtMs === null ? ['Alertmanager was not asked yet'] : [])
  ]
}
