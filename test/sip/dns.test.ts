import { test } from 'tap'
import { systemClock, systemRandom } from '../../src/clock.ts'
import { DEFAULT_POLICY } from '../../src/core/judgement.ts'
import { createSipClient } from '../../src/sip/client.ts'
import { createDns, nodeLookUps } from '../../src/sip/dns.ts'
import { createFakeUas } from './fake-uas.ts'
import { createStreamUas } from './fake-stream-uas.ts'
import { createNameServer } from './fake-name-server.ts'

const NEVER = new AbortController().signal

test('what a name server says, at the wire', async (t) => {
  const server = await createNameServer(t, {
    'a.test': [{ type: 'A', address: '192.0.2.1', ttl: 77 }, { type: 'A', address: '192.0.2.2', ttl: 99 }],
    'six.test': [{ type: 'AAAA', address: '2001:db8::7', ttl: 5 }],
    '_sip._udp.acme.test': [{ type: 'SRV', priority: 1, weight: 2, port: 5070, target: 'a.test' }],
    'acme.test': [{ type: 'NAPTR', order: 10, preference: 20, flags: 's', service: 'SIP+D2U', replacement: '_sip._udp.acme.test' }],
    'empty.test': [],
    'failing.test': 2,
    'refused.test': 5
  })
  const lookUps = nodeLookUps([server.address])
  const dns = createDns(systemClock, lookUps)
  t.same(await lookUps.resolve('a.test', 4), [{ address: '192.0.2.1', ttl: 77 }, { address: '192.0.2.2', ttl: 99 }], 'with their TTL')
  t.same(await dns.addresses('a.test', 4), { kind: 'found', records: ['192.0.2.1', '192.0.2.2'] })
  t.same(await dns.addresses('six.test', 6), { kind: 'found', records: ['2001:db8::7'] })
  t.match(await dns.srv('_sip._udp.acme.test'), { kind: 'found', records: [{ priority: 1, weight: 2, port: 5070, name: 'a.test' }] })
  t.match(await dns.naptr('acme.test'), { kind: 'found', records: [{ order: 10, preference: 20, flags: 's', service: 'SIP+D2U', replacement: '_sip._udp.acme.test' }] })
  t.same(await dns.addresses('empty.test', 4), { kind: 'absent', code: 'ENODATA' })
  t.same(await dns.addresses('nowhere.test', 4), { kind: 'absent', code: 'ENOTFOUND' })
  t.same(await dns.srv('failing.test'), { kind: 'failed', code: 'ESERVFAIL' })
  t.same(await dns.srv('refused.test'), { kind: 'absent', code: 'EREFUSED' })
  const count = server.asked.length
  await Promise.all(Array.from({ length: 20 }, () => dns.naptr('acme.test')))
  t.equal(server.asked.length, count, 'kept')
  dns.close()
})

test('a probe by NAPTR and SRV, from the name to the answer', async (t) => {
  const dead = await createFakeUas(t, () => { /* silent */ })
  const living = await createStreamUas(t, null, ({ reply }) => { reply({ status: 200 }) })
  const server = await createNameServer(t, {
    'acme.test': [{ type: 'NAPTR', order: 2, preference: 1, flags: 's', service: 'SIP+D2U', replacement: '_sip._udp.acme.test' }, { type: 'NAPTR', order: 1, preference: 1, flags: 's', service: 'SIP+D2T', replacement: '_sip._tcp.acme.test' }],
    '_sip._udp.acme.test': [{ type: 'SRV', priority: 1, weight: 1, port: dead.port, target: 'one.test' }],
    '_sip._tcp.acme.test': [{ type: 'SRV', priority: 1, weight: 1, port: living.port, target: 'one.test' }],
    'one.test': [{ type: 'A', address: '127.0.0.1', ttl: 60 }]
  })
  const client = createSipClient({ clock: systemClock, random: systemRandom, lookUps: nodeLookUps([server.address]) })
  t.teardown(() => client.close())
  const outcome = await client.probe({ target: { uri: 'sip:acme.test' }, request: { method: 'OPTIONS' }, policy: DEFAULT_POLICY }, 3000, NEVER)
  t.match(outcome, { reason: 'alive', transport: 'tcp', address: `127.0.0.1:${living.port}`, phases: { resolveMs: Number, connectMs: Number } })
  t.equal(living.requests[0]?.uri, 'sip:acme.test')
  t.equal(dead.requests.length, 0)
})

test('a name server that is silent is a matter of DNS, within the deadline', async (t) => {
  const server = await createNameServer(t, { 'silent.test': null })
  const client = createSipClient({ clock: systemClock, random: systemRandom, lookUps: nodeLookUps([server.address]) })
  const startedMs = performance.now()
  const outcome = await client.probe({ target: { uri: 'sip:silent.test' }, request: { method: 'OPTIONS' }, policy: DEFAULT_POLICY }, 300, NEVER)
  t.match(outcome, { reason: 'dns', detail: 'no answer of the resolver for silent.test', addresses: [] })
  t.ok(performance.now() - startedMs < 2000)
  await client.close()
  t.match(server.asked[0], 'NAPTR silent.test')
})
