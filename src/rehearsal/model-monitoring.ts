/**
 * Prometheus and Alertmanager as a model: one alert per interface that Pointsman's own status shows enabled and down
 * (deploy/prometheus/rules), posted to Pointsman and listed for its resync.
 */
import { fingerprintOf } from '../core/fingerprint.ts'
import type { Status } from '../core/status.ts'
import type { AlertmanagerClient, Clock } from '../ports.ts'

/** What is posted to and read from Pointsman. */
export interface Subject {
  status(): Status
  /** False: it must be sent again. */
  receive(body: unknown): Promise<boolean>
}

export interface ModelMonitoring {
  /** Scrapes, evaluates and posts what is due; null: Pointsman does not run. */
  tick(subject: Subject | null): void
  readonly client: AlertmanagerClient
  /** It stands still and forgets nothing. */
  setAlertmanagerAlive (alive: boolean): void
  /** Cut off, Alertmanager hears nothing and resolves its alerts after a while; Prometheus keeps their start. */
  setPrometheusAlive (alive: boolean): void
  /** Somebody's own alert about a gateway, from a rule of theirs. */
  setForeign (gateway: string, alertname: string, fires: boolean): void
  /** An alert with these labels, from any rule. */
  setAlert (labels: Readonly<Record<string, string>>, fires: boolean): void
  /** Posts the last body once more; `late`: the one before it. */
  repeat(subject: Subject, late?: boolean): void
  /** What it was about to send gets lost on the way. */
  lose(): void
}

/** Scrape and evaluation interval together until an alert fires, then group_wait; resolving takes as long. [ms] */
const EVERY_MS = 5000
const DELIVERY_MS = 5000
/** Prometheus gives each alert an end four resend delays ahead. [ms] */
const RESOLVE_MS = 240_000
const REPEAT_MS = 300_000
const WATCHDOG = 'watchdog'
const WATCHDOG_MS = 60_000

interface Alert {
  readonly labels: Readonly<Record<string, string>>
  readonly startsAtMs: number
  readonly heardAtMs: number
  readonly sentAtMs: number | null
  readonly resolvedAtMs: number | null
}
interface Post { readonly dueMs: number; readonly body: unknown; readonly key: string }

const iso = (ms: number): string => new Date(ms).toISOString()

function bodyOf (key: string, alert: Alert): unknown {
  const status = alert.resolvedAtMs === null ? 'firing' : 'resolved'
  const endsAt = alert.resolvedAtMs === null ? '0001-01-01T00:00:00Z' : iso(alert.resolvedAtMs)
  const one = { status, labels: alert.labels, annotations: {}, startsAt: iso(alert.startsAtMs), endsAt, generatorURL: '', fingerprint: fingerprintOf(alert.labels) }
  return { version: '4', groupKey: key, truncatedAlerts: 0, status, receiver: 'pointsman', groupLabels: {}, commonLabels: alert.labels, commonAnnotations: {}, externalURL: '', alerts: [one] }
}

export interface MonitoringOptions {
  /** The alert rules of deploy/prometheus are loaded. */
  readonly shipped: boolean
  /** Labels of an alert that always fires and is sent every minute; null: there is none. */
  readonly watchdog: Readonly<Record<string, string>> | null
}

export function createModelMonitoring (clock: Clock, { shipped, watchdog }: MonitoringOptions = { shipped: true, watchdog: null }): ModelMonitoring {
  /** Active in Prometheus since. */
  const active = new Map<string, { readonly labels: Readonly<Record<string, string>>; readonly sinceMs: number }>()
  const held = new Map<string, Alert>()
  const foreign = new Map<string, Readonly<Record<string, string>>>()
  let posts: Post[] = []
  let lastBody: unknown = null
  let bodyBefore: unknown = null
  let evaluatedMs = clock.now() - EVERY_MS
  let alertmanagerAlive = true
  let prometheusAlive = true

  const post = (key: string, alert: Alert, nowMs: number): void => {
    posts = [...posts.filter((other) => other.key !== key), { key, dueMs: nowMs + DELIVERY_MS, body: bodyOf(key, alert) }]
  }
  const evaluate = (subject: Subject | null, nowMs: number): void => {
    const seen = new Set<string>()
    for (const trunk of shipped ? subject?.status().trunks ?? [] : []) {
      for (const { key, gateway, name, enabled, health } of trunk.interfaces) {
        if (health !== 'down' || enabled !== true) continue
        seen.add(key)
        const labels = { alertname: 'SipTrunkDown', severity: 'critical', trunk: trunk.id, gateway, interface: name }
        if (!active.has(key)) active.set(key, { labels, sinceMs: nowMs })
      }
    }
    if (watchdog !== null) {
      seen.add(WATCHDOG)
      if (!active.has(WATCHDOG)) active.set(WATCHDOG, { labels: watchdog, sinceMs: nowMs })
    }
    for (const [key, labels] of foreign) {
      seen.add(key)
      if (!active.has(key)) active.set(key, { labels, sinceMs: nowMs })
    }
    for (const key of active.keys()) if (!seen.has(key)) active.delete(key)
  }
  const hear = (nowMs: number): void => {
    for (const [key, { labels, sinceMs }] of active) {
      const before = held.get(key)
      const fires = before === undefined || before.resolvedAtMs !== null
      const alert: Alert = { labels, startsAtMs: sinceMs, heardAtMs: nowMs, sentAtMs: fires ? nowMs : before.sentAtMs, resolvedAtMs: null }
      const repeats = !fires && key !== WATCHDOG && nowMs - (before.sentAtMs ?? 0) >= REPEAT_MS
      held.set(key, repeats ? { ...alert, sentAtMs: nowMs } : alert)
      if (fires || repeats) post(key, alert, nowMs)
    }
  }
  /** Alertmanager repeats what it holds, whether Prometheus lives or not. */
  const repeatWatchdog = (nowMs: number): void => {
    const alert = held.get(WATCHDOG)
    if (alert === undefined || alert.resolvedAtMs !== null || nowMs - (alert.sentAtMs ?? 0) < WATCHDOG_MS) return
    const sent = { ...alert, sentAtMs: nowMs }
    held.set(WATCHDOG, sent)
    post(WATCHDOG, sent, nowMs)
  }
  const resolve = (nowMs: number): void => {
    for (const [key, alert] of held) {
      if (alert.resolvedAtMs !== null || (prometheusAlive ? active.has(key) : nowMs - alert.heardAtMs < RESOLVE_MS)) continue
      const resolved = { ...alert, resolvedAtMs: nowMs }
      held.set(key, resolved)
      post(key, resolved, nowMs)
    }
  }
  const deliver = (subject: Subject | null, nowMs: number): void => {
    const due = posts.filter((one) => one.dueMs <= nowMs)
    posts = posts.filter((one) => one.dueMs > nowMs)
    for (const one of due) {
      const again = (): void => { posts.push({ ...one, dueMs: clock.now() + DELIVERY_MS }) }
      if (subject === null) { again(); continue }
      bodyBefore = lastBody
      lastBody = one.body
      void subject.receive(one.body).then((ok) => { if (!ok) again() })
    }
  }

  return {
    tick: (subject) => {
      const nowMs = clock.now()
      if (nowMs - evaluatedMs >= EVERY_MS && prometheusAlive) {
        evaluatedMs = nowMs
        evaluate(subject, nowMs)
      }
      if (!alertmanagerAlive) return
      if (prometheusAlive) hear(nowMs)
      repeatWatchdog(nowMs)
      resolve(nowMs)
      deliver(subject, nowMs)
    },
    client: {
      alerts: async (signal) => {
        if (!alertmanagerAlive) {
          if (!signal.aborted) await clock.sleep(3_600_000, signal)
          return { ok: false, detail: 'no answer' }
        }
        const firing = [...held].filter(([, alert]) => alert.resolvedAtMs === null)
        return { ok: true, alerts: firing.map(([, alert]) => ({ fingerprint: fingerprintOf(alert.labels), labels: alert.labels, startsAt: iso(alert.startsAtMs), endsAt: iso(alert.heardAtMs + RESOLVE_MS), status: { state: 'active', silencedBy: [], inhibitedBy: [] } })) }
      }
    },
    setAlertmanagerAlive: (alive) => { alertmanagerAlive = alive },
    setPrometheusAlive: (alive) => { prometheusAlive = alive },
    setForeign: (gateway, alertname, fires) => {
      const key = `${alertname} ${gateway}`
      if (fires) foreign.set(key, { alertname, severity: 'critical', trunk: 'acme', gateway })
      else foreign.delete(key)
    },
    setAlert: (labels, fires) => {
      const key = `alert ${fingerprintOf(labels)}`
      if (fires) foreign.set(key, labels)
      else foreign.delete(key)
    },
    repeat: (subject, late = false) => {
      const body = late ? bodyBefore : lastBody
      if (body !== null) void subject.receive(body)
    },
    lose: () => { posts = [] }
  }
}
