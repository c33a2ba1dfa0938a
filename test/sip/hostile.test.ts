/** What has killed, frozen or misled another SIP library; each on the live sockets of a client, which must go on probing. */
import { createSocket } from 'node:dgram'
import { connect, createServer, type AddressInfo } from 'node:net'
import { test, type Test } from 'tap'
import { systemClock, systemRandom } from '../../src/clock.ts'
import { DEFAULT_POLICY } from '../../src/core/judgement.ts'
import type { ProbeOutcome, SipClient, SipTarget } from '../../src/ports.ts'
import { createFakeClock } from '../../src/rehearsal/fake-clock.ts'
import { createSecret } from '../../src/secret.ts'
import { createSipClient } from '../../src/sip/client.ts'
import { encodeRequest } from '../../src/sip/codec.ts'
import { digestResponse, formatCredentials, parseChallenges } from '../../src/sip/digest.ts'
import { createStreamUas, pem, streamUri } from './fake-stream-uas.ts'
import { createFakeUas, until, type Received } from './fake-uas.ts'
import { createZone } from './fake-zone.ts'

const NEVER = new AbortController().signal

const createClient = (t: Test): SipClient => {
  const client = createSipClient({ clock: systemClock, random: systemRandom, lookUps: createZone({ 'bad.test': { fails: 'ESERVFAIL' } }) })
  t.teardown(() => client.close())
  return client
}

const probe = (client: SipClient, target: SipTarget, timeoutMs = 3000): Promise<ProbeOutcome> =>
  client.probe({ target, request: { method: 'OPTIONS' }, policy: DEFAULT_POLICY }, timeoutMs, NEVER)

const blanks = (count: number): string => ' '.repeat(count)

/** Sent before the answer, with the branch of the request where a `{head}` stands. */
const DATAGRAMS: readonly { name: string; text: string; ends: string }[] = [
  { name: 'a datagram with a Via parameter named __proto__ kills nobody', text: 'OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/UDP a;__proto__;branch=z9hG4bK1\r\nFrom: <sip:a>;tag=1\r\nTo: <sip:a>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\r\n', ends: 'alive' },
  { name: 'the same with our branch ends the probe', text: 'SIP/2.0 200 OK\r\n{head}X: __proto__\r\n\r\n', ends: 'malformed' },
  { name: 'four thousand blanks in a status line freeze nobody', text: `SIP/2.0 200${blanks(4000)}x\ny\r\n\r\n`, ends: 'alive' },
  { name: 'nor do sixty thousand', text: `SIP/2.0 200${blanks(60_000)}x\ny\r\n\r\n`, ends: 'alive' },
  { name: 'nor blanks in a To with our branch', text: `SIP/2.0 200 OK\r\n{head}To: <sip:a@b>${blanks(4000)}x\r\n\r\n`, ends: 'malformed' },
  { name: 'nor blanks in a Contact', text: `SIP/2.0 200 OK\r\n{head}Contact: <sip:a>${blanks(3000)}x\r\n\r\n`, ends: 'alive' },
  { name: 'nor a challenge without end', text: `SIP/2.0 401 No\r\n{head}WWW-Authenticate: ${'a=b,'.repeat(900)}\r\n\r\n`, ends: 'alive' },
  { name: 'a CSeq that unescapes to a line break is refused', text: 'SIP/2.0 200 OK\r\n{head}CSeq: 1 OPTIONS%0d%0aX-Evil:%20yes\r\n\r\n', ends: 'malformed' }
]

test('datagrams', async (t) => {
  for (const { name, text, ends } of DATAGRAMS) {
    const client = createClient(t)
    const uas = await createFakeUas(t, ({ request, send, reply }) => {
      const head = `Via: ${request.via[0] ?? ''}\r\nFrom: ${request.from.value}\r\nTo: ${request.to.value};tag=1\r\nCall-ID: ${request.callId}\r\nCSeq: 1 OPTIONS\r\n`
      send(Buffer.from(text.replace('{head}', head), 'latin1'))
      reply({ status: 200 })
    })
    const startedMs = performance.now()
    t.match(await probe(client, { uri: uas.uri }), { reason: ends }, name)
    t.ok(performance.now() - startedMs < 1000, `${name}: at once`)
    t.match(await probe(client, { uri: uas.uri }), { reason: ends }, `${name}: it probes on`)
  }
})

test('streams: ten thousand broken messages overflow no stack, a length that is no number is not waited for', async (t) => {
  const client = createClient(t)
  for (const text of ['x\r\n\r\n'.repeat(10_000), 'SIP/2.0 200 OK\r\nContent-Length: abc\r\n\r\n']) {
    let sent = 0
    const uas = await createStreamUas(t, null, ({ socket }) => {
      socket.write(text, () => { const more = (): void => { if (!socket.destroyed && sent < 50_000_000) { sent += 65_536; socket.write(Buffer.alloc(65_536, 97), more) } }; more() })
    })
    const before = process.memoryUsage().arrayBuffers
    t.match(await probe(client, { uri: streamUri('tcp', uas.port) }), { reason: 'malformed' })
    t.ok(process.memoryUsage().arrayBuffers - before < 30_000_000, 'nothing is piled up')
    await uas.close()
  }
})

test('a local port that is taken, and one that can\'t be, are outcomes', async (t) => {
  const client = createClient(t)
  const taken = createSocket('udp4')
  await new Promise<void>((resolve) => { taken.bind(0, '127.0.0.1', resolve) })
  t.teardown(() => { taken.close() })
  t.match(await probe(client, { uri: 'sip:127.0.0.1:9', localAddress: '127.0.0.1', localPort: taken.address().port }), { reason: 'local-error', detail: 'socket: EADDRINUSE' })
  const listening = createServer().listen(0, '127.0.0.1')
  await until(() => listening.listening)
  t.teardown(() => { listening.close() })
  t.match(await probe(client, { uri: 'sip:127.0.0.1:9;transport=tcp', localAddress: '127.0.0.1', localPort: (listening.address() as AddressInfo).port }), { reason: 'local-error', detail: 'EADDRINUSE' })
  t.match(await probe(client, { uri: 'sip:127.0.0.1:70000' }), { reason: 'local-error' })
})

test('a message that can\'t be written is an outcome, and never removes every binding', async (t) => {
  const client = createClient(t)
  for (const target of [{ uri: 'sip:127.0.0.1:9', from: 'sip:a\r\nX: 1' }, { uri: 'sip:127.0.0.1:9', headers: [['X', '']] as const }, { uri: 'sip:127.0.0.1:9', headers: [['__proto__', 'x']] as const }, { uri: 'sip:127.0.0.1:9', userAgent: '\u0141' }]) {
    t.match(await probe(client, target), { reason: 'local-error' })
  }
  const parts = { method: 'REGISTER', uri: 'sip:a', via: ['SIP/2.0/UDP a'], from: '<sip:a>', to: '<sip:a>', callId: 'c', cseq: 1 }
  t.equal(encodeRequest({ ...parts, headers: [['Contact', '']] }).ok, false, 'an empty Contact would be written as *')
})

test('a probe and the end of the client in one tick', async (t) => {
  const client = createSipClient({ clock: systemClock, random: systemRandom })
  const uas = await createFakeUas(t, ({ reply }) => { reply({ status: 200 }) })
  const probing = [probe(client, { uri: uas.uri }), probe(client, { uri: `${uas.uri};transport=tcp` }), probe(client, { uri: 'sip:127.0.0.1:9;transport=tls' })]
  const closing = client.close()
  t.same([...new Set((await Promise.all(probing)).map(({ reason, detail }) => `${reason} ${detail}`))], ['local-error cancelled'])
  await closing
})

test('every way to end has its own name', async (t) => {
  const client = createClient(t)
  const closed = await createStreamUas(t, null, () => { /* closed at once */ })
  await closed.close()
  const resetting = await createStreamUas(t, null, ({ socket }) => { socket.resetAndDestroy() })
  const distrusted = await createStreamUas(t, { cert: pem('server'), key: pem('server') }, ({ reply }) => { reply({ status: 200 }) })
  const busy = await createFakeUas(t, ({ reply }) => { reply({ status: 503, reason: 'Maintenance', headers: [['Retry-After', '9']] }) })
  const missing = await createFakeUas(t, ({ reply }) => { reply({ status: 404, reason: 'Not Found' }) })
  const cases: readonly { name: string; target: SipTarget; want: object }[] = [
    { name: 'TCP refused', target: { uri: streamUri('tcp', closed.port) }, want: { reason: 'refused', code: null } },
    { name: 'UDP refused', target: { uri: `sip:127.0.0.1:${closed.port}` }, want: { reason: 'refused', code: null } },
    { name: 'TCP reset', target: { uri: streamUri('tcp', resetting.port) }, want: { reason: 'reset', code: null } },
    { name: 'TLS not trusted', target: { uri: streamUri('tls', distrusted.port) }, want: { reason: 'tls', code: null } },
    { name: 'no name', target: { uri: 'sip:nowhere.test' }, want: { reason: 'dns', code: null } },
    { name: 'no resolver', target: { uri: 'sip:bad.test' }, want: { reason: 'dns', code: null, detail: 'NAPTR of bad.test: ESERVFAIL' } },
    { name: 'a real 503, with what it says', target: { uri: busy.uri }, want: { reason: 'bad-code', code: 503, detail: '503 Maintenance', retryAfterMs: 9000 } },
    { name: 'a real 404', target: { uri: missing.uri }, want: { reason: 'alive', code: 404 } }
  ]
  for (const { name, target, want } of cases) t.match(await probe(client, target), want, name)
})

test('a 100 and then nothing ends at the deadline, however short or long, and leaves nothing behind', async (t) => {
  const clock = createFakeClock()
  const client = createSipClient({ clock, random: systemRandom })
  const uas = await createFakeUas(t, ({ reply }: Received) => { reply({ status: 100 }) })
  for (const timeoutMs of [50, 60_000]) {
    const before = uas.requests.length
    const probing = Promise.all(Array.from({ length: 100 }, () => probe(client, { uri: uas.uri, connection: 'fresh' }, timeoutMs)))
    t.ok(await until(() => uas.requests.length === before + 100))
    await clock.settle()
    await clock.advance(timeoutMs)
    t.ok((await probing).every(({ reason, durationMs }) => reason === 'timeout' && durationMs === timeoutMs))
    t.equal(clock.pending(), 0, 'no timer')
  }
  await client.close()
})

test('an IPv6 peer is asked and heard, by address', async (t) => {
  const uas = await createFakeUas(t, ({ reply }) => { reply({ status: 200 }) }, '::1')
  t.match(await probe(createClient(t), { uri: uas.uri }), { reason: 'alive', retransmissions: 0, address: `[::1]:${uas.port}` })
  t.match(uas.requests[0]?.via[0], /^SIP\/2\.0\/UDP \[::1\]:\d+;branch=/)
})

test('a branch has 128 random bits, and nobody else can answer for the peer', async (t) => {
  const branches = new Set<string>()
  const uas = await createFakeUas(t, ({ request, encode, source, reply, count }) => {
    branches.add(/branch=z9hG4bK([0-9a-f]{32})/.exec(request.via[0] ?? '')?.[1] ?? '')
    const stranger = createSocket('udp4')
    stranger.bind(0, '127.0.0.3', () => { stranger.send(encode({ status: 486 }), source.port, source.address, () => { stranger.close(); setTimeout(() => { reply({ status: 200 }) }, count === 1 ? 50 : 0) }) })
  })
  const client = createClient(t)
  t.match(await probe(client, { uri: uas.uri }), { code: 200 })
  for (let turn = 0; turn < 50; turn++) await probe(client, { uri: uas.uri })
  t.equal(branches.size, 51)
  t.notOk(branches.has(''))
})

test('digest: each algorithm by its own hash, several challenges, odd passwords, and none of it throws', (t) => {
  const input = { username: 'u', password: '"quoted"', method: 'REGISTER', uri: 'sip:a', cnonce: 'c', nonceCount: 1 }
  const cases: readonly { name: string; values: readonly string[]; want: RegExp | null }[] = [
    { name: 'SHA-256 is no MD5 value', values: ['Digest realm="r",nonce="n",algorithm=SHA-256,qop="auth"'], want: /response="[0-9a-f]{64}"/ },
    { name: 'SHA-256 before MD5', values: ['Digest realm="r",nonce="n",algorithm=SHA-256', 'Digest realm="r",nonce="m"'], want: /response="[0-9a-f]{64}", algorithm=SHA-256/ },
    { name: 'blanks in the qop list', values: ['Digest realm="r",nonce="n",qop=" auth , auth-int"'], want: /qop=auth, nc=00000001/ },
    { name: 'MD5-sess without qop', values: ['Digest realm="r",nonce="n",algorithm=MD5-sess'], want: /cnonce="c"/ },
    { name: 'Basic first', values: ['Basic realm="r"', 'Digest realm="r",nonce="n"'], want: /^Digest / },
    { name: 'upper-case names', values: ['Digest REALM="r",NONCE="n",ALGORITHM=md5'], want: /response="[0-9a-f]{32}"/ },
    { name: 'no challenge', values: [], want: null },
    { name: 'an unreadable one', values: ['Digest realm="r, nonce=n', '=', 'Digest'], want: null }
  ]
  for (const { name, values, want } of cases) {
    const [challenge] = parseChallenges(values)
    if (want === null || challenge === undefined) t.equal(challenge ?? null, want, name)
    else t.match(formatCredentials(challenge, input), want, name)
  }
  const quoted = { ...input, algorithm: 'MD5', realm: 'r', nonce: 'n', qop: null, nc: '' } as const
  t.not(digestResponse(quoted), digestResponse({ ...quoted, password: 'quoted' }), 'quotes are part of a password')
  t.end()
})

test('a wrong password is tried once, and a peer that closes after each answer makes no noise', async (t) => {
  const client = createClient(t)
  const uas = await createFakeUas(t, ({ count, reply }) => { reply({ status: 401, headers: [['WWW-Authenticate', `Digest realm="r",nonce="n${count}",qop="auth"`]] }) })
  t.match(await client.queryBindings({ uri: uas.uri }, { username: 'u', password: createSecret('wrong') }, 2000, NEVER), { kind: 'refused', code: 401 })
  t.equal(uas.requests.length, 2)
  const closing = await createStreamUas(t, null, ({ encode, socket }) => { socket.end(encode({ status: 200 })) })
  for (let turn = 0; turn < 3; turn++) t.match(await probe(client, { uri: streamUri('tcp', closing.port), connection: 'reuse' }), { reason: 'alive' })
  t.equal(closing.connections.length, 3)
  const knock = connect(closing.port, '127.0.0.1')
  await new Promise<void>((resolve) => { knock.on('connect', () => { knock.destroy(); resolve() }) })
})
