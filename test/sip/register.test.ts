import { test, type Test } from 'tap'
import { systemClock, systemRandom } from '../../src/clock.ts'
import { ALIVE_PRESETS, DEFAULT_POLICY, type AlivePolicy } from '../../src/core/judgement.ts'
import type { ProbeOutcome, SipClient, SipCredentials, SipProbe } from '../../src/ports.ts'
import { createFakeClock } from '../../src/rehearsal/fake-clock.ts'
import { createSecret } from '../../src/secret.ts'
import { createSipClient } from '../../src/sip/client.ts'
import { formatChallenge, isPasswordProven, parseCredentials, type DigestAlgorithm, type Qop } from '../../src/sip/digest.ts'
import { createFakeUas, until, type FakeUas, type Received } from './fake-uas.ts'

const NEVER = new AbortController().signal
const POLICY: AlivePolicy = { ...DEFAULT_POLICY, alive: ALIVE_PRESETS['2xx'] }
const account = (password = 'canary-secret'): SipCredentials => ({ username: 'tester', password: createSecret(password) })

const createClient = (t: Test): SipClient => {
  const client = createSipClient({ clock: systemClock, random: systemRandom })
  t.teardown(() => client.close())
  return client
}

const bind = (uas: FakeUas, credentials = account(), expiresSeconds = 60): SipProbe =>
  ({ target: { uri: uas.uri, aor: 'sip:tester@acme.test' }, request: { method: 'REGISTER', operation: 'bind', credentials, expiresSeconds }, policy: POLICY })
const query = (uas: FakeUas, credentials = account()): SipProbe =>
  ({ target: { uri: uas.uri, aor: 'sip:tester@acme.test' }, request: { method: 'REGISTER', operation: 'query', credentials }, policy: POLICY })
const run = (client: SipClient, probe: SipProbe): Promise<ProbeOutcome> => client.probe(probe, 5000, NEVER)

interface Registrar {
  readonly uas: FakeUas
  /** Contact URI → lifetime [s], as bound. */
  readonly bindings: Map<string, number>
  /** `CSeq method credentials nc` of each request. */
  readonly log: string[]
}

interface Habits {
  readonly challenge?: string
  readonly asker?: 401 | 407
  readonly leastSeconds?: number
  readonly info?: (count: number) => string
  readonly nonce?: () => string
}

/** A registrar that keeps bindings and asks for credentials as its habits say. */
const createRegistrar = async (t: Test, habits: Habits = {}, others: readonly string[] = []): Promise<Registrar> => {
  const bindings = new Map<string, number>()
  const log: string[] = []
  const asker = habits.asker ?? 401
  const nonce = habits.nonce ?? (() => 'n')
  const uas = await createFakeUas(t, ({ request, reply, count }: Received) => {
    const given = parseCredentials(request.headers.get(asker === 401 ? 'authorization' : 'proxy-authorization')?.[0] ?? '')
    log.push(`${request.cseq.number} ${given?.nonce ?? '-'} ${given?.nc ?? '-'}`)
    const isRight = given?.nonce === nonce() && given.uri === request.uri && isPasswordProven(given, { username: 'tester', password: 'canary-secret' }, 'REGISTER')
    if (!isRight) {
      const challenge = habits.challenge ?? formatChallenge({ realm: 'acme', nonce: nonce(), algorithm: 'MD5', stale: given !== null && given.nonce !== nonce() })
      reply({ status: asker, headers: [[asker === 401 ? 'WWW-Authenticate' : 'Proxy-Authenticate', challenge]] })
      return
    }
    const contact = /^<([^>]+)>;expires=(\d+)$/.exec(request.headers.get('contact')?.[0] ?? '')
    const seconds = Number(contact?.[2] ?? 0)
    if (contact !== null && seconds > 0 && seconds < (habits.leastSeconds ?? 0)) {
      reply({ status: 423, reason: 'Interval Too Brief', headers: [['Min-Expires', String(habits.leastSeconds)]] })
      return
    }
    if (contact?.[1] !== undefined && seconds === 0) bindings.delete(contact[1])
    else if (contact?.[1] !== undefined) bindings.set(contact[1], seconds)
    const listed = [...others, ...[...bindings].map(([uri, left]) => `<${uri}>;expires=${left}`)]
    const info = habits.info?.(count)
    reply({ status: 200, headers: [...listed.map((value) => ['Contact', value] as const), ...info === undefined ? [] : [[asker === 401 ? 'Authentication-Info' : 'Proxy-Authentication-Info', info] as const]] })
  })
  return { uas, bindings, log }
}

test('a binding is made, refreshed under one Contact and Call-ID, and removed at the end', async (t) => {
  const client = createClient(t)
  const { uas, bindings } = await createRegistrar(t, {}, ['<sip:tester@192.0.2.1>;expires=500'])
  const probe = bind(uas)
  t.match(await run(client, probe), { reason: 'alive', code: 200, bindings: 2, registrationExpiresMs: 60_000 })
  t.equal(bindings.size, 1)
  t.match([...bindings.keys()][0], /^sip:tester-[0-9a-f]{8}@127\.0\.0\.1:\d+$/)
  t.match(await run(client, probe), { reason: 'alive', bindings: 2 })
  t.equal(bindings.size, 1, 'no second binding')
  t.equal(new Set(uas.requests.map(({ callId }) => callId)).size, 1)
  t.same(uas.requests.map(({ cseq }) => cseq.number), uas.requests.map((_, index) => index + 1), 'CSeq grows')
  t.equal(uas.requests.length, 3, 'the refresh needs no challenge')
  await client.release(probe)
  t.equal(bindings.size, 0)
  t.notOk(uas.requests.some(({ headers }) => headers.get('contact')?.includes('*')), 'never everything')
  await client.release(probe)
  t.equal(uas.requests.length, 4, 'there is nothing left to remove')
})

test('close removes what is bound, and gives up on a silent registrar', async (t) => {
  const clock = createFakeClock()
  const { uas, bindings } = await createRegistrar(t)
  let isSilent = false
  const silent = await createFakeUas(t, ({ request, reply }) => { if (!isSilent) reply({ status: 200, headers: [['Contact', request.headers.get('contact')?.[0] ?? '']] }) })
  const client = createSipClient({ clock, random: systemRandom })
  t.match(await run(client, bind(uas)), { reason: 'alive' })
  t.match(await run(client, bind(silent)), { reason: 'alive' })
  isSilent = true
  const closing = client.close()
  t.ok(await until(() => bindings.size === 0 && silent.requests.length === 2))
  await clock.advance(2000)
  await closing
  t.equal(clock.pending(), 0)
})

test('a query through a probe tells how many bindings there are and how long the last one lives', async (t) => {
  const client = createClient(t)
  const { uas, bindings } = await createRegistrar(t, {}, ['<sip:a@192.0.2.1>;expires=50', '<sip:b@192.0.2.2>;expires=70'])
  t.match(await run(client, query(uas)), { reason: 'alive', bindings: 2, registrationExpiresMs: 70_000 })
  t.equal(bindings.size, 0, 'it changes nothing')
  t.notOk(uas.requests.some(({ headers }) => headers.has('contact') || headers.has('expires')))
  const empty = await createRegistrar(t)
  t.match(await run(client, query(empty.uas)), { reason: 'alive', bindings: 0, registrationExpiresMs: null })
})

const CHALLENGES: readonly { name: string; algorithm: DigestAlgorithm; qop: Exclude<Qop, null>; asker?: 401 | 407 }[] = [
  { name: 'MD5', algorithm: 'MD5', qop: 'auth' },
  { name: 'SHA-256', algorithm: 'SHA-256', qop: 'auth' },
  { name: 'SHA-512-256', algorithm: 'SHA-512-256', qop: 'auth' },
  { name: 'SHA-256 with auth-int', algorithm: 'SHA-256', qop: 'auth-int' },
  { name: 'a proxy', algorithm: 'SHA-256', qop: 'auth', asker: 407 }
]

test('challenges of every kind are answered', async (t) => {
  const client = createClient(t)
  for (const { name, algorithm, qop, asker = 401 } of CHALLENGES) {
    const { uas, bindings } = await createRegistrar(t, { asker, challenge: formatChallenge({ realm: 'acme', nonce: 'n', algorithm, stale: false, qop }) })
    t.match(await run(client, bind(uas)), { reason: 'alive' }, name)
    t.equal(bindings.size, 1, name)
  }
})

test('423: the lifetime that the registrar wants, at once and from then on', async (t) => {
  const client = createClient(t)
  const { uas } = await createRegistrar(t, { leastSeconds: 120 })
  t.match(await run(client, bind(uas)), { reason: 'alive', registrationExpiresMs: 120_000 })
  t.match(await run(client, bind(uas)), { reason: 'alive', registrationExpiresMs: 120_000 })
  t.same(uas.requests.map(({ headers }) => headers.get('expires')?.[0]), ['60', '60', '120', '120', '120'])
  const absurd = await createRegistrar(t, { leastSeconds: 1_000_000 })
  t.match(await run(client, bind(absurd.uas)), { reason: 'bad-code', code: 423 }, 'no lifetime without end')
})

test('an old nonce is fetched anew; the next nonce is used', async (t) => {
  const client = createClient(t)
  let current = 'n1'
  const { uas, log } = await createRegistrar(t, { nonce: () => current })
  const probe = bind(uas)
  await run(client, probe)
  current = 'n2'
  t.match(await run(client, probe), { reason: 'alive' })
  t.same(log, ['1 - -', '2 n1 00000001', '3 n1 00000002', '4 n2 00000001'])

  let told = 'm1'
  const telling = await createRegistrar(t, { nonce: () => told, info: () => { told = `m${Number(told.slice(1)) + 1}`; return `nextnonce="${told}"` } })
  const other = bind(telling.uas)
  await run(client, other)
  await run(client, other)
  t.same(telling.log, ['1 - -', '2 m1 00000001', '3 m2 00000001'])
})

test('refused credentials are never sent again, until the configuration brings new ones', async (t) => {
  const client = createClient(t)
  const { uas, log } = await createRegistrar(t)
  const wrong = account('wrong')
  t.match(await run(client, bind(uas, wrong)), { reason: 'auth-failed', code: 401, detail: /the credentials were refused$/ })
  const asked = log.length
  t.equal(asked, 2)
  t.match(await run(client, bind(uas, wrong)), { reason: 'held-back', code: null, detail: /not tried again/ })
  t.match(await run(client, query(uas, wrong)), { reason: 'held-back' }, 'whatever the operation')
  t.equal(log.length, asked, 'nothing was sent')
  t.match(await run(client, bind(uas)), { reason: 'alive' }, 'new credentials')
  const forbidding = await createFakeUas(t, ({ reply }) => { reply({ status: 403 }) })
  const other = account()
  t.match(await run(client, query(forbidding, other)), { reason: 'auth-failed', code: 403 })
  t.match(await run(client, query(forbidding, other)), { reason: 'held-back' })
  t.equal(forbidding.requests.length, 1)
})

test('Retry-After is honoured', async (t) => {
  const clock = createFakeClock()
  const client = createSipClient({ clock, random: systemRandom })
  t.teardown(() => client.close())
  const uas = await createFakeUas(t, ({ count, reply }) => { reply(count === 1 ? { status: 503, headers: [['Retry-After', '120 (maintenance)']] } : { status: 200 }) })
  t.match(await run(client, query(uas)), { reason: 'bad-code', code: 503, retryAfterMs: 120_000 })
  await clock.advance(119_000)
  t.match(await run(client, query(uas)), { reason: 'held-back', detail: 'the registrar asked for a pause, 1 s are left' })
  await clock.advance(1000)
  t.match(await run(client, query(uas)), { reason: 'alive' })
  t.equal(uas.requests.length, 2)
})

test('a registrar is asked at most twice a second', async (t) => {
  const clock = createFakeClock()
  const client = createSipClient({ clock, random: systemRandom })
  t.teardown(() => client.close())
  const atMs: number[] = []
  const uas = await createFakeUas(t, ({ reply }) => { atMs.push(clock.monotonicMs()); reply({ status: 200 }) })
  const running = Promise.all(Array.from({ length: 4 }, () => run(client, query(uas, account()))))
  for (let turn = 1; turn <= 4; turn++) {
    t.ok(await until(() => atMs.length === turn))
    await clock.advance(500)
  }
  t.ok((await running).every(({ reason }) => reason === 'alive'))
  t.same(atMs, [0, 500, 1000, 1500])
})

test('who would have to wait too long for a registrar is not sent, and others are not held up for ever', async (t) => {
  const clock = createFakeClock()
  const client = createSipClient({ clock, random: systemRandom })
  t.teardown(() => client.close())
  const uas = await createFakeUas(t, ({ reply }) => { reply({ status: 200 }) })
  const running = Array.from({ length: 30 }, () => run(client, query(uas, account())))
  const held = await Promise.race([Promise.all(running.slice(9)), until(() => false).then(() => [])])
  t.equal(held.length, 21)
  t.ok(held.every(({ reason }) => reason === 'held-back'))
  for (let turn = 1; turn <= 9; turn++) {
    t.ok(await until(() => uas.requests.length === turn))
    await clock.advance(500)
  }
  t.ok((await Promise.all(running.slice(0, 9))).every(({ reason }) => reason === 'alive'))
  t.match(await run(client, query(uas, account())), { reason: 'alive' }, 'the queue is empty again')
})

test('answers of a registrar that are none of its business', async (t) => {
  const client = createClient(t)
  const cases: readonly { name: string; answer: (received: Received) => void; want: object }[] = [
    { name: 'a redirect is reported, not followed', answer: ({ reply }) => { reply({ status: 302, reason: 'Moved Temporarily', headers: [['Contact', '<sip:elsewhere.test>']] }) }, want: { reason: 'redirected', code: 302, detail: '302 Moved Temporarily, to sip:elsewhere.test, which is not followed' } },
    { name: 'no REGISTER here', answer: ({ reply }) => { reply({ status: 405 }) }, want: { reason: 'bad-code', code: 405 } },
    { name: 'a Contact that can\'t be read', answer: ({ reply }) => { reply({ status: 200, headers: [['Contact', '<sip:a@b>, "open <sip:c@d>']] }) }, want: { reason: 'malformed' } },
    { name: 'a challenge in an unknown form', answer: ({ reply }) => { reply({ status: 401, headers: [['WWW-Authenticate', 'Digest realm="a",nonce="n",algorithm=AKAv1-MD5']] }) }, want: { reason: 'auth-failed', detail: /challenged in a form that is not supported/ } },
    { name: 'one old nonce after the other', answer: ({ count, reply }) => { reply({ status: 401, headers: [['WWW-Authenticate', formatChallenge({ realm: 'a', nonce: `n${count}`, algorithm: 'MD5', stale: true })]] }) }, want: { reason: 'auth-failed', detail: /challenged again and again/ } }
  ]
  for (const { name, answer, want } of cases) {
    const uas = await createFakeUas(t, answer)
    const outcome = await run(client, query(uas))
    t.match(outcome, want, name)
    t.ok(uas.requests.length <= 4, `${name}: ${uas.requests.length} requests`)
    t.notMatch(JSON.stringify(outcome), /canary/, 'no secret')
  }
})

test('OPTIONS with credentials answers a challenge; refused ones are not sent again', async (t) => {
  const client = createClient(t)
  const uas = await createFakeUas(t, ({ request, reply }) => {
    const given = parseCredentials(request.headers.get('authorization')?.[0] ?? '')
    if (given !== null && isPasswordProven(given, { username: 'tester', password: 'canary-secret' }, 'OPTIONS')) reply({ status: 200 })
    else reply({ status: 401, headers: [['WWW-Authenticate', formatChallenge({ realm: 'acme', nonce: 'n', algorithm: 'SHA-256', stale: false })]] })
  })
  const probe = (credentials: SipCredentials, policy: AlivePolicy): SipProbe => ({ target: { uri: uas.uri }, request: { method: 'OPTIONS', credentials }, policy })
  t.match(await run(client, probe(account(), POLICY)), { reason: 'alive', code: 200 })
  const wrong = account('wrong')
  t.match(await run(client, probe(wrong, POLICY)), { reason: 'auth-failed', code: 401 })
  t.match(await run(client, probe(wrong, DEFAULT_POLICY)), { reason: 'alive', code: 401 }, 'who asks for a password lives')
  const signed = uas.requests.filter(({ headers }) => headers.has('authorization')).length
  t.equal(signed, 2, 'the refused ones were sent once')
})
