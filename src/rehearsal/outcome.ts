/** How probes end, where nobody sent one. */
import type { AddressOutcome, ProbeOutcome } from '../ports.ts'

/** A probe of one address without a final response unless the parts say otherwise. */
export function buildOutcome (parts: Partial<AddressOutcome> & Pick<AddressOutcome, 'reason'>): ProbeOutcome {
  const outcome: AddressOutcome = {
    code: null, durationMs: 1, retransmissions: 0, detail: '', degraded: null,
    phases: { resolveMs: null, connectMs: null, tlsMs: null, firstResponseMs: null },
    transport: 'udp', address: '127.0.0.1:5060', certificateExpiresAtMs: null, registrationExpiresMs: null, bindings: null, retryAfterMs: null,
    ...parts
  }
  return { ...outcome, addresses: [outcome] }
}

/** For an engine that is told of probes by hand. */
export const NO_PROBES = { last: () => new Map<string, never>(), state: () => ({ targets: 0, inFlight: 0, overdueMs: 0 }) }
