/** What would be decided about a trunk, and why: its plan, made on a copy and told interlock by interlock. */
import { isConfirmed } from './demands.ts'
import { staleAfterMs } from './evidence.ts'
import type { Evidence } from './evidence.ts'
import { INTERLOCKS } from './interlocks.ts'
import type { Action, Step } from './plan.ts'
import { planTrunk } from './planner.ts'
import { VETOES } from './reasons.ts'
import type { VetoReason, WaitReason } from './reasons.ts'
import { reportTrunk } from './report.ts'
import { demandsOf, healthDemandsOf } from './rules.ts'
import type { Demand } from './rules.ts'
import { gatewayOf, trunkHealth } from './trunk-health.ts'
import type { DurationMs, EpochMs, InterfaceKey, Mode, TrunkId, TrunkTopology } from './topology.ts'
import { rulesInForce } from './watchdog.ts'
import { interfaceRecord, interfaceState } from './world.ts'
import type { SwitchoverCause, TrunkState, World } from './world.ts'

export interface Prospect {
  readonly trunk: TrunkId
  readonly mode: Mode
  /** How it is now, in one line. */
  readonly sentence: string
  readonly demands: readonly (Pick<Demand, 'rule' | 'demand' | 'interface' | 'evidence' | 'alert'> & { /** What the rule asks for beside its alert is there. */ readonly confirmed: boolean })[]
  /** Null: nothing is to be moved. */
  readonly proposal: { readonly from: InterfaceKey | null; readonly to: InterfaceKey | null; readonly cause: SwitchoverCause } | null
  readonly result: 'nothing' | 'held' | 'waits' | 'admitted' | 'under-way'
  /** Judged for the proposal, in the order in which people read them; empty without one. */
  readonly interlocks: readonly { readonly name: VetoReason; readonly verdict: 'pass' | 'veto' | 'overridden'; readonly sentence: string; readonly untilMs: EpochMs | null }[]
  readonly waits: readonly { readonly reason: WaitReason; readonly detail: string; readonly untilMs: EpochMs | null }[]
  /** What would be sent first, for example `disabled pbx-a/SIP1`. */
  readonly commands: readonly string[]
  /** Where only the mode holds it: what would be sent first in mode automatic. Null: it is not the mode alone. */
  readonly inAutomatic: readonly string[] | null
}

const ID = 'explained'

/** @param world - the pre-flight reads are taken to show what the last reads showed */
export function prospectOf (world: World, id: TrunkId, nowMs: EpochMs): Prospect {
  const trunk = world.topology.trunks.get(id)
  const state = world.trunks.get(id)
  if (trunk === undefined || state === undefined) throw new Error(`no trunk ${id}`)
  const fresh = withState(world, id, readNow(world, trunk, state, nowMs))
  const step = planTrunk(fresh, id, ID, nowMs)
  const modeAlone = step.vetoes.length === 1 && step.vetoes[0]?.interlock === 'mode'
  return {
    trunk: id,
    mode: trunk.mode,
    sentence: reportTrunk(world, trunk, state, { ...step, vetoes: [], waits: [] }, nowMs).sentence,
    demands: demandsNow(fresh, trunk, nowMs),
    ...decided(step, state),
    waits: step.waits.map(({ reason, detail, untilMs }) => ({ reason, detail, untilMs })),
    commands: commandsOf(step.actions),
    inAutomatic: modeAlone ? commandsOf(planTrunk(inAutomatic(fresh, trunk), id, ID, nowMs).actions) : null
  }
}

function decided (step: Step, before: TrunkState): Pick<Prospect, 'proposal' | 'result' | 'interlocks'> {
  const { inFlight, open } = step.state
  if (inFlight !== null) return { proposal: inFlight, result: before.inFlight === null ? 'admitted' : 'under-way', interlocks: before.inFlight === null ? interlocksOf(step) : [] }
  const held = step.vetoes.length > 0
  if (open === null && !held) return { proposal: null, result: 'nothing', interlocks: [] }
  return { proposal: open, result: held ? 'held' : 'waits', interlocks: interlocksOf(step) }
}

function interlocksOf ({ vetoes, passed }: Step): Prospect['interlocks'] {
  return (Object.keys(INTERLOCKS) as VetoReason[]).map((name) => {
    const veto = vetoes.find(({ interlock }) => interlock === name)
    const overridden = passed.find(({ interlock }) => interlock === name)
    const found = veto ?? overridden
    return { name, verdict: veto !== undefined ? 'veto' as const : overridden !== undefined ? 'overridden' as const : 'pass' as const, sentence: found === undefined ? '' : `${VETOES[name]} (${found.detail})`, untilMs: found?.untilMs ?? null }
  })
}

function demandsNow (world: World, trunk: TrunkTopology, nowMs: EpochMs): Prospect['demands'] {
  const state = world.trunks.get(trunk.id)
  if (state === undefined) return []
  const health = trunkHealth(world, trunk, state, nowMs)
  const all = [...healthDemandsOf(trunk, health, rulesInForce(world), nowMs).demands, ...demandsOf(world.alertsByTrunk.get(trunk.id) ?? [], trunk, world.topology.rules)]
  return all.map((demand) => {
    const { rule, interface: key, evidence, alert } = demand
    return { rule, demand: demand.demand, interface: key, evidence, alert, confirmed: isConfirmed(demand, all, health) }
  })
}

function commandsOf (actions: readonly Action[]): readonly string[] {
  return actions.flatMap((action) => {
    if (action.kind === 'apply') return [`${action.desired} ${action.interface}`]
    if (action.kind === 'reregister') return [`reregister ${action.interface}`]
    return action.kind === 'observe' || action.kind === 'query' ? [] : [`${action.kind} at the registrar`]
  })
}

function withState (world: World, id: TrunkId, state: TrunkState): World {
  return { ...world, trunks: new Map([...world.trunks, [id, state]]) }
}

function inAutomatic (world: World, trunk: TrunkTopology): World {
  const rules = world.topology.rules.map((rule) => ({ ...rule, mode: null }))
  return { ...world, topology: { ...world.topology, rules, trunks: new Map([...world.topology.trunks, [trunk.id, { ...trunk, mode: 'automatic' as const }]]) } }
}

/** Interfaces whose last read is good and not stale, as if they had been read at this instant. */
function readNow (world: World, trunk: TrunkTopology, state: TrunkState, nowMs: EpochMs): TrunkState {
  const interfaces = trunk.interfaces.map((iface) => {
    const own = interfaceState(state, iface.key)
    const current = own.observed !== null && own.attempt?.reason === null && nowMs - own.observed.atMs <= staleAfterMs(gatewayOf(world.topology, iface).observe)
    return [iface.key, current && own.observed !== null ? { ...own, observed: { ...own.observed, atMs: nowMs }, attempt: { atMs: nowMs, reason: null } } : own] as const
  })
  return { ...state, interfaces: interfaceRecord(interfaces) }
}

/**
 * The world as it would be later (or earlier) if nothing happened meanwhile: what is known is as fresh as now, what has ended
 * or begun stays where it was. So windows, cooldowns, holds and expiries are judged at that instant.
 */
export function laterWorld (world: World, byMs: DurationMs): World {
  const later = (atMs: EpochMs): EpochMs => atMs + byMs
  const evidence = (own: Evidence): Evidence => own.atMs === null ? own : { ...own, atMs: later(own.atMs) }
  return {
    ...world,
    evidence: new Map([...world.evidence].map(([key, own]) => [key, evidence(own)])),
    trunks: new Map([...world.trunks].map(([id, state]) => [id, laterState(state, later)])),
    resyncedAtMs: world.resyncedAtMs === null ? null : later(world.resyncedAtMs),
    fleet: { ...world.fleet, watchdogAtMs: world.fleet.watchdogAtMs === null ? null : later(world.fleet.watchdogAtMs) }
  }
}

function laterState (state: TrunkState, later: (atMs: EpochMs) => EpochMs): TrunkState {
  const interfaces = Object.entries(state.interfaces).map(([key, own]) => [key, {
    ...own,
    observed: own.observed === null || own.silentSince ? own.observed : { ...own.observed, atMs: later(own.observed.atMs) },
    attempt: own.attempt === null ? null : { ...own.attempt, atMs: later(own.attempt.atMs) },
    // Whoever is silent is longer so.
    lastLifeAtMs: own.lastLifeAtMs === null || own.silentSince ? own.lastLifeAtMs : later(own.lastLifeAtMs)
  }] as const)
  const binding = state.binding === null ? null : { ...state.binding, atMs: later(state.binding.atMs) }
  return { ...state, interfaces: interfaceRecord(interfaces), binding, queriedAtMs: state.queriedAtMs === null ? null : later(state.queriedAtMs) }
}
