/** The exposition of one probe at the request of Prometheus: a registry of its own, so that nothing of another probe is in it. */
import { reportLast, type LastProbe } from '../core/report.ts'
import { createChunkPool } from './chunk-pool.ts'
import { GAUGES } from './catalogue.ts'
import { createFamilies } from './families.ts'
import { putProbeResult, type Put } from './gauges.ts'
import { NO_LABELS } from './label-bytes.ts'

/** Text format 0.0.4. The target is no label: it is Prometheus' `instance`. */
export function renderProbe ({ outcome, atMs }: Omit<LastProbe, 'aliveAtMs'>): string {
  // Only this probe is known: when the peer was last alive is for Prometheus to remember.
  const series: Parameters<Put>[] = []
  putProbeResult((...each) => { series.push(each) }, NO_LABELS, reportLast({ outcome, atMs, aliveAtMs: null }), atMs)
  const shown = new Set<string>(series.map(([name]) => name))
  const page = createFamilies(GAUGES.filter(({ name }) => shown.has(name)).map(({ name, help }) => ({ name, help, type: 'gauge' })), createChunkPool())
  for (const each of series) page.add(...each)
  return Buffer.concat(page.chunks('text')).toString()
}
