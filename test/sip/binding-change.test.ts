/** Changes of bindings at the wire: against the simulated carrier, and against a server that looks at every byte. */
import { test, type Test } from 'tap'
import { systemClock, systemRandom } from '../../src/clock.ts'
import type { BindingAnswer, ContactChange } from '../../src/core/binding.ts'
import type { SipClient, SipCredentials } from '../../src/ports.ts'
import { createSecret } from '../../src/secret.ts'
import { createSimulatedCarrier, type SimulatedCarrier } from '../../src/simulator/carrier.ts'
import { createSipClient } from '../../src/sip/client.ts'
import { createFakeUas } from './fake-uas.ts'

const NEVER = new AbortController().signal
const CREDENTIALS: SipCredentials = { username: '4930123', password: createSecret('canary-secret') }
const AOR = 'sip:4930123@acme.example'
const A = 'sip:4930123@10.0.1.10:5060;line=7'
const B = 'sip:4930123@10.0.2.10:5060'

const createClient = (t: Test): SipClient => {
  const client = createSipClient({ clock: systemClock, random: systemRandom })
  t.teardown(() => client.close())
  return client
}

interface Rig {
  readonly carrier: SimulatedCarrier
  change(...changes: readonly (readonly [uri: string, expiresSeconds: number])[]): Promise<BindingAnswer>
  bound(): readonly string[]
}

const createRig = async (t: Test, onSecond: 'reject' | 'replace' | 'coexist', credentials = CREDENTIALS): Promise<Rig> => {
  const carrier = await createSimulatedCarrier({
    host: '127.0.0.1', realm: 'acme.example', accounts: [{ username: '4930123', password: 'canary-secret' }], onSecond, maxExpires: 300, clock: systemClock, random: systemRandom
  })
  t.teardown(() => carrier.stop())
  const client = createClient(t)
  return {
    carrier,
    change: (...changes) => client.changeBindings({ uri: carrier.uri, aor: AOR }, credentials, changes.map(([uri, expiresSeconds]): ContactChange => ({ uri, expiresSeconds })), 2000, NEVER),
    bound: () => carrier.bindings(AOR).map((binding) => binding.uri)
  }
}

const uris = (answer: BindingAnswer): unknown => answer.kind === 'listed' ? answer.contacts.map((contact) => contact.uri) : answer

test('exactly one Contact is removed, and the answer lists what is left', async (t) => {
  const { change, bound } = await createRig(t, 'coexist')
  await change([A, 300])
  await change([B, 300])
  t.same(bound(), [A, B])
  t.same(uris(await change([A, 0])), [B])
  t.same(bound(), [B])
  t.same(uris(await change([A, 0])), [B], 'once more: no harm')
})

test('a swap is one message, and no registrar of ours ever had none or two', async (t) => {
  for (const onSecond of ['reject', 'replace', 'coexist'] as const) {
    const { carrier, change, bound } = await createRig(t, onSecond)
    await change([A, 300])
    const answer = await change([A, 0], [B, 150])
    t.same(uris(answer), [B], onSecond)
    t.same(answer.kind === 'listed' ? answer.contacts[0]?.expiresSeconds : 0, 150)
    t.same(carrier.events().map(({ type, hostPort }) => `${type} ${hostPort}`), ['registered 10.0.1.10:5060', 'unregistered 10.0.1.10:5060', 'registered 10.0.2.10:5060'])
    t.equal(carrier.overlaps(), 0)
    t.same(bound(), [B])
    t.same(uris(await change([A, 0], [B, 150])), [B], 'repeated: the same')
  }
})

test('all or nothing: what the registrar can\'t take as a whole changes nothing', async (t) => {
  const { carrier, change, bound } = await createRig(t, 'reject')
  await change([A, 300])
  t.same(await change([B, 150]), { kind: 'refused', code: 403 }, 'a second one beside the first')
  carrier.inject({ rejectedContacts: ['10.0.2.10:5060'] })
  t.same(await change([A, 0], [B, 150]), { kind: 'refused', code: 403 })
  t.same(bound(), [A], 'the old one is still there')
  carrier.inject({ codes: { REGISTER: 503 } })
  t.match(await change([A, 0], [B, 150]), { kind: 'unsupported', code: 503 })
  carrier.inject({ silent: true })
  t.match(await change([A, 0]), { kind: 'failed', reason: 'timeout' })
  carrier.clear()
  t.same(bound(), [A])
})

test('wrong credentials are sent once', async (t) => {
  const { carrier, change, bound } = await createRig(t, 'reject', { username: '4930123', password: createSecret('wrong') })
  t.same(await change([A, 0]), { kind: 'refused', code: 401 })
  t.equal(carrier.events().filter(({ type, code }) => type === 'refused' && code === 401).length, 1)
  t.same(bound(), [])
})

test('what is no Contact is never sent: above all not *', async (t) => {
  const uas = await createFakeUas(t, ({ reply }) => { reply({ status: 200 }) })
  const client = createClient(t)
  const wrong: readonly (readonly ContactChange[])[] = [
    [], [{ uri: '*', expiresSeconds: 0 }], [{ uri: '', expiresSeconds: 0 }], [{ uri: 'sip:a@b>,<sip:c@d', expiresSeconds: 0 }], [{ uri: 'sip:a@b\r\nContact: *', expiresSeconds: 0 }],
    [{ uri: 'tel:+4930123', expiresSeconds: 0 }], [{ uri: A, expiresSeconds: -1 }], [{ uri: A, expiresSeconds: Number.NaN }], [{ uri: A, expiresSeconds: 0 }, { uri: '*', expiresSeconds: 0 }]
  ]
  for (const changes of wrong) t.match(await client.changeBindings({ uri: uas.uri, aor: AOR }, CREDENTIALS, changes, 1000, NEVER), { kind: 'failed', reason: 'local-error' })
  t.equal(uas.requests.length, 0)
  await client.changeBindings({ uri: uas.uri, aor: AOR }, CREDENTIALS, [{ uri: A, expiresSeconds: 0 }, { uri: B, expiresSeconds: 30 }], 1000, NEVER)
  t.same(uas.requests.map((request) => [request.method, request.headers.get('contact'), request.to.uri]), [['REGISTER', [`<${A}>;expires=0`, `<${B}>;expires=30`], AOR]])
})
