/** The only file that takes time and randomness from the machine. */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { uptime } from 'node:os'
import type { Clock, Random } from './ports.ts'

/** Linux names each run of the machine; elsewhere nothing does. */
function readBootId (): string | null {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return null
  }
}

const bootId = readBootId()

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  boot: () => bootId === null ? null : { id: bootId, upMs: uptime() * 1000 },
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

/** Random bytes are fetched so many at a time: one call for each probe's three identifiers costs more than its codec. */
const POOL_BYTES = 4096
let pool = Buffer.alloc(0)
let used = 0

/** @returns where the next `bytes` bytes of the pool begin; each byte is handed out once */
function take (bytes: number): number {
  if (used + bytes > pool.length) {
    pool = randomBytes(Math.max(POOL_BYTES, bytes))
    used = 0
  }
  const start = used
  used += bytes
  return start
}

export const systemRandom: Random = {
  hex: (bytes) => {
    const start = take(bytes)
    return pool.toString('hex', start, start + bytes)
  },
  fraction: () => {
    const start = take(4)
    return pool.readUInt32BE(start) / 2 ** 32
  }
}
