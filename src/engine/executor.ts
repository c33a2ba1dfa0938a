/**
 * Everything that goes to a gateway goes through its queue: one call at a time per gateway, never one gateway waiting for
 * another. A change counts as done only when it was read back.
 */
import type { AdminState, ApplyResult, DriverFailure, Observation, ObserveResult } from '../core/observation.ts'
import type { DurationMs, EpochMs, GatewayId } from '../core/topology.ts'
import type { Change, Clock, GatewayDriver, Log, Metrics, Permit } from '../ports.ts'

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
  /** Takes new gateways; a queue of a gateway that left ends by itself. */
  update(lines: readonly GatewayLine[]): void
  /** Resolves when nothing is under way any more. */
  idle(): Promise<void>
}

const BUG: DriverFailure = { ok: false, reason: 'local-error', detail: 'the driver failed; see the log', effect: 'unknown' }
const NOT_STORED: DriverFailure = { ok: false, reason: 'aborted', detail: 'not on disk, so not sent', effect: 'none' }
const TOO_OLD: DriverFailure = { ok: false, reason: 'aborted', detail: 'the read-back that allowed it is too old', effect: 'none' }

/** Pause between two read-backs of one change: it doubles from the first to the last. After a failed read it is the last. */
const READ_BACK_MS = { first: 100, last: 1000 }

interface Queue {
  tail: Promise<void>
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
    queue.tail = queue.tail.then(async () => {
      const line = lines.get(gateway)
      if (line !== undefined && !signal.aborted) await task(line)
    }).catch((error: unknown) => {
      log.error({ gateway, err: error }, 'executor task failed')
    })
  }

  const queueOf = (gateway: GatewayId): Queue => {
    const queue = queues.get(gateway) ?? { tail: Promise.resolve(), waitingRead: null, failedMs: -Infinity }
    queues.set(gateway, queue)
    return queue
  }

  const measured = async <T extends { readonly ok: boolean }>(gateway: GatewayId, operation: string, call: () => Promise<T>): Promise<T | DriverFailure> => {
    const startMs = clock.monotonicMs()
    const result = await call().catch((error: unknown) => {
      // A driver that throws has a bug; its call has ended all the same, and nobody knows how.
      log.error({ gateway, operation, err: error }, 'driver failed')
      return BUG
    })
    metrics.observe('pointsman_driver_request_duration_seconds', (clock.monotonicMs() - startMs) / 1000, { operation })
    metrics.increment('pointsman_driver_requests_total', { gateway, operation, result: 'reason' in result ? result.reason : 'ok' })
    return result
  }

  const read = async (line: GatewayLine): Promise<ObserveResult> => {
    const result = await measured(line.id, 'observe', () => line.driver.observe(line.interfaces, clock.deadline(line.timeoutMs, signal)))
    queueOf(line.id).failedMs = result.ok ? -Infinity : clock.monotonicMs()
    events.observed(line.id, result)
    return result
  }

  /** By the clock that nobody sets. */
  const isLate = (deadlineMs: number | null): boolean => deadlineMs !== null && clock.monotonicMs() > deadlineMs

  const change = async (line: GatewayLine, name: string, desired: AdminState, deadlineMs: number | null, permit: Permit): Promise<ApplyResult> => {
    if (isLate(deadlineMs)) return TOO_OLD
    const operation = desired === 'enabled' ? 'enable' : 'disable'
    const result = await measured(line.id, operation, () => applyOne(line.driver, { interface: name, desired, permit }, clock.deadline(line.timeoutMs, signal)))
    if (!result.ok) return result
    return await readBack(line, name, desired) ?? result
  }

  /** Reads until the change is seen; null: seen. */
  const readBack = async (line: GatewayLine, name: string, desired: AdminState): Promise<DriverFailure | null> => {
    const deadlineMs = clock.monotonicMs() + line.timeoutMs
    for (let pauseMs = READ_BACK_MS.first; ; pauseMs = Math.min(2 * pauseMs, READ_BACK_MS.last)) {
      const seen = await read(line)
      if (seen.ok && shows(seen.interfaces.get(name), desired)) return null
      // A refused account is not tried again and again: the gateway might lock it.
      const refused = !seen.ok && seen.reason === 'auth-failed'
      if (refused || clock.monotonicMs() >= deadlineMs || signal.aborted) {
        return seen.ok
          ? { ok: false, reason: 'no-effect', detail: `${line.id}/${name} is not ${desired} after ${line.timeoutMs} ms`, effect: 'unknown' }
          : { ...seen, effect: 'unknown' }
      }
      await clock.sleep(seen.ok ? pauseMs : READ_BACK_MS.last, signal)
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
      queueOf(gateway).waitingRead = null
      const deadlineMs = notAfterMs === null ? null : clock.monotonicMs() + notAfterMs - clock.now()
      const permission = stored.then((isStored) => !isStored ? NOT_STORED : isLate(deadlineMs) ? TOO_OLD : null)
      enqueue(gateway, async (line) => {
        const end = await change(line, name, desired, deadlineMs, () => permission)
        if (await stored) events.applied(gateway, name, desired, end, decision)
      })
    },
    reregister: (gateway, name, decision) => {
      enqueue(gateway, async (line) => {
        const end = await measured(line.id, 'reregister', () => line.driver.reregister(name, clock.deadline(line.timeoutMs, signal)))
        events.reregistered(gateway, name, end, decision)
      })
    },
    update: (next) => {
      lines = new Map(next.map((line) => [line.id, line]))
      // What waits for a gateway that left is passed over.
      for (const [id, queue] of queues) if (!lines.has(id)) queue.waitingRead = null
    },
    idle: async () => { await Promise.all([...queues.values()].map((queue) => queue.tail)) }
  }
}

async function applyOne (driver: GatewayDriver, change: Change, signal: AbortSignal): Promise<ApplyResult> {
  const [end] = await driver.apply([change], signal)
  return end ?? BUG
}

function shows (observation: Observation | undefined, desired: AdminState): boolean {
  return observation?.present === true && (observation.admin === 'disabled') === (desired === 'disabled')
}
