/** Puts the parts of the engine together behind its one door (contract.ts). Imports only core and ports. */
import { fitState, fromDurable, isTrunkDocument } from '../core/durable.ts'
import { inTransition } from '../core/evidence.ts'
import { isNews } from '../core/observe.ts'
import { reportFacts, reportGateway, reportProbe, reportTrunk } from '../core/report.ts'
import type { GatewayStatus, ProbeFacts, ProbeStatus, ProbingStatus, StatusSurvey, Survey, TrunkFacts } from '../core/status.ts'
import type { DurationMs, EpochMs, GatewayId, Mode, ProbeId, Topology, TrunkId } from '../core/topology.ts'
import type { World } from '../core/world.ts'
import { watchdogArrived, watchdogChanged, watchdogLives } from '../core/watchdog.ts'
import type { AlertmanagerClient, Clock, Log, Metrics, ProbeOutcome, Random, Revision, SipClient, Store } from '../ports.ts'
import type { Engine } from './contract.ts'
import { createController } from './controller.ts'
import { listDecisions, readDecision, readJournal } from './decisions.ts'
import { createExecutor } from './executor.ts'
import { explain } from './explain.ts'
import type { GatewayLine } from './executor.ts'
import { createFleetDesk } from './fleet-desk.ts'
import { runHeartbeat } from './heartbeat.ts'
import type { HeartbeatSetup } from './heartbeat.ts'
import { createInbox } from './inbox.ts'
import { createObserver } from './observer.ts'
import { createOperator } from './operator.ts'
import { createQuerier } from './querier.ts'
import type { BindingChange, BindingQuery } from './querier.ts'
import { createResync } from './resync.ts'
import { createClockKeeper } from './stored-clock.ts'
import { watchClock } from './watched-clock.ts'
import { createWorldHolder } from './world-holder.ts'

/** What a configuration means to the engine. */
export interface EngineSetup {
  readonly mode: Mode
  readonly topology: Topology
  readonly gateways: readonly GatewayLine[]
  readonly queries: readonly BindingQuery[]
  readonly alertmanagers: readonly AlertmanagerClient[]
  readonly heartbeat: HeartbeatSetup | null
}

export interface EnginePorts {
  readonly clock: Clock
  readonly random: Random
  readonly store: Store
  readonly sip: SipClient
  readonly metrics: Metrics
  readonly log: Log
  readonly version: string
  /** Last result of a probe target, kept by the scheduler. */
  readonly probes: {
    last(): ReadonlyMap<ProbeId, ProbeFacts>
    state(): ProbingStatus
  }
}

/** The engine, and what its surroundings tell it. */
export interface RunningEngine extends Engine {
  /** @returns whether the target's verdict is about to turn */
  probed(id: ProbeId, outcome: ProbeOutcome, atMs: EpochMs): boolean
  /** Takes a new configuration; switchovers in flight are not touched. */
  replace(setup: EngineSetup): void
  /** Resolves when everything that is known now was planned and stored (tests). */
  settled(): Promise<void>
  /** Trunks with a switchover under way. */
  moving(): ReadonlySet<TrunkId>
  /** What every plan is made from: a view that follows, to look at (tests). */
  readonly world: World
}

/** So long after a step of the clock all trunks are stored. */
const STEP_STORED_MS = 10_000
/** The loop turns at least every 5 s; silent for longer than this it hangs. */
const HANGS_AFTER_MS = 30_000

/** What is told of one trunk. */
type Report<Trunk> = (...of: Parameters<typeof reportFacts>) => Trunk

export function createEngine (first: EngineSetup, ports: EnginePorts): RunningEngine {
  const { store, metrics, log } = ports
  const clock = watchClock(ports.clock, (byMs) => {
    log.warn({ byMs }, 'the clock was set')
    holder.clockSet(byMs)
    controller.clockSet(byMs)
    if (ready) storeStep(byMs)
  })
  const stopping = new AbortController()
  let setup = first
  let ready = false
  let everUp: ReadonlySet<string> = new Set()
  let work: Promise<unknown> = Promise.resolve()

  const holder = createWorldHolder(setup.topology)
  const executor = createExecutor({ clock, metrics, log: log.child({ component: 'executor' }) }, {
    observed: (gateway, result) => { controller.mark(holder.observed(gateway, result, clock.now())); keepFirstUps() },
    applied: (gateway, name, desired, end, decision) => {
      const owner = holder.world.trunks.get(holder.trunkOf(gateway, name) ?? '')
      const news = owner === undefined || isNews(owner, `${gateway}/${name}`, end)
      const trunks = holder.applied(gateway, name, desired, end, clock.now())
      if (news) noteOutcome(gateway, name, desired, end, decision)
      controller.mark(trunks)
    },
    conditioned: (gateway, condition) => { controller.mark(holder.conditioned(gateway, condition, clock.now())) },
    reregistered: (gateway, name, end, decision) => { noteOutcome(gateway, name, 'reregister', end, decision) }
  }, stopping.signal)
  const querier = createQuerier({ sip: ports.sip, clock, log: log.child({ component: 'querier' }) }, {
    // An answer speaks of the moment of its question: what changed while it was on its way is not in it.
    answered: (trunk, answer, askedAtMs) => { controller.mark(holder.answered(trunk, answer, Math.min(askedAtMs, clock.now()))) },
    changed: (change, answer, askedAtMs) => {
      const trunks = holder.rebound(change.trunk, change.decision, answer, Math.min(askedAtMs, clock.now()))
      noteRebinding(change, answer.kind)
      controller.mark(trunks)
    }
  }, stopping.signal)
  const clockKeeper = createClockKeeper({ store, clock: ports.clock, log: log.child({ component: 'clock' }) }, stopping.signal)
  const fleet = createFleetDesk(holder, { clock, store, log: log.child({ component: 'fleet' }) })
  const controller = createController(holder, fleet, executor, querier, { clock, random: ports.random, store, metrics, log: log.child({ component: 'controller' }) })
  const operator = createOperator(holder, fleet, controller, { store, clock })
  const observer = createObserver(executor, clock, stopping.signal)
  const inbox = createInbox({
    store,
    clock,
    random: ports.random,
    metrics,
    log: log.child({ component: 'inbox' }),
    topology: () => setup.topology,
    activeHistory: (trunk) => holder.world.trunks.get(trunk)?.activeHistory ?? [],
    join: controller.join,
    onChange: (trunks) => { controller.mark(trunks) },
    onDoubt: () => { resync.request() },
    onWatchdog: () => {
      holder.setFleet(watchdogArrived(holder.world.fleet, clock.now()))
      fleet.mark()
      controller.mark([])
    },
    watched: () => watchdogLives(holder.world, clock.now())
  })
  const resync = createResync({
    clients: () => setup.alertmanagers,
    reconcile: inbox.reconcile,
    onSuccess: (atMs) => {
      holder.setResynced(Math.min(atMs, clock.now()))
      controller.mark(inbox.alertsByTrunk().keys())
    },
    clock,
    metrics,
    log: log.child({ component: 'resync' })
  })

  const healthy = (): boolean => !ready || clock.monotonicMs() - controller.lastTurnMs() < HANGS_AFTER_MS

  const noteOutcome = (gateway: GatewayId, name: string, command: string, end: { readonly ok: boolean; readonly reason?: string; readonly detail?: string }, decision: string): void => {
    const trunk = holder.trunkOf(gateway, name)
    const data = { interface: `${gateway}/${name}`, command, result: end.ok ? 'done' : end.reason ?? 'failed', ...(end.ok ? {} : { detail: end.detail ?? '' }) }
    if (!end.ok) log.warn({ decision, ...data }, 'command failed')
    if (trunk !== null) controller.note(trunk, { decision, type: 'outcome', data })
  }

  /** What became of it by what is listed now; the answer itself, where there is nothing to be seen. */
  const noteRebinding = ({ trunk, changes, decision }: BindingChange, answer: string): void => {
    const outcome = holder.world.trunks.get(trunk)?.rebinding
    const kind = changes.some(({ expiresSeconds }) => expiresSeconds > 0) ? 'swap' : 'fence'
    const result = outcome?.decision === decision && answer === 'listed' ? outcome.outcome : answer
    metrics.increment('pointsman_binding_changes_total', { trunk, kind, result })
    controller.note(trunk, { decision, type: 'outcome', data: { interface: outcome?.outs.join(' ') ?? '', command: kind, result } })
  }

  /** Facts, not state: each is written once, and a conflict means that it is there. What can't be stored is tried again with the next result. */
  const keepFirstUps = (): void => {
    for (const key of holder.takeFirstUps()) {
      void store.commit([{ key: `ever-up/${key}`, value: true, expect: 0 }], []).then((result) => {
        if (result.ok || result.reason === 'conflict') return
        log.error({ key, detail: result.detail }, 'first answer of a probe not stored')
        holder.giveBackFirstUp(key)
      })
    }
  }

  /**
   * The trunks are stored with their new instants at once, and the clock in such an order that a crash in between makes what
   * is known look younger and never older: a proof may come late, not early.
   */
  const storeStep = (byMs: DurationMs): void => {
    controller.markAll()
    if (byMs < 0) void clockKeeper.keep()
    else void ports.clock.sleep(STEP_STORED_MS, stopping.signal).then(() => clockKeeper.keep())
  }

  const loadTrunks = async (): Promise<void> => {
    await clockKeeper.catchUp()
    const revisions = new Map<TrunkId, Revision>()
    for (const entry of await store.read('trunk/')) {
      const id = entry.key.slice('trunk/'.length)
      revisions.set(id, entry.revision)
      const trunk = setup.topology.trunks.get(id)
      if (!isTrunkDocument(entry.value)) throw new Error(`the stored state of trunk ${id} can't be read`)
      if (trunk !== undefined) holder.setTrunk(id, fromDurable(entry.value, trunk.interfaces.map((i) => i.key), clock.now()))
    }
    controller.load(revisions)
    fleet.load((await store.read('fleet')).find((entry) => entry.key === 'fleet'))
    everUp = new Set((await store.read('ever-up/')).map((entry) => entry.key.slice('ever-up/'.length)))
  }

  /** Trunks whose interfaces changed start with what is known of the interfaces that stay, and warm up. */
  const fitTrunks = (before: Topology): void => {
    for (const trunk of setup.topology.trunks.values()) {
      const state = holder.world.trunks.get(trunk.id)
      if (state === undefined) continue
      // New credentials may be the reason of the reload.
      if (JSON.stringify(before.trunks.get(trunk.id)) === JSON.stringify(trunk)) {
        holder.setTrunk(trunk.id, { ...state, queryRefused: false, rebindingRefused: false })
        continue
      }
      holder.setTrunk(trunk.id, fitState(state, trunk.interfaces.map((i) => i.key), clock.now()))
    }
  }

  const equip = (): void => {
    executor.update(setup.gateways)
    querier.update(setup.queries)
    observer.update(setup.gateways.map((line) => ({ id: line.id, intervalMs: setup.topology.gateways.get(line.id)?.observe.intervalMs ?? 10_000 })))
  }

  return {
    start: async () => {
      await loadTrunks()
      holder.setTopology(setup.topology, everUp, clock.now())
      await inbox.load()
      holder.followAlerts(inbox.alertsByTrunk())
      await operator.load()
      await clockKeeper.keep()
      equip()
      controller.markAll()
      work = Promise.all([controller.run(stopping.signal), resync.run(stopping.signal), runHeartbeat({ setup: () => setup.heartbeat, healthy, store, clock, metrics, log: log.child({ component: 'heartbeat' }) }, stopping.signal)])
      ready = true
      log.info({ trunks: setup.topology.trunks.size, gateways: setup.gateways.length, mode: setup.mode }, 'engine started')
    },
    stop: async () => {
      ready = false
      stopping.abort()
      await Promise.all([work, executor.idle(), querier.idle()])
    },
    replace: (next) => {
      const before = setup.topology
      setup = next
      holder.setTopology(setup.topology, everUp, clock.now())
      fitTrunks(before)
      if (JSON.stringify(before.watchdog) !== JSON.stringify(setup.topology.watchdog)) holder.setFleet(watchdogChanged(holder.world.fleet, clock.now()))
      inbox.topologyChanged()
      holder.followAlerts(inbox.alertsByTrunk())
      equip()
      resync.request()
      fleet.mark()
      controller.markAll()
    },
    probed: (id, outcome, atMs) => {
      const { trunks, turns } = holder.probed(id, outcome, Math.min(atMs, clock.now()))
      if (turns) fleet.mark()
      controller.mark(trunks)
      keepFirstUps()
      return inTransition(holder.world.evidence.get(id))
    },
    settled: () => controller.settled(),
    moving: () => holder.moving(),
    world: holder.world,
    ready: () => ready,
    storeProblem: () => store.problem(),
    healthy,
    receive: (body) => inbox.receive(body),
    operate: (command, actor, reason) => operator.operate(command, actor, reason),
    explain: (query) => explain(holder.world, inbox, query, clock.now()),
    decisions: (query) => listDecisions(store, query),
    decision: (id) => readDecision(store, id),
    journal: (filter) => readJournal(store, filter),
    status: () => {
      const { trunks, gateways, probes, ...rest } = survey()
      return { ...rest, trunks: [...trunks], gateways: [...gateways], probes: [...probes] }
    },
    survey,
    facts: () => surveyOf(reportFacts)
  }

  function survey (): StatusSurvey {
    return surveyOf(reportTrunk)
  }

  function surveyOf<Trunk extends TrunkFacts> (report: Report<Trunk>): Survey<Trunk> {
    const nowMs = clock.now()
    const { world } = holder
    return {
      version: ports.version,
      atMs: nowMs,
      mode: setup.mode,
      storeProblem: store.problem(),
      pauses: world.pauses.filter((pause) => pause.untilMs === null || pause.untilMs > nowMs),
      brake: world.fleet.brake,
      panicSinceMs: world.fleet.panicSinceMs,
      watchdog: setup.topology.watchdog === null ? null : { lastAtMs: world.fleet.watchdogAtMs, lostSinceMs: world.fleet.watchdogLostSinceMs },
      trunks: trunkStatuses(report, nowMs),
      gateways: gatewayStatuses(nowMs),
      probes: probeStatuses(nowMs),
      probing: ports.probes.state(),
      resyncedAtMs: world.resyncedAtMs,
      alerts: inbox.book().size
    }
  }

  function * trunkStatuses<Trunk> (report: Report<Trunk>, nowMs: EpochMs): Generator<Trunk> {
    const { world } = holder
    for (const trunk of setup.topology.trunks.values()) {
      const state = world.trunks.get(trunk.id)
      // A reload in the middle of a survey may take one away.
      if (state !== undefined && world.topology.trunks.get(trunk.id) === trunk) yield report(world, trunk, state, controller.heldOf(trunk.id), nowMs)
    }
  }

  function * gatewayStatuses (nowMs: EpochMs): Generator<GatewayStatus> {
    for (const gateway of setup.topology.gateways.values()) yield reportGateway(holder.world, gateway, holder.membersOf(gateway.id), nowMs)
  }

  function * probeStatuses (nowMs: EpochMs): Generator<ProbeStatus> {
    for (const id of setup.topology.probes.keys()) {
      if (holder.world.topology.probes.has(id)) yield reportProbe(holder.world, id, ports.probes.last().get(id) ?? null, nowMs)
    }
  }
}
