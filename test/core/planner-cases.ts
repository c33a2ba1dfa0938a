/** What one plan of one trunk does in one world: the cases of `planTrunk`, also for the check that each interlock matters. */
import type { BookedAlert } from '../../src/core/alert-book.ts'
import { evidenceKey } from '../../src/core/evidence.ts'
import type { VetoReason, WaitReason } from '../../src/core/reasons.ts'
import { A, B, buildAlert, buildInterface, C, CARRIER, carrierOf, DOWN, driverOf, MINUTE, NOW, ownEyes, ruleOf, SECOND, silentInterface, sipOf, TELLS_LITTLE, WAVERING } from '../helpers/build-world.ts'
import type { WorldParts } from '../helpers/build-world.ts'

export const alertOnA = [buildAlert('pbx-a')]
/** A is down by its own evidence, its management answers. */
export const pathLost: WorldParts = { alerts: alertOnA, evidence: { [evidenceKey.path(A)]: DOWN } }
const dead = { [sipOf(A)]: DOWN, [driverOf(A)]: DOWN }

/** A rule on own health, and A down since so many seconds. */
export const eyes = (seconds: number, downFor: number, parts: WorldParts = {}): WorldParts => ({
  rules: [ownEyes(seconds * SECOND)],
  ...parts,
  evidence: { [evidenceKey.path(A)]: { ...DOWN, turnedAtMs: NOW - downFor * SECOND }, ...parts.evidence }
})

/** An alert of another name. */
const named = (alertname: string, gateway: string, change: Partial<BookedAlert> = {}): BookedAlert =>
  buildAlert(gateway, { fingerprint: `${alertname} ${gateway}`, labels: { alertname, trunk: 'acme', gateway }, ...change })
const preferB = (parts: WorldParts = {}): WorldParts => ({ rules: [ruleOf('prefer', 'probe', 'Maintenance')], alerts: [named('Maintenance', 'pbx-b')], ...parts })
const frozen = { rules: [{ ...ruleOf('freeze', 'probe', 'Holiday'), target: { trunk: '{trunk}', gateway: null, interface: null } }], alerts: [named('Holiday', 'pbx-a')] }

export interface Case {
  readonly name: string
  readonly given: WorldParts
  /** Commands that are sent now, for example `disabled pbx-a/SIP1`. */
  readonly sends?: readonly string[]
  readonly vetoes?: readonly VetoReason[]
  /** The interface that takes over. */
  readonly goes?: string
  readonly waits?: readonly WaitReason[]
  /** What an order passes. */
  readonly shown?: readonly VetoReason[]
}

export const cases: readonly Case[] = [
  { name: 'a healthy trunk needs nothing', given: {} },
  { name: 'an alert that names the active interface and agrees with its own evidence disables it first', given: pathLost, sends: [`disabled ${A}`], waits: ['read-back'] },
  { name: 'an alert alone does nothing: the own evidence is up', given: { alerts: alertOnA }, vetoes: ['confirm'] },
  { name: 'an alert alone does nothing: the own evidence is unknown', given: { alerts: alertOnA, evidence: { [evidenceKey.path(A)]: { atMs: NOW - 10 * MINUTE } } }, vetoes: ['warm-up', 'confirm'].slice(1) as VetoReason[] },
  { name: 'own evidence alone does nothing without a rule on it', given: { evidence: { [evidenceKey.path(A)]: DOWN } } },
  { name: 'an alert that names the standby does nothing', given: { alerts: [buildAlert('pbx-b')], evidence: { [evidenceKey.path(B)]: DOWN } } },
  { name: 'a silenced alert starts nothing', given: { ...pathLost, alerts: [buildAlert('pbx-a', { suppressed: true })] }, vetoes: ['confirm'] },
  { name: 'mode observe records only', given: { ...pathLost, trunk: { mode: 'observe' } }, vetoes: ['mode'] },
  { name: 'a paused trunk is left alone', given: { ...pathLost, pauses: [{ scope: 'trunk/acme', actor: 'anna', reason: 'work', atMs: NOW, untilMs: null }] }, vetoes: ['paused'] },
  { name: 'a pause of the standby\'s gateway holds too', given: { ...pathLost, pauses: [{ scope: 'gateway/pbx-b', actor: 'anna', reason: 'work', atMs: NOW, untilMs: null }] }, vetoes: ['paused'] },
  { name: 'an expired pause is none', given: { ...pathLost, pauses: [{ scope: 'global', actor: 'anna', reason: 'work', atMs: 0, untilMs: NOW - 1 }] }, sends: [`disabled ${A}`], waits: ['read-back'] },
  { name: 'a standby that is down is no better', given: { ...pathLost, evidence: { ...pathLost.evidence, [sipOf(B)]: DOWN } }, vetoes: ['no-better', 'min-enabled'] },
  { name: 'a standby that was not read lately is no better', given: { ...pathLost, interfaces: { [B]: { observed: { present: true, admin: 'disabled', registered: false, path: 'up', atMs: NOW - 5 * MINUTE } } } }, vetoes: ['no-better', 'min-enabled'] },
  { name: 'a standby whose account is refused is no better', given: { ...pathLost, interfaces: { [B]: { attempt: { atMs: NOW, reason: 'auth-failed' } } } }, vetoes: ['no-better', 'min-enabled'] },
  { name: 'a standby that the gateway does not have is no better', given: { ...pathLost, interfaces: { [B]: { observed: { present: false, admin: 'disabled', registered: null, path: null, atMs: NOW } } } }, vetoes: ['no-better', 'min-enabled'] },
  { name: 'the carrier down for all justifies no move', given: { ...pathLost, evidence: { ...pathLost.evidence, [CARRIER]: DOWN } }, vetoes: ['no-better'] },
  { name: 'a carrier that has just missed a probe is waited for', given: { ...pathLost, evidence: { ...pathLost.evidence, [CARRIER]: WAVERING } }, waits: ['waiting-for-answer'] },
  { name: 'its own carrier target down is a reason to move', given: { ownCarriers: true, alerts: alertOnA, evidence: { [carrierOf(A)]: DOWN } }, sends: [`disabled ${A}`], waits: ['read-back'] },
  { name: 'the standby was last read 6 s ago: pre-flight first', given: { ...pathLost, interfaces: { [B]: { observed: { present: true, admin: 'disabled', registered: false, path: 'up', atMs: NOW - 6 * SECOND } } } }, waits: ['pre-flight'] },
  { name: 'the standby\'s pre-flight read failed', given: { ...pathLost, interfaces: { [B]: { attempt: { atMs: NOW, reason: 'timeout' } } } }, vetoes: ['standby-not-ready'] },
  { name: 'A dead: nothing is written before the proof', given: { alerts: alertOnA, evidence: dead, interfaces: { [A]: silentInterface(30 * SECOND) } }, waits: ['waiting-for-proof'] },
  { name: 'A dead for expires and a tenth: B is enabled', given: { alerts: alertOnA, evidence: dead, interfaces: { [A]: silentInterface(331 * SECOND) } }, sends: [`enabled ${B}`], waits: ['read-back'] },
  { name: 'A dead, but its binding was refreshed after it fell silent', given: { alerts: alertOnA, evidence: dead, interfaces: { [A]: silentInterface(30 * SECOND, { lifeByBinding: true }) } }, vetoes: ['gateway-alive'] },
  { name: 'A dead and the carrier would let it take the registration back', given: { onSecond: 'replace', alerts: alertOnA, evidence: dead, interfaces: { [A]: silentInterface(331 * SECOND) } }, vetoes: ['owner-unproven'] },
  { name: 'A\'s management dead, its voice alive: A is not down', given: { alerts: alertOnA, evidence: { [driverOf(A)]: DOWN }, interfaces: { [A]: silentInterface(SECOND) } }, vetoes: ['confirm', 'gateway-alive'] },
  { name: 'A has just stopped answering: wait until that is clear', given: { ...pathLost, evidence: { ...pathLost.evidence, [driverOf(A)]: WAVERING } }, waits: ['waiting-for-answer'] },
  { name: 'A\'s SIP service dead, its management alive: A is disabled', given: { alerts: alertOnA, evidence: { [sipOf(A)]: DOWN } }, sends: [`disabled ${A}`], waits: ['read-back'] },
  { name: 'a person has pinned the trunk to A', given: { ...pathLost, state: { pin: { interface: A, actor: 'anna', reason: 'x', atMs: NOW, untilMs: null } } }, vetoes: ['pin'] },
  { name: 'another replica leads', given: { ...pathLost, leader: false }, vetoes: ['leader'] },
  { name: 'the brake is engaged', given: { ...pathLost, fleet: { brake: { sinceMs: NOW, causes: [], decision: 'd0' } } }, vetoes: ['brake'] },
  { name: 'our own vantage point is blind', given: { ...pathLost, fleet: { panicSinceMs: NOW } }, vetoes: ['panic'] },
  { name: 'blind or braked, the wanted interface is still switched on', given: { fleet: { panicSinceMs: NOW, brake: { sinceMs: NOW, causes: [], decision: 'd0' } }, interfaces: { [A]: buildInterface(false, { offSinceMs: NOW - SECOND }) } }, sends: [`enabled ${A}`], waits: ['read-back'] },
  { name: 'it may be that Pointsman itself is cut off: wait until that is clear', given: { ...pathLost, fleet: { vantage: 'doubt' } }, waits: ['waiting-for-answer'] },
  { name: 'mode approve: a person has to agree', given: { ...pathLost, trunk: { mode: 'approve' } }, vetoes: ['mode'] },
  { name: 'a preference on an emergency trunk: the gap would be too long', given: preferB({ trunk: { emergency: true } }), vetoes: ['emergency'] },
  {
    name: 'an order is only shown what judges automation',
    given: {
      onSecond: 'replace',
      interfaces: { [A]: buildInterface(false), [B]: buildInterface(true) },
      evidence: { [evidenceKey.registration(A)]: null, [evidenceKey.registration(B)]: {} },
      state: {
        wanted: B,
        movedAtMs: NOW - MINUTE,
        latch: { sinceMs: NOW - MINUTE, because: 'x' },
        request: { verb: 'failback', decision: 'd0', to: A, actor: 'anna', reason: 'x', atMs: NOW, override: [], knownOff: [], force: false }
      }
    },
    sends: [`disabled ${B}`],
    waits: ['read-back'],
    shown: ['cooldown', 'hold', 'flap-latch']
  },
  { name: 'a person changed a gateway: nobody fights', given: { ...pathLost, state: { drift: { detail: 'x', decision: 'd0' } } }, vetoes: ['drift'] },
  { name: 'the first state was illegal: nothing until adopt', given: { ...pathLost, state: { baseline: 'unclear' } }, vetoes: ['baseline-unclear'] },
  { name: 'no Alertmanager has answered: alert evidence is not fresh', given: { ...pathLost, resyncs: true }, vetoes: ['freeze'] },
  { name: 'a resync two minutes ago is fresh', given: { ...pathLost, resyncs: true, resyncedAtMs: NOW - 2 * MINUTE }, sends: [`disabled ${A}`], waits: ['read-back'] },
  { name: 'a resync four minutes ago is not', given: { ...pathLost, resyncs: true, resyncedAtMs: NOW - 4 * MINUTE }, vetoes: ['freeze'] },
  { name: 'warming up', given: { ...pathLost, state: { warmSinceMs: NOW - SECOND } }, vetoes: ['warm-up', 'confirm'] },
  { name: 'a second move from a down interface is spaced', given: { ...pathLost, state: { moves: { count: 1, lastAtMs: NOW - 30 * SECOND }, movedAtMs: NOW - 30 * SECOND } }, waits: ['spacing'] },
  { name: 'two minutes after the first, the second move from a down interface is free', given: { ...pathLost, state: { moves: { count: 1, lastAtMs: NOW - 2 * MINUTE }, movedAtMs: NOW - 2 * MINUTE } }, sends: [`disabled ${A}`], waits: ['read-back'] },
  { name: 'the gateway gave up its registration: B takes over', given: { alerts: alertOnA, evidence: { [evidenceKey.registration(A)]: DOWN }, interfaces: { [A]: { observed: { present: true, admin: 'self-disabled', registered: false, path: 'up', atMs: NOW } } } }, sends: [`disabled ${A}`], waits: ['read-back'] },
  { name: 'the gateway gave up and nobody else is usable: it is enabled again', given: { alerts: alertOnA, evidence: { [evidenceKey.registration(A)]: DOWN, [sipOf(B)]: DOWN }, interfaces: { [A]: { observed: { present: true, admin: 'self-disabled', registered: false, path: 'up', atMs: NOW } } } }, sends: [`enabled ${A}`], waits: ['read-back'] },
  { name: 'the wanted interface is off after its gateway restarted: it is enabled again', given: { interfaces: { [A]: buildInterface(false, { offSinceMs: NOW - SECOND }) } }, sends: [`enabled ${A}`], waits: ['read-back'] },
  { name: 'the wanted interface is off and an alert against it stands: it is enabled again, what is off is never confirmed as down', given: { alerts: alertOnA, interfaces: { [A]: buildInterface(false, { offSinceMs: NOW - SECOND }) } }, sends: [`enabled ${A}`], waits: ['read-back'] },
  { name: 'the wanted interface is off and down, and nobody else is usable: it is better on than off', given: { ...pathLost, evidence: { ...pathLost.evidence, [sipOf(B)]: DOWN }, interfaces: { [A]: buildInterface(false, { offSinceMs: NOW - SECOND }) } }, sends: [`enabled ${A}`], waits: ['read-back'] },
  { name: 'own health: down for as long as the rule says, no alert is needed', given: eyes(10, 10), sends: [`disabled ${A}`], waits: ['read-back'] },
  { name: 'own health: at once', given: eyes(0, 0), sends: [`disabled ${A}`], waits: ['read-back'] },
  { name: 'own health: not yet', given: eyes(10, 9) },
  { name: 'own health: dead monitoring does not freeze it', given: eyes(10, 10, { resyncs: true, resyncedAtMs: NOW - 10 * MINUTE }), sends: [`disabled ${A}`], waits: ['read-back'] },
  { name: 'own health: it speaks where an alert does, too', given: eyes(10, 10, { alerts: alertOnA, resyncs: true }), sends: [`disabled ${A}`], waits: ['read-back'] },
  { name: 'own health: the oldest of its faults counts', given: eyes(10, 2, { evidence: { [sipOf(A)]: { ...DOWN, turnedAtMs: NOW - 12 * SECOND } } }), sends: [`disabled ${A}`], waits: ['read-back'] },
  { name: 'own health: what was down before the warm-up counts anew', given: eyes(10, 600, { state: { warmSinceMs: NOW - 25 * SECOND } }) },
  { name: 'own health: unknown is not down', given: eyes(0, 60, { evidence: { [evidenceKey.path(A)]: { verdict: 'unknown', everUp: false } } }) },
  { name: 'own health: a standby that is down is none of its business', given: { ...eyes(0, 0), evidence: { [sipOf(B)]: { ...DOWN, turnedAtMs: NOW - MINUTE } } } },
  { name: 'own health: the carrier down for all justifies no move', given: eyes(0, 0, { evidence: { [CARRIER]: DOWN } }), vetoes: ['no-better'] },
  { name: 'own health: interlocks hold as for an alert', given: eyes(0, 0, { trunk: { mode: 'observe' }, evidence: { [sipOf(B)]: DOWN } }), vetoes: ['mode', 'no-better', 'min-enabled'] },
  { name: 'own health: spaced as for an alert', given: eyes(0, 0, { state: { moves: { count: 1, lastAtMs: NOW - 30 * SECOND } } }), waits: ['spacing'] },
  { name: 'on the alert alone: A is left though it is up', given: { rules: [ruleOf('disable', 'none')], alerts: alertOnA }, sends: [`disabled ${A}`], waits: ['read-back'] },
  { name: 'on the alert alone, but nobody else is usable: A is up and stays', given: { rules: [ruleOf('disable', 'none')], alerts: alertOnA, evidence: { [sipOf(B)]: DOWN } }, vetoes: ['no-better', 'last-usable', 'min-enabled'] },
  { name: 'alerts alone against both: A is up and stays', given: { rules: [ruleOf('disable', 'none')], alerts: [...alertOnA, buildAlert('pbx-b')] }, vetoes: ['no-better', 'last-usable', 'min-enabled'] },
  { name: 'alerts alone against both, A is down and B up: B beats its alert', given: { rules: [ruleOf('disable', 'none')], alerts: [...alertOnA, buildAlert('pbx-b')], evidence: { [sipOf(A)]: DOWN } }, sends: [`disabled ${A}`], waits: ['read-back'] },
  { name: 'alerts alone against both, both unknown: nobody knows better', given: { rules: [ruleOf('disable', 'none')], alerts: [...alertOnA, buildAlert('pbx-b')], evidence: { [sipOf(A)]: null, [sipOf(B)]: null } }, vetoes: ['no-better', 'min-enabled'] },
  { name: 'a rule on the alert alone speaks for one that waits for evidence', given: { rules: [ruleOf('disable'), ruleOf('disable', 'none', 'Fire')], alerts: [...alertOnA, named('Fire', 'pbx-a')] }, sends: [`disabled ${A}`], waits: ['read-back'] },
  { name: 'quorum: one alert is one voice', given: { rules: [ruleOf('disable', 'quorum')], alerts: alertOnA }, vetoes: ['confirm'] },
  { name: 'quorum: alert and own evidence are two', given: { rules: [ruleOf('disable', 'quorum')], alerts: alertOnA, evidence: { [sipOf(A)]: DOWN } }, sends: [`disabled ${A}`], waits: ['read-back'] },
  { name: 'quorum: two alerts of one name are one voice', given: { rules: [ruleOf('disable', 'quorum')], alerts: [...alertOnA, buildAlert('pbx-a', { fingerprint: 'f2' })] }, vetoes: ['confirm'] },
  { name: 'quorum: two names are two voices', given: { rules: [ruleOf('disable', 'quorum'), ruleOf('disable', 'quorum', 'CallsFail')], alerts: [...alertOnA, named('CallsFail', 'pbx-a')] }, sends: [`disabled ${A}`], waits: ['read-back'] },
  { name: 'quorum: the second name is about the other interface', given: { rules: [ruleOf('disable', 'quorum'), ruleOf('disable', 'quorum', 'CallsFail')], alerts: [...alertOnA, named('CallsFail', 'pbx-b')] }, vetoes: ['confirm'] },
  { name: 'quorum: a disputed alert is no voice', given: { rules: [ruleOf('disable', 'quorum'), ruleOf('disable', 'quorum', 'CallsFail')], alerts: [...alertOnA, named('CallsFail', 'pbx-a', { disputed: true })] }, vetoes: ['confirm'] },
  { name: 'quorum: a silenced alert is no voice', given: { rules: [ruleOf('disable', 'quorum'), ruleOf('disable', 'quorum', 'CallsFail')], alerts: [...alertOnA, named('CallsFail', 'pbx-a', { suppressed: true })] }, vetoes: ['confirm'] },
  { name: 'a disputed alert needs own evidence, whatever its rule says', given: { rules: [ruleOf('disable', 'none')], alerts: [buildAlert('pbx-a', { disputed: true })] }, vetoes: ['confirm'] },
  { name: 'a disputed alert and own evidence', given: { rules: [ruleOf('disable', 'none')], alerts: [buildAlert('pbx-a', { disputed: true })], evidence: { [sipOf(A)]: DOWN } }, sends: [`disabled ${A}`], waits: ['read-back'] },
  { name: 'prefer: B comes first while the alert fires', given: preferB(), sends: [`disabled ${A}`], waits: ['read-back'] },
  { name: 'prefer: B is down', given: preferB({ evidence: { [sipOf(B)]: DOWN } }) },
  { name: 'prefer: a silenced alert moves nothing', given: preferB({ alerts: [named('Maintenance', 'pbx-b', { suppressed: true })] }) },
  { name: 'prefer: a disputed alert moves nothing', given: preferB({ alerts: [named('Maintenance', 'pbx-b', { disputed: true })] }) },
  { name: 'prefer: a move away from a working interface waits for the cooldown', given: preferB({ state: { movedAtMs: NOW - MINUTE } }), vetoes: ['cooldown'] },
  { name: 'prefer: not while the trunk is latched', given: preferB({ state: { latch: { sinceMs: NOW, because: 'x' } } }), vetoes: ['flap-latch'] },
  { name: 'prefer: both are preferred, nobody is better', given: preferB({ alerts: [named('Maintenance', 'pbx-b'), named('Maintenance', 'pbx-a')] }) },
  { name: 'prefer: B is named by an alert that needs no evidence: disable beats prefer', given: preferB({ rules: [ruleOf('prefer', 'probe', 'Maintenance'), ruleOf('disable', 'none')], alerts: [named('Maintenance', 'pbx-b'), buildAlert('pbx-b')] }) },
  { name: 'prefer: the end of the alert leads nowhere', given: { state: { wanted: B }, interfaces: { [A]: buildInterface(false), [B]: buildInterface(true) }, evidence: { [evidenceKey.registration(A)]: null } } },
  { name: 'prefer: an alert that is not confirmed does not hold it', given: preferB({ rules: [ruleOf('prefer', 'probe', 'Maintenance'), ruleOf('disable')], alerts: [named('Maintenance', 'pbx-b'), ...alertOnA] }), sends: [`disabled ${A}`], waits: ['read-back'] },
  { name: 'prefer: what is off is switched on first', given: preferB({ interfaces: { [A]: buildInterface(false, { offSinceMs: NOW - SECOND }) } }), sends: [`enabled ${A}`], waits: ['read-back'] },
  { name: 'prefer decides where a failover goes', given: { names: ['pbx-a', 'pbx-b', 'pbx-c'], rules: [ruleOf('disable'), ruleOf('prefer', 'probe', 'Maintenance')], alerts: [...alertOnA, named('Maintenance', 'pbx-c', { suppressed: true })], evidence: { [sipOf(A)]: DOWN } }, sends: [`disabled ${A}`], goes: C, waits: ['read-back'] },
  { name: 'freeze: nothing is admitted, whatever happens', given: { rules: [...frozen.rules, ownEyes(0)], alerts: frozen.alerts, evidence: { [sipOf(A)]: { ...DOWN, turnedAtMs: NOW - MINUTE } } }, vetoes: ['freeze'] },
  { name: 'freeze: it stands without any other demand', given: frozen },
  { name: 'a stored "off" without an answered activation is disabled again before B is enabled', given: { capabilities: TELLS_LITTLE, onSecond: 'replace', alerts: alertOnA, evidence: { [sipOf(A)]: DOWN, [evidenceKey.registration(A)]: null }, interfaces: { [A]: buildInterface(false, { offConfirmed: false, offSinceMs: NOW - SECOND }) } }, sends: [`disabled ${A}`], waits: ['read-back'] }
]
