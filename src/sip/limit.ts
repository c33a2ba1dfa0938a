/**
 * The end of one probe: its deadline, the caller's signal, or the client that closes. One timer and a list; a hundred
 * thousand of these are cheap, which composed AbortSignals are not, and closures for each function would be less.
 */
import type { Clock, StopSignal } from '../ports.ts'

export interface Limit {
  /** For the texts [ms]. */
  readonly timeoutMs: number
  /** Nothing may be sent any more. */
  isOver(): boolean
  /** It ended before its deadline. */
  wasCancelled(): boolean
  /** Calls `run` at the end, in the order of the calls; at once when it is over. The returned function takes it back. */
  onOver(run: () => void): () => void
  cancel(): void
  /** The work is done: no timer and no listener stays behind, and nobody is called any more. */
  dispose(): void
}

/** @param signal - cancels it; undefined: only `cancel` does */
export const createLimit = (clock: Clock, timeoutMs: number, signal?: StopSignal): Limit => new OwnLimit(clock, timeoutMs, signal)

class OwnLimit implements Limit {
  readonly timeoutMs: number
  readonly #signal: StopSignal | undefined
  readonly #onAbort = (): void => { this.#end('cancelled') }
  readonly #stopTimer: () => void
  #waiting: (() => void)[] = []
  #state: 'running' | 'deadline' | 'cancelled' | 'disposed' = 'running'

  constructor (clock: Clock, timeoutMs: number, signal: StopSignal | undefined) {
    this.timeoutMs = timeoutMs
    this.#signal = signal
    this.#stopTimer = clock.after(timeoutMs, () => { this.#end('deadline') })
    if (signal?.aborted === true) this.#end('cancelled')
    else signal?.addEventListener('abort', this.#onAbort, { once: true })
  }

  isOver (): boolean {
    return this.#state !== 'running'
  }

  wasCancelled (): boolean {
    return this.#state === 'cancelled'
  }

  onOver (run: () => void): () => void {
    if (this.#state === 'running') this.#waiting.push(run)
    else if (this.#state !== 'disposed') run()
    return () => {
      const index = this.#waiting.indexOf(run)
      if (index >= 0) this.#waiting.splice(index, 1)
    }
  }

  cancel (): void {
    this.#end('cancelled')
  }

  dispose (): void {
    this.#end('disposed')
  }

  #end (reached: 'deadline' | 'cancelled' | 'disposed'): void {
    if (this.#state !== 'running') return
    this.#state = reached
    this.#stopTimer()
    this.#signal?.removeEventListener('abort', this.#onAbort)
    const called = this.#waiting
    this.#waiting = []
    if (reached !== 'disposed') for (const run of called) run()
  }
}
