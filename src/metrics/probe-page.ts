/** The exposition of one probe at the request of Prometheus: a registry of its own, so that nothing of another probe is in it. */
import { reportLast, type LastProbe } from '../core/report.ts'
import { createChunkPool } from './chunk-pool.ts'
import { GAUGES } from './catalogue.ts'
import { createFamilies } from './families.ts'
import { probeResult } from './gauges.ts'
import { labelText } from './label-text.ts'

/** Text format 0.0.4. The target is no label: it is Prometheus' `instance`. */
export function renderProbe ({ outcome, atMs }: Omit<LastProbe, 'aliveAtMs'>): string {
  // Only this probe is known: when the peer was last alive is for Prometheus to remember.
  const samples = probeResult(labelText({}), reportLast({ outcome, atMs, aliveAtMs: null }), atMs)
  const shown = new Set<string>(samples.map(({ name }) => name))
  const page = createFamilies(GAUGES.filter(({ name }) => shown.has(name)).map(({ name, help }) => ({ name, help, type: 'gauge' })), createChunkPool())
  for (const { name, labels, value } of samples) page.add(name, labels, value)
  return Buffer.concat(page.chunks('text')).toString()
}
