/** How far the monitoring, and our own view of the world, can be believed. */
import { freezeOf, isConfirmed } from '../demands.ts'
import { isWarm } from '../trunk-health.ts'
import { watchdogLives } from '../watchdog.ts'
import type { SwitchoverCause } from '../world.ts'
import { refuse } from './judgement.ts'
import type { Interlock, Judgement, Refusal } from './judgement.ts'

/** Alert evidence is fresh while a resync succeeded within three minutes. */
const RESYNC_FRESH_MS = 180_000

export const freeze: Interlock = (judgement) => frozenByRule(judgement) ?? frozenByMonitoring(judgement)

/** A pin is a person's word against a rule's. */
function frozenByRule ({ state, demands, proposal }: Judgement): Refusal | null {
  const demand = freezeOf(demands)
  if (demand === undefined || (proposal.byOperator && state.request?.verb === 'pin')) return null
  return refuse(`the rule ${demand.rule} freezes the trunk while the alert ${demand.alert?.name ?? ''} fires`)
}

/** What was decided from alerts, or from their absence. */
const FROM_ALERTS: ReadonlySet<SwitchoverCause> = new Set(['alert', 'prefer', 'failback'])

/** A lost watchdog blocks what alerts start and what their end allows. Without one, a fresh resync takes its place. */
function frozenByMonitoring ({ world, proposal, nowMs }: Judgement): Refusal | null {
  const { fleet, topology } = world
  if (topology.watchdog !== null && fleet.watchdogLostSinceMs !== null && FROM_ALERTS.has(proposal.cause) && !proposal.byOperator) {
    return refuse(`the watchdog's alert is missing since ${fleet.watchdogAtMs === null ? 'the start' : new Date(fleet.watchdogAtMs).toISOString()}`)
  }
  // The end of an alert has to be believed, too, where rules use alerts.
  const returns = proposal.cause === 'failback' && !proposal.byOperator && topology.rules.some((rule) => rule.match !== null)
  if (returns && topology.watchdog === null && !topology.resyncs) return refuse('nobody can be asked whether the alerts are over')
  const needsAlerts = returns || proposal.cause === 'alert' || proposal.cause === 'prefer'
  if (!needsAlerts || !topology.resyncs || (topology.watchdog !== null && watchdogLives(world, nowMs))) return null
  if (world.resyncedAtMs !== null && nowMs - world.resyncedAtMs < RESYNC_FRESH_MS) return null
  return refuse(world.resyncedAtMs === null ? 'no Alertmanager has answered yet' : 'no Alertmanager has answered for three minutes')
}

export const warmUp: Interlock = ({ world, trunk, state, nowMs }) =>
  isWarm(world, trunk, state, nowMs) ? null : refuse('waiting for the first verdicts', state.warmSinceMs + world.topology.interlocks.warmupMs)

export const confirm: Interlock = ({ proposal, demands, health }) => {
  if (proposal.cause !== 'alert') return null
  const verdict = health.get(proposal.from ?? '')?.verdict
  const confirmed = proposal.demands.some((d) => d.startsNew && isConfirmed(d, demands, health))
  return confirmed ? null : refuse(`${proposal.from ?? 'no interface'} is ${verdict ?? 'unknown'} by its own evidence`)
}
