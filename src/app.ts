/** The composition root: the app as a value. Builds everything from a configuration, starts, reloads and stops it. */
import { createAlertmanagerClient } from './alertmanager/client.ts'
import { createStations } from './beacon/stations.ts'
import type { BeaconStations } from './beacon/stations.ts'
import { systemClock, systemRandom } from './clock.ts'
import type { Config } from './config/config.ts'
import { loadApart } from './config-loader.ts'
import { renderProblem } from './config/problems.ts'
import { refusedBefore } from './core/beacon.ts'
import { isTrunkDocument } from './core/durable.ts'
import { byHand, createDriver } from './drivers/registry.ts'
import { createEngine } from './engine/engine.ts'
import type { EngineSetup, RunningEngine } from './engine/engine.ts'
import type { GatewayLine } from './engine/executor.ts'
import { createExporter } from './exporter/exporter.ts'
import { keepJournal } from './engine/journal-keeper.ts'
import { watchStore } from './engine/store-watch.ts'
import { createHeartbeatClient } from './heartbeat/client.ts'
import type { ReloadResult } from './http/dependencies.ts'
import { createHttpServer } from './http/server.ts'
import { writeManual } from './manual/file.ts'
import { createMetrics } from './metrics/recorder.ts'
import type { Clock, Log, Random, Store } from './ports.ts'
import { createProbeHistory } from './probes/history.ts'
import { createProbeScheduler } from './probes/scheduler.ts'
import { createSipClient } from './sip/client.ts'
import { createSqliteStore } from './store/sqlite-store.ts'
import { createUnavailableStore } from './store/unavailable-store.ts'

export interface AppPorts {
  readonly log: Log
  readonly version: string
  readonly clock?: Clock
  readonly random?: Random
}

export interface App {
  /**
   * Opens the store, starts probing, then listens. With a store that can't be used it observes and sends nothing: a store is
   * never taken for empty. @throws when another process uses the store, or the address can't be had
   */
  start(): Promise<void>
  /** Stops listening, lets what is under way end, closes everything. */
  stop(): Promise<void>
  /** Loads the file again: everything that can fail first, then the swap. What is in flight is not touched. */
  reload(): Promise<ReloadResult>
  /** Where it listens. */
  address(): { readonly host: string; readonly port: number }
}

/** Builds the app; opens nothing yet. */
export function createApp (first: Config, ports: AppPorts): App {
  const clock = ports.clock ?? systemClock
  const random = ports.random ?? systemRandom
  const { log } = ports
  const metrics = createMetrics({ version: ports.version, clock })
  const sip = createSipClient({ clock, random })
  const stations = createStations({ clock, random, metrics, log: log.child({ component: 'beacon' }) })
  const history = createProbeHistory()
  const closers: (() => Promise<void>)[] = []
  let config = first
  /** Nothing is known of what was decided before: only watch. */
  let onlyObserves = false
  let setup = equip(config, { clock, random, stations })
  let engine: RunningEngine | null = null
  let address = { host: config.web.host, port: config.web.port }

  const scheduler = createProbeScheduler({ sip, clock, random, metrics, log: log.child({ component: 'probes' }) }, (id, outcome, atMs) => {
    history.add(id, outcome, atMs, false)
    return engine?.probed(id, outcome, atMs) ?? false
  })
  const exporter = createExporter(config, { sip, clock, history, tracing: (trace) => createSipClient({ clock, random, trace }) })

  let isStopping = false
  /** One after the other, so that the last one asked for is the one that stays; the manual is written in turn with them. */
  let reloading: Promise<unknown> = Promise.resolve()
  const reload = (): Promise<ReloadResult> => {
    const reloaded = reloading.then(reloadNow)
    reloading = reloaded.catch(() => {})
    return reloaded
  }
  const reloadNow = async (): Promise<ReloadResult> => {
    const result = await loadApart(config.file)
    // Reading takes seconds: what has ended meanwhile must not begin again.
    if (!result.ok || engine === null || isStopping) {
      const problems = result.ok ? ['Pointsman is not running'] : result.problems.map((problem) => renderProblem(config.file, problem))
      metrics.configLoaded(false, clock.now())
      log.error({ problems }, 'configuration not taken, the old one stays in force')
      return { ok: false, problems }
    }
    const next = equip(result.config, { clock, random, stations, onlyObserves })
    const old = setup
    config = result.config
    setup = next
    engine.replace(next)
    scheduler.update(config.probes)
    history.keep(config.topology.probes.keys())
    exporter.update(config)
    metrics.configLoaded(true, clock.now())
    log.info({ trunks: config.topology.trunks.size }, 'configuration taken')
    await closeDrivers(old.gateways)
    await writeManual(config, byHand, log)
    return { ok: true }
  }

  const standIn = (detail: string): Store => {
    log.error({ detail }, 'store unusable: nothing is stored, nothing is sent, mode observe until a restart')
    onlyObserves = true
    setup = { ...setup, ...observing(setup) }
    return createUnavailableStore(`${detail}; repair or replace it, then restart`)
  }
  const openStore = async (): Promise<Store> => {
    const opened = await createSqliteStore({ path: config.storePath, clock, metrics })
    if (opened.ok) return opened.store
    if (opened.reason === 'locked') throw new Error(opened.detail)
    return standIn(opened.detail)
  }
  const startEngine = async (store: Store): Promise<RunningEngine> => {
    const made = createEngine(setup, { clock, random, store, sip, metrics, log, version: ports.version, probes: scheduler })
    await made.start()
    return made
  }
  /** What stands in the file may be unreadable though the file is sound. */
  const startOn = async (store: Store): Promise<{ readonly engine: RunningEngine; readonly store: Store }> => {
    try {
      return { engine: await startEngine(store), store }
    } catch (error) {
      await store.close()
      const substitute = standIn(`${config.storePath}: ${error instanceof Error ? error.message : String(error)}`)
      return { engine: await startEngine(substitute), store: substitute }
    }
  }

  return {
    start: async () => {
      closers.push(() => sip.close(), () => closeDrivers(setup.gateways))
      const opened = await openStore()
      // Before all else: a standby that finds nobody goes to the carrier.
      await stations.start(await refusingBeacons(config, opened))
      const started = await startOn(opened)
      const { store } = started
      engine = started.engine
      closers.push(() => store.close(), () => started.engine.stop())
      const http = createHttpServer({ engine, get users () { return config.users }, metrics, exporter, history, beacons: stations.list, log: log.child({ component: 'http' }), clock, reload })
      scheduler.start(config.probes)
      const keeping = new AbortController()
      const kept = keepJournal({ store, clock, log: log.child({ component: 'journal' }), limits: () => config.journal, isMoving: () => engine !== null && engine.moving().size > 0 }, keeping.signal)
      const watched = watchStore({ store, clock, log: log.child({ component: 'store' }) }, keeping.signal)
      closers.push(async () => { keeping.abort(); await Promise.all([kept, watched]) })
      closers.push(() => scheduler.stop())
      metrics.configLoaded(true, clock.now())
      address = await http.listen(config.web.host, config.web.port).then((bound) => ({ host: bound.address, port: bound.port }))
      closers.push(() => http.close(), async () => { exporter.stop() })
      log.info(address, 'listening')
      const written = reloading.then(() => writeManual(config, byHand, log))
      reloading = written
      await written
    },
    stop: async () => {
      isStopping = true
      for (let close = closers.pop(); close !== undefined; close = closers.pop()) await close()
    },
    reload,
    address: () => address
  }
}

/** Drivers and clients of one configuration. */
function equip (config: Config, { clock, random, stations, onlyObserves = false }: { readonly clock: Clock; readonly random: Random; readonly stations: BeaconStations; readonly onlyObserves?: boolean }): EngineSetup {
  const interfaces = Map.groupBy([...config.topology.trunks.values()].flatMap((trunk) => trunk.interfaces), ({ gateway }) => gateway)
  const setup: EngineSetup = {
    mode: config.mode,
    topology: config.topology,
    gateways: config.gateways.map((gateway) => ({
      id: gateway.id,
      driver: createDriver(gateway.driver, gateway.settings, { clock, random, station: () => stations.of(gateway.id) }),
      timeoutMs: gateway.timeoutMs,
      interfaces: (interfaces.get(gateway.id) ?? []).map(({ name }) => name)
    })),
    queries: config.bindings,
    alertmanagers: config.alertmanagers.map((alertmanager) => createAlertmanagerClient(alertmanager)),
    heartbeat: config.heartbeat === null ? null : { client: createHeartbeatClient(config.heartbeat.url), intervalMs: config.heartbeat.intervalMs }
  }
  return onlyObserves ? { ...setup, ...observing(setup) } : setup
}

/** Gateways whose beacon refused by the stored state. What can't be read refuses nobody. */
async function refusingBeacons ({ topology }: Config, store: Store): Promise<ReadonlySet<string>> {
  const stored = new Map((await store.read('trunk/').catch(() => [])).map(({ key, value }) => [key.slice('trunk/'.length), value]))
  return new Set([...topology.trunks.values()].flatMap(({ id, interfaces }) => {
    const document = stored.get(id)
    return isTrunkDocument(document) ? interfaces.filter(({ key }) => refusedBefore(document, key)).map(({ gateway }) => gateway) : []
  }))
}

/** Every trunk in mode observe, whatever the file says. */
function observing ({ topology }: EngineSetup): Pick<EngineSetup, 'mode' | 'topology'> {
  return { mode: 'observe', topology: { ...topology, trunks: new Map([...topology.trunks].map(([id, trunk]) => [id, { ...trunk, mode: 'observe' }])) } }
}

async function closeDrivers (gateways: readonly GatewayLine[]): Promise<void> {
  await Promise.all(gateways.map((gateway) => gateway.driver.close()))
}
