/** A Clock and a Random that obey: time moves only by `advance`, randomness is seeded. */
import type { Clock, Random } from '../ports.ts'

interface Timer {
  readonly atMs: number
  readonly sequence: number
  readonly fire: () => void
}

export interface FakeClock extends Clock {
  /**
   * Moves time forward by `ms`: due timers fire one by one in order of (time, sequence), and promises and I/O callbacks
   * that are ready settle after each. Timers that a fired timer starts fire too when they fall into the same span.
   */
  advance(ms: number): Promise<void>
  /** Lets promises and ready I/O callbacks settle without moving time. */
  settle(): Promise<void>
  /** Steps the wall clock alone (NTP, an operator); timers and `monotonicMs` don't notice. */
  stepWallClock(ms: number): void
  /** Timers that wait. */
  pending(): number
}

/** Default start of the wall clock: 2026-01-01T00:00:00Z. */
export const FAKE_START_MS = Date.UTC(2026, 0, 1)

export const createFakeClock = (startMs: number = FAKE_START_MS): FakeClock => {
  const timers: Timer[] = []
  let elapsedMs = 0
  let wallOffsetMs = startMs
  let sequence = 0

  const schedule = (ms: number, fire: () => void): Timer => {
    const timer = { atMs: elapsedMs + Math.max(0, ms), sequence: sequence++, fire }
    const index = timers.findLastIndex((other) => other.atMs <= timer.atMs)
    timers.splice(index + 1, 0, timer)
    return timer
  }
  const cancel = (timer: Timer): void => {
    const index = timers.indexOf(timer)
    if (index >= 0) timers.splice(index, 1)
  }
  // One immediate drains all promise jobs; the second one lets a callback that they made ready run as well.
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => { setImmediate(resolve) })
  }

  return {
    now: () => wallOffsetMs + elapsedMs,
    monotonicMs: () => elapsedMs,
    boot: () => ({ id: 'model', upMs: elapsedMs }),
    sleep: (ms, signal) => new Promise((resolve) => {
      if (signal?.aborted === true) { resolve(); return }
      const done = (): void => {
        cancel(timer)
        signal?.removeEventListener('abort', done)
        resolve()
      }
      const timer = schedule(ms, done)
      signal?.addEventListener('abort', done, { once: true })
    }),
    after: (ms, run) => {
      const timer = schedule(ms, run)
      return () => { cancel(timer) }
    },
    deadline: (ms, parent) => {
      const controller = new AbortController()
      if (parent?.aborted === true) { controller.abort(parent.reason); return controller.signal }
      const onParent = (): void => { cancel(timer); controller.abort(parent?.reason) }
      const timer = schedule(ms, () => {
        parent?.removeEventListener('abort', onParent)
        controller.abort(new DOMException('deadline', 'TimeoutError'))
      })
      parent?.addEventListener('abort', onParent, { once: true })
      return controller.signal
    },
    advance: async (ms) => {
      const endMs = elapsedMs + ms
      await settle()
      for (;;) {
        const next = timers[0]
        if (next === undefined || next.atMs > endMs) break
        timers.shift()
        elapsedMs = Math.max(elapsedMs, next.atMs)
        next.fire()
        await settle()
      }
      elapsedMs = endMs
    },
    settle,
    stepWallClock: (ms) => { wallOffsetMs += ms },
    pending: () => timers.length
  }
}

/** Deterministic Random (mulberry32). */
export const createSeededRandom = (seed = 1): Random => {
  let state = seed >>> 0
  const fraction = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return {
    fraction,
    hex: (bytes) => Array.from({ length: bytes }, () => Math.floor(fraction() * 256).toString(16).padStart(2, '0')).join('')
  }
}
