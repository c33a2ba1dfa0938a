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
      const alerts = byTrunk.get(trunk) ?? []
      const rest = alerts.toSpliced(placeOf(fingerprint, alerts), 1)
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
    for (const trunk of trunks) {
      const alerts = byTrunk.get(trunk) ?? []
      byTrunk.set(trunk, alerts.toSpliced(placeOf(alert.fingerprint, alerts), 0, alert))
    }
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

/** Index of the first alert whose fingerprint is not smaller. Sorting anew for each alert would take minutes in a flood. */
function placeOf (fingerprint: string, sorted: readonly BookedAlert[]): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((sorted[middle]?.fingerprint ?? '') < fingerprint) low = middle + 1
    else high = middle
  }
  return low
}
