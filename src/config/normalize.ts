/** A validated file → the configuration that the program reads: names resolved, durations in milliseconds, frozen. */
import { isAbsolute, join } from 'node:path'
import { type Matcher, parseMatcher } from '../core/labels.ts'
import type { GatewayTopology, InterlockSettings, Rule, Thresholds } from '../core/topology.ts'
import { type Allowed, parseHostPort, parseHttpUrl, parseNetwork } from './address.ts'
import { ms } from './check-gateways.ts'
import type { AlertmanagerConfig, Config, GatewayConfig, UserConfig } from './config.ts'
import type { DriverRegistry } from './kinds.ts'
import { createSecret } from '../secret.ts'
import { normalizeCanaries, normalizeTargets } from './normalize-targets.ts'
import { normalizeTrunks } from './normalize-trunks.ts'
import { probeModules } from './probe-module.ts'
import { type References, secretOf } from './references.ts'
import { type ConfigFile, GatewayKeys, type GatewayFile, type HeartbeatFile, type InterlocksFile, type RuleFile } from './schema.ts'
import { sourcesOf } from './secrets.ts'

/** What the file's text doesn't say. */
export interface Surroundings {
  /** The configuration file as it was named. */
  readonly file: string
  /** Its folder, absolute. */
  readonly directory: string
  readonly registry: DriverRegistry
  readonly references: References
}

/** @param file - without errors; anything else is a bug and throws */
export function normalize (file: ConfigFile, around: Surroundings): Config {
  const modules = probeModules(file, around.references)
  const { probes: evidence, bindings, trunks } = normalizeTrunks(file, modules, around)
  const { targets, probes: watched } = normalizeTargets(file, modules, evidence)
  const canaries = normalizeCanaries(file, modules)
  const trunkProbes = new Set(evidence.map(({ id }) => id))
  const beside = [...new Map([...watched, ...canaries.filter(({ id }) => !trunkProbes.has(id))].map((probe) => [probe.id, probe])).values()]
  const probes = [...evidence, ...beside]
  return deepFreeze({
    file: around.file,
    mode: file.mode,
    topology: {
      gateways: new Map(Object.entries(file.gateways).map(([id, gateway]) => [id, gatewayTopology(id, gateway)])),
      trunks,
      probes: new Map(probes.map(({ id, thresholds }) => [id, thresholds])),
      rules: file.rules.map(normalizeRule),
      interlocks: normalizeInterlocks(file.interlocks),
      resyncs: file.alertmanagers.length > 0,
      canaries: canaries.map(({ id }) => id),
      watchdog: file.watchdog === undefined ? null : { match: file.watchdog.match.map(matcherOf), timeoutMs: ms(file.watchdog.timeout), whenLost: file.watchdog.then }
    },
    gateways: Object.entries(file.gateways).map(([id, gateway]) => gatewayConfig(id, gateway, around)),
    probes,
    // Nobody but Pointsman itself may have a REGISTER sent.
    modules: new Map([...modules].filter(([, { request }]) => request.method === 'OPTIONS')),
    targets,
    exporter: { allow: file.exporter.allow.map(allowedOf), timeoutOffsetMs: ms(file.exporter.timeout_offset) },
    bindings,
    alertmanagers: file.alertmanagers.map((each, index) => alertmanagerConfig(each, ['alertmanagers', index], around.references)),
    users: file.web.users.map((user, index) => userConfig(user, ['web', 'users', index], around.references)),
    heartbeat: normalizeHeartbeat(file.heartbeat, around.references),
    web: normalizeListen(file.web.listen),
    journal: { keepMs: ms(file.journal.keep), maxRecords: file.journal.max_records },
    storePath: isAbsolute(file.store.path) ? file.store.path : join(around.directory, file.store.path)
  })
}

function gatewayTopology (id: string, gateway: GatewayFile): GatewayTopology {
  const { interval, fall, rise } = gateway.observe
  const observe: Thresholds = { fall, rise, intervalMs: ms(interval), timeoutMs: ms(gateway.timeout) }
  return {
    id,
    driver: gateway.driver,
    observe
  }
}

function gatewayConfig (id: string, gateway: GatewayFile, { references, directory }: Surroundings): GatewayConfig {
  const own = Object.entries(gateway).filter(([key]) => !Object.hasOwn(GatewayKeys, key) && !/_(?:file|env)$/.test(key))
  const settings = { ...Object.fromEntries(own), ...Object.fromEntries(references(['gateways', id])) }
  return { id, driver: gateway.driver, settings, sources: sourcesOf(gateway, directory), timeoutMs: ms(gateway.timeout) }
}

function alertmanagerConfig (file: ConfigFile['alertmanagers'][number], path: readonly (string | number)[], references: References): AlertmanagerConfig {
  const url = parseHttpUrl(file.url)
  if (!url.ok) throw new Error('an Alertmanager without a valid URL passed the checks')
  const resolved = references(path)
  return {
    url: url.value.href.replace(/\/+$/, ''),
    username: file.username ?? null,
    password: secretOf(resolved, 'password'),
    token: secretOf(resolved, 'token')
  }
}

function userConfig (file: ConfigFile['web']['users'][number], path: readonly (string | number)[], references: References): UserConfig {
  const resolved = references(path)
  return { name: file.name, role: file.role, password: secretOf(resolved, 'password'), token: secretOf(resolved, 'token') }
}

function normalizeRule (rule: RuleFile): Rule {
  const { trunk = null, gateway = null, interface: name = null } = rule.target ?? {}
  return {
    name: rule.name,
    match: rule.match?.map(matcherOf) ?? null,
    when: rule.when === undefined ? null : { downForMs: ms(rule.when.for) },
    mode: rule.mode ?? null,
    target: { trunk, gateway, interface: name },
    demand: rule.demand,
    evidence: rule.evidence ?? 'probe'
  }
}

function matcherOf (text: string): Matcher {
  const parsed = parseMatcher(text)
  if (!parsed.ok) throw new Error(`a matcher passed the checks: ${parsed.message}`)
  return parsed.matcher
}

function normalizeHeartbeat (file: HeartbeatFile | undefined, references: References): Config['heartbeat'] {
  if (file === undefined) return null
  const url = file.url === undefined ? secretOf(references(['heartbeat']), 'url') : createSecret(file.url)
  if (url === null) throw new Error('a heartbeat passed the checks without a URL')
  return { url, intervalMs: ms(file.interval) }
}

function normalizeInterlocks (file: InterlocksFile): InterlockSettings {
  return {
    warmupMs: ms(file.warmup),
    cooldownMs: ms(file.cooldown),
    spacingMs: file.spacing.map(ms),
    maxGapMs: ms(file.max_gap),
    holdMs: ms(file.hold),
    latch: { switchovers: file.latch.switchovers, perMs: ms(file.latch.per) },
    brake: { incidents: file.brake.incidents ?? null, perMs: ms(file.brake.per), perDay: file.brake.per_day ?? null },
    panicShare: file.panic_share
  }
}

function allowedOf (text: string): Allowed {
  const parsed = parseNetwork(text)
  if (!parsed.ok) throw new Error('a network passed the checks')
  return parsed.value
}

function normalizeListen (listen: string): Config['web'] {
  const address = parseHostPort(listen)
  if (address === null) throw new Error('a listen address passed the checks')
  // "::" takes IPv4 too, as ":9867" does for every Prometheus exporter.
  return { host: address.host === '' ? '::' : address.host, port: address.port ?? 0 }
}

/** Freezes plain objects and lists, also those inside maps. Compiled patterns and secrets are left alone. */
function deepFreeze<Value> (value: Value): Value {
  if (value instanceof Map) {
    for (const each of value.values()) deepFreeze(each)
  } else if (Array.isArray(value) || Object.getPrototypeOf(value ?? 0) === Object.prototype) {
    for (const each of Object.values(value as object)) deepFreeze(each)
    Object.freeze(value)
  }
  return value
}
