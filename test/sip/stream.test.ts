import { createServer, type AddressInfo } from 'node:net'
import type { TlsOptions } from 'node:tls'
import { test, type Test } from 'tap'
import { systemClock, systemRandom } from '../../src/clock.ts'
import { DEFAULT_POLICY } from '../../src/core/judgement.ts'
import type { ProbeOutcome, SipClient, SipTarget, TlsSettings } from '../../src/ports.ts'
import { createFakeClock } from '../../src/rehearsal/fake-clock.ts'
import { createSecret } from '../../src/secret.ts'
import { createSipClient } from '../../src/sip/client.ts'
import { createStreamUas, pem, streamUri, type StreamReceived } from './fake-stream-uas.ts'
import { until } from './fake-uas.ts'
import { createZone } from './fake-zone.ts'

const NEVER = new AbortController().signal

const createClient = (t: Test): SipClient => {
  const client = createSipClient({ clock: systemClock, random: systemRandom, lookUps: createZone({ 'sip.test': { a: ['127.0.0.1'] }, 'other.test': { a: ['127.0.0.1'] } }) })
  t.teardown(() => client.close())
  return client
}

const options = (client: SipClient, target: SipTarget, timeoutMs = 5000): Promise<ProbeOutcome> =>
  client.probe({ target, request: { method: 'OPTIONS' }, policy: DEFAULT_POLICY }, timeoutMs, NEVER)

const ok = ({ reply }: StreamReceived): void => { reply({ status: 200, reason: 'OK' }) }

const TCP_CASES: readonly { name: string; answer: (received: StreamReceived) => void; timeoutMs?: number; want: object }[] = [
  { name: '200 is alive', answer: ok, want: { reason: 'alive', code: 200, transport: 'tcp', retransmissions: 0 } },
  { name: 'an answer octet by octet', answer: ({ encode, socket }) => { for (const octet of encode({ status: 200 })) socket.write(Buffer.of(octet)) }, want: { reason: 'alive', code: 200 } },
  { name: 'a 100 and a 200 in one piece', answer: ({ encode, socket }) => { socket.write(Buffer.concat([encode({ status: 100 }), encode({ status: 200 })])) }, want: { reason: 'alive', code: 200 } },
  { name: 'an end of the header in the body', answer: ({ encode, socket }) => { socket.write(Buffer.concat([encode({ status: 183, body: 'a\r\n\r\nSIP/2.0 600 No\r\n\r\n' }), encode({ status: 202 })])) }, want: { reason: 'alive', code: 202 } },
  { name: 'keep-alives before the answer', answer: ({ encode, socket }) => { socket.write('\r\n\r\n\r\n'); socket.write(encode({ status: 200 })) }, want: { reason: 'alive', code: 200 } },
  { name: 'no Content-Length', answer: ({ encode, socket }) => { socket.write(encode({ status: 200 }).toString().replace(/Content-Length: 0\r\n/i, '')) }, want: { reason: 'alive', code: 200 } },
  { name: 'a message for somebody else before the answer', answer: ({ encode, socket }) => { socket.write(encode({ status: 404 }).toString().replace('z9hG4bK', 'z9hG4bKx')); socket.write(encode({ status: 200 })) }, want: { reason: 'alive', code: 200 } },
  { name: 'nothing is sent twice', answer: () => { /* silent */ }, timeoutMs: 900, want: { reason: 'timeout', retransmissions: 0, detail: 'no final response in 900 ms' } },
  { name: 'the connection closed', answer: ({ socket }) => { socket.end() }, want: { reason: 'reset', detail: 'the peer closed the connection', code: null } },
  { name: 'the connection reset', answer: ({ socket }) => { socket.resetAndDestroy() }, want: { reason: 'reset', detail: /ECONNRESET|closed/ } },
  { name: 'the connection closed within the answer', answer: ({ encode, socket }) => { socket.end(encode({ status: 200 }).subarray(0, 100)) }, want: { reason: 'reset' } },
  { name: 'a Content-Length that is no number', answer: ({ encode, socket }) => { socket.write(encode({ status: 200 }).toString().replace(/Content-Length: 0/i, 'Content-Length: abc')) }, want: { reason: 'malformed', detail: 'unreadable response: wrong Content-Length' } },
  { name: 'two Content-Lengths', answer: ({ encode, socket }) => { socket.write(encode({ status: 200 }).toString().replace(/(Content-Length): 0/i, '$1: 0\r\nl: 5')) }, want: { reason: 'malformed' } },
  { name: 'an answer without end', answer: ({ socket }) => { socket.write('x'.repeat(100_000)) }, want: { reason: 'malformed', detail: 'unreadable response: no end of the header within 8192 bytes' } },
  { name: 'a body that is announced too long', answer: ({ encode, socket }) => { socket.write(encode({ status: 200 }).toString().replace(/Content-Length: 0/i, 'Content-Length: 99999')) }, want: { reason: 'malformed', detail: 'unreadable response: longer than 8192 bytes' } },
  { name: 'ten thousand messages that are none', answer: ({ socket }) => { socket.write('x\r\n\r\n'.repeat(10_000)) }, want: { reason: 'malformed', detail: /^unreadable response: too many messages (that are no answer|at once)$/ } }
]

test('how a probe over TCP ends', async (t) => {
  const client = createClient(t)
  for (const { name, answer, timeoutMs, want } of TCP_CASES) {
    const uas = await createStreamUas(t, null, answer)
    t.match(await options(client, { uri: streamUri('tcp', uas.port) }, timeoutMs), want, name)
    await uas.close()
  }
})

test('a request over TCP names its transport, and the phases are told', async (t) => {
  const uas = await createStreamUas(t, null, ok, '::1')
  const outcome = await options(createClient(t), { uri: streamUri('tcp', uas.port, '::1') })
  t.match(outcome, { reason: 'alive', address: `[::1]:${uas.port}`, certificateExpiresAtMs: null, phases: { resolveMs: null, connectMs: Number, tlsMs: null, firstResponseMs: Number } })
  t.match(uas.requests[0]?.via[0], /^SIP\/2\.0\/TCP \[::1\]:\d+;branch=z9hG4bK[0-9a-f]{32};rport$/)
  t.match(uas.requests[0]?.headers.get('contact')?.[0], /^<sip:pointsman@\[::1\]:\d+;transport=tcp>$/)
  t.ok(outcome.addresses.length === 1)
})

test('what fails before the first octet', async (t) => {
  const client = createClient(t)
  const uas = await createStreamUas(t, null, ok)
  await uas.close()
  t.match(await options(client, { uri: streamUri('tcp', uas.port) }), { reason: 'refused', detail: 'ECONNREFUSED', code: null })
  t.match(await options(client, { uri: streamUri('tcp', 9), localAddress: '192.0.2.77' }), { reason: 'local-error', detail: 'EADDRNOTAVAIL' })
  const mute = createServer()
  await new Promise<void>((resolve) => { mute.listen(0, '127.0.0.1', resolve) })
  t.teardown(() => { mute.close() })
  mute.on('connection', (socket) => { t.teardown(() => { socket.destroy() }) })
  const { port } = mute.address() as AddressInfo
  t.match(await options(client, { uri: streamUri('tls', port) }, 300), { reason: 'timeout', detail: 'no TLS handshake in 300 ms', phases: { connectMs: Number, tlsMs: null } })
})

test('a fresh connection for each probe, or one that is kept', async (t) => {
  const client = createClient(t)
  const uas = await createStreamUas(t, null, ok)
  const uri = streamUri('tcp', uas.port)
  await options(client, { uri })
  await options(client, { uri })
  t.equal(uas.connections.length, 2, 'fresh by default')
  const first = await options(client, { uri, connection: 'reuse' })
  const second = await options(client, { uri, connection: 'reuse' })
  t.equal(uas.connections.length, 3)
  t.ok(first.phases.connectMs !== null && second.phases.connectMs === null)
  uas.connections[2]?.destroy()
  t.ok(await until(() => uas.connections[2]?.destroyed === true))
  t.match(await options(client, { uri, connection: 'reuse' }), { reason: 'alive', retransmissions: 0 }, 'closed by the peer between two probes: made anew')
  t.equal(uas.connections.length, 4)
})

test('a kept connection that dies under the request is made anew, once', async (t) => {
  const client = createClient(t)
  const uas = await createStreamUas(t, null, (received) => { if (received.connection <= 2 && received.count > 1) received.socket.destroy(); else ok(received) })
  const target: SipTarget = { uri: streamUri('tcp', uas.port), connection: 'reuse' }
  t.match(await options(client, target), { reason: 'alive' })
  t.match(await options(client, target), { reason: 'reset' }, 'the second connection died, too')
  t.match(await options(client, target), { reason: 'alive' })
  t.equal(uas.connections.length, 3)
})

test('a kept connection is kept alive by CRLF CRLF, and answers the peer\'s', async (t) => {
  const clock = createFakeClock()
  const client = createSipClient({ clock, random: systemRandom })
  t.teardown(() => client.close())
  let came = ''
  const uas = await createStreamUas(t, null, ok)
  t.match(await options(client, { uri: streamUri('tcp', uas.port), connection: 'reuse' }), { reason: 'alive' })
  uas.connections[0]?.on('data', (chunk: Buffer) => { came += chunk.toString() })
  uas.connections[0]?.write('\r\n\r\n')
  t.ok(await until(() => came === '\r\n'), 'one CRLF back')
  await clock.advance(90_000)
  t.ok(await until(() => uas.pings() === 1), 'after 90 s without anything')
  await clock.advance(600_000)
  t.ok(await until(() => uas.connections[0]?.destroyed === true), 'nobody used it for ten minutes')
  t.equal(clock.pending(), 0)
})

const server = (name: 'server' | 'expired' | 'domain', more: TlsOptions = {}): TlsOptions => ({ cert: pem(name), key: pem(name), ...more })
const ca = pem('issuer')

const TLS_CASES: readonly { name: string; serves: TlsOptions; host?: string; tls?: TlsSettings; want: object }[] = [
  { name: 'a known issuer and the right name', serves: server('server'), host: 'sip.test', tls: { ca }, want: { reason: 'alive', certificateExpiresAtMs: Date.UTC(2099, 0, 1), phases: { connectMs: Number, tlsMs: Number } } },
  { name: 'a known issuer and the right address', serves: server('server'), tls: { ca }, want: { reason: 'alive' } },
  { name: 'an issuer that is not trusted', serves: server('server'), host: 'sip.test', want: { reason: 'tls', code: null, detail: /^the certificate is not accepted: UNABLE_TO/, certificateExpiresAtMs: Date.UTC(2099, 0, 1) } },
  { name: 'another name', serves: server('server'), host: 'other.test', tls: { ca }, want: { reason: 'tls', detail: 'the certificate is not accepted: ERR_TLS_CERT_ALTNAME_INVALID' } },
  { name: 'another name, by the settings', serves: server('server'), host: 'other.test', tls: { ca, serverName: 'sip.test' }, want: { reason: 'alive' } },
  { name: 'a certificate for the SIP domain (RFC 5922)', serves: server('domain'), host: 'sip.test', tls: { ca }, want: { reason: 'alive' } },
  { name: 'a certificate for another SIP domain', serves: server('domain'), host: 'other.test', tls: { ca }, want: { reason: 'tls' } },
  { name: 'an expired certificate: its end is told', serves: server('expired'), host: 'sip.test', tls: { ca }, want: { reason: 'tls', detail: 'the certificate is not accepted: CERT_HAS_EXPIRED', certificateExpiresAtMs: Date.UTC(2021, 0, 1) } },
  { name: 'an expired certificate, not checked by will', serves: server('expired'), tls: { insecure: true }, want: { reason: 'alive' } },
  { name: 'a client certificate is wanted and given', serves: server('server', { requestCert: true, rejectUnauthorized: true, ca }), tls: { ca, certificate: pem('client'), key: createSecret(pem('client')) }, want: { reason: 'alive' } },
  { name: 'a client certificate is wanted and missing', serves: server('server', { requestCert: true, rejectUnauthorized: true, ca }), tls: { ca }, want: { reason: /^(tls|reset)$/ } },
  { name: 'a peer without the least version', serves: server('server', { maxVersion: 'TLSv1.2' }), tls: { ca, minVersion: 'TLSv1.3' }, want: { reason: 'tls', detail: /^ERR_SSL/ } },
  { name: 'a key that is none', serves: server('server'), tls: { ca, certificate: pem('client'), key: createSecret('canary') }, want: { reason: 'tls', detail: /^ERR_OSSL/ } }
]

test('how a probe over TLS ends', async (t) => {
  const client = createClient(t)
  for (const { name, serves, host, tls, want } of TLS_CASES) {
    const uas = await createStreamUas(t, serves, ok)
    const outcome = await options(client, { uri: streamUri('tls', uas.port, host), ...tls === undefined ? {} : { tls } })
    t.match(outcome, want, name)
    t.equal(outcome.reason === 'alive', uas.requests.length === 1, `${name}: nothing is sent to a peer that is not trusted`)
    t.notMatch(JSON.stringify(outcome), /canary|PRIVATE/, `${name}: no secret`)
    await uas.close()
  }
})

test('the name is asked for (SNI), an address never is', async (t) => {
  const asked: string[] = []
  const client = createClient(t)
  const uas = await createStreamUas(t, { ...server('server'), SNICallback: (name, done) => { asked.push(name); done(null) } }, ok)
  t.match(await options(client, { uri: streamUri('tls', uas.port, 'sip.test'), tls: { ca } }), { reason: 'alive' })
  t.match(await options(client, { uri: streamUri('tls', uas.port), tls: { ca } }), { reason: 'alive' })
  t.same(asked, ['sip.test'])
  t.match(uas.requests[0]?.via[0], /^SIP\/2\.0\/TLS /)
})

test('a TLS port that speaks something else', async (t) => {
  const client = createClient(t)
  const odd = createServer((socket) => { socket.on('error', () => { /* gone */ }); socket.end('HTTP/1.1 400 Bad Request\r\n\r\n') })
  await new Promise<void>((resolve) => { odd.listen(0, '127.0.0.1', resolve) })
  t.teardown(() => { odd.close() })
  t.match(await options(client, { uri: streamUri('tls', (odd.address() as AddressInfo).port), tls: { ca } }), { reason: 'tls', detail: /^ERR_SSL|EPROTO/ })
})

test('abort and close end a probe over a stream at once', async (t) => {
  const client = createClient(t)
  const uas = await createStreamUas(t, null, () => { /* silent */ })
  const probing = options(client, { uri: streamUri('tcp', uas.port) }, 60_000)
  t.ok(await until(() => uas.requests.length === 1))
  await client.close()
  t.match(await probing, { reason: 'local-error', detail: 'cancelled' })
  t.ok(await until(() => uas.connections[0]?.destroyed === true))
})
