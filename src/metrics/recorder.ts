/** Keeps what is counted, reads the rest from the status, and renders both for Prometheus. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { RegistryContentType } from 'prom-client'
import type { Status } from '../core/status.ts'
import type { EpochMs } from '../core/topology.ts'
import type { Metrics } from '../ports.ts'
import { COUNTERS, GAUGES, HISTOGRAMS } from './catalogue.ts'
import type { CounterDefinition, HistogramDefinition, ObjectLabel } from './catalogue.ts'
import { sampleStatus } from './gauges.ts'

export interface Exposition {
  readonly contentType: string
  readonly text: string
}

export interface MetricsRecorder extends Metrics {
  /** An attempt to load the configuration ended. */
  configLoaded(successful: boolean, atMs: EpochMs): void
  /**
   * The exposition. Series of objects that the status no longer names are gone from it.
   * @param status - null: not known yet; then only what is counted is shown.
   * @param accept - the scraper's `Accept` header; default: the text format 0.0.4.
   */
  render(status: Status | null, accept?: string): Promise<Exposition>
}

type Labels = Readonly<Record<string, string>>
type OwnRegistry = Registry<RegistryContentType>
interface ConfigLoad { readonly successful: boolean; readonly successAtMs: EpochMs | null }

/** Default metrics of prom-client that are gauges with the ending of a counter; `promtool check metrics` refuses them. */
const MISNAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total']

/** A registry of its own for each application; the library's global one is never used. */
export function createMetrics ({ version }: { readonly version: string }): MetricsRecorder {
  const registry: OwnRegistry = new Registry()
  collectDefaultMetrics({ register: registry as Registry })
  for (const name of MISNAMED) registry.removeSingleMetric(name)
  const setGauges = gaugeSetter(registry, version)
  const counters = new Map(COUNTERS.map((definition) => [definition.name, countedIn(registry, definition)]))
  const histograms = new Map(HISTOGRAMS.map((definition) => [definition.name, histogramIn(registry, definition)]))
  let config: ConfigLoad | null = null

  const renderNow = async (status: Status | null, accept: string): Promise<Exposition> => {
    setGauges(status, config)
    if (status !== null) for (const counted of counters.values()) counted.keep(status)
    return renderRegistry(registry, accept)
  }
  let turn: Promise<unknown> = Promise.resolve()
  return {
    increment: (name, labels = {}) => { required(counters, name).increment(labels) },
    observe: (name, seconds, labels = {}) => { required(histograms, name).observe(labels, seconds) },
    configLoaded: (successful, atMs) => { config = { successful, successAtMs: successful ? atMs : config?.successAtMs ?? null } },
    // One after the other: the registry has one content type at a time.
    render: (status, accept = '') => {
      const rendered = turn.then(() => renderNow(status, accept))
      turn = rendered.catch(() => {})
      return rendered
    }
  }
}

function required<T> (metrics: ReadonlyMap<string, T>, name: string): T {
  const metric = metrics.get(name)
  if (metric === undefined) throw new Error(`the catalogue has no metric ${name}`)
  return metric
}

function gaugeSetter (registry: OwnRegistry, version: string): (status: Status | null, config: ConfigLoad | null) => void {
  const gauges = new Map<string, Gauge>(GAUGES.map(({ name, help, labels }) => [name, new Gauge({ name, help, labelNames: labels, registers: [registry] })]))
  return (status, config) => {
    for (const gauge of gauges.values()) {
      gauge.reset()
      // A reset gives a gauge without labels the value 0; one that isn't set now shall be absent.
      gauge.remove({})
    }
    const set = (name: string, labels: Labels, value: number): void => { gauges.get(name)?.set(labels, value) }
    set('pointsman_build_info', { version, node: process.version }, 1)
    if (config !== null) {
      set('pointsman_config_last_reload_successful', {}, Number(config.successful))
      set('pointsman_config_last_reload_success_timestamp_seconds', {}, (config.successAtMs ?? 0) / 1000)
    }
    if (status !== null) for (const { name, labels, value } of sampleStatus(status)) set(name, labels, value)
  }
}

interface Counted {
  increment(labels: Labels): void
  /** Adds the series of new objects at 0 and removes those of objects that left. */
  keep(status: Status): void
}

function countedIn (registry: OwnRegistry, { name, help, labels, object, closed }: CounterDefinition): Counted {
  const counter = new Counter({ name, help, labelNames: [...labels], registers: [registry] })
  const zero = (series: Labels): void => { counter.inc(series, 0) }
  if (object === undefined) {
    if (closed !== undefined) combinations(closed).forEach(zero)
    return { increment: (series) => { counter.inc(series) }, keep: () => {} }
  }
  const seriesOf = new Map<string, Map<string, Labels>>()
  const remember = (id: string, series: Labels): void => {
    const known = seriesOf.get(id) ?? new Map<string, Labels>()
    seriesOf.set(id, known.set(labels.map((label) => series[label]).join('\n'), series))
  }
  return {
    increment: (series) => {
      counter.inc(series)
      remember(series[object] ?? '', series)
    },
    keep: (status) => {
      const wanted = new Set(objectIds(status, object))
      for (const [id, known] of seriesOf) {
        if (wanted.has(id)) continue
        for (const series of known.values()) counter.remove(series)
        seriesOf.delete(id)
      }
      if (closed === undefined) return
      for (const id of wanted) {
        const all = combinations(closed)
        if ((seriesOf.get(id)?.size ?? 0) >= all.length) continue
        for (const series of all.map((rest) => ({ [object]: id, ...rest }))) {
          zero(series)
          remember(id, series)
        }
      }
    }
  }
}

function objectIds ({ trunks, gateways, probes }: Status, object: ObjectLabel): readonly string[] {
  return { trunk: trunks, gateway: gateways, probe: probes }[object].map(({ id }) => id)
}

function histogramIn (registry: OwnRegistry, { name, help, labels, buckets, closed }: HistogramDefinition): Histogram {
  const histogram = new Histogram({ name, help, labelNames: [...labels], buckets: [...buckets], registers: [registry] })
  for (const series of combinations(closed)) histogram.zero(series)
  return histogram
}

/** Every combination of the given values; one empty set of labels when there are no labels. */
function combinations (closed: Readonly<Record<string, readonly string[]>>): readonly Labels[] {
  return Object.entries(closed).reduce<readonly Labels[]>(
    (sets, [label, values]) => sets.flatMap((set) => values.map((value) => ({ ...set, [label]: value }))), [{}])
}

async function renderRegistry (registry: OwnRegistry, accept: string): Promise<Exposition> {
  const contentType = wantsOpenMetrics(accept) ? Registry.OPENMETRICS_CONTENT_TYPE : Registry.PROMETHEUS_CONTENT_TYPE
  registry.setContentType(contentType)
  const metrics = registry.getMetricsAsArray()
  const names = metrics.map(({ name }) => name)
  const text = registry.metrics()
  // For OpenMetrics the library cuts `_total` off its counters' names, and would print the text format without it ever after.
  for (const [index, metric] of metrics.entries()) metric.name = names[index] ?? metric.name
  return { contentType, text: await text }
}

/** OpenMetrics when the scraper ranks it at least as high as plain text (RFC 9110 §12.5.1). */
function wantsOpenMetrics (accept: string): boolean {
  const rank = (type: string): number => Math.max(0, ...accept.split(',').filter((range) => range.trim().startsWith(type)).map((range) => {
    const quality = /;\s*q=([0-9.]+)/.exec(range)?.[1]
    return quality === undefined ? 1 : Number(quality)
  }))
  const open = rank('application/openmetrics-text')
  return open > 0 && open >= rank('text/plain')
}
