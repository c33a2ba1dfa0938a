/** The alert book in memory, with the firing alerts of each trunk at hand. */
import { isFiring } from '../core/alert-book.ts'
import type { AlertBook, BookedAlert } from '../core/alert-book.ts'
import { trunksOf } from '../core/rules.ts'
import type { Topology, TrunkId } from '../core/topology.ts'

export interface AlertIndex {
  book(): AlertBook
  /** Firing alerts that a rule maps to the trunk, by fingerprint; a trunk without any is missing. */
  byTrunk(): ReadonlyMap<TrunkId, readonly BookedAlert[]>
  /** Replaces one entry; null removes it. */
  put(fingerprint: string, alert: BookedAlert | null): void
  /** Maps all alerts anew, after the rules or trunks changed. */
  rebuild(): void
}

export function createAlertIndex (topology: () => Topology): AlertIndex {
  const book = new Map<string, BookedAlert>()
  const byTrunk = new Map<TrunkId, readonly BookedAlert[]>()
  const trunksByFingerprint = new Map<string, readonly TrunkId[]>()

  const remove = (fingerprint: string): void => {
    for (const trunk of trunksByFingerprint.get(fingerprint) ?? []) {
      const rest = (byTrunk.get(trunk) ?? []).filter((alert) => alert.fingerprint !== fingerprint)
      if (rest.length === 0) byTrunk.delete(trunk)
      else byTrunk.set(trunk, rest)
    }
    trunksByFingerprint.delete(fingerprint)
  }
  const add = (alert: BookedAlert): void => {
    if (!isFiring(alert)) return
    const { trunks } = trunksOf(alert.labels, topology())
    if (trunks.length === 0) return
    trunksByFingerprint.set(alert.fingerprint, trunks)
    // In one order, whatever came first: the same alerts must give the same plan.
    for (const trunk of trunks) byTrunk.set(trunk, [...byTrunk.get(trunk) ?? [], alert].sort(byFingerprint))
  }

  return {
    book: () => book,
    byTrunk: () => byTrunk,
    put: (fingerprint, alert) => {
      remove(fingerprint)
      if (alert === null) { book.delete(fingerprint); return }
      book.set(fingerprint, alert)
      add(alert)
    },
    rebuild: () => {
      byTrunk.clear()
      trunksByFingerprint.clear()
      for (const alert of book.values()) add(alert)
    }
  }
}

function byFingerprint (a: BookedAlert, b: BookedAlert): number {
  return a.fingerprint < b.fingerprint ? -1 : 1
}
