/**
 * Everything that goes to a gateway goes through its queue: one call at a time per gateway, never one gateway waiting for
 * another. Changes that wait for their turn go together, so that a gateway with many trunks is switched in the time of one.
 * A change counts as done only when it was read back; each of them has its own permit and its own end.
 */
import type { AdminState, ApplyResult, DriverFailure, GatewayCondition, Observation, ObserveResult } from '../core/observation.ts'
import type { DurationMs, EpochMs, GatewayId } from '../core/topology.ts'
import type { Change, Clock, GatewayDriver, Log, Metrics, Permit } from '../ports.ts'
import { withDeadline } from './deadline.ts'

/** A gateway as the executor needs it. */
export interface GatewayLine {
  readonly id: GatewayId
  readonly driver: GatewayDriver
  readonly timeoutMs: DurationMs
  /** All interface names that the configuration uses on it. */
  readonly interfaces: readonly string[]
}

export interface ExecutorEvents {
  /** A read ended; `names` are the interfaces that were asked for. */
  observed(gateway: GatewayId, result: ObserveResult): void
  /** A change ended, after its read-back was reported. */
  applied(gateway: GatewayId, name: string, desired: AdminState, end: ApplyResult, decision: string): void
  /** Null: it could not be read. */
  conditioned(gateway: GatewayId, condition: GatewayCondition | null): void
  reregistered(gateway: GatewayId, name: string, end: { readonly ok: true } | DriverFailure, decision: string): void
}

export interface Executor {
  /** Reads the gateway soon. Asked again before it has begun: still one read. */
  observe(gateway: GatewayId): void
  /**
   * Changes an interface. What only reads may begin at once; nothing is written before `stored` resolves. False: it is not
   * on disk, so it is not sent, and nobody is told of an end.
   */
  apply(gateway: GatewayId, name: string, desired: AdminState, decision: string, notAfterMs: EpochMs | null, stored: Promise<boolean>): void
  reregister(gateway: GatewayId, name: string, decision: string): void
  /** Reads what the gateway says about itself, when nothing else has to be done: any other call ends it. */
  askCondition(gateway: GatewayId): void
  /** Takes new gateways; a queue of a gateway that left ends by itself. */
  update(lines: readonly GatewayLine[]): void
  /** Resolves when nothing is under way any more. */
  idle(): Promise<void>
}

const BUG: DriverFailure = { ok: false, reason: 'local-error', detail: 'the driver failed; see the log', effect: 'unknown' }
const NOT_STORED: DriverFailure = { ok: false, reason: 'aborted', detail: 'not on disk, so not sent', effect: 'none' }
const NO_CONDITION: DriverFailure = { ok: false, reason: 'rpc-error', detail: 'the driver can\'t tell', effect: 'none' }
const TOO_OLD: DriverFailure = { ok: false, reason: 'aborted', detail: 'the read-back that allowed it is too old', effect: 'none' }

/** Pause between two read-backs of one change: it doubles from the first to the last. After a failed read it is the last. */
const READ_BACK_MS = { first: 100, last: 1000 }

/** Changes of one call to the driver; what comes later waits for the next one. A longer call would not end in time. */
const MAX_BATCH = 32

/** A change that waits for its turn, or is under way. */
interface Pending {
  readonly name: string
  readonly desired: AdminState
  readonly decision: string
  /** By the clock that nobody sets. */
  readonly deadlineMs: number | null
  readonly stored: Promise<boolean>
}

interface Queue {
  tail: Promise<void>
  /** Ends the reading of the condition; null: none waits or is under way. */
  asking: AbortController | null
  /** The changes that wait for the next turn; null: none do, or something else has to come after them. */
  batch: Pending[] | null
  /** The read that waits for its turn, by identity; a change that comes after it reads back itself and takes its place. */
  waitingRead: { readonly askedMs: number } | null
  /** When the last read failed; by the clock that nobody sets. */
  failedMs: number
}

export function createExecutor (ports: { readonly clock: Clock; readonly log: Log; readonly metrics: Metrics }, events: ExecutorEvents, signal: AbortSignal): Executor {
  const { clock, log, metrics } = ports
  let lines = new Map<GatewayId, GatewayLine>()
  const queues = new Map<GatewayId, Queue>()

  const enqueue = (gateway: GatewayId, task: (line: GatewayLine) => Promise<void>): void => {
    const queue = queueOf(gateway)
    queue.asking?.abort()
    queue.tail = queue.tail.then(async () => {
      const line = lines.get(gateway)
      if (line !== undefined && !signal.aborted) await task(line)
    }).catch((error: unknown) => {
      log.error({ gateway, err: error }, 'executor task failed')
    })
  }

  const queueOf = (gateway: GatewayId): Queue => {
    const queue = queues.get(gateway) ?? { tail: Promise.resolve(), asking: null, batch: null, waitingRead: null, failedMs: -Infinity }
    queues.set(gateway, queue)
    return queue
  }

  const measured = async <T extends { readonly ok: boolean }>(gateway: GatewayId, operation: string, call: () => Promise<T>): Promise<T | DriverFailure> => {
    const startMs = clock.monotonicMs()
    const result = await call().catch((error: unknown) => hasThrown(gateway, operation, error))
    count(gateway, operation, startMs, result)
    return result
  }

  /** A driver that throws has a bug; its call has ended all the same, and nobody knows how. */
  const hasThrown = (gateway: GatewayId, operation: string, error: unknown): DriverFailure => {
    log.error({ gateway, operation, err: error }, 'driver failed')
    return BUG
  }

  const count = (gateway: GatewayId, operation: string, startMs: number, result: { readonly ok: boolean }): void => {
    metrics.observe('pointsman_driver_request_duration_seconds', (clock.monotonicMs() - startMs) / 1000, { operation })
    metrics.increment('pointsman_driver_requests_total', { gateway, operation, result: 'reason' in result ? String(result.reason) : 'ok' })
  }

  const within = <T>(line: GatewayLine, work: (end: AbortSignal) => Promise<T>): Promise<T> => withDeadline(clock, line.timeoutMs, [signal], work)

  const read = async (line: GatewayLine): Promise<ObserveResult> => {
    const result = await measured(line.id, 'observe', () => within(line, (end) => line.driver.observe(line.interfaces, end)))
    queueOf(line.id).failedMs = result.ok ? -Infinity : clock.monotonicMs()
    events.observed(line.id, result)
    return result
  }

  /** By the clock that nobody sets. */
  const isLate = (deadlineMs: number | null): boolean => deadlineMs !== null && clock.monotonicMs() > deadlineMs

  const permitOf = ({ stored, deadlineMs }: Pending): Permit => async () => !await stored ? NOT_STORED : isLate(deadlineMs) ? TOO_OLD : null

  /** One call to the driver for all of them. */
  const write = async (line: GatewayLine, batch: readonly Pending[]): Promise<readonly (readonly [Pending, ApplyResult])[]> => {
    const startMs = clock.monotonicMs()
    const changes = batch.map((each): Change => ({ interface: each.name, desired: each.desired, permit: permitOf(each) }))
    const ends = await within(line, (end) => line.driver.apply(changes, end)).catch((error: unknown) => [hasThrown(line.id, 'apply', error)])
    return batch.map((each, index) => {
      const end = ends[index] ?? BUG
      count(line.id, each.desired === 'enabled' ? 'enable' : 'disable', startMs, end)
      return [each, end] as const
    })
  }

  const ended = async (line: GatewayLine, { name, desired, decision, stored }: Pending, end: ApplyResult): Promise<void> => {
    if (await stored) events.applied(line.id, name, desired, end, decision)
  }

  const change = async (line: GatewayLine, batch: readonly Pending[]): Promise<void> => {
    const late = batch.filter(({ deadlineMs }) => isLate(deadlineMs))
    for (const each of late) await ended(line, each, TOO_OLD)
    const sent = batch.filter((each) => !late.includes(each))
    if (sent.length === 0) return
    const accepted: (readonly [Pending, ApplyResult])[] = []
    for (const [each, end] of await write(line, sent)) {
      if (end.ok) accepted.push([each, end])
      else await ended(line, each, end)
    }
    await readBack(line, accepted)
  }

  /** Reads until the changes are seen, and tells the end of each as soon as it is. */
  const readBack = async (line: GatewayLine, accepted: readonly (readonly [Pending, ApplyResult])[]): Promise<void> => {
    const deadlineMs = clock.monotonicMs() + line.timeoutMs
    let open = accepted
    for (let pauseMs = READ_BACK_MS.first; open.length > 0; pauseMs = Math.min(2 * pauseMs, READ_BACK_MS.last)) {
      const seen = await read(line)
      // A refused account is not tried again and again: the gateway might lock it.
      const refused = !seen.ok && seen.reason === 'auth-failed'
      const isOver = refused || clock.monotonicMs() >= deadlineMs || signal.aborted
      const left: (readonly [Pending, ApplyResult])[] = []
      for (const [each, end] of open) {
        if (seen.ok && shows(seen.interfaces.get(each.name), each.desired)) await ended(line, each, end)
        else if (isOver) await ended(line, each, seen.ok ? notSeen(line, each) : { ...seen, effect: 'unknown' })
        else left.push([each, end])
      }
      open = left
      if (open.length > 0) await clock.sleep(seen.ok ? pauseMs : READ_BACK_MS.last, signal)
    }
  }

  return {
    observe: (gateway) => {
      const queue = queueOf(gateway)
      if (queue.waitingRead !== null || !lines.has(gateway)) return
      const own = { askedMs: clock.monotonicMs() }
      queue.waitingRead = own
      enqueue(gateway, async (line) => {
        if (queue.waitingRead !== own) return
        queue.waitingRead = null
        // Asked while another read was under way that failed: this is its answer, too.
        if (queue.failedMs < own.askedMs) await read(line)
      })
    },
    apply: (gateway, name, desired, decision, notAfterMs, stored) => {
      const queue = queueOf(gateway)
      queue.waitingRead = null
      const pending: Pending = { name, desired, decision, deadlineMs: notAfterMs === null ? null : clock.monotonicMs() + notAfterMs - clock.now(), stored }
      const { batch } = queue
      // Two changes of one interface stay two, in their order.
      if (batch !== null && batch.length < MAX_BATCH && !batch.some((other) => other.name === name)) { batch.push(pending); return }
      const next = [pending]
      queue.batch = next
      enqueue(gateway, async (line) => {
        if (queue.batch === next) queue.batch = null
        await change(line, next)
      })
    },
    reregister: (gateway, name, decision) => {
      queueOf(gateway).batch = null
      enqueue(gateway, async (line) => {
        const end = await measured(line.id, 'reregister', () => within(line, (end) => line.driver.reregister(name, end)))
        events.reregistered(gateway, name, end, decision)
      })
    },
    askCondition: (gateway) => {
      if (lines.get(gateway)?.driver.condition === undefined) return
      const own = new AbortController()
      enqueue(gateway, async ({ driver, timeoutMs }) => {
        if (driver.condition === undefined || own.signal.aborted) return
        const result = await measured(gateway, 'condition', () => withDeadline(clock, timeoutMs, [signal, own.signal], (end) => driver.condition?.(end) ?? Promise.resolve(NO_CONDITION)))
        if (!own.signal.aborted) events.conditioned(gateway, result.ok ? result.condition : null)
      })
      queueOf(gateway).asking = own
    },
    update: (next) => {
      lines = new Map(next.map((line) => [line.id, line]))
      // What waits for a gateway that left is passed over.
      for (const [id, queue] of queues) if (!lines.has(id)) Object.assign(queue, { waitingRead: null, batch: null })
    },
    idle: async () => { await Promise.all([...queues.values()].map((queue) => queue.tail)) }
  }
}

function notSeen (line: GatewayLine, { name, desired }: Pending): DriverFailure {
  return { ok: false, reason: 'no-effect', detail: `${line.id}/${name} is not ${desired} after ${line.timeoutMs} ms`, effect: 'unknown' }
}

function shows (observation: Observation | undefined, desired: AdminState): boolean {
  return observation?.present === true && (observation.admin === 'disabled') === (desired === 'disabled')
}
