/** The SIP client against servers that others wrote: Kamailio over every transport, and SIPp with the manners of bad peers. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock, systemRandom } from '../../src/clock.ts'
import { ALIVE_PRESETS, DEFAULT_POLICY, type AlivePolicy } from '../../src/core/judgement.ts'
import type { ProbeOutcome, SipClient, SipCredentials, SipProbe, SipTarget } from '../../src/ports.ts'
import { createSecret } from '../../src/secret.ts'
import { createSipClient } from '../../src/sip/client.ts'
import { REALM, startRegistrar } from './kamailio.ts'
import type { Stage } from './processes.ts'
import type { Report } from './report.ts'
import { sleep, until } from './wait.ts'

const PASSWORD = 'password-of-the-prober'
const REGISTRARS = [{ ip: '127.0.26.1', algorithm: '', name: 'MD5' }, { ip: '127.0.26.2', algorithm: 'SHA-256', name: 'SHA-256' }] as const
const TRANSPORTS = ['udp', 'tcp', 'tls'] as const
const POLICY: AlivePolicy = { ...DEFAULT_POLICY, alive: ALIVE_PRESETS['2xx'] }
const FIXTURES = join(import.meta.dirname, '../fixtures/tls')

const never = new AbortController().signal
const credentials = (username: string, password = PASSWORD): SipCredentials => ({ username, password: createSecret(password) })

const show = ({ reason, code, durationMs, detail }: ProbeOutcome): string => `${reason}, ${code ?? 'no code'}, ${durationMs.toFixed(0)} ms: ${detail}`

const probe = (client: SipClient, parts: Pick<SipProbe, 'target' | 'request'>, timeoutMs = 2000): Promise<ProbeOutcome> => client.probe({ policy: POLICY, ...parts }, timeoutMs, never)

/** OPTIONS, query and binding at Kamailio. */
const checkRegistrars = async (report: Report, client: SipClient, stage: Stage): Promise<void> => {
  const folder = stage.folder('tls')
  const pem = readFileSync(join(FIXTURES, 'server.pem'), 'latin1')
  const file = join(folder, 'server.pem')
  writeFileSync(file, pem)
  await Promise.all(REGISTRARS.map(({ ip, algorithm }) => startRegistrar(stage, { ip, algorithm, password: PASSWORD, certificate: file })))
  const tls = { ca: readFileSync(join(FIXTURES, 'issuer.pem'), 'latin1'), serverName: 'sip.test' }
  for (const { ip, name } of REGISTRARS) {
    for (const transport of TRANSPORTS) {
      const at = (user: string): SipTarget => ({ uri: `sip:${ip}`, transport, aor: `sip:${user}@${REALM}`, ...transport === 'tls' ? { tls } : {} })
      const what = `Kamailio, ${name}, ${transport}`
      const options = await probe(client, { target: at('anybody'), request: { method: 'OPTIONS' } })
      const isTimed = (options.phases.connectMs !== null) === (transport !== 'udp') && (options.certificateExpiresAtMs !== null) === (transport === 'tls')
      report.check(options.reason === 'alive' && options.code === 200 && isTimed, `${what}: OPTIONS (${show(options)})`)
      const account = credentials(`holder-${transport}`)
      const bind: SipProbe = { target: at(account.username), request: { method: 'REGISTER', operation: 'bind', credentials: account, expiresSeconds: 30 }, policy: POLICY }
      const bound = await client.probe(bind, 3000, never)
      report.check(bound.reason === 'alive' && bound.bindings === 1 && (bound.registrationExpiresMs ?? 0) > 50_000, `${what}: bound, with the lifetime that its 423 asked for (${bound.registrationExpiresMs} ms; ${show(bound)})`)
      const asked = await client.queryBindings(at(account.username), credentials(account.username), 2000, never)
      report.check(asked.kind === 'listed' && asked.contacts.length === 1, `${what}: the query lists the binding`)
      await client.release(bind)
      const after = await client.queryBindings(at(account.username), credentials(account.username), 2000, never)
      report.check(after.kind === 'listed' && after.contacts.length === 0, `${what}: un-bound`)
    }
    const proxied = await probe(client, { target: { uri: `sip:${ip}`, aor: `sip:proxied@${REALM}` }, request: { method: 'REGISTER', operation: 'query', credentials: credentials('proxied') } })
    report.check(proxied.reason === 'alive', `Kamailio, ${name}: a proxy's 407 (${show(proxied)})`)
    const wrong = credentials('holder-udp', 'wrong')
    const target = { uri: `sip:${ip}`, aor: `sip:holder-udp@${REALM}` }
    const refused = await probe(client, { target, request: { method: 'REGISTER', operation: 'query', credentials: wrong } })
    const held = await probe(client, { target, request: { method: 'REGISTER', operation: 'query', credentials: wrong } })
    report.check(refused.reason === 'auth-failed' && held.reason === 'held-back', `Kamailio, ${name}: a wrong password is sent once (${refused.reason}, then ${held.reason})`)
  }
  const distrusted = await probe(client, { target: { uri: `sip:${REGISTRARS[0].ip}`, transport: 'tls', tls: { ca: tls.ca } }, request: { method: 'OPTIONS' } })
  report.check(distrusted.reason === 'tls' && distrusted.certificateExpiresAtMs !== null, `a certificate for another name (${show(distrusted)})`)
}

const PEERS: readonly { readonly scenario: string; readonly ip: string; readonly name: string; readonly policy?: Partial<AlivePolicy>; readonly timeoutMs?: number; readonly isRight: (outcome: ProbeOutcome) => boolean }[] = [
  { scenario: 'silence', ip: '127.0.27.1', name: 'silence', timeoutMs: 1700, isRight: ({ reason, retransmissions }) => reason === 'timeout' && retransmissions === 2 },
  { scenario: 'trying', ip: '127.0.27.2', name: '100, then silence', timeoutMs: 1700, isRight: ({ reason, detail }) => reason === 'timeout' && detail.includes('only 100') },
  { scenario: 'unavailable', ip: '127.0.27.3', name: '503 with Retry-After', isRight: ({ reason, code, retryAfterMs }) => reason === 'bad-code' && code === 503 && retryAfterMs === 7000 },
  { scenario: 'unavailable', ip: '127.0.27.4', name: '503 with Retry-After, busy by will', policy: { busy: true }, isRight: ({ reason, degraded }) => reason === 'busy' && degraded === 'busy' },
  { scenario: 'slow', ip: '127.0.27.5', name: 'slow', policy: { slowMs: 100 }, isRight: ({ reason, degraded, durationMs }) => reason === 'alive' && degraded === 'slow' && durationMs >= 290 },
  { scenario: 'duplicate', ip: '127.0.27.6', name: 'the answer three times', isRight: ({ reason, code }) => reason === 'alive' && code === 200 },
  { scenario: 'wrong-branch', ip: '127.0.27.7', name: 'an answer for somebody else first', isRight: ({ reason, code }) => reason === 'alive' && code === 200 },
  { scenario: 'slow', ip: '::1', name: 'IPv6', isRight: ({ reason, address }) => reason === 'alive' && address === '[::1]:5060' }
]

/** SIPp as a peer of each kind. */
const checkPeers = async (report: Report, client: SipClient, stage: Stage): Promise<void> => {
  await Promise.all(PEERS.map(({ scenario, ip }) => stage.start({
    name: `uas-${scenario}-${ip.replaceAll(':', '')}`, command: 'sipp', cwd: stage.folder('sipp'),
    args: ['-sf', join(import.meta.dirname, 'sipp', `uas-${scenario}.xml`), '-i', ip.includes(':') ? `[${ip}]` : ip, '-p', '5060', '-nostdin', '-nd']
  })))
  await Promise.all(PEERS.map(async ({ ip, name, policy, timeoutMs, isRight }) => {
    const target = { uri: `sip:${ip.includes(':') ? `[${ip}]` : ip}` }
    const once = (): Promise<ProbeOutcome> => client.probe({ target, request: { method: 'OPTIONS' }, policy: { ...DEFAULT_POLICY, ...policy } }, timeoutMs ?? 2000, never)
    // SIPp opens its port a moment after its start.
    await until(`SIPp at ${ip}`, async () => { const { reason } = await once(); return reason !== 'refused' }, 5000, 100)
    // What came twice or late belongs to the probe before.
    await sleep(100)
    const outcome = await once()
    report.check(isRight(outcome), `SIPp, ${name} (${show(outcome)})`)
  }))
}

export const checkProber = async (report: Report, stage: Stage): Promise<void> => {
  report.section('Prober: Kamailio over UDP, TCP and TLS; SIPp with bad manners')
  /** Algorithms of the credentials that were sent, by registrar. */
  const algorithms = new Map<string, Set<string>>()
  const client = createSipClient({
    clock: systemClock, random: systemRandom,
    trace: (direction, { remote }, bytes) => {
      const text = Buffer.from(bytes).toString('latin1')
      if (direction === 'received' || !/^(?:Proxy-)?Authorization:/mi.test(text)) return
      const algorithm = /algorithm=([\w-]+)/.exec(text)?.[1] ?? 'MD5'
      algorithms.set(remote.address, new Set([...algorithms.get(remote.address) ?? [], algorithm]))
    }
  })
  try {
    await Promise.all([checkRegistrars(report, client, stage), checkPeers(report, client, stage)])
    for (const { ip, name } of REGISTRARS) report.check([...algorithms.get(ip) ?? []].join() === name, `Kamailio, ${name}: every answer to a challenge was by ${name}`)
  } finally {
    await client.close()
  }
}
