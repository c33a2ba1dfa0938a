import * as fc from 'fast-check'
import { test } from 'tap'
import { ABSENCE_MS, isFiring, outdatedEntries, receiveAlert, RETENTION_MS, resyncBook, startedAtMs, startsNothingNew } from '../../src/core/alert-book.ts'
import type { BookedAlert, ListedAlert, ReceivedAlert } from '../../src/core/alert-book.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
/** From question to answer of a resync. */
const ANSWER_MS = 2 * SECOND
/** Instant at which the messages of a table arrive; their own times are seconds before or after it. */
const NOW = Date.UTC(2026, 0, 1, 12)
const at = (seconds: number): number => NOW + seconds * SECOND

const firing = (start: number): ReceivedAlert => ({ fingerprint: 'f1', labels: { alertname: 'SipTrunkDown' }, status: 'firing', startsAtMs: at(start), endsAtMs: null })
const resolved = (start: number, end: number): ReceivedAlert => ({ ...firing(start), status: 'resolved', endsAtMs: at(end) })
const listed = (start: number, suppressed = false): ListedAlert => ({ fingerprint: 'f1', labels: { alertname: 'SipTrunkDown' }, startsAtMs: at(start), suppressed })

interface Told { readonly booked: BookedAlert | undefined; readonly reasons: readonly string[]; readonly changed: readonly boolean[] }
const tell = (messages: readonly ReceivedAlert[], resyncs = true): Told => {
  let told: Told = { booked: undefined, reasons: [], changed: [] }
  for (const message of messages) {
    const { booked, reason, changed } = receiveAlert(told.booked, message, NOW, resyncs)
    told = { booked, reasons: [...told.reasons, reason], changed: [...told.changed, changed] }
  }
  return told
}
const bookOf = (...alerts: ReadonlyArray<BookedAlert | undefined>): ReadonlyMap<string, BookedAlert> =>
  new Map(alerts.flatMap((alert) => alert === undefined ? [] : [[alert.fingerprint, alert] as const]))
/** Resyncs that follow one another; each entry: when it asks, and what is listed. */
const resyncs = (alert: BookedAlert | undefined, ...steps: ReadonlyArray<readonly [number, readonly ListedAlert[], boolean?]>): BookedAlert | undefined => follow(true, alert, steps)
const follow = (watched: boolean, alert: BookedAlert | undefined, steps: ReadonlyArray<readonly [number, readonly ListedAlert[], boolean?]>): BookedAlert | undefined => {
  let current = alert
  for (const [seconds, list, complete] of steps) {
    const [change] = resyncBook(bookOf(current), { listed: list, complete: complete ?? true, watched, askedAtMs: at(seconds) }, at(seconds) + ANSWER_MS)
    current = change?.booked ?? current
  }
  return current
}

test('what notifications make of one alert', (t) => {
  const cases: ReadonlyArray<readonly [string, readonly ReceivedAlert[], readonly string[], Partial<BookedAlert>]> = [
    ['the first one is stored', [firing(-60)], ['stored'], { status: 'firing', disputed: false, startsAtMs: at(-60), lastEndsAtMs: null }],
    ['a repetition changes nothing', [firing(-60), firing(-60)], ['stored', 'repeated'], { status: 'firing', disputed: false }],
    ['a resolved one ends it', [firing(-60), resolved(-60, -10)], ['stored', 'stored'], { status: 'resolved', endsAtMs: at(-10), lastEndsAtMs: at(-10) }],
    ['a resolved one that comes twice', [firing(-60), resolved(-60, -10), resolved(-60, -10)], ['stored', 'stored', 'repeated'], { status: 'resolved' }],
    ['it fires, resolves, and fires anew with a later start', [firing(-60), resolved(-60, -30), firing(-20)], ['stored', 'stored', 'stored'], { status: 'firing', disputed: false, startsAtMs: at(-20) }],
    ['it fires again with its old start, as after a cut between Prometheus and Alertmanager', [firing(-60), resolved(-60, -30), firing(-60)], ['stored', 'stored', 'disputed'], { status: 'firing', disputed: true }],
    ['a peer sends a late firing of an older start', [firing(-60), resolved(-60, -30), firing(-90)], ['stored', 'stored', 'disputed'], { status: 'firing', disputed: true, startsAtMs: at(-90) }],
    ['a firing that starts in the instant of the last end', [resolved(-60, -30), firing(-30)], ['stored', 'disputed'], { disputed: true }],
    ['the end arrives before the start', [resolved(-60, -30), firing(-60)], ['stored', 'disputed'], { status: 'firing', disputed: true }],
    ['a disputed one stays disputed when it is repeated', [resolved(-60, -30), firing(-60), firing(-60)], ['stored', 'disputed', 'disputed'], { disputed: true }],
    ['no resolved ends a disputed one', [resolved(-60, -30), firing(-60), resolved(-60, -30), resolved(-60, -5)], ['stored', 'disputed', 'disputed', 'disputed'], { status: 'firing', disputed: true, lastEndsAtMs: at(-5) }],
    ['a new start ends the dispute', [resolved(-60, -30), firing(-60), firing(-20)], ['stored', 'disputed', 'stored'], { disputed: false, startsAtMs: at(-20) }],
    ['the end of an earlier start does not end this one', [firing(-20), resolved(-60, -30)], ['stored', 'outdated'], { status: 'firing', disputed: false, lastEndsAtMs: at(-30) }],
    ['a late firing of an earlier start does not move it back', [firing(-20), firing(-60)], ['stored', 'outdated'], { status: 'firing', startsAtMs: at(-20) }],
    ['two Prometheus servers: the merged alert ends with the earlier start', [firing(-20), resolved(-22, -5)], ['stored', 'stored'], { status: 'resolved', startsAtMs: at(-20) }],
    ['the end of a start that was never told', [firing(-60), resolved(-20, -5)], ['stored', 'stored'], { status: 'resolved', startsAtMs: at(-20) }],
    ['a resolved that nobody has heard of is remembered', [resolved(-60, -30)], ['stored'], { status: 'resolved', lastEndsAtMs: at(-30) }],
    ['a clock ahead of ours: ends and starts are compared in the sender\'s time', [firing(10), resolved(10, 20), firing(30)], ['stored', 'stored', 'stored'], { status: 'firing', disputed: false, startsAtMs: at(30) }],
    ['an end far in the future is not believed', [firing(-60), resolved(-60, 86_400 * 365)], ['stored', 'stored'], { status: 'resolved', lastEndsAtMs: at(3600) }]
  ]
  for (const [what, messages, reasons, expected] of cases) {
    const told = tell(messages)
    t.same(told.reasons, reasons, what)
    t.match(told.booked, expected, what)
  }
  t.end()
})

test('without an Alertmanager to ask, a later end ends a disputed alert', (t) => {
  t.match(tell([resolved(-60, -30), firing(-60), resolved(-60, -30)], false).booked, { status: 'firing' }, 'the same end again does not')
  t.match(tell([resolved(-60, -30), firing(-60), resolved(-60, -5)], false).booked, { status: 'resolved' })
  t.end()
})

test('repetitions renew the last arrival and are no change', (t) => {
  const first = receiveAlert(undefined, firing(-60), NOW, true).booked
  const again = receiveAlert({ ...first, absentSinceMs: NOW }, firing(-60), NOW + MINUTE, true)
  t.match(again, { reason: 'repeated', changed: false, booked: { firstSeenAtMs: NOW, lastSeenAtMs: NOW + MINUTE, absentSinceMs: null } })
  t.same(tell([firing(-60), firing(-60), resolved(-60, -5), resolved(-60, -5), firing(-60), firing(-60)]).changed, [true, false, true, false, true, false])
  t.end()
})

test('an alert stays bound as long as its start is the same', (t) => {
  const bound = { ...receiveAlert(undefined, firing(-60), NOW, true).booked, bound: 'pbx-a/SIP1' }
  const tellMore = (...messages: readonly ReceivedAlert[]): BookedAlert =>
    messages.reduce<BookedAlert>((booked, message) => receiveAlert(booked, message, NOW, true).booked, bound)
  t.equal(tellMore(firing(-60)).bound, 'pbx-a/SIP1')
  t.equal(tellMore(resolved(-60, -30), firing(-60)).bound, 'pbx-a/SIP1', 'disputed, but the same start')
  t.equal(tellMore(resolved(-60, -30), firing(-20)).bound, null)
  t.equal(tellMore(firing(-20)).bound, null, 'the end between was lost')
  t.equal(tellMore(resolved(-20, -5), firing(-20)).bound, null, 'the end of another start')
  t.end()
})

test('when an alert began is never in our future', (t) => {
  t.equal(startedAtMs(receiveAlert(undefined, firing(90), NOW, true).booked), NOW)
  t.equal(startedAtMs(receiveAlert(undefined, firing(-90), NOW, true).booked), at(-90))
  t.end()
})

test('what resyncs make of one alert', (t) => {
  const fires = tell([firing(-60)]).booked
  const ended = tell([firing(-60), resolved(-60, -30)]).booked
  const disputed = tell([firing(-60), resolved(-60, -30), firing(-60)]).booked
  const cases: ReadonlyArray<readonly [string, BookedAlert | undefined, Partial<BookedAlert>]> = [
    ['an alert that no notification told', resyncs(undefined, [60, [listed(-60)]]), { status: 'firing', disputed: false, startsAtMs: at(-60) }],
    ['absent once', resyncs(fires, [60, []]), { status: 'firing', absentSinceMs: at(60) + ANSWER_MS }],
    ['absent for less than two minutes', resyncs(fires, [60, []], [120, []], [179, []]), { status: 'firing' }],
    ['absent twice, two minutes apart', resyncs(fires, [60, []], [180, []]), { status: 'resolved', endsAtMs: at(180) + ANSWER_MS, lastEndsAtMs: at(-60) }],
    ['absent, listed, absent', resyncs(fires, [60, []], [120, [listed(-60)]], [180, []]), { status: 'firing', absentSinceMs: at(180) + ANSWER_MS }],
    ['absent from incomplete lists', resyncs(fires, [60, [], false], [180, [], false], [300, [], false]), { status: 'firing', absentSinceMs: null }],
    ['absent, but it arrived after the question', resyncs(fires, [-1, []]), { status: 'firing', absentSinceMs: null }],
    ['absent, and the clock was set back meanwhile', resyncs(fires, [-3600, []]), { status: 'firing', absentSinceMs: at(-3600) + ANSWER_MS }],
    ['absent since a time that is in the future now', resyncs({ ...fires!, absentSinceMs: at(9999) }, [180, []]), { status: 'firing', absentSinceMs: at(180) + ANSWER_MS }],
    ['a disputed one is gone with the first list without it', resyncs(disputed, [60, []]), { status: 'resolved', disputed: false }],
    ['a disputed one that is listed stays disputed', resyncs(disputed, [60, [listed(-60)]]), { status: 'firing', disputed: true }],
    ['a disputed one survives incomplete lists', resyncs(disputed, [60, [], false]), { status: 'firing', disputed: true }],
    ['a resolved one that is listed with its old start is disputed', resyncs(ended, [60, [listed(-60)]]), { status: 'firing', disputed: true }],
    ['a resolved one that is listed with a new start', resyncs(ended, [60, [listed(-20)]]), { status: 'firing', disputed: false, startsAtMs: at(-20) }],
    ['a resolved one that is not listed', resyncs(ended, [60, []], [600, []]), { status: 'resolved', endsAtMs: at(-30) }],
    ['silenced', resyncs(fires, [60, [listed(-60, true)]]), { status: 'firing', suppressed: true }],
    ['no longer silenced', resyncs(fires, [60, [listed(-60, true)]], [120, [listed(-60)]]), { suppressed: false }],
    ['silenced in one of two Alertmanagers', resyncs(fires, [60, [listed(-60, true), listed(-60)]]), { suppressed: true }],
    ['two Alertmanagers know different starts', resyncs(fires, [60, [listed(-20), listed(-60)]]), { startsAtMs: at(-20) }],
    ['listed, although another Alertmanager is silent', resyncs(undefined, [60, [listed(-60)], false]), { status: 'firing' }]
  ]
  for (const [what, booked, expected] of cases) t.match(booked, expected, what)
  t.end()
})

test('after it was gone by absence, the old start is disputed and a new one is not', (t) => {
  const gone = resyncs(tell([firing(-60)]).booked, [60, []], [180, []])
  t.match(receiveAlert(gone, firing(-60), at(240), true), { reason: 'disputed' })
  t.match(receiveAlert(gone, firing(0), at(240), true), { reason: 'stored', booked: { disputed: false } }, 'even if the sender\'s clock is behind ours')
  t.end()
})

test('absence means nothing while the watchdog is lost', (t) => {
  const fires = tell([firing(-60)]).booked
  t.match(follow(false, fires, [[60, []], [180, []], [600, []]]), { status: 'firing', absentSinceMs: null })
  const half = resyncs(fires, [60, []])
  t.match(follow(false, half, [[180, []]]), { status: 'firing', absentSinceMs: null }, 'what was absent before it was lost is counted anew')
  const disputed = tell([firing(-60), resolved(-60, -30), firing(-60)]).booked
  t.match(disputed, { disputed: true })
  t.match(follow(false, disputed, [[60, []]]), { status: 'resolved' }, 'a disputed one was never certain')
  t.end()
})

test('a steady list costs no writes', (t) => {
  const fires = tell([firing(-60)]).booked
  const resync = (seconds: number, list: readonly ListedAlert[]) => resyncBook(bookOf(fires), { listed: list, complete: true, watched: true, askedAtMs: at(seconds) }, at(seconds))
  t.same(resync(60, [listed(-60)]), [])
  t.match(resync(301, [listed(-60)]), [{ changed: false, booked: { lastSeenAtMs: at(301) } }], 'now and then the last arrival is renewed')
  t.match(resync(60, [listed(-60, true)]), [{ changed: true }])
  t.end()
})

test('what an entry is good for', (t) => {
  const fires = tell([firing(-60)]).booked as BookedAlert
  const ended = tell([firing(-60), resolved(-60, -30)]).booked as BookedAlert
  t.same([isFiring(fires), startsNothingNew(fires)], [true, false])
  t.same([isFiring(ended), startsNothingNew(ended)], [false, true])
  t.equal(startsNothingNew({ ...fires, suppressed: true }), true)
  t.same(outdatedEntries(bookOf(ended), NOW + RETENTION_MS), [])
  t.same(outdatedEntries(bookOf(ended), NOW + RETENTION_MS + 1), ['f1'])
  t.same(outdatedEntries(bookOf(fires), NOW + 2 * RETENTION_MS), [], 'a firing alert is never forgotten')
  t.end()
})

test('alerts of one group are independent', (t) => {
  const other = { ...firing(-60), fingerprint: 'f2' }
  const book = bookOf(tell([firing(-60), resolved(-60, -30)]).booked, receiveAlert(undefined, other, NOW, true).booked)
  const changes = resyncBook(book, { listed: [{ ...listed(-60), fingerprint: 'f2' }], complete: true, watched: true, askedAtMs: at(60) }, at(60))
  t.same(changes, [], 'one is resolved, the other is listed')
  t.end()
})

/** Starts and ends of one alert in the order in which they happened; the last start may be open. */
const history = fc.tuple(fc.integer({ min: 1, max: 5 }), fc.boolean()).map(([count, isOpen]) =>
  Array.from({ length: count }, (_, index) => {
    const start = -1000 + index * 100
    return isOpen && index === count - 1 ? [firing(start)] : [firing(start), resolved(start, start + 50)]
  }).flat())
const shuffledHistory = history.chain((messages) =>
  fc.tuple(fc.constant(messages), fc.shuffledSubarray([...messages, ...messages], { minLength: messages.length })))

test('properties of any order of arrival, with repetitions and losses', (t) => {
  fc.assert(fc.property(shuffledHistory, ([messages, arrivals]) => {
    const last = messages.at(-1) as ReceivedAlert
    const { booked } = tell(arrivals)
    if (last.status === 'firing' && arrivals.includes(last)) {
      // What fires now fires in the book, whatever came late, and is no matter of dispute.
      return booked?.status === 'firing' && !booked.disputed && booked.startsAtMs === last.startsAtMs
    }
    // Nothing counts as an undisputed firing that has an end in the book.
    return booked?.status !== 'firing' || booked.disputed || booked.lastEndsAtMs === null || booked.startsAtMs > booked.lastEndsAtMs
  }), { numRuns: 2000 })
  t.pass('what fires is firing')

  fc.assert(fc.property(shuffledHistory, ([, arrivals]) => {
    const once = tell(arrivals).booked
    const twice = tell(arrivals.flatMap((message) => [message, message])).booked
    t.same(twice, once)
  }), { numRuns: 300 })

  fc.assert(fc.property(shuffledHistory, ([messages, arrivals]) => {
    // The truth by list: whatever arrived, two complete lists two minutes apart bring the book there.
    const last = messages.at(-1) as ReceivedAlert
    const isOpen = last.status === 'firing'
    const list = isOpen ? [{ ...listed(0), startsAtMs: last.startsAtMs }] : []
    const settled = resyncs(tell(arrivals).booked, [60, list], [60 + ABSENCE_MS / SECOND, list])
    return (settled?.status === 'firing') === isOpen
  }), { numRuns: 1000 })
  t.pass('resyncs bring the truth')
  t.end()
})
