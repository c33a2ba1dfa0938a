/**
 * Reads what Alertmanager says: the webhook's body (format version 4) and the list of `GET /api/v2/alerts`.
 * Everything in it comes from outside: one bad alert is refused alone, unknown fields are ignored.
 */
import type { ListedAlert, ReceivedAlert } from './alert-book.ts'
import { fingerprintOf } from './fingerprint.ts'
import type { Labels } from './labels.ts'
import type { EpochMs } from './topology.ts'

/** One alert that could be read, or why not. `fingerprint`: as far as it was readable. */
export type AlertResult<Alert> =
  | { readonly ok: true; readonly alert: Alert }
  | { readonly ok: false; readonly fingerprint: string | null; readonly detail: string }

export interface Notification {
  readonly ok: true
  readonly alerts: ReadonlyArray<AlertResult<ReceivedAlert>>
  /** Alerts that Alertmanager (`max_alerts`) or our own limit cut off; above 0 the absence of an alert proves nothing. */
  readonly truncated: number
}

/** A part that could be read, or what is wrong with it. */
type Read<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly detail: string }

const FINGERPRINT = /^[\w.:-]{1,128}$/
// Go's time.RFC3339: an offset is required, fractions of any length are allowed.
const TIME = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(?:Z|([+-])(\d\d):(\d\d))$/
/**
 * Alerts of one notification that are read; the rest counts as cut off. A large outage has some hundreds; tens of
 * thousands would keep the control loop waiting for seconds.
 */
const MAX_ALERTS = 5_000
/** All names and values of one alert's labels [UTF-16 units]. Labels are names; long texts are annotations, which aren't read. */
const MAX_LABELS_LENGTH = 16_384
/** Go's zero time, which stands for "not known". */
const ZERO_TIME_MS = Date.parse('0001-01-01T00:00:00.000Z')

/**
 * Reads a webhook body.
 * Errors: `ok: false` only when the body as a whole is no notification of version 4; `detail` says what is wrong.
 */
export function parseNotification (body: unknown): Notification | { readonly ok: false; readonly detail: string } {
  if (!isObject(body)) return { ok: false, detail: `the body is ${kindOf(body)}, not an Alertmanager notification (a JSON object)` }
  if (body['version'] !== '4') return { ok: false, detail: `version is ${show(body['version'])}; only Alertmanager's format "4" is understood` }
  const { alerts } = body
  if (!Array.isArray(alerts)) return { ok: false, detail: `alerts is ${kindOf(alerts)}, not a list` }
  const excess = Math.max(0, alerts.length - MAX_ALERTS)
  return { ok: true, alerts: alerts.slice(0, MAX_ALERTS).map(parseReceived), truncated: readTruncated(body['truncatedAlerts']) + excess }
}

/** Reads one item of `GET /api/v2/alerts`. */
export function parseListedAlert (item: unknown): AlertResult<ListedAlert> {
  const common = readCommon(item)
  if (!common.ok) return refuse(item, common.detail)
  const status = common.value.source['status']
  const state = isObject(status) ? status['state'] : undefined
  if (state !== 'active' && state !== 'suppressed' && state !== 'unprocessed') {
    return refuse(item, `status.state is ${show(state)}, not "active", "suppressed" or "unprocessed"`)
  }
  const { fingerprint, labels, startsAtMs } = common.value
  return { ok: true, alert: { fingerprint, labels, startsAtMs, suppressed: state !== 'active' } }
}

function parseReceived (item: unknown): AlertResult<ReceivedAlert> {
  const common = readCommon(item)
  if (!common.ok) return refuse(item, common.detail)
  const { source, fingerprint, labels, startsAtMs } = common.value
  const { status } = source
  if (status !== 'firing' && status !== 'resolved') return refuse(item, `status is ${show(status)}, not "firing" or "resolved"`)
  if (status === 'firing') return { ok: true, alert: { fingerprint, labels, status, startsAtMs, endsAtMs: null } }
  const endsAt = readTime(source['endsAt'], 'endsAt')
  return endsAt.ok ? { ok: true, alert: { fingerprint, labels, status, startsAtMs, endsAtMs: endsAt.value } } : refuse(item, endsAt.detail)
}

interface Common {
  readonly source: Readonly<Record<string, unknown>>
  readonly fingerprint: string
  readonly labels: Labels
  readonly startsAtMs: EpochMs
}

function readCommon (item: unknown): Read<Common> {
  if (!isObject(item)) return { ok: false, detail: `the alert is ${kindOf(item)}, not an object` }
  const labels = readLabels(item['labels'])
  if (!labels.ok) return labels
  const startsAt = readTime(item['startsAt'], 'startsAt')
  if (!startsAt.ok) return startsAt
  const fingerprint = readFingerprint(item['fingerprint'], labels.value)
  if (!fingerprint.ok) return fingerprint
  return { ok: true, value: { source: item, fingerprint: fingerprint.value, labels: labels.value, startsAtMs: startsAt.value } }
}

function readLabels (value: unknown): Read<Labels> {
  if (!isObject(value)) return { ok: false, detail: `labels is ${kindOf(value)}, not an object` }
  const entries = Object.entries(value)
  if (entries.length === 0) return { ok: false, detail: 'the alert has no labels' }
  const bad = entries.find(([, text]) => typeof text !== 'string')
  if (bad !== undefined) return { ok: false, detail: `the label ${show(bad[0])} is ${kindOf(bad[1])}, not a text` }
  const length = entries.reduce((sum, [name, text]) => sum + name.length + (text as string).length, 0)
  if (length > MAX_LABELS_LENGTH) return { ok: false, detail: `the labels have ${length} characters, at most ${MAX_LABELS_LENGTH} are read` }
  return { ok: true, value: Object.fromEntries(entries) as Labels }
}

function readFingerprint (value: unknown, labels: Labels): Read<string> {
  if (value === undefined || value === null || value === '') return { ok: true, value: fingerprintOf(labels) }
  if (typeof value === 'string' && FINGERPRINT.test(value)) return { ok: true, value }
  return { ok: false, detail: `fingerprint is ${show(value)}, not a word of at most 128 characters` }
}

function readTime (value: unknown, name: string): Read<EpochMs> {
  const ms = typeof value === 'string' ? parseTime(value) : null
  if (ms === null) return { ok: false, detail: `${name} is ${show(value)}, not a time in RFC 3339` }
  if (ms === ZERO_TIME_MS) return { ok: false, detail: `${name} is not set` }
  return { ok: true, value: ms }
}

/** RFC 3339, cut to milliseconds; null when it isn't one. */
function parseTime (text: string): EpochMs | null {
  const [all, seconds = '', fraction = '.', sign, hours, minutes] = TIME.exec(text) ?? []
  if (all === undefined) return null
  const utc = `${seconds}${fraction.padEnd(4, '0').slice(0, 4)}Z`
  const ms = Date.parse(utc)
  // JavaScript turns 30 February into 2 March.
  if (Number.isNaN(ms) || new Date(ms).toISOString() !== utc) return null
  const offsetMinutes = Number(hours ?? 0) * 60 + Number(minutes ?? 0)
  return ms - (sign === '-' ? -1 : 1) * offsetMinutes * 60_000
}

/** An unreadable count is taken as cut off: then a resync tells the rest. */
function readTruncated (value: unknown): number {
  if (value === undefined || value === null) return 0
  return typeof value === 'number' && value >= 0 ? value : 1
}

function refuse (item: unknown, detail: string): { readonly ok: false; readonly fingerprint: string | null; readonly detail: string } {
  const fingerprint = isObject(item) ? item['fingerprint'] : undefined
  return { ok: false, fingerprint: typeof fingerprint === 'string' && FINGERPRINT.test(fingerprint) ? fingerprint : null, detail }
}

function isObject (value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function kindOf (value: unknown): string {
  if (value === undefined) return 'missing'
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  return { string: 'a text', number: 'a number', boolean: 'true or false', object: 'an object' }[typeof value as string] ?? 'unreadable'
}

/** The value as JSON, shortened: it goes into logs and replies. */
function show (value: unknown): string {
  if (value === undefined || (typeof value === 'object' && value !== null)) return kindOf(value)
  const text = JSON.stringify(value)
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}
