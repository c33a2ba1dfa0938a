/** Rules: which interface an alert speaks about, and what it demands. Names come from the configuration, never from the alert. */
import { isFiring, startedAtMs, startsNothingNew } from './alert-book.ts'
import type { BookedAlert } from './alert-book.ts'
import { labelValue, matches } from './labels.ts'
import type { Labels } from './labels.ts'
import { earlier } from './plan.ts'
import type { InterfaceHealth } from './trunk-health.ts'
import type { EpochMs, InterfaceKey, InterfaceTopology, Rule, Topology, TrunkId, TrunkTopology } from './topology.ts'

/**
 * What a rule says about an alert. `interfaces` null: the alert names none; it speaks about the one that was enabled when
 * it started. A gateway with several interfaces in the trunk means all of them.
 */
export type Target =
  | { readonly kind: 'none' }
  | { readonly kind: 'found'; readonly trunk: TrunkId; readonly interfaces: readonly InterfaceKey[] | null }
  | { readonly kind: 'refused'; readonly reason: 'unknown-trunk' | 'unknown-gateway' }

/** What a rule wants of an interface, and why. */
export interface Demand {
  readonly rule: string
  readonly demand: Rule['demand']
  /** Null: the whole trunk (`freeze`). */
  readonly interface: InterfaceKey | null
  /** The alert behind it; null: the interface's own health. */
  readonly alert: { readonly fingerprint: string; readonly name: string } | null
  /** Start of the alert, or since when the interface is down. */
  readonly sinceMs: EpochMs
  /** What has to agree before it takes an interface out (see demands.ts). */
  readonly evidence: Rule['evidence']
  /** Its alert fires with a start that is not after its last end: it needs evidence of our own. */
  readonly disputed: boolean
  /** False: silenced or inhibited; it holds what is, but starts nothing. */
  readonly startsNew: boolean
}

/** Looks for the target of an alert with these labels. */
export function resolveTarget (rule: Rule, labels: Labels, topology: Topology): Target {
  if (!ruleMatches(rule, labels)) return { kind: 'none' }
  const trunk = topology.trunks.get(fillTemplate(rule.target.trunk ?? '', labels))
  if (trunk === undefined) return { kind: 'refused', reason: 'unknown-trunk' }
  const interfaces = interfacesNamed(rule, labels, trunk)
  return interfaces?.length === 0 ? { kind: 'refused', reason: 'unknown-gateway' } : { kind: 'found', trunk: trunk.id, interfaces }
}

/** What the firing alerts demand of one trunk, in order of rules, then of alerts. */
export function demandsOf (alerts: Iterable<BookedAlert>, trunk: TrunkTopology, rules: readonly Rule[]): readonly Demand[] {
  const firing = [...alerts].filter(isFiring)
  return rules.flatMap((rule) => firing.flatMap((alert) => demandsOfAlert(rule, alert, trunk)))
}

function demandsOfAlert (rule: Rule, alert: BookedAlert, trunk: TrunkTopology): readonly Demand[] {
  if (!ruleMatches(rule, alert.labels) || fillTemplate(rule.target.trunk ?? '', alert.labels) !== trunk.id) return []
  const named = rule.demand === 'freeze' ? [null] : interfacesNamed(rule, alert.labels, trunk) ?? boundIn(alert, trunk)
  return named.map((key) => ({
    rule: rule.name,
    demand: rule.demand,
    interface: key,
    alert: { fingerprint: alert.fingerprint, name: labelValue(alert.labels, 'alertname') },
    sinceMs: startedAtMs(alert),
    evidence: rule.evidence,
    disputed: alert.disputed,
    startsNew: !startsNothingNew(alert)
  }))
}

/**
 * What the rules on own health demand of one trunk: an interface that has been down by its own evidence for as long as the
 * rule says. No alert has to confirm it, and unknown is never down. `wakeAtMs`: when the next of them will be over.
 */
export function healthDemandsOf (trunk: TrunkTopology, health: ReadonlyMap<InterfaceKey, InterfaceHealth>, rules: readonly Rule[], nowMs: EpochMs): { readonly demands: readonly Demand[]; readonly wakeAtMs: EpochMs | null } {
  const demands: Demand[] = []
  let wakeAtMs: EpochMs | null = null
  for (const rule of rules) {
    if (rule.when === null || (rule.target.trunk !== null && rule.target.trunk !== trunk.id)) continue
    for (const key of interfacesNamed(rule, {}, trunk) ?? trunk.interfaces.map((i) => i.key)) {
      const sinceMs = health.get(key)?.downSinceMs ?? null
      if (sinceMs === null) continue
      const dueMs = sinceMs + rule.when.downForMs
      if (nowMs < dueMs) wakeAtMs = earlier(wakeAtMs, dueMs)
      else demands.push({ rule: rule.name, demand: rule.demand, interface: key, alert: null, sinceMs, evidence: 'probe', disputed: false, startsNew: true })
    }
  }
  return { demands, wakeAtMs }
}

/**
 * The interface that an alert without one speaks about: the one that was enabled when it started. Null when nobody knows;
 * it is never "whichever is enabled now", or an alert about A would switch B off after the move.
 * @param activeHistory - who was enabled from when, newest last
 */
export function bindAlert (alert: BookedAlert, activeHistory: readonly { readonly interface: InterfaceKey; readonly fromMs: EpochMs }[]): InterfaceKey | null {
  if (alert.bound !== null) return alert.bound
  const atMs = startedAtMs(alert)
  return activeHistory.findLast(({ fromMs }) => fromMs <= atMs)?.interface ?? null
}

/** Trunks that an alert with these labels speaks about, and those of them whose interface must be found by its start. */
export function trunksOf (labels: Labels, topology: Topology): { readonly trunks: readonly TrunkId[]; readonly unbound: readonly TrunkId[] } {
  const found = topology.rules.map((rule) => resolveTarget(rule, labels, topology)).filter((target) => target.kind === 'found')
  const trunks = new Set(found.map(({ trunk }) => trunk))
  const unbound = new Set(found.filter(({ interfaces }) => interfaces === null).map(({ trunk }) => trunk))
  return { trunks: [...trunks], unbound: [...unbound] }
}

/** Why no rule can use this alert although one matches; null: a rule uses it, or none matches. */
export function refusalOf (labels: Labels, topology: Topology): 'unknown-trunk' | 'unknown-gateway' | null {
  const targets = topology.rules.map((rule) => resolveTarget(rule, labels, topology))
  if (targets.some(({ kind }) => kind === 'found')) return null
  return targets.find((target) => target.kind === 'refused')?.reason ?? null
}

function ruleMatches (rule: Rule, labels: Labels): boolean {
  return rule.match !== null && rule.match.every((matcher) => matches(matcher, labels))
}

/** Interfaces of the trunk that the labels name; empty: they name none of its own; null: they name no interface at all. */
function interfacesNamed (rule: Rule, labels: Labels, trunk: TrunkTopology): readonly InterfaceKey[] | null {
  const gateway = fillTemplate(rule.target.gateway ?? '', labels)
  const name = fillTemplate(rule.target.interface ?? '', labels)
  if (gateway === '' && name === '') return null
  const found = trunk.interfaces.filter((i) => (gateway === '' || i.gateway === gateway) && (name === '' || hasName(i, name)))
  // Without a gateway the same name on two of them says nothing.
  return gateway === '' && found.length > 1 ? [] : found.map(({ key }) => key)
}

function hasName (iface: InterfaceTopology, name: string): boolean {
  return iface.name === name || iface.key === name
}

function boundIn (alert: BookedAlert, trunk: TrunkTopology): readonly InterfaceKey[] {
  return trunk.interfaces.filter(({ key }) => key === alert.bound).map(({ key }) => key)
}

/** `{label}` becomes the label's value; other text stays. */
function fillTemplate (template: string, labels: Labels): string {
  return template.replaceAll(/\{([^{}]+)\}/g, (_, name: string) => labelValue(labels, name))
}
