/** The order of a change: read, wait until the write is allowed, write what the reading asks for, read until it shows. */
import type { DriverFailure } from '../core/observation.ts'
import type { Change, Clock, Permit } from '../ports.ts'

/** An older reading is no base for a write: somebody may have changed the gateway since. */
const READING_LASTS_MS = 250

/**
 * Reads while the permit is on its way, and once more when that took long.
 *
 * @returns the reading, now that a write is allowed; or why there is none
 */
export async function readThenAsk<Reading extends { readonly ok: true }> (read: () => Promise<Reading | DriverFailure>, permit: Permit, clock: Clock): Promise<Reading | DriverFailure> {
  const first = await read()
  if (!first.ok) return first
  const readMs = clock.monotonicMs()
  const refused = await permit()
  if (refused !== null) return refused
  if (clock.monotonicMs() - readMs <= READING_LASTS_MS) return first
  const second = await read()
  return second.ok ? await permit() ?? second : second
}

/** One permit for several changes: it is refused only when each of theirs is. */
export function joinPermits (changes: readonly Change[]): { readonly permit: Permit; refusalOf(change: Change): DriverFailure | null } {
  const refusals = new Map<Change, DriverFailure>()
  const ask = async (change: Change): Promise<DriverFailure | null> => {
    const refused = await change.permit()
    if (refused === null) refusals.delete(change)
    else refusals.set(change, refused)
    return refused
  }
  return {
    permit: async () => {
      const answers = await Promise.all(changes.map(ask))
      return answers.includes(null) ? null : answers[0] ?? null
    },
    refusalOf: (change) => refusals.get(change) ?? null
  }
}

/**
 * Reads again and again until what was written shows, for gateways that answer before they have done it.
 *
 * @param pausesMs - one for each reading that doesn't show it yet
 * @returns the last reading, or why there is none
 */
export async function readUntil<Reading extends { readonly ok: true }> (
  read: () => Promise<Reading | DriverFailure>, shows: (reading: Reading) => boolean, pausesMs: readonly number[], clock: Clock, signal: AbortSignal
): Promise<Reading | DriverFailure> {
  for (const pauseMs of pausesMs) {
    const reading = await read()
    if (!reading.ok || shows(reading)) return reading
    await clock.sleep(pauseMs, signal)
  }
  return read()
}
