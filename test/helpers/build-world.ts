/** Builders with defaults: a healthy trunk on A with B as standby, of which a test changes only what matters to it. */
import type { BookedAlert } from '../../src/core/alert-book.ts'
import { evidenceKey } from '../../src/core/evidence.ts'
import type { Evidence } from '../../src/core/evidence.ts'
import { bookIncidents } from '../../src/core/incidents.ts'
import { parseMatcher } from '../../src/core/labels.ts'
import type { BindingQuerySettings, DriverCapabilities, InterlockSettings, Rule, Topology, TrunkTopology } from '../../src/core/topology.ts'
import { NEW_FLEET, newTrunkState } from '../../src/core/world.ts'
import type { InterfaceState, TrunkState, World } from '../../src/core/world.ts'

export const NOW = Date.UTC(2026, 0, 1)
export const A = 'pbx-a/SIP1'
export const B = 'pbx-b/SIP1'
export const C = 'pbx-c/SIP1'
export const SECOND = 1000
export const MINUTE = 60_000

/** A gateway that tells everything, like Kamailio, but keeps its state. */
export const TELLS_ALL: DriverCapabilities = { registers: true, reportsAlarms: false, reportsRegistration: true, reportsPath: true, reportsCalls: false, readsRunningState: true, reregisters: true, unregisters: false, persistent: true, registersWithinMs: 30 * SECOND }
/** A gateway of which only the stored configuration can be read, like an innovaphone. */
export const TELLS_LITTLE: DriverCapabilities = { registers: true, reportsAlarms: false, reportsRegistration: false, reportsPath: false, reportsCalls: false, readsRunningState: false, reregisters: false, unregisters: false, persistent: true, registersWithinMs: 30 * SECOND }

/** The product's defaults. */
export const LIMITS: InterlockSettings = {
  warmupMs: 2 * MINUTE,
  cooldownMs: 10 * MINUTE,
  spacingMs: [0, MINUTE, 2 * MINUTE, 4 * MINUTE, 10 * MINUTE],
  maxGapMs: 15 * SECOND,
  holdMs: 10 * MINUTE,
  latch: { switchovers: 3, perMs: 60 * MINUTE },
  brake: { incidents: null, perMs: 10 * MINUTE, perDay: null },
  panicShare: 0.5
}

export interface WorldParts {
  readonly capabilities?: DriverCapabilities
  readonly trunk?: Partial<TrunkTopology>
  readonly onSecond?: 'reject' | 'replace' | 'coexist'
  readonly query?: BindingQuerySettings | null
  readonly registration?: Partial<TrunkTopology['registration']>
  readonly topology?: Partial<Topology>
  readonly fleet?: Partial<World['fleet']>
  readonly conditions?: World['conditions']
  readonly leader?: boolean
  readonly names?: readonly string[]
  readonly interlocks?: Partial<InterlockSettings>
  /** Separate carrier targets per interface. */
  readonly ownCarriers?: boolean
  readonly resyncs?: boolean
  readonly evidence?: Readonly<Record<string, Partial<Evidence> | null>>
  readonly state?: Partial<TrunkState>
  readonly interfaces?: Readonly<Record<string, Partial<InterfaceState>>>
  readonly alerts?: readonly BookedAlert[]
  readonly rules?: readonly Rule[]
  readonly pauses?: World['pauses']
  readonly resyncedAtMs?: number | null
}

const GOOD: Evidence = { verdict: 'up', failures: 0, successes: 9, reason: 'good', atMs: NOW, everUp: true, seenUp: true, turnedAtMs: NOW - 60 * MINUTE }
/** Evidence that is down since long. */
export const DOWN: Partial<Evidence> = { verdict: 'down', failures: 9, successes: 0, reason: 'timeout' }
/** Evidence that has missed once. */
export const WAVERING: Partial<Evidence> = { verdict: 'up', failures: 1, successes: 0, reason: 'timeout' }
export const QUERY: BindingQuerySettings = { registrar: 'sip:carrier', intervalMs: 150 * SECOND, doubtIntervalMs: 5 * SECOND }

export const sipOf = (key: string): string => `options sip:${key.split('/')[0]}`
export const driverOf = (key: string): string => evidenceKey.driver(key.split('/')[0] ?? '')
export const CARRIER = 'options sip:carrier'
export const carrierOf = (key: string): string => `options sip:carrier-of-${key.split('/')[0]}`

/** A rule on an alert that names trunk and gateway. */
export function ruleOf (demand: Rule['demand'], evidence: Rule['evidence'] = 'probe', alertname = 'SipTrunkDown'): Rule {
  const matcher = parseMatcher(`alertname="${alertname}"`)
  if (!matcher.ok) throw new Error(matcher.message)
  return { name: `${demand}-${alertname}`, match: [matcher.matcher], when: null, mode: null, target: { trunk: '{trunk}', gateway: '{gateway}', interface: null }, demand, evidence }
}

/** A rule on own health, about every trunk. */
export function ownEyes (downForMs: number): Rule {
  return { name: 'own-eyes', match: null, when: { downForMs }, mode: null, target: { trunk: null, gateway: null, interface: null }, demand: 'disable', evidence: 'probe' }
}

export function buildTopology (parts: WorldParts = {}): Topology {
  const { names = ['pbx-a', 'pbx-b'], capabilities = TELLS_ALL } = parts
  const limits = { fall: 3, rise: 2, intervalMs: 5 * SECOND, timeoutMs: 2 * SECOND }
  const interfaces = names.map((name) => ({
    key: `${name}/SIP1`,
    gateway: name,
    name: 'SIP1',
    sipProbe: sipOf(`${name}/SIP1`),
    carrierProbe: parts.ownCarriers === true ? carrierOf(`${name}/SIP1`) : CARRIER,
    contact: { hostPort: `${name}:5060` },
    capabilities,
    registersWithinMs: capabilities.registersWithinMs
  }))
  return {
    gateways: new Map(names.map((id) => [id, { id, driver: 'model', observe: { ...limits, intervalMs: 10 * SECOND, timeoutMs: 5 * SECOND } }])),
    trunks: new Map([['acme', {
      id: 'acme',
      type: 'exclusive',
      mode: 'automatic',
      interfaces,
      registration: { auth: 'register', onSecond: parts.onSecond ?? 'reject', expiresMs: 300 * SECOND, query: parts.query ?? null, unproven: 'page', fencing: false, handover: 'separate', ...parts.registration },
      failback: { policy: 'manual', window: null, drainMs: null },
      emergency: false,
      minEnabled: 1,
      ...parts.trunk
    }]]),
    probes: new Map([CARRIER, ...interfaces.flatMap((i) => [i.sipProbe, carrierOf(i.key)])].map((id) => [id, limits])),
    rules: parts.rules ?? [ruleOf('disable')],
    interlocks: { ...LIMITS, ...parts.interlocks },
    resyncs: parts.resyncs ?? false,
    canaries: [],
    watchdog: null,
    ...parts.topology
  }
}

/** An interface that has been on, or off in its running state, for an hour, read a second ago. */
export function buildInterface (on: boolean, change: Partial<InterfaceState> = {}): InterfaceState {
  const sinceMs = NOW - 60 * MINUTE
  return {
    observed: { present: true, admin: on ? 'enabled' : 'disabled', registered: on, path: 'up', atMs: NOW - SECOND },
    attempt: { atMs: NOW - SECOND, reason: null },
    silentSince: false,
    darkSinceRead: false,
    offSinceMs: on ? null : sinceMs,
    offConfirmed: !on,
    wellSinceMs: null,
    onSinceMs: on ? sinceMs : null,
    lastLifeAtMs: NOW - SECOND,
    lifeByBinding: false,
    command: null,
    refutedAtMs: null,
    ...change
  }
}

/** An interface whose gateway fell silent `agoMs` ago while it was on. */
export function silentInterface (agoMs: number, change: Partial<InterfaceState> = {}): Partial<InterfaceState> {
  return { silentSince: true, darkSinceRead: true, lastLifeAtMs: NOW - agoMs, attempt: { atMs: NOW - SECOND, reason: 'timeout' }, ...change }
}

export function buildWorld (parts: WorldParts = {}): World {
  const topology = buildTopology(parts)
  const keys = [...topology.trunks.values()].flatMap((trunk) => trunk.interfaces.map((i) => i.key))
  const evidence = new Map<string, Evidence>()
  const good = [CARRIER, ...keys.flatMap((key) => [sipOf(key), driverOf(key), evidenceKey.path(key), ...(parts.ownCarriers === true ? [carrierOf(key)] : [])]), evidenceKey.registration(A)]
  for (const key of good) evidence.set(key, GOOD)
  for (const [key, change] of Object.entries(parts.evidence ?? {})) {
    if (change === null) evidence.delete(key)
    else evidence.set(key, { ...(evidence.get(key) ?? GOOD), ...change })
  }
  const longAgoMs = NOW - 60 * MINUTE
  const state: TrunkState = {
    ...newTrunkState(keys, longAgoMs),
    baseline: 'adopted',
    wanted: A,
    calibratedBy: QUERY.registrar,
    interfaces: Object.fromEntries(keys.map((key) => [key, buildInterface(key === A, parts.interfaces?.[key])])),
    activeHistory: [{ interface: A, fromMs: longAgoMs }],
    ...parts.state
  }
  return {
    topology,
    evidence,
    trunks: new Map([['acme', state]]),
    incidents: bookIncidents(state.incidents, parts.fleet?.brakeReleasedAtMs ?? 0),
    alertsByTrunk: new Map([['acme', parts.alerts ?? []]]),
    pauses: parts.pauses ?? [],
    resyncedAtMs: parts.resyncedAtMs ?? null,
    fleet: { ...NEW_FLEET, ...parts.fleet },
    conditions: parts.conditions ?? new Map(),
    leader: parts.leader ?? true
  }
}

/** A firing alert that names a gateway. */
export function buildAlert (gateway: string, change: Partial<BookedAlert> = {}): BookedAlert {
  return {
    fingerprint: `f-${gateway}`,
    labels: { alertname: 'SipTrunkDown', trunk: 'acme', gateway },
    startsAtMs: NOW - 10 * SECOND,
    endsAtMs: null,
    status: 'firing',
    disputed: false,
    suppressed: false,
    firstSeenAtMs: NOW - 10 * SECOND,
    lastSeenAtMs: NOW - 10 * SECOND,
    absentSinceMs: null,
    bound: null,
    lastEndsAtMs: null,
    ...change
  }
}
