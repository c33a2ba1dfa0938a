/** How far the monitoring, and our own view of the world, can be believed. */
import { isWarm } from '../trunk-health.ts'
import { refuse } from './judgement.ts'
import type { Interlock } from './judgement.ts'

/** Alert evidence is fresh while a resync succeeded within three minutes. */
const RESYNC_FRESH_MS = 180_000

export const freeze: Interlock = ({ world, proposal, nowMs }) => {
  if (proposal.cause !== 'alert' || !world.topology.resyncs) return null
  if (world.resyncedAtMs !== null && nowMs - world.resyncedAtMs < RESYNC_FRESH_MS) return null
  return refuse(world.resyncedAtMs === null ? 'no Alertmanager has answered yet' : 'no Alertmanager has answered for three minutes')
}

export const warmUp: Interlock = ({ world, trunk, state, nowMs }) =>
  isWarm(world, trunk, state, nowMs) ? null : refuse('waiting for the first verdicts', state.warmSinceMs + world.topology.interlocks.warmupMs)

export const confirm: Interlock = ({ proposal, health }) => {
  if (proposal.cause !== 'alert') return null
  const verdict = health.get(proposal.from ?? '')?.verdict
  const confirmed = proposal.demands.some((d) => d.startsNew && (d.evidence === 'none' || verdict === 'down'))
  return confirmed ? null : refuse(`${proposal.from ?? 'no interface'} is ${verdict ?? 'unknown'} by its own evidence`)
}
