/**
 * No gateway is hammered. Bounds on what Pointsman asks of one gateway, for one trunk on it:
 *
 * - While something is awaited it is read every 250 ms; with a read-back, the steady read and a command that fall into the
 *   same second, that makes six.
 * - A read that fails may fail at once, and its result wakes the next plan: two in a second are a retry, three are a loop.
 * - A refused account is tried at the steady interval (10 s by default), by a pre-flight and by a switchover's few commands.
 *   Devices that lock accounts do it after some ten wrong logins in a minute.
 */
export const PACE = { callsPerSecond: 6, failuresPerSecond: 2, refusalsPerMinute: 9 } as const

export interface Pace {
  /** One call to the gateway has ended. @param result - `ok` or why it failed */
  called(gateway: string, atMs: number, result: string): void
  /** Which bounds were exceeded, with the count, each gateway and bound once. */
  excesses(): readonly string[]
}

interface Calls { readonly atMs: number[]; most: number }

export function createPace (): Pace {
  const windows = new Map<string, Calls>()
  const count = (gateway: string, what: keyof typeof PACE, atMs: number, windowMs: number): void => {
    const key = `${gateway} ${what}`
    const calls = windows.get(key) ?? { atMs: [], most: 0 }
    windows.set(key, calls)
    calls.atMs.push(atMs)
    while (calls.atMs[0] !== undefined && calls.atMs[0] <= atMs - windowMs) calls.atMs.shift()
    calls.most = Math.max(calls.most, calls.atMs.length)
  }
  return {
    called: (gateway, atMs, result) => {
      count(gateway, 'callsPerSecond', atMs, 1000)
      if (result !== 'ok') count(gateway, 'failuresPerSecond', atMs, 1000)
      if (result === 'auth-failed') count(gateway, 'refusalsPerMinute', atMs, 60_000)
    },
    excesses: () => [...windows].flatMap(([key, { most }]) => {
      const [, what] = key.split(' ') as [string, keyof typeof PACE]
      return most > PACE[what] ? [`${key}: ${most}`] : []
    })
  }
}
