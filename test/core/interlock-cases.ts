/** A table per interlock: what it refuses, and what it lets pass. */
import type { Judgement, Proposal } from '../../src/core/interlocks/judgement.ts'
import type { Proof } from '../../src/core/proof.ts'
import { demandsOf } from '../../src/core/rules.ts'
import type { VetoReason } from '../../src/core/reasons.ts'
import { trunkHealth } from '../../src/core/trunk-health.ts'
import type { BookedAlert } from '../../src/core/alert-book.ts'
import type { Mode, Rule } from '../../src/core/topology.ts'
import type { FleetState, OpenDecision, OperatorRequest, TrunkState } from '../../src/core/world.ts'
import { A, B, buildAlert, buildInterface, buildWorld, DOWN, MINUTE, NOW, ownEyes, ruleOf, SECOND, sipOf } from '../helpers/build-world.ts'
import type { WorldParts } from '../helpers/build-world.ts'

export interface Given extends WorldParts {
  readonly proposal?: Partial<Proposal>
  readonly decision?: Partial<OpenDecision>
  readonly proof?: Proof
  readonly request?: Partial<OperatorRequest>
}

/** An alert says that A is down, its SIP address agrees, B is well: nothing is in the way, unless the case puts it there. */
export function judgementOf ({ proposal, decision, proof = { state: 'proven', by: 'timer' }, request, ...parts }: Given): Judgement {
  const order: OperatorRequest = { verb: 'switchover', decision: 'd0', to: B, actor: 'anna', reason: 'x', atMs: NOW, override: [], knownOff: [], force: false, ...request }
  const world = buildWorld({ alerts: [buildAlert('pbx-a')], evidence: { [sipOf(A)]: DOWN }, ...parts, state: { ...parts.state, ...(request === undefined ? {} : { request: order }) } })
  const trunk = world.topology.trunks.get('acme')
  const state = world.trunks.get('acme')
  if (trunk === undefined || state === undefined) throw new Error('no trunk')
  const demands = demandsOf(world.alertsByTrunk.get('acme') ?? [], trunk, world.topology.rules)
  const asked: Proposal = { from: A, to: B, cause: 'alert', demands, byOperator: request !== undefined, lastUsable: false, ...proposal }
  const open: OpenDecision = { id: 'd1', from: asked.from, to: asked.to, cause: asked.cause, held: '', sinceMs: NOW, drainSinceMs: null, answer: null, ...decision }
  return { world, trunk, state, health: trunkHealth(world, trunk, state, NOW), demands, proposal: asked, decision: open, proof, nowMs: NOW }
}

/** A came back and is well; the trunk is on B. */
export const back: Given = {
  resyncs: true,
  resyncedAtMs: NOW - MINUTE,
  evidence: {},
  alerts: [],
  proposal: { from: B, to: A, cause: 'failback' },
  interfaces: { [A]: buildInterface(false, { wellSinceMs: NOW - 60 * MINUTE }), [B]: buildInterface(true) },
  state: { wanted: B, movedAtMs: NOW - 60 * MINUTE, movesAtMs: [NOW - 60 * MINUTE] }
}
const wellFor = (ms: number, state: Given['state'] = {}): Given => ({ ...back, state: { ...back.state, ...state }, interfaces: { ...back.interfaces, [A]: buildInterface(false, { wellSinceMs: NOW - ms }) } })
const blocked = (veto: 'exclusive' | 'gateway-alive' | 'owner-unproven'): Given => ({ proof: { state: 'blocked', veto, detail: 'x' } })
export const pause = (scope: string, untilMs: number | null = null): Given => ({ pauses: [{ scope, actor: 'anna', reason: 'work', atMs: NOW, untilMs }] })
const pinned = (key: string, untilMs: number | null = null): Given => ({ state: { pin: { interface: key, actor: 'anna', reason: 'work', atMs: NOW, untilMs } } })

const frozen = (change: Partial<BookedAlert> = {}): Given => ({
  rules: [ruleOf('disable'), { ...ruleOf('freeze', 'none', 'Maintenance'), target: { trunk: '{trunk}', gateway: null, interface: null } }],
  alerts: [buildAlert('pbx-a'), buildAlert('pbx-b', { labels: { alertname: 'Maintenance', trunk: 'acme' }, ...change })]
})
const onAlertAlone: Given = { rules: [ruleOf('disable', 'none')], evidence: {} }
const answer = (verdict: 'approved' | 'rejected'): NonNullable<OpenDecision['answer']> => ({ verdict, actor: 'anna', reason: 'x', atMs: NOW })
/** The shipped rule once for each mode. */
const withRules = (...modes: readonly (Mode | null)[]): { readonly rules: readonly Rule[] } => ({
  rules: modes.map((mode) => ({ ...ruleOf('disable'), name: mode ?? 'none', mode }))
})
const fell = (...agoMs: readonly number[]): Pick<TrunkState, 'incidents'> => ({ incidents: agoMs.map((ago, n) => ({ cause: `gateway pbx-${n + 1}`, downAtMs: NOW - ago, atMs: NOW - ago })) })
const engaged: Partial<FleetState> = { brake: { sinceMs: NOW, causes: ['gateway pbx-1'], decision: 'd0' } }
/** The watchdog is lost since ten minutes. */
const lost: Given = { topology: { watchdog: { match: [], timeoutMs: 5 * MINUTE, whenLost: 'freeze' } }, fleet: { watchdogAtMs: NOW - 15 * MINUTE, watchdogLostSinceMs: NOW - 10 * MINUTE } }

export type Row = readonly [string, Given, boolean]

/** Name of the case, what is given, and whether the interlock refuses. */
export const TABLE: Readonly<Record<VetoReason, readonly Row[]>> = {
  mode: [
    ['observe', { trunk: { mode: 'observe' } }, true],
    ['automatic', {}, false],
    ['approve, nobody has answered', { trunk: { mode: 'approve' } }, true],
    ['approve, a person has agreed', { trunk: { mode: 'approve' }, decision: { answer: answer('approved') } }, false],
    ['approve, a person has refused', { trunk: { mode: 'approve' }, decision: { answer: answer('rejected') } }, true],
    ['approve, an order', { trunk: { mode: 'approve' }, request: {} }, false],
    ['a rule in observe', { ...withRules('observe') }, true],
    ['a rule in approve', { ...withRules('approve') }, true],
    ['a rule in observe beside a proven one', { ...withRules('observe', null) }, false],
    ['a rule in automatic on a trunk in observe', { trunk: { mode: 'observe' }, ...withRules('automatic') }, true],
    ['an order in observe', { trunk: { mode: 'observe' }, request: {} }, true]
  ],
  paused: [
    ['everything', pause('global'), true],
    ['this trunk', pause('trunk/acme'), true],
    ['another trunk', pause('trunk/beta'), false],
    ['the gateway that is left', pause('gateway/pbx-a'), true],
    ['the gateway that takes over', pause('gateway/pbx-b'), true],
    ['another gateway', pause('gateway/pbx-c'), false],
    ['until now', pause('global', NOW), false],
    ['an order', { ...pause('global'), request: {} }, true]
  ],
  pin: [
    ['to the interface that is left', pinned(A), true],
    ['to the interface that takes over', pinned(B), false],
    ['until now', pinned(A, NOW), false]
  ],
  'baseline-unclear': [
    ['unclear', { state: { baseline: 'unclear' } }, true],
    ['not read yet', { state: { baseline: 'unset' } }, true],
    ['adopted', {}, false]
  ],
  drift: [
    ['somebody changed a gateway', { state: { drift: { detail: 'x', decision: 'd0' } } }, true],
    ['nobody did', {}, false]
  ],
  freeze: [
    ['no Alertmanager has answered', { resyncs: true }, true],
    ['a resync four minutes ago', { resyncs: true, resyncedAtMs: NOW - 4 * MINUTE }, true],
    ['a resync two minutes ago', { resyncs: true, resyncedAtMs: NOW - 2 * MINUTE }, false],
    ['no Alertmanager is configured', {}, false],
    ['a rule freezes the trunk', frozen(), true],
    ['a rule freezes the trunk, whatever the cause', { ...frozen(), proposal: { cause: 'health' } }, true],
    ['a silenced alert freezes it too', frozen({ suppressed: true }), true],
    ['an order', { ...frozen(), request: {} }, true],
    ['an order that names it', { ...frozen(), request: { override: ['freeze'] } }, false],
    ['a pin beats a rule', { ...frozen(), request: { verb: 'pin' } }, false],
    ['a rule that prefers needs living monitoring', { resyncs: true, proposal: { cause: 'prefer' } }, true],
    ['the watchdog is lost', { ...lost, resyncs: true, resyncedAtMs: NOW }, true],
    ['the watchdog is lost: a failback', { ...back, ...lost }, true],
    ['the watchdog is lost: own health', { ...lost, proposal: { cause: 'health' } }, false],
    ['the watchdog is lost: an order', { ...back, ...lost, request: {} }, false],
    ['the watchdog lives, no Alertmanager answers', { ...lost, resyncs: true, fleet: { watchdogAtMs: NOW - MINUTE } }, false],
    ['the watchdog has not come yet, no Alertmanager answers', { ...lost, resyncs: true, fleet: {} }, true],
    ['a failback needs living monitoring', { ...back, resyncedAtMs: null }, true],
    ['a failback where nobody can be asked', { ...back, resyncs: false }, true],
    ['a failback where no rule uses alerts', { ...back, resyncs: false, rules: [ownEyes(0)] }, false],
    ['a failback by order', { ...back, resyncedAtMs: null, request: {} }, false],
    ['own health needs no Alertmanager', { resyncs: true, proposal: { cause: 'health' } }, false]
  ],
  'warm-up': [
    ['no verdict yet', { evidence: { [sipOf(B)]: null }, state: { warmSinceMs: NOW - MINUTE } }, true],
    ['all have one', { state: { warmSinceMs: NOW - MINUTE } }, false],
    ['after two minutes', { evidence: { [sipOf(B)]: null }, state: { warmSinceMs: NOW - 2 * MINUTE } }, false]
  ],
  confirm: [
    ['the own evidence is up', { evidence: {} }, true],
    ['the own evidence is unknown', { evidence: { [sipOf(A)]: null } }, true],
    ['the own evidence is down', {}, false],
    ['on the alert alone', onAlertAlone, false],
    ['on the alert alone, but disputed', { ...onAlertAlone, alerts: [buildAlert('pbx-a', { disputed: true })] }, true],
    ['a quorum of one', { rules: [ruleOf('disable', 'quorum')], evidence: {} }, true],
    ['a quorum of alert and own evidence', { rules: [ruleOf('disable', 'quorum')] }, false],
    ['silenced', { alerts: [buildAlert('pbx-a', { suppressed: true })] }, true]
  ],
  exclusive: [
    ['the other one may be on', blocked('exclusive'), true],
    ['proven off', {}, false],
    ['named by an order', { ...blocked('exclusive'), request: { override: ['exclusive'] } }, true]
  ],
  'gateway-alive': [
    ['a sign of life', blocked('gateway-alive'), true],
    ['the carrier has refused the standby', { state: { notBeforeMs: NOW + 1 } }, true],
    ['the next try after that', { state: { notBeforeMs: NOW } }, false]
  ],
  'owner-unproven': [
    ['nobody can say', blocked('owner-unproven'), true],
    ['proven', {}, false]
  ],
  'no-better': [
    ['the target is down', { evidence: { [sipOf(A)]: DOWN, [sipOf(B)]: DOWN } }, true],
    ['no target', { proposal: { to: null } }, true],
    ['the target is usable', {}, false]
  ],
  'last-usable': [
    ['named by an alert that needs no evidence, and up', { ...onAlertAlone, proposal: { to: null } }, true],
    ['somebody else is usable', onAlertAlone, false],
    ['down', { ...onAlertAlone, evidence: { [sipOf(A)]: DOWN }, proposal: { to: null } }, false],
    ['unknown', { ...onAlertAlone, evidence: { [sipOf(A)]: null }, proposal: { to: null } }, false],
    ['not confirmed', { evidence: {}, proposal: { to: null } }, false]
  ],
  'min-enabled': [
    ['none would stay', { proposal: { to: null } }, true],
    ['two must stay', { trunk: { minEnabled: 2 } }, true],
    ['one stays', {}, false]
  ],
  emergency: [
    ['a gap of 330 s', { ...back, trunk: { emergency: true } }, true],
    ['no emergency trunk', back, false],
    ['the carrier replaces', { ...back, trunk: { emergency: true }, onSecond: 'replace' }, false],
    ['the carrier replaces, but the standby leaves its beacon within 60 s only', { ...back, trunk: { emergency: true }, onSecond: 'replace', interfaces: { ...back.interfaces, [A]: { ...back.interfaces?.[A], observed: { present: true, admin: 'disabled', registered: null, path: 'up', boundUntilMs: NOW + 60 * SECOND, atMs: NOW - SECOND } } } }, true],
    ['the carrier replaces, and the standby leaves its beacon within 10 s', { ...back, trunk: { emergency: true }, onSecond: 'replace', interfaces: { ...back.interfaces, [A]: { ...back.interfaces?.[A], observed: { present: true, admin: 'disabled', registered: null, path: 'up', boundUntilMs: NOW + 10 * SECOND, atMs: NOW - SECOND } } } }, false],
    ['away from one that is down', { trunk: { emergency: true } }, false]
  ],
  'standby-not-ready': [
    ['its read has just failed', { interfaces: { [B]: { attempt: { atMs: NOW - 4 * SECOND, reason: 'auth-failed' } } } }, true],
    ['it has no such interface', { interfaces: { [B]: { observed: { present: false, admin: 'disabled', registered: null, path: null, atMs: NOW } } } }, true],
    ['its read succeeded', {}, false]
  ],
  brake: [
    ['engaged', { fleet: engaged }, true],
    ['engaged: a failback', { ...back, fleet: engaged }, true],
    ['engaged: an order', { fleet: engaged, request: {} }, true],
    ['engaged: an order that names it', { fleet: engaged, request: { override: ['brake'] } }, false],
    ['the third incident in ten minutes', { state: fell(9 * MINUTE, MINUTE) }, false],
    ['the fourth incident in ten minutes', { state: fell(9 * MINUTE, 5 * MINUTE, MINUTE) }, true],
    ['the fourth, the first of them ten minutes ago', { state: fell(10 * MINUTE, 5 * MINUTE, MINUTE) }, false],
    ['the eleventh of a day', { state: fell(...Array.from({ length: 10 }, (_, n) => (n + 1) * 60 * MINUTE)) }, true],
    ['the tenth of a day', { state: fell(...Array.from({ length: 9 }, (_, n) => (n + 1) * 60 * MINUTE)) }, false],
    ['the fourth, since a person released it', { fleet: { brakeReleasedAtMs: NOW - 2 * MINUTE }, state: fell(9 * MINUTE, 5 * MINUTE, MINUTE) }, false],
    ['another trunk of an incident that counts already', { evidence: { [sipOf(A)]: { ...DOWN, turnedAtMs: NOW - 6 * MINUTE } }, state: { incidents: [...fell(9 * MINUTE, 4 * MINUTE, MINUTE).incidents, { cause: 'gateway pbx-a', downAtMs: NOW - 5 * MINUTE, atMs: NOW - 4 * MINUTE }] } }, false],
    ['the same gateway, fallen again', { evidence: { [sipOf(A)]: { ...DOWN, turnedAtMs: NOW } }, state: { incidents: [...fell(9 * MINUTE, 4 * MINUTE).incidents, { cause: 'gateway pbx-a', downAtMs: NOW - 5 * MINUTE, atMs: NOW - 4 * MINUTE }] } }, true],
    ['the same cause seen by many trunks is one', { state: { incidents: [0, 30, 60, 90].map((s) => ({ cause: 'gateway pbx-x', downAtMs: NOW - 5 * MINUTE + s * SECOND, atMs: NOW - 4 * MINUTE })) } }, false],
    ['a failback is no incident', { ...back, state: { ...back.state, ...fell(9 * MINUTE, 5 * MINUTE, MINUTE) } }, false],
    ['an order is no incident', { request: {}, state: fell(9 * MINUTE, 5 * MINUTE, MINUTE) }, false]
  ],
  panic: [
    ['our vantage point is blind', { fleet: { panicSinceMs: NOW } }, true],
    ['a failback', { ...back, fleet: { panicSinceMs: NOW } }, true],
    ['it is not', {}, false]
  ],
  leader: [
    ['another replica leads', { leader: false }, true],
    ['an order that names it', { leader: false, request: { override: ['leader'] } }, true],
    ['we lead', {}, false]
  ],
  cooldown: [
    ['away from a working one, 9 min after a move', { ...back, state: { ...back.state, movedAtMs: NOW - 9 * MINUTE } }, true],
    ['10 min after a move', { ...back, state: { ...back.state, movedAtMs: NOW - 10 * MINUTE } }, false],
    ['away from one that is down', { state: { movedAtMs: NOW - SECOND } }, false],
    ['an order is only shown it', { ...back, state: { ...back.state, movedAtMs: NOW - SECOND }, request: {} }, false]
  ],
  hold: [
    ['it has never been well', { ...back, interfaces: { [A]: buildInterface(false), [B]: buildInterface(true) } }, true],
    ['well for 9 min', wellFor(9 * MINUTE), true],
    ['well for 10 min', wellFor(10 * MINUTE), false],
    ['well for 19 min, fell twice', wellFor(19 * MINUTE, { movesAtMs: [1, 2, 3].map((n) => NOW - n * 60 * MINUTE) }), true],
    ['well for 20 min, fell twice', wellFor(20 * MINUTE, { movesAtMs: [1, 2, 3].map((n) => NOW - n * 60 * MINUTE) }), false],
    ['well for 10 min, fell the first time in 24 h', wellFor(10 * MINUTE, { movesAtMs: [NOW - 25 * 60 * MINUTE, NOW - 24 * 60 * MINUTE, NOW - 60 * MINUTE] }), false],
    ['well for 19 min, a trial has failed', wellFor(19 * MINUTE, { failedFailbacks: 1 }), true],
    ['well for 60 min, whatever was before', wellFor(60 * MINUTE, { failedFailbacks: 2, movesAtMs: Array.from({ length: 20 }, (_, n) => NOW - (n + 1) * 60 * MINUTE) }), false],
    ['no failback', {}, false],
    ['an order is only shown it', { ...wellFor(SECOND), request: {} }, false]
  ],
  'flap-latch': [
    ['a failback', { ...back, state: { ...back.state, latch: { sinceMs: NOW, because: 'x' } } }, true],
    ['a rule that prefers', { ...back, proposal: { from: B, to: A, cause: 'prefer' }, state: { ...back.state, latch: { sinceMs: NOW, because: 'x' } } }, true],
    ['from down to usable', { state: { latch: { sinceMs: NOW, because: 'x' } } }, false],
    ['no latch', back, false]
  ]
}
