/** The only file that takes time and randomness from the machine. */
import { randomBytes } from 'node:crypto'
import type { Clock, Random } from './ports.ts'

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: (ms, signal) => new Promise((resolve) => {
    if (signal?.aborted === true) { resolve(); return }
    const done = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, Math.max(0, ms))
    signal?.addEventListener('abort', done, { once: true })
  }),
  after: (ms, run) => {
    const timer = setTimeout(run, Math.max(0, ms))
    return () => { clearTimeout(timer) }
  },
  deadline: (ms, parent) => {
    const own = AbortSignal.timeout(ms)
    return parent === undefined ? own : AbortSignal.any([own, parent])
  }
}

export const systemRandom: Random = {
  hex: (bytes) => randomBytes(bytes).toString('hex'),
  fraction: () => randomBytes(4).readUInt32BE() / 2 ** 32
}
