/** The configured targets as Prometheus' HTTP service discovery wants them. */
import type { Config } from '../config/config.ts'

export interface TargetGroup {
  readonly targets: readonly string[]
  readonly labels: Readonly<Record<string, string>>
}

/** `__meta_pointsman_scheduled` is `true` for what Pointsman probes by itself: that is in `/metrics` already. */
export function discover ({ targets, probes }: Pick<Config, 'targets' | 'probes'>): readonly TargetGroup[] {
  const listed = new Set(targets.map(({ probe }) => probe))
  const scheduled = new Set(probes.map(({ id }) => id))
  return [
    ...targets.map(({ probe, module, uri, labels }) => group(uri, module, scheduled.has(probe), labels)),
    ...probes.filter(({ id }) => !listed.has(id)).map(({ module, target }) => group(target.uri, module, true, {}))
  ]
}

function group (uri: string, module: string, isScheduled: boolean, labels: Readonly<Record<string, string>>): TargetGroup {
  return { targets: [uri], labels: { ...labels, __meta_pointsman_module: module, __meta_pointsman_scheduled: String(isScheduled) } }
}
