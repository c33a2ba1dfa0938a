/**
 * SRV records (RFC 2782) as interfaces: a target is enabled while callers are sent to it, disabled when it stands behind the
 * others or is not there. Pure.
 */
import type { AdminState, Observation } from '../core/observation.ts'

export interface SrvRecord {
  /** Lower is asked first. */
  readonly priority: number
  readonly weight: number
  readonly port: number
  /** Without the final dot, lower case. */
  readonly target: string
  /** The server keeps it but does not hand it out (PowerDNS). */
  readonly hidden: boolean
}

/** All SRV records of one name. */
export interface SrvSet {
  /** Without the final dot, lower case. */
  readonly name: string
  /** Time to live [s]. */
  readonly ttl: number
  readonly records: readonly SrvRecord[]
}

/** What is on and off. */
export interface SrvPolicy {
  /** `behind`: off is a worse priority; `absent`: off is no record. */
  readonly off: 'behind' | 'absent'
  /** Priority of an enabled target. */
  readonly priority: number
  /** Priority from which on a target counts as disabled. */
  readonly behind: number
  /** Weight of a record that is put in. */
  readonly weight: number
  /** Time to live of a changed set [s]; null: as it was. */
  readonly ttl: number | null
}

const MAX_PRIORITY = 65_535

/** DNS knows no upper case, and may end with a dot. */
export function canonicalName (name: string): string {
  return name.replace(/\.$/, '').toLowerCase()
}

/** The target that an interface name speaks of, `host` or `host:port`. */
export interface Target {
  readonly host: string
  /** Null: any. */
  readonly port: number | null
}

export function parseTarget (interfaceName: string): Target {
  const [, host = interfaceName, port] = /^(.*?)(?::(\d{1,5}))?$/.exec(interfaceName) ?? []
  return { host: canonicalName(host), port: port === undefined ? null : Number(port) }
}

function matches ({ host, port }: Target, record: SrvRecord): boolean {
  return record.target === host && (port === null || record.port === port)
}

/** Every record that speaks of the interface and is handed out. */
function shown (set: SrvSet, target: Target): readonly SrvRecord[] {
  return set.records.filter((record) => !record.hidden && matches(target, record))
}

/**
 * State of one interface. It must be in every set (`_sip._udp` and `_sip._tcp` of one service are moved together), and is off
 * only when it is off in all of them.
 */
export function judge (sets: readonly SrvSet[], interfaceName: string, policy: SrvPolicy): Observation {
  const target = parseTarget(interfaceName)
  const found = sets.map((set) => shown(set, target))
  const isOn = found.some((records) => records.some((record) => policy.off === 'absent' || record.priority < policy.behind))
  const present = sets.length > 0 && (policy.off === 'absent' ? sets.every((set) => set.records.length > 0) : found.every((records) => records.length > 0))
  return { present, admin: isOn ? 'enabled' : 'disabled', registered: null, path: null }
}

/** The sets as they have to be; the same objects where nothing has to change. */
export type Change =
  | { readonly ok: true; readonly sets: readonly SrvSet[] }
  | { readonly ok: false; readonly detail: string }

/** What leads to the wanted state and touches no other target. */
export function change (sets: readonly SrvSet[], interfaceName: string, desired: AdminState, policy: SrvPolicy): Change {
  const target = parseTarget(interfaceName)
  const changed: SrvSet[] = []
  for (const set of sets) {
    const records = desired === 'enabled' ? enabled(set, target, policy) : disabled(set, target, policy)
    if (!records.some((record) => !record.hidden)) return { ok: false, detail: `${set.name} would have no record left` }
    changed.push(records === set.records ? set : { ...set, ttl: policy.ttl ?? set.ttl, records })
  }
  return { ok: true, sets: changed }
}

function enabled (set: SrvSet, target: Target, policy: SrvPolicy): readonly SrvRecord[] {
  const here = shown(set, target)
  if (policy.off === 'behind') {
    if (here.every(({ priority }) => priority < policy.behind)) return set.records
    return set.records.map((record) => here.includes(record) && record.priority >= policy.behind ? { ...record, priority: policy.priority } : record)
  }
  if (here.length > 0) return set.records
  const added: SrvRecord = { priority: policy.priority, weight: policy.weight, port: target.port ?? defaultPort(set.name), target: target.host, hidden: false }
  return [...set.records.filter((record) => !matches(target, record)), added]
}

/**
 * Behind all the others that are off: in between, while nothing is on, callers are sent to the one that comes next and not to
 * both. The numbers are then made dense, so that they don't grow from move to move.
 */
function disabled (set: SrvSet, target: Target, policy: SrvPolicy): readonly SrvRecord[] {
  const here = shown(set, target)
  if (policy.off === 'absent') return here.length === 0 ? set.records : set.records.filter((record) => !here.includes(record))
  if (here.every(({ priority }) => priority >= policy.behind)) return set.records
  const isMoved = (record: SrvRecord): boolean => here.includes(record) && record.priority < policy.behind
  const numbers = [...new Set(set.records.filter((record) => !isMoved(record) && record.priority >= policy.behind).map(({ priority }) => priority))].sort((a, b) => a - b)
  const dense = (index: number): number => Math.min(policy.behind + index, MAX_PRIORITY)
  return set.records.map((record) => {
    if (isMoved(record)) return { ...record, priority: dense(numbers.length) }
    return record.priority >= policy.behind ? { ...record, priority: dense(numbers.indexOf(record.priority)) } : record
  })
}

/** Of a record that is put in without one. */
export function defaultPort (name: string): number {
  return name.startsWith('_sips.') ? 5061 : 5060
}

/** The same records, in whatever order. */
export function sameRecords (a: SrvSet, b: SrvSet): boolean {
  const text = ({ records }: SrvSet): string => records.map(({ priority, weight, port, target, hidden }) => `${priority} ${weight} ${port} ${target} ${hidden}`).sort().join('\n')
  return text(a) === text(b)
}
