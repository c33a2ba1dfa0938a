/** What a person may overrule by naming it, and the one command that releases a held trunk. */
import type { Veto } from './interlocks/judgement.ts'
import type { VetoReason } from './reasons.ts'
import { VETOES } from './reasons.ts'
import type { InterfaceKey, TrunkTopology } from './topology.ts'

/** That an interface is off has to be vouched for (`--i-know`): naming the interlock is not enough. */
const VOUCHED: ReadonlySet<VetoReason> = new Set(['exclusive', 'gateway-alive', 'owner-unproven'])
/**
 * What a person has pinned is unpinned, an unclear first state is adopted: with a verb of its own, not in passing. And of two
 * replicas only the one that leads acts, whoever asks.
 */
const NEVER: ReadonlySet<VetoReason> = new Set(['pin', 'baseline-unclear', 'leader'])

/** Names that `--override` takes. */
export const OVERRIDABLE: readonly VetoReason[] = (Object.keys(VETOES) as VetoReason[]).filter((name) => !VOUCHED.has(name) && !NEVER.has(name))

export function isOverridable (name: string): name is VetoReason {
  return OVERRIDABLE.some((known) => known === name)
}

/** They judge automation; a person is only shown them. */
export const ADVISORY: ReadonlySet<VetoReason> = new Set(['cooldown', 'hold', 'flap-latch'])

/** An order can be given that passes this veto. */
export function isPassable (name: VetoReason): boolean {
  return !NEVER.has(name)
}

/** What a release line is made from. */
export interface Held {
  readonly trunk: TrunkTopology
  /** Where the held move would go; null: nowhere. */
  readonly to: InterfaceKey | null
  readonly vetoes: readonly Veto[]
  /** Interfaces that are not proven off and whose gateway does not answer: a person may know better. */
  readonly silent: readonly InterfaceKey[]
  /** Scope of the pause that holds it; null: none does. */
  readonly pauseScope: string | null
  /** A proposal waits for approval. */
  readonly approvable: boolean
}

/** The command line that releases what is held, ready to be copied; null: nothing is held, or no command mends it. */
export function releaseLine (held: Held): string | null {
  const { trunk, vetoes, pauseScope } = held
  const has = (name: VetoReason): boolean => vetoes.some((v) => v.interlock === name)
  if (has('baseline-unclear') || has('drift')) return `pointsman adopt ${trunk.id} --reason …`
  if (has('pin')) return `pointsman unpin ${trunk.id} --reason …`
  if (has('paused') && pauseScope !== null) return `pointsman resume${scopeOption(pauseScope)} --reason …`
  if (has('leader')) return null
  if (has('brake')) return 'pointsman release --reason …'
  if (has('flap-latch')) return `pointsman ack ${trunk.id} --reason …`
  if (has('mode') && held.approvable) return `pointsman approve ${trunk.id} --reason …`
  return vetoes.length === 0 || held.to === null ? null : switchoverLine(held)
}

/** The order that overrides everything that holds the move. */
export function switchoverLine ({ trunk, to, vetoes, silent }: Held): string {
  // An alert needs confirmation and a proposal an approval; an order needs neither.
  const needless = new Set<VetoReason>([...ADVISORY, 'confirm', ...(trunk.mode === 'observe' ? [] : ['mode'] as const)])
  const names = vetoes.map((v) => v.interlock).filter((name) => isOverridable(name) && !needless.has(name))
  const unproven = vetoes.some((v) => VOUCHED.has(v.interlock))
  return [
    `pointsman switchover ${trunk.id}`,
    ...(to === null ? [] : [`--to ${to}`]),
    ...(names.length > 0 ? [`--override ${names.join(',')}`] : []),
    ...(unproven && silent.length > 0 ? [`--i-know ${silent.map((key) => `${key}-is-off`).join(',')}`] : []),
    '--reason …'
  ].join(' ')
}

function scopeOption (scope: string): string {
  const [kind, name] = scope.split('/', 2)
  return kind === 'global' || name === undefined ? '' : ` --${kind} ${name}`
}
