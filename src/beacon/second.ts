/**
 * A second beacon, on another machine: it does what the first one's Pointsman says, and goes on with the last verdict while
 * nobody says anything. So the death of Pointsman, or of its machine, sends no standby away.
 */
import type { Clock, Log } from '../ports.ts'
import type { BeaconStations } from './stations.ts'

/** Asks the Pointsman that is followed. @returns whether the beacon refuses; null: no answer */
export type Leader = (gateway: string, signal: AbortSignal) => Promise<boolean | null>

export interface SecondBeacon {
  /** The gateway whose beacon it is, as in the configuration. */
  readonly gateway: string
  readonly stations: BeaconStations
  readonly leader: Leader
  readonly clock: Clock
  readonly log: Log
}

const EVERY_MS = 1_000
const DEADLINE_MS = 1_000
/** A standby finds nobody here until the first answer, but not for longer. */
const FIRST_DEADLINE_MS = 2_000

/** Follows until `signal` aborts. */
export async function followLeader ({ gateway, stations, leader, clock, log }: SecondBeacon, signal: AbortSignal): Promise<void> {
  let isHeard = true
  const ask = async (deadlineMs: number): Promise<boolean | null> => {
    const verdict = await leader(gateway, clock.deadline(deadlineMs, signal))
    if ((verdict !== null) !== isHeard && !signal.aborted) {
      isHeard = verdict !== null
      if (isHeard) log.info({ gateway }, 'Pointsman answers, its verdict counts')
      else log.warn({ gateway }, 'Pointsman does not answer, its last verdict stays')
    }
    return verdict
  }
  const station = stations.of(gateway)
  const first = await ask(FIRST_DEADLINE_MS)
  await stations.start(new Set(first === true ? [gateway] : []))
  while (!signal.aborted) {
    await clock.sleep(EVERY_MS, signal)
    const verdict = signal.aborted ? null : await ask(DEADLINE_MS)
    if (verdict !== null) station.turn(verdict)
  }
}

/** @param base - URL of Pointsman's web server */
export function leaderAt (base: URL): Leader {
  const url = new URL('api/v1/beacons', base.href.endsWith('/') ? base : `${base.href}/`)
  return async (gateway, signal) => {
    try {
      const response = await fetch(url, { redirect: 'error', signal })
      if (response.status !== 200) {
        await response.body?.cancel()
        return null
      }
      const { beacons } = await response.json() as { readonly beacons: readonly { readonly gateway: string; readonly refuses: boolean }[] }
      const refuses = beacons.find((beacon) => beacon.gateway === gateway)?.refuses
      return typeof refuses === 'boolean' ? refuses : null
    } catch {
      return null
    }
  }
}
