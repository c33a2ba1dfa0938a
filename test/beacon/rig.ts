/** A beacon on loopback, with everything that a test turns and looks at. */
import { createSocket } from 'node:dgram'
import type { Test } from 'tap'
import { createStations } from '../../src/beacon/stations.ts'
import type { BeaconStations } from '../../src/beacon/stations.ts'
import { systemClock, systemRandom as random } from '../../src/clock.ts'
import { DEFAULT_POLICY } from '../../src/core/judgement.ts'
import type { BeaconSettings, BeaconStation, Clock, Log, ProbeOutcome, SipProbe } from '../../src/ports.ts'
import { createSecret } from '../../src/secret.ts'
import { createSipClient } from '../../src/sip/client.ts'

export const SETTINGS: BeaconSettings = {
  listen: [{ transport: 'udp', host: '127.0.0.1', port: 0 }, { transport: 'tcp', host: '127.0.0.1', port: 0 }],
  realm: 'beta.example', username: '4930999', password: createSecret('canary-standby'), algorithms: ['MD5', 'SHA-256'], expiresMs: 60_000, hasSecond: false, refusal: 'answer'
}

export interface Rig {
  readonly stations: BeaconStations
  readonly station: BeaconStation
  readonly counts: Map<string, number>
  readonly logged: object[]
  port (transport?: 'udp' | 'tcp'): number
  /** REGISTERs (and refreshes) as the standby does. */
  register (more?: { readonly transport?: 'udp' | 'tcp'; readonly password?: string; readonly timeoutMs?: number }): Promise<ProbeOutcome>
  options (transport?: 'udp' | 'tcp'): Promise<ProbeOutcome>
  /** Sends the datagrams from one port; returns what came back within `waitMs`. */
  send (datagrams: readonly (string | Buffer)[], waitMs?: number, from?: { readonly host?: string; readonly answersTo?: number }): Promise<readonly string[]>
}

/** @param settings - null: it is not configured yet */
export async function beaconRig (t: Test, settings: Partial<BeaconSettings> | null = {}, { refuses = false, clock = systemClock }: { readonly refuses?: boolean; readonly clock?: Clock } = {}): Promise<Rig> {
  const counts = new Map<string, number>()
  const logged: object[] = []
  const note = (fields: object, message: string): void => { logged.push({ ...fields, message }) }
  const log: Log = { debug: note, info: note, warn: note, error: note, child: () => log }
  const metrics = { increment: (_: string, labels: Readonly<Record<string, string>> = {}) => { counts.set(labels['result'] ?? '', (counts.get(labels['result'] ?? '') ?? 0) + 1) }, observe: () => {} }
  const stations = createStations({ clock, random, metrics, log })
  const station = stations.of('east')
  const end = settings === null ? null : station.configure({ ...SETTINGS, ...settings })
  await stations.start(new Set(refuses ? ['east'] : []))
  const sip = createSipClient({ clock: systemClock, random })
  t.teardown(async () => { await sip.close(); await end?.() })
  const port = (transport: 'udp' | 'tcp' = 'udp'): number => station.addresses().find((at) => at.transport === transport)?.port ?? 0
  const target = (transport: 'udp' | 'tcp') => ({ uri: `sip:127.0.0.1:${port(transport)}`, transport, aor: 'sip:4930999@beta.example' })
  /** The same one each time: a refresh keeps its Contact. */
  const standbys = new Map<string, SipProbe>()
  const standby = (transport: 'udp' | 'tcp', password: string): SipProbe => {
    const known = standbys.get(`${transport} ${password}`)
    if (known !== undefined) return known
    const made: SipProbe = { target: target(transport), policy: DEFAULT_POLICY, request: { method: 'REGISTER', operation: 'bind', expiresSeconds: 300, credentials: { username: '4930999', password: createSecret(password) } } }
    standbys.set(`${transport} ${password}`, made)
    return made
  }
  return {
    stations, station, counts, logged, port,
    register: ({ transport = 'udp', password = 'canary-standby', timeoutMs = 1_000 } = {}) => sip.probe(standby(transport, password), timeoutMs, new AbortController().signal),
    options: (transport = 'udp') => sip.probe({ target: target(transport), policy: DEFAULT_POLICY, request: { method: 'OPTIONS' } }, 1_000, new AbortController().signal),
    send: async (datagrams, waitMs = 150, { host = '127.0.0.1', answersTo } = {}) => {
      const [socket, other] = [createSocket('udp4'), createSocket('udp4')]
      const received: string[] = []
      socket.on('message', (bytes) => { received.push(bytes.toString('latin1')) })
      other.on('message', (bytes) => { received.push(`elsewhere ${bytes.toString('latin1')}`) })
      await new Promise<void>((resolve) => { socket.bind(0, host, resolve) })
      if (answersTo !== undefined) await new Promise<void>((resolve) => { other.bind(answersTo, host, resolve) })
      const own = socket.address().port
      for (const datagram of datagrams) socket.send(typeof datagram === 'string' ? datagram.replaceAll('@PORT@', String(own)) : datagram, port(), '127.0.0.1')
      await new Promise((resolve) => { setTimeout(resolve, waitMs) })
      await Promise.all([socket, ...answersTo === undefined ? [] : [other]].map((each) => new Promise<void>((resolve) => { each.close(resolve) })))
      return received
    }
  }
}

let sequence = 0

/** One request as text. */
export function request (method: string, { via = '127.0.0.1:@PORT@;rport', headers = '', branch = `z9hG4bK${++sequence}` }: { readonly via?: string; readonly headers?: string; readonly branch?: string } = {}): string {
  return `${method} sip:beta.example SIP/2.0\r\nVia: SIP/2.0/UDP ${via};branch=${branch}\r\nMax-Forwards: 70\r\nFrom: <sip:4930999@beta.example>;tag=1\r\nTo: <sip:4930999@beta.example>\r\n` +
    `Call-ID: call-${branch}\r\nCSeq: 1 ${method}\r\n${headers}Content-Length: 0\r\n\r\n`
}
