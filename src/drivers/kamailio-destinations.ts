/** Destinations of Kamailio's dispatcher as interfaces: one list, a `set_state` for each, one list again. */
import type { ApplyResult, DriverFailure } from '../core/observation.ts'
import type { Change, Clock } from '../ports.ts'
import { failure } from './driver-failure.ts'
import type { Rpc } from './json-rpc.ts'
import { destinationIn, setStateParams } from './kamailio-dispatcher.ts'
import type { DestinationId } from './kamailio-dispatcher.ts'
import { joinPermits, readThenAsk } from './read-then-write.ts'

/** A change and the destination that its interface names. */
export interface DestinationChange { readonly change: Change; readonly id: DestinationId }

/** `list` null: the dispatcher has no destination at all. */
export type Listed = { readonly ok: true; readonly list: unknown } | DriverFailure

export async function listDestinations (rpc: Rpc, signal: AbortSignal): Promise<Listed> {
  const reply = await rpc({ method: 'dispatcher.list', params: [], reads: true }, signal)
  if (reply.kind === 'result') return { ok: true, list: reply.result }
  return reply.kind === 'error' && reply.failure.detail.includes('No Destination Sets') ? { ok: true, list: { RECORDS: [] } } : reply.failure
}

const UNREADABLE = failure('not-data', 'dispatcher.list: the answer is not as documented')

/** Why it can't be switched; null: it can. */
function unfit (list: unknown, { group, uri }: DestinationId): DriverFailure | null {
  const seen = destinationIn(list, { group, uri })
  if (seen === null) return UNREADABLE
  return seen.present ? null : failure('no-interface', `the dispatcher has no destination ${uri} in set ${group}`)
}

/** @returns the end of each change, in their order */
export async function applyDestinations (rpc: Rpc, changes: readonly DestinationChange[], clock: Clock, signal: AbortSignal): Promise<readonly ApplyResult[]> {
  if (changes.length === 0) return []
  const { permit, refusalOf } = joinPermits(changes.map(({ change }) => change))
  const before = await readThenAsk(() => listDestinations(rpc, signal), permit, clock)
  const written = await Promise.all(changes.map(async ({ change, id }): Promise<DriverFailure | null> => {
    const unsent = before.ok ? unfit(before.list, id) ?? refusalOf(change) : refusalOf(change) ?? before
    if (unsent !== null) return unsent
    // Also one that is so already: a ping that was under way may have taken it back.
    const reply = await rpc({ method: 'dispatcher.set_state', params: setStateParams(id, change.desired), reads: false }, signal)
    return reply.kind === 'result' ? null : reply.failure
  }))
  const after: Listed = written.includes(null) ? await listDestinations(rpc, signal) : UNREADABLE
  return changes.map(({ change, id }, index): ApplyResult => {
    const failed = written[index]
    if (failed != null) return failed
    const seen = after.ok ? destinationIn(after.list, id) : null
    if (seen === null) return { ...after.ok ? UNREADABLE : after, effect: 'unknown' }
    return seen.present && seen.admin === change.desired ? { ok: true, activated: true } : failure('no-effect', 'dispatcher.set_state was answered, the destination is not as wanted', 'unknown')
  })
}
