/**
 * What `GET /probe` may ask: any configured target, and what `exporter.allow` lists. Others are refused, or whoever
 * reaches the API could send packets to any address that this machine can reach.
 */
import { BlockList, isIP } from 'node:net'
import { parseSipUri } from '../config/address.ts'
import type { Allowed } from '../config/address.ts'
import type { Config, ProbeConfig, ProbeModule } from '../config/config.ts'
import { probeAt } from '../config/probe-module.ts'
import type { ProbeId } from '../core/topology.ts'

export type OnDemandProbe =
  | { readonly ok: true; readonly probe: ProbeConfig }
  | { readonly ok: false; readonly kind: 'malformed' | 'forbidden'; readonly message: string }

/** @param target - a SIP URI, or what stands behind its `sip:` @param module - name of a probe; default: the target's own, or the only one */
export type FindProbe = (target: string | undefined, module: string | undefined) => OnDemandProbe

export function createFindProbe ({ modules, targets, probes, exporter }: Pick<Config, 'modules' | 'targets' | 'probes' | 'exporter'>): FindProbe {
  const configured = new Map<string, Set<string>>()
  for (const { module, uri } of [...targets, ...probes.map(({ module, target }) => ({ module, uri: target.uri }))]) {
    configured.set(uri, (configured.get(uri) ?? new Set()).add(module))
  }
  const ids = new Set<ProbeId>([...targets.map(({ probe }) => probe), ...probes.map(({ id }) => id)])
  const isAllowed = allowList(exporter.allow)

  const moduleOf = (uri: string, name: string | undefined): ProbeModule | null => {
    const own = [...configured.get(uri) ?? []]
    const only = own.length === 0 ? [...modules.keys()] : own
    const wanted = name ?? (only.length === 1 ? only[0] : undefined)
    return wanted === undefined ? null : modules.get(wanted) ?? null
  }

  return (target, name) => {
    if (target === undefined || target === '') return refuse('malformed', '`target` is missing: the SIP address to probe')
    const parsed = parseSipUri(/^sips?:/i.test(target) ? target : `sip:${target}`)
    if (!parsed.ok) return refuse('malformed', `\`target\` ${parsed.message} (${parsed.hint})`)
    const { uri, host } = parsed.value
    const module = moduleOf(uri, name)
    if (module === null) {
      const known = [...modules.keys()].join(', ')
      return refuse('malformed', name === undefined ? `give \`module\`, one of: ${known}` : `there is no such module; known: ${known}`)
    }
    // Whoever may read could wear out an account: a REGISTER goes by its own interval only.
    if (module.request.method !== 'OPTIONS') return refuse('forbidden', `the module ${module.module} sends REGISTER, which nobody may ask for`)
    const probe = probeAt(module, uri, false)
    if (ids.has(probe.id)) return { ok: true, probe }
    // An account is shown only to whom the configuration names with it.
    if (module.request.credentials !== undefined) return refuse('forbidden', `the module ${module.module} has an account, so it asks configured targets only`)
    if (configured.has(uri) || isAllowed(host)) return { ok: true, probe }
    return refuse('forbidden', 'this target is neither configured nor in `exporter.allow`')
  }
}

function refuse (kind: 'malformed' | 'forbidden', message: string): OnDemandProbe {
  return { ok: false, kind, message }
}

function allowList (allowed: readonly Allowed[]): (host: string) => boolean {
  const networks = new BlockList()
  const hosts = new Set<string>()
  for (const each of allowed) {
    if ('host' in each) hosts.add(each.host)
    else networks.addSubnet(each.network, each.prefix, isIP(each.network) === 4 ? 'ipv4' : 'ipv6')
  }
  return (host) => {
    const family = isIP(host)
    return family === 0 ? hosts.has(host) : networks.check(host, family === 4 ? 'ipv4' : 'ipv6')
  }
}
