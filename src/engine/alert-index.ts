/** The alert book in memory, with the firing alerts of each trunk at hand. */
import { isFiring } from '../core/alert-book.ts'
import type { AlertBook, BookedAlert } from '../core/alert-book.ts'
import { trunksOf } from '../core/rules.ts'
import type { Topology, TrunkId } from '../core/topology.ts'
import type { AlertsByTrunk } from '../core/world.ts'

export interface AlertIndex {
  book(): AlertBook
  /** Firing alerts that a rule maps to the trunk, by fingerprint; a trunk without any is missing. */
  byTrunk(): ReadonlyMap<TrunkId, readonly BookedAlert[]>
  /** `byTrunk` as it will be with these changes; valid until the next change. Thousands of firing alerts are not copied for one more. */
  preview(changes: ReadonlyMap<string, BookedAlert | null>): AlertsByTrunk
  /** Replaces one entry; null removes it. */
  put(fingerprint: string, alert: BookedAlert | null): void
  /** Maps all alerts anew, after the rules or trunks changed. */
  rebuild(): void
}

/** Where the alerts of a trunk are kept. */
interface Shelf extends AlertsByTrunk {
  /** @param alerts - empty: none are left */
  keep(trunk: TrunkId, alerts: readonly BookedAlert[]): void
}

type TrunkAlerts = Map<TrunkId, readonly BookedAlert[]>

export function createAlertIndex (topology: () => Topology): AlertIndex {
  const book = new Map<string, BookedAlert>()
  const byTrunk: TrunkAlerts = new Map()
  const trunksByFingerprint = new Map<string, readonly TrunkId[]>()

  const shelf: Shelf = {
    get: (trunk) => byTrunk.get(trunk),
    keep: (trunk, alerts) => {
      if (alerts.length === 0) byTrunk.delete(trunk)
      else byTrunk.set(trunk, alerts)
    }
  }
  const takeOut = (from: Shelf, fingerprint: string): void => {
    for (const trunk of trunksByFingerprint.get(fingerprint) ?? []) {
      const alerts = from.get(trunk) ?? []
      from.keep(trunk, alerts.toSpliced(placeOf(fingerprint, alerts), 1))
    }
  }
  /** In one order, whatever came first: the same alerts must give the same plan. @returns its trunks */
  const putIn = (into: Shelf, alert: BookedAlert): readonly TrunkId[] => {
    const trunks = isFiring(alert) ? trunksOf(alert.labels, topology()).trunks : []
    for (const trunk of trunks) {
      const alerts = into.get(trunk) ?? []
      into.keep(trunk, alerts.toSpliced(placeOf(alert.fingerprint, alerts), 0, alert))
    }
    return trunks
  }
  const add = (alert: BookedAlert): void => {
    const trunks = putIn(shelf, alert)
    if (trunks.length > 0) trunksByFingerprint.set(alert.fingerprint, trunks)
  }

  return {
    book: () => book,
    byTrunk: () => byTrunk,
    preview: (changes) => {
      const changed: TrunkAlerts = new Map()
      const next: Shelf = { get: (trunk) => changed.get(trunk) ?? byTrunk.get(trunk), keep: (trunk, alerts) => { changed.set(trunk, alerts) } }
      for (const [fingerprint, alert] of changes) {
        takeOut(next, fingerprint)
        if (alert !== null) putIn(next, alert)
      }
      return next
    },
    put: (fingerprint, alert) => {
      takeOut(shelf, fingerprint)
      trunksByFingerprint.delete(fingerprint)
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
