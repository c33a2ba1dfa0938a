/** The SIP client: OPTIONS probes and binding queries over UDP. Every way to end is data; nothing here throws. */
import { judgeCode, judgeQuality, type AlivePolicy } from '../core/judgement.ts'
import type { Clock, ProbeOutcome, AddressOutcome, Random, SipClient } from '../ports.ts'
import { queryBinding, toFailedAnswer } from './binding-query.ts'
import { firstValue } from './codec.ts'
import { failure, withExchange, type Exchanged, type ExchangeLimits, type ExchangePorts } from './exchange.ts'
import { parseSeconds } from './grammar.ts'
import { lookupAddress, type Lookup } from './resolver.ts'

export interface SipClientPorts {
  readonly clock: Clock
  readonly random: Random
  /** Default: the machine's resolver. */
  readonly lookup?: Lookup
}

export const createSipClient = (given: SipClientPorts): SipClient => {
  const ports: ExchangePorts = { clock: given.clock, random: given.random, lookup: given.lookup ?? lookupAddress }
  const closing = new AbortController()
  const inFlight = new Set<Promise<unknown>>()

  const limit = (timeoutMs: number, signal: AbortSignal): ExchangeLimits => {
    const cancelled = AbortSignal.any([signal, closing.signal])
    return { cancelled, timeoutMs, deadline: ports.clock.deadline(timeoutMs, cancelled) }
  }

  const track = <Result>(work: Promise<Result>): Promise<Result> => {
    inFlight.add(work)
    return work.finally(() => { inFlight.delete(work) })
  }

  return {
    probe: async ({ target, request, policy }, timeoutMs, signal) => {
      if (request.method !== 'OPTIONS') return toOutcome(failure('local-error', 'this version probes by OPTIONS only'), 0, policy)
      const startedMs = ports.clock.monotonicMs()
      const ended = await track(withExchange<Exchanged>(ports, target, null, limit(timeoutMs, signal),
        (send) => send('OPTIONS', [['Accept', 'application/sdp']]), (failure) => failure))
      return toOutcome(ended, ports.clock.monotonicMs() - startedMs, policy)
    },
    release: () => Promise.resolve(),
    queryBindings: (target, credentials, timeoutMs, signal) => track(withExchange(ports, target, credentials.username, limit(timeoutMs, signal),
      (send) => queryBinding(send, ports.random, target.uri, credentials), toFailedAnswer)),
    close: async () => {
      closing.abort()
      await Promise.allSettled(inFlight)
    }
  }
}

const toOutcome = (ended: Exchanged, durationMs: number, policy: AlivePolicy): ProbeOutcome => {
  const { retransmissions } = ended
  const nothing = {
    durationMs, retransmissions, phases: { resolveMs: null, connectMs: null, tlsMs: null, firstResponseMs: null },
    transport: 'udp', address: null, certificateExpiresAtMs: null, registrationExpiresMs: null, bindings: null, retryAfterMs: null
  } as const
  if (!ended.ok) return withAddresses({ ...nothing, reason: ended.reason, code: null, degraded: null, detail: ended.detail })
  const { status, reason: phrase } = ended.response
  const retryAfter = parseSeconds(firstValue(ended.response, 'retry-after'))
  const reason = judgeCode(policy, status, retryAfter !== null)
  const degraded = judgeQuality(policy, reason, durationMs, retransmissions)
  return withAddresses({ ...nothing, reason, code: status, degraded, detail: `${status} ${phrase.slice(0, 80)}`.trim(), retryAfterMs: retryAfter === null ? null : retryAfter * 1000 })
}

const withAddresses = (outcome: AddressOutcome): ProbeOutcome => ({ ...outcome, addresses: [] })
