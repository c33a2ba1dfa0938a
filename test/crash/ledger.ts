/** Who was promised what: every notification that was acknowledged, and whether the alert book has it at the end. */
import type { BookedAlert } from '../../src/core/alert-book.ts'
import { notification } from '../../src/demo/stand-in.ts'
import type { HeldAlert } from '../../src/demo/stand-in.ts'
import { fingerprintOf } from '../../src/core/fingerprint.ts'
import type { Victim } from './victim.ts'

interface Promised {
  /** The last state that was acknowledged. */
  readonly status: 'firing' | 'resolved'
  readonly startsAtMs: number
  /** Another state was posted since, and nobody said what became of it. */
  doubtful: boolean
}

export interface Ledger {
  /** Posts one alert `times` times at once; true: all were acknowledged. */
  post(alert: HeldAlert, times: number): Promise<boolean>
  /** Fingerprints that were acknowledged at least once. */
  promised(): number
  /** Acknowledged posts, repeats included. */
  acknowledged(): number
  posted(): number
  /** What the book lacks or has wrong, in words. */
  missing(book: ReadonlyMap<string, BookedAlert>): readonly string[]
}

/** @param onAcknowledged - runs in the same turn as the arrival of a 2xx */
export function createLedger (victim: Victim, onAcknowledged: () => void): Ledger {
  const promises = new Map<string, Promised>()
  let acknowledged = 0
  let posted = 0
  return {
    post: async (alert, times) => {
      const fingerprint = fingerprintOf(alert.labels)
      const status = alert.endsAtMs === null ? 'firing' : 'resolved'
      const before = promises.get(fingerprint)
      if (before !== undefined) before.doubtful = true
      const body = JSON.stringify(notification(alert))
      const results = await Promise.all(Array.from({ length: times }, () => {
        posted += 1
        return victim.post(body, () => {
          acknowledged += 1
          promises.set(fingerprint, { status, startsAtMs: alert.startsAtMs, doubtful: false })
          onAcknowledged()
        })
      }))
      return results.every(Boolean)
    },
    promised: () => promises.size,
    acknowledged: () => acknowledged,
    posted: () => posted,
    missing: (book) => [...promises].flatMap(([fingerprint, promise]) => {
      const booked = book.get(fingerprint)
      if (booked === undefined) return [`${fingerprint} is not in the book`]
      if (promise.doubtful) return []
      const same = booked.status === promise.status && booked.startsAtMs === promise.startsAtMs
      return same ? [] : [`${fingerprint} is booked as ${booked.status} since ${booked.startsAtMs}, acknowledged was ${promise.status} since ${promise.startsAtMs}`]
    })
  }
}
