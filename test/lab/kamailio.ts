/** Carrier and gateways: real Kamailio servers, started from the configurations in kamailio/. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { acceptsTcp } from './processes.ts'
import type { Running, Stage } from './processes.ts'

/** Bearer token of every JSON-RPC door of the lab. */
export const RPC_TOKEN = 'lab-rpc'
/** Digest realm and domain of the carrier. */
export const REALM = 'carrier.test'

export interface Account {
  readonly user: string
  readonly password: string
  readonly second: OnSecond
}
export type OnSecond = 'reject' | 'replace' | 'coexist'

/** One binding as the carrier's location table has it. */
export interface Binding {
  readonly host: string
  readonly expiresSeconds: number
}

export interface Carrier {
  readonly ip: string
  /** Hosts of the account's live bindings. */
  bindings(user: string): Promise<readonly Binding[]>
  /** Host of the only binding; null: none, or several. */
  holder(user: string): Promise<string | null>
  /** Reply code (0: silence) to every OPTIONS, REGISTER or INVITE; 200 works normally. */
  answer(method: 'options' | 'register' | 'invite', code: number): Promise<void>
  /** Reply code to REGISTERs with a Contact that come from this address; 200 works normally. */
  refuse(ip: string, code: number): Promise<void>
}

/** A gateway's record of the trunk, as `uac.reg_info` tells it. */
export interface Registration {
  readonly enabled: boolean
  readonly online: boolean
  readonly flags: number
}

export interface Gateway {
  readonly ip: string
  /** `l_uuid` of its only record. */
  readonly record: string
  start(): Promise<void>
  stop(): Promise<void>
  /** SIGKILL to its whole process group. */
  kill(): Promise<void>
  signal(signal: NodeJS.Signals): void
  rpc(method: string, params?: readonly unknown[]): Promise<unknown>
  /** null: it doesn't answer. */
  registration(): Promise<Registration | null>
  /** Flags of the carrier in the dispatcher, for example `AP`; null: it doesn't answer. */
  carrierState(): Promise<string | null>
}

/** One JSON-RPC call. @throws Error - no answer, or an RPC error */
const call = async (ip: string, method: string, params: readonly unknown[] = []): Promise<unknown> => {
  const response = await fetch(`http://${ip}:8080/RPC`, {
    method: 'POST',
    headers: { authorization: `Bearer ${RPC_TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    signal: AbortSignal.timeout(1000)
  })
  const reply = await response.json() as { result?: unknown, error?: { message: string } }
  if (reply.error !== undefined) throw new Error(`${method} at ${ip}: ${reply.error.message}`)
  return reply.result
}

const render = (template: string, values: Readonly<Record<string, string>>): string => {
  const text = readFileSync(join(import.meta.dirname, 'kamailio', template), 'utf8')
  return Object.entries(values).reduce((result, [name, value]) => result.replaceAll(`@${name}@`, value), text)
}

/** The resolver has no other way to be told its server than the file of the whole machine: this process sees one of its own. */
const withNameserver = (folder: string, nameserver: string | null, [command = '', ...args]: readonly string[]): { readonly command: string, readonly args: readonly string[] } => {
  if (nameserver === null) return { command, args }
  const file = join(folder, 'resolv.conf')
  writeFileSync(file, `nameserver ${nameserver}\noptions timeout:1 attempts:1\n`)
  return { command: 'unshare', args: ['--mount', 'sh', '-c', 'mount --bind "$0" /etc/resolv.conf && exec "$@"', file, command, ...args] }
}

const startKamailio = (stage: Stage, name: string, ip: string, configuration: string, port = 8080, nameserver: string | null = null): Promise<Running> => {
  const folder = stage.folder(name)
  const file = join(folder, 'kamailio.cfg')
  writeFileSync(file, configuration)
  return stage.start({
    name,
    ...withNameserver(folder, nameserver, ['kamailio', '-DD', '-E', '-f', file, '-Y', folder, '-w', folder, '-m', '32', '-M', '8']),
    ready: () => acceptsTcp(ip, port)
  })
}

interface Dump {
  readonly Domains: readonly { readonly Domain: { readonly AoRs: readonly { readonly Info: {
    readonly AoR: string
    readonly Contacts: readonly { readonly Contact: { readonly Address: string, readonly Expires: number | string } }[]
  } }[] } }[]
}

const bindingsOf = (dump: Dump, user: string): Binding[] => dump.Domains
  .flatMap(({ Domain }) => Domain.AoRs)
  .filter(({ Info }) => Info.AoR === user)
  .flatMap(({ Info }) => Info.Contacts)
  .flatMap(({ Contact }) => {
    const host = /^sip:(?:[^@]*@)?([^:;>]+)/.exec(Contact.Address)?.[1]
    // An expired contact stays listed (as the word "expired") until the next turn of the timer.
    return host !== undefined && typeof Contact.Expires === 'number' && Contact.Expires > 0 ? [{ host, expiresSeconds: Contact.Expires }] : []
  })

/** Starts the carrier. @param expiresSeconds - longest lifetime that it grants */
export const startCarrier = async (stage: Stage, ip: string, accounts: readonly Account[], expiresSeconds: number): Promise<Carrier> => {
  const lines = accounts.flatMap(({ user, password, second }) => [`$sht(password=>${user}) = "${password}";`, `$sht(second=>${user}) = "${second}";`])
  await startKamailio(stage, 'carrier', ip, render('carrier.cfg', {
    IP: ip, REALM, TOKEN: RPC_TOKEN, EXPIRES: String(expiresSeconds), ACCOUNTS: lines.join('\n    ')
  }))
  const bindings = async (user: string): Promise<Binding[]> => bindingsOf(await call(ip, 'ul.dump') as Dump, user)
  return {
    ip,
    bindings,
    holder: async (user) => {
      const [first, ...others] = await bindings(user)
      return first !== undefined && others.length === 0 ? first.host : null
    },
    answer: async (method, code) => {
      await call(ip, 'htable.seti', ['ctl', method, code])
    },
    refuse: async (host, code) => {
      await call(ip, 'htable.seti', ['refuse', host, code])
    }
  }
}

export interface RegistrarPlan {
  readonly ip: string
  /** Digest algorithm; empty: MD5. */
  readonly algorithm: '' | 'SHA-256'
  /** Of every account. */
  readonly password: string
  /** File with the certificate and its key. */
  readonly certificate: string
}

/** Starts a registrar that is only there to be probed: UDP and TCP at 5060, TLS at 5061. */
export const startRegistrar = (stage: Stage, { ip, algorithm, password, certificate }: RegistrarPlan): Promise<Running> =>
  startKamailio(stage, `registrar-${ip}`, ip, render('registrar.cfg', {
    IP: ip, REALM, ALGORITHM: algorithm, PASSWORD: password, CERTIFICATE: certificate, KEY: certificate
  }), 5060)

export interface GatewayPlan {
  readonly name: string
  readonly ip: string
  readonly carrier: string
  /** Address that takes the carrier's calls. */
  readonly pbx: string
  readonly account: Account
  readonly expiresSeconds: number
  /** `reg_retry_interval`: with 0 (Kamailio's default) one refusal disables the record for good. */
  readonly retrySeconds: 0 | 2
  /** Where the REGISTERs go, found by SRV; default: the carrier's address. */
  readonly service?: { readonly uri: string, readonly nameserver: string }
  /** So many further records (`user1` …) and destinations (ports 5101 …): disabled, or unanswered. */
  readonly copies?: number
}

/** The record starts disabled: after a restart nobody but Pointsman may enable it. */
const writeTables = (folder: string, record: string, { account, carrier, expiresSeconds, service, copies = 0 }: GatewayPlan): void => {
  const columns = 'id(int,auto) l_uuid(string) l_username(string) l_domain(string) r_username(string) r_domain(string) realm(string) auth_username(string) auth_password(string) '
    + 'auth_ha1(string,null) auth_proxy(string) expires(int) flags(int) reg_delay(int) contact_addr(string,null) socket(string,null)'
  const { user, password } = account
  // db_text separates by colons; a colon in a value is escaped.
  const row = (id: number, uuid: string): string => [String(id), uuid, user, 'pbx.test', user, REALM, REALM, user, password, '', (service?.uri ?? `sip:${carrier}:5060`).replaceAll(':', '\\:'), String(expiresSeconds), '1', '0', '', ''].join(':')
  const numbers = Array.from({ length: copies }, (_, index) => index + 1)
  const rows = [row(1, record), ...numbers.map((number) => row(number + 1, `${record}${number}`))]
  writeFileSync(join(folder, 'uacreg'), `${columns}\n${rows.join('\n')}\n`)
  // Without the table of versions Kamailio starts, but without any record.
  writeFileSync(join(folder, 'version'), 'table_name(string) table_version(int)\nuacreg:5\n')
  writeFileSync(join(folder, 'dispatcher.list'), ['5060', ...numbers.map((number) => String(5100 + number))].map((port) => `1 sip:${carrier}:${port}\n`).join(''))
}

interface RegInfo { readonly flags: number }
interface Targets {
  readonly RECORDS: readonly { readonly SET: { readonly TARGETS: readonly { readonly DEST: { readonly FLAGS: string } }[] } }[]
}

const FLAG_DISABLED = 1
const FLAG_ONLINE = 4

/** A gateway that is not yet started. */
export const createGateway = (stage: Stage, plan: GatewayPlan): Gateway => {
  const { name, ip } = plan
  const record = plan.account.user
  let running: Running | null = null
  const orNull = async <T>(question: Promise<T>): Promise<T | null> => question.catch(() => null)
  return {
    ip,
    record,
    start: async () => {
      const folder = stage.folder(`${name}-tables`)
      writeTables(folder, record, plan)
      running = await startKamailio(stage, name, ip, render('gateway.cfg', {
        IP: ip, CARRIER: plan.carrier, PBX: plan.pbx, TOKEN: RPC_TOKEN, FOLDER: folder, RETRY: String(plan.retrySeconds), FAILOVER: plan.service === undefined ? 'off' : 'on'
      }), 8080, plan.service?.nameserver)
    },
    stop: async () => running?.stop(),
    kill: async () => running?.kill(),
    signal: (signal) => running?.signal(signal),
    rpc: (method, params) => call(ip, method, params),
    registration: () => orNull(call(ip, 'uac.reg_info', ['l_uuid', record]).then((info) => {
      const { flags } = info as RegInfo
      const enabled = (flags & FLAG_DISABLED) === 0
      return { enabled, online: enabled && (flags & FLAG_ONLINE) !== 0, flags }
    })),
    carrierState: () => orNull(call(ip, 'dispatcher.list').then((list) => (list as Targets).RECORDS[0]?.SET.TARGETS[0]?.DEST.FLAGS ?? ''))
  }
}
