/** The SIP client: OPTIONS probes and binding queries over UDP. Every way to end is data; nothing here throws. */
import type { Clock, OptionsOutcome, Random, SipClient } from '../ports.ts'
import { queryBinding, toFailedAnswer } from './binding-query.ts'
import { withExchange, type Exchanged, type ExchangeLimits, type ExchangePorts } from './exchange.ts'
import { lookupAddress, type Lookup } from './resolver.ts'

export interface SipClientPorts {
  readonly clock: Clock
  readonly random: Random
  /** Default: the machine's resolver. */
  readonly lookup?: Lookup
}

/** Final responses that do not count as alive: the peer says itself that it can't work. Every other one does. */
const NOT_ALIVE: ReadonlySet<number> = new Set([408, 500, 503, 504])

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
    options: async (target, timeoutMs, signal) => {
      const startedMs = ports.clock.monotonicMs()
      const ended = await track(withExchange<Exchanged>(ports, target, null, limit(timeoutMs, signal),
        (send) => send('OPTIONS', [['Accept', 'application/sdp']]), (failure) => failure))
      return toOutcome(ended, ports.clock.monotonicMs() - startedMs)
    },
    queryBindings: (target, credentials, timeoutMs, signal) => track(withExchange(ports, target, credentials.username, limit(timeoutMs, signal),
      (send) => queryBinding(send, ports.random, target.uri, credentials), toFailedAnswer)),
    close: async () => {
      closing.abort()
      await Promise.allSettled(inFlight)
    }
  }
}

const toOutcome = (ended: Exchanged, durationMs: number): OptionsOutcome => {
  const { retransmissions } = ended
  if (!ended.ok) return { reason: ended.reason, code: null, durationMs, retransmissions, detail: ended.detail }
  const { status, reason: phrase } = ended.response
  const detail = `${status} ${phrase.slice(0, 80)}`.trim()
  return { reason: NOT_ALIVE.has(status) ? 'bad-code' : 'alive', code: status, durationMs, retransmissions, detail }
}
