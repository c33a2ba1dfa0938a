/** A probe as monitoring plugins tell it: one line with performance data, and the states 0 to 3 as exit codes. */
import type { AlivePolicy } from '../core/judgement.ts'
import { ALIVE_PROBE_REASONS, INCONCLUSIVE_PROBE_REASONS } from '../core/reasons.ts'
import type { ProbeOutcome } from '../ports.ts'
import type { ExitCode } from './command.ts'
import { plain } from './print.ts'

const STATES = ['OK', 'WARNING', 'CRITICAL', 'UNKNOWN'] as const

/** 0 alive; 1 alive but degraded; 2 not alive; 3 the probe says nothing about the peer. */
export function nagiosState ({ reason, degraded }: ProbeOutcome): ExitCode {
  if (ALIVE_PROBE_REASONS.has(reason)) return degraded === null ? 0 : 1
  return INCONCLUSIVE_PROBE_REASONS.has(reason) ? 3 : 2
}

/** `label=value[unit];[warn];[crit];[min]` (Monitoring Plugins Development Guidelines); times in seconds. */
export function nagiosLine (outcome: ProbeOutcome, { slowMs }: AlivePolicy): string {
  const { phases } = outcome
  const seconds = (name: string, ms: number | null, warn = ''): readonly string[] => ms === null ? [] : [`${name}=${(ms / 1000).toFixed(6)}s;${warn};;0`]
  const performance = [
    ...seconds('time', outcome.durationMs, slowMs === null ? '' : String(slowMs / 1000)),
    ...seconds('resolve', phases.resolveMs), ...seconds('connect', phases.connectMs), ...seconds('tls', phases.tlsMs), ...seconds('first_response', phases.firstResponseMs),
    `retransmissions=${outcome.retransmissions};;;0`,
    ...outcome.bindings === null ? [] : [`bindings=${outcome.bindings};;;0`]
  ]
  const where = outcome.address === null ? '' : ` from ${outcome.address} (${outcome.transport ?? ''})`
  const why = outcome.degraded === null ? outcome.reason : `${outcome.reason}, ${outcome.degraded}`
  // A bar would end the text.
  return `SIP ${STATES[nagiosState(outcome)]} - ${why}: ${plain(outcome.detail).replaceAll('|', '/')}${where} | ${performance.join(' ')}\n`
}
