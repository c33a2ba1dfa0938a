/** The watchdog: an alert that always fires. Its silence shows that the monitoring is dead. */
import type { EpochMs, Rule } from './topology.ts'
import type { FleetState, World } from './world.ts'

/** A firing alert of the watchdog has arrived. */
export function watchdogArrived (fleet: FleetState, atMs: EpochMs): FleetState {
  return { ...fleet, watchdogAtMs: atMs, watchdogFromMs: atMs }
}

/** Another watchdog since a reload: it gets its time to arrive. */
export function watchdogChanged (fleet: FleetState, atMs: EpochMs): FleetState {
  return { ...fleet, watchdogAtMs: null, watchdogFromMs: atMs, watchdogLostSinceMs: null }
}

/** Only a living watchdog shows that an alert's absence means something. */
export function watchdogLives (world: World, nowMs: EpochMs): boolean {
  const { watchdog } = world.topology
  const { watchdogAtMs, watchdogLostSinceMs } = world.fleet
  return watchdog === null || (watchdogLostSinceMs === null && watchdogAtMs !== null && nowMs - watchdogAtMs < watchdog.timeoutMs)
}

const OWN_EYES: Rule = { name: 'watchdog', match: null, when: { downForMs: 0 }, target: { trunk: null, gateway: null, interface: null }, demand: 'disable', evidence: 'probe', mode: null }

/** While it is lost and `probes` is asked for, what is down by its own evidence is demanded off, as if a rule said so. */
export function rulesInForce ({ topology, fleet }: World): readonly Rule[] {
  const alone = topology.watchdog?.whenLost === 'probes' && fleet.watchdogLostSinceMs !== null
  return alone ? [...topology.rules, OWN_EYES] : topology.rules
}
