/** The real metrics, whose exposition can also be read as one text. */
import { createMetrics } from '../../src/metrics/recorder.ts'
import type { Exposition, MetricsRecorder } from '../../src/metrics/recorder.ts'
import { systemClock } from '../../src/clock.ts'

export interface ReadableMetrics extends MetricsRecorder {
  render(...given: Parameters<MetricsRecorder['render']>): Promise<Exposition & { readonly text: string }>
}

export function createReadableMetrics ({ version }: { readonly version: string }): ReadableMetrics {
  const metrics = createMetrics({ version, clock: systemClock })
  return {
    ...metrics,
    render: async (...given) => {
      const exposition = await metrics.render(...given)
      return { ...exposition, text: Buffer.concat(exposition.chunks).toString() }
    }
  }
}
