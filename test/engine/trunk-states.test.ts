import * as fc from 'fast-check'
import { test } from 'tap'
import { shiftInstants } from '../../src/core/shift.ts'
import { withRepeatedRead } from '../../src/core/observe.ts'
import { interfaceState, newTrunkState, withInterface, type TrunkState } from '../../src/core/world.ts'
import { TrunkStates } from '../../src/engine/trunk-states.ts'
import { A, B, buildInterface, buildTopology, NOW, sipOf } from '../helpers/build-world.ts'

const ID = 'acme'
const KEYS = [A, B] as const

/** Both were read before. */
const READ: TrunkState = { ...newTrunkState(KEYS, NOW), interfaces: { [A]: buildInterface(true), [B]: buildInterface(false) } }

type Event =
  | { readonly kind: 'answers', readonly key: typeof A | typeof B }
  | { readonly kind: 'read-again', readonly key: typeof A | typeof B }
  | { readonly kind: 'binding-grew', readonly key: typeof A | typeof B }
  | { readonly kind: 'clock-set', readonly byMs: number }
  | { readonly kind: 'reload' }
  | { readonly kind: 'look' }

const events = fc.array(fc.oneof(
  fc.record({ kind: fc.constant('answers' as const), key: fc.constantFrom(...KEYS) }),
  fc.record({ kind: fc.constant('read-again' as const), key: fc.constantFrom(...KEYS) }),
  fc.record({ kind: fc.constant('binding-grew' as const), key: fc.constantFrom(...KEYS) }),
  fc.record({ kind: fc.constant('clock-set' as const), byMs: fc.integer({ min: -100_000, max: 100_000 }) }),
  fc.record({ kind: fc.constant('reload' as const) }),
  fc.record({ kind: fc.constant('look' as const) })), { maxLength: 30 })

test('a sign of life or a repeated read that is put down is the same as one that is written at once, in every order of events', (t) => {
  const topology = buildTopology({})
  let looks = 0
  const details = fc.check(fc.property(events, (given: readonly Event[]) => {
    const states = new TrunkStates(topology)
    let model: TrunkState = READ
    states.set(ID, model)
    let nowMs = NOW
    for (const event of given) {
      nowMs += 1000
      if (event.kind === 'answers') {
        states.lives(sipOf(event.key), nowMs)
        model = withInterface(model, event.key, { lastLifeAtMs: nowMs, lifeByBinding: false })
      } else if (event.kind === 'read-again') {
        states.readAgain(event.key, nowMs)
        model = withInterface(model, event.key, withRepeatedRead(interfaceState(model, event.key), nowMs))
      } else if (event.kind === 'binding-grew') {
        const change = { lastLifeAtMs: nowMs, lifeByBinding: true }
        states.set(ID, withInterface(states.get(ID)!, event.key, change))
        model = withInterface(model, event.key, change)
      } else if (event.kind === 'clock-set') {
        const { byMs } = event
        nowMs += byMs
        states.clockSet((state) => shiftInstants(state, byMs))
        model = shiftInstants(model, byMs)
      } else if (event.kind === 'reload') {
        states.setTopology(buildTopology({}))
      } else {
        looks++
        if (JSON.stringify(states.get(ID)) !== JSON.stringify(model)) return false
      }
    }
    return JSON.stringify(states.get(ID)) === JSON.stringify(model)
  }), { numRuns: 5000, seed: 7 })
  t.same(details.counterexample, null)
  t.ok(looks > 2000, `${looks} looks on the way`)
  t.end()
})

test('whoever walks through the states sees it, too, and copies nothing more once he has set it', (t) => {
  const states = new TrunkStates(buildTopology({}))
  states.set(ID, newTrunkState(KEYS, NOW))
  const seen = (state: TrunkState): number | null => state.interfaces[A]!.lastLifeAtMs
  states.lives(sipOf(A), NOW + 1)
  t.same([...states].map(([, state]) => seen(state)), [NOW + 1])
  states.lives(sipOf(A), NOW + 2)
  t.same([...states.values()].map(seen), [NOW + 2])
  states.lives(sipOf(A), NOW + 3)
  states.forEach((state) => { t.equal(seen(state), NOW + 3) })
  const looked = states.get(ID)!
  t.not(states.get(ID), looked, 'a look keeps nothing')
  states.set(ID, looked)
  t.equal(states.get(ID), looked)
  t.end()
})

test('a new address does not inherit the life of the old one', (t) => {
  const states = new TrunkStates(buildTopology({}))
  states.set(ID, newTrunkState(KEYS, NOW))
  states.lives(sipOf(A), NOW + 1)
  states.setTopology(buildTopology({}))
  states.set(ID, newTrunkState(KEYS, NOW + 2))
  t.equal(states.get(ID)?.interfaces[A]?.lastLifeAtMs, null)
  t.end()
})

test('what the brake holds, and what is moved, is found without a walk through all', (t) => {
  const states = new TrunkStates(buildTopology({}))
  const open = { id: 'd1', from: A, to: B, cause: 'health', held: 'brake', drainSinceMs: null, sinceMs: NOW, answer: null } as const
  const free = newTrunkState(KEYS, NOW)
  states.set(ID, { ...free, open })
  t.same([...states.heldByBrake()], [ID])
  states.set(ID, { ...free, open: { ...open, held: 'cooldown' } })
  t.same([...states.heldByBrake()], [])
  states.set(ID, { ...free, open })
  states.delete(ID)
  t.same([...states.heldByBrake()], [])
  const inFlight = {
    decision: 'd', from: A, to: B, cause: 'alert', trial: false, admittedAtMs: 0, rollingBack: false, phase: 'proving', phaseSinceMs: 0,
    failures: 0, provenBy: null, reregistered: false, abortedBy: null, knownOff: []
  } as const
  states.set(ID, { ...free, inFlight })
  t.same([...states.moving()], [ID])
  states.set(ID, free)
  t.same([...states.moving()], [])
  states.set(ID, { ...free, inFlight })
  states.delete(ID)
  t.same([...states.moving()], [])
  t.end()
})
