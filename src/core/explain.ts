/** Sentences for people: what a trunk does now, why it is held, and the one command that releases it. */
import type { Veto } from './interlocks/judgement.ts'
import type { Wait } from './waits.ts'
import { VETOES, WAITS } from './reasons.ts'
import type { VetoReason } from './reasons.ts'
import type { InterfaceHealth } from './trunk-health.ts'
import type { InterfaceKey, TrunkTopology } from './topology.ts'
import type { TrunkState } from './world.ts'

export interface Explanation {
  readonly carrying: 'yes' | 'no' | 'unknown'
  readonly sentence: string
  readonly release: string | null
}

/** One line for three in the morning. */
export function explainTrunk (trunk: TrunkTopology, state: TrunkState, health: ReadonlyMap<InterfaceKey, InterfaceHealth>, active: InterfaceKey | null, held: { readonly vetoes: readonly Veto[]; readonly waits: readonly Wait[] }): Explanation {
  const on = active === null ? undefined : health.get(active)
  return { carrying: carries(state, health, on), sentence: [present(state, active, on), ...why(state, held)].join('; '), release: release(trunk, state, held.vetoes) }
}

function carries (state: TrunkState, health: ReadonlyMap<InterfaceKey, InterfaceHealth>, on: InterfaceHealth | undefined): Explanation['carrying'] {
  if (state.carrierDownSinceMs !== null || on?.verdict === 'down') return 'no'
  if (on === undefined) return noneEnabled(health) ? 'no' : 'unknown'
  // Until a switchover is verified nobody knows whether the new interface is registered.
  return on.verdict === 'up' && state.inFlight === null ? 'yes' : 'unknown'
}

function noneEnabled (health: ReadonlyMap<InterfaceKey, InterfaceHealth>): boolean {
  return [...health.values()].every((h) => h.enabled === false)
}

function present (state: TrunkState, active: InterfaceKey | null, on: InterfaceHealth | undefined): string {
  if (state.inFlight !== null) {
    const { from, to, phase, rollingBack } = state.inFlight
    return rollingBack ? `going back from ${to} to ${from ?? 'nothing'} (${phase})` : `switching from ${from ?? 'nothing'} to ${to} (${phase})`
  }
  if (state.carrierDownSinceMs !== null) return `the carrier does not answer; ${active ?? 'no interface'} stays on`
  if (active === null) return 'not exactly one interface is seen enabled'
  if (on === undefined || on.verdict === 'unknown') return `on ${active}, whose evidence is not complete`
  return on.verdict === 'up' ? `on ${active}` : `on ${active}, which is down (${on.downBy.join(', ')})`
}

function why (state: TrunkState, { vetoes, waits }: { readonly vetoes: readonly Veto[]; readonly waits: readonly Wait[] }): string[] {
  const debts = state.debts.map((debt) => `${debt.interface} should be off and can't be reached`)
  const held = vetoes.map((v) => `held by ${v.interlock}: ${VETOES[v.interlock]} (${v.detail})`)
  const waiting = waits.map((w) => `${WAITS[w.reason]}${w.untilMs === null ? '' : `, until ${new Date(w.untilMs).toISOString()}`}`)
  const drift = state.drift !== null && !vetoes.some((v) => v.interlock === 'drift') ? [`drift: ${state.drift.detail}`] : []
  const unclear = state.baseline === 'unclear' && !vetoes.some((v) => v.interlock === 'baseline-unclear') ? [VETOES['baseline-unclear']] : []
  return [...unclear, ...drift, ...held, ...waiting, ...debts]
}

const RELEASES: Partial<Record<VetoReason, (trunk: string) => string>> = {
  paused: (trunk) => `pointsman resume --trunk ${trunk} --reason …`,
  'baseline-unclear': (trunk) => `pointsman adopt --trunk ${trunk} --reason …`,
  drift: (trunk) => `pointsman adopt --trunk ${trunk} --reason …`,
  mode: () => 'set mode: automatic in the configuration and reload'
}

function release (trunk: TrunkTopology, state: TrunkState, vetoes: readonly Veto[]): string | null {
  const names = new Set<VetoReason>(vetoes.map((v) => v.interlock))
  if (state.drift !== null) names.add('drift')
  if (state.baseline === 'unclear') names.add('baseline-unclear')
  for (const name of names) {
    const text = RELEASES[name]
    if (text !== undefined) return text(trunk.id)
  }
  return null
}

/** One sentence for a journal record, for lists of decisions. */
export function explainRecord (type: string, data: Readonly<Record<string, unknown>>): string {
  const text = (key: string): string => typeof data[key] === 'string' ? data[key] : 'nothing'
  switch (type) {
    case 'proposed': return `wants to move from ${text('from')} to ${text('to')} (${text('cause')})`
    case 'vetoed': return `held: ${names(data['vetoes'], 'interlock').concat(names(data['waits'], 'reason')).join(', ') || 'nothing'}`
    case 'admitted': return `moves from ${text('from')} to ${text('to')} (${text('cause')})`
    case 'phase': return `phase ${text('phase')}`
    case 'command': return `${text('command')} ${text('interface')}`
    case 'outcome': return `${text('command')} ${text('interface')}: ${text('result')}`
    case 'ended': return `ended ${text('result')}, on ${text('wanted')}`
    case 'withdrawn': return 'no longer needed'
    case 'baseline': return data['legal'] === true ? 'the first state was adopted' : 'the first state is not a legal resting state'
    case 'drift': return text('detail')
    case 'debt': return `${text('interface')}: ${data['paid'] === true ? 'debt paid' : data['turnedRound'] === true ? 'debt turned round' : 'should be off'}`
    case 'operator': return `${text('actor')}: ${text('verb')} (${text('reason')})`
    default: return type
  }
}

function names (list: unknown, key: string): string[] {
  return Array.isArray(list) ? list.map((item: Record<string, unknown>) => String(item[key])) : []
}
