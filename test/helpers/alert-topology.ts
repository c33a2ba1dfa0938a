/** Two trunks on two gateways, and rules that speak about them. */
import { parseMatcher } from '../../src/core/labels.ts'
import { LIMITS, TELLS_ALL } from './build-world.ts'
import type { InterfaceTopology, Rule, Topology, TrunkTopology } from '../../src/core/topology.ts'

const iface = (gateway: string, name: string): InterfaceTopology =>
  ({ key: `${gateway}/${name}`, gateway, name, sipProbe: `options sip:${gateway}`, carrierProbe: null, contact: null, capabilities: TELLS_ALL, registersWithinMs: TELLS_ALL.registersWithinMs })
const trunk = (id: string, ...interfaces: readonly InterfaceTopology[]): TrunkTopology => ({
  id, type: 'exclusive', mode: 'automatic', interfaces, failback: { policy: 'manual', window: null, drainMs: null }, emergency: false, minEnabled: 1,
  registration: { auth: 'register', onSecond: 'reject', expiresMs: 300_000, query: null, unproven: 'page', fencing: false, handover: 'separate' }
})
/** Matches critical `SipTrunkDown`; trunk and gateway by label. */
export const rule = (change: Partial<Rule['target']> = {}, rest: Partial<Rule> = {}): Rule => {
  const match = ['alertname="SipTrunkDown"', 'severity=~"critical|page"'].map((text) => {
    const parsed = parseMatcher(text)
    if (!parsed.ok) throw new Error(parsed.message)
    return parsed.matcher
  })
  return { name: 'trunk-down', match, when: null, mode: null, target: { trunk: '{trunk}', gateway: '{gateway}', interface: null, ...change }, demand: 'disable', evidence: 'probe', ...rest }
}
/** `acme` has one interface per gateway, `twin` two on pbx-a and one on pbx-b. */
export const topologyWith = (...rules: readonly Rule[]): Topology => ({
  gateways: new Map(),
  trunks: new Map([
    trunk('acme', iface('pbx-a', 'SIP1'), iface('pbx-b', 'SIP1')),
    trunk('twin', iface('pbx-a', 'SIP2'), iface('pbx-a', 'SIP3'), iface('pbx-b', 'SIP2'))
  ].map((t) => [t.id, t])),
  probes: new Map(),
  rules,
  interlocks: { ...LIMITS, warmupMs: 0, cooldownMs: 0, spacingMs: [0] },
  resyncs: true,
  canaries: [],
  watchdog: null
})
