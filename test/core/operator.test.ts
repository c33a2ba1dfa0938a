/** What each order does, when it is refused, and which command line is told then. */
import { test } from 'tap'
import { evidenceKey } from '../../src/core/evidence.ts'
import { giveOrder } from '../../src/core/operator.ts'
import type { Answer, TrunkOrder } from '../../src/core/operator.ts'
import { planTrunk } from '../../src/core/planner.ts'
import { reportTrunk } from '../../src/core/report.ts'
import { newDebt } from '../../src/core/world.ts'
import type { Switchover, TrunkState, World } from '../../src/core/world.ts'
import { A, B, buildAlert, buildInterface, buildWorld, C, CARRIER, DOWN, driverOf, MINUTE, NOW, SECOND, silentInterface, sipOf, WAVERING } from '../helpers/build-world.ts'
import type { WorldParts } from '../helpers/build-world.ts'

const AUTHOR = { decision: 'd1', actor: 'anna', reason: 'work', atMs: NOW }
const give = (world: World, order: TrunkOrder): Answer => giveOrder(world, order, AUTHOR) ?? (() => { throw new Error('no trunk') })()
const stateOf = (world: World): TrunkState => world.trunks.get('acme') ?? (() => { throw new Error('no trunk') })()
const after = (world: World, answer: Answer): TrunkState => answer.ok ? answer.change(stateOf(world)) : stateOf(world)
const withState = (world: World, state: TrunkState): World => ({ ...world, trunks: new Map([['acme', state]]) })

const acme = 'acme'
const move = (change: Partial<Extract<TrunkOrder, { verb: 'switchover' }>> = {}): TrunkOrder => ({ verb: 'switchover', trunk: acme, to: null, override: [], knownOff: [], force: false, ...change })
const pinTo = (key: string, untilMs: number | null = null): TrunkOrder => ({ verb: 'pin', trunk: acme, interface: key, untilMs })
const simple = (verb: 'unpin' | 'abort' | 'failback' | 'ack' | 'adopt' | 'reassert'): TrunkOrder => ({ verb, trunk: acme })

const PIN_A = { interface: A, actor: 'bert', reason: 'test', atMs: NOW - MINUTE, untilMs: null }
const RUN: Switchover = { decision: 'd0', from: A, to: B, cause: 'alert', trial: false, admittedAtMs: NOW - SECOND, rollingBack: false, phase: 'disabling', phaseSinceMs: NOW - SECOND, failures: 0, provenBy: null, reregistered: false, abortedBy: null, knownOff: [] }
const pause = (scope: string): WorldParts => ({ pauses: [{ scope, actor: 'bert', reason: 'test', atMs: NOW, untilMs: null }] })
const dead: WorldParts = { evidence: { [sipOf(A)]: DOWN, [driverOf(A)]: DOWN }, interfaces: { [A]: silentInterface(30 * SECOND) } }
/** Its voice lives, its management doesn't. */
const unmanaged: WorldParts = { evidence: { [driverOf(A)]: DOWN }, interfaces: { [A]: silentInterface(30 * SECOND, { darkSinceRead: false }) } }
const onB: WorldParts = { state: { wanted: B }, interfaces: { [A]: buildInterface(false), [B]: buildInterface(true) }, evidence: { [evidenceKey.registration(B)]: {}, [evidenceKey.registration(A)]: null } }
const drift = { detail: `${B} was switched on by somebody else`, decision: 'd0' }
const proposed = (change: Partial<NonNullable<TrunkState['open']>> = {}): NonNullable<TrunkState['open']> =>
  ({ id: 'd0', from: A, to: B, cause: 'alert', held: 'mode', sinceMs: NOW - SECOND, drainSinceMs: null, answer: null, ...change })
const pathLost: WorldParts = { alerts: [buildAlert('pbx-a')], evidence: { [evidenceKey.path(A)]: DOWN } }

interface Taken { readonly name: string; readonly given?: WorldParts; readonly order: TrunkOrder; readonly detail?: RegExp; readonly becomes: Partial<TrunkState> | ((state: TrunkState) => unknown); readonly pauses?: true }
const taken: readonly Taken[] = [
  { name: 'switchover goes to the first usable other interface', order: move(), becomes: ({ request }) => request?.to === B && request.verb === 'switchover', detail: /acme moves to pbx-b\/SIP1/ },
  { name: 'switchover passes over what is not usable', given: { names: ['pbx-a', 'pbx-b', 'pbx-c'], evidence: { [sipOf(B)]: DOWN } }, order: move(), becomes: ({ request }) => request?.to === C },
  { name: 'switchover away from a healthy interface, and no proposal stands in its way', given: { state: { open: proposed() } }, order: move({ to: B }), becomes: ({ request, open }) => request?.to === B && open === null },
  { name: 'a dead A is waited for, and the end is told', given: dead, order: move(), detail: /proven gone, until 2026-01-01T00:05:00.000Z/, becomes: ({ request }) => request?.to === B },
  { name: 'cooldown holds automation; a person is told', given: { state: { movedAtMs: NOW - MINUTE } }, order: move(), detail: /automation would be held by cooldown/, becomes: ({ request }) => request?.to === B },
  { name: 'what is overridden by name does not hold', given: { evidence: { [evidenceKey.path(B)]: DOWN } }, order: move({ to: B, override: ['no-better'] }), becomes: ({ request }) => request?.override.join() === 'no-better' },
  { name: 'mode observe is overridden by name', given: { trunk: { mode: 'observe' } }, order: move({ override: ['mode'] }), becomes: ({ request }) => request?.to === B },
  { name: 'mode approve needs no second word', given: { trunk: { mode: 'approve' } }, order: move(), becomes: ({ request }) => request?.to === B },
  { name: 'an overridden pause', given: pause('global'), order: move({ override: ['paused'] }), becomes: ({ request }) => request?.to === B },
  { name: 'a silent A that a person knows to be off is not waited for', given: dead, order: move({ knownOff: [A] }), detail: /^acme moves to pbx-b\/SIP1$/, becomes: ({ request }) => request?.knownOff.join() === A },
  { name: 'also when only its management is silent', given: unmanaged, order: move({ knownOff: [A] }), becomes: ({ request }) => request?.knownOff.join() === A },
  { name: 'also when the carrier would let it take the registration back', given: { ...dead, onSecond: 'replace' }, order: move({ knownOff: [A] }), becomes: ({ request }) => request?.to === B },
  { name: 'a wanted interface that is off is switched on', given: { interfaces: { [A]: buildInterface(false) } }, order: move({ to: A }), becomes: ({ request }) => request?.to === A },
  { name: 'failback', given: onB, order: simple('failback'), becomes: ({ request }) => request?.to === A && request.verb === 'failback' },
  { name: 'pin where it is', order: pinTo(A), detail: /acme stays on pbx-a\/SIP1 until it is unpinned$/, becomes: { pin: { interface: A, actor: 'anna', reason: 'work', atMs: NOW, untilMs: null }, request: null } },
  { name: 'pin for a while', order: pinTo(A, NOW + MINUTE), detail: /until 2026-01-01T00:01:00.000Z/, becomes: ({ pin }) => pin?.untilMs === NOW + MINUTE },
  { name: 'pin elsewhere moves there', order: pinTo(B), detail: /acme moves to pbx-b/, becomes: ({ pin, request }) => pin?.interface === B && request?.to === B && request.verb === 'pin' },
  { name: 'a pin replaces another one', given: { state: { pin: PIN_A } }, order: pinTo(B), becomes: ({ pin }) => pin?.interface === B },
  { name: 'a pin on an interface that is down is a person\'s word', given: { evidence: { [sipOf(A)]: DOWN } }, order: pinTo(A), detail: /it is down \(sip-lost\), and the pin keeps the trunk there/, becomes: ({ pin }) => pin?.interface === A },
  { name: 'a pin ends an order to go elsewhere', given: { state: { request: { verb: 'switchover', decision: 'd0', to: B, actor: 'bert', reason: 'x', atMs: NOW, override: [], knownOff: [], force: false } } }, order: pinTo(A), becomes: { request: null, open: null } },
  { name: 'unpin', given: { state: { pin: PIN_A } }, order: simple('unpin'), becomes: { pin: null } },
  { name: 'abort of what automation began pauses the trunk', given: { state: { inFlight: RUN } }, order: simple('abort'), detail: /turns back to pbx-a\/SIP1.*acme is paused/, becomes: ({ inFlight }) => inFlight?.abortedBy === 'anna', pauses: true },
  { name: 'abort when the new interface may be registered: the price is told', given: { state: { inFlight: { ...RUN, cause: 'operator', phase: 'verifying' } } }, order: simple('abort'), detail: /pbx-b\/SIP1 may be registered already, so nobody carries the trunk for up to 330 s/, becomes: ({ inFlight }) => inFlight?.abortedBy === 'anna' },
  { name: 'abort of a person\'s order does not', given: { state: { inFlight: { ...RUN, cause: 'operator' } } }, order: simple('abort'), becomes: ({ inFlight }) => inFlight?.abortedBy === 'anna' },
  { name: 'abort of a failback by hand does not', given: { state: { inFlight: { ...RUN, cause: 'failback' } } }, order: simple('abort'), becomes: ({ inFlight }) => inFlight?.abortedBy === 'anna' },
  { name: 'abort of a failback by policy does', given: { state: { inFlight: { ...RUN, cause: 'failback' } }, trunk: { failback: { policy: 'automatic', window: null, drainMs: null } } }, order: simple('abort'), becomes: ({ inFlight }) => inFlight?.abortedBy === 'anna', pauses: true },
  { name: 'abort of an order that waits takes it back', given: { state: { request: { verb: 'switchover', decision: 'd0', to: B, actor: 'bert', reason: 'x', atMs: NOW, override: [], knownOff: [], force: false } } }, order: simple('abort'), becomes: { request: null } },
  { name: 'abort of a proposal pauses the trunk', given: { state: { open: proposed({ held: 'waiting-for-proof' }) } }, order: simple('abort'), detail: /nothing was begun; acme is paused/, becomes: {}, pauses: true },
  { name: 'abort of an upkeep that has sent nothing', given: { state: { inFlight: { ...RUN, from: null, to: A, cause: 'upkeep', phase: 'proving' } } }, order: simple('abort'), becomes: ({ inFlight }) => inFlight?.abortedBy === 'anna', pauses: true },
  { name: 'ack', given: { state: { latch: { sinceMs: NOW, because: '3 switchovers within 60 min' }, failedFailbacks: 2, ineffective: 1, movesAtMs: [NOW - MINUTE] } }, order: simple('ack'), detail: /the latch \(3 switchovers within 60 min\), 2 failed failbacks, 1 refuted switchovers/, becomes: { latch: null, failedFailbacks: 0, ineffective: 0, movesAtMs: [] } },
  { name: 'approve', given: { ...pathLost, trunk: { mode: 'approve' }, state: { open: proposed() } }, order: { verb: 'approve', trunk: acme, decision: 'd0' }, detail: /approved: d0, from pbx-a\/SIP1 to pbx-b\/SIP1/, becomes: ({ open }) => open?.answer?.verdict === 'approved' },
  { name: 'approve what was rejected', given: { ...pathLost, trunk: { mode: 'approve' }, state: { open: proposed({ answer: { verdict: 'rejected', actor: 'bert', reason: 'x', atMs: NOW } }) } }, order: { verb: 'approve', trunk: acme, decision: 'd0' }, becomes: ({ open }) => open?.answer?.verdict === 'approved' && open.answer.actor === 'anna' },
  { name: 'reject', given: { ...pathLost, trunk: { mode: 'approve' }, state: { open: proposed() } }, order: { verb: 'reject', trunk: acme, decision: 'd0' }, becomes: ({ open }) => open?.answer?.verdict === 'rejected' && open.answer.actor === 'anna' },
  { name: 'adopt', given: { state: { baseline: 'unclear', wanted: null } }, order: simple('adopt'), detail: /pbx-a\/SIP1 is now what should be on/, becomes: { baseline: 'adopted', wanted: A } },
  { name: 'reassert: what came on beside the wanted one owes', given: { state: { drift }, interfaces: { [B]: buildInterface(true) } }, order: simple('reassert'), becomes: ({ drift: left, debts, wanted }) => left === null && wanted === A && debts.map((d) => d.interface).join() === B },
  { name: 'reassert: what is off is switched on by the planner', given: { state: { drift }, interfaces: { [A]: buildInterface(false) } }, order: simple('reassert'), becomes: ({ drift: left, debts, wanted, request }) => left === null && debts.length === 0 && wanted === A && request === null },
  { name: 'reassert: what carries the trunk moves back by a switchover', given: { ...onB, state: { wanted: A, drift } }, order: simple('reassert'), detail: /acme moves to pbx-a/, becomes: ({ drift: left, wanted, request }) => left === null && wanted === B && request?.to === A && request.verb === 'reassert' }
]

test('orders that are taken', (t) => {
  for (const { name, given = {}, order, detail, becomes, pauses = false } of taken) {
    t.test(name, (t) => {
      const world = buildWorld(given)
      const answer = give(world, order)
      if (!answer.ok) { t.fail(answer.detail); t.end(); return }
      if (detail !== undefined) t.match(answer.detail, detail)
      t.equal(answer.pauses, pauses, 'pauses')
      const state = after(world, answer)
      if (typeof becomes === 'function') t.ok(becomes(state), JSON.stringify({ ...state, interfaces: undefined }))
      else t.match(state, becomes)
      t.same(answer.change(state), state, 'applied twice it is the same')
      t.end()
    })
  }
  t.end()
})

interface Refused { readonly name: string; readonly given?: WorldParts; readonly order: TrunkOrder; readonly detail: RegExp; readonly vetoes?: readonly string[]; readonly release?: string | null }
const refused: readonly Refused[] = [
  { name: 'all vetoes are told, and the line that overrides them', given: { ...pause('trunk/acme'), trunk: { mode: 'observe' }, evidence: { [evidenceKey.path(B)]: DOWN } }, order: move({ to: B }), detail: /mode: .*; paused: .*; no-better: /, vetoes: ['mode', 'paused', 'no-better'], release: `pointsman switchover acme --to ${B} --override mode,paused,no-better --reason …` },
  { name: 'naming one of two is not enough', given: { ...pause('trunk/acme'), trunk: { mode: 'observe' } }, order: move({ override: ['mode'] }), detail: /paused/, vetoes: ['paused'] },
  { name: 'a living voice path yields only to who knows better', given: unmanaged, order: move(), detail: /gateway-alive/, vetoes: ['gateway-alive'], release: `pointsman switchover acme --to ${B} --i-know ${A}-is-off --reason …` },
  { name: 'so does an unproven owner', given: { ...dead, onSecond: 'replace', interfaces: { [A]: silentInterface(331 * SECOND) } }, order: move(), detail: /owner-unproven/, vetoes: ['owner-unproven'], release: `pointsman switchover acme --to ${B} --i-know ${A}-is-off --reason …` },
  { name: 'exclusive is not overridden by its name', order: move({ override: ['exclusive'] }), detail: /exclusive can't be overridden by its name; these can: mode, / },
  { name: 'a pin is unpinned, not overridden', order: move({ override: ['pin'] }), detail: /pin can't be overridden/ },
  { name: 'no such interlock', order: move({ override: ['luck'] }), detail: /no interlock is called luck; these can: / },
  { name: 'a pinned trunk', given: { state: { pin: PIN_A } }, order: move(), detail: /bert pinned it to pbx-a/, vetoes: ['pin'], release: 'pointsman unpin acme --reason …' },
  { name: 'an unclear first state', given: { state: { baseline: 'unclear', wanted: null } }, order: move({ to: B }), detail: /baseline-unclear/, vetoes: ['baseline-unclear'], release: 'pointsman adopt acme --reason …' },
  { name: 'who answers is disabled in order', order: move({ knownOff: [A] }), detail: /the gateway of pbx-a\/SIP1 answers: it is disabled in order/ },
  { name: 'who has just fallen silent may answer yet', given: { evidence: { [driverOf(A)]: WAVERING } }, order: move({ knownOff: [A] }), detail: /not clear yet whether the gateway of pbx-a/ },
  { name: 'off and the target at once', given: dead, order: move({ to: B, knownOff: [B] }), detail: /can't be known to be off and be switched to/ },
  { name: 'no such interface to go to', order: move({ to: 'pbx-x/SIP1' }), detail: /acme has no interface pbx-x\/SIP1; it has pbx-a\/SIP1, pbx-b\/SIP1/ },
  { name: 'no such interface to know of', order: move({ knownOff: ['pbx-x/SIP1'] }), detail: /no interface pbx-x/ },
  { name: 'it is there already', order: move({ to: A }), detail: /acme is on pbx-a\/SIP1 already/ },
  { name: 'the only interface', given: { names: ['pbx-a'] }, order: move(), detail: /no other interface/ },
  { name: 'a switchover is under way', given: { state: { inFlight: RUN } }, order: move(), detail: /a switchover of acme to pbx-b\/SIP1 is under way/, release: 'pointsman abort acme --reason …' },
  { name: 'the carrier is down for all', given: { evidence: { [CARRIER]: DOWN } }, order: move(), detail: /carrier-down/, vetoes: ['no-better'], release: `pointsman switchover acme --to ${B} --override no-better --reason …` },
  { name: 'failback to where it is', order: simple('failback'), detail: /on its preferred interface already/ },
  { name: 'failback while a switchover is under way', given: { state: { inFlight: RUN } }, order: simple('failback'), detail: /under way/ },
  { name: 'pin on no interface', order: pinTo('pbx-x/SIP1'), detail: /no interface pbx-x/ },
  { name: 'pin while a switchover is under way', given: { state: { inFlight: RUN } }, order: pinTo(B), detail: /under way/ },
  { name: 'pin on a dead interface elsewhere is judged as a switchover', given: { evidence: { [sipOf(B)]: DOWN } }, order: pinTo(B), detail: /no-better/, vetoes: ['no-better'], release: `pointsman switchover acme --to ${B} --override no-better --reason …` },
  { name: 'unpin what is not pinned', order: simple('unpin'), detail: /acme is not pinned/ },
  { name: 'unpin a pin whose time is over', given: { state: { pin: { ...PIN_A, untilMs: NOW } } }, order: simple('unpin'), detail: /acme is not pinned/ },
  { name: 'abort of nothing', order: simple('abort'), detail: /nothing is under way for acme/ },
  { name: 'abort twice', given: { state: { inFlight: { ...RUN, abortedBy: 'bert' } } }, order: simple('abort'), detail: /bert has aborted it already/ },
  { name: 'abort of a rollback', given: { state: { inFlight: { ...RUN, rollingBack: true } } }, order: simple('abort'), detail: /it goes back to pbx-a\/SIP1 already/ },
  { name: 'abort of what has no way back', given: { state: { inFlight: { ...RUN, from: null, to: A, cause: 'upkeep', phase: 'enabling' } } }, order: simple('abort'), detail: /there is nothing to go back to/ },
  { name: 'ack of nothing', order: simple('ack'), detail: /nothing to acknowledge/ },
  { name: 'approve nothing', order: { verb: 'approve', trunk: acme, decision: 'd0' }, detail: /nothing is proposed/ },
  { name: 'approve what has changed', given: { trunk: { mode: 'approve' }, state: { open: proposed({ id: 'd9' }) } }, order: { verb: 'approve', trunk: acme, decision: 'd0' }, detail: /the proposal has changed: it is d9, from pbx-a\/SIP1 to pbx-b\/SIP1/ },
  { name: 'approve in mode observe', given: { ...pathLost, trunk: { mode: 'observe' }, state: { open: proposed() } }, order: { verb: 'approve', trunk: acme, decision: 'd0' }, detail: /mode observe/, release: `pointsman switchover acme --to ${B} --override mode --reason …` },
  { name: 'approve what waits for something else', given: { alerts: [buildAlert('pbx-a')], state: { open: proposed({ held: 'confirm' }) } }, order: { verb: 'approve', trunk: acme, decision: 'd0' }, detail: /does not wait for an approval$/ },
  { name: 'approve what has nowhere to go', given: { ...pathLost, trunk: { mode: 'approve' }, evidence: { ...pathLost.evidence, [sipOf(B)]: DOWN }, state: { open: proposed({ to: null, held: 'mode no-better' }) } }, order: { verb: 'approve', trunk: acme, decision: 'd0' }, detail: /nothing usable to move to/ },
  { name: 'approve what is over', given: { trunk: { mode: 'approve' }, state: { open: proposed() } }, order: { verb: 'approve', trunk: acme, decision: 'd0' }, detail: /the proposal changes just now/ },
  { name: 'approve what nobody has answered in time', given: { ...pathLost, trunk: { mode: 'approve' }, state: { open: proposed({ sinceMs: NOW - 15 * MINUTE }) } }, order: { verb: 'approve', trunk: acme, decision: 'd0' }, detail: /the proposal changes just now/ },
  { name: 'approve what another interlock holds, too', given: { ...pathLost, ...pause('global'), trunk: { mode: 'approve' }, state: { open: proposed() } }, order: { verb: 'approve', trunk: acme, decision: 'd0' }, detail: /paused/, vetoes: ['paused'], release: `pointsman switchover acme --to ${B} --override paused --reason …` },
  { name: 'adopt while a switchover is under way', given: { state: { inFlight: RUN } }, order: simple('adopt'), detail: /under way/ },
  { name: 'reassert without drift', order: simple('reassert'), detail: /nobody has changed a gateway of acme/ },
  { name: 'reassert while a switchover is under way', given: { state: { inFlight: RUN, drift } }, order: simple('reassert'), detail: /under way/ },
  { name: 'reassert of an unclear first state', given: { state: { baseline: 'unclear', wanted: null } }, order: simple('reassert'), detail: /nothing is wanted yet/, release: 'pointsman adopt acme --reason …' },
  { name: 'reassert in mode observe', given: { trunk: { mode: 'observe' }, state: { drift }, interfaces: { [B]: buildInterface(true) } }, order: simple('reassert'), detail: /mode/, vetoes: ['mode'] },
  { name: 'reassert while paused', given: { ...pause('gateway/pbx-b'), state: { drift }, interfaces: { [B]: buildInterface(true) } }, order: simple('reassert'), detail: /paused/, vetoes: ['paused'], release: 'pointsman resume --gateway pbx-b --reason …' },
  { name: 'reassert against a pin', given: { state: { drift, pin: { ...PIN_A, interface: B } }, interfaces: { [B]: buildInterface(true) } }, order: simple('reassert'), detail: /pinned/, vetoes: ['pin'], release: 'pointsman unpin acme --reason …' },
  { name: 'reassert by a switchover that is not safe now', given: { ...onB, state: { wanted: A, drift }, evidence: { [sipOf(A)]: DOWN } }, order: simple('reassert'), detail: /no-better/, vetoes: ['no-better'] }
]

test('orders that are refused', (t) => {
  for (const { name, given = {}, order, detail, vetoes = [], release } of refused) {
    t.test(name, (t) => {
      const answer = give(buildWorld(given), order)
      if (answer.ok) { t.fail(answer.detail); t.end(); return }
      t.match(answer.detail, detail)
      t.same(answer.vetoes.map((v) => v.interlock), vetoes, 'vetoes')
      if (release !== undefined) t.equal(answer.release, release)
      t.end()
    })
  }
  t.equal(giveOrder(buildWorld(), { verb: 'abort', trunk: 'beta' }, AUTHOR), null, 'no such trunk')
  t.end()
})

test('an admitted order tells what it overrode, what it was shown, and who vouches', (t) => {
  const admitted = (given: WorldParts, order: TrunkOrder): Readonly<Record<string, unknown>> | undefined => {
    const world = buildWorld(given)
    const step = planTrunk(withState(world, after(world, give(world, order))), acme, 'd2', NOW)
    return step.notes.find((n) => n.type === 'admitted' && n.decision === 'd1')?.data
  }
  t.match(admitted({ ...pause('global'), state: { movedAtMs: NOW - MINUTE } }, move({ override: ['paused'] })), { cause: 'operator', overridden: [{ interlock: 'paused' }], shown: [{ interlock: 'cooldown' }] })
  t.match(admitted(dead, move({ knownOff: [A] })), { knownOff: [A] })
  const world = buildWorld(dead)
  const { state } = planTrunk(withState(world, after(world, give(world, move({ knownOff: [A] })))), acme, 'd2', NOW)
  t.same(state.inFlight?.knownOff, [A])
  t.end()
})

test('a pin', (t) => {
  const planned = (parts: WorldParts) => planTrunk(buildWorld(parts), acme, 'd2', NOW)
  t.same(planned({ ...pathLost, state: { pin: PIN_A } }).vetoes.map((v) => v.interlock), ['pin'], 'holds against an alert')
  const three: WorldParts = { ...pathLost, names: ['pbx-a', 'pbx-b', 'pbx-c'] }
  t.equal(planned({ ...three, state: { pin: { ...PIN_A, interface: C } } }).state.inFlight?.to, C, 'a trunk that is not on it goes there and nowhere else')
  t.same(planned({ ...three, evidence: { ...three.evidence, [sipOf(C)]: DOWN }, state: { pin: { ...PIN_A, interface: C } } }).state.inFlight, null, 'not to another usable one')
  const over = planned({ state: { pin: { ...PIN_A, untilMs: NOW } } })
  t.equal(over.state.pin, null, 'ends with its time')
  t.match(over.notes, [{ type: 'pin', data: { interface: A, because: 'its time is over' } }])
  const gone = planned({ state: { pin: { ...PIN_A, interface: 'pbx-x/SIP1' }, request: { verb: 'pin', decision: 'd0', to: 'pbx-x/SIP1', actor: 'bert', reason: 'x', atMs: NOW, override: [], knownOff: [], force: false } } })
  t.same([gone.state.pin, gone.state.request], [null, null], 'ends with its interface, and so does an order to go there')
  t.match(gone.notes, [{ type: 'pin', data: { because: 'the interface left the configuration' } }])
  const debt = newDebt(A, 'd0', NOW - MINUTE)
  const returned: WorldParts = { ...onB, interfaces: { [A]: buildInterface(true), [B]: buildInterface(true) }, evidence: { ...onB.evidence, [sipOf(B)]: DOWN } }
  t.equal(planned({ ...returned, state: { wanted: B, debts: [debt] } }).state.wanted, A, 'without one a living debtor takes the place of a dead interface')
  const pinned = planned({ ...returned, state: { wanted: B, debts: [debt], pin: { ...PIN_A, interface: B } } })
  t.same([pinned.state.wanted, pinned.actions.some((a) => a.kind === 'apply')], [B, false], 'a pinned trunk stays, and its living debtor is not switched off')
  t.end()
})

test('status tells pins, aborts and approvals, and the one command that releases', (t) => {
  const told = (parts: WorldParts) => {
    const world = buildWorld(parts)
    const step = planTrunk(world, acme, 'd2', NOW)
    const trunk = world.topology.trunks.get(acme)
    if (trunk === undefined) throw new Error('no trunk')
    return reportTrunk(withState(world, step.state), trunk, step.state, step, NOW)
  }
  t.match(told({ state: { pin: PIN_A } }), { sentence: /on pbx-a\/SIP1; pinned to pbx-a\/SIP1 by bert: test/, release: null, pin: PIN_A })
  t.match(told({ state: { pin: PIN_A }, evidence: { [sipOf(A)]: DOWN } }), { sentence: /pinned to pbx-a\/SIP1, which is down by bert/, release: 'pointsman unpin acme --reason …' })
  t.match(told({ state: { pin: { ...PIN_A, interface: B } } }), { sentence: /pinned to pbx-b\/SIP1, where it is not/, release: 'pointsman unpin acme --reason …' })
  t.match(told({ state: { latch: { sinceMs: NOW, because: 'x' } } }), { sentence: /latched, x: nothing goes back by itself/, release: 'pointsman ack acme --reason …' })
  t.match(told({ state: { inFlight: { ...RUN, abortedBy: 'bert', from: A, phase: 'enabling', phaseSinceMs: NOW } }, evidence: { [driverOf(A)]: DOWN }, interfaces: { [A]: silentInterface(MINUTE, { command: { desired: 'disabled', atMs: NOW - SECOND, outcome: 'unknown', reason: null, detail: '', endedAtMs: NOW } }) } }), { sentence: /aborted by bert, turns back as soon as it can/ })
  t.match(told({ ...pathLost, trunk: { mode: 'approve' } }), { sentence: /waits for approval: from pbx-a\/SIP1 to pbx-b\/SIP1 \(decision d2\)/, release: 'pointsman approve acme --reason …', proposal: { decision: 'd2', needsApproval: true } })
  t.match(told({ ...pathLost, trunk: { mode: 'observe' } }), { release: `pointsman switchover acme --to ${B} --override mode --reason …`, proposal: { needsApproval: false } })
  t.match(told({ ...pathLost, trunk: { mode: 'approve' }, state: { open: proposed({ answer: { verdict: 'rejected', actor: 'bert', reason: 'x', atMs: NOW } }) } }), { release: `pointsman switchover acme --to ${B} --reason …`, proposal: { needsApproval: false, answer: { actor: 'bert' } } }, 'an order needs no approval')
  t.match(told({ ...pathLost, ...pause('gateway/pbx-b') }), { release: 'pointsman resume --gateway pbx-b --reason …' })
  t.match(told({ ...pathLost, ...pause('global') }), { release: 'pointsman resume --reason …' })
  t.match(told({ ...pathLost, evidence: { ...pathLost.evidence, [sipOf(B)]: DOWN } }), { release: null }, 'where nothing is usable no command mends it')
  t.end()
})
