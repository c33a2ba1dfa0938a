/**
 * What a plan begins with: changes of a trunk's state that follow from time and from what was read alone. Nothing here
 * proposes, judges or sends anything.
 */
import { standingPin } from './permission.ts'
import type { Note } from './plan.ts'
import { sharedCarrierVerdict } from './trunk-health.ts'
import type { EpochMs, InterfaceKey, TrunkTopology } from './topology.ts'
import { interfaceState, withInterface } from './world.ts'
import type { TrunkState, World } from './world.ts'

/** @param decision - an unused id, for what is told here @param notes - gets a line for each change that people want to know */
export function prepare (world: World, trunk: TrunkTopology, stored: TrunkState, decision: string, notes: Note[], nowMs: EpochMs): TrunkState {
  let state = watchCarrier(world, trunk, watchPanic(world, trunk, knowRegistrar(trunk, fitType(trunk, stored))), nowMs)
  state = endOrders(trunk, state, decision, notes, nowMs)
  state = adoptBaseline(trunk, state, decision, notes)
  return nameChanges(state, decision, notes)
}

/** New, or of another type since a reload: it starts from what is seen. What is under way runs to its end as what it began. */
function fitType (trunk: TrunkTopology, state: TrunkState): TrunkState {
  const shared = trunk.type === 'shared'
  if ((state.members !== null) === shared || state.inFlight !== null) return state
  return { ...state, members: shared ? [] : null, out: [], wanted: null, baseline: 'unset', debts: [], drift: null, open: null, request: null, pin: null, notBeforeMs: 0, latch: null, failedFailbacks: 0, placed: null, rebinding: null, refuted: null }
}

/** What one registrar listed says nothing about what an empty list of another one means. */
function knowRegistrar (trunk: TrunkTopology, state: TrunkState): TrunkState {
  const registrar = trunk.registration.query?.registrar ?? null
  return state.calibratedBy === registrar ? state : { ...state, calibratedBy: registrar, calibratedAtMs: {}, knownContacts: {} }
}

/** A carrier target shared by all that comes back starts the warm-up anew; registrations count again only later. */
function watchCarrier (world: World, trunk: TrunkTopology, state: TrunkState, nowMs: EpochMs): TrunkState {
  const carrier = sharedCarrierVerdict(world, trunk, nowMs)
  if (carrier === null) return state
  if (carrier.verdict === 'down') return state.carrierDownSinceMs === null ? { ...state, carrierDownSinceMs: nowMs } : state
  if (state.carrierDownSinceMs === null || carrier.verdict !== 'up') return state
  return warmAnew(world, trunk, { ...state, carrierDownSinceMs: null }, nowMs)
}

/** What was seen while our vantage point was blind counts for nothing. */
function watchPanic (world: World, trunk: TrunkTopology, state: TrunkState): TrunkState {
  const { panicEndedAtMs } = world.fleet
  return panicEndedAtMs > state.warmSinceMs ? warmAnew(world, trunk, state, panicEndedAtMs) : state
}

/** Every evidence needs a newer verdict, and registrations get the time to come back. */
function warmAnew (world: World, trunk: TrunkTopology, state: TrunkState, atMs: EpochMs): TrunkState {
  const slowestMs = Math.max(...trunk.interfaces.map((i) => i.registersWithinMs))
  return { ...state, warmSinceMs: atMs, registrationsFromMs: atMs + slowestMs }
}

/** The first legal resting state that is seen is the baseline; an illegal one waits for a person. */
function adoptBaseline (trunk: TrunkTopology, state: TrunkState, decision: string, notes: Note[]): TrunkState {
  if (state.baseline !== 'unset' || state.inFlight !== null) return state
  const seen = trunk.interfaces.map((i) => ({ key: i.key, observed: interfaceState(state, i.key).observed }))
  if (seen.some((s) => s.observed === null)) return state
  const enabled = seen.filter((s) => s.observed?.present === true && s.observed.admin !== 'disabled').map((s) => s.key)
  const [only, second] = enabled
  const shared = state.members !== null
  const legal = shared ? enabled.length >= Math.max(trunk.minEnabled, 1) : only !== undefined && second === undefined
  notes.push({ decision, type: 'baseline', data: { legal, enabled } })
  if (!legal) return { ...state, baseline: 'unclear' }
  const resting = trunk.interfaces.filter((i) => !enabled.includes(i.key)).reduce((next, i) => confirmOff(next, i.key), state)
  return { ...resting, baseline: 'adopted', ...(shared ? { members: enabled } : { wanted: only ?? null }) }
}

/** A resting state that is taken as it is was not written a moment ago: what is stored is what runs. */
function confirmOff (state: TrunkState, key: InterfaceKey): TrunkState {
  return withInterface(state, key, { offConfirmed: interfaceState(state, key).offSinceMs !== null })
}

/** A pin ends with its time, or with its interface when that leaves the configuration; an order to nowhere is dropped. */
function endOrders (trunk: TrunkTopology, state: TrunkState, decision: string, notes: Note[], nowMs: EpochMs): TrunkState {
  let next = state
  const isHere = (key: InterfaceKey): boolean => trunk.interfaces.some((i) => i.key === key)
  if (state.pin !== null && (standingPin(state, nowMs) === null || !isHere(state.pin.interface))) {
    notes.push({ decision, type: 'pin', data: { interface: state.pin.interface, because: isHere(state.pin.interface) ? 'its time is over' : 'the interface left the configuration' } })
    next = { ...next, pin: null }
  }
  return next.request === null || isHere(next.request.to) ? next : { ...next, request: null }
}

/** Drift and debts that a read brought to light get a decision id and a line in the journal. */
function nameChanges (state: TrunkState, decision: string, notes: Note[]): TrunkState {
  let next = state
  if (state.drift !== null && state.drift.decision === '') {
    notes.push({ decision, type: 'drift', data: { detail: state.drift.detail } })
    next = { ...next, drift: { ...state.drift, decision } }
  }
  if (!state.debts.some((debt) => debt.decision === '')) return next
  for (const debt of state.debts) {
    if (debt.decision === '') notes.push({ decision, type: 'debt', data: { interface: debt.interface, paid: false, because: 'it came back enabled by itself' } })
  }
  return { ...next, debts: next.debts.map((debt) => debt.decision === '' ? { ...debt, decision } : debt) }
}
