/** A status with one healthy trunk on two gateways; the given parts replace whole fields. */
import type { EvidenceStatus, InterfaceStatus, ProbeStatus, Status, TrunkStatus } from '../../src/core/status.ts'

export const AT_MS = 1_700_000_000_000

const evidence = (kind: EvidenceStatus['kind'], verdict: EvidenceStatus['verdict'] = 'up'): EvidenceStatus => ({ kind, verdict, reason: 'alive', atMs: AT_MS })

export function buildInterface (gateway: string, parts: Partial<InterfaceStatus> = {}): InterfaceStatus {
  return {
    key: `${gateway}/SIP1`,
    gateway,
    name: 'SIP1',
    enabled: false,
    desired: false,
    health: 'up',
    usable: true,
    because: [],
    takeoverMs: null, registered: null,
    unreachable: false,
    debt: false,
    evidence: [evidence('sip'), evidence('driver'), evidence('path', 'unknown'), evidence('carrier')],
    ...parts
  }
}

export function buildTrunk (parts: Partial<TrunkStatus> = {}): TrunkStatus {
  return {
    id: 'acme',
    type: 'exclusive',
    mode: 'automatic',
    carrying: 'yes',
    sentence: 'carries calls on pbx-a/SIP1',
    release: null,
    active: 'pbx-a/SIP1',
    wanted: 'pbx-a/SIP1',
    emergency: true,
    carrierDown: false,
    interfaces: [buildInterface('pbx-a', { enabled: true, desired: true, registered: true }), buildInterface('pbx-b')],
    switchover: null,
    proposal: null,
    pin: null,
    latch: null,
    vetoes: [],
    waits: [],
    binding: { verdict: 'held', holder: 'pbx-a/SIP1', atMs: AT_MS, expiresAtMs: AT_MS + 300_000, contacts: 1 },
    alerts: [],
    ...parts
  }
}

export function buildProbe (parts: Partial<ProbeStatus> = {}): ProbeStatus {
  return {
    id: 'options sip:10.0.1.10', verdict: 'up', reason: 'alive', code: 200, durationMs: 12, lastAtMs: AT_MS, aliveAtMs: AT_MS, degraded: null, retransmissions: 0,
    phases: { resolveMs: null, connectMs: null, tlsMs: null, firstResponseMs: 11 }, addresses: 1, addressesAlive: 1,
    certificateExpiresAtMs: null, registrationExpiresAtMs: null, bindings: null,
    ...parts
  }
}

export function buildStatus (parts: Partial<Status> = {}): Status {
  return {
    version: '1.2.3',
    atMs: AT_MS,
    mode: 'automatic',
    storeProblem: null,
    pauses: [],
    brake: null,
    panicSinceMs: null,
    watchdog: null,
    trunks: [buildTrunk()],
    gateways: ['pbx-a', 'pbx-b'].map((id) => ({ id, driver: 'innovaphone', answers: 'up', lastAnswerAtMs: AT_MS, reason: null, condition: null })),
    probes: [buildProbe()],
    probing: { targets: 1, inFlight: 0, overdueMs: 0 },
    resyncedAtMs: AT_MS,
    alerts: 0,
    ...parts
  }
}
