/** Gentleness towards registrars: a live account must never be locked, and no registrar be hammered, by our asking. */
import type { DurationMs } from '../core/topology.ts'
import type { Clock, SipCredentials } from '../ports.ts'
import type { Limit } from './limit.ts'

/** At most two REGISTER a second per registrar. */
const SPACING_MS = 500
/** Who would have to wait longer is not sent at all [ms]. */
const MAX_WAIT_MS = 4000
/** A longer Retry-After is believed for this long only [ms]. */
const MAX_PAUSE_MS = 3_600_000

export interface Courtesy {
  /** Why nothing may be sent to the registrar with these credentials now; null: go on. */
  heldBack(registrar: string, credentials: SipCredentials): string | null
  /** They were refused: they are never sent again. New credentials come with a new configuration. */
  refused(credentials: SipCredentials): void
  isRefused(credentials: SipCredentials): boolean
  /** The registrar asks for a pause. */
  pause(registrar: string, ms: DurationMs): void
  /** Resolves with true when it is our turn; with false when that would take too long, or when `limit` is over. */
  turn(registrar: string, limit: Limit): Promise<boolean>
  /** Somebody asks the registrar who doesn't wait: the others come after. */
  asked(registrar: string): void
}

export const createCourtesy = (clock: Clock): Courtesy => {
  const refused = new WeakSet<SipCredentials>()
  const paused = new Map<string, number>()
  const free = new Map<string, number>()

  /** Registrars that nobody waits for are forgotten. */
  const prune = (): void => {
    const nowMs = clock.monotonicMs()
    for (const times of [paused, free]) for (const [registrar, untilMs] of times) if (untilMs <= nowMs) times.delete(registrar)
  }

  const reserve = (registrar: string, atMs: number): void => {
    prune()
    free.set(registrar, atMs + SPACING_MS)
  }

  return {
    heldBack: (registrar, credentials) => {
      if (refused.has(credentials)) return 'the credentials were refused; they are not tried again until the configuration changes'
      const leftMs = (paused.get(registrar) ?? 0) - clock.monotonicMs()
      return leftMs > 0 ? `the registrar asked for a pause, ${Math.ceil(leftMs / 1000)} s are left` : null
    },
    refused: (credentials) => { refused.add(credentials) },
    isRefused: (credentials) => refused.has(credentials),
    pause: (registrar, ms) => {
      prune()
      paused.set(registrar, clock.monotonicMs() + Math.min(ms, MAX_PAUSE_MS))
    },
    turn: (registrar, limit) => new Promise((resolve) => {
      const nowMs = clock.monotonicMs()
      const atMs = Math.max(nowMs, free.get(registrar) ?? 0)
      if (limit.isOver() || atMs - nowMs > MAX_WAIT_MS) { resolve(false); return }
      reserve(registrar, atMs)
      if (atMs === nowMs) { resolve(true); return }
      const stopTimer = clock.after(atMs - nowMs, () => { stopWaiting(); resolve(true) })
      const stopWaiting = limit.onOver(() => { stopTimer(); resolve(false) })
    }),
    asked: (registrar) => { reserve(registrar, Math.max(clock.monotonicMs(), free.get(registrar) ?? 0)) }
  }
}
