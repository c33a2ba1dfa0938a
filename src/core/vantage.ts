/**
 * Our own vantage point: when most of the world seems down at once, it is us. Canaries tell it apart: any of them up, and
 * the world is as it seems; all down, and nothing is. Without a word of theirs the share of silent targets decides.
 */
import { verdictAt } from './evidence.ts'
import { probeLimits } from './trunk-health.ts'
import type { EpochMs, ProbeId, Topology } from './topology.ts'
import type { World } from './world.ts'

/** Fewer distinct targets say nothing. */
const LEAST_TARGETS = 3

/** `doubt`: it may be blind, the next results tell; `blind`: nothing that we see can be trusted. */
export type Vantage = 'clear' | 'doubt' | 'blind'

export function judgeVantage (world: World, nowMs: EpochMs): { readonly vantage: Vantage; readonly detail: string } {
  const { canaries, interlocks } = world.topology
  const verdicts = canaries.map((id) => verdictAt(world.evidence.get(id), probeLimits(world.topology, id), nowMs, 0))
  if (canaries.length > 0 && verdicts.every((verdict) => verdict === 'down')) return { vantage: 'blind', detail: `none of ${canaries.length} canaries answers` }
  if (verdicts.includes('up')) {
    const failing = canaries.every((id) => (world.evidence.get(id)?.failures ?? 0) > 0)
    return { vantage: failing ? 'doubt' : 'clear', detail: 'no canary has answered its last probe' }
  }
  const targets = distinctTargets(world.topology)
  if (targets.length < LEAST_TARGETS) return { vantage: 'clear', detail: '' }
  const down = targets.filter((id) => verdictAt(world.evidence.get(id), probeLimits(world.topology, id), nowMs, 0) === 'down').length
  const failing = targets.filter((id) => isFailing(world, id, nowMs)).length
  const beyond = (count: number): boolean => count / targets.length > interlocks.panicShare
  return { vantage: beyond(down) ? 'blind' : beyond(failing) ? 'doubt' : 'clear', detail: `${beyond(down) ? down : failing} of ${targets.length} targets don't answer` }
}

function isFailing (world: World, id: ProbeId, nowMs: EpochMs): boolean {
  const evidence = world.evidence.get(id)
  return evidence !== undefined && evidence.everUp && evidence.failures > 0 && verdictAt(evidence, probeLimits(world.topology, id), nowMs, 0) !== 'unknown'
}

/** SIP addresses of gateways and carrier targets, each once, though several probes may ask the same. */
export function distinctTargets (topology: Topology): readonly ProbeId[] {
  const known = found.get(topology)
  if (known !== undefined) return known
  const targets = findTargets(topology)
  found.set(topology, targets)
  return targets
}

/** Each plan asks, and thousands of trunks are many to walk through. */
const found = new WeakMap<Topology, readonly ProbeId[]>()

function findTargets (topology: Topology): readonly ProbeId[] {
  const byUri = new Map<string, ProbeId>()
  for (const { interfaces } of topology.trunks.values()) {
    for (const { sipProbe, carrierProbe } of interfaces) {
      byUri.set(uriOf(sipProbe), sipProbe)
      if (carrierProbe !== null) byUri.set(uriOf(carrierProbe), carrierProbe)
    }
  }
  return [...byUri.values()]
}

function uriOf (id: ProbeId): string {
  return id.slice(id.indexOf(' ') + 1)
}
