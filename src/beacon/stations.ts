/**
 * The beacons of this process. A beacon outlives a reload: its sockets stay open where their addresses stay, and what it
 * knows of its standby stays in any case. Nothing listens before `start`.
 */
import { newBeacon, observeBeacon, turned } from '../core/beacon.ts'
import type { BeaconSettings, BeaconStation, Clock, ListenAddress, Log, Metrics, Random } from '../ports.ts'
import { createAgent } from './agent.ts'
import type { Agent, AgentMemory } from './agent.ts'
import { openListener } from './listener.ts'
import type { Listener } from './listener.ts'

export interface BeaconStations {
  /** The station of a gateway; made when it is asked for first. */
  of (gateway: string): BeaconStation
  /** All that are configured. */
  list (): readonly { readonly gateway: string; readonly refuses: boolean }[]
  /** Opens the sockets. @param refusing - gateways whose beacon refused when the state was stored */
  start (refusing: ReadonlySet<string>): Promise<void>
}

export interface StationPorts {
  readonly clock: Clock
  readonly random: Random
  readonly metrics: Metrics
  readonly log: Log
}

/** An address that can't be had is tried again. */
const RETRY_MS = 5_000

interface Station extends BeaconStation {
  isConfigured (): boolean
  start (refuses: boolean): Promise<void>
}

export function createStations (ports: StationPorts): BeaconStations {
  const stations = new Map<string, Station>()
  let refusing: ReadonlySet<string> | null = null
  return {
    of: (gateway) => {
      const known = stations.get(gateway)
      if (known !== undefined) return known
      const station = createStation(gateway, ports)
      stations.set(gateway, station)
      if (refusing !== null) void station.start(refusing.has(gateway))
      return station
    },
    list: () => [...stations].filter(([, station]) => station.isConfigured()).map(([gateway, station]) => ({ gateway, refuses: station.refuses() })),
    start: async (before) => {
      refusing = before
      await Promise.all([...stations].map(([gateway, station]) => station.start(before.has(gateway))))
    }
  }
}

const nameOf = ({ transport, host, port }: ListenAddress): string => `${transport}:${host.includes(':') ? `[${host}]` : host}:${port}`

function createStation (gateway: string, { clock, random, metrics, log }: StationPorts): Station {
  const memory: AgentMemory = { state: newBeacon(false, clock.now()) }
  const listeners = new Map<string, Listener>()
  const failures = new Map<string, string>()
  let settings: BeaconSettings | null = null
  let agent: Agent | null = null
  let isStarted = false
  let isConfigured = false
  let lease = 0
  let cancelRetry = (): void => { /* none is planned */ }
  let work: Promise<void> = Promise.resolve()

  const open = async (at: ListenAddress): Promise<void> => {
    const name = nameOf(at)
    try {
      listeners.set(name, await openListener(at, {
        clock,
        agent: () => agent ?? { answer: () => ({ response: null, result: 'other', authenticated: false }) },
        count: (result) => { metrics.increment('pointsman_beacon_requests_total', { gateway, result }) }
      }))
      failures.delete(name)
      log.info({ gateway, listen: name }, 'beacon listens')
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? 'unknown error'
      if (failures.get(name) !== code) log.error({ gateway, listen: name, code }, 'beacon can\'t listen, tried again')
      failures.set(name, code)
    }
  }
  /** Brings the sockets to what is configured. */
  const settle = async (): Promise<void> => {
    cancelRetry()
    const wanted = new Map((isStarted && isConfigured ? settings?.listen ?? [] : []).map((at) => [nameOf(at), at]))
    for (const [name, listener] of listeners) {
      if (wanted.has(name)) continue
      listeners.delete(name)
      await listener.close()
    }
    for (const name of failures.keys()) if (!wanted.has(name)) failures.delete(name)
    for (const [name, at] of wanted) if (!listeners.has(name)) await open(at)
    if (failures.size > 0) cancelRetry = clock.after(RETRY_MS, request)
  }
  const request = (): void => { work = work.then(settle) }

  return {
    configure: (next) => {
      settings = next
      agent = createAgent(next, memory, { clock, random })
      lease += 1
      const mine = lease
      isConfigured = true
      if (isStarted) request()
      return async () => {
        // A newer configuration has it.
        if (mine !== lease) return
        isConfigured = false
        // Whoever has it next begins anew.
        memory.state = newBeacon(false, clock.now())
        request()
        await work
      }
    },
    turn: (refuses) => {
      if (memory.state.refuses !== refuses) log.info({ gateway, refuses }, 'beacon turned')
      memory.state = turned(memory.state, refuses, clock.now())
    },
    isConfigured: () => isConfigured,
    refuses: () => memory.state.refuses,
    look: () => {
      if (settings === null || listeners.size === 0) return { ok: false, detail: [...failures].map(([name, code]) => `${name}: ${code}`).join(', ') || 'it does not listen yet' }
      return { ok: true, observation: observeBeacon(memory.state, settings, clock.now()) }
    },
    addresses: () => [...listeners.values()].map(({ at }) => at),
    start: async (refuses) => {
      memory.state = newBeacon(refuses, clock.now())
      isStarted = true
      request()
      await work
    }
  }
}
