/** Keeps what is counted, reads the rest from the status, and renders both for Prometheus. */
import { collectDefaultMetrics, Counter, Histogram, Registry } from 'prom-client'
import type { RegistryContentType } from 'prom-client'
import type { FactSurvey } from '../core/status.ts'
import type { EpochMs } from '../core/topology.ts'
import type { Clock, Metrics } from '../ports.ts'
import { COUNTERS, GAUGES, HISTOGRAMS } from './catalogue.ts'
import type { CounterDefinition, GaugeName, HistogramDefinition, ObjectLabel } from './catalogue.ts'
import { createChunkPool } from './chunk-pool.ts'
import { combinations } from './combinations.ts'
import type { Labels } from './combinations.ts'
import { createFamilies } from './families.ts'
import type { Families, FamilyDefinition } from './families.ts'
import { putGateway, putInstallation, putProbe, putTrunk } from './gauges.ts'
import { labelBytes, NO_LABELS, type LabelBytes } from './label-bytes.ts'
import { createObjectCounter } from './object-counters.ts'
import type { ObjectCounter } from './object-counters.ts'

export interface Exposition {
  readonly contentType: string
  /** UTF-8, in order. */
  readonly chunks: readonly Uint8Array[]
  /** To be called once when the chunks were sent, or never will be: their memory is used again. */
  release(): void
}

export interface MetricsRecorder extends Metrics {
  /** An attempt to load the configuration ended. */
  configLoaded(successful: boolean, atMs: EpochMs): void
  /**
   * The exposition, made in slices between which everything else has its turn. Series of objects that the status no
   * longer names are gone from it.
   * @param status - null: not known yet; then only what is counted is shown.
   * @param accept - the scraper's `Accept` header; default: the text format 0.0.4.
   */
  render(status: FactSurvey | null, accept?: string): Promise<Exposition>
}

export interface MetricsPorts {
  readonly version: string
  readonly clock: Pick<Clock, 'monotonicMs' | 'sleep'>
}

type OwnRegistry = Registry<RegistryContentType>
interface ConfigLoad { readonly successful: boolean; readonly successAtMs: EpochMs | null }

/** Default metrics of prom-client that are gauges with the ending of a counter; `promtool check metrics` refuses them. */
const MISNAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total']
/** A slice of a scrape: so long nothing else is done [ms]. */
const SLICE_MS = 1
/**
 * Between two slices [ms]. Not one turn only: a notification takes some ten turns until a gateway gets its write, and with
 * a slice in each of them it would come late.
 */
const PAUSE_MS = 3

/** A registry of its own for each application; the library's global one is never used. */
export function createMetrics ({ version, clock }: MetricsPorts): MetricsRecorder {
  const registry: OwnRegistry = new Registry()
  collectDefaultMetrics({ register: registry as Registry })
  for (const name of MISNAMED) registry.removeSingleMetric(name)
  const counters = new Map(COUNTERS.filter(({ object }) => object === undefined).map((definition) => [definition.name, counterIn(registry, definition)]))
  const objectCounters = new Map(COUNTERS.flatMap((definition) => definition.object === undefined ? [] : [[definition.name, createObjectCounter({ ...definition, object: definition.object })] as const]))
  const histograms = new Map(HISTOGRAMS.map((definition) => [definition.name, histogramIn(registry, definition)]))
  const families: readonly FamilyDefinition[] = [
    ...GAUGES.map(({ name, help }) => ({ name, help, type: 'gauge' as const })),
    ...COUNTERS.filter(({ object }) => object !== undefined).map(({ name, help }) => ({ name, help, type: 'counter' as const }))
  ]
  const pool = createChunkPool()
  let config: ConfigLoad | null = null

  const renderNow = async (status: FactSurvey | null, accept: string): Promise<Exposition> => {
    const format = wantsOpenMetrics(accept) ? 'openmetrics' : 'text'
    const page = createFamilies(families, pool)
    page.add('pointsman_build_info' satisfies GaugeName, labelBytes({ version, node: process.version }), 1)
    if (config !== null) {
      page.add('pointsman_config_last_reload_successful' satisfies GaugeName, NO_LABELS, Number(config.successful))
      page.add('pointsman_config_last_reload_success_timestamp_seconds' satisfies GaugeName, NO_LABELS, (config.successAtMs ?? 0) / 1000)
    }
    if (status !== null) await writeStatus(status, [...objectCounters.values()], page, createPauses(clock))
    const { contentType, text, end } = await renderRegistry(registry, format)
    return { contentType, chunks: [Buffer.from(text), ...page.chunks(format), Buffer.from(end)], release: page.release }
  }
  let turn: Promise<unknown> = Promise.resolve()
  return {
    increment: (name, labels = {}) => { (objectCounters.get(name) ?? required(counters, name)).increment(labels) },
    observe: (name, seconds, labels = {}) => { required(histograms, name).observe(labels, seconds) },
    configLoaded: (successful, atMs) => { config = { successful, successAtMs: successful ? atMs : config?.successAtMs ?? null } },
    // One after the other: the registry has one content type at a time, and two would be twice the load.
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

/** Ends the slice when it has lasted long enough. */
function createPauses (clock: Pick<Clock, 'monotonicMs' | 'sleep'>): () => Promise<void> | null {
  let startedMs = clock.monotonicMs()
  return () => {
    if (clock.monotonicMs() - startedMs < SLICE_MS) return null
    return clock.sleep(PAUSE_MS).then(() => { startedMs = clock.monotonicMs() })
  }
}

async function writeStatus (status: FactSurvey, counters: readonly ObjectCounter[], page: Families, pause: () => Promise<void> | null): Promise<void> {
  const all = async <T extends { readonly id: string }>(object: ObjectLabel, each: Iterable<T>, put: (item: T, label: LabelBytes) => void): Promise<void> => {
    const own = counters.filter((counter) => counter.object === object)
    for (const item of each) {
      const label = labelBytes({ [object]: item.id })
      put(item, label)
      for (const counter of own) counter.write(item.id, label, page)
      const pausing = pause()
      if (pausing !== null) await pausing
    }
    for (const counter of own) counter.forgetUnwritten()
  }
  putInstallation(page.add, status)
  await all('gateway', status.gateways, (gateway, label) => { putGateway(page.add, status, gateway, label) })
  await all('probe', status.probes, (probe, label) => { putProbe(page.add, probe, label) })
  await all('trunk', status.trunks, (trunk, label) => { putTrunk(page.add, status, trunk, label) })
}

function counterIn (registry: OwnRegistry, { name, help, labels, closed }: CounterDefinition): { increment(labels: Labels): void } {
  const counter = new Counter({ name, help, labelNames: [...labels], registers: [registry] })
  for (const series of closed === undefined ? [] : combinations(closed)) counter.inc(series, 0)
  return { increment: (series) => { counter.inc(series) } }
}

function histogramIn (registry: OwnRegistry, { name, help, labels, buckets, closed }: HistogramDefinition): Histogram {
  const histogram = new Histogram({ name, help, labelNames: [...labels], buckets: [...buckets], registers: [registry] })
  for (const series of combinations(closed)) histogram.zero(series)
  return histogram
}

const OPENMETRICS_END = '# EOF\n'

/** What prom-client keeps, without the mark that ends an exposition. */
async function renderRegistry (registry: OwnRegistry, format: 'text' | 'openmetrics'): Promise<{ readonly contentType: string; readonly text: string; readonly end: string }> {
  const contentType = format === 'openmetrics' ? Registry.OPENMETRICS_CONTENT_TYPE : Registry.PROMETHEUS_CONTENT_TYPE
  registry.setContentType(contentType)
  const metrics = registry.getMetricsAsArray()
  const names = metrics.map(({ name }) => name)
  const rendering = registry.metrics()
  // For OpenMetrics the library cuts `_total` off its counters' names, and would print the text format without it ever after.
  for (const [index, metric] of metrics.entries()) metric.name = names[index] ?? metric.name
  const text = await rendering
  const [end, cut] = format === 'openmetrics' && text.endsWith(OPENMETRICS_END) ? [OPENMETRICS_END, OPENMETRICS_END.length] : ['', 0]
  const body = text.slice(0, text.length - cut)
  return { contentType, text: body === '' || body.endsWith('\n') ? body : `${body}\n`, end }
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
