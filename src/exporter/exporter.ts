/** The multi-target exporter, as Prometheus knows it from blackbox_exporter: one probe for each scrape, with its own metrics. */
import type { Config } from '../config/config.ts'
import type { DurationMs } from '../core/topology.ts'
import { renderProbe } from '../metrics/probe-page.ts'
import type { Clock, SipClient } from '../ports.ts'
import type { ProbeHistory } from '../probes/history.ts'
import { createTraceLog, debugPage, type TraceLine } from './debug.ts'
import { discover, type TargetGroup } from './discovery.ts'
import { createFindProbe } from './find-probe.ts'
import { createOnDemandProber } from './on-demand.ts'

export interface ProbeQuery {
  readonly target: string | undefined
  readonly module: string | undefined
  /** How long the scraper waits; null: it doesn't say. */
  readonly scrapeTimeoutMs: DurationMs | null
  /** A page for people: what was sent and received, and the metrics. */
  readonly debug: boolean
}

export type ProbeReply =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly kind: 'malformed' | 'forbidden' | 'unavailable'; readonly message: string }

export interface Exporter {
  /** Probes now. That the peer doesn't answer is a result, not a refusal. */
  probe(query: ProbeQuery): Promise<ProbeReply>
  discover(): readonly TargetGroup[]
  /** Takes a new configuration. */
  update(config: Config): void
  stop(): void
}

export interface ExporterPorts {
  readonly sip: SipClient
  readonly clock: Clock
  readonly history: ProbeHistory
  /** A client of its own, which tells what it sends and receives. */
  readonly tracing: (trace: TraceLine) => SipClient
}

const BUSY: ProbeReply = { ok: false, kind: 'unavailable', message: 'too many probes are under way' }

export function createExporter (first: Config, { sip, clock, history, tracing }: ExporterPorts): Exporter {
  let config = first
  let find = createFindProbe(first)
  let isDebugging = false
  const prober = createOnDemandProber({ sip, clock, history, offsetMs: () => config.exporter.timeoutOffsetMs })

  const debug = async (probe: Parameters<typeof debugPage>[0]['probe'], timeoutMs: DurationMs): Promise<ProbeReply> => {
    // A person looks at one at a time.
    if (isDebugging) return BUSY
    isDebugging = true
    const trace = createTraceLog(clock)
    const client = tracing(trace.add)
    try {
      const outcome = await client.probe(probe, timeoutMs, new AbortController().signal)
      return { ok: true, text: debugPage({ probe, timeoutMs, trace: trace.lines(), outcome, metrics: renderProbe({ outcome, atMs: clock.now() }) }) }
    } finally {
      isDebugging = false
      await client.close()
    }
  }

  return {
    probe: async ({ target, module, scrapeTimeoutMs, debug: wantsDebug }) => {
      const found = find(target, module)
      if (!found.ok) return found
      if (wantsDebug) return debug(found.probe, prober.timeoutMs(found.probe, scrapeTimeoutMs))
      const result = await prober.probe(found.probe, scrapeTimeoutMs)
      return result === null ? BUSY : { ok: true, text: renderProbe(result) }
    },
    discover: () => discover(config),
    update: (next) => {
      config = next
      find = createFindProbe(next)
    },
    stop: () => { prober.stop() }
  }
}
