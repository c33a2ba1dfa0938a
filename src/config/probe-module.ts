/** A probe as the file names it: everything but whom it asks. Trunks, targets and `GET /probe` put the address to it. */
import type { AlivePolicy } from '../core/judgement.ts'
import type { Thresholds } from '../core/topology.ts'
import type { ProbeRequest, SipCredentials, SipTarget, TlsSettings } from '../ports.ts'
import { createSecret } from '../secret.ts'
import { parseSipUri } from './address.ts'
import { ms } from './check-gateways.ts'
import { collectCodes } from './codes.ts'
import type { ProbeConfig, ProbeModule } from './config.ts'
import { type References, secretOf } from './references.ts'
import type { ConfigFile } from './schema.ts'
import type { OptionsProbeFile, ProbeFile, RegisterProbeFile } from './schema-probes.ts'
import type { Resolved } from './secrets.ts'

/** The probes of a validated file, by name. */
export function probeModules (file: ConfigFile, references: References): ReadonlyMap<string, ProbeModule> {
  return new Map(Object.entries(file.probes).map(([name, probe]) => {
    const resolved = references(['probes', name])
    const module: ProbeModule = { module: name, sender: sender(probe, resolved), request: request(probe, resolved), policy: policy(probe), thresholds: thresholds(probe) }
    return [name, module]
  }))
}

/** @param evidence - a trunk's health depends on it */
export function probeAt ({ module, sender, request, policy, thresholds }: ProbeModule, uri: string, evidence: boolean): ProbeConfig {
  const target = { ...sender, uri: canonical(uri) }
  return { id: `${module} ${target.uri}`, module, target, request, policy, thresholds, evidence }
}

function thresholds ({ fall, rise, interval, timeout, fast_interval: fast }: ProbeFile): Thresholds {
  return { fall, rise, intervalMs: ms(interval), timeoutMs: ms(timeout), ...(fast === undefined ? {} : { fastIntervalMs: ms(fast) }) }
}

function policy (probe: ProbeFile): AlivePolicy {
  const { slow, retransmissions } = probe.degraded
  return {
    alive: collectCodes(probe.alive),
    busy: probe.method === 'OPTIONS' && probe.busy,
    slowMs: slow === undefined ? null : ms(slow),
    retransmitted: retransmissions ?? null
  }
}

function request (probe: ProbeFile, resolved: Resolved): ProbeRequest {
  const password = secretOf(resolved, 'password')
  const credentials: SipCredentials | null = password === null || probe.username === undefined ? null : { username: probe.username, password }
  if (probe.method === 'OPTIONS') return credentials === null ? { method: 'OPTIONS' } : { method: 'OPTIONS', credentials }
  if (credentials === null) throw new Error('a REGISTER probe passed the checks without an account')
  return probe.operation === 'query'
    ? { method: 'REGISTER', operation: 'query', credentials }
    : { method: 'REGISTER', operation: 'bind', credentials, expiresSeconds: Math.ceil(ms(probe.expires) / 1000) }
}

/** Everything of a target but its address. What is undefined is left out. */
function sender (probe: ProbeFile, resolved: Resolved): Omit<SipTarget, 'uri'> {
  const tls = tlsSettings(probe, resolved)
  return defined({
    transport: probe.transport === 'auto' ? undefined : probe.transport,
    connection: probe.connection,
    localAddress: probe.local_address,
    localPort: probe.local_port,
    tls: Object.keys(tls).length === 0 ? undefined : tls,
    userAgent: probe.user_agent,
    headers: Object.keys(probe.headers).length === 0 ? undefined : Object.entries(probe.headers),
    ...probe.method === 'OPTIONS' ? optionsSender(probe) : registerSender(probe)
  })
}

function optionsSender (probe: OptionsProbeFile) {
  // Defaults are left out.
  const resolve = probe.resolve === 'all' ? undefined : probe.resolve
  const health = probe.health === 'any' ? undefined : probe.health
  return { resolve, health, from: uriOf(probe.from), to: uriOf(probe.to), contact: uriOf(probe.contact) }
}

function registerSender (probe: RegisterProbeFile) {
  return { aor: uriOf(probe.aor) }
}

function tlsSettings (probe: ProbeFile, resolved: Resolved): TlsSettings {
  const key = textOf(resolved, 'key')
  const { min_tls_version: version } = probe
  return defined({
    serverName: probe.server_name,
    ca: textOf(resolved, 'ca'),
    certificate: textOf(resolved, 'certificate'),
    key: key === undefined ? undefined : createSecret(key),
    minVersion: version === undefined ? undefined : `TLSv${version}` as const,
    insecure: probe.insecure_tls ? true : undefined
  })
}

/** Text of a file that is no secret by itself. */
function textOf (resolved: Resolved, name: string): string | undefined {
  const value = resolved.get(name)
  return typeof value === 'string' ? value : undefined
}

function uriOf (uri: string | undefined): string | undefined {
  return uri === undefined ? undefined : canonical(uri)
}

type Defined<Values> = { readonly [Key in keyof Values]?: Exclude<Values[Key], undefined> }

function defined<Values extends object> (values: Values): Defined<Values> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Defined<Values>
}

/** One spelling per target, so that shared targets are found. */
export function canonical (uri: string): string {
  const parsed = parseSipUri(uri)
  if (!parsed.ok) throw new Error(`a SIP URI passed the checks: it ${parsed.message}`)
  return parsed.value.uri
}
