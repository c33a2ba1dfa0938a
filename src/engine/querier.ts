/** Asks the carriers' registrars who holds a binding: one question per trunk at a time, at most two a second per registrar. */
import type { BindingAnswer } from '../core/binding.ts'
import type { DurationMs, EpochMs, TrunkId } from '../core/topology.ts'
import type { Clock, Log, SipClient, SipCredentials, SipTarget } from '../ports.ts'

/** One trunk's question. */
export interface BindingQuery {
  readonly trunk: TrunkId
  readonly target: SipTarget
  readonly credentials: SipCredentials
  readonly timeoutMs: DurationMs
}

export interface Querier {
  /** Asks soon; asked again while a question is open: nothing. */
  ask(trunk: TrunkId): void
  update(queries: readonly BindingQuery[]): void
  /** Resolves when no question is open. */
  idle(): Promise<void>
}

/** Two queries a second per registrar: a live account must never be locked by us. */
const SPACING_MS = 500

export function createQuerier (ports: { readonly sip: SipClient; readonly clock: Clock; readonly log: Log }, onAnswer: (trunk: TrunkId, answer: BindingAnswer, askedAtMs: EpochMs) => void, signal: AbortSignal): Querier {
  const { sip, clock, log } = ports
  let queries = new Map<TrunkId, BindingQuery>()
  const open = new Map<TrunkId, Promise<void>>()
  /** When the registrar may be asked next [monotonic ms]. */
  const free = new Map<string, number>()

  const run = async (query: BindingQuery): Promise<void> => {
    const registrar = query.target.uri
    const startMs = Math.max(clock.monotonicMs(), free.get(registrar) ?? 0)
    free.set(registrar, startMs + SPACING_MS)
    await clock.sleep(startMs - clock.monotonicMs(), signal)
    if (signal.aborted) return
    const askedAtMs = clock.now()
    const answer = await sip.queryBindings(query.target, query.credentials, query.timeoutMs, signal)
    if (answer.kind === 'refused') log.error({ trunk: query.trunk, code: answer.code }, 'the registrar refused the credentials of the binding query; no more queries until the configuration changes')
    if (!signal.aborted) onAnswer(query.trunk, answer, askedAtMs)
  }

  return {
    ask: (trunk) => {
      const query = queries.get(trunk)
      if (query === undefined || open.has(trunk)) return
      const work = run(query)
        .catch((error: unknown) => { log.error({ trunk, err: error }, 'binding query failed') })
        .finally(() => { open.delete(trunk) })
      open.set(trunk, work)
    },
    update: (next) => { queries = new Map(next.map((query) => [query.trunk, query])) },
    idle: async () => { await Promise.all(open.values()) }
  }
}
