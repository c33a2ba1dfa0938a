/**
 * What a plan of one trunk was made from, as one JSON value: the trunk's part of the world, the instant and the id that was
 * at hand. Same snapshot, same plan: with it the journal can be planned again, also under another configuration.
 */
import type { KnownCondition } from './condition.ts'
import { evidenceKey } from './evidence.ts'
import type { Evidence } from './evidence.ts'
import { bookIncidents, countedIncidents } from './incidents.ts'
import { matches, parseMatcher } from './labels.ts'
import type { Matcher } from './labels.ts'
import type { BookedAlert } from './alert-book.ts'
import type { EpochMs, GatewayId, GatewayTopology, InterfaceTopology, Rule, Thresholds, Topology, TrunkId, TrunkTopology, Watchdog } from './topology.ts'
import { interfaceRecord, interfaceState, NEW_FLEET, newTrunkState } from './world.ts'
import type { Incident, TrunkState, World } from './world.ts'

/** Grows when an older snapshot can't be read any more. */
export const SNAPSHOT_FORMAT = 2

/** Matchers travel as text. */
type Written<T extends { readonly match: unknown }> = Omit<T, 'match'> & { readonly match: readonly string[] | null }

export interface Snapshot {
  readonly format: typeof SNAPSHOT_FORMAT
  readonly atMs: EpochMs
  /** The id that a decision which opens now would get. */
  readonly freshId: string
  /** Of the configuration what this trunk is judged by; of the rules those on own health and those that an alert here fits. */
  readonly topology: Omit<Topology, 'gateways' | 'trunks' | 'probes' | 'rules' | 'watchdog'> & {
    readonly trunk: TrunkTopology
    readonly gateways: readonly GatewayTopology[]
    /** Of the whole configuration: the brake's limits grow with it. */
    readonly gatewayCount: number
    readonly probes: Readonly<Record<string, Thresholds>>
    readonly rules: readonly Written<Rule>[]
    readonly watchdog: Written<Watchdog> | null
  }
  readonly world: Omit<World, 'topology' | 'evidence' | 'conditions' | 'trunks' | 'incidents' | 'alertsByTrunk'> & {
    readonly state: TrunkState
    readonly evidence: Readonly<Record<string, Evidence>>
    readonly conditions: Readonly<Record<GatewayId, KnownCondition>>
    readonly alerts: readonly BookedAlert[]
    /** That count for the brake, of all trunks. */
    readonly incidents: readonly Incident[]
  }
}

export function takeSnapshot (world: World, id: TrunkId, freshId: string, nowMs: EpochMs): Snapshot {
  const { topology, evidence, conditions, trunks, alertsByTrunk, pauses, resyncedAtMs, fleet, leader } = world
  const { gateways, trunks: topologies, probes, rules, watchdog, ...settings } = topology
  const trunk = topologies.get(id)
  const state = trunks.get(id)
  if (trunk === undefined || state === undefined) throw new Error(`no trunk ${id}`)
  const alerts = alertsByTrunk.get(id) ?? []
  const keys = [...trunk.interfaces.flatMap(evidenceKeys), ...topology.canaries]
  return {
    format: SNAPSHOT_FORMAT,
    atMs: nowMs,
    freshId,
    topology: {
      ...settings,
      trunk,
      gateways: [...new Set(trunk.interfaces.map((iface) => iface.gateway))].flatMap((gateway) => gateways.get(gateway) ?? []),
      gatewayCount: gateways.size,
      probes: pick(probes, keys),
      rules: rules.filter(({ match }) => match === null || alerts.some(({ labels }) => match.every((matcher) => matches(matcher, labels)))).map(written),
      watchdog: watchdog === null ? null : written(watchdog)
    },
    world: { pauses, resyncedAtMs, fleet, leader, state, evidence: pick(evidence, keys), conditions: pick(conditions, trunk.interfaces.map((iface) => iface.gateway)), alerts, incidents: countedIncidents(world, nowMs) }
  }
}

/**
 * The world of a snapshot.
 * @param topology - judge by this configuration; null: by the one of then
 * @returns null: the other configuration has no such trunk
 */
export function restoreSnapshot (snapshot: Snapshot, topology: Topology | null): World | null {
  const { state, evidence, conditions, alerts, incidents, ...world } = snapshot.world
  const { id } = snapshot.topology.trunk
  const own = topology ?? topologyOf(snapshot.topology)
  const trunk = own.trunks.get(id)
  if (trunk === undefined) return null
  const keys = trunk.interfaces.map((iface) => iface.key)
  const known: TrunkState = { ...newTrunkState(keys, 0), ...state }
  const fitted: TrunkState = topology === null ? known : { ...known, interfaces: interfaceRecord(keys.map((key) => [key, interfaceState(known, key)])) }
  return {
    ...world,
    fleet: { ...NEW_FLEET, ...world.fleet },
    topology: own,
    evidence: new Map(Object.entries(evidence)),
    conditions: new Map(Object.entries(conditions)),
    trunks: new Map([[id, fitted]]),
    incidents: bookIncidents([...incidents, ...fitted.incidents], world.fleet.brakeReleasedAtMs),
    alertsByTrunk: new Map([[id, alerts]])
  }
}

/** No gateway can have this name. */
const OTHERS = '/others'

function topologyOf ({ trunk, gateways, gatewayCount, probes, rules, watchdog, ...settings }: Snapshot['topology']): Topology {
  // Of the other gateways only the number counts.
  const others = Array.from({ length: gatewayCount - gateways.length }, (_, n) => ({ ...gateways[0], id: `${OTHERS}/${n}` }) as GatewayTopology)
  return {
    ...settings,
    gateways: new Map([...gateways, ...others].map((gateway) => [gateway.id, gateway])),
    trunks: new Map([[trunk.id, trunk]]),
    probes: new Map(Object.entries(probes)),
    rules: rules.map((rule) => ({ ...rule, match: rule.match === null ? null : rule.match.map(read) })),
    watchdog: watchdog === null ? null : { ...watchdog, match: (watchdog.match ?? []).map(read) }
  }
}

function evidenceKeys (iface: InterfaceTopology): readonly string[] {
  const { key, gateway, sipProbe, carrierProbe } = iface
  return [sipProbe, ...(carrierProbe === null ? [] : [carrierProbe]), evidenceKey.driver(gateway), evidenceKey.registration(key), evidenceKey.path(key)]
}

function pick<T> (map: ReadonlyMap<string, T>, keys: readonly string[]): Record<string, T> {
  return Object.fromEntries(keys.flatMap((key) => {
    const value = map.get(key)
    return value === undefined ? [] : [[key, value] as const]
  }))
}

function written<T extends { readonly match: readonly Matcher[] | null }> (rule: T): Written<T> {
  return { ...rule, match: rule.match === null ? null : rule.match.map(({ name, operator, value }) => `${JSON.stringify(name)}${operator}${JSON.stringify(value)}`) }
}

function read (text: string): Matcher {
  const parsed = parseMatcher(text)
  if (!parsed.ok) throw new Error(`the matcher ${text} can't be read: ${parsed.message}`)
  return parsed.matcher
}
