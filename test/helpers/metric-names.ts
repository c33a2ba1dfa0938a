/** Holds texts that mention metrics (rules, dashboards, README) against the catalogue. */
import { COUNTERS, GAUGES, HISTOGRAMS } from '../../src/metrics/catalogue.ts'

/** Names of all metrics, without the suffixes of histograms. */
export const METRIC_NAMES: ReadonlySet<string> = new Set([...GAUGES, ...COUNTERS, ...HISTOGRAMS].map(({ name }) => name))

const HISTOGRAM_SERIES: ReadonlySet<string> = new Set(HISTOGRAMS.flatMap(({ name }) => ['_bucket', '_sum', '_count'].map((suffix) => name + suffix)))

/** Names in the text that look like a metric of Pointsman and are none. Names of variables in Grafana are left out. */
export function unknownMetrics (text: string): readonly string[] {
  const names = text.matchAll(/(?<![$\w/.-])(?<!\$\{)pointsman_[a-z0-9_]+/g)
  return [...new Set([...names].map(([name]) => name))].filter((name) => !METRIC_NAMES.has(name) && !HISTOGRAM_SERIES.has(name))
}
