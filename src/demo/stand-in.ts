/**
 * Stands in for Prometheus and Alertmanager where they aren't installed: looks at Pointsman's status, applies the one rule
 * SipTrunkDown of deploy/prometheus/rules, posts Alertmanager's webhook format, and answers `GET /api/v2/alerts`.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { fingerprintOf } from '../core/fingerprint.ts'
import type { TrunkStatus } from '../core/status.ts'
import type { EpochMs } from '../core/topology.ts'
import type { Clock } from '../ports.ts'
import type { Address } from './addresses.ts'
import type { PointsmanClient } from './pointsman-client.ts'

export interface StandIn {
  stop(): Promise<void>
}

/** An alert as the stand-in keeps it. */
export interface HeldAlert {
  readonly labels: Readonly<Record<string, string>>
  readonly startsAtMs: EpochMs
  /** null: it fires. */
  readonly endsAtMs: EpochMs | null
  /** Pointsman took its present state. */
  readonly delivered: boolean
}

/** How often the status is looked at, as the demo's Prometheus scrapes and evaluates. */
export const LOOK_MS = 500

/** The alerts after one look: by the expression of SipTrunkDown, an interface that is enabled and down. */
export function evaluate (before: readonly HeldAlert[], trunks: readonly TrunkStatus[], instance: string, nowMs: EpochMs): readonly HeldAlert[] {
  const firing = trunks.flatMap((trunk) => trunk.interfaces.filter((iface) => iface.enabled === true && iface.health === 'down').map((iface) => ({
    alertname: 'SipTrunkDown', gateway: iface.gateway, instance, interface: iface.name, job: 'pointsman', severity: 'critical', state: 'down', trunk: trunk.id
  })))
  const names = new Set(firing.map(fingerprintOf))
  const kept = before.filter((alert) => alert.endsAtMs === null || !alert.delivered).map((alert): HeldAlert =>
    alert.endsAtMs === null && !names.has(fingerprintOf(alert.labels)) ? { ...alert, endsAtMs: nowMs, delivered: false } : alert)
  const known = new Set(kept.filter((alert) => alert.endsAtMs === null).map((alert) => fingerprintOf(alert.labels)))
  const fresh = firing.filter((labels) => !known.has(fingerprintOf(labels))).map((labels): HeldAlert => ({ labels, startsAtMs: nowMs, endsAtMs: null, delivered: false }))
  return [...kept, ...fresh]
}

/** Alertmanager's webhook body, version 4, with one alert. */
export function notification (alert: HeldAlert): object {
  const status = alert.endsAtMs === null ? 'firing' : 'resolved'
  const { alertname = '', trunk = '', gateway = '' } = alert.labels
  return {
    version: '4',
    groupKey: `{}:{alertname="${alertname}", gateway="${gateway}", trunk="${trunk}"}`,
    truncatedAlerts: 0,
    status,
    receiver: 'pointsman',
    groupLabels: { alertname, gateway, trunk },
    commonLabels: alert.labels,
    commonAnnotations: {},
    externalURL: '',
    alerts: [{
      status,
      labels: alert.labels,
      annotations: {},
      startsAt: new Date(alert.startsAtMs).toISOString(),
      endsAt: alert.endsAtMs === null ? '0001-01-01T00:00:00Z' : new Date(alert.endsAtMs).toISOString(),
      generatorURL: '',
      fingerprint: fingerprintOf(alert.labels)
    }]
  }
}

/** An alert as `GET /api/v2/alerts` lists it. */
function listed (alert: HeldAlert): object {
  return {
    labels: alert.labels,
    annotations: {},
    fingerprint: fingerprintOf(alert.labels),
    startsAt: new Date(alert.startsAtMs).toISOString(),
    status: { state: 'active', silencedBy: [], inhibitedBy: [] }
  }
}

/** Serves Alertmanager's address at once; begins to look when Pointsman answers. */
export async function startStandIn (address: Address, instance: string, client: PointsmanClient, clock: Clock): Promise<StandIn> {
  const stopping = new AbortController()
  let alerts: readonly HeldAlert[] = []

  const server = createServer((request, response) => {
    const isList = request.url?.startsWith('/api/v2/alerts') === true
    response.writeHead(isList ? 200 : 404, { 'content-type': 'application/json' })
    response.end(JSON.stringify(isList ? alerts.filter((alert) => alert.endsAtMs === null).map(listed) : { message: 'the demo stands in for Alertmanager and knows only /api/v2/alerts' }))
  })
  server.listen(address.port, address.host)
  await once(server, 'listening')

  const look = async (): Promise<void> => {
    const { trunks } = await client.status()
    alerts = evaluate(alerts, trunks, instance, clock.now())
    const sent = await Promise.all(alerts.map(async (alert) => alert.delivered || await client.notify(notification(alert))))
    alerts = alerts.map((alert, index) => ({ ...alert, delivered: sent[index] === true }))
  }
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      // Pointsman is not there yet, or no more: the next look tells.
      await look().catch(() => undefined)
      await clock.sleep(LOOK_MS, stopping.signal)
    }
  }
  const running = run()
  return {
    stop: async () => {
      stopping.abort()
      await running
      server.closeAllConnections()
      server.close()
    }
  }
}
