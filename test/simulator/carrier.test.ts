import { test } from 'tap'
import type { Test } from 'tap'
import { createSimulatedCarrier } from '../../src/simulator/carrier.ts'
import type { CarrierFaults, SimulatedCarrier, SimulatedCarrierOptions } from '../../src/simulator/carrier.ts'
import { createFakeClock, createSeededRandom } from '../../src/rehearsal/fake-clock.ts'
import type { FakeClock } from '../../src/rehearsal/fake-clock.ts'
import { createSipWire, digestHeader, sipLines } from './wire.ts'
import type { Reply, SipWire } from './wire.ts'

const USERNAME = '4930123'
const PASSWORD = 'trunk-secret'
const AOR = 'sip:4930123@acme.example'
const CONTACTS: Readonly<Record<string, string>> = { a: '10.0.1.10:5060', b: '10.0.2.10:5060' }

interface Stage {
  readonly carrier: SimulatedCarrier
  readonly wire: SipWire
  readonly clock: FakeClock
}

const createStage = async (t: Test, options: Partial<SimulatedCarrierOptions> = {}): Promise<Stage> => {
  const clock = createFakeClock()
  const carrier = await createSimulatedCarrier({
    host: '127.0.0.1', realm: 'acme.example', accounts: [{ username: USERNAME, password: PASSWORD }], onSecond: 'reject',
    maxExpires: 60, clock, random: createSeededRandom(1), ...options
  })
  const wire = await createSipWire(carrier.port)
  t.teardown(() => Promise.all([carrier.stop(), wire.close()]))
  return { carrier, wire, clock }
}

const register = async ({ carrier, wire }: Stage, extra: readonly string[], password = PASSWORD): Promise<Reply | null> => {
  const send = (more: readonly string[]): Promise<Reply | null> => wire.send(sipLines('REGISTER', carrier.uri, AOR, [...extra, ...more]), 200)
  const first = await send([])
  const challenge = first?.header('www-authenticate')[0]
  if (challenge === undefined) return first
  return send([`Authorization: ${digestHeader(challenge, { username: USERNAME, password, method: 'REGISTER', uri: carrier.uri })}`])
}

/** `a60 b0`: Contacts in one request with their lifetimes; `*`; empty: a query. */
const contactHeaders = (text: string): readonly string[] => {
  if (text === '*') return ['Contact: *', 'Expires: 0']
  return text.split(' ').filter((part) => part !== '').map((part) => `Contact: <sip:${USERNAME}@${CONTACTS[part[0]!]}>;expires=${part.slice(1)}`)
}

const bound = (carrier: SimulatedCarrier): string =>
  Object.keys(CONTACTS).filter((name) => carrier.bindings(AOR).some((binding) => binding.hostPort === CONTACTS[name])).join('')

interface Step {
  /** Seconds that pass before. */
  readonly after?: number
  readonly faults?: Partial<CarrierFaults>
  readonly contacts: string
  /** 0: silence. */
  readonly code: number
  /** Contacts bound after it. */
  readonly bound: string
  /** Contact values of the response, when they matter. */
  readonly lists?: readonly string[]
}

interface Case {
  readonly name: string
  readonly options?: Partial<SimulatedCarrierOptions>
  readonly steps: readonly Step[]
  readonly overlaps?: number
  /** Types of the events, when they matter. */
  readonly events?: string
}

const LISTS_A = ['<sip:4930123@10.0.1.10:5060>;expires=60']

const CASES: readonly Case[] = [
  {
    name: 'bind, refresh, unbind',
    steps: [
      { contacts: 'a60', code: 200, bound: 'a', lists: LISTS_A },
      { contacts: 'a60', after: 20, code: 200, bound: 'a', lists: LISTS_A },
      { contacts: 'a0', code: 200, bound: '', lists: [] }
    ],
    events: 'registered refreshed unregistered'
  },
  {
    name: 'on_second reject: a second contact gets 403 until the first is gone',
    steps: [
      { contacts: 'a60', code: 200, bound: 'a' },
      { contacts: 'b60', code: 403, bound: 'a' },
      { contacts: 'a0', code: 200, bound: '' },
      { contacts: 'b60', code: 200, bound: 'b' }
    ],
    events: 'registered refused unregistered registered',
    overlaps: 0
  },
  {
    name: 'on_second reject: two new contacts in one request are refused together',
    steps: [{ contacts: 'a60 b60', code: 403, bound: '' }],
    overlaps: 0
  },
  {
    name: 'on_second reject: one request moves the binding from A to B, in either order of its contacts',
    steps: [
      { contacts: 'a60', code: 200, bound: 'a' },
      { contacts: 'a0 b60', code: 200, bound: 'b' },
      { contacts: 'a60 b0', code: 200, bound: 'a' }
    ],
    events: 'registered unregistered registered unregistered registered',
    overlaps: 0
  },
  {
    name: 'on_second replace: the second contact throws the first out',
    options: { onSecond: 'replace' },
    steps: [
      { contacts: 'a60', code: 200, bound: 'a' },
      { contacts: 'b60', code: 200, bound: 'b' },
      { contacts: 'a60', code: 200, bound: 'a' },
      { contacts: 'b0', code: 200, bound: 'a' }
    ],
    events: 'registered replaced registered replaced registered',
    overlaps: 0
  },
  {
    name: 'on_second coexist: both are bound and the overlap is counted once',
    options: { onSecond: 'coexist' },
    steps: [
      { contacts: 'a60', code: 200, bound: 'a' },
      { contacts: 'b60', code: 200, bound: 'ab' },
      { contacts: 'a60', code: 200, bound: 'ab' },
      { contacts: '*', code: 200, bound: '' }
    ],
    overlaps: 1
  },
  {
    name: 'a binding ends by the clock, at its instant',
    steps: [
      { contacts: 'a10', code: 200, bound: 'a' },
      { after: 9.999, contacts: '', code: 200, bound: 'a', lists: ['<sip:4930123@10.0.1.10:5060>;expires=1'] },
      { after: 0.001, contacts: 'b60', code: 200, bound: 'b' }
    ],
    events: 'registered expired registered'
  },
  {
    name: 'a query lists the bindings with what is left of them and changes nothing',
    steps: [
      { contacts: '', code: 200, bound: '', lists: [] },
      { contacts: 'a60', code: 200, bound: 'a' },
      { after: 15, contacts: '', code: 200, bound: 'a', lists: ['<sip:4930123@10.0.1.10:5060>;expires=45'] }
    ],
    events: 'registered'
  },
  {
    name: 'a longer lifetime is cut to the longest, a shorter than the shortest gets 423',
    options: { minExpires: 30 },
    steps: [
      { contacts: 'a3600', code: 200, bound: 'a', lists: LISTS_A },
      { contacts: 'b29', code: 423, bound: 'a' },
      { contacts: 'a0 b29', code: 423, bound: 'a' }
    ]
  },
  {
    name: 'faults of the query: it lists nothing, or is refused; binding still works',
    steps: [
      { contacts: 'a60', code: 200, bound: 'a' },
      { faults: { query: 'empty' }, contacts: '', code: 200, bound: 'a', lists: [] },
      { faults: { query: 403 }, contacts: '', code: 403, bound: 'a' },
      { faults: { query: 405 }, contacts: '', code: 405, bound: 'a' },
      { contacts: 'a60', code: 200, bound: 'a' }
    ]
  },
  {
    name: 'fault: the account is rejected, its binding runs out',
    steps: [
      { contacts: 'a60', code: 200, bound: 'a' },
      { faults: { rejectedAccounts: [USERNAME] }, contacts: 'a60', code: 403, bound: 'a' },
      { after: 60, contacts: '', code: 403, bound: '' }
    ]
  },
  {
    name: 'fault: only the registrations of one contact are rejected',
    steps: [
      { faults: { rejectedContacts: ['10.0.1.10'] }, contacts: 'a60', code: 403, bound: '' },
      { contacts: 'b60', code: 200, bound: 'b' },
      { contacts: '', code: 200, bound: 'b' }
    ]
  },
  {
    name: 'fault: a code for one method, without a challenge; silence; both end',
    steps: [
      { faults: { codes: { REGISTER: 503 } }, contacts: 'a60', code: 503, bound: '' },
      { faults: { codes: {}, silent: true }, contacts: 'a60', code: 0, bound: '' },
      { faults: { silent: false }, contacts: 'a60', code: 200, bound: 'a' }
    ]
  },
  {
    name: 'digest with SHA-256',
    options: { algorithm: 'SHA-256' },
    steps: [{ contacts: 'a60', code: 200, bound: 'a' }]
  }
]

for (const { name, options, steps, events, overlaps } of CASES) {
  test(`carrier: ${name}`, async (t) => {
    const stage = await createStage(t, options)
    const { carrier, clock } = stage
    for (const [index, step] of steps.entries()) {
      if (step.after !== undefined) await clock.advance(step.after * 1_000)
      if (step.faults !== undefined) carrier.inject(step.faults)
      const reply = await register(stage, contactHeaders(step.contacts))
      t.equal(reply?.code ?? 0, step.code, `step ${index + 1}: code`)
      t.equal(bound(carrier), step.bound, `step ${index + 1}: bound`)
      if (step.lists !== undefined) t.same(reply?.header('contact'), step.lists, `step ${index + 1}: listed`)
    }
    if (events !== undefined) t.equal(carrier.events().map((event) => event.type).join(' '), events)
    if (overlaps !== undefined) t.equal(carrier.overlaps(), overlaps)
  })
}

test('carrier: a refusal names the shortest lifetime, and its event the contact and the code', async (t) => {
  const stage = await createStage(t, { minExpires: 30 })
  const reply = await register(stage, contactHeaders('a10'))
  t.same(reply?.header('min-expires'), ['30'])
  t.match(stage.carrier.events().at(-1), { type: 'refused', aor: AOR, hostPort: CONTACTS['a'], code: 423 })
})

test('carrier: the digest must be right, fresh and its count unused', async (t) => {
  const { carrier, wire, clock } = await createStage(t, { nonceLifetimeMs: 5_000 })
  const send = (headers: readonly string[], to = AOR): Promise<Reply | null> => wire.send(sipLines('REGISTER', carrier.uri, to, headers))
  const challenge = (await send([]))?.header('www-authenticate')[0] ?? ''
  const sign = (changes: { readonly password?: string; readonly uri?: string; readonly nc?: string; readonly challenge?: string }): readonly string[] => [
    `Authorization: ${digestHeader(changes.challenge ?? challenge, { username: USERNAME, password: PASSWORD, method: 'REGISTER', uri: carrier.uri, ...changes })}`
  ]
  t.match(challenge, /^Digest realm="acme.example", nonce="[^"]+", algorithm=MD5, qop="auth"$/)
  const cases: readonly { readonly name: string; readonly headers: readonly string[]; readonly to?: string; readonly code: number; readonly stale?: boolean }[] = [
    { name: 'wrong password', headers: sign({ password: 'wrong' }), code: 401, stale: false },
    { name: 'right', headers: sign({}), code: 200 },
    { name: 'the same count again', headers: sign({}), code: 401, stale: true },
    { name: 'the next count', headers: sign({ nc: '00000002' }), code: 200 },
    { name: 'another URI than the request\'s', headers: sign({ uri: 'sip:other.example', nc: '00000003' }), code: 401, stale: false },
    { name: 'a nonce that is not ours', headers: sign({ challenge: challenge.replace(/nonce="./, 'nonce="f') }), code: 401, stale: true },
    { name: 'the account of somebody else', headers: sign({ nc: '00000003' }), to: 'sip:4930999@acme.example', code: 404 },
    { name: 'Basic', headers: ['Authorization: Basic eDp5'], code: 401, stale: false }
  ]
  for (const { name, headers, to, code, stale } of cases) {
    const reply = await send(headers, to)
    t.equal(reply?.code, code, name)
    if (stale !== undefined) t.equal(reply?.header('www-authenticate')[0]?.includes('stale=true'), stale, `${name}: stale`)
  }
  await clock.advance(5_001)
  t.match((await send(sign({ nc: '00000004' })))?.header('www-authenticate')[0], /stale=true/, 'a nonce that is too old')
})

test('carrier: contacts that can\'t be meant are refused, an overtaken request too', async (t) => {
  const stage = await createStage(t)
  const bad = [['Contact: *'], ['Contact: *', 'Contact: <sip:x@10.0.0.1>', 'Expires: 0'], ['Contact: <tel:+4930>;expires=60']]
  for (const headers of bad) t.equal((await register(stage, headers))?.code, 400, headers.join(' '))
  const { carrier, wire } = stage
  const send = async (cseq: number, contacts: string): Promise<number | undefined> => {
    const challenge = (await wire.send(sipLines('REGISTER', carrier.uri, AOR, [])))?.header('www-authenticate')[0] ?? ''
    const authorization = `Authorization: ${digestHeader(challenge, { username: USERNAME, password: PASSWORD, method: 'REGISTER', uri: carrier.uri })}`
    return (await wire.send(sipLines('REGISTER', carrier.uri, AOR, [...contactHeaders(contacts), authorization], 'one-call', cseq)))?.code
  }
  t.equal(await send(2, 'a60'), 200)
  for (const cseq of [1, 2]) t.equal(await send(cseq, 'a0'), 500, `CSeq ${cseq} after 2`)
  t.equal(bound(carrier), 'a')
})

test('carrier: OPTIONS is answered; a retransmission gets the same bytes; other methods get 405, ACK and noise nothing', async (t) => {
  const { carrier, wire } = await createStage(t)
  const options = sipLines('OPTIONS', carrier.uri, carrier.uri, [])
  const first = await wire.send(options)
  t.equal(first?.code, 200)
  t.match(first?.header('via')[0], `received=127.0.0.1`)
  t.equal((await wire.send(options))?.text, first?.text)
  t.equal((await wire.send(sipLines('INVITE', carrier.uri, AOR, [])))?.code, 405)
  t.equal(await wire.send(sipLines('ACK', carrier.uri, AOR, []), 50), null)
  t.equal(await wire.send(['not SIP at all'], 50), null)
})

test('carrier: packets of a dropped address are lost, everybody else is served', async (t) => {
  const { carrier, wire } = await createStage(t)
  const other = await createSipWire(carrier.port)
  t.teardown(() => other.close())
  const options = (): readonly string[] => sipLines('OPTIONS', carrier.uri, carrier.uri, [])
  carrier.inject({ dropped: [wire.address] })
  t.equal(await wire.send(options(), 50), null)
  t.equal((await other.send(options()))?.code, 200)
  carrier.inject({ dropped: ['127.0.0.1'] })
  t.equal(await other.send(options(), 50), null)
  carrier.clear()
  t.equal((await wire.send(options()))?.code, 200)
})
