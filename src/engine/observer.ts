/** Reads every gateway at its steady interval, one after the other: hundreds at one instant would hold up everything else. */
import type { DurationMs, GatewayId } from '../core/topology.ts'
import type { Clock } from '../ports.ts'
import type { Executor } from './executor.ts'

/** Between the first reads of two gateways; less where the interval is too short for all of them. */
const SPACING_MS = 10
/** What a gateway says about itself is for people, and may be a little older. */
const CONDITION_MS = 30_000

export interface Observer {
  /** Takes the gateways of a new configuration; loops of gateways that left end. */
  update(gateways: readonly { readonly id: GatewayId; readonly intervalMs: DurationMs }[]): void
}

export function createObserver (executor: Executor, clock: Clock, signal: AbortSignal): Observer {
  const loops = new Map<GatewayId, { readonly intervalMs: DurationMs; readonly end: AbortController }>()

  const run = async (id: GatewayId, intervalMs: DurationMs, afterMs: DurationMs, own: AbortSignal): Promise<void> => {
    // By the clock and not from the end of the last one: those that were held up together would stay together.
    const firstMs = clock.monotonicMs() + afterMs
    if (afterMs > 0) await clock.sleep(afterMs, own)
    for (let round = 0; !own.aborted; round++) {
      executor.observe(id)
      if (round % Math.max(1, Math.round(CONDITION_MS / intervalMs)) === 0) executor.askCondition(id)
      await clock.sleep(untilNext(clock.monotonicMs() - firstMs, intervalMs), own)
    }
  }

  return {
    update: (gateways) => {
      const wanted = new Map(gateways.map((gateway) => [gateway.id, gateway.intervalMs]))
      for (const [id, loop] of loops) {
        if (wanted.get(id) === loop.intervalMs) continue
        loop.end.abort()
        loops.delete(id)
      }
      const added = [...wanted].filter(([id]) => !loops.has(id))
      for (const [index, [id, intervalMs]] of added.entries()) {
        const end = new AbortController()
        if (signal.aborted) return
        signal.addEventListener('abort', () => { end.abort() }, { once: true })
        loops.set(id, { intervalMs, end })
        void run(id, intervalMs, index * Math.min(SPACING_MS, intervalMs / added.length), end.signal)
      }
    }
  }
}

/** To the next multiple of the interval; a timer that fired a moment too early doesn't make two reads of one. */
function untilNext (passedMs: DurationMs, intervalMs: DurationMs): DurationMs {
  const leftMs = intervalMs - passedMs % intervalMs
  return leftMs < intervalMs / 2 ? leftMs + intervalMs : leftMs
}
