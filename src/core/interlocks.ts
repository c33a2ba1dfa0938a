/**
 * Why a proposed switchover is not admitted. Each interlock is a small function over the proposal's end state; all are
 * evaluated, all vetoes are reported, and what can't be evaluated vetoes. To add one: a name and a sentence in
 * `reasons.ts`, a function in the file of who speaks, a line in `INTERLOCKS`, a case in `test/core/interlocks.test.ts`.
 */
import { brake, leader, panic } from './interlocks/fleet.ts'
import type { Interlock, Judgement, Veto } from './interlocks/judgement.ts'
import { confirm, freeze, warmUp } from './interlocks/monitoring.ts'
import { cooldown, flapLatch, hold } from './interlocks/pace.ts'
import { baselineUnclear, drift, mode, paused, pin } from './interlocks/people.ts'
import { emergency, exclusive, gatewayAlive, lastUsable, minEnabled, noBetter, ownerUnproven, standbyNotReady } from './interlocks/target.ts'
import { ADVISORY, isOverridable } from './override.ts'
import type { VetoReason } from './reasons.ts'

/** Every interlock by its name, in the order in which people read them. */
export const INTERLOCKS: Readonly<Record<VetoReason, Interlock>> = {
  mode,
  paused,
  pin,
  'baseline-unclear': baselineUnclear,
  drift,
  freeze,
  'warm-up': warmUp,
  confirm,
  exclusive,
  'gateway-alive': gatewayAlive,
  'owner-unproven': ownerUnproven,
  'no-better': noBetter,
  'last-usable': lastUsable,
  'min-enabled': minEnabled,
  emergency,
  'standby-not-ready': standbyNotReady,
  brake,
  panic,
  leader,
  cooldown,
  hold,
  'flap-latch': flapLatch
}

export interface Ruling {
  /** What holds the proposal. */
  readonly vetoes: readonly Veto[]
  /** What would have held it, had its author not named it, or had no person given the order. */
  readonly passed: readonly Veto[]
}

/** All vetoes against a proposal. @param interlocks - for tests that leave one out */
export function judge (judgement: Judgement, interlocks: Readonly<Partial<Record<VetoReason, Interlock>>> = INTERLOCKS): Ruling {
  const { proposal, state } = judgement
  const named = new Set<VetoReason>(proposal.byOperator ? state.request?.override ?? [] : [])
  const vetoes: Veto[] = []
  const passed: Veto[] = []
  for (const [name, interlock] of Object.entries(interlocks) as [VetoReason, Interlock][]) {
    const refusal = interlock(judgement)
    if (refusal === null) continue
    const passes = proposal.byOperator && (ADVISORY.has(name) || (named.has(name) && isOverridable(name)))
    ;(passes ? passed : vetoes).push({ interlock: name, ...refusal })
  }
  return { vetoes, passed }
}
