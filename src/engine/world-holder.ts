/**
 * Holds the world and turns what happens outside (probe results, reads, answers of the registrar) into new entries of it.
 * Each function says which trunks have to be planned anew. No I/O.
 */
import { recordRebinding } from '../core/rebinding.ts'
import type { RebindingEnd } from '../core/rebinding.ts'
import { recordBinding } from '../core/registrar.ts'
import type { BindingAnswer } from '../core/binding.ts'
import type { BookedAlert } from '../core/alert-book.ts'
import { recordCondition } from '../core/condition.ts'
import type { KnownCondition } from '../core/condition.ts'
import { evidenceKey, isNews, newEvidence, recordResult } from '../core/evidence.ts'
import type { Evidence } from '../core/evidence.ts'
import type { AdminState, ApplyResult, GatewayCondition, Observation, ObserveResult } from '../core/observation.ts'
import { answerOf, isNoNews, isRepeatedRead, recordCommandEnd, recordObservation, recordUnread } from '../core/observe.ts'
import { ALIVE_PROBE_REASONS, INCONCLUSIVE_PROBE_REASONS } from '../core/reasons.ts'
import { shiftInstants } from '../core/shift.ts'
import type { PauseStatus } from '../core/status.ts'
import { bookIncidents, withBooked } from '../core/incidents.ts'
import type { DurationMs, EpochMs, GatewayId, GatewayTopology, InterfaceKey, InterfaceTopology, ProbeId, Thresholds, Topology, TrunkId } from '../core/topology.ts'
import { NEW_FLEET, newTrunkState } from '../core/world.ts'
import type { FleetState, TrunkState, World } from '../core/world.ts'
import type { ProbeOutcome } from '../ports.ts'
import { TrunkStates } from './trunk-states.ts'

interface Member { readonly trunk: TrunkId; readonly iface: InterfaceTopology }

export interface WorldHolder {
  /** A view that follows the holder. */
  readonly world: World
  /** Evidence that was good for the first time since the last call: facts to be stored. */
  takeFirstUps(): readonly string[]
  /** It could not be stored: the next call takes it again. */
  giveBackFirstUp(key: string): void
  setTrunk(id: TrunkId, state: TrunkState): void
  /** The alert book's view of firing alerts; it is followed, not copied. */
  followAlerts(alerts: ReadonlyMap<TrunkId, readonly BookedAlert[]>): void
  setPauses(pauses: readonly PauseStatus[]): void
  setResynced(atMs: EpochMs): void
  setFleet(fleet: FleetState): void
  /** The wall clock was set: what is known keeps its distance to now. */
  clockSet(byMs: DurationMs): void
  /** Takes a new configuration; states of trunks that stay are kept. */
  setTopology(topology: Topology, everUp: ReadonlySet<string>, nowMs: EpochMs): void
  /** `turns`: it is the first result, or it contradicts what was known. */
  probed(id: ProbeId, outcome: ProbeOutcome, atMs: EpochMs): { readonly trunks: readonly TrunkId[]; readonly turns: boolean }
  observed(gateway: GatewayId, result: ObserveResult, atMs: EpochMs): readonly TrunkId[]
  applied(gateway: GatewayId, name: string, desired: AdminState, end: ApplyResult, atMs: EpochMs): readonly TrunkId[]
  /** Null: it could not be read. */
  conditioned(gateway: GatewayId, condition: GatewayCondition | null, atMs: EpochMs): readonly TrunkId[]
  answered(trunk: TrunkId, answer: BindingAnswer, atMs: EpochMs): readonly TrunkId[]
  /** A message that changes bindings has ended. */
  rebound(trunk: TrunkId, decision: string, end: RebindingEnd, atMs: EpochMs): readonly TrunkId[]
  /** Trunks whose last plan was held by the brake. */
  heldByBrake(): ReadonlySet<TrunkId>
  /** Trunks with a switchover under way. */
  moving(): ReadonlySet<TrunkId>
  /** Trunk of an interface. */
  trunkOf(gateway: GatewayId, name: string): TrunkId | null
  /** The interfaces of a gateway. */
  membersOf(gateway: GatewayId): readonly { readonly trunk: TrunkId; readonly key: InterfaceKey }[]
}

export function createWorldHolder (first: Topology): WorldHolder {
  const evidence = new Map<string, Evidence>()
  const conditions = new Map<GatewayId, KnownCondition>()
  const trunks = new TrunkStates(first)
  /** Null: to be booked anew from all trunks. */
  let incidents: World['incidents'] | null = null
  const world: { -readonly [K in keyof World]: World[K] } = {
    topology: first,
    evidence,
    trunks,
    get incidents () {
      incidents ??= bookIncidents([...trunks.peekAll()].flatMap((state) => state.incidents), world.fleet.brakeReleasedAtMs)
      return incidents
    },
    alertsByTrunk: new Map(),
    pauses: [],
    resyncedAtMs: null,
    fleet: NEW_FLEET,
    conditions,
    leader: true
  }
  let byProbe = new Map<ProbeId, Member[]>()
  let byGateway = new Map<GatewayId, Member[]>()
  let firstUps: string[] = []
  let everUp: ReadonlySet<string> = new Set()

  /** @returns `turned`: its verdict did, or is about to, or counts again; `failing`: it goes on failing; `steady`: nothing new */
  const record = (key: string, good: boolean, reason: string, limits: Thresholds, atMs: EpochMs): 'turned' | 'failing' | 'steady' => {
    const before = evidence.get(key) ?? newEvidence(everUp.has(key))
    const after = recordResult(before, good, reason, limits, atMs)
    if (after.everUp && !before.everUp) firstUps.push(key)
    evidence.set(key, after)
    if (isNews(before, after, limits)) return 'turned'
    return after.failures > 0 ? 'failing' : 'steady'
  }

  /** Counting begins anew. What was ever up stays so. */
  const forget = (key: string): void => {
    const known = evidence.get(key)
    if (known === undefined || known.atMs !== null) evidence.set(key, newEvidence(known?.everUp ?? everUp.has(key)))
  }

  const change = (id: TrunkId, alter: (state: TrunkState) => TrunkState): void => {
    const state = trunks.get(id)
    if (state !== undefined) trunks.set(id, alter(state))
  }

  const bookChanged = (before: TrunkState['incidents'], after: TrunkState['incidents']): void => {
    if (after === before || incidents === null) return
    if (before.some((incident) => !after.includes(incident))) { incidents = null; return }
    for (const incident of after) if (!before.includes(incident)) incidents = withBooked(incidents, incident, world.fleet.brakeReleasedAtMs)
  }

  const index = (topology: Topology): void => {
    byProbe = new Map()
    byGateway = new Map()
    // A list is filled in place: a carrier's target may have all interfaces.
    const add = (members: Map<string, Member[]>, id: string, member: Member): void => {
      const known = members.get(id)
      if (known === undefined) members.set(id, [member])
      else known.push(member)
    }
    for (const trunk of topology.trunks.values()) {
      for (const iface of trunk.interfaces) {
        const member = { trunk: trunk.id, iface }
        for (const probe of new Set([iface.sipProbe, iface.carrierProbe])) {
          if (probe !== null) add(byProbe, probe, member)
        }
        add(byGateway, iface.gateway, member)
      }
    }
  }

  /** What the gateway says of registration and path is evidence of its own, counted like probes. @returns whether a plan may be different now */
  const recordWords = (gateway: GatewayTopology, { key, capabilities: can }: InterfaceTopology, seen: Observation, atMs: EpochMs): boolean => {
    const registration = evidenceKey.registration(key)
    let matters = false
    if (seen.present && seen.admin !== 'disabled' && seen.registered !== null) {
      matters = 'steady' !== record(registration, seen.registered && seen.admin === 'enabled', seen.registered ? 'registered' : seen.admin === 'self-disabled' ? 'the gateway gave up' : 'not registered', gateway.observe, atMs)
    } else {
      forget(registration)
    }
    const path = evidenceKey.path(key)
    // What it told before it was off says nothing about the next time.
    if (seen.path === null && seen.admin === 'disabled' && can.reportsPath === 'while-on') forget(path)
    if (seen.path !== null && record(path, seen.path === 'up', `the gateway says ${seen.path}`, gateway.observe, atMs) !== 'steady') matters = true
    return matters
  }

  /** A steady read of a trunk at rest changes nothing that a plan looks at. */
  const atRest = (state: TrunkState | undefined): boolean => state !== undefined && state.inFlight === null && state.open === null && state.request === null && state.debts.length === 0 && state.drift === null && state.baseline === 'adopted'

  return {
    world,
    takeFirstUps: () => {
      const taken = firstUps
      firstUps = []
      return taken
    },
    giveBackFirstUp: (key) => { firstUps.push(key) },
    setTrunk: (id, state) => {
      bookChanged(trunks.peek(id)?.incidents ?? [], state.incidents)
      trunks.set(id, state)
    },
    followAlerts: (alerts) => { world.alertsByTrunk = alerts },
    setPauses: (pauses) => { world.pauses = pauses },
    setResynced: (atMs) => { world.resyncedAtMs = atMs },
    setFleet: (fleet) => {
      if (fleet.brakeReleasedAtMs !== world.fleet.brakeReleasedAtMs) incidents = null
      world.fleet = fleet
    },
    clockSet: (byMs) => {
      incidents = null
      trunks.clockSet((state) => shiftInstants(state, byMs))
      for (const [key, result] of evidence) evidence.set(key, shiftInstants(result, byMs))
      for (const [id, known] of conditions) conditions.set(id, shiftInstants(known, byMs))
      if (world.resyncedAtMs !== null) world.resyncedAtMs += byMs
      world.fleet = shiftInstants(world.fleet, byMs)
    },
    setTopology: (topology, known, nowMs) => {
      world.topology = topology
      trunks.setTopology(topology)
      incidents = null
      everUp = known
      index(topology)
      for (const id of trunks.keys()) if (!topology.trunks.has(id)) trunks.delete(id)
      for (const id of conditions.keys()) if (!topology.gateways.has(id)) conditions.delete(id)
      for (const trunk of topology.trunks.values()) {
        if (!trunks.has(trunk.id)) trunks.set(trunk.id, newTrunkState(trunk.interfaces.map((i) => i.key), nowMs))
      }
    },
    probed: (id, outcome, atMs) => {
      if (INCONCLUSIVE_PROBE_REASONS.has(outcome.reason)) return { trunks: [], turns: false }
      const limits = world.topology.probes.get(id)
      if (limits === undefined) return { trunks: [], turns: false }
      const good = ALIVE_PROBE_REASONS.has(outcome.reason)
      const news = record(id, good, outcome.code === null ? outcome.reason : `${outcome.reason} (${outcome.code})`, limits, atMs)
      const members = byProbe.get(id) ?? []
      // Whatever it answers, at whichever of its addresses: who answers lives, though a 503 is no health.
      const answers = outcome.code !== null || outcome.addresses.some(({ code }) => code !== null)
      if (answers) trunks.lives(id, atMs)
      // What goes on failing is looked at again where it is wanted, or where something is under way.
      const concerns = ({ trunk, iface }: Member): boolean => news === 'turned' || (news === 'failing' && (trunks.peek(trunk)?.wanted === iface.key || !atRest(trunks.peek(trunk))))
      return { trunks: [...new Set(members.filter(concerns).map(({ trunk }) => trunk))], turns: news === 'turned' }
    },
    observed: (id, result, atMs) => {
      const gateway = world.topology.gateways.get(id)
      if (gateway === undefined) return []
      const members = byGateway.get(id) ?? []
      const answer = result.ok ? 'answers' : answerOf(result.reason)
      const driverMatters = answer !== 'none' && record(evidenceKey.driver(id), answer === 'answers', result.ok ? 'answers' : result.reason, gateway.observe, atMs) !== 'steady'
      const marked = new Set<TrunkId>()
      for (const { trunk, iface } of members) {
        const before = trunks.peek(trunk)
        if (driverMatters || !result.ok || !atRest(before)) marked.add(trunk)
        if (!result.ok) {
          change(trunk, (state) => recordUnread(state, iface.key, result, atMs))
          continue
        }
        const seen = result.interfaces.get(iface.name)
        if (seen === undefined) continue
        if (before !== undefined && isRepeatedRead(iface.capabilities, before, iface.key, seen)) {
          trunks.readAgain(iface.key, atMs)
          if (recordWords(gateway, iface, seen, atMs)) marked.add(trunk)
          continue
        }
        const last = before?.interfaces[iface.key]
        change(trunk, (state) => recordObservation(iface.capabilities, state, iface.key, seen, atMs))
        const said = recordWords(gateway, iface, seen, atMs)
        if (said || last?.attempt?.reason !== null || last.observed === null || !isNoNews(last.observed, seen)) marked.add(trunk)
      }
      return [...marked]
    },
    applied: (id, name, _desired, end, atMs) => {
      const member = (byGateway.get(id) ?? []).find((m) => m.iface.name === name)
      if (member === undefined) return []
      change(member.trunk, (state) => recordCommandEnd(state, member.iface.key, end, atMs))
      return [member.trunk]
    },
    conditioned: (id, condition, atMs) => {
      const before = conditions.get(id)
      if (condition === null) conditions.delete(id)
      else conditions.set(id, recordCondition(before, condition, atMs))
      const isFresh = condition?.registrationFailed === true && before?.registrationFailed !== true
      return isFresh ? (byGateway.get(id) ?? []).map(({ trunk }) => trunk) : []
    },
    answered: (id, answer, atMs) => {
      const trunk = world.topology.trunks.get(id)
      if (trunk === undefined) return []
      const registered = (key: InterfaceKey): boolean => trunks.get(id)?.interfaces[key]?.observed?.registered === true
      change(id, (state) => recordBinding(trunk, state, answer, registered, atMs))
      return [id]
    },
    rebound: (id, decision, end, atMs) => {
      const trunk = world.topology.trunks.get(id)
      if (trunk === undefined) return []
      change(id, (state) => recordRebinding(trunk, state, decision, end, atMs))
      return [id]
    },
    heldByBrake: () => trunks.heldByBrake(),
    moving: () => trunks.moving(),
    membersOf: (gateway) => (byGateway.get(gateway) ?? []).map(({ trunk, iface }) => ({ trunk, key: iface.key })),
    trunkOf: (gateway, name) => (byGateway.get(gateway) ?? []).find((m) => m.iface.name === name)?.trunk ?? null
  }
}
