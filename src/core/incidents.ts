/**
 * Incidents: the shared causes of switchovers. A gateway that takes its 25 trunks down is one incident; ten gateways that
 * fall one after the other are ten, and more likely our own mistake than bad luck. The brake counts them.
 */
import { evidenceKey } from './evidence.ts'
import type { InterfaceHealth } from './trunk-health.ts'
import type { EpochMs, InterlockSettings, InterfaceTopology } from './topology.ts'
import type { Incident, TrunkState, World } from './world.ts'

const DAY_MS = 24 * 3_600_000
/** Trunks see the same cause fall at slightly different times. */
const SAME_MS = 2 * 60_000

export type Cause = Pick<Incident, 'cause' | 'downAtMs'>

/**
 * What took the interface down: its gateway, or the carrier. One gateway's trouble shows itself by its SIP service, its path
 * or its registrations, whichever is seen first: it is one incident, not three.
 * @param seenAtMs - for causes that have no instant of their own
 */
export function incidentCause (world: World, iface: InterfaceTopology, health: InterfaceHealth, seenAtMs: EpochMs): Cause {
  const gateway = `gateway ${iface.gateway}`
  const fallOf = (cause: string, key: string): Cause => {
    const evidence = world.evidence.get(key)
    const last = world.incidents.get(cause)?.at(-1)
    // It was down at our start, so the incident that it was then goes on. What only the registrar tells has no evidence of
    // its own, and the registrations of one gateway end over minutes.
    const goesOn = evidence === undefined ? seenAtMs - (last?.atMs ?? -Infinity) < world.topology.interlocks.brake.perMs : !evidence.seenUp
    const known = goesOn ? last : undefined
    return { cause, downAtMs: known?.downAtMs ?? evidence?.turnedAtMs ?? health.downSinceMs ?? seenAtMs }
  }
  const { downBy } = health
  if (downBy.includes('unreachable') || downBy.includes('sip-lost')) return fallOf(gateway, iface.sipProbe)
  if (downBy.includes('carrier-lost') && iface.carrierProbe !== null) return fallOf(`carrier ${iface.carrierProbe}`, iface.carrierProbe)
  if (downBy.includes('path-lost')) return fallOf(gateway, evidenceKey.path(iface.key))
  if (downBy.includes('registration-lost')) return fallOf(gateway, evidenceKey.registration(iface.key))
  return { cause: gateway, downAtMs: seenAtMs }
}

/** Incidents, each once, by cause. `atMs` is the first admission. */
export type IncidentBook = World['incidents']

/** @param sinceMs - what was admitted before, or then, counts no more */
export function bookIncidents (incidents: Iterable<Incident>, sinceMs: EpochMs): IncidentBook {
  let book: IncidentBook = new Map()
  for (const incident of [...incidents].sort((a, b) => a.downAtMs - b.downAtMs)) book = withBooked(book, incident, sinceMs)
  return book
}

/** The book with one more admission. */
export function withBooked (book: IncidentBook, incident: Incident, sinceMs: EpochMs): IncidentBook {
  if (incident.atMs <= sinceMs) return book
  const recent = (book.get(incident.cause) ?? []).filter(({ atMs }) => incident.atMs - atMs < DAY_MS)
  const index = recent.findIndex((known) => isSame(known, incident))
  const known = recent[index]
  if (known !== undefined && known.atMs <= incident.atMs) return book
  return new Map([...book, [incident.cause, known === undefined ? [...recent, incident] : recent.with(index, { ...known, atMs: incident.atMs })]])
}

/** The incidents that count: of the last day, since the brake was released last. */
export function countedIncidents (world: World, nowMs: EpochMs): readonly Incident[] {
  return [...world.incidents.values()].flat()
    .filter(({ atMs }) => atMs > world.fleet.brakeReleasedAtMs && nowMs - atMs < DAY_MS)
}

function isSame (a: Cause, b: Cause): boolean {
  return a.cause === b.cause && Math.abs(a.downAtMs - b.downAtMs) <= SAME_MS
}

/** Why this cause would be one incident too many; null: it is not, or it was counted already. */
export function beyondLimit (world: World, cause: Cause, nowMs: EpochMs): { readonly detail: string; readonly causes: readonly string[] } | null {
  const counted = countedIncidents(world, nowMs)
  if (counted.some((known) => isSame(known, cause))) return null
  const { incidents, perMs, perDay } = brakeLimits(world.topology.interlocks, world.topology.gateways.size)
  const recent = counted.filter(({ atMs }) => nowMs - atMs < perMs)
  const causes = (list: readonly Incident[]): string[] => [...list.map((i) => i.cause), cause.cause]
  if (recent.length >= incidents) return { detail: `${cause.cause} would be incident ${recent.length + 1} within ${Math.round(perMs / 60_000)} min`, causes: causes(recent) }
  if (counted.length >= perDay) return { detail: `${cause.cause} would be incident ${counted.length + 1} within a day`, causes: causes(counted) }
  return null
}

/** The limits that are in force; the defaults grow with the number of gateways. */
export function brakeLimits ({ brake }: InterlockSettings, gateways: number): { readonly incidents: number; readonly perMs: number; readonly perDay: number } {
  return { incidents: brake.incidents ?? Math.max(3, Math.floor(gateways / 5)), perMs: brake.perMs, perDay: brake.perDay ?? Math.max(10, gateways) }
}

/** The trunk's incidents with one that is admitted now. */
export function withIncident (state: TrunkState, cause: Cause, nowMs: EpochMs): readonly Incident[] {
  return [...state.incidents.filter(({ atMs }) => nowMs - atMs < DAY_MS), { ...cause, atMs: nowMs }]
}
