/** Trunks of a validated file, with the probes and binding queries that they need. */
import { strictest } from '../core/mode.ts'
import type { BindingQuerySettings, Failback, InterfaceTopology, Mode, ProbeId, Registration, TrunkId, TrunkTopology } from '../core/topology.ts'
import { ms } from './check-gateways.ts'
import type { BindingConfig, ProbeConfig, ProbeModule } from './config.ts'
import { contactPattern } from './contact.ts'
import { capabilitiesOf, type DriverRegistry } from './kinds.ts'
import type { Surroundings } from './normalize.ts'
import { canonical, probeAt } from './probe-module.ts'
import type { ConfigFile, InterfaceFile, TrunkFile } from './schema.ts'
import type { RegisterProbeFile } from './schema-probes.ts'
import { sourcesOf } from './secrets.ts'
import { parseDailyWindow, systemTimezone } from './time-of-day.ts'

export interface NormalizedTrunks {
  readonly trunks: ReadonlyMap<TrunkId, TrunkTopology>
  /** Each target once, however many interfaces share it. */
  readonly probes: readonly ProbeConfig[]
  readonly bindings: readonly BindingConfig[]
}

export function normalizeTrunks (file: ConfigFile, modules: ReadonlyMap<string, ProbeModule>, around: Pick<Surroundings, 'directory' | 'registry'>): NormalizedTrunks {
  const probes = new Map<ProbeId, ProbeConfig>()
  const addProbe = (name: string, uri: string): ProbeId => {
    const module = modules.get(name)
    if (module === undefined) throw new Error(`the probe ${name} passed the checks`)
    const probe = probeAt(module, uri, true)
    probes.set(probe.id, probe)
    return probe.id
  }
  const trunks = Object.entries(file.trunks).map(([id, trunk]): TrunkTopology => ({
    id,
    type: trunk.type === 'shared' ? 'shared' : 'exclusive',
    mode: effectiveMode(file.mode, trunk.mode),
    interfaces: trunk.interfaces.map((each) => normalizeInterface(file, each, addProbe, around.registry)),
    registration: normalizeRegistration(file, trunk),
    failback: normalizeFailback(trunk),
    emergency: trunk.emergency,
    minEnabled: trunk.min_enabled
  }))
  const bindings = Object.entries(file.trunks).flatMap(([id, trunk]) => bindingConfig(file, id, trunk, modules, around))
  return { trunks: new Map(trunks.map((trunk) => [trunk.id, trunk])), probes: [...probes.values()], bindings }
}

function normalizeFailback ({ type, failback }: TrunkFile): Failback {
  // To put an interface in beside the others costs nobody his calls.
  const { policy = type === 'shared' ? 'automatic' : 'manual', window, timezone, drain } = failback
  const times = window === undefined ? null : parseDailyWindow(window)
  return {
    policy,
    window: times === null ? null : { ...times, timezone: timezone ?? systemTimezone() },
    drainMs: drain === undefined ? null : ms(drain)
  }
}

/** A trunk can only be more careful than the whole. */
function effectiveMode (global: Mode, own: Mode | undefined): Mode {
  return strictest(global, own ?? global)
}

function normalizeInterface ({ gateways }: ConfigFile, file: InterfaceFile, addProbe: (module: string, uri: string) => ProbeId, registry: DriverRegistry): InterfaceTopology {
  const gateway = gateways[file.gateway]
  const capabilities = capabilitiesOf(registry, gateway ?? null, file.interface)
  if (capabilities === null) throw new Error(`the interface ${file.gateway}/${file.interface} passed the checks`)
  return {
    key: `${file.gateway}/${file.interface}`,
    gateway: file.gateway,
    name: file.interface,
    sipProbe: addProbe(file.probe, file.sip),
    carrierProbe: file.carrier === undefined ? null : addProbe(file.probe, file.carrier),
    contact: contactPattern(file.contact),
    capabilities,
    registersWithinMs: gateway?.registers_within === undefined ? capabilities.registersWithinMs : ms(gateway.registers_within)
  }
}

/** Of a shared trunk nothing has to be proven. */
const COEXISTS = { onSecond: 'coexist', expiresMs: 0, query: null, unproven: 'page', fencing: false, handover: 'separate' } as const

function normalizeRegistration (file: ConfigFile, trunk: TrunkFile): Registration {
  const { auth, on_second: onSecond = 'reject', expires = '', unproven = 'page', fencing = false, handover = 'separate' } = trunk.registration ?? { auth: 'register' as const }
  if (trunk.type === 'shared') return { ...COEXISTS, auth }
  return { auth, onSecond, expiresMs: ms(expires), query: querySettings(file, trunk), unproven, fencing, handover }
}

function querySettings (file: ConfigFile, trunk: TrunkFile): BindingQuerySettings | null {
  const { query, expires = '' } = trunk.registration ?? {}
  if (query === undefined) return null
  const probe = file.probes[query] as RegisterProbeFile
  // A binding must be seen twice in its lifetime, whatever the file says.
  const intervalMs = Math.min(ms(probe.interval), Math.floor(ms(expires) / 2))
  return { registrar: registrarOf(trunk), intervalMs, doubtIntervalMs: Math.min(ms(probe.doubt_interval), intervalMs) }
}

function bindingConfig (file: ConfigFile, id: TrunkId, trunk: TrunkFile, modules: ReadonlyMap<string, ProbeModule>, { directory }: Pick<Surroundings, 'directory'>): readonly BindingConfig[] {
  const { query, aor } = trunk.registration ?? {}
  if (query === undefined) return []
  const probe = file.probes[query] as RegisterProbeFile
  const module = modules.get(query)
  if (module?.request.credentials === undefined || aor === undefined) throw new Error(`the query of trunk ${id} passed the checks without an account`)
  const target = { ...module.sender, uri: registrarOf(trunk), aor: canonical(aor) }
  return [{ trunk: id, target, credentials: module.request.credentials, sources: sourcesOf(probe, directory), timeoutMs: ms(probe.timeout) }]
}

function registrarOf (trunk: TrunkFile): string {
  return canonical(trunk.registration?.registrar ?? trunk.interfaces[0]?.carrier ?? '')
}
