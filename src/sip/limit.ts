/**
 * The end of one probe: its deadline, the caller's signal, or the client that closes. One timer and a list; a hundred
 * thousand of these are cheap, which composed AbortSignals are not.
 */
import type { Clock } from '../ports.ts'

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
export const createLimit = (clock: Clock, timeoutMs: number, signal?: AbortSignal): Limit => {
  let waiting: (() => void)[] = []
  let state: 'running' | 'deadline' | 'cancelled' | 'disposed' = 'running'
  const end = (reached: typeof state): void => {
    if (state !== 'running') return
    state = reached
    stopTimer()
    signal?.removeEventListener('abort', onAbort)
    const called = waiting
    waiting = []
    if (reached !== 'disposed') for (const run of called) run()
  }
  const onAbort = (): void => { end('cancelled') }
  const stopTimer = clock.after(timeoutMs, () => { end('deadline') })
  if (signal?.aborted === true) end('cancelled')
  else signal?.addEventListener('abort', onAbort, { once: true })
  return {
    timeoutMs,
    isOver: () => state !== 'running',
    wasCancelled: () => state === 'cancelled',
    onOver: (run) => {
      if (state === 'running') waiting.push(run)
      else if (state !== 'disposed') run()
      return () => {
        const index = waiting.indexOf(run)
        if (index >= 0) waiting.splice(index, 1)
      }
    },
    cancel: onAbort,
    dispose: () => { end('disposed') }
  }
}
