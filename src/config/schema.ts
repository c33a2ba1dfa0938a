/** The whole configuration file as schemas: keys, types, defaults, and what each key does. Cross references are in check.ts. */
import { type Static, type TObject, Type } from 'typebox'
import { choice, closed, count, duration, FALL, NAME, named, RISE, secret, text } from './schema-parts.ts'
import type { OptionsProbeFile, RegisterProbeFile } from './schema-probes.ts'

const MODES = ['observe', 'approve', 'automatic'] as const

/** Keys that every gateway has, whatever its driver. */
export const GatewayKeys = {
  driver: Type.String({ minLength: 1, description: 'kind of gateway, for example innovaphone or kamailio' }),
  timeout: duration('deadline of one call to the gateway; default 5s', '5s'),
  observe: closed({
    interval: duration('time between two reads of the gateway; default 10s', '10s'),
    fall: count(FALL, 3),
    rise: count(RISE, 2)
  }, { description: 'how often the gateway is read, and how many reads make a verdict', default: {} }),
  registers_within: Type.Optional(text('positive-duration', 'longest time from enabling an interface until it is registered; default: by driver'))
}

export const ContactMapping = closed({
  host_port: Type.Optional(text('host-port', 'host:port of the Contact')),
  user: Type.Optional(Type.String({ minLength: 1, description: 'user part of the Contact' })),
  instance: Type.Optional(Type.String({ minLength: 1, description: '+sip.instance of the Contact' }))
})

export const ContactText = text('host-port', 'host:port of the Contact')

const Interface = closed({
  gateway: Type.String({ description: 'name of the gateway' }),
  interface: Type.String({ pattern: '^[^\\s/]+$', description: 'name of the interface on the gateway, for example SIP1' }),
  sip: text('sip-uri', 'the gateway\'s own SIP address, which is probed'),
  carrier: Type.Optional(text('sip-uri', 'the carrier\'s address that this interface uses, which is probed')),
  // Text or a mapping: each is validated by its own schema, so that the errors are about that one only.
  contact: Type.Optional(Type.Unsafe<string | Static<typeof ContactMapping>>({ description: 'how the carrier lists this interface\'s registration: host:port, or a mapping with host_port, user or instance' })),
  probe: Type.String({ description: 'name of the OPTIONS probe for sip and carrier' })
})

const RegistrationSchema = closed({
  auth: choice(['register', 'ip'], { description: 'how the carrier knows the gateway: register = by its registration; ip = by its address, then nothing is registered and no other key of this section applies' }),
  on_second: Type.Optional(choice(['reject', 'replace', 'coexist'], { description: 'what the carrier does with a second registration; default reject' })),
  expires: Type.Optional(text('positive-duration', 'longest lifetime of a registration that the carrier grants, for example 300s; required with auth: register')),
  aor: Type.Optional(text('sip-uri', 'address of record that is registered, for example sip:4930123@acme.example')),
  registrar: Type.Optional(text('sip-uri', 'address that is asked for the binding; default: the first interface\'s carrier')),
  query: Type.Optional(Type.String({ description: 'name of the REGISTER probe that asks who holds the binding' })),
  fencing: Type.Optional(Type.Boolean({ description: 'true: a dead gateway that the carrier still lists is taken off the list (REGISTER with its Contact and expires=0) instead of waiting until it expires; needs on_second: reject and query; default false' })),
  handover: Type.Optional(choice(['separate', 'swap'], { description: 'separate (default): the new gateway registers by itself; swap: before that, one REGISTER takes the old Contact away and puts the new one in; needs query' })),
  unproven: Type.Optional(choice(['page', 'act'], { description: 'with on_second replace or coexist, when the gateway is unreachable and nobody can say who is registered: page (default) = veto owner-unproven; act = go on when expires + 10 % have passed since its last sign of life' }))
}, { description: 'how gateways register at the carrier: auth, on_second, expires' })

const Trunk = closed({
  type: choice(['exclusive', 'shared', 'srv'], { description: 'exclusive: exactly one interface is enabled; shared: all are, and a failed one is taken out; srv: as exclusive, with a standby that registers at a beacon of Pointsman and goes to the carrier by its SRV records' }),
  mode: Type.Optional(choice(MODES, { description: 'observe: record decisions of this trunk, touch nothing; approve: a person agrees to each one first; default: the global mode' })),
  registration: Type.Optional(RegistrationSchema),
  interfaces: Type.Array(Interface, { description: 'the interfaces that stand in for one another, in order of preference' }),
  failback: closed({
    policy: Type.Optional(choice(['manual', 'automatic', 'never'], { description: 'how the trunk returns to its preferred interface, or a shared trunk to all of them: manual (default of exclusive) = by command; automatic (default of shared) = by itself, as a trial that is taken back when it fails; never' })),
    window: Type.Optional(text('daily-window', 'automatic only: when it may begin, by the clock on the wall, for example 02:00-05:00; may reach over midnight')),
    timezone: Type.Optional(text('timezone', 'zone of that clock, for example Europe/Berlin; default: the system\'s when the file is loaded')),
    drain: Type.Optional(text('positive-duration', 'longest wait for calls to end before a planned move (failback, prefer, a command); default: calls are not waited for'))
  }, { description: 'the way back', default: {} }),
  emergency: Type.Boolean({ description: 'the trunk carries emergency calls: it is never left without an enabled interface; default false', default: false }),
  min_enabled: Type.Integer({ minimum: 0, description: 'interfaces that stay enabled at least, on a shared trunk also when more fail; default 1', default: 1 })
})

const Target = closed({
  uri: text('sip-uri', 'the address that is probed'),
  probe: Type.String({ description: 'name of the probe' }),
  labels: Type.Unsafe<Record<string, string>>({ type: 'object', additionalProperties: { type: 'string' }, default: {}, description: 'labels of the target in GET /sd; default: none' }),
  on_demand: Type.Boolean({ description: 'true: probed only when GET /probe asks, so that Prometheus is the clock; default false', default: false })
})

const Exporter = closed({
  allow: Type.Array(text('network', 'an address, a network or a host name'), { description: 'addresses, networks like 10.0.0.0/8 and host names that GET /probe may ask; default: only those of targets and trunks', default: [] }),
  timeout_offset: duration('how much earlier than Prometheus\' scrape timeout a probe by GET /probe ends; default 500ms', '500ms')
}, { description: 'probing at the request of Prometheus', default: {} })

const RuleSchema = closed({
  name: Type.String({ ...NAME, description: 'name of the rule, unique' }),
  match: Type.Optional(Type.Array(text('matcher', 'a matcher with Alertmanager\'s syntax'), { minItems: 1, description: 'a rule on alerts: matchers that an alert must all fit, for example alertname="SipTrunkDown"' })),
  when: Type.Optional(closed({
    health: choice(['down'], { description: 'down by Pointsman\'s own evidence' }),
    for: text('duration', 'how long without a break; 0s: at once')
  }, { description: 'a rule on own health, instead of "match": it works while the monitoring is dead' })),
  target: Type.Optional(closed({
    trunk: Type.Optional(text('template', 'name of the trunk, or {label} of the alert; a rule on alerts needs it; default of a rule on own health: every trunk')),
    gateway: Type.Optional(text('template', 'name of the gateway, or {label} of the alert; default: the interface that was enabled when the alert began; of a rule on own health: every gateway')),
    interface: Type.Optional(text('template', 'name of the interface on the gateway, or {label} of the alert; default: the trunk\'s interface on that gateway'))
  }, { description: 'which interface the rule is about' })),
  demand: choice(['disable', 'prefer', 'freeze'], { description: 'what the rule wants: disable = take the interface out; prefer = put it first among the usable ones; freeze = move nothing on that trunk' }),
  evidence: Type.Optional(choice(['probe', 'none', 'quorum'], { description: 'of a disable by alerts: probe (default): only while Pointsman\'s own evidence says down; none: on the alert alone; quorum: when two voices say down, of which Pointsman\'s own evidence is one and each differently named alert about the interface another' })),
  mode: Type.Optional(choice(MODES, { description: 'how far this rule may go: observe, approve or automatic; default: as far as its trunk. The stricter one counts' }))
})

const Alertmanager = closed({
  url: text('http-url', 'base URL, for example http://127.0.0.1:9093'),
  username: Type.Optional(Type.String({ minLength: 1, description: 'user name for basic authentication' })),
  ...secret('password', 'password for basic authentication'),
  ...secret('token', 'bearer token')
})

const User = closed({
  name: Type.String({ ...NAME, description: 'name of the caller, recorded with its commands; user name for basic authentication' }),
  role: choice(['webhook', 'operator'], { description: 'webhook: may post alerts; operator: may also give commands' }),
  ...secret('password', 'password for basic authentication'),
  ...secret('token', 'bearer token')
})

const Interlocks = closed({
  cooldown: duration('time after a switchover in which none away from an interface that is not down is made; default 10m', '10m'),
  spacing: Type.Array(text('duration', 'least distance to the switchover before'), {
    minItems: 1,
    default: ['0s', '1m', '2m', '4m', '10m'],
    description: 'least distances between switchovers away from a down interface, the last one for all others; default 0s, 1m, 2m, 4m, 10m'
  }),
  max_gap: duration('longest predicted time without a registration for a move away from an interface that is not down; default 15s', '15s'),
  warmup: duration('longest wait for the first verdicts after the start; default 2m', '2m'),
  hold: duration('failback only: how long the preferred interface has to be well without a break; longer for one that falls again and again, 1h at most; default 10m', '10m'),
  latch: closed({
    switchovers: count('so many switchovers of one trunk latch it; default 3', 3),
    per: duration('within this time; default 1h', '1h')
  }, { description: 'a trunk that moves too often: no failback and no preference until a person acknowledges it', default: {} }),
  brake: closed({
    incidents: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, description: 'so many incidents (shared causes, whatever their number of trunks) are let pass; default: 3, or 20 % of the gateways if that is more' })),
    per: duration('within this time; default 10m', '10m'),
    per_day: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000, description: 'and so many within a day; default: 10, or the number of gateways if that is more' }))
  }, { description: 'one incident more freezes everything until a person releases it', default: {} }),
  panic_share: Type.Number({ exclusiveMinimum: 0, maximum: 1, description: 'when more than this share of all targets (at least three) is down, Pointsman distrusts its own view and moves nothing; canaries that answer overrule it; default 0.5', default: 0.5 })
}, { description: 'limits of what is done automatically', default: {} })

const WatchdogSchema = closed({
  match: Type.Array(text('matcher', 'a matcher with Alertmanager\'s syntax'), { minItems: 1, description: 'matchers of the alert that always fires, for example alertname="Watchdog"' }),
  timeout: duration('it is lost when it has not arrived for this long; default 5m', '5m'),
  // oxlint-disable-next-line unicorn/no-thenable -- the word that people read; nobody awaits a schema
  then: choice(['freeze', 'probes'], { description: 'while it is lost: freeze (default) = no move because of alerts, and no failback; probes = besides that, what is down by Pointsman\'s own evidence is taken out without an alert', default: 'freeze' })
})

const Canary = closed({
  uri: text('sip-uri', 'an address that is no part of any trunk, for example a carrier\'s public SIP server'),
  probe: Type.String({ description: 'name of the OPTIONS probe' })
})

const HeartbeatSchema = closed({
  url: Type.Optional(text('http-url', 'URL of a dead man\'s switch that is called; whoever knows it can fake a heartbeat, so better url_file or url_env')),
  ...secret('url', 'URL of a dead man\'s switch that is called'),
  interval: duration('time between two calls; default 1m', '1m')
})

/** The whole file. Gateways, probes and contacts are only mappings here: each is validated by its own kind. */
export const FileSchema = closed({
  mode: choice(MODES, { description: 'observe (default): record decisions, touch nothing; approve: a person agrees to each one first; automatic: act', default: 'observe' }),
  store: closed({
    path: Type.String({ minLength: 1, description: 'database file, relative to the configuration file; default ./pointsman.db', default: './pointsman.db' })
  }, { description: 'where the state is kept', default: {} }),
  journal: closed({
    keep: Type.String({ format: 'age', description: 'how long records are kept; default 90d', default: '90d' }),
    max_records: Type.Integer({ minimum: 1000, maximum: 100_000_000, description: 'how many records are kept at most, whatever their age; default 500000', default: 500_000 })
  }, { description: 'how much is kept of what was decided', default: {} }),
  web: closed({
    listen: Type.String({ format: 'listen-address', description: 'address and port of the HTTP server; default 127.0.0.1:9867', default: '127.0.0.1:9867' }),
    users: Type.Array(User, { description: 'who may call; default: nobody but local programs', default: [] })
  }, { description: 'the HTTP server', default: {} }),
  alertmanagers: Type.Array(Alertmanager, { description: 'asked each minute which alerts are still firing; default: none', default: [] }),
  gateways: named(Type.Object({}), 'the gateways by name', { default: {} }),
  probes: named(Type.Object({}), 'the probes by name'),
  trunks: named(Trunk, 'the trunks by name', { default: {} }),
  targets: Type.Array(Target, { description: 'what is watched without moving anything; default: none', default: [] }),
  exporter: Exporter,
  watchdog: Type.Optional(Type.Unsafe<Static<typeof WatchdogSchema>>({ ...WatchdogSchema, description: 'an alert that always fires: when it stops, the monitoring is dead; default: none, then an answer of an Alertmanager within 3m takes its place' })),
  canaries: Type.Array(Canary, { description: 'they tell a dead network of Pointsman\'s own from dead trunks: while all are down nothing is moved, while one is up panic_share is ignored; default: none', default: [] }),
  heartbeat: Type.Optional(Type.Unsafe<Static<typeof HeartbeatSchema>>({ ...HeartbeatSchema, description: 'a dead man\'s switch that is called while Pointsman works; default: none' })),
  rules: Type.Array(RuleSchema, { description: 'what alerts and own health mean; default: none', default: [] }),
  interlocks: Interlocks
})

/** All keys of the mappings that may name secrets. */
export const AlertmanagerKeys = Object.keys(Alertmanager.properties)
export const UserKeys = Object.keys(User.properties)
export const HeartbeatKeys = Object.keys(HeartbeatSchema.properties)

export type InterfaceFile = Static<typeof Interface>
export type TrunkFile = Static<typeof Trunk>
export type TargetFile = Static<typeof Target>
export type ExporterFile = Static<typeof Exporter>
export type RuleFile = Static<typeof RuleSchema>
export type AlertmanagerFile = Static<typeof Alertmanager>
export type UserFile = Static<typeof User>
export type WatchdogFile = Static<typeof WatchdogSchema>
export type CanaryFile = Static<typeof Canary>
export type HeartbeatFile = Static<typeof HeartbeatSchema>
export type InterlocksFile = Static<typeof Interlocks>

/** A gateway: the common keys, and those of its driver kind. */
export type GatewayFile = Static<TObject<typeof GatewayKeys>> & Readonly<Record<string, unknown>>

/** The file after validation: every key with a default is there. */
export interface ConfigFile extends Omit<Static<typeof FileSchema>, 'gateways' | 'probes' | 'trunks'> {
  readonly gateways: Readonly<Record<string, GatewayFile>>
  readonly probes: Readonly<Record<string, OptionsProbeFile | RegisterProbeFile>>
  readonly trunks: Readonly<Record<string, TrunkFile>>
}
