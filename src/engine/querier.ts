/**
 * Speaks to the carriers' registrars: asks who holds a binding, and sends the few messages that change one. At most two
 * requests a second to one registrar, changes first: a live account must never be locked by us.
 */
import type { BindingAnswer, ContactChange } from '../core/binding.ts'
import type { DurationMs, EpochMs, TrunkId } from '../core/topology.ts'
import type { Clock, Log, SipClient, SipCredentials, SipTarget } from '../ports.ts'

/** How one trunk's registrar is spoken to. */
export interface BindingQuery {
  readonly trunk: TrunkId
  readonly target: SipTarget
  readonly credentials: SipCredentials
  readonly timeoutMs: DurationMs
}

export interface BindingChange {
  readonly trunk: TrunkId
  readonly changes: readonly ContactChange[]
  readonly decision: string
  /** Not to be sent after this instant. */
  readonly notAfterMs: EpochMs
}

export interface QuerierEvents {
  answered(trunk: TrunkId, answer: BindingAnswer, askedAtMs: EpochMs): void
  /** `late`: its turn came when it was too old, so it was not sent. */
  changed(change: BindingChange, answer: BindingAnswer | { readonly kind: 'late' }, askedAtMs: EpochMs): void
}

export interface Querier {
  /** Asks soon; asked again while a question is open: nothing. */
  ask(trunk: TrunkId): void
  /** Sends a change soon; it always ends in `changed`. */
  change(change: BindingChange): void
  update(queries: readonly BindingQuery[]): void
  /** Resolves when nothing is under way. */
  idle(): Promise<void>
}

/** So many requests to one registrar within a second. Questions keep an even distance, so that a change never waits for long. */
const PER_SECOND = 2
const QUESTION_SPACING_MS = 1000 / PER_SECOND

/** What waits for one registrar. */
interface Line {
  readonly changes: (() => void)[]
  readonly questions: (() => void)[]
  /** When the last requests began [monotonic ms]. */
  begun: number[]
  busy: boolean
  /** Ends the wait for a question's turn: a change may come sooner. */
  wake: AbortController
}

/** When what comes next may begin [monotonic ms]. */
function freeAt ({ changes, begun }: Line): number {
  const first = begun.length < PER_SECOND ? -Infinity : (begun[0] ?? -Infinity) + 1000
  return changes.length > 0 ? first : Math.max(first, (begun.at(-1) ?? -Infinity) + QUESTION_SPACING_MS)
}

export function createQuerier (ports: { readonly sip: SipClient; readonly clock: Clock; readonly log: Log }, events: QuerierEvents, signal: AbortSignal): Querier {
  const { sip, clock, log } = ports
  let queries = new Map<TrunkId, BindingQuery>()
  const lines = new Map<string, Line>()
  const open = new Map<TrunkId, Promise<void>>()
  const changing = new Set<Promise<void>>()

  const lineOf = (registrar: string): Line => {
    const line = lines.get(registrar) ?? { changes: [], questions: [], begun: [], busy: false, wake: new AbortController() }
    lines.set(registrar, line)
    return line
  }

  const serve = async (line: Line): Promise<void> => {
    line.busy = true
    while (line.changes.length + line.questions.length > 0) {
      const waitMs = freeAt(line) - clock.monotonicMs()
      if (waitMs > 0 && !signal.aborted) {
        line.wake = new AbortController()
        await clock.sleep(waitMs, AbortSignal.any([signal, line.wake.signal]))
        continue
      }
      const begin = line.changes.shift() ?? line.questions.shift()
      line.begun = [...line.begun, clock.monotonicMs()].slice(-PER_SECOND)
      begin?.()
    }
    line.busy = false
  }

  /** Resolves when it is this request's turn; at once when we stop. */
  const turn = (registrar: string, kind: 'changes' | 'questions'): Promise<void> => new Promise((resolve) => {
    const line = lineOf(registrar)
    line[kind].push(resolve)
    if (kind === 'changes') line.wake.abort()
    if (!line.busy) void serve(line)
  })

  const alarm = (trunk: TrunkId, answer: BindingAnswer): void => {
    if (answer.kind === 'refused') log.error({ trunk, code: answer.code }, 'the registrar refused a request; no more like it until the configuration changes')
  }

  const question = async (query: BindingQuery): Promise<void> => {
    await turn(query.target.uri, 'questions')
    if (signal.aborted) return
    const askedAtMs = clock.now()
    const answer = await sip.queryBindings(query.target, query.credentials, query.timeoutMs, signal)
    alarm(query.trunk, answer)
    if (!signal.aborted) events.answered(query.trunk, answer, askedAtMs)
  }

  const send = async (change: BindingChange): Promise<void> => {
    const query = queries.get(change.trunk)
    // By the clock that nobody sets.
    const deadlineMs = clock.monotonicMs() + change.notAfterMs - clock.now()
    if (query !== undefined) await turn(query.target.uri, 'changes')
    const askedAtMs = clock.now()
    if (query === undefined || signal.aborted || clock.monotonicMs() > deadlineMs) {
      events.changed(change, { kind: 'late' }, askedAtMs)
      return
    }
    const answer = await sip.changeBindings(query.target, query.credentials, change.changes, query.timeoutMs, signal)
    alarm(change.trunk, answer)
    events.changed(change, answer, askedAtMs)
  }

  return {
    ask: (trunk) => {
      const query = queries.get(trunk)
      if (query === undefined || open.has(trunk)) return
      const asked = question(query)
        .catch((error: unknown) => { log.error({ trunk, err: error }, 'binding query failed') })
        .finally(() => { open.delete(trunk) })
      open.set(trunk, asked)
    },
    change: (change) => {
      const sent = send(change)
        .catch((error: unknown) => {
          log.error({ trunk: change.trunk, err: error }, 'binding change failed')
          events.changed(change, { kind: 'failed', reason: 'local-error', detail: 'it failed on this machine; see the log' }, clock.now())
        })
        .finally(() => { changing.delete(sent) })
      changing.add(sent)
    },
    update: (next) => { queries = new Map(next.map((query) => [query.trunk, query])) },
    idle: async () => { await Promise.all([...open.values(), ...changing]) }
  }
}
