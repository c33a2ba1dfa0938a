/**
 * Destinations of Kamailio's dispatcher, pure: as path evidence of a gateway that registers, and as interfaces of their own.
 * Seen with 5.6.3. FLAGS of `dispatcher.list`, first letter: A active, T trying (a ping failed, the threshold is not
 * reached), I inactive (pings failed, or set so), D disabled by command; second letter: P it is pinged, X it is not.
 *
 *   what happened                                    ds_probing_mode 0   1    admin      path
 *   loaded, or its pings are answered                AX                  AP   enabled    up
 *   set_state d: it is not pinged any more, and
 *     stays so in both modes until the next set      DX                  DX   disabled   cannot tell
 *   set_state ap: it gets calls at once, is pinged   AP, then AX         AP   enabled    up
 *   set_state i                                      IX                  AP after its next answered ping
 *   pings failed                                     IP                  IP   enabled    down
 *
 * All of it is lost in a restart, and by `dispatcher.reload`.
 */
import type { AdminState, Observation } from '../core/observation.ts'

interface Destination { readonly URI: string; readonly FLAGS: string }
interface DispatcherList { readonly RECORDS: readonly { readonly SET: { readonly ID: number; readonly TARGETS: readonly { readonly DEST: Destination }[] } }[] }

/** One destination of one set, as an interface. */
export interface DestinationId { readonly group: number; readonly uri: string }

/** `dispatcher:1:sip:10.0.0.5:5060`: the number of the set, then the URI as `dispatcher.list` shows it. Null: another name. */
export function destinationId (name: string): DestinationId | null {
  const [, group, uri] = /^dispatcher:(\d{1,9}):(sips?:\S+)$/.exec(name) ?? []
  return group === undefined || uri === undefined ? null : { group: Number(group), uri }
}

/** Destinations of one set; empty when it has no such set, null when the list can't be read. */
function destinations (list: unknown, group: number): readonly Destination[] | null {
  try {
    const sets = (list as DispatcherList).RECORDS.map((record) => record.SET).filter((set) => set.ID === group)
    const found = sets.flatMap((set) => set.TARGETS.map((target) => target.DEST))
    return found.every(({ URI, FLAGS }) => typeof URI === 'string' && typeof FLAGS === 'string') ? found : null
  } catch {
    return null // another shape than documented is no evidence
  }
}

/** Kamailio compares URIs in this way, too. */
function isSame (one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase()
}

/** One reachable destination is enough; disabled ones say nothing, since they aren't pinged. */
function pathIn (found: readonly Destination[]): Observation['path'] {
  const states = found.map((one) => one.FLAGS.charAt(0))
  if (states.includes('A') || states.includes('T')) return 'up'
  return states.includes('I') ? 'down' : null
}

/** Path evidence of a gateway that registers. @param destination - only this URI; null: any of the group */
export function pathOf (list: unknown, group: number, destination: string | null): Observation['path'] {
  return pathIn((destinations(list, group) ?? []).filter((one) => destination === null || isSame(one.URI, destination)))
}

/** State of a destination that is an interface; null: the list can't be read. */
export function destinationIn (list: unknown, { group, uri }: DestinationId): Observation | null {
  const found = destinations(list, group)?.filter((one) => isSame(one.URI, uri))
  if (found === undefined) return null
  const off = found.every((one) => one.FLAGS.charAt(0) === 'D')
  return { present: found.length > 0, admin: off ? 'disabled' : 'enabled', registered: null, path: pathIn(found) }
}

/** Parameters of `dispatcher.set_state`. With `a` alone one that isn't pinged would count as active without a look. */
export function setStateParams ({ group, uri }: DestinationId, desired: AdminState): readonly (string | number)[] {
  return [desired === 'disabled' ? 'd' : 'ap', group, uri]
}
