/** The targets of a validated file: what is watched without moving anything. */
import type { ProbeId } from '../core/topology.ts'
import type { ProbeConfig, ProbeModule, TargetConfig } from './config.ts'
import { probeAt } from './probe-module.ts'
import type { ConfigFile } from './schema.ts'

export interface NormalizedTargets {
  readonly targets: readonly TargetConfig[]
  /** Those that Pointsman probes by itself, each once; a trunk's own probe is not among them. */
  readonly probes: readonly ProbeConfig[]
}

/** @param evidence - the trunks' probes: a target among them is probed once, for both */
export function normalizeTargets (file: ConfigFile, modules: ReadonlyMap<string, ProbeModule>, evidence: readonly ProbeConfig[]): NormalizedTargets {
  const known = new Set<ProbeId>(evidence.map(({ id }) => id))
  const probes = new Map<ProbeId, ProbeConfig>()
  const targets = file.targets.map((each): TargetConfig => {
    const module = modules.get(each.probe)
    if (module === undefined) throw new Error(`the probe ${each.probe} passed the checks`)
    const probe = probeAt(module, each.uri, false)
    if (!each.on_demand && !known.has(probe.id)) probes.set(probe.id, probe)
    return { probe: probe.id, module: probe.module, uri: probe.target.uri, labels: each.labels, onDemand: each.on_demand }
  })
  return { targets, probes: [...probes.values()] }
}

/** Always evidence: everything hangs on them. */
export function normalizeCanaries (file: ConfigFile, modules: ReadonlyMap<string, ProbeModule>): readonly ProbeConfig[] {
  return file.canaries.map(({ uri, probe }) => {
    const module = modules.get(probe)
    if (module === undefined) throw new Error(`the probe ${probe} passed the checks`)
    return probeAt(module, uri, true)
  })
}
