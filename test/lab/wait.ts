/** Waiting with a bound. */
import { setTimeout as sleep } from 'node:timers/promises'

export { sleep }

/** A wait that ended without what it waited for. */
export class TimeoutError extends Error {}

/**
 * Asks `probe` every `everyMs` until it gives something other than null, false or undefined, and returns that.
 *
 * @throws TimeoutError - nothing within `withinMs`
 */
export const until = async <T>(what: string, probe: () => T | Promise<T>, withinMs: number, everyMs = 20): Promise<NonNullable<T>> => {
  const end = performance.now() + withinMs
  for (;;) {
    const value = await probe()
    if (value !== null && value !== undefined && value !== false) return value
    if (performance.now() > end) throw new TimeoutError(`no ${what} within ${withinMs} ms`)
    await sleep(everyMs)
  }
}

/** Like `until`, but holds for the whole time: throws as soon as `probe` is false. */
export const holds = async (what: string, probe: () => boolean | Promise<boolean>, forMs: number, everyMs = 50): Promise<void> => {
  const end = performance.now() + forMs
  do {
    if (!(await probe())) throw new Error(`${what} did not hold for ${forMs} ms`)
    await sleep(everyMs)
  } while (performance.now() < end)
}
