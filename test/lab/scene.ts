/** The whole set-up of the lab: one carrier, two pairs of Kamailio gateways, calls, Prometheus, Alertmanager, Pointsman. */
import { createGateway, RPC_TOKEN, startCarrier } from './kamailio.ts'
import type { Account, Carrier, Gateway, OnSecond } from './kamailio.ts'
import { startPbx } from './calls.ts'
import { startAlertmanager, startPrometheus } from './monitoring.ts'
import type { Address } from './monitoring.ts'
import { createUplink } from './network.ts'
import type { Uplink } from './network.ts'
import { apiUsers, startPointsman, WEBHOOK_TOKEN, writeSecret } from './pointsman.ts'
import type { Pointsman } from './pointsman.ts'
import type { Running, Stage } from './processes.ts'
import { until } from './wait.ts'

export const ADDRESSES = {
  carrier: '127.0.20.1',
  caller: '127.0.20.10',
  pbx: '127.0.20.20',
  probes: '127.0.25.1',
  pointsman: { host: '127.0.25.1', port: 9867 },
  prometheus: { host: '127.0.25.2', port: 9090 },
  alertmanager: { host: '127.0.25.3', port: 9093 },
  /** The other one of a pair. */
  peer: { host: '127.0.25.4', port: 9093 }
} as const satisfies Record<string, string | Address>

/** Longest lifetime of a registration that the carrier grants. */
export const EXPIRES_SECONDS = 10

/** A trunk of the lab: gateway A in front, gateway B as its standby, with one `reg_retry_interval`. */
export interface Pair {
  readonly trunk: string
  readonly account: Account
  readonly retrySeconds: 0 | 2
  readonly a: Gateway
  readonly b: Gateway
  /** The way between gateway A and the carrier. */
  readonly uplink: Uplink
}

export interface Scene {
  readonly stage: Stage
  readonly second: OnSecond
  readonly carrier: Carrier
  readonly pairs: readonly Pair[]
  readonly pointsman: Pointsman
  readonly alertmanager: () => Running
  /** Starts Alertmanager anew, with its data. */
  restartAlertmanager(): Promise<void>
}

/** Keys of an interface as Pointsman names them. */
export const keyOf = (pair: Pair, side: 'a' | 'b'): string => `${pair.trunk}-${side}/${pair.account.user}`

export const gatewayConfig = (stage: Stage, pair: Pair): Record<string, unknown> => Object.fromEntries((['a', 'b'] as const).map((side) => [`${pair.trunk}-${side}`, {
  driver: 'kamailio',
  url: `http://${pair[side].ip}:8080/RPC`,
  token_file: writeSecret(stage, 'rpc', RPC_TOKEN),
  dispatcher_group: 1,
  timeout: '400ms',
  observe: { interval: '400ms', fall: 2, rise: 2 },
  registers_within: '5s'
}]))

export const trunkConfig = (pair: Pair): Record<string, unknown> => ({
  type: 'exclusive',
  registration: {
    auth: 'register', on_second: pair.account.second, expires: `${EXPIRES_SECONDS}s`, aor: `sip:${pair.account.user}@carrier.test`,
    registrar: `sip:${ADDRESSES.carrier}`, query: `binding-${pair.trunk}`
  },
  interfaces: (['a', 'b'] as const).map((side) => ({
    gateway: `${pair.trunk}-${side}`, interface: pair.account.user, sip: `sip:${pair[side].ip}`, contact: `${pair[side].ip}:5060`,
    carrier: `sip:${ADDRESSES.carrier}`, probe: 'options'
  }))
})

/** What every configuration of the lab has in common. */
export const commonConfig = (stage: Stage): Record<string, unknown> => ({
  mode: 'automatic',
  web: { users: apiUsers(stage) },
  alertmanagers: [{ url: `http://${ADDRESSES.alertmanager.host}:${ADDRESSES.alertmanager.port}` }],
  rules: [{
    name: 'trunk-down', match: ['alertname=~"SipTrunkDown|SipTrunkRegistrationLost"'], target: { trunk: '{trunk}', gateway: '{gateway}' },
    demand: 'disable', evidence: 'probe'
  }],
  interlocks: INTERLOCKS
})

/** Interlocks that the lab sets, since its rounds follow one another at once; the rest keeps its default. */
export const INTERLOCKS = { spacing: ['0s'], warmup: '5s', brake: { incidents: 1000, per_day: 10_000 } }

/** The OPTIONS module of the lab, and one query module for each account. */
export const probeConfig = (stage: Stage, accounts: readonly { readonly trunk: string, readonly account: Account }[]): Record<string, unknown> => ({
  options: { method: 'OPTIONS', interval: '250ms', timeout: '250ms', fall: 2, rise: 2, local_address: ADDRESSES.probes },
  ...Object.fromEntries(accounts.map(({ trunk, account }) => [`binding-${trunk}`, {
    method: 'REGISTER', operation: 'query', username: account.user, password_file: writeSecret(stage, account.user, account.password),
    interval: '5s', doubt_interval: '500ms', timeout: '500ms'
  }]))
})

export const createPair = (stage: Stage, retrySeconds: 0 | 2, network: string, second: OnSecond): Pair => {
  const trunk = `retry${retrySeconds}`
  const account = { user: `acc${retrySeconds}`, password: `password-of-${trunk}`, second }
  const gateway = (side: string, ip: string): Gateway => createGateway(stage, {
    name: `${trunk}-${side}`, ip, carrier: ADDRESSES.carrier, pbx: ADDRESSES.pbx, account, expiresSeconds: EXPIRES_SECONDS, retrySeconds
  })
  const a = gateway('a', `${network}.1`)
  return { trunk, account, retrySeconds, a, b: gateway('b', `${network}.2`), uplink: createUplink(a.ip, ADDRESSES.carrier) }
}

/** Both gateways run, A is enabled by hand and registered. */
export const raise = async (pair: Pair, carrier: Carrier): Promise<void> => {
  await Promise.all([pair.a.start(), pair.b.start()])
  await pair.a.rpc('uac.reg_enable', ['l_uuid', pair.a.record])
  await until(`registration of ${pair.trunk}-a`, async () => (await carrier.holder(pair.account.user)) === pair.a.ip, 5000)
}

/** Rested: A is on and up, B could take over, nothing is in flight. */
export const isRested = async (pointsman: Pointsman, trunk: string): Promise<boolean> => {
  const status = await pointsman.trunk(trunk)
  const [a, b] = status.interfaces
  return status.active === a?.key && a?.health === 'up' && b?.usable === true && status.switchover === null
    && status.binding?.holder === a.key
}

/** Starts everything and waits until both trunks rest on their A. */
export const startScene = async (stage: Stage, second: OnSecond): Promise<Scene> => {
  const pairs = [createPair(stage, 0, '127.0.21', second), createPair(stage, 2, '127.0.22', second)]
  const carrier = await startCarrier(stage, ADDRESSES.carrier, pairs.map(({ account }) => account), EXPIRES_SECONDS)
  await startPbx(stage, ADDRESSES.pbx)
  await Promise.all(pairs.map((pair) => raise(pair, carrier)))
  const tokenFile = writeSecret(stage, 'webhook', WEBHOOK_TOKEN)
  const alertmanagerAgain = (): Promise<Running> => startAlertmanager(stage, ADDRESSES.alertmanager, ADDRESSES.pointsman, tokenFile)
  let alertmanager = await alertmanagerAgain()
  const pointsman = await startPointsman(stage, `pointsman-${second}`, ADDRESSES.pointsman, {
    ...commonConfig(stage),
    gateways: Object.assign({}, ...pairs.map((pair) => gatewayConfig(stage, pair))) as object,
    probes: probeConfig(stage, pairs),
    trunks: Object.fromEntries(pairs.map((pair) => [pair.trunk, trunkConfig(pair)]))
  })
  await startPrometheus(stage, ADDRESSES.prometheus, ADDRESSES.pointsman, [ADDRESSES.alertmanager])
  for (const { trunk } of pairs) await until(`rest of trunk ${trunk}`, () => isRested(pointsman, trunk), 30_000, 100)
  return {
    stage,
    second,
    carrier,
    pairs,
    pointsman,
    alertmanager: () => alertmanager,
    restartAlertmanager: async () => {
      alertmanager = await alertmanagerAgain()
    }
  }
}
