import { test } from 'tap'
import { recordBinding } from '../../src/core/registrar.ts'
import type { BindingAnswer, ListedContact } from '../../src/core/binding.ts'
import { predictedGapMs, proofOthersOff } from '../../src/core/proof.ts'
import { trunkHealth } from '../../src/core/trunk-health.ts'
import type { BindingState, Command, TrunkState } from '../../src/core/world.ts'
import { A, B, buildInterface, buildWorld, C, DOWN, driverOf, NOW, QUERY, SECOND, silentInterface, sipOf, WAVERING } from '../helpers/build-world.ts'
import type { WorldParts } from '../helpers/build-world.ts'

const dead = { [sipOf(A)]: DOWN, [driverOf(A)]: DOWN }
const empty = (agoMs: number): BindingState => ({ verdict: 'empty', holder: null, contacts: [], atMs: NOW - agoMs, expiresAtMs: null, times: 2, sinceMs: NOW - 60 * SECOND })
const held = (holder: string, agoMs: number): BindingState => ({ verdict: 'held', holder, contacts: [], atMs: NOW - agoMs, expiresAtMs: NOW + 60 * SECOND, times: 2, sinceMs: NOW - 60 * SECOND })
const calibrated = { calibratedAtMs: { [A]: NOW - 3600 * SECOND } }
const off = (agoMs: number): NonNullable<WorldParts['interfaces']> => ({ [A]: buildInterface(false, { offSinceMs: NOW - agoMs }) })
const enabling = (outcome: Command['outcome']): Command => ({ desired: 'enabled', atMs: NOW - 3 * SECOND, outcome, reason: null, detail: '', endedAtMs: NOW - 2 * SECOND })

const absent = { observed: { present: false, admin: 'disabled' as const, registered: null, path: null, atMs: NOW } }

const byIp: WorldParts = { registration: { auth: 'ip', expiresMs: 0 } }
const act: WorldParts = { onSecond: 'replace', registration: { unproven: 'act' } }

const cases: readonly { readonly name: string; readonly given: WorldParts; readonly want: string }[] = [
  { name: 'A answers and is on: it must be disabled', given: {}, want: 'must-disable' },
  { name: 'A is off and the carrier replaces: enough', given: { onSecond: 'replace', interfaces: off(SECOND) }, want: 'proven off-and-replaced' },
  { name: 'A is off and the carrier lets both register: enough', given: { onSecond: 'coexist', interfaces: off(SECOND) }, want: 'proven off-and-replaced' },
  { name: 'A is off, the carrier rejects a second: wait for expires and a tenth', given: { interfaces: off(10 * SECOND) }, want: 'wait 320' },
  { name: 'A is off for expires and a tenth', given: { interfaces: off(330 * SECOND) }, want: 'proven timer' },
  { name: 'A is off and a calibrated registrar lists nobody', given: { query: QUERY, interfaces: off(10 * SECOND), state: { binding: empty(SECOND), ...calibrated } }, want: 'proven binding-gone' },
  { name: 'an uncalibrated empty list proves nothing', given: { query: QUERY, interfaces: off(10 * SECOND), state: { binding: empty(SECOND) } }, want: 'wait 320' },
  { name: 'a calibration of two days ago is none', given: { query: QUERY, interfaces: off(10 * SECOND), state: { binding: empty(SECOND), calibratedAtMs: { [A]: NOW - 48 * 3600 * SECOND } } }, want: 'wait 320' },
  { name: 'an empty list from before A went off proves nothing', given: { query: QUERY, interfaces: off(10 * SECOND), state: { binding: empty(11 * SECOND), ...calibrated } }, want: 'wait 320' },
  { name: 'the registrar lists the standby: A is gone', given: { query: QUERY, interfaces: off(10 * SECOND), state: { binding: held(B, SECOND) } }, want: 'proven binding-gone' },
  { name: 'the registrar lists A still', given: { query: QUERY, interfaces: off(10 * SECOND), state: { binding: held(A, SECOND), ...calibrated } }, want: 'wait 320' },
  { name: 'the running state is not known to be off: it must be disabled (again)', given: { interfaces: { [A]: buildInterface(false, { offConfirmed: false }) } }, want: 'must-disable' },
  { name: 'an enable of A of unknown outcome: it may be on', given: { onSecond: 'replace', interfaces: { [A]: buildInterface(false, { command: enabling('unknown') }) } }, want: 'must-disable' },
  { name: 'an enable of A that certainly failed leaves it off', given: { onSecond: 'replace', interfaces: { [A]: buildInterface(false, { command: enabling('failed') }) } }, want: 'proven off-and-replaced' },
  { name: 'A silent: the timer runs from its last life', given: { evidence: dead, interfaces: { [A]: silentInterface(100 * SECOND) } }, want: 'wait 230' },
  { name: 'A silent for expires and a tenth', given: { evidence: dead, interfaces: { [A]: silentInterface(330 * SECOND) } }, want: 'proven timer' },
  { name: 'A silent and gone from a calibrated registrar', given: { query: QUERY, evidence: dead, interfaces: { [A]: silentInterface(20 * SECOND) }, state: { binding: empty(SECOND), ...calibrated } }, want: 'proven binding-gone' },
  { name: 'A silent, its binding grew since: it lives', given: { query: QUERY, evidence: dead, interfaces: { [A]: silentInterface(20 * SECOND, { lifeByBinding: true }) }, state: { binding: held(A, SECOND), ...calibrated } }, want: 'blocked gateway-alive' },
  { name: 'A silent and the carrier lets it come back', given: { onSecond: 'replace', evidence: dead, interfaces: { [A]: silentInterface(999 * SECOND) } }, want: 'blocked owner-unproven' },
  { name: 'A silent, replace, but its binding is proven gone', given: { onSecond: 'replace', query: QUERY, evidence: dead, interfaces: { [A]: silentInterface(20 * SECOND) }, state: { binding: empty(SECOND), ...calibrated } }, want: 'proven binding-gone' },
  { name: 'only A\'s management is silent', given: { evidence: { [driverOf(A)]: DOWN }, interfaces: { [A]: silentInterface(SECOND) } }, want: 'blocked gateway-alive' },
  { name: 'A\'s management has just missed a read', given: { evidence: { [driverOf(A)]: WAVERING } }, want: 'unclear' },
  { name: 'A was off, then its gateway fell wholly silent: count from its last life', given: { evidence: dead, interfaces: { [A]: { ...buildInterface(false), ...silentInterface(100 * SECOND) } } }, want: 'wait 230' },
  { name: 'A was off, then only its management fell silent: count from the off', given: { evidence: { [driverOf(A)]: DOWN }, interfaces: { [A]: { ...buildInterface(false, { offSinceMs: NOW - 300 * SECOND }), silentSince: true } } }, want: 'wait 30' },
  { name: 'A has left the gateway: one odd answer is not enough', given: { onSecond: 'replace', interfaces: { [A]: { ...absent, offSinceMs: NOW - 30 * SECOND } } }, want: 'wait 300' },
  { name: 'A has left the gateway long ago', given: { interfaces: { [A]: { ...absent, offSinceMs: NOW - 330 * SECOND } } }, want: 'proven timer' },
  { name: 'auth ip: A answers and is on', given: byIp, want: 'must-disable' },
  { name: 'auth ip: A is off, and nothing was registered', given: { ...byIp, interfaces: off(SECOND) }, want: 'proven off' },
  { name: 'auth ip: A\'s running state is not known to be off', given: { ...byIp, interfaces: { [A]: buildInterface(false, { offConfirmed: false }) } }, want: 'must-disable' },
  { name: 'auth ip: an enable of A may yet be executed', given: { ...byIp, interfaces: { [A]: buildInterface(false, { command: enabling('unknown') }) } }, want: 'must-disable' },
  { name: 'auth ip: A is wholly silent since 20 s', given: { ...byIp, evidence: dead, interfaces: { [A]: silentInterface(20 * SECOND) } }, want: 'wait 40' },
  { name: 'auth ip: A is wholly silent since a minute', given: { ...byIp, evidence: dead, interfaces: { [A]: silentInterface(60 * SECOND) } }, want: 'proven silent' },
  { name: 'auth ip: a late enable of A ends the minute of silence', given: { ...byIp, evidence: dead, interfaces: { [A]: silentInterface(90 * SECOND, { command: enabling('unknown') }) } }, want: 'wait 58' },
  { name: 'auth ip: only A\'s management is silent', given: { ...byIp, evidence: { [driverOf(A)]: DOWN }, interfaces: { [A]: silentInterface(300 * SECOND) } }, want: 'blocked gateway-alive' },
  { name: 'auth ip: A was off, then its gateway fell wholly silent', given: { ...byIp, evidence: dead, interfaces: { [A]: { ...buildInterface(false), ...silentInterface(20 * SECOND) } } }, want: 'wait 40' },
  { name: 'auth ip: A has left the gateway a moment ago', given: { ...byIp, interfaces: { [A]: { ...absent, offSinceMs: NOW - 30 * SECOND } } }, want: 'wait 30' },
  { name: 'unproven act: the timer runs from A\'s last life', given: { ...act, evidence: dead, interfaces: { [A]: silentInterface(100 * SECOND) } }, want: 'wait 230' },
  { name: 'unproven act: the timer has run', given: { ...act, evidence: dead, interfaces: { [A]: silentInterface(330 * SECOND) } }, want: 'proven timer' },
  { name: 'unproven act: what the carrier lets both register, too', given: { ...act, onSecond: 'coexist', evidence: dead, interfaces: { [A]: silentInterface(330 * SECOND) } }, want: 'proven timer' },
  { name: 'unproven act, and A lives', given: { ...act, query: QUERY, evidence: dead, interfaces: { [A]: silentInterface(20 * SECOND, { lifeByBinding: true }) }, state: { binding: held(A, SECOND), ...calibrated } }, want: 'blocked gateway-alive' },
  { name: 'unproven act, only A\'s management is silent', given: { ...act, evidence: { [driverOf(A)]: DOWN }, interfaces: { [A]: silentInterface(999 * SECOND) } }, want: 'blocked gateway-alive' },
  { name: 'unproven act says nothing against a gateway that answers', given: act, want: 'must-disable' },
  { name: 'a late enable of A starts the timer anew', given: { evidence: dead, interfaces: { [A]: silentInterface(329 * SECOND, { command: enabling('unknown') }) } }, want: 'wait 328' },
  { name: 'of three, the worst counts', given: { names: ['pbx-a', 'pbx-b', 'pbx-c'], onSecond: 'replace', interfaces: { [A]: buildInterface(false), [C]: buildInterface(true) } }, want: 'must-disable' }
]

test('proof that all but B are off', (t) => {
  t.ok(cases.length > 20)
  for (const { name, given, want } of cases) {
    const world = buildWorld(given)
    const trunk = world.topology.trunks.get('acme')
    const state = world.trunks.get('acme')
    if (trunk === undefined || state === undefined) throw new Error('no trunk')
    const { proof } = proofOthersOff(trunk, state, trunkHealth(world, trunk, state, NOW), B, NOW)
    const got = proof.state === 'proven' ? `proven ${proof.by}` : proof.state === 'wait' ? `wait ${(proof.untilMs - NOW) / 1000}` : proof.state === 'blocked' ? `blocked ${proof.veto}` : proof.state
    t.equal(got, want, name)
  }
  t.end()
})

const contact = (gateway: string, expiresSeconds: number | null = 300): ListedContact => ({ uri: `sip:x@${gateway}:5060`, user: 'x', hostPort: `${gateway}:5060`, instance: null, expiresSeconds })
const listed = (...contacts: ListedContact[]): BindingAnswer => ({ kind: 'listed', contacts })

test('the registrar\'s answers', (t) => {
  const take = (answer: BindingAnswer, given: WorldParts = {}): TrunkState => {
    const world = buildWorld({ query: QUERY, ...given })
    const trunk = world.topology.trunks.get('acme')
    const state = world.trunks.get('acme')
    if (trunk === undefined || state === undefined) throw new Error('no trunk')
    return recordBinding(trunk, state, answer, () => false, NOW)
  }
  const verdicts: readonly { readonly name: string; readonly answer: BindingAnswer; readonly want: unknown }[] = [
    { name: 'one of ours', answer: listed(contact('pbx-a')), want: ['held', A] },
    { name: 'one of ours beside a stranger', answer: listed(contact('stranger'), contact('pbx-b')), want: ['held', B] },
    { name: 'a stranger', answer: listed(contact('stranger')), want: ['held-by-other', null] },
    { name: 'two of ours prove nothing', answer: listed(contact('pbx-a'), contact('pbx-b')), want: ['unsupported', null] },
    { name: 'nobody', answer: listed(), want: ['empty', null] },
    { name: 'no such question', answer: { kind: 'unsupported', code: 405, retryAfterMs: null }, want: ['unsupported', null] },
    { name: 'no answer keeps what was known', answer: { kind: 'failed', reason: 'timeout', detail: '' }, want: [undefined, undefined] }
  ]
  for (const { name, answer, want } of verdicts) {
    const { binding } = take(answer)
    t.same([binding?.verdict, binding?.holder], want, name)
  }
  t.same(take(listed(contact('pbx-a'))).calibratedAtMs, { [A]: NOW }, 'the only enabled interface listed: calibrated')
  t.same(take(listed(contact('pbx-a')), { interfaces: { [B]: buildInterface(true) } }).calibratedAtMs, {}, 'another one enabled too: not calibrated')
  const silentB = { interfaces: { [B]: { ...buildInterface(true), ...silentInterface(3600 * SECOND) } } }
  t.same(take(listed(contact('pbx-a')), silentB).calibratedAtMs, {}, 'another one was enabled when it was last seen: behind one NAT it might be the one that is listed')
  t.equal(take({ kind: 'refused', code: 403 }).queryRefused, true, 'a refused credential ends the queries')
  t.equal(take({ kind: 'unsupported', code: 503, retryAfterMs: 60_000 }).queryNotBeforeMs, NOW + 60_000, 'Retry-After is honoured')
  const before = held(A, 5 * SECOND)
  const grew = take(listed(contact('pbx-a', 120)), { state: { binding: before }, interfaces: { [A]: silentInterface(30 * SECOND) } }).interfaces[A]
  t.same([grew?.lastLifeAtMs, grew?.lifeByBinding], [NOW, true], 'a binding that grew is a sign of life')
  const shrank = take(listed(contact('pbx-a', 55)), { state: { binding: before }, interfaces: { [A]: silentInterface(30 * SECOND) } }).interfaces[A]
  t.same([shrank?.lastLifeAtMs, shrank?.lifeByBinding], [NOW - 30 * SECOND, false], 'a binding that runs out is none')
  t.end()
})

test('the predicted wait of a move away from an interface that answers', (t) => {
  const predict = (given: WorldParts, unregisters: boolean): number => {
    const world = buildWorld(given)
    const trunk = world.topology.trunks.get('acme')
    const state = world.trunks.get('acme')
    if (trunk === undefined || state === undefined) throw new Error('no trunk')
    return predictedGapMs(trunk, state, A, B, unregisters, NOW) / 1000
  }
  t.equal(predict({ onSecond: 'replace' }, false), 0, 'a carrier that replaces')
  t.equal(predict({}, false), 330, 'a carrier that rejects')
  t.equal(predict(byIp, false), 0, 'nothing is registered')
  t.equal(predict({ query: QUERY, state: calibrated }, true), 5, 'the gateway un-registers and the registrar can tell')
  t.equal(predict({ query: QUERY, state: calibrated }, false), 330, 'the registrar can tell, the gateway does not un-register')
  t.end()
})
