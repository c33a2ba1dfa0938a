import { createSocket } from 'node:dgram'
import { test, type Test } from 'tap'
import { systemClock, systemRandom } from '../../src/clock.ts'
import { DEFAULT_POLICY } from '../../src/core/judgement.ts'
import type { BindingAnswer } from '../../src/core/binding.ts'
import type { ProbeOutcome, Secret, SipClient, SipTarget } from '../../src/ports.ts'
import { createSipClient } from '../../src/sip/client.ts'
import { formatChallenge, isPasswordProven, parseCredentials, type DigestAlgorithm } from '../../src/sip/digest.ts'
import { createFakeClock } from '../../src/rehearsal/fake-clock.ts'
import { networkReason } from '../../src/sip/conversation.ts'
import { createFakeUas, until, type Received } from './fake-uas.ts'
import { createZone, type Entry } from './fake-zone.ts'

/** Shorter than the first retransmission, long enough for a busy machine. */
const SILENT_MS = 450
const NEVER = new AbortController().signal
const secret = (text: string): Secret => ({ reveal: () => text, toString: () => '<secret>', toJSON: () => '<secret>' })
const CREDENTIALS = { username: '4930123', password: secret('canary-secret') }

const createClient = (t: Test, zone: Record<string, Entry> = {}): SipClient => {
  const client = createSipClient({ clock: systemClock, random: systemRandom, lookUps: createZone(zone) })
  t.teardown(() => client.close())
  return client
}

const options = (client: SipClient, target: SipTarget, timeoutMs: number, signal: AbortSignal): Promise<ProbeOutcome> =>
  client.probe({ target, request: { method: 'OPTIONS' }, policy: DEFAULT_POLICY }, timeoutMs, signal)

/** A datagram from somewhere else. */
const sendFrom = (address: string, bytes: Uint8Array, to: { readonly port: number; readonly address: string }): void => {
  const socket = createSocket('udp4')
  socket.bind(0, address, () => { socket.send(bytes, to.port, to.address, () => { socket.close() }) })
}

const OPTIONS_CASES: readonly { name: string; address?: string; answer: (received: Received) => void; want: Partial<Record<keyof ProbeOutcome, unknown>> }[] = [
  { name: '200 is alive', answer: ({ reply }) => { reply({ status: 200, reason: 'OK' }) }, want: { reason: 'alive', code: 200, detail: '200 OK', retransmissions: 0 } },
  { name: '404 is alive', answer: ({ reply }) => { reply({ status: 404 }) }, want: { reason: 'alive', code: 404 } },
  { name: '401 is alive', answer: ({ reply }) => { reply({ status: 401 }) }, want: { reason: 'alive', code: 401 } },
  { name: '603 is alive', answer: ({ reply }) => { reply({ status: 603 }) }, want: { reason: 'alive', code: 603 } },
  ...[408, 500, 503, 504].map((status) => ({ name: `a real ${status} is a bad code, with its phrase`, answer: ({ reply }: Received) => { reply({ status, reason: 'Busy Here', headers: [['Retry-After', '5']] }) }, want: { reason: 'bad-code', code: status, detail: `${status} Busy Here` } })),
  { name: 'silence is a timeout', answer: () => { /* dropped */ }, want: { reason: 'timeout', code: null, detail: 'no final response in 450 ms' } },
  { name: '100 and then silence is a timeout', answer: ({ reply }) => { reply({ status: 100 }) }, want: { reason: 'timeout', code: null, detail: 'no final response in 450 ms, only 100' } },
  { name: '100 and then 200 is alive', answer: ({ reply }) => { reply({ status: 100 }); reply({ status: 200 }) }, want: { reason: 'alive', code: 200 } },
  { name: 'a late answer is a timeout', answer: ({ reply }) => { setTimeout(() => { reply({ status: 200 }) }, 700) }, want: { reason: 'timeout' } },
  { name: 'a delayed answer counts', answer: ({ reply }) => { setTimeout(() => { reply({ status: 200 }) }, 50) }, want: { reason: 'alive' } },
  { name: 'repeated answers count once', answer: ({ reply }) => { for (let turn = 0; turn < 5; turn++) reply({ status: 200 + turn }) }, want: { reason: 'alive', code: 200 } },
  { name: 'noise is no answer', answer: ({ send }) => { send('\0\xff noise'); send(''); send('SIP/2.0 200 OK\r\n\r\n') }, want: { reason: 'timeout', detail: 'no final response in 450 ms, 3 messages that were no answer' } },
  { name: 'another branch is no answer', answer: ({ send, encode }) => { send(encode({ status: 200 }).toString().replace(/branch=z9hG4bK./, 'branch=z9hG4bKx')) }, want: { reason: 'timeout' } },
  { name: 'noise before the answer doesn\'t hurt', answer: ({ send, reply }) => { send('noise'); reply({ status: 200 }) }, want: { reason: 'alive' } },
  { name: 'another source address is dropped', answer: ({ encode, source }) => { sendFrom('127.0.0.2', encode({ status: 200 }), source) }, want: { reason: 'timeout' } },
  { name: 'another source port is dropped', answer: ({ encode, source }) => { sendFrom('127.0.0.1', encode({ status: 200 }), source) }, want: { reason: 'timeout' } },
  { name: 'our branch on an unreadable message is malformed', answer: ({ send, encode }) => { send(encode({ status: 200 }).toString().replace('Call-ID', 'Call ID')) }, want: { reason: 'malformed', detail: 'unreadable response: a line is no header field' } },
  { name: 'our branch with another Call-ID is malformed', answer: ({ send, encode }) => { send(encode({ status: 200 }).toString().replace('Call-ID: ', 'Call-ID: x')) }, want: { reason: 'malformed' } },
  { name: 'our branch with another CSeq is malformed', answer: ({ send, encode }) => { send(encode({ status: 200 }).toString().replace('1 OPTIONS', '1 INVITE')) }, want: { reason: 'malformed' } },
  { name: 'two Vias are malformed (RFC 3261 §8.1.3.3)', answer: ({ send, encode }) => { send(encode({ status: 200 }).toString().replace('\r\nFrom', '\r\nVia: SIP/2.0/UDP x\r\nFrom')) }, want: { reason: 'malformed' } },
  { name: 'our own request coming back is malformed', answer: ({ request, send }) => { send(`OPTIONS sip:x SIP/2.0\r\nVia: ${request.via[0] ?? ''}\r\nFrom: ${request.from.value}\r\nTo: ${request.to.value}\r\nCall-ID: ${request.callId}\r\nCSeq: 1 OPTIONS\r\n\r\n`) }, want: { reason: 'malformed', detail: 'unreadable response: a request came back' } },
  { name: 'IPv6', address: '::1', answer: ({ reply }) => { reply({ status: 200 }) }, want: { reason: 'alive', code: 200 } }
]

test('how an OPTIONS probe ends', async (t) => {
  const client = createClient(t)
  await Promise.all(OPTIONS_CASES.map(async ({ name, address, answer, want }) => {
    const uas = await createFakeUas(t, answer, address)
    t.match(await options(client, { uri: uas.uri }, want.reason === 'timeout' ? SILENT_MS : 10_000, NEVER), want, name)
  }))
})

test('an OPTIONS request is complete, unguessable and without our secrets', async (t) => {
  const client = createClient(t)
  const uas = await createFakeUas(t, ({ reply }) => { reply({ status: 200 }) })
  const outcome = await options(client, { uri: uas.uri, localAddress: '127.0.0.3' }, 1000, NEVER)
  t.ok(outcome.durationMs > 0 && outcome.durationMs < 1000)
  const [request] = uas.requests
  t.match(request?.via[0], /^SIP\/2\.0\/UDP 127\.0\.0\.3:\d+;branch=z9hG4bK[0-9a-f]{32};rport$/)
  t.match(request, { method: 'OPTIONS', uri: uas.uri, to: { uri: uas.uri, tag: null }, cseq: { number: 1, method: 'OPTIONS' } })
  t.match(request?.from.value, /^<sip:pointsman@127\.0\.0\.3:\d+>;tag=[0-9a-f]{16}$/)
  for (const name of ['max-forwards', 'contact', 'user-agent', 'accept']) t.ok(request?.headers.has(name), name)
  await options(client, { uri: uas.uri, aor: 'sip:probe@acme.example' }, 1000, NEVER)
  t.match(uas.requests[1], { from: { uri: 'sip:probe@acme.example' }, to: { uri: 'sip:probe@acme.example' } })
})

const closedPort = async (address: string): Promise<number> => {
  const socket = createSocket('udp4')
  await new Promise<void>((resolve) => { socket.bind(0, address, resolve) })
  const { port } = socket.address()
  await new Promise<void>((resolve) => { socket.close(resolve) })
  return port
}

const LOCAL_CASES: readonly { name: string; uri: string; localAddress?: string; zone?: Record<string, Entry>; want: { readonly reason: string; readonly detail?: string | RegExp } }[] = [
  { name: 'a transport that nobody has', uri: 'sip:127.0.0.1;transport=sctp', want: { reason: 'local-error', detail: 'transport sctp is not supported, only udp, tcp and tls' } },
  { name: 'no SIP URI', uri: 'tel:+49301', want: { reason: 'local-error', detail: 'the target is no SIP URI' } },
  { name: 'a port above 65535', uri: 'sip:127.0.0.1:70000', want: { reason: 'local-error', detail: 'the target is no SIP URI' } },
  { name: 'a line break in the target', uri: 'sip:127.0.0.1\r\nX:1', want: { reason: 'local-error' } },
  { name: 'a character above Latin-1 in the target', uri: 'sip:\u0141@127.0.0.1:9', want: { reason: 'local-error', detail: /can't be written/ } },
  { name: 'a local address that isn\'t ours', uri: 'sip:127.0.0.1:9', localAddress: '192.0.2.77', want: { reason: 'local-error', detail: 'socket: EADDRNOTAVAIL' } },
  { name: 'families that don\'t fit', uri: 'sip:[::1]:9', localAddress: '127.0.0.1', want: { reason: 'local-error', detail: /^socket: E/ } },
  { name: 'a name that doesn\'t exist', uri: 'sip:gone.example', want: { reason: 'dns', detail: 'gone.example: ENOTFOUND' } },
  { name: 'a resolver that is silent', uri: 'sip:slow.example', zone: { 'slow.example': { silent: true } }, want: { reason: 'dns', detail: 'no answer of the resolver for slow.example' } }
]

test('what fails on this side or before the peer', async (t) => {
  for (const { name, uri, localAddress, zone, want } of LOCAL_CASES) {
    const outcome = await options(createClient(t, zone), { uri, ...localAddress === undefined ? {} : { localAddress } }, 100, NEVER)
    t.match(outcome, { ...want, code: null }, name)
  }
  t.same(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'EPERM', 'EMSGSIZE'].map(networkReason), ['refused', 'unreachable', 'unreachable', 'local-error', 'local-error'])
})

test('a closed port is refused at once, and the next probe starts afresh', async (t) => {
  const client = createClient(t)
  const port = await closedPort('127.0.0.1')
  const refused = await options(client, { uri: `sip:127.0.0.1:${port}` }, 2000, NEVER)
  t.match(refused, { reason: 'refused', detail: 'ECONNREFUSED', code: null })
  t.ok(refused.durationMs < 1000)
  t.match(await options(client, { uri: `sip:127.0.0.1:${port}` }, 2000, NEVER), { reason: 'refused' })
})

test('a name is resolved to the family of the local address', async (t) => {
  const zone = createZone({ 'gw.example': { a: ['127.0.0.1'], ttl: 0 } })
  const client = createSipClient({ clock: systemClock, random: systemRandom, lookUps: zone })
  t.teardown(() => client.close())
  const uas = await createFakeUas(t, ({ reply }) => { reply({ status: 200 }) })
  t.match(await options(client, { uri: `sip:gw.example:${uas.port}`, localAddress: '127.0.0.1' }, 1000, NEVER), { reason: 'alive' })
  t.match(await options(client, { uri: `sip:gw.example:${uas.port}` }, 1000, NEVER), { reason: 'alive' })
  t.same(zone.asked, ['A gw.example', 'AAAA gw.example'], 'the second look-up of A is the first one, kept')
  t.equal(uas.requests[0]?.uri, `sip:gw.example:${uas.port}`)
})

test('abort and close end a probe at once', async (t) => {
  const uas = await createFakeUas(t, () => { /* silent */ })
  const client = createClient(t)
  const aborting = new AbortController()
  const aborted = options(client, { uri: uas.uri }, 60_000, aborting.signal)
  const closed = options(client, { uri: uas.uri }, 60_000, NEVER)
  const query = client.queryBindings({ uri: uas.uri }, CREDENTIALS, 60_000, NEVER)
  t.ok(await until(() => uas.requests.length === 3))
  aborting.abort()
  t.match(await aborted, { reason: 'local-error', detail: 'cancelled' })
  await client.close()
  t.match(await closed, { reason: 'local-error', detail: 'cancelled' })
  t.match(await query, { kind: 'failed', reason: 'local-error' })
  t.match(await options(client, { uri: 'sip:late.example' }, 60_000, NEVER), { reason: 'local-error', detail: 'cancelled' })
})

test('five hundred probes of one peer at once, each with its own branch', async (t) => {
  const uas = await createFakeUas(t, ({ reply }) => { reply({ status: 200 }) })
  const client = createClient(t)
  const outcomes = await Promise.all(Array.from({ length: 500 }, () => options(client, { uri: uas.uri }, 10_000, NEVER)))
  t.same([...new Set(outcomes.map(({ reason }) => reason))], ['alive'])
  t.ok(new Set(uas.requests.map(({ via }) => via[0])).size >= 500)
})

test('retransmissions: 500 ms doubled up to 4 s, and every 4 s after a 1xx', async (t) => {
  const cases = [
    { name: 'silence', answer: () => { /* dropped */ }, wantMs: [0, 500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500] },
    { name: '100 to the second one', answer: ({ count, reply }: Received) => { if (count === 2) reply({ status: 100 }) }, wantMs: [0, 500, 1500, 5500, 9500, 13_500, 17_500, 21_500, 25_500, 29_500] }
  ]
  for (const { name, answer, wantMs } of cases) {
    const clock = createFakeClock()
    const arrivedMs: number[] = []
    const uas = await createFakeUas(t, (received) => { arrivedMs.push(clock.monotonicMs()); answer(received) })
    const client = createSipClient({ clock, random: systemRandom })
    const ending = options(client, { uri: uas.uri }, 32_000, NEVER)
    t.ok(await until(() => arrivedMs.length === 1))
    for (const [index, atMs] of wantMs.entries()) {
      if (index === 0) continue
      await clock.advance(atMs - clock.monotonicMs())
      t.ok(await until(() => arrivedMs.length === index + 1))
    }
    await clock.advance(32_000 - clock.monotonicMs())
    t.match(await ending, { reason: 'timeout', retransmissions: wantMs.length - 1, durationMs: 32_000 }, name)
    t.same(arrivedMs, wantMs, name)
    t.equal(clock.pending(), 0, 'no timer is left')
    await client.close()
  }
})

test('an answer to a retransmission says how many there were', async (t) => {
  const clock = createFakeClock()
  const uas = await createFakeUas(t, ({ count, reply }) => { if (count === 2) reply({ status: 200 }) })
  const client = createSipClient({ clock, random: systemRandom })
  t.teardown(() => client.close())
  const ending = options(client, { uri: uas.uri }, 2000, NEVER)
  t.ok(await until(() => uas.requests.length === 1))
  await clock.advance(500)
  t.match(await ending, { reason: 'alive', retransmissions: 1 })
})

// ---- Binding queries -----------------------------------------------------------------------------------------------

const CHALLENGE = (algorithm: DigestAlgorithm, nonce: string, isStale = false): string => formatChallenge({ realm: 'acme', nonce, algorithm, stale: isStale })

/** Whether the request proves the password for this nonce. */
const isProven = ({ request }: Received, nonce: string, header = 'authorization'): boolean => {
  const credentials = parseCredentials(request.headers.get(header)?.[0] ?? '')
  return credentials?.nonce === nonce && credentials.uri === request.uri && isPasswordProven(credentials, { username: '4930123', password: 'canary-secret' }, 'REGISTER')
}

/** A registrar that challenges with these lines until the password is proven, then lists one Contact. */
const challenging = (lines: readonly string[], nonce: string) => (received: Received): void => {
  if (isProven(received, nonce)) received.reply({ status: 200, headers: [['Contact', '<sip:4930123@10.0.1.10:5060>;expires=99']] })
  else received.reply({ status: 401, headers: lines.map((line) => ['WWW-Authenticate', line] as const) })
}

const QUERY_CASES: readonly { name: string; answer: (received: Received) => void; requests?: number; timeoutMs?: number; want: BindingAnswer | object }[] = [
  { name: 'no Contact is an empty list', answer: ({ reply }) => { reply({ status: 200 }) }, requests: 1, want: { kind: 'listed', contacts: [] } },
  { name: 'many Contacts in several lines', answer: ({ reply }) => { reply({ status: 200, headers: [['Contact', Array.from({ length: 20 }, (_, index) => `<sip:u@10.0.0.${index}>;expires=${index}`).join(', ')], ['m', '<sip:v@[::1]:5070>;q=1'], ['Expires', '30']] }) }, requests: 1, want: { kind: 'listed', contacts: { 19: { hostPort: '10.0.0.19:5060', expiresSeconds: 19 }, 20: { user: 'v', hostPort: '[::1]:5070', instance: null, expiresSeconds: 30 } } } },
  ...(['MD5', 'MD5-sess', 'SHA-256', 'SHA-256-sess', 'SHA-512-256', 'SHA-512-256-sess'] as const).map((algorithm) => ({ name: algorithm, answer: challenging([CHALLENGE(algorithm, 'n')], 'n'), requests: 2, want: { kind: 'listed', contacts: [{ hostPort: '10.0.1.10:5060', user: '4930123', expiresSeconds: 99 }] } })),
  { name: 'the old form without qop', answer: challenging(['Digest realm="acme", nonce="n"'], 'n'), requests: 2, want: { kind: 'listed' } },
  { name: 'the registrar\'s first challenge is answered (RFC 8760 §2.4)', answer: challenging([CHALLENGE('SHA-512-256', 'first'), CHALLENGE('SHA-256', 'second'), CHALLENGE('MD5', 'third')], 'first'), requests: 2, want: { kind: 'listed' } },
  { name: 'a challenge that we don\'t know is passed over', answer: challenging(['Digest realm="acme",nonce="n",algorithm=AKAv2-MD5', CHALLENGE('SHA-256', 'second')], 'second'), requests: 2, want: { kind: 'listed' } },
  { name: 'a challenge we can\'t answer', answer: ({ reply }) => { reply({ status: 401, headers: [['WWW-Authenticate', 'Digest realm="a",nonce="n",algorithm=AKAv2-MD5']] }) }, requests: 1, want: { kind: 'unsupported', code: 401, retryAfterMs: null } },
  { name: 'no challenge at all', answer: ({ reply }) => { reply({ status: 401 }) }, requests: 1, want: { kind: 'unsupported', code: 401 } },
  { name: 'the wrong password stops at the second 401', answer: ({ count, reply }) => { reply({ status: 401, headers: [['WWW-Authenticate', CHALLENGE('MD5', `n${count}`)]] }) }, requests: 2, want: { kind: 'refused', code: 401 } },
  { name: 'a second 401 without a challenge is a refusal', answer: ({ count, reply }) => { reply({ status: 401, headers: count === 1 ? [['WWW-Authenticate', CHALLENGE('MD5', 'n')]] : [] }) }, requests: 2, want: { kind: 'refused', code: 401 } },
  { name: 'stale=true gives another try', answer: (received) => { challenging([CHALLENGE('SHA-256', received.count === 1 ? 'old' : 'new', received.count === 2)], 'new')(received) }, requests: 3, want: { kind: 'listed' } },
  { name: 'stale=true for ever is bounded', answer: ({ count, reply }) => { reply({ status: 401, headers: [['WWW-Authenticate', CHALLENGE('MD5', `n${count}`, true)]] }) }, requests: 4, want: { kind: 'failed', reason: 'auth-failed' } },
  { name: 'a proxy asks with 407', answer: (received) => { if (isProven(received, 'p', 'proxy-authorization')) received.reply({ status: 200 }); else received.reply({ status: 407, headers: [['Proxy-Authenticate', CHALLENGE('MD5', 'p')]] }) }, requests: 2, want: { kind: 'listed' } },
  {
    name: 'a proxy and then the registrar: the proxy\'s nonce is counted',
    answer: (received) => {
      if (!isProven(received, 'p', 'proxy-authorization')) received.reply({ status: 407, headers: [['Proxy-Authenticate', CHALLENGE('MD5', 'p')]] })
      else if (!isProven(received, 'n')) received.reply({ status: 401, headers: [['WWW-Authenticate', CHALLENGE('MD5', 'n')]] })
      else received.reply({ status: parseCredentials(received.request.headers.get('proxy-authorization')?.[0] ?? '')?.nc === '00000002' ? 200 : 500 })
    },
    requests: 3, want: { kind: 'listed' }
  },
  { name: '403 is a refusal', answer: ({ reply }) => { reply({ status: 403 }) }, requests: 1, want: { kind: 'refused', code: 403 } },
  { name: '403 to the credentials is a refusal', answer: (received) => { if (received.count === 1) challenging([CHALLENGE('MD5', 'n')], 'n')(received); else received.reply({ status: 403 }) }, requests: 2, want: { kind: 'refused', code: 403 } },
  { name: '405 is unsupported', answer: ({ reply }) => { reply({ status: 405 }) }, requests: 1, want: { kind: 'unsupported', code: 405, retryAfterMs: null } },
  { name: '503 with Retry-After', answer: ({ reply }) => { reply({ status: 503, headers: [['Retry-After', '120 (maintenance)']] }) }, requests: 1, want: { kind: 'unsupported', code: 503, retryAfterMs: 120_000 } },
  { name: 'silence', answer: () => { /* dropped */ }, timeoutMs: 200, want: { kind: 'failed', reason: 'timeout' } },
  { name: 'silence after the credentials', answer: (received) => { if (received.count === 1) challenging([CHALLENGE('MD5', 'n')], 'n')(received) }, requests: 2, timeoutMs: 400, want: { kind: 'failed', reason: 'timeout' } },
  { name: 'a Contact that can\'t be read', answer: ({ reply }) => { reply({ status: 200, headers: [['Contact', '<sip:a@b>, "open <sip:c@d>']] }) }, requests: 1, want: { kind: 'failed', reason: 'malformed' } }
]

test('how a binding query ends', async (t) => {
  const client = createClient(t)
  await Promise.all(QUERY_CASES.map(async ({ name, answer, requests, timeoutMs, want }) => {
    const uas = await createFakeUas(t, answer)
    const got = await client.queryBindings({ uri: uas.uri, aor: 'sip:4930123@acme.example' }, CREDENTIALS, timeoutMs ?? 10_000, NEVER)
    t.match(got, want, name)
    t.notMatch(JSON.stringify(got), /canary/, 'no secret')
    if (requests !== undefined) t.equal(uas.requests.length, requests, `${name}: requests`)
    for (const [index, request] of uas.requests.entries()) {
      t.match(request, { method: 'REGISTER', uri: uas.uri, from: { uri: 'sip:4930123@acme.example' }, to: { uri: 'sip:4930123@acme.example' }, callId: uas.requests[0]?.callId })
      t.equal(request.headers.has('contact') || request.headers.has('expires'), false, 'it changes nothing')
      t.equal(request.cseq.number, index + 1)
    }
  }))
})

test('a query without an aor names the account at the registrar, escaped', async (t) => {
  const client = createClient(t)
  const uas = await createFakeUas(t, ({ reply }) => { reply({ status: 200 }) })
  await client.queryBindings({ uri: uas.uri }, { username: 'a b@c', password: secret('x') }, 1000, NEVER)
  t.match(uas.requests[0], { to: { uri: 'sip:a%20b%40c@127.0.0.1' } })
  t.match(await client.queryBindings({ uri: 'sip:x;transport=sctp' }, CREDENTIALS, 1000, NEVER), { kind: 'failed', reason: 'local-error' })
})
