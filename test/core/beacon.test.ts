import { test } from 'tap'
import { accept, alive, boundUntilMs, newBeacon, observeBeacon, refuse, refusedBefore, turned } from '../../src/core/beacon.ts'
import type { BeaconRegister, BeaconState } from '../../src/core/beacon.ts'
import { newTrunkState, withInterface } from '../../src/core/world.ts'
import type { InterfaceState } from '../../src/core/world.ts'

const EXPIRES_MS = 60_000
const contact = (host: string, expiresSeconds: number | null = null) => ({ uri: `sip:${host}`, expiresSeconds })
const register = (cseq: number, contacts: BeaconRegister['contacts'], callId = 'a'): BeaconRegister => ({ callId, cseq, contacts })
/** `host:seconds left`. */
const bound = (state: BeaconState, nowMs: number): string => alive(state, nowMs).map(({ uri, untilMs }) => `${uri.slice(4)}:${(untilMs - nowMs) / 1_000}`).join(' ')

test('who is bound while the beacon accepts', async (t) => {
  const start = accept(newBeacon(false, 0), register(1, [contact('b', 300)]), EXPIRES_MS, 0).state
  const cases: readonly { title: string; register: BeaconRegister; atMs?: number; want: string; answer?: string }[] = [
    { title: 'the lifetime is capped', register: register(2, [contact('b', 3_600)]), want: 'b:60' },
    { title: 'no wish: the whole lifetime', register: register(2, [contact('b')]), want: 'b:60' },
    { title: 'a shorter wish is granted', register: register(2, [contact('b', 20)]), want: 'b:20' },
    { title: 'a query changes nothing', register: register(2, []), atMs: 10_000, want: 'b:50' },
    { title: 'a query may repeat its number', register: register(1, []), atMs: 10_000, want: 'b:50' },
    { title: 'it leaves', register: register(2, [contact('b', 0)]), want: '' },
    { title: 'all leave', register: register(2, '*'), want: '' },
    { title: 'a second Contact stays beside it', register: register(2, [contact('c', 30)]), want: 'b:60 c:30' },
    { title: 'one comes, one goes', register: register(2, [contact('b', 0), contact('c', 30)]), want: 'c:30' },
    { title: 'an older message that came late', register: register(1, [contact('b', 0)]), want: 'b:60', answer: 'outdated' },
    { title: 'another call may begin with any number', register: register(1, [contact('b', 0)], 'z'), want: '' },
    { title: 'an ended binding outdates nothing', register: register(1, [contact('b', 30)]), atMs: 60_000, want: 'b:30' },
    { title: 'too many at once', register: register(2, [1, 2, 3, 4, 5, 6, 7, 8].map((n) => contact(`c${n}`))), want: 'b:60', answer: 'too-many' }
  ]
  for (const { title, register, atMs = 0, want, answer = 'accepted' } of cases) {
    const result = accept(start, register, EXPIRES_MS, atMs)
    t.equal(bound(result.state, atMs), want, title)
    t.equal(result.answer, answer, title)
  }
})

test('who was refused is bound no more', async (t) => {
  const one = accept(newBeacon(false, 0), register(1, [contact('b')], 'a'), EXPIRES_MS, 0).state
  const two = turned(accept(one, register(1, [contact('c')], 'z'), EXPIRES_MS, 0).state, true, 1_000)
  const after = (callId: string, contacts: BeaconRegister['contacts']): string => bound(refuse(two, { callId, contacts }, 1_000), 1_000)
  t.equal(after('new', [contact('b', 300)]), 'c:59', 'by its Contact')
  t.equal(after('a', [contact('other', 300)]), 'c:59', 'by its Call-ID')
  t.equal(after('new', []), 'b:59 c:59', 'one without a Contact names nobody')
  t.equal(after('new', '*'), 'b:59 c:59', 'a stranger can\'t speak for all')
  t.equal(after('a', '*'), 'c:59', 'but for himself')
})

test('what the beacon tells of its standby', async (t) => {
  const empty = newBeacon(false, 0)
  const here = accept(empty, register(1, [contact('b')]), EXPIRES_MS, 100_000).state
  const gone = turned(here, true, 110_000)
  const cases: readonly { title: string; state: BeaconState; atMs: number; admin: string; path: string | null; settled: boolean; until: number | null }[] = [
    { title: 'at the start nobody knows', state: empty, atMs: 1_000, admin: 'disabled', path: null, settled: true, until: null },
    { title: 'two lifetimes without it: there is no standby', state: empty, atMs: 120_001, admin: 'disabled', path: 'down', settled: true, until: null },
    { title: 'it is here', state: here, atMs: 110_000, admin: 'disabled', path: 'up', settled: true, until: 160_000 },
    { title: 'it did not come back', state: here, atMs: 160_000, admin: 'disabled', path: 'down', settled: true, until: null },
    { title: 'it may go, and is still here', state: gone, atMs: 110_000, admin: 'enabled', path: null, settled: false, until: 160_000 },
    { title: 'it was refused', state: refuse(gone, { callId: 'a', contacts: [] }, 120_000), atMs: 120_000, admin: 'enabled', path: null, settled: true, until: null },
    { title: 'it never came back: its binding has ended', state: gone, atMs: 160_000, admin: 'enabled', path: null, settled: true, until: null },
    { title: 'called back: it has its time', state: turned(refuse(gone, { callId: 'a', contacts: '*' }, 120_000), false, 500_000), atMs: 600_000, admin: 'disabled', path: null, settled: true, until: null },
    { title: 'called back, and it did not come', state: turned(refuse(gone, { callId: 'a', contacts: '*' }, 120_000), false, 500_000), atMs: 620_001, admin: 'disabled', path: 'down', settled: true, until: null },
    { title: 'a restart while it may go: an earlier run may have bound it', state: newBeacon(true, 0), atMs: 59_999, admin: 'enabled', path: null, settled: false, until: 60_000 },
    { title: 'that has ended', state: newBeacon(true, 0), atMs: 60_000, admin: 'enabled', path: null, settled: true, until: null }
  ]
  for (const { title, state, atMs, admin, path, settled, until } of cases) {
    t.match(observeBeacon(state, { expiresMs: EXPIRES_MS, hasSecond: false }, atMs), { present: true, admin, registered: null, path, settled, boundUntilMs: until }, title)
    t.equal(boundUntilMs(state, EXPIRES_MS, atMs), until, title)
    const beside = observeBeacon(state, { expiresMs: EXPIRES_MS, hasSecond: true }, atMs)
    t.equal(beside.path, path === 'down' ? null : path, `${title}; with a second beacon it may be there`)
  }
})

test('turning to the side that it has is no turn', async (t) => {
  const state = newBeacon(false, 5)
  t.equal(turned(state, false, 9), state)
  t.equal(turned(state, true, 9).sinceMs, 9)
})

test('after a restart the beacon refuses only what it had been told to refuse', async (t) => {
  const key = 'east/standby'
  const command = (desired: 'enabled' | 'disabled', outcome: 'pending' | 'done' | 'failed' | 'unknown'): InterfaceState['command'] => ({ desired, outcome, atMs: 1, endedAtMs: null, reason: null, detail: '' })
  const seen = (admin: 'enabled' | 'disabled'): InterfaceState['observed'] => ({ present: true, admin, registered: null, path: null, atMs: 0 })
  const cases: readonly { title: string; own: Partial<InterfaceState>; want: boolean }[] = [
    { title: 'nothing is known', own: {}, want: false },
    { title: 'told to refuse', own: { command: command('enabled', 'done') }, want: true },
    { title: 'told to refuse, and stopped meanwhile: the order was admitted and on disk', own: { command: command('enabled', 'pending'), observed: seen('disabled') }, want: true },
    { title: 'the order was never carried out', own: { command: command('enabled', 'failed'), observed: seen('disabled') }, want: false },
    { title: 'told to accept', own: { command: command('disabled', 'done'), observed: seen('disabled') }, want: false },
    { title: 'told to accept, and stopped meanwhile', own: { command: command('disabled', 'pending'), observed: seen('enabled') }, want: false },
    { title: 'the order to accept was never carried out', own: { command: command('disabled', 'failed'), observed: seen('enabled') }, want: true },
    { title: 'only seen refusing', own: { observed: seen('enabled') }, want: true },
    { title: 'only seen accepting', own: { observed: seen('disabled') }, want: false }
  ]
  for (const { title, own, want } of cases) t.equal(refusedBefore(withInterface(newTrunkState([key], 0), key, own), key), want, title)
})
