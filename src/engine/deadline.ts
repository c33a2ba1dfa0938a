/** A call with an end in time. */
import type { DurationMs } from '../core/topology.ts'
import type { Clock } from '../ports.ts'

/**
 * Calls `work` with a signal that aborts after `ms`, or with any of its parents. Unlike `clock.deadline` nothing of it
 * outlives the work: of a hundred calls a second each answer would be held until its deadline.
 */
export async function withDeadline<T> (clock: Pick<Clock, 'after'>, ms: DurationMs, parents: readonly AbortSignal[], work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const own = new AbortController()
  const follow = parents.map((parent) => {
    const onAbort = (): void => { own.abort(parent.reason) }
    if (parent.aborted) onAbort()
    else parent.addEventListener('abort', onAbort, { once: true })
    return () => { parent.removeEventListener('abort', onAbort) }
  })
  const stop = clock.after(ms, () => { own.abort(new DOMException('the deadline is over', 'TimeoutError')) })
  try {
    return await work(own.signal)
  } finally {
    stop()
    for (const unfollow of follow) unfollow()
  }
}
