/** How many messages a beacon takes: so many a second from each source, and so many from all that it does not know. */
import type { Clock } from '../ports.ts'

export interface Throttle {
  /** @param address - of the sender @returns whether the message may be looked at */
  admits(address: string): boolean
  /** It proved that it knows the password: strangers can't use up what it needs. */
  trust(address: string): void
  /** It proved so lately. */
  trusts(address: string): boolean
}

interface Bucket { tokens: number; atMs: number; trustedUntilMs: number }

/** A standby sends two messages for each registration, and repeats them when they are lost. */
const PER_SOURCE = { perSecond: 20, burst: 40 } as const
const STRANGERS = { perSecond: 200, burst: 400 } as const
const TRUST_MS = 3_600_000
/** Sources that are remembered; the one that was heard longest ago is forgotten first. */
const MAX_SOURCES = 1_000

export function createThrottle (clock: Pick<Clock, 'monotonicMs'>): Throttle {
  const sources = new Map<string, Bucket>()
  const all: Bucket = { tokens: STRANGERS.burst, atMs: clock.monotonicMs(), trustedUntilMs: 0 }

  const take = (bucket: Bucket, { perSecond, burst }: { readonly perSecond: number; readonly burst: number }, nowMs: number): boolean => {
    bucket.tokens = Math.min(burst, bucket.tokens + (nowMs - bucket.atMs) / 1_000 * perSecond)
    bucket.atMs = nowMs
    if (bucket.tokens < 1) return false
    bucket.tokens -= 1
    return true
  }
  const forgetOne = (nowMs: number): void => {
    for (const [address, { trustedUntilMs }] of sources) {
      if (trustedUntilMs > nowMs) continue
      sources.delete(address)
      return
    }
    sources.delete(sources.keys().next().value ?? '')
  }
  const bucketOf = (address: string, nowMs: number): Bucket => {
    const known = sources.get(address)
    if (known === undefined && sources.size >= MAX_SOURCES) forgetOne(nowMs)
    const bucket = known ?? { tokens: PER_SOURCE.burst, atMs: nowMs, trustedUntilMs: 0 }
    // Heard last, forgotten last.
    sources.delete(address)
    sources.set(address, bucket)
    return bucket
  }

  return {
    admits: (address) => {
      const nowMs = clock.monotonicMs()
      const bucket = bucketOf(address, nowMs)
      return take(bucket, PER_SOURCE, nowMs) && (bucket.trustedUntilMs > nowMs || take(all, STRANGERS, nowMs))
    },
    trusts: (address) => (sources.get(address)?.trustedUntilMs ?? 0) > clock.monotonicMs(),
    trust: (address) => { bucketOf(address, clock.monotonicMs()).trustedUntilMs = clock.monotonicMs() + TRUST_MS }
  }
}
