/** Cross checks of the targets, and of a file that watches nothing. */
import { parseSipUri } from './address.ts'
import { checkProbeName } from './check-trunks.ts'
import type { Reporter } from './problems.ts'
import type { TargetFile } from './schema.ts'
import type { View } from './view.ts'

/** Prometheus' rule; names with "__" are its own. */
const LABEL = /^(?!__)[A-Za-z_][A-Za-z0-9_]*$/

export function checkTargets (view: View, reporter: Reporter): void {
  if (view.keys(['trunks']).length === 0 && view.indexes(['targets']).length === 0 && view.at(['trunks']) !== null && view.at(['targets']) !== null) {
    reporter.error(['trunks'], 'there is nothing to watch: neither trunks nor targets', 'give "trunks", or "targets" for monitoring only')
  }
  const seen = new Map<string, number>()
  for (const index of view.indexes(['targets'])) {
    const path = ['targets', index]
    const target = view.at<TargetFile>(path)
    if (target === null) continue
    checkProbeName(view, [...path, 'probe'], target.probe, null, reporter)
    if (target.on_demand && view.at(['probes', target.probe, 'method']) === 'REGISTER') {
      reporter.error([...path, 'on_demand'], `the probe "${target.probe}" sends REGISTER, which nobody else may ask for`, 'let Pointsman send it: remove "on_demand"')
    }
    for (const label of Object.keys(target.labels)) {
      if (!LABEL.test(label)) reporter.error([...path, 'labels', label], 'this is no name of a label', 'letters, digits and "_"; not a digit first, and not "__"', 'key')
    }
    const parsed = parseSipUri(target.uri)
    const key = `${target.probe} ${parsed.ok ? parsed.value.uri : target.uri}`
    const other = seen.get(key)
    if (other !== undefined) reporter.error([...path, 'uri'], `entry ${other + 1} of "targets" is the same address with the same probe`, 'remove one of them')
    seen.set(key, other ?? index)
  }
}
