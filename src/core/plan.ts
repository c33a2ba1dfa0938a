/** What a plan consists of. */
import type { Veto } from './interlocks/judgement.ts'
import type { Wait } from './waits.ts'
import type { ContactChange } from './binding.ts'
import type { AdminState } from './observation.ts'
import type { EpochMs, GatewayId, InterfaceKey, TrunkId } from './topology.ts'
import type { TrunkState } from './world.ts'

/** One REGISTER that changes the carrier's bindings (see rebinding.ts). */
interface Rebind<Kind> {
  readonly kind: Kind
  readonly trunk: TrunkId
  readonly changes: readonly ContactChange[]
  readonly decision: string
  /** The signs of death that allow it are too old after this instant: then don't send it. */
  readonly notAfterMs: EpochMs
}

export type Action =
  /** Read all interfaces of a gateway, soon; several requests become one read. */
  | { readonly kind: 'observe'; readonly gateway: GatewayId }
  /** Ask the carrier's registrar who holds the binding. */
  | { readonly kind: 'query'; readonly trunk: TrunkId }
  /** @property notAfterMs - the evidence that allows an enable is too old after this instant: then don't send it */
  | { readonly kind: 'apply'; readonly interface: InterfaceKey; readonly desired: AdminState; readonly decision: string; readonly notAfterMs: EpochMs | null }
  | Rebind<'fence'>
  | Rebind<'swap'>
  | { readonly kind: 'reregister'; readonly interface: InterfaceKey; readonly decision: string }

/** A line for the journal; the engine adds trunk and time. */
export interface Note {
  readonly decision: string
  readonly type: 'proposed' | 'vetoed' | 'withdrawn' | 'expired' | 'admitted' | 'phase' | 'command' | 'ended' | 'baseline' | 'drift' | 'debt' | 'pin' | 'brake' | 'panic' | 'watchdog'
  readonly data: Readonly<Record<string, unknown>>
}

/** One step of a trunk: its new state and what to do. Applying nothing but the state is always safe. */
export interface Step {
  readonly state: TrunkState
  readonly actions: readonly Action[]
  readonly notes: readonly Note[]
  readonly vetoes: readonly Veto[]
  /** Vetoes that a person's order passes: shown, and journalled with its admission. */
  readonly passed: readonly Veto[]
  readonly waits: readonly Wait[]
  /** When to plan again if nothing happens before. */
  readonly wakeAtMs: EpochMs | null
}

export const NO_STEP: Omit<Step, 'state'> = { actions: [], notes: [], vetoes: [], passed: [], waits: [], wakeAtMs: null }

/** The earlier of two instants, of which either may be missing. */
export function earlier (a: EpochMs | null, b: EpochMs | null): EpochMs | null {
  if (a === null) return b
  return b === null ? a : Math.min(a, b)
}
