/** Watches one switchover from the fault on and notes when each step was first seen, from outside and from Pointsman. */
import type { TrunkStatus } from '../../src/core/status.ts'
import type { Carrier } from './kamailio.ts'
import type { Pointsman } from './pointsman.ts'
import { sleep } from './wait.ts'

/** Who is watched. `enabled` asks the gateways themselves, never Pointsman; null: no answer. */
export interface Watched {
  readonly trunk: string
  readonly user: string
  readonly carrier: Carrier
  readonly pointsman: Pointsman
  readonly a: { readonly key: string, readonly ip: string }
  readonly b: { readonly key: string, readonly ip: string, enabled(): Promise<boolean | null> }
}

/** Moments after the fault [ms]; null: not seen. */
export interface Timeline {
  readonly downSeen: number | null
  readonly alerted: number | null
  readonly proofFrom: number | null
  readonly proofTo: number | null
  readonly admitted: number | null
  readonly enabled: number | null
  readonly registered: number | null
  readonly verified: number | null
  /** Pointsman saw the carrier up at every look. */
  readonly carrierUp: boolean
  /** Names of the waits and interlocks that held the decision, in the order in which they were seen. */
  readonly heldBy: readonly string[]
  /** Identifier of the decision; null: none was admitted. */
  readonly decision: string | null
}

type Moments = { -readonly [Key in keyof Omit<Timeline, 'carrierUp' | 'heldBy' | 'decision'>]: number | null }

const WATCH_EVERY_MS = 20

const noteStatus = (moments: Moments, status: TrunkStatus, watched: Watched, now: number): void => {
  const a = status.interfaces.find(({ key }) => key === watched.a.key)
  if (a?.health === 'down') moments.downSeen ??= now
  if (status.alerts.length > 0) moments.alerted ??= now
  if (status.waits.some(({ reason }) => reason === 'waiting-for-proof')) {
    moments.proofFrom ??= now
    moments.proofTo = now
  }
}

const carrierIsUp = (status: TrunkStatus): boolean => status.interfaces.every(({ evidence }) => evidence.some(({ kind, verdict }) => kind === 'carrier' && verdict === 'up'))

/**
 * Polls until the switchover to B was verified (or `withinMs` have passed) and returns what it saw.
 *
 * @param faultAt - `performance.now()` of the fault
 */
export const watchSwitchover = async (watched: Watched, faultAt: number, withinMs: number): Promise<Timeline> => {
  const moments: Moments = { downSeen: null, alerted: null, proofFrom: null, proofTo: null, admitted: null, enabled: null, registered: null, verified: null }
  const faultEpoch = Date.now() - (performance.now() - faultAt)
  const heldBy = new Set<string>()
  let carrierUp = true
  let decision: string | null = null
  while (performance.now() - faultAt < withinMs && moments.verified === null) {
    const [status, holder, enabled] = await Promise.all([watched.pointsman.trunk(watched.trunk), watched.carrier.holder(watched.user), watched.b.enabled()])
    const now = performance.now() - faultAt
    noteStatus(moments, status, watched, now)
    carrierUp &&= carrierIsUp(status)
    if (enabled === true) moments.enabled ??= now
    if (holder === watched.b.ip) moments.registered ??= now
    if (status.switchover?.to === watched.b.key) {
      decision ??= status.switchover.decision
      moments.admitted ??= status.switchover.admittedAtMs - faultEpoch
    }
    if (moments.alerted !== null && moments.admitted === null) {
      for (const name of [...status.waits.map(({ reason }) => reason), ...status.vetoes.map(({ interlock }) => interlock)]) heldBy.add(name)
    }
    // It ends with the verification; the journal's record has the exact moment.
    if (decision !== null && status.switchover === null) {
      const ended = (await watched.pointsman.decision(decision)).find(({ type }) => type === 'ended')
      if (ended !== undefined) moments.verified = ended.atMs - faultEpoch
    }
    await sleep(WATCH_EVERY_MS)
  }
  return { ...moments, carrierUp, heldBy: [...heldBy], decision }
}

/** The time spent on waiting for the proof that the old registration is gone, after the alert was there [ms]. */
export const proofWait = ({ alerted, proofFrom, proofTo }: Timeline): number => proofFrom === null || proofTo === null ? 0 : Math.max(0, proofTo - Math.max(proofFrom, alerted ?? 0))
