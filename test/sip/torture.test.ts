import { test } from 'tap'
import { systemClock, systemRandom } from '../../src/clock.ts'
import { DEFAULT_POLICY } from '../../src/core/judgement.ts'
import { createSipClient } from '../../src/sip/client.ts'
import { decodeMessage } from '../../src/sip/codec.ts'
import { createFakeUas } from './fake-uas.ts'
import { EITHER, INVALID, VALID } from './torture.ts'

const bytes = (text: string): Buffer => Buffer.from(text.replaceAll('\n', '\r\n'), 'latin1')

test('RFC 4475: what must be read is read', (t) => {
  for (const { name, text, want } of VALID) t.match(decodeMessage(bytes(text)), { ok: true, message: want }, name)
  t.end()
})

test('RFC 4475: what must not be read is refused', (t) => {
  for (const { name, text } of INVALID) t.match(decodeMessage(bytes(text)), { ok: false }, name)
  t.end()
})

test('RFC 4475: the rest is read or refused, at once', (t) => {
  for (const { name, text } of [...VALID, ...INVALID, ...EITHER]) {
    const startedMs = performance.now()
    const decoded = decodeMessage(bytes(text))
    t.type(decoded.ok, 'boolean', name)
    t.ok(performance.now() - startedMs < 200, name)
  }
  t.end()
})

test('RFC 4475: all of it on the socket of a probe, which still ends with the answer', async (t) => {
  const client = createSipClient({ clock: systemClock, random: systemRandom })
  t.teardown(() => client.close())
  const all = [...VALID, ...INVALID, ...EITHER]
  const uas = await createFakeUas(t, ({ send, reply }) => {
    for (const { text } of all) send(bytes(text))
    reply({ status: 200 })
  })
  t.match(await client.probe({ target: { uri: uas.uri }, request: { method: 'OPTIONS' }, policy: DEFAULT_POLICY }, 5000, new AbortController().signal), { reason: 'alive', code: 200, retransmissions: 0 })
  t.ok(all.length >= 39)
})
