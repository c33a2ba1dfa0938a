import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { fingerprintOf } from '../../src/core/fingerprint.ts'
import { parseListedAlert, parseNotification } from '../../src/core/notification.ts'

const FIXTURES = join(import.meta.dirname, '../fixtures/notifications')
const fixture = (name: string): any => JSON.parse(readFileSync(join(FIXTURES, `${name}.json`), 'utf8'))
const RECORDED = ['single-firing', 'single-resolved', 'group-firing', 'group-mixed', 'group-resolved', 'truncated-firing', 'truncated-mixed', 'truncated-resolved']

const alertsOf = (body: unknown) => {
  const parsed = parseNotification(body)
  if (!parsed.ok) throw new Error(parsed.detail)
  return parsed.alerts.map((item) => item.ok ? item.alert : item)
}
const withAlert = (change: Record<string, unknown>): any => {
  const body = fixture('single-firing')
  Object.assign(body.alerts[0], change)
  return body
}

test('every recorded body is read as a whole, alert by alert', (t) => {
  for (const name of RECORDED) {
    const body = fixture(name)
    const parsed = parseNotification(body)
    t.same(parsed.ok && parsed.truncated, body.truncatedAlerts, `${name}: cut off`)
    t.same(alertsOf(body), body.alerts.map((alert: any) => ({
      fingerprint: alert.fingerprint,
      labels: alert.labels,
      status: alert.status,
      startsAtMs: Date.parse(alert.startsAt),
      endsAtMs: alert.status === 'firing' ? null : Date.parse(alert.endsAt)
    })), name)
  }
  t.same(alertsOf(fixture('group-mixed')).map((alert: any) => alert.status), ['resolved', 'firing', 'firing', 'firing'], 'the group\'s own status says nothing about an alert')
  t.equal(fixture('truncated-mixed').truncatedAlerts, 2)
  t.end()
})

test('a missing fingerprint is the one that Alertmanager itself would send', (t) => {
  const all = RECORDED.flatMap((name) => fixture(name).alerts).concat(fixture('list'))
  for (const alert of all) t.equal(fingerprintOf(alert.labels), alert.fingerprint, alert.labels.trunk ?? alert.labels.alertname)
  const labels = fixture('single-firing').alerts[0].labels
  const shuffled = Object.fromEntries(Object.entries(labels).toReversed())
  for (const missing of [undefined, null, '']) {
    const [alert] = alertsOf(withAlert({ fingerprint: missing, labels: shuffled }))
    t.equal(alert?.fingerprint, fixture('single-firing').alerts[0].fingerprint, `fingerprint ${String(missing)}`)
  }
  t.equal(fingerprintOf({}), 'cbf29ce484222325', 'the offset basis of FNV-1a')
  t.end()
})

test('label names are sorted by their bytes, as Go does', (t) => {
  // U+10000 sorts before U+FF5E by UTF-16 units and after it by bytes.
  const bytes = Buffer.concat(['a', 'd', 'ab', 'c', '\uff5e', 'b', '\u{10000}', 'a'].flatMap((text) => [Buffer.from(text), Buffer.from([0xff])]))
  const hash = bytes.reduce((sum, byte) => BigInt.asUintN(64, (sum ^ BigInt(byte)) * 1099511628211n), 14695981039346656037n)
  t.equal(fingerprintOf({ '\u{10000}': 'a', '\uff5e': 'b', ab: 'c', a: 'd' }), hash.toString(16).padStart(16, '0'))
  t.not(fingerprintOf({ a: 'bc' }), fingerprintOf({ ab: 'c' }))
  t.end()
})

test('times of any precision and offset', (t) => {
  const noon = Date.UTC(2026, 10, 22, 12)
  const cases: ReadonlyArray<readonly [string, number]> = [
    ['2026-11-22T12:00:00Z', noon],
    ['2026-11-22T12:00:00.5Z', noon + 500],
    ['2026-11-22T12:00:00.123456789Z', noon + 123],
    ['2026-11-22T12:00:00.999999999Z', noon + 999],
    ['2026-11-22T14:00:00.25+02:00', noon + 250],
    ['2026-11-22T06:30:00-05:30', noon],
    ['2024-02-29T00:00:00Z', Date.UTC(2024, 1, 29)]
  ]
  for (const [startsAt, expected] of cases) t.match(alertsOf(withAlert({ startsAt }))[0], { startsAtMs: expected }, startsAt)
  t.end()
})

test('a body that is no notification is refused, and it is said why', (t) => {
  const cases: ReadonlyArray<readonly [unknown, RegExp]> = [
    [undefined, /the body is missing/],
    [null, /the body is null/],
    ['firing', /the body is a text/],
    [[], /the body is a list/],
    [{}, /version is missing; only Alertmanager's format "4"/],
    [{ version: '3', alerts: [] }, /version is "3"/],
    [{ version: 4, alerts: [] }, /version is 4/],
    [{ version: '4' }, /alerts is missing, not a list/],
    [{ version: '4', alerts: {} }, /alerts is an object, not a list/],
    [{ version: 'x'.repeat(5000), alerts: [] }, /^version is "x{79}…; only/]
  ]
  for (const [body, message] of cases) {
    const parsed = parseNotification(body)
    t.match(parsed.ok ? 'accepted' : parsed.detail, message)
  }
  t.same(parseNotification({ version: '4', alerts: [], routeLabels: {}, notification_reason: 'unknown' }), { ok: true, alerts: [], truncated: 0 }, 'unknown fields are fine')
  t.match(parseNotification({ version: '4', alerts: [], truncatedAlerts: 'many' }), { truncated: 1 }, 'an unreadable count is taken as cut off')
  t.end()
})

test('one bad alert is refused alone, and it is said why', (t) => {
  const cases: ReadonlyArray<readonly [unknown, RegExp]> = [
    [null, /the alert is null/],
    ['x', /the alert is a text/],
    [{ labels: undefined }, /labels is missing/],
    [{ labels: {} }, /has no labels/],
    [{ labels: { alertname: 5 } }, /the label "alertname" is a number/],
    [{ status: 'suppressed' }, /status is "suppressed", not "firing" or "resolved"/],
    [{ startsAt: undefined }, /startsAt is missing/],
    [{ startsAt: 'yesterday' }, /startsAt is "yesterday", not a time/],
    [{ startsAt: '2026-11-22T12:00:00' }, /startsAt is .* not a time/],
    [{ startsAt: '2026-02-30T12:00:00Z' }, /startsAt is .* not a time/],
    [{ startsAt: '2026-13-01T12:00:00Z' }, /startsAt is .* not a time/],
    [{ startsAt: '0001-01-01T00:00:00Z' }, /startsAt is not set/],
    [{ status: 'resolved' }, /endsAt is not set/],
    [{ status: 'resolved', endsAt: 7 }, /endsAt is 7/],
    [{ fingerprint: 12 }, /fingerprint is 12/],
    [{ fingerprint: '../etc' }, /fingerprint is "..\/etc"/]
  ]
  for (const [bad, message] of cases) {
    const good = fixture('group-firing')
    const source = fixture('single-firing').alerts[0]
    good.alerts.splice(1, 0, typeof bad === 'object' && bad !== null ? { ...source, ...bad } : bad)
    const parsed = parseNotification(good)
    const results = parsed.ok ? parsed.alerts : []
    t.same(results.map(({ ok }) => ok), [true, false, true, true, true])
    t.match(results[1]?.ok === false ? results[1].detail : 'accepted', message)
  }
  t.end()
})

test('a real list: active, silenced and inhibited alerts', (t) => {
  const list = fixture('list')
  const read = list.map(parseListedAlert)
  t.same(read.map((item: any) => [item.ok && item.alert.labels.trunk, item.ok && item.alert.suppressed]),
    list.map((item: any) => [item.labels.trunk, item.status.silencedBy.length + item.status.inhibitedBy.length > 0]))
  t.equal(read.filter((item: any) => item.alert.suppressed).length, 2, 'one silenced, one inhibited')
  t.match(parseListedAlert({ ...list[0], status: { state: 'unprocessed' } }), { ok: true, alert: { suppressed: true } }, 'not looked at yet')
  t.match(parseListedAlert({ ...list[0], status: { state: 'lost' } }), { ok: false, fingerprint: list[0].fingerprint, detail: /status.state is "lost"/ })
  t.match(parseListedAlert({ ...list[0], status: undefined }), { ok: false, detail: /status.state is missing/ })
  t.match(parseListedAlert([]), { ok: false, fingerprint: null, detail: /is a list, not an object/ })
  t.end()
})
