import { test, type Test } from 'tap'
import { systemClock, systemRandom } from '../../src/clock.ts'
import { DEFAULT_POLICY, type AlivePolicy } from '../../src/core/judgement.ts'
import type { AddressOutcome, SipClient, SipTarget } from '../../src/ports.ts'
import { buildOutcome } from '../../src/rehearsal/outcome.ts'
import { createSipClient } from '../../src/sip/client.ts'
import { combine } from '../../src/sip/outcome.ts'
import { createFakeUas, until, type Received } from './fake-uas.ts'
import { createZone, type Entry } from './fake-zone.ts'

const NEVER = new AbortController().signal

const createClient = (t: Test, zone: Record<string, Entry> = {}): SipClient => {
  const client = createSipClient({ clock: systemClock, random: systemRandom, lookUps: createZone(zone) })
  t.teardown(() => client.close())
  return client
}

const at = (address: string, parts: Partial<AddressOutcome> & Pick<AddressOutcome, 'reason'>): AddressOutcome => buildOutcome({ address, ...parts })
const ALIVE = at('alive', { reason: 'alive', code: 200 })
const SLOW = at('slow', { reason: 'alive', code: 200, degraded: 'slow' })
const BUSY = at('busy', { reason: 'busy', code: 503, degraded: 'busy' })
const DEAD = at('dead', { reason: 'timeout' })
const BAD = at('bad', { reason: 'bad-code', code: 503 })
const TLS = at('tls', { reason: 'tls' })
const NO_ROUTE = at('no-route', { reason: 'local-error' })

const CASES: readonly { name: string; outcomes: readonly [AddressOutcome, ...AddressOutcome[]]; any: string; all: string }[] = [
  { name: 'one that is alive', outcomes: [ALIVE], any: 'alive', all: 'alive' },
  { name: 'one that is dead', outcomes: [DEAD], any: 'dead', all: 'dead' },
  { name: 'alive and dead', outcomes: [DEAD, ALIVE], any: 'alive', all: 'dead' },
  { name: 'two kinds of dead: the first one', outcomes: [BAD, DEAD], any: 'bad', all: 'bad' },
  { name: 'well beats degraded, and the other way round', outcomes: [SLOW, ALIVE], any: 'alive', all: 'slow' },
  { name: 'a busy one lives', outcomes: [BUSY, DEAD], any: 'busy', all: 'dead' },
  { name: 'dead and unknown: nobody can say whether any lives', outcomes: [DEAD, TLS], any: 'tls', all: 'dead' },
  { name: 'alive and unknown: nobody can say whether all live', outcomes: [TLS, ALIVE], any: 'alive', all: 'tls' },
  { name: 'an address that this machine can\'t use decides nothing', outcomes: [NO_ROUTE, DEAD], any: 'dead', all: 'dead' },
  { name: 'nor does it make anything unknown', outcomes: [NO_ROUTE, ALIVE], any: 'alive', all: 'alive' },
  { name: 'unless it is the only one', outcomes: [NO_ROUTE], any: 'no-route', all: 'no-route' }
]

test('what the addresses of a target amount to', (t) => {
  for (const { name, outcomes, any, all } of CASES) {
    t.equal(combine(outcomes, undefined).address, any, `${name}: any`)
    t.equal(combine(outcomes, 'all').address, all, `${name}: all`)
    t.same(combine(outcomes, 'any').addresses, outcomes)
  }
  t.end()
})

test('every address of a name is probed and told, or only the first one', async (t) => {
  const answer = ({ reply }: Received): void => { reply({ status: 200 }) }
  const first = await createFakeUas(t, () => { /* silent */ }, '127.0.0.1')
  const second = await createFakeUas(t, answer, '127.0.0.2', first.port)
  const client = createClient(t, { 'pair.test': { a: ['127.0.0.1', '127.0.0.2'] } })
  const probe = (parts: Partial<SipTarget>) => client.probe({ target: { uri: `sip:pair.test:${first.port}`, ...parts }, request: { method: 'OPTIONS' }, policy: DEFAULT_POLICY }, 400, NEVER)
  const any = await probe({})
  t.match(any, { reason: 'alive', address: `127.0.0.2:${second.port}`, phases: { resolveMs: Number } })
  t.same(any.addresses.map(({ address, reason }) => [address, reason]), [[`127.0.0.1:${first.port}`, 'timeout'], [`127.0.0.2:${first.port}`, 'alive']])
  t.equal(first.requests[0]?.uri, `sip:pair.test:${first.port}`, 'the request names the target')
  t.match(await probe({ health: 'all' }), { reason: 'timeout', addresses: { length: 2 } })
  const asked = second.requests.length
  t.match(await probe({ resolve: 'first' }), { reason: 'timeout', addresses: { length: 1 } })
  t.equal(second.requests.length, asked)
})

const headersOf = (received: Received, name: string): readonly string[] => received.request.headers.get(name) ?? []

test('a target says who asks: From, To, Contact, User-Agent and further headers', async (t) => {
  const seen: Received[] = []
  const uas = await createFakeUas(t, (received) => { seen.push(received); received.reply({ status: 200 }) })
  const client = createClient(t)
  const target: SipTarget = {
    uri: `sip:ping@127.0.0.1:${uas.port}`, from: 'sip:pbx@acme.test', to: 'sip:keepalive@carrier.test', contact: 'sip:pbx@192.0.2.1', userAgent: 'PBX 13',
    headers: [['X-Tenant', 'acme'], ['Route', '<sip:edge.test;lr>'], ['X-Tenant', 'second']]
  }
  t.match(await client.probe({ target, request: { method: 'OPTIONS' }, policy: DEFAULT_POLICY }, 2000, NEVER), { reason: 'alive' })
  const [received] = seen
  if (received === undefined) { t.fail('nothing came'); return }
  t.match(received.request, { uri: target.uri, from: { uri: 'sip:pbx@acme.test' }, to: { uri: 'sip:keepalive@carrier.test' } })
  t.same(headersOf(received, 'contact'), ['<sip:pbx@192.0.2.1>'])
  t.same(headersOf(received, 'user-agent'), ['PBX 13'])
  t.same(headersOf(received, 'x-tenant'), ['acme', 'second'])
  t.same(headersOf(received, 'route'), ['<sip:edge.test;lr>'])
  const evil = await client.probe({ target: { ...target, userAgent: 'x\r\nEvil: yes' }, request: { method: 'OPTIONS' }, policy: DEFAULT_POLICY }, 2000, NEVER)
  t.match(evil, { reason: 'local-error', detail: /can't be written/ })
})

test('the local port is the one that is written down, for several peers at once', async (t) => {
  const sources: number[] = []
  const answer = ({ source, reply }: Received): void => { sources.push(source.port); reply({ status: 200 }) }
  const peers = await Promise.all([createFakeUas(t, answer), createFakeUas(t, answer)])
  const free = await createFakeUas(t, () => { /* only for its port */ }, '127.0.0.9')
  const client = createClient(t)
  const probe = (uri: string) => client.probe({ target: { uri, localAddress: '127.0.0.1', localPort: free.port }, request: { method: 'OPTIONS' }, policy: DEFAULT_POLICY }, 2000, NEVER)
  for (let turn = 0; turn < 3; turn++) {
    const outcomes = await Promise.all(peers.map(({ uri }) => probe(uri)))
    t.ok(outcomes.every(({ reason }) => reason === 'alive'))
  }
  t.same([...new Set(sources)], [free.port])
})

test('a UDP socket is kept while it brings answers, and left after a failure', async (t) => {
  const sources: number[] = []
  let isSilent = false
  const uas = await createFakeUas(t, ({ source, reply }) => { sources.push(source.port); if (!isSilent) reply({ status: 200 }) })
  const client = createClient(t)
  const probe = (connection?: 'fresh') => client.probe({ target: { uri: uas.uri, ...connection === undefined ? {} : { connection } }, request: { method: 'OPTIONS' }, policy: DEFAULT_POLICY }, 300, NEVER)
  await probe()
  await probe()
  t.equal(sources[0], sources[1])
  isSilent = true
  t.match(await probe(), { reason: 'timeout' })
  isSilent = false
  t.match(await probe(), { reason: 'alive' })
  t.not(sources.at(-1), sources[0], 'a new one')
  await probe('fresh')
  t.not(sources.at(-1), sources.at(-2))
})

const POLICY_CASES: readonly { name: string; policy: Partial<AlivePolicy>; answer: (received: Received) => void; want: object }[] = [
  { name: 'busy by 503 with Retry-After', policy: { busy: true }, answer: ({ reply }) => { reply({ status: 503, headers: [['Retry-After', '5']] }) }, want: { reason: 'busy', degraded: 'busy', retryAfterMs: 5000 } },
  { name: 'a 503 without it is dead', policy: { busy: true }, answer: ({ reply }) => { reply({ status: 503 }) }, want: { reason: 'bad-code', degraded: null, retryAfterMs: null } },
  { name: 'slow', policy: { slowMs: 30 }, answer: ({ reply }) => { setTimeout(() => { reply({ status: 200 }) }, 100) }, want: { reason: 'alive', degraded: 'slow' } },
  { name: 'retransmitted', policy: { retransmitted: 1 }, answer: ({ count, reply }) => { if (count === 2) reply({ status: 200 }) }, want: { reason: 'alive', degraded: 'retransmitted', retransmissions: 1 } },
  { name: 'a redirect where it does not count as alive', policy: { alive: [[200, 299]] }, answer: ({ reply }) => { reply({ status: 301, reason: 'Moved', headers: [['Contact', 'sip:x.test']] }) }, want: { reason: 'redirected', code: 301, detail: '301 Moved, to sip:x.test, which is not followed' } },
  { name: 'a redirect where it does', policy: {}, answer: ({ reply }) => { reply({ status: 301 }) }, want: { reason: 'alive', code: 301 } }
]

test('the policy judges', async (t) => {
  const client = createClient(t)
  for (const { name, policy, answer, want } of POLICY_CASES) {
    const uas = await createFakeUas(t, answer)
    t.match(await client.probe({ target: { uri: uas.uri }, request: { method: 'OPTIONS' }, policy: { ...DEFAULT_POLICY, ...policy } }, 2000, NEVER), want, name)
  }
})

test('a client that closes leaves no socket behind', async (t) => {
  const uas = await createFakeUas(t, ({ reply }) => { reply({ status: 200 }) })
  const before = process.getActiveResourcesInfo().filter((kind) => kind === 'UDPWrap').length
  const client = createSipClient({ clock: systemClock, random: systemRandom })
  await Promise.all(Array.from({ length: 20 }, () => client.probe({ target: { uri: uas.uri }, request: { method: 'OPTIONS' }, policy: DEFAULT_POLICY }, 2000, NEVER)))
  await client.close()
  t.ok(await until(() => process.getActiveResourcesInfo().filter((kind) => kind === 'UDPWrap').length <= before), 'every socket is closed')
})
