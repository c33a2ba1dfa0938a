/** What an interlock judges: a proposed move, the world in which it was proposed, and what a refusal consists of. */
import type { Proof } from '../proof.ts'
import type { VetoReason } from '../reasons.ts'
import type { Demand } from '../rules.ts'
import type { InterfaceHealth } from '../trunk-health.ts'
import type { EpochMs, InterfaceKey, TrunkTopology } from '../topology.ts'
import type { OpenDecision, SwitchoverCause, TrunkState, World } from '../world.ts'

/** A move that the planner wants. */
export interface Proposal {
  /** The interface that should be on now; null: none. */
  readonly from: InterfaceKey | null
  /** Null: nothing usable to move to. */
  readonly to: InterfaceKey | null
  readonly cause: SwitchoverCause
  /** The demands behind it. */
  readonly demands: readonly Demand[]
  /** Given by a person. */
  readonly byOperator: boolean
  /** A rule wants the target out, too, but nobody else is usable and its own evidence is up. */
  readonly lastUsable: boolean
}

export interface Judgement {
  readonly world: World
  readonly trunk: TrunkTopology
  readonly state: TrunkState
  readonly health: ReadonlyMap<InterfaceKey, InterfaceHealth>
  /** All of the trunk. */
  readonly demands: readonly Demand[]
  readonly proposal: Proposal
  /** Under which the proposal is journalled; what a person answered to it. */
  readonly decision: OpenDecision
  /** Proof that everything but the target is off, apart from what answers and is disabled first. */
  readonly proof: Proof
  readonly nowMs: EpochMs
}

export interface Veto { readonly interlock: VetoReason; readonly detail: string; readonly untilMs: EpochMs | null }

export type Refusal = Omit<Veto, 'interlock'>
/** Null: it agrees. */
export type Interlock = (judgement: Judgement) => Refusal | null

export function refuse (detail: string, untilMs: EpochMs | null = null): Refusal {
  return { detail, untilMs }
}
