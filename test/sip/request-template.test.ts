import { test, type Test } from 'tap'
import { systemClock, systemRandom } from '../../src/clock.ts'
import { DEFAULT_POLICY } from '../../src/core/judgement.ts'
import type { SipClient, SipProbe } from '../../src/ports.ts'
import { createSipClient } from '../../src/sip/client.ts'
import { createTemplate } from '../../src/sip/request-template.ts'
import { createFakeUas } from './fake-uas.ts'

const createClient = (t: Test): SipClient => {
  const client = createSipClient({ clock: systemClock, random: systemRandom })
  t.teardown(() => client.close())
  return client
}

test('a copy differs in its random values only', (t) => {
  const first = { branch: 'b1b1', callId: 'c1c1', fromTag: 'f1f1' }
  const text = ({ branch, callId, fromTag }: typeof first): string => `OPTIONS sip:x SIP/2.0\r\nVia: a;branch=z9hG4bK${branch}\r\nFrom: <sip:y>;tag=${fromTag}\r\nCall-ID: ${callId}\r\n\r\n`
  const original = Buffer.from(text(first))
  const next = { branch: 'b2b2', callId: 'c2c2', fromTag: 'f2f2' }
  t.equal(createTemplate(original, first)?.fill(next).toString(), text(next))
  t.equal(original.toString(), text(first), 'the original stays')
  t.equal(createTemplate(Buffer.from(`${text(first)}b1b1`), first), null, 'a value that stands there twice')
  t.equal(createTemplate(Buffer.from('nothing of it'), first), null)
  t.end()
})

test('every OPTIONS has its own values, whether it was copied or written, and what its target says', async (t) => {
  const uas = await createFakeUas(t, ({ count, reply }) => { if (count !== 3) reply({ status: 200 }) })
  const client = createClient(t)
  const probe: SipProbe = { target: { uri: uas.uri, headers: [['X-Tenant', 'acme']] }, request: { method: 'OPTIONS' }, policy: DEFAULT_POLICY }
  for (let turn = 0; turn < 6; turn++) await client.probe(probe, 300, new AbortController().signal)
  const other: SipProbe = { ...probe, target: { uri: uas.uri, headers: [['X-Tenant', 'beta']] } }
  await client.probe(other, 300, new AbortController().signal)
  const values = uas.requests.map(({ via, callId, from }) => [via[0], callId, from.tag])
  t.equal(uas.requests.length, 7)
  for (const index of [0, 1, 2]) t.equal(new Set(values.map((each) => each[index])).size, 7)
  t.same(uas.requests.map(({ headers }) => headers.get('x-tenant')?.[0]), [...Array.from({ length: 6 }, () => 'acme'), 'beta'])
  // The third one was not answered: its socket was left, and with it the address of the copies.
  for (const { via, headers } of uas.requests) t.ok(headers.get('contact')?.[0]?.includes(/127\.0\.0\.1:\d+/.exec(via[0] ?? '')?.[0] ?? 'none'), 'Via and Contact name one socket')
  t.equal(new Set(uas.requests.map(({ via }) => /:(\d+);/.exec(via[0] ?? '')?.[1])).size, 2)
})
