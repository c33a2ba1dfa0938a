/** What `GET /probe?debug=true` shows: enough to see why a probe fails, and no secret. */
import type { ProbeConfig } from '../config/config.ts'
import type { DurationMs } from '../core/topology.ts'
import type { Clock, ProbeOutcome } from '../ports.ts'

/** Told for each message, as the SIP client sends or receives it. */
export type TraceLine = (direction: 'sent' | 'received', flow: { readonly transport: string; readonly remote: { readonly address: string; readonly port: number } }, bytes: Uint8Array) => void

export interface TraceLog {
  readonly add: TraceLine
  lines(): readonly string[]
}

/** A peer may answer without end. */
const MOST_MESSAGES = 50

export function createTraceLog (clock: Clock): TraceLog {
  const startedMs = clock.monotonicMs()
  const lines: string[] = []
  return {
    add: (direction, { transport, remote }, bytes) => {
      if (lines.length >= MOST_MESSAGES) return
      const at = ((clock.monotonicMs() - startedMs) / 1000).toFixed(4)
      lines.push(`${at} s ${direction} ${direction === 'sent' ? 'to' : 'from'} ${remote.address} port ${remote.port} by ${transport}\n${printable(bytes)}`)
    },
    lines: () => lines
  }
}

/** An answer to a challenge lets its reader guess the password at leisure. */
function printable (bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString('latin1').replaceAll(/^((?:proxy-)?authorization\s*:).*(?:\r?\n[ \t].*)*/gim, '$1 <secret>')
  return text.split(/\r?\n/).map((line) => `  ${line.replaceAll(/[^\x20-\x7e]/g, '?')}`).join('\n').trimEnd()
}

export interface DebugInput {
  readonly probe: ProbeConfig
  readonly timeoutMs: DurationMs
  readonly trace: readonly string[]
  readonly outcome: ProbeOutcome
  readonly metrics: string
}

export function debugPage ({ probe, timeoutMs, trace, outcome, metrics }: DebugInput): string {
  const { id, target, request, policy } = probe
  return `Probe ${id}, deadline ${timeoutMs} ms: ${outcome.reason} (${outcome.detail})

Messages:
${trace.length === 0 ? 'none' : trace.join('\n\n')}

Result:
${JSON.stringify(outcome, null, 2)}

Metrics that would have been returned:
${metrics}
Module ${probe.module}:
${JSON.stringify({ target, request, policy }, null, 2)}
`
}
