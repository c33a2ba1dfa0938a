/** Sentences for people: what a trunk does now, why it is held, and the one command that releases it. */
import type { Veto } from './interlocks/judgement.ts'
import { TRIALS } from './propose.ts'
import { releaseLine } from './override.ts'
import { standingPause, standingPin } from './permission.ts'
import { shouldBeOn } from './resting.ts'
import type { Wait } from './waits.ts'
import { VETOES, WAITS } from './reasons.ts'
import type { Demand } from './rules.ts'
import type { InterfaceHealth } from './trunk-health.ts'
import type { EpochMs, InterfaceKey, TrunkTopology } from './topology.ts'
import type { TrunkState, World } from './world.ts'

type HealthMap = ReadonlyMap<InterfaceKey, InterfaceHealth>
/** What keeps the trunk from moving. */
type HeldBy = { readonly vetoes: readonly Veto[]; readonly waits: readonly Wait[]; readonly frozenBy: Demand | null }

export interface Explanation {
  readonly carrying: 'yes' | 'no' | 'unknown'
  readonly sentence: string
  readonly release: string | null
}

/** One line for three in the morning. */
export function explainTrunk (world: World, trunk: TrunkTopology, state: TrunkState, health: HealthMap, active: InterfaceKey | null, held: HeldBy, nowMs: EpochMs): Explanation {
  const on = active === null ? undefined : health.get(active)
  const said = persons(trunk, state, health, held, nowMs)
  const shared = trunk.type === 'shared'
  return {
    carrying: shared ? carriesShared(state, health) : carries(state, health, on),
    sentence: [shared ? presentShared(state, health) : present(state, active, on), ...said, ...why(state, held)].join('; '),
    release: release(world, trunk, state, health, held, nowMs)
  }
}

/** A person's word is missing; it is asked for until an instant, where mode observe holds without an end. */
export function awaitsApproval (vetoes: readonly Veto[]): boolean {
  return vetoes.some((v) => v.interlock === 'mode' && v.untilMs !== null)
}

/** What people have said, and what they are asked. */
function persons (trunk: TrunkTopology, state: TrunkState, health: HealthMap, { vetoes }: HeldBy, nowMs: EpochMs): string[] {
  const pin = standingPin(state, nowMs)
  const { open, latch, inFlight, failedFailbacks } = state
  const aborted = inFlight !== null && inFlight.abortedBy !== null && !inFlight.rollingBack ? [`aborted by ${inFlight.abortedBy}, turns back as soon as it can`] : []
  const asked = open !== null && awaitsApproval(vetoes) ? [`waits for approval: from ${open.from ?? 'nothing'} to ${open.to ?? 'nothing'} (decision ${open.id})`] : []
  const latched = latch === null ? [] : [`latched, ${latch.because}: nothing goes back by itself`]
  const manual = trunk.failback.policy === 'automatic' && failedFailbacks >= TRIALS ? [`nothing goes back by itself after ${failedFailbacks} failed trials, until pointsman ack`] : []
  if (pin === null) return [...aborted, ...asked, ...latched, ...manual]
  const dead = health.get(pin.interface)?.verdict === 'down' ? ', which is down' : ''
  const elsewhere = !shouldBeOn(state, pin.interface) && inFlight === null ? ', where it is not' : ''
  return [`pinned to ${pin.interface}${dead}${elsewhere} by ${pin.actor}: ${pin.reason}`, ...aborted, ...asked, ...latched, ...manual]
}

function carries (state: TrunkState, health: HealthMap, on: InterfaceHealth | undefined): Explanation['carrying'] {
  if (state.carrierDownSinceMs !== null || on?.verdict === 'down') return 'no'
  if (on === undefined) return noneEnabled(health) ? 'no' : 'unknown'
  // Until a switchover is verified nobody knows whether the new interface is registered.
  return on.verdict === 'up' && state.inFlight === null ? 'yes' : 'unknown'
}

function noneEnabled (health: HealthMap): boolean {
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

/** One that works is enough. */
function carriesShared (state: TrunkState, health: HealthMap): Explanation['carrying'] {
  const on = [...health.values()].filter((h) => h.enabled === true)
  if (state.carrierDownSinceMs !== null || noneEnabled(health)) return 'no'
  if (on.some((h) => h.verdict === 'up')) return 'yes'
  return on.length > 0 && on.every((h) => h.verdict === 'down') ? 'no' : 'unknown'
}

function presentShared (state: TrunkState, health: HealthMap): string {
  const { inFlight, out } = state
  if (inFlight !== null) {
    const { from, to, phase, rollingBack } = inFlight
    if (rollingBack) return `taking ${to} out again (${phase})`
    return from === null ? `putting ${to} in (${phase})` : `taking ${from} out, ${to} stays (${phase})`
  }
  const named = (keys: readonly InterfaceKey[]): string => keys.join(', ')
  const on = [...health.values()].filter((h) => h.enabled === true)
  const down = on.filter((h) => h.verdict === 'down')
  return [
    state.carrierDownSinceMs === null ? [] : ['the carrier does not answer'],
    [on.length === 0 ? 'no interface is seen enabled' : `on ${named(on.map((h) => h.key))}`],
    down.length === 0 ? [] : [`down: ${down.map((h) => `${h.key} (${h.downBy.join(', ')})`).join(', ')}`],
    out.length === 0 ? [] : [`taken out: ${named(out)}`]
  ].flat().join('; ')
}

function why (state: TrunkState, { vetoes, waits, frozenBy }: HeldBy): string[] {
  const debts = state.debts.map((debt) => `${debt.interface} should be off and can't be reached`)
  const held = vetoes.map((v) => `held by ${v.interlock}: ${VETOES[v.interlock]} (${v.detail})`)
  const waiting = waits.map((w) => `${WAITS[w.reason]}${w.untilMs === null ? '' : `, until ${new Date(w.untilMs).toISOString()}`}`)
  const drift = state.drift !== null && !vetoes.some((v) => v.interlock === 'drift') ? [`drift: ${state.drift.detail}`] : []
  const unclear = state.baseline === 'unclear' && !vetoes.some((v) => v.interlock === 'baseline-unclear') ? [VETOES['baseline-unclear']] : []
  const frozen = frozenBy !== null && !vetoes.some((v) => v.interlock === 'freeze') ? [`frozen by the rule ${frozenBy.rule} while the alert ${frozenBy.alert?.name ?? ''} fires`] : []
  return [...unclear, ...drift, ...frozen, ...held, ...waiting, ...debts]
}

/** A person is told one command, the one that comes first. */
function release (world: World, trunk: TrunkTopology, state: TrunkState, health: HealthMap, { vetoes }: HeldBy, nowMs: EpochMs): string | null {
  const standing: Veto[] = [
    ...(state.drift === null ? [] : [{ interlock: 'drift' as const, detail: state.drift.detail, untilMs: null }]),
    ...(state.baseline === 'unclear' ? [{ interlock: 'baseline-unclear' as const, detail: '', untilMs: null }] : []),
    ...vetoes
  ]
  const pin = standingPin(state, nowMs)
  const to = state.open?.to ?? null
  const line = releaseLine({
    trunk,
    to,
    vetoes: standing,
    silent: [...health.values()].filter((h) => h.key !== to && h.answers === 'no').map((h) => h.key),
    pauseScope: standingPause(world, trunk, trunk.interfaces.map((i) => i.key), nowMs)?.scope ?? null,
    approvable: awaitsApproval(vetoes)
  })
  if (line !== null || state.inFlight !== null) return line
  if (pin !== null && (!shouldBeOn(state, pin.interface) || health.get(pin.interface)?.verdict === 'down')) return `pointsman unpin ${trunk.id} --reason …`
  return state.latch === null ? null : `pointsman ack ${trunk.id} --reason …`
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
    case 'ended': return Array.isArray(data['out']) ? `ended ${text('result')}, out: ${data['out'].join(', ') || 'nothing'}` : `ended ${text('result')}, on ${text('wanted')}`
    case 'withdrawn': return 'no longer needed'
    case 'expired': return `nobody has answered in time; proposed anew as ${text('anew')}`
    case 'brake': return `the brake engaged: ${Array.isArray(data['causes']) ? data['causes'].join(', ') : ''}`
    case 'panic': return data['panic'] === true ? `Pointsman distrusts its own view: ${text('detail')}` : 'Pointsman sees again'
    case 'watchdog': return data['lost'] === true ? 'the watchdog is lost' : 'the watchdog is back'
    case 'baseline': return data['legal'] === true ? 'the first state was adopted' : 'the first state is not a legal resting state'
    case 'drift': return text('detail')
    case 'debt': return `${text('interface')}: ${data['paid'] === true ? 'debt paid' : data['turnedRound'] === true ? 'debt turned round' : 'should be off'}`
    case 'pin': return `the pin to ${text('interface')} has ended: ${text('because')}`
    case 'operator': return `${text('actor')}: ${text('verb')} (${text('reason')})${data['result'] === 'refused' ? `, refused: ${text('detail')}` : ''}`
    default: return type
  }
}

function names (list: unknown, key: string): string[] {
  return Array.isArray(list) ? list.map((item: Record<string, unknown>) => String(item[key])) : []
}
