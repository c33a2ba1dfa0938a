/**
 * Drives SRV records, wherever they are kept: a read, the change that it asks for, the read-back, and how long resolvers
 * may still know the old records.
 */
import { Type } from 'typebox'
import type { ApplyResult, DriverFailure, Observation, ObserveResult } from '../core/observation.ts'
import type { DriverReason } from '../core/reasons.ts'
import type { Change, Clock, GatewayDriver } from '../ports.ts'
import type { InterfaceKind } from './contract.ts'
import { during, failure } from './driver-failure.ts'
import { eachAlone } from './each-alone.ts'
import { readThenAsk } from './read-then-write.ts'
import { canonicalName, change as changeSets, judge, sameRecords } from './srv-records.ts'
import type { SrvPolicy, SrvSet } from './srv-records.ts'

/** `obstacle`: why a change would have no effect, as far as a read shows it. */
export type ReadSets = { readonly ok: true; readonly sets: readonly SrvSet[]; readonly obstacle?: DriverReason } | DriverFailure

/** Where the records are kept. One attempt each, by the account that writes; never throws. */
export interface SrvZone {
  /** One set per name; a name without SRV records has an empty one. */
  read(signal: AbortSignal): Promise<ReadSets>
  /** Puts `after` in place of `before`, all sets or none. */
  write(before: readonly SrvSet[], after: readonly SrvSet[], signal: AbortSignal): Promise<{ readonly ok: true } | DriverFailure>
  close(): void
}

/** Keys that both kinds have. */
export interface SrvSettings {
  readonly zone: string
  readonly records: readonly string[]
  readonly off?: 'behind' | 'absent'
  readonly priority?: number
  readonly behind?: number
  readonly weight?: number
  readonly ttl?: number
}

const number = (description: string, minimum: number, maximum: number) => Type.Optional(Type.Integer({ minimum, maximum, description }))

export const SRV_KEYS = {
  zone: Type.String({ minLength: 1, description: 'zone that holds the records, for example acme.example' }),
  records: Type.Array(Type.String({ pattern: '^_[A-Za-z0-9-]+\\._[A-Za-z0-9-]+\\.[A-Za-z0-9._-]+$' }), { minItems: 1, description: 'full names of the SRV records that are moved together, for example _sip._udp.acme.example' }),
  off: Type.Optional(Type.Enum(['behind', 'absent'], { description: 'what a disabled target is: behind (default) = its priority is "behind", callers go there only when nobody else answers; absent = it has no record, for shared trunks' })),
  priority: number('priority of an enabled target; default 10', 0, 65_534),
  behind: number('priority of a disabled target, and from which on one counts as disabled; default 100', 1, 65_000),
  weight: number('weight of a record that is put in ("off: absent"); default 100', 0, 65_535),
  ttl: number('time to live of a changed record [s]; default: as it was', 1, 86_400)
}

/** Of records whose time to live is not known beforehand [s]. */
const USUAL_TTL_S = 300
/** What the server and the next look take beside the time to live [ms]. */
const MARGIN_MS = 30_000

/** @param confirmed - the server that it was confirmed with */
export function srvTarget (server: { readonly readBack: string; readonly switches: string; readonly confirmed: string }): InterfaceKind {
  return {
    named: 'the target of an SRV record, `host` or `host:port`',
    takes: (name) => /^[A-Za-z0-9._-]+(:\d{1,5})?$/.test(name),
    ...server,
    capabilities: ({ ttl }) => ({
      registers: false, reportsRegistration: false, reportsPath: false, reportsCalls: false, readsRunningState: true, reregisters: false, unregisters: false, persistent: true,
      reportsAlarms: false, registersWithinMs: (typeof ttl === 'number' ? ttl : USUAL_TTL_S) * 1_000 + MARGIN_MS
    })
  }
}

export function policyOf ({ off = 'behind', priority = 10, behind = 100, weight = 100, ttl }: SrvSettings): SrvPolicy {
  return { off, priority, behind, weight, ttl: ttl ?? null }
}

export function recordNames ({ records }: SrvSettings): readonly string[] {
  return [...new Set(records.map(canonicalName))]
}

/** What a person sees, for the commands by hand. */
export const READING = 'Prints the records as "priority weight port target": callers go to the lowest priority.'

/** What a person has to know about a change by hand. */
export function changeNote (success: string): string {
  return `${success} Look again. Resolvers may send callers to the old target until the record's time to live is over.`
}

/** Until when resolvers may hold what was before. */
interface Spread {
  readonly sets: readonly SrvSet[]
  readonly untilMs: number
}

export function createSrvDriver (zone: SrvZone, policy: SrvPolicy, clock: Clock): GatewayDriver {
  let spread: Spread | null = null

  /** The first look may be a moment after a change of an earlier run: it counts as one. */
  const note = (sets: readonly SrvSet[]): void => {
    const before = spread?.sets ?? sets
    if (spread !== null && sets.length === before.length && sets.every((set, index) => sameRecords(set, before[index]!))) return
    const ttl = Math.max(0, ...[...before, ...sets].map((set) => set.ttl))
    spread = { sets, untilMs: clock.monotonicMs() + ttl * 1_000 }
  }

  const read = async (signal: AbortSignal): Promise<ReadSets> => {
    const result = await zone.read(signal)
    if (result.ok) note(result.sets)
    return result
  }

  const observe = async (interfaces: readonly string[], signal: AbortSignal): Promise<ObserveResult> => {
    const result = await read(signal)
    if (!result.ok) return result
    const settled = spread === null || clock.monotonicMs() >= spread.untilMs
    return { ok: true, interfaces: new Map(interfaces.map((name): [string, Observation] => [name, { ...judge(result.sets, name, policy), settled, ...result.obstacle === undefined ? {} : { obstacle: result.obstacle } }])) }
  }

  /** Changes of one set follow one another: each is made from what the one before has left. */
  let last: Promise<unknown> = Promise.resolve()
  let writes = 0

  const writeAlone = async ({ interface: name, desired, permit }: Change, reading: ReadSets, isFresh: boolean, signal: AbortSignal): Promise<ApplyResult> => {
    const before = isFresh ? reading : await read(signal)
    if (!before.ok) return before
    // Those before it took their time: what allowed it may be too old by now.
    const refused = isFresh ? null : await permit()
    if (refused !== null) return refused
    if (!judge(before.sets, name, policy).present) return failure('no-interface', `no SRV record has the target ${name}`)
    const wanted = changeSets(before.sets, name, desired, policy)
    if (!wanted.ok) return failure('rpc-error', `${wanted.detail}: callers would find nobody`)
    if (wanted.sets.every((set, index) => set === before.sets[index])) return { ok: true, activated: true }
    writes += 1
    const written = await zone.write(before.sets, wanted.sets, signal)
    if (!written.ok) return during('write', written)
    const after = await read(signal)
    if (!after.ok) return during('read-back', after, 'unknown')
    return judge(after.sets, name, policy).admin === desired ? { ok: true, activated: true } : failure('no-effect', 'the change was accepted, the records are not as wanted', 'unknown')
  }

  const apply = async (change: Change, signal: AbortSignal): Promise<ApplyResult> => {
    let writesBefore = writes
    const reading = await readThenAsk(() => { writesBefore = writes; return read(signal) }, change.permit, clock)
    if (!reading.ok) return reading
    const mine = last.then(() => writeAlone(change, reading, writes === writesBefore, signal))
    last = mine
    return mine
  }

  return {
    observe,
    apply: eachAlone(apply),
    reregister: (name) => Promise.resolve(failure('rpc-error', `${name} is an SRV record: it registers nothing`)),
    close: () => {
      zone.close()
      return Promise.resolve()
    }
  }
}
