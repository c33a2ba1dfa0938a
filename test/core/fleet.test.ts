/** What concerns all trunks at once: brake, panic, watchdog. */
import { test } from 'tap'
import { fleetFromDurable, fleetToDurable, planFleet, releaseBrake } from '../../src/core/fleet.ts'
import { bookIncidents, countedIncidents, incidentCause } from '../../src/core/incidents.ts'
import { planTrunk } from '../../src/core/planner.ts'
import type { Watchdog } from '../../src/core/topology.ts'
import { interfaceHealth } from '../../src/core/trunk-health.ts'
import { judgeVantage } from '../../src/core/vantage.ts'
import { rulesInForce, watchdogArrived, watchdogLives } from '../../src/core/watchdog.ts'
import type { FleetState, World } from '../../src/core/world.ts'
import { A, B, buildAlert, buildInterface, buildWorld, CARRIER, carrierOf, DOWN, driverOf, MINUTE, NOW, SECOND, silentInterface, sipOf, WAVERING } from '../helpers/build-world.ts'
import type { WorldParts } from '../helpers/build-world.ts'

const CANARIES = ['options sip:canary-1', 'options sip:canary-2'] as const
const WATCHDOG: Watchdog = { match: [], timeoutMs: 5 * MINUTE, whenLost: 'probes' }
const types = (world: World, nowMs = NOW): readonly string[] => planFleet(world, 'f1', nowMs).notes.map((n) => n.type)

/** A world with canaries, of which the evidence tells; their probe has the limits of the others. */
function withCanaries (parts: WorldParts): World {
  const world = buildWorld({ ...parts, evidence: { [CANARIES[0]]: {}, [CANARIES[1]]: {}, ...parts.evidence } })
  const limits = world.topology.probes.get(CARRIER)
  if (limits === undefined) throw new Error('no limits')
  return { ...world, topology: { ...world.topology, canaries: CANARIES, probes: new Map([...world.topology.probes, ...CANARIES.map((id) => [id, limits] as const)]) } }
}

test('is our own vantage point blind?', (t) => {
  const ALL = { [sipOf(A)]: DOWN, [sipOf(B)]: DOWN, [CARRIER]: DOWN }
  const cases: readonly (readonly [string, World, string])[] = [
    ['all is well', buildWorld(), 'clear'],
    ['one of three targets down', buildWorld({ evidence: { [sipOf(A)]: DOWN } }), 'clear'],
    ['two of three targets down', buildWorld({ evidence: { [sipOf(A)]: DOWN, [sipOf(B)]: DOWN } }), 'blind'],
    ['two of three have just missed', buildWorld({ evidence: { [sipOf(A)]: WAVERING, [sipOf(B)]: DOWN } }), 'doubt'],
    ['what never answered does not count as down', buildWorld({ evidence: { [sipOf(A)]: { verdict: 'unknown', failures: 9, everUp: false }, [sipOf(B)]: DOWN } }), 'clear'],
    ['half of four targets is not more than half', buildWorld({ ownCarriers: true, evidence: { [sipOf(A)]: DOWN, [carrierOf(A)]: DOWN } }), 'clear'],
    ['three of four targets', buildWorld({ ownCarriers: true, evidence: { [sipOf(A)]: DOWN, [carrierOf(A)]: DOWN, [carrierOf(B)]: DOWN } }), 'blind'],
    ['a share of 0.9', buildWorld({ interlocks: { panicShare: 0.9 }, evidence: { [sipOf(A)]: DOWN, [sipOf(B)]: DOWN } }), 'clear'],
    ['a canary lives: the share is ignored', withCanaries({ evidence: { ...ALL, [CANARIES[0]]: DOWN } }), 'clear'],
    ['all canaries down, all else up', withCanaries({ evidence: { [CANARIES[0]]: DOWN, [CANARIES[1]]: DOWN } }), 'blind'],
    ['no canary has answered its last probe', withCanaries({ evidence: { [CANARIES[0]]: DOWN, [CANARIES[1]]: WAVERING } }), 'doubt'],
    ['canaries that nobody knows anything about: the share decides', withCanaries({ evidence: { ...ALL, [CANARIES[0]]: null, [CANARIES[1]]: DOWN } }), 'blind'],
    ['old verdicts are none', buildWorld({ evidence: { [sipOf(A)]: { ...DOWN, atMs: NOW - 5 * MINUTE }, [sipOf(B)]: DOWN } }), 'clear']
  ]
  for (const [name, world, vantage] of cases) t.equal(judgeVantage(world, NOW).vantage, vantage, name)
  t.end()
})

test('a panic freezes, and its end starts the warm-up anew', (t) => {
  const blind = buildWorld({ alerts: [buildAlert('pbx-a')], evidence: { [sipOf(A)]: DOWN, [CARRIER]: {}, [sipOf(B)]: DOWN } })
  const begun = planFleet(blind, 'f1', NOW)
  t.match(begun, { state: { panicSinceMs: NOW }, notes: [{ type: 'panic', data: { panic: true } }] })
  t.ok(planTrunk({ ...blind, fleet: begun.state }, 'acme', 'd1', NOW).vetoes.some((v) => v.interlock === 'panic'))
  t.same(planFleet({ ...blind, fleet: begun.state }, 'f2', NOW + SECOND).notes, [], 'told once')
  const seeing = buildWorld({ fleet: begun.state, alerts: [buildAlert('pbx-a')], evidence: { [sipOf(A)]: DOWN } })
  const ended = planFleet(seeing, 'f2', NOW + 2 * SECOND)
  t.match(ended, { state: { panicSinceMs: null, panicEndedAtMs: NOW + 2 * SECOND }, notes: [{ type: 'panic', data: { panic: false } }] })
  const after = planTrunk({ ...seeing, fleet: ended.state }, 'acme', 'd1', NOW + 2 * SECOND)
  t.equal(after.state.warmSinceMs, NOW + 2 * SECOND)
  t.ok(after.state.registrationsFromMs > NOW + 2 * SECOND, 'registrations get the time to come back')
  t.same(after.vetoes.map((v) => v.interlock), ['warm-up', 'confirm'], 'what was seen while blind counts for nothing')
  t.end()
})

test('the watchdog is lost after its timeout, and a restart makes nothing fresh', (t) => {
  const fleet = (change: Partial<FleetState>): WorldParts => ({ topology: { watchdog: WATCHDOG }, fleet: change })
  t.same(types(buildWorld(fleet({ watchdogFromMs: NOW - 5 * MINUTE + 1 }))), [])
  t.equal(planFleet(buildWorld(fleet({ watchdogFromMs: NOW - 5 * MINUTE + 1 })), 'f1', NOW).wakeAtMs, NOW + 1)
  const gone = planFleet(buildWorld(fleet({ watchdogFromMs: NOW - 5 * MINUTE })), 'f1', NOW)
  t.match(gone, { state: { watchdogLostSinceMs: NOW }, notes: [{ type: 'watchdog', data: { lost: true } }] })
  const restarted = fleetFromDurable(fleetToDurable(gone.state), NOW + MINUTE)
  t.equal(planFleet(buildWorld(fleet(restarted)), 'f2', NOW + MINUTE).state.watchdogLostSinceMs, NOW, 'it was lost before the restart, and is')
  const back = planFleet(buildWorld(fleet(watchdogArrived(restarted, NOW + 2 * MINUTE))), 'f2', NOW + 2 * MINUTE)
  t.match(back, { state: { watchdogLostSinceMs: null }, notes: [{ data: { lost: false } }] })
  const healthy = fleetFromDurable(fleetToDurable({ ...back.state }), NOW + 60 * MINUTE)
  t.same(types(buildWorld(fleet(healthy)), NOW + 60 * MINUTE), [], 'an hour without us is not an hour without it')
  t.equal(watchdogLives(buildWorld(fleet(healthy)), NOW + 60 * MINUTE), false, 'but it has not shown life either')
  t.equal(planFleet(buildWorld({ fleet: gone.state }), 'f2', NOW).state.watchdogLostSinceMs, null, 'it left the configuration')
  t.end()
})

test('with `probes`, the own evidence acts alone while the watchdog is lost', (t) => {
  const lost = { watchdogAtMs: NOW - 15 * MINUTE, watchdogLostSinceMs: NOW - 10 * MINUTE }
  const given: WorldParts = { topology: { watchdog: WATCHDOG }, fleet: lost, evidence: { [sipOf(A)]: DOWN } }
  t.match(planTrunk(buildWorld(given), 'acme', 'd1', NOW).state.inFlight, { from: A, to: B, cause: 'health' })
  t.match(planTrunk(buildWorld({ ...given, alerts: [buildAlert('pbx-a')] }), 'acme', 'd1', NOW).state.inFlight, { cause: 'health' }, 'also beside an alert')
  t.same(planTrunk(buildWorld({ ...given, fleet: { watchdogAtMs: NOW } }), 'acme', 'd1', NOW).state.inFlight, null, 'while it lives a rule has to speak')
  const freeze = buildWorld({ ...given, topology: { watchdog: { ...WATCHDOG, whenLost: 'freeze' } }, alerts: [buildAlert('pbx-a')] })
  t.same(planTrunk(freeze, 'acme', 'd1', NOW).vetoes.map((v) => v.interlock), ['freeze'])
  t.same(rulesInForce(freeze), freeze.topology.rules)
  t.end()
})

const names = ['pbx-a', 'pbx-b', 'pbx-c', 'pbx-d', 'pbx-e']
/** Three gateways fell within ten minutes; A is the fourth. */
const fourth: WorldParts = {
  names,
  alerts: [buildAlert('pbx-a')],
  evidence: { [sipOf(A)]: { ...DOWN, turnedAtMs: NOW - MINUTE } },
  state: { incidents: [9, 5, 3].map((m, n) => ({ cause: `gateway other-${n}`, downAtMs: NOW - m * MINUTE, atMs: NOW - m * MINUTE })) }
}

test('the brake engages with the incident that is one too many, and stays until a person releases it', (t) => {
  const world = buildWorld(fourth)
  const held = planTrunk(world, 'acme', 'd1', NOW)
  t.same(held.vetoes.map((v) => v.interlock), ['brake'])
  const vetoed = { ...world, trunks: new Map([['acme', held.state]]) }
  const step = planFleet(vetoed, 'f1', NOW)
  t.match(step, { state: { brake: { sinceMs: NOW, decision: 'f1', causes: ['gateway other-0', 'gateway other-1', 'gateway other-2', 'gateway pbx-a'] } }, notes: [{ type: 'brake' }] })
  const later = NOW + 60 * MINUTE
  t.ok(planFleet({ ...vetoed, fleet: step.state }, 'f2', later).state.brake, 'time does not release it')
  const released = { ...vetoed, fleet: releaseBrake(step.state, NOW + SECOND) }
  t.same(planFleet(released, 'f2', NOW + SECOND).state.brake, null, 'its old veto does not engage it again')
  const moved = planTrunk(released, 'acme', 'd2', NOW + SECOND)
  t.match(moved.state.inFlight, { from: A, cause: 'alert' })
  t.match(moved.state.incidents.at(-1), { cause: 'gateway pbx-a', downAtMs: NOW - MINUTE, atMs: NOW + SECOND })
  t.end()
})

test('the brake does not engage for what something else holds, too', (t) => {
  const world = buildWorld({ ...fourth, pauses: [{ scope: 'global', actor: 'anna', reason: 'x', atMs: NOW, untilMs: null }] })
  const held = planTrunk(world, 'acme', 'd1', NOW)
  t.same(held.vetoes.map((v) => v.interlock), ['paused', 'brake'])
  t.same(planFleet({ ...world, trunks: new Map([['acme', held.state]]) }, 'f1', NOW).state.brake, null)
  t.end()
})

test('an engaged brake lets what was admitted end, and debts be paid', (t) => {
  const engaged: Partial<FleetState> = { brake: { sinceMs: NOW, causes: [], decision: 'f0' }, panicSinceMs: NOW }
  const world = buildWorld({ alerts: [buildAlert('pbx-a')], evidence: { [sipOf(A)]: DOWN } })
  const admitted = planTrunk(world, 'acme', 'd1', NOW)
  t.same(admitted.actions.flatMap((a) => a.kind === 'apply' ? [`${a.desired} ${a.interface}`] : []), [`disabled ${A}`])
  const sent = admitted.state.interfaces[A]
  const off = buildInterface(false, { offSinceMs: NOW, observed: { present: true, admin: 'disabled', registered: false, path: null, atMs: NOW + SECOND }, attempt: { atMs: NOW + SECOND, reason: null }, command: { ...sent?.command ?? (() => { throw new Error('no command') })(), outcome: 'done', endedAtMs: NOW + SECOND } })
  const next = planTrunk({ ...world, fleet: { ...world.fleet, ...engaged }, trunks: new Map([['acme', { ...admitted.state, interfaces: { ...admitted.state.interfaces, [A]: off } }]]) }, 'acme', 'd2', NOW + SECOND)
  t.equal(next.state.inFlight?.phase, 'proving', 'it goes on')
  const debt = buildWorld({ fleet: engaged, interfaces: { [A]: buildInterface(true), [B]: buildInterface(true) }, state: { debts: [{ interface: B, decision: 'd0', sinceMs: NOW - MINUTE, reregisteredAtMs: null, tries: 0, refusal: null, ordered: false }] } })
  t.same(planTrunk(debt, 'acme', 'd1', NOW).actions.flatMap((a) => a.kind === 'apply' ? [`${a.desired} ${a.interface}`] : []), [`disabled ${B}`])
  t.end()
})

test('incidents: a shared cause is one, whatever its number of trunks', (t) => {
  const dead = (turnedAtMs: number): WorldParts => ({ alerts: [buildAlert('pbx-a')], evidence: { [sipOf(A)]: { ...DOWN, turnedAtMs }, [driverOf(A)]: DOWN }, interfaces: { [A]: silentInterface(400 * SECOND) } })
  const one = planTrunk(buildWorld(dead(NOW - 400 * SECOND)), 'acme', 'd1', NOW).state.incidents
  t.same(one, [{ cause: 'gateway pbx-a', downAtMs: NOW - 400 * SECOND, atMs: NOW }])
  const world = buildWorld()
  const state = world.trunks.get('acme')
  if (state === undefined) throw new Error('no trunk')
  const trunk = (...downAgoS: readonly number[]) => ({ ...state, incidents: downAgoS.map((s) => ({ cause: 'gateway pbx-a', downAtMs: NOW - s * SECOND, atMs: NOW })) })
  const counted = (...states: readonly ReturnType<typeof trunk>[]): number => countedIncidents({ ...world, incidents: bookIncidents(states.flatMap(({ incidents }) => incidents), 0) }, NOW).length
  t.equal(counted(trunk(400), trunk(390), trunk(281)), 1)
  t.equal(counted(trunk(400), trunk(279)), 2, 'fallen again after two minutes')
  t.equal(counted(trunk(400, 300, 200)), 2, 'many falls close together are not one')
  t.end()
})

test('incidents: whatever of a gateway is seen first to fail, it is the gateway', (t) => {
  const world = buildWorld()
  const [trunk, state] = [world.topology.trunks.get('acme'), world.trunks.get('acme')]
  const iface = trunk?.interfaces.find(({ key }) => key === A)
  if (trunk === undefined || state === undefined || iface === undefined) throw new Error('no trunk')
  const health = interfaceHealth(world, trunk, state, iface, NOW)
  const cause = (...downBy: typeof health.downBy): string => incidentCause(world, iface, { ...health, downBy }, NOW).cause
  const ofGateway = [cause('unreachable'), cause('sip-lost'), cause('path-lost'), cause('registration-lost'), cause('registration-lost', 'path-lost'), cause()]
  t.same([...new Set(ofGateway)], ['gateway pbx-a'])
  t.equal(cause('carrier-lost', 'path-lost'), `carrier ${iface.carrierProbe ?? ''}`)
  t.end()
})

test('a registration that only the registrar misses is the gateway\'s last incident for as long as the brake counts, then another', (t) => {
  const counted = (agoMs: number): number => {
    const last = { cause: 'gateway pbx-a', downAtMs: NOW - agoMs, atMs: NOW - agoMs }
    const world = { ...buildWorld(), incidents: bookIncidents([last], 0) }
    const [trunk, state] = [world.topology.trunks.get('acme'), world.trunks.get('acme')]
    const iface = trunk?.interfaces.find(({ key }) => key === A)
    if (trunk === undefined || state === undefined || iface === undefined) throw new Error('no trunk')
    const evidence = new Map([...world.evidence].filter(([key]) => !key.startsWith('registration')))
    const health = { ...interfaceHealth(world, trunk, state, iface, NOW), downBy: ['registration-lost'] as const, downSinceMs: NOW - SECOND }
    return incidentCause({ ...world, evidence }, iface, health, NOW).downAtMs - NOW
  }
  t.equal(counted(9 * MINUTE), -9 * MINUTE, 'its 25 registrations end over minutes')
  t.equal(counted(10 * MINUTE), -SECOND)
  t.equal(counted(8 * 60 * MINUTE), -SECOND, 'one of the morning doesn\'t hide one of the evening')
  t.end()
})

test('what was down at our start is the incident that was counted before, however long we were away', (t) => {
  const booked = [{ cause: 'gateway pbx-a', downAtMs: NOW - 50 * MINUTE, atMs: NOW - 49 * MINUTE }]
  const admitted = (seenUp: boolean, incidents: typeof booked): unknown => {
    const dead: WorldParts = { alerts: [buildAlert('pbx-a')], evidence: { [sipOf(A)]: { ...DOWN, seenUp, turnedAtMs: NOW - 400 * SECOND }, [driverOf(A)]: DOWN }, interfaces: { [A]: silentInterface(400 * SECOND) } }
    return planTrunk({ ...buildWorld(dead), incidents: bookIncidents(incidents, 0) }, 'acme', 'd1', NOW).state.incidents.map(({ downAtMs }) => downAtMs - NOW)
  }
  t.same(admitted(false, booked), [-50 * MINUTE])
  t.same(admitted(true, booked), [-400 * SECOND], 'seen up since, it has fallen again')
  t.same(admitted(false, []), [-400 * SECOND], 'nothing was counted')
  t.end()
})

test('what is no incident', (t) => {
  const upkeep = planTrunk(buildWorld({ interfaces: { [A]: buildInterface(false, { offSinceMs: NOW - SECOND }) } }), 'acme', 'd1', NOW)
  t.match(upkeep.state, { inFlight: { cause: 'upkeep' }, incidents: [] })
  const order = buildWorld({ onSecond: 'replace', state: { request: { verb: 'switchover', decision: 'd0', to: B, actor: 'anna', reason: 'x', atMs: NOW, override: [], knownOff: [], force: false } } })
  t.match(planTrunk(order, 'acme', 'd1', NOW).state, { inFlight: { to: B }, incidents: [] })
  t.end()
})
