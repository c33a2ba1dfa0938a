/** Writes to the carrier's registrar: when a dead gateway's Contact may go, when two may be exchanged, and what the answers mean. */
import { test } from 'tap'
import type { BindingAnswer, ListedContact } from '../../src/core/binding.ts'
import { predictedGapMs, proofFor, proofOff } from '../../src/core/proof.ts'
import { rebindingOf, recordRebinding, startRebinding, swapContacts } from '../../src/core/rebinding.ts'
import type { RebindingEnd } from '../../src/core/rebinding.ts'
import { recordBinding } from '../../src/core/registrar.ts'
import type { TrunkTopology } from '../../src/core/topology.ts'
import { bindingWord, trunkHealth } from '../../src/core/trunk-health.ts'
import { verification } from '../../src/core/verification.ts'
import type { BindingState, Rebinding, Switchover, TrunkState, World } from '../../src/core/world.ts'
import { A, B, buildInterface, buildWorld, DOWN, driverOf, MINUTE, NOW, QUERY, SECOND, silentInterface, sipOf, TELLS_LITTLE, WAVERING } from '../helpers/build-world.ts'
import type { WorldParts } from '../helpers/build-world.ts'

const contact = (gateway: string, expiresSeconds: number | null = 200, user = 'x'): ListedContact => ({ uri: `sip:${user}@${gateway}:5060;line=7`, user, hostPort: `${gateway}:5060`, instance: null, expiresSeconds })
const listed = (...contacts: ListedContact[]): BindingAnswer => ({ kind: 'listed', contacts })
const holds = (key: string, agoMs: number, contacts: readonly ListedContact[] = [contact(key.split('/')[0] ?? '')]): BindingState => ({ verdict: 'held', holder: key, contacts, atMs: NOW - agoMs, expiresAtMs: NOW + 200 * SECOND, times: 3, sinceMs: NOW - MINUTE })
const run: Switchover = { decision: 'd1', from: A, to: B, cause: 'alert', trial: false, admittedAtMs: NOW - 5 * SECOND, rollingBack: false, phase: 'proving', phaseSinceMs: NOW - SECOND, failures: 0, provenBy: null, reregistered: false, abortedBy: null, knownOff: [] }
const sent = (change: Partial<Rebinding>): Rebinding => ({ kind: 'fence', decision: 'd1', rollingBack: false, outs: [A], to: B, atMs: NOW - SECOND, sent: 1, outcome: 'failed', endedAtMs: NOW - SECOND, ...change })
const known = { knownContacts: { [A]: contact('pbx-a', null), [B]: contact('pbx-b', null) } }
const calibrated = { calibratedAtMs: { [A]: NOW - 3600 * SECOND } }

/** A is dead since 20 s and still listed. */
function deadAndListed (change: WorldParts = {}): WorldParts {
  return {
    query: QUERY,
    registration: { fencing: true, ...change.registration },
    onSecond: change.onSecond ?? 'reject',
    evidence: { [sipOf(A)]: DOWN, [driverOf(A)]: DOWN, ...change.evidence },
    interfaces: { [A]: silentInterface(20 * SECOND), ...change.interfaces },
    state: { binding: holds(A, SECOND), ...calibrated, ...change.state }
  }
}
/** A was disabled in order two seconds ago. */
function disabled (change: WorldParts = {}): WorldParts {
  return {
    query: QUERY,
    registration: { handover: 'swap', ...change.registration },
    onSecond: change.onSecond ?? 'reject',
    interfaces: { [A]: buildInterface(false, { offSinceMs: NOW - 2 * SECOND }), ...change.interfaces },
    state: { binding: holds(A, 10 * SECOND), ...calibrated, ...known, ...change.state }
  }
}
function open (parts: WorldParts): { readonly world: World; readonly trunk: TrunkTopology; readonly state: TrunkState } {
  const world = buildWorld(parts)
  const trunk = world.topology.trunks.get('acme')
  const state = world.trunks.get('acme')
  if (trunk === undefined || state === undefined) throw new Error('no trunk')
  return { world, trunk, state }
}

const removable: readonly { readonly name: string; readonly given: WorldParts; readonly want: string }[] = [
  { name: 'dead and still listed', given: deadAndListed(), want: 'removable' },
  { name: 'nobody asked for it', given: deadAndListed({ registration: { fencing: false } }), want: 'wait' },
  { name: 'the carrier lets a second one in: it would come back', given: deadAndListed({ onSecond: 'replace', registration: { unproven: 'act' } }), want: 'wait' },
  { name: 'the query is not calibrated', given: deadAndListed({ state: { calibratedAtMs: {} } }), want: 'wait' },
  { name: 'the query was calibrated two days ago', given: deadAndListed({ state: { calibratedAtMs: { [A]: NOW - 48 * 3600 * SECOND } } }), want: 'wait' },
  { name: 'it was listed before its last sign of life', given: deadAndListed({ interfaces: { [A]: silentInterface(3 * SECOND) }, state: { binding: holds(A, 4 * SECOND) } }), want: 'wait' },
  { name: 'it was off, its management is silent, its SIP address has missed once', given: deadAndListed({ evidence: { [sipOf(A)]: WAVERING }, interfaces: { [A]: { ...buildInterface(false), ...silentInterface(20 * SECOND) } } }), want: 'wait' },
  { name: 'it was listed a while ago', given: deadAndListed({ interfaces: { [A]: silentInterface(90 * SECOND) }, state: { binding: holds(A, 40 * SECOND) } }), want: 'wait' },
  { name: 'another one is listed: nothing to remove, and proof enough', given: deadAndListed({ state: { binding: holds(B, SECOND) } }), want: 'proven' },
  { name: 'two of its Contacts are listed: which one?', given: deadAndListed({ state: { binding: holds(A, SECOND, [contact('pbx-a'), contact('pbx-a', 100, 'y')]) } }), want: 'wait' },
  { name: 'a stranger is listed beside it: its own goes', given: deadAndListed({ state: { binding: holds(A, SECOND, [contact('stranger'), contact('pbx-a')]) } }), want: 'removable' },
  { name: 'a Contact with a password would have to be repeated', given: deadAndListed({ state: { binding: holds(A, SECOND, [{ ...contact('pbx-a'), uri: 'sip:x:secret@pbx-a:5060' }]) } }), want: 'wait' },
  { name: 'its SIP address has just answered once', given: deadAndListed({ evidence: { [sipOf(A)]: { verdict: 'down', failures: 0, successes: 1, reason: 'alive' } } }), want: 'wait' },
  { name: 'only its management is silent', given: deadAndListed({ evidence: { [sipOf(A)]: {} } }), want: 'blocked' },
  { name: 'its SIP address is silent, its management answers', given: deadAndListed({ evidence: { [driverOf(A)]: {} } }), want: 'must-disable' },
  { name: 'its binding grew since', given: deadAndListed({ interfaces: { [A]: silentInterface(20 * SECOND, { lifeByBinding: true }) } }), want: 'blocked' },
  { name: 'the registrar refused the credentials', given: deadAndListed({ state: { queryRefused: true } }), want: 'wait' },
  { name: 'the registrar refused such a message', given: deadAndListed({ state: { rebindingRefused: true } }), want: 'wait' },
  { name: 'the registrar asked for a pause (Retry-After)', given: deadAndListed({ state: { queryNotBeforeMs: NOW + 5 * SECOND } }), want: 'wait' },
  { name: 'a refusal of the standby has shown that it lives', given: deadAndListed({ state: { notBeforeMs: NOW + 60 * SECOND } }), want: 'wait' },
  { name: 'twice tried', given: deadAndListed({ state: { inFlight: run, rebinding: sent({ sent: 2 }) } }), want: 'removable' },
  { name: 'tried three times', given: deadAndListed({ state: { inFlight: run, rebinding: sent({ sent: 3 }) } }), want: 'wait' },
  { name: 'tried three times by an earlier switchover', given: deadAndListed({ state: { inFlight: run, rebinding: sent({ sent: 3, decision: 'd0' }) } }), want: 'removable' },
  { name: 'swap instead of fencing, the other Contact is known', given: deadAndListed({ registration: { fencing: false, handover: 'swap' }, state: known }), want: 'removable' },
  { name: 'swap instead of fencing, the other Contact was never listed', given: deadAndListed({ registration: { fencing: false, handover: 'swap' } }), want: 'wait' },
  { name: 'time has proven it by now', given: deadAndListed({ interfaces: { [A]: silentInterface(331 * SECOND) } }), want: 'proven' }
]

test('a dead gateway\'s Contact may be removed', (t) => {
  for (const { name, given, want } of removable) {
    const { world, trunk, state } = open(given)
    const health = trunkHealth(world, trunk, state, NOW).get(A)
    if (health === undefined) throw new Error('no health')
    const proof = proofFor(trunk, state, health, B, NOW)
    t.equal(proof.state, want, name)
    if (proof.state === 'removable') t.equal(proof.contact, 'sip:x@pbx-a:5060;line=7', `${name}: exactly as it was listed`)
  }
  t.end()
})

const swaps: readonly { readonly name: string; readonly given: WorldParts; readonly want: boolean }[] = [
  { name: 'both Contacts are known', given: disabled(), want: true },
  { name: 'nobody asked for it', given: disabled({ registration: { handover: 'separate' } }), want: false },
  { name: 'whatever the carrier does with a second one', given: disabled({ onSecond: 'replace' }), want: true },
  { name: 'the new Contact was never listed: none is made up', given: disabled({ state: { knownContacts: { [A]: contact('pbx-a', null) } } }), want: false },
  { name: 'the new Contact is another one by the configuration of today', given: disabled({ state: { knownContacts: { [A]: contact('pbx-a', null), [B]: contact('pbx-old', null) } } }), want: false },
  { name: 'the old one is gone from the list already: as it was last listed', given: disabled({ state: { binding: null } }), want: true },
  { name: 'the query is not calibrated for either', given: disabled({ state: { calibratedAtMs: {} } }), want: false },
  { name: 'the query is calibrated for the new one', given: disabled({ state: { calibratedAtMs: { [B]: NOW - SECOND } } }), want: true },
  { name: 'the registrar refused such a message', given: disabled({ state: { rebindingRefused: true } }), want: false },
  { name: 'the registrar asked for a pause', given: disabled({ state: { queryNotBeforeMs: NOW + SECOND } }), want: false },
  { name: 'nothing is registered', given: disabled({ registration: { auth: 'ip' } }), want: false }
]

test('two Contacts may be exchanged, and what that does to the predicted wait', (t) => {
  for (const { name, given, want } of swaps) {
    const { trunk, state } = open(given)
    t.same(swapContacts(trunk, state, A, B, NOW), want ? { out: 'sip:x@pbx-a:5060;line=7', in: 'sip:x@pbx-b:5060;line=7' } : null, name)
  }
  const predicted = (given: WorldParts): number => {
    const { trunk, state } = open(given)
    return predictedGapMs(trunk, state, A, B, false, NOW) / 1000
  }
  t.equal(predicted(disabled()), 5, 'quick enough for an emergency trunk')
  t.equal(predicted(disabled({ state: { rebindingRefused: true } })), 330, 'not once it was refused')
  t.end()
})

/** A swap from A to B was sent a second ago. */
function swapSent (parts: WorldParts = {}): { readonly world: World; readonly trunk: TrunkTopology; readonly state: TrunkState; readonly seconds: number } {
  const { world, trunk, state } = open(disabled(parts))
  const started = startRebinding(trunk, { ...state, inFlight: run }, run, new Map([[A, 'sip:x@pbx-a:5060;line=7']]), B, 30 * SECOND, NOW)
  return { world, trunk, state: started.state, seconds: started.changes[1]?.expiresSeconds ?? 0 }
}

test('the message: what goes, what comes, and for how long', (t) => {
  const { trunk, state } = open(disabled())
  const start = (before: TrunkState, registersWithinMs: number): unknown => {
    const { kind, changes } = startRebinding(trunk, before, run, new Map([[A, 'sip:a']]), B, registersWithinMs, NOW)
    return [kind, ...changes.map((c) => `${c.uri} ${c.expiresSeconds}`)]
  }
  t.same(start(state, 30 * SECOND), ['swap', 'sip:a 0', 'sip:x@pbx-b:5060;line=7 150'], 'half of a lifetime: its own REGISTER will differ')
  t.same(start(state, 200 * SECOND), ['swap', 'sip:a 0', 'sip:x@pbx-b:5060;line=7 200'], 'no shorter than it needs to register itself')
  t.same(start(state, 900 * SECOND), ['swap', 'sip:a 0', 'sip:x@pbx-b:5060;line=7 300'], 'no longer than the carrier grants')
  t.same(start({ ...state, rebinding: sent({ kind: 'swap' }) }, 30 * SECOND), ['swap', 'sip:a 0', 'sip:x@pbx-b:5060;line=7 300'], 'the whole one the second time: half of it may have been too brief')
  t.same(start({ ...state, knownContacts: {} }, 30 * SECOND), ['fence', 'sip:a 0'], 'without the other Contact: only the removal')
  const { state: after } = startRebinding(trunk, state, run, new Map([[A, 'sip:a']]), B, 30 * SECOND, NOW)
  t.match(after, { rebinding: { outcome: 'pending', sent: 1, outs: [A], to: B }, placed: { interface: B, expiresAtMs: null } }, 'known before its first byte')
  t.equal(rebindingOf(after, { ...run, rollingBack: true }), null, 'the way back counts its own')
  t.end()
})

const ends: readonly { readonly name: string; readonly end: RebindingEnd; readonly want: object }[] = [
  { name: 'the registrar lists what was asked for', end: listed(contact('pbx-b', 150)), want: { rebinding: { outcome: 'done', sent: 1 }, binding: { verdict: 'held', holder: B }, placed: { interface: B, expiresAtMs: NOW + 151 * SECOND } } },
  { name: 'a 200 that changes nothing', end: listed(contact('pbx-a')), want: { rebinding: { outcome: 'failed', sent: 1 }, placed: null } },
  { name: 'a 200 that removes, and puts nothing in', end: listed(), want: { rebinding: { outcome: 'failed' }, placed: null } },
  { name: 'both are listed now', end: listed(contact('pbx-a'), contact('pbx-b')), want: { rebinding: { outcome: 'failed' } } },
  { name: 'no answer: it may have been taken', end: { kind: 'failed', reason: 'timeout', detail: '' }, want: { rebinding: { outcome: 'failed' }, placed: { interface: B, expiresAtMs: null } } },
  { name: '403: no more of these, but questions go on', end: { kind: 'refused', code: 403 }, want: { rebinding: { outcome: 'refused' }, rebindingRefused: true, queryRefused: false, placed: null } },
  { name: 'the credentials are refused: nothing more at all', end: { kind: 'refused', code: 401 }, want: { rebinding: { outcome: 'refused' }, rebindingRefused: true, queryRefused: true } },
  { name: '503 with Retry-After', end: { kind: 'unsupported', code: 503, retryAfterMs: 30_000 }, want: { rebinding: { outcome: 'failed' }, queryNotBeforeMs: NOW + 31 * SECOND, placed: null } },
  { name: '423: too brief', end: { kind: 'unsupported', code: 423, retryAfterMs: null }, want: { rebinding: { outcome: 'failed', sent: 1 }, queryNotBeforeMs: 0 } },
  { name: 'its turn came too late: it does not count as sent', end: { kind: 'late' }, want: { rebinding: { outcome: 'failed', sent: 0 }, placed: null } }
]

test('what the answers mean', (t) => {
  for (const { name, end, want } of ends) {
    const { trunk, state } = swapSent()
    t.match(recordRebinding(trunk, state, 'd1', end, NOW + SECOND), want, name)
  }
  const { trunk, state } = swapSent()
  t.equal(recordRebinding(trunk, state, 'd0', listed(contact('pbx-b')), NOW), state, 'of another decision: nothing')
  const later = recordBinding(trunk, recordRebinding(trunk, state, 'd1', listed(contact('pbx-b', 150)), NOW + 2 * SECOND), listed(contact('pbx-a')), () => false, NOW + SECOND)
  t.equal(later.binding?.holder, B, 'an answer to an earlier question does not undo it')
  t.end()
})

test('a binding that we have put in says nothing of the gateway', (t) => {
  const { world, trunk, state, seconds } = swapSent()
  t.equal(seconds, 150)
  const answer = (before: TrunkState, agoMs: number, expiresSeconds: number): TrunkState => recordBinding(trunk, before, listed(contact('pbx-b', expiresSeconds)), () => false, NOW + agoMs)
  const done = recordRebinding(trunk, state, 'd1', listed(contact('pbx-b', 150)), NOW)
  const steady = answer(done, 5 * SECOND, 145)
  t.equal(bindingWord(trunk, steady, B, NOW + 5 * SECOND), null, 'it runs out as we have put it in: no word')
  t.equal(bindingWord(trunk, answer(steady, 10 * SECOND, 300), B, NOW + 10 * SECOND), 'held', 'longer: its own REGISTER')
  t.equal(bindingWord(trunk, answer(steady, 10 * SECOND, 60), B, NOW + 10 * SECOND), 'held', 'shorter: its own REGISTER, too')
  t.equal(bindingWord(trunk, answer(steady, 160 * SECOND, 100), B, NOW + 160 * SECOND), 'held', 'listed after the end of ours: its own')
  const silent = recordRebinding(trunk, state, 'd1', { kind: 'failed', reason: 'timeout', detail: '' }, NOW)
  t.equal(bindingWord(trunk, answer(silent, 5 * SECOND, 147), B, NOW + 5 * SECOND), null, 'no answer, and then it is listed: it may be ours')
  const on = { ...steady, interfaces: { ...steady.interfaces, [B]: buildInterface(true, { observed: { present: true, admin: 'enabled', registered: null, path: null, atMs: NOW + 4 * SECOND } }) } }
  const seenOn = answer(on, 6 * SECOND, 144)
  t.same([seenOn.calibratedAtMs[B], seenOn.interfaces[B]?.lifeByBinding], [undefined, false], 'no calibration and no life from it, though B alone is on')
  const evidence = new Map([...world.evidence].map(([key, value]) => [key, { ...value, atMs: NOW + 5 * SECOND }]))
  const little = buildWorld({ capabilities: TELLS_LITTLE, query: QUERY })
  const health = trunkHealth({ ...world, evidence }, trunk, on, NOW + 6 * SECOND)
  const verify = (after: TrunkState, atMs: number): string => verification({ ...world, topology: little.topology, evidence }, trunk, after, health, B, NOW + SECOND, atMs).state
  t.equal(verify(on, NOW + 6 * SECOND), 'open', 'a gateway that tells nothing is not verified by it')
  t.equal(verify(on, NOW + 40 * SECOND), 'unverifiable')
  t.equal(verify(answer(on, 6 * SECOND, 300), NOW + 6 * SECOND), 'verified', 'by its own REGISTER it is')
  t.end()
})

test('what was put in for an interface that stays off has to run out first', (t) => {
  const { world, trunk, state } = swapSent()
  const longOff = { ...state, interfaces: { ...state.interfaces, [B]: buildInterface(false) } }
  const health = trunkHealth(world, trunk, longOff, NOW + SECOND).get(B)
  if (health === undefined) throw new Error('no health')
  t.same(proofOff(trunk, longOff, health, B, NOW + SECOND), { state: 'wait', untilMs: NOW + 330 * SECOND })
  const gone = recordBinding(trunk, longOff, listed(contact('pbx-a')), () => false, NOW + 2 * SECOND)
  t.equal(proofOff(trunk, gone, health, B, NOW + 3 * SECOND).state, 'proven', 'or the registrar lists the other one')
  t.end()
})

test('a dead gateway that is listed again after its removal lives', (t) => {
  const { world, trunk, state } = open(deadAndListed())
  const started = startRebinding(trunk, { ...state, inFlight: run }, run, new Map([[A, contact('pbx-a').uri]]), B, 30 * SECOND, NOW)
  const removed = recordRebinding(trunk, started.state, 'd1', listed(), NOW)
  t.match(removed, { rebinding: { kind: 'fence', outcome: 'done' }, binding: { verdict: 'empty' } })
  const proof = (after: TrunkState, nowMs: number): string => {
    const health = trunkHealth(world, trunk, after, nowMs).get(A)
    if (health === undefined) throw new Error('no health')
    return proofFor(trunk, after, health, B, nowMs).state
  }
  t.equal(proof(removed, NOW + 10), 'proven')
  const back = recordBinding(trunk, removed, listed(contact('pbx-a', 300)), () => false, NOW + 5 * SECOND)
  t.same([back.interfaces[A]?.lifeByBinding, proof(back, NOW + 5 * SECOND)], [true, 'blocked'])
  t.end()
})

test('the Contact is learned as it is listed while it is certainly the registered one', (t) => {
  const { trunk, state } = open({ query: QUERY })
  const learn = (parts: WorldParts, ...contacts: ListedContact[]): unknown => {
    const { state: before } = open({ query: QUERY, ...parts })
    return recordBinding(trunk, before, listed(...contacts), () => false, NOW).knownContacts
  }
  t.same(learn({}, contact('pbx-a')), { [A]: contact('pbx-a', null) })
  t.same(learn({ interfaces: { [B]: buildInterface(true) } }, contact('pbx-a')), {}, 'not beside another enabled one')
  t.same(learn({}, contact('pbx-a'), contact('pbx-a', 9, 'y')), {}, 'not one of two')
  t.same(recordBinding(trunk, { ...state, ...known }, listed(contact('pbx-a', 200, 'new')), () => false, NOW).knownContacts, { [A]: contact('pbx-a', null, 'new'), [B]: contact('pbx-b', null) }, 'the last one counts')
  t.end()
})
