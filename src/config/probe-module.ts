/** A probe as the file names it: everything but whom it asks. Trunks, targets and `GET /probe` put the address to it. */
import { DEFAULT_POLICY } from '../core/judgement.ts'
import type { Thresholds } from '../core/topology.ts'
import type { SipTarget } from '../ports.ts'
import { parseSipUri } from './address.ts'
import { ms } from './check-gateways.ts'
import type { ProbeConfig, ProbeModule } from './config.ts'
import type { ConfigFile, OptionsProbeFile } from './schema.ts'

/** The probes of a validated file that can be sent to any address, by name. */
export function probeModules (file: ConfigFile): ReadonlyMap<string, ProbeModule> {
  return new Map(Object.entries(file.probes).flatMap(([name, probe]) =>
    probe.method === 'OPTIONS' ? [[name, optionsModule(name, probe)] as const] : []))
}

function optionsModule (name: string, probe: OptionsProbeFile): ProbeModule {
  const thresholds: Thresholds = { fall: probe.fall, rise: probe.rise, intervalMs: ms(probe.interval), timeoutMs: ms(probe.timeout) }
  return { module: name, sender: localAddress(probe.local_address), request: { method: 'OPTIONS' }, policy: DEFAULT_POLICY, thresholds }
}

/** @param evidence - a trunk's health depends on it */
export function probeAt ({ module, sender, request, policy, thresholds }: ProbeModule, uri: string, evidence: boolean): ProbeConfig {
  const target = { ...sender, uri: canonical(uri) }
  return { id: `${module} ${target.uri}`, module, target, request, policy, thresholds, evidence }
}

export function sipTarget (uri: string, from: string | undefined): SipTarget {
  return { ...localAddress(from), uri: canonical(uri) }
}

function localAddress (address: string | undefined): Pick<SipTarget, 'localAddress'> {
  return address === undefined ? {} : { localAddress: address }
}

/** One spelling per target, so that shared targets are found. */
export function canonical (uri: string): string {
  const parsed = parseSipUri(uri)
  if (!parsed.ok) throw new Error(`a SIP URI passed the checks: it ${parsed.message}`)
  return parsed.value.uri
}
