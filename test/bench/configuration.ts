/** Pointsman's configuration for the bench, and the notification for one trunk. */
import { apiUsers, writeSecret } from '../lab/pointsman.ts'
import type { Stage } from '../lab/processes.ts'
import { ALERTMANAGER_IP, CARRIER_IP, CURL_SINK_IP, HTTP_PORT, placeOf } from './world.ts'

/** What is the same for all trunks and gateways; every interval, count and interlock keeps its default. */
export const SHAPE = {
  mode: 'automatic',
  gateway: { driver: 'innovaphone', username: 'pointsman' },
  probe: { method: 'OPTIONS', local_address: '127.0.32.9' },
  trunk: { type: 'exclusive', registration: { auth: 'register', on_second: 'replace', expires: '300s' } },
  // Each pair of gateways is an incident of its own here; nothing else of the interlocks is changed.
  interlocks: { brake: { incidents: 1000, per_day: 10_000 } },
  rule: { name: 'trunk-down', match: ['alertname="SipTrunkDown"'], target: { trunk: '{trunk}', gateway: '{gateway}' }, demand: 'disable', evidence: 'probe' }
} as const

const gatewayName = (side: 'a' | 'b', pair: number): string => `pbx-${side}-${pair}`

export const configuration = (stage: Stage, trunks: number): Record<string, unknown> => {
  const places = Array.from({ length: trunks }, (_, index) => placeOf(index))
  const password_file = writeSecret(stage, 'pbx', 'bench')
  const gateways = places.flatMap(({ pair, aIp, bIp }) => ([['a', aIp], ['b', bIp]] as const).map(([side, ip]) => [
    gatewayName(side, pair), { ...SHAPE.gateway, url: `http://${ip}:${HTTP_PORT}`, password_file }
  ] as const))
  const interfaceOf = (side: 'a' | 'b', pair: number, ip: string, name: string): object => ({
    gateway: gatewayName(side, pair), interface: name, sip: `sip:${ip}`, contact: `${ip}:5060`, carrier: `sip:${CARRIER_IP}`, probe: 'options'
  })
  return {
    mode: SHAPE.mode,
    web: { users: apiUsers(stage) },
    alertmanagers: [{ url: `http://${ALERTMANAGER_IP}:${HTTP_PORT}` }],
    gateways: Object.fromEntries(gateways),
    probes: { options: SHAPE.probe },
    trunks: Object.fromEntries(places.map(({ trunk, pair, interfaceName, aIp, bIp }) => [trunk, {
      ...SHAPE.trunk,
      registration: { ...SHAPE.trunk.registration, aor: `sip:${trunk}@bench.test`, registrar: `sip:${CARRIER_IP}` },
      interfaces: [interfaceOf('a', pair, aIp, interfaceName), interfaceOf('b', pair, bIp, interfaceName)]
    }])),
    rules: [SHAPE.rule],
    interlocks: SHAPE.interlocks
  }
}

export interface Alert {
  readonly status: 'firing'
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly startsAt: string
  readonly endsAt: string
  readonly generatorURL: string
  readonly fingerprint: string
}

/** The alert about gateway A of a trunk; its annotation tells the other responders what to call. */
export const alertFor = (index: number, sink = CURL_SINK_IP): Alert => {
  const { trunk, pair, interfaceName } = placeOf(index)
  return {
    status: 'firing',
    labels: { alertname: 'SipTrunkDown', trunk, gateway: gatewayName('a', pair), interface: interfaceName, severity: 'critical' },
    annotations: { disable: `http://${sink}:${HTTP_PORT}/${trunk}` },
    startsAt: new Date().toISOString(),
    endsAt: '0001-01-01T00:00:00Z',
    generatorURL: 'http://prometheus.bench:9090/graph',
    fingerprint: (index + 1).toString(16).padStart(16, '0')
  }
}

/** Alertmanager's body for one alert. */
export const notificationFor = (alert: Alert): object => ({
  version: '4',
  groupKey: `{}/{alertname=~"SipTrunk.+"}:{alertname="SipTrunkDown", gateway="${alert.labels.gateway}", trunk="${alert.labels.trunk}"}`,
  truncatedAlerts: 0,
  status: 'firing',
  receiver: 'pointsman',
  groupLabels: { alertname: 'SipTrunkDown', gateway: alert.labels.gateway, trunk: alert.labels.trunk },
  commonLabels: alert.labels,
  commonAnnotations: alert.annotations,
  externalURL: 'http://alertmanager.bench:9093',
  alerts: [alert]
})
