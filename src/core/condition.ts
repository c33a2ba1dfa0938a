/** What a gateway says about itself as a whole, as it counts: a fresh alarm about a registration is a doubt. */
import type { GatewayCondition } from './observation.ts'
import type { DurationMs, EpochMs, TrunkTopology } from './topology.ts'
import type { World } from './world.ts'

/** A condition as last read. */
export interface KnownCondition extends GatewayCondition {
  readonly atMs: EpochMs
  /** Since when an alarm about a failed registration is active; null: none is. */
  readonly failedSinceMs: EpochMs | null
}

/**
 * So long an alarm makes the carrier be asked soon. It does not say which interface it is about: one that stays, perhaps for
 * another trunk, must not keep us asking a live account every few seconds.
 */
const DOUBT_MS: DurationMs = 2 * 60_000

export function recordCondition (before: KnownCondition | undefined, condition: GatewayCondition, nowMs: EpochMs): KnownCondition {
  return { ...condition, atMs: nowMs, failedSinceMs: condition.registrationFailed ? before?.failedSinceMs ?? nowMs : null }
}

/** A gateway of the trunk has lately begun to say that a registration failed. */
export function isAlarmed (world: World, trunk: TrunkTopology, nowMs: EpochMs): boolean {
  return trunk.interfaces.some(({ gateway }) => {
    const sinceMs = world.conditions.get(gateway)?.failedSinceMs ?? null
    return sinceMs !== null && nowMs - sinceMs < DOUBT_MS
  })
}
