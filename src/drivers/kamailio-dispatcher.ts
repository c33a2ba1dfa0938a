/** What `dispatcher.list` says about the carrier, pure: the path evidence of a Kamailio gateway. */
import type { Observation } from '../core/observation.ts'

interface Destination { readonly URI: string; readonly FLAGS: string }
interface DispatcherList { readonly RECORDS: readonly { readonly SET: { readonly ID: number; readonly TARGETS: readonly { readonly DEST: Destination }[] } }[] }

/** Destinations of one set; empty when the list can't be read or has no such set. */
function destinations (list: unknown, group: number): readonly Destination[] {
  try {
    const sets = (list as DispatcherList).RECORDS.map((record) => record.SET).filter((set) => set.ID === group)
    return sets.flatMap((set) => set.TARGETS.map((target) => target.DEST))
  } catch {
    return [] // another shape than documented is no evidence
  }
}

/**
 * The first letter of FLAGS: A active, T trying (a ping failed, the threshold is not reached), I inactive, D disabled by
 * command. One reachable destination is enough; disabled ones say nothing, since they aren't pinged.
 *
 * @param destination - only this URI; null: any of the group
 */
export function pathOf (list: unknown, group: number, destination: string | null): Observation['path'] {
  const states = destinations(list, group)
    .filter((one) => destination === null || one.URI.toLowerCase() === destination.toLowerCase())
    .map((one) => one.FLAGS.charAt(0))
  if (states.includes('A') || states.includes('T')) return 'up'
  return states.includes('I') ? 'down' : null
}
