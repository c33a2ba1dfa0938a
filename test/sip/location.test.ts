import { test } from 'tap'
import { systemRandom } from '../../src/clock.ts'
import type { SipTransport } from '../../src/ports.ts'
import { createFakeClock, createSeededRandom } from '../../src/rehearsal/fake-clock.ts'
import { createDns, SERVICE_TTL_MS, type SrvRecord } from '../../src/sip/dns.ts'
import { locate, orderSrv, type Located } from '../../src/sip/location.ts'
import { parseSipUri } from '../../src/sip/uri.ts'
import { createZone, type Entry } from './fake-zone.ts'

const srv = (name: string, port: number, priority = 1, weight = 1): SrvRecord => ({ name, port, priority, weight })
const naptr = (order: number, preference: number, service: string, replacement: string, flags = 's') => ({ order, preference, service, replacement, flags, regexp: '' })

const HOSTS: Record<string, Entry> = {
  'a.test': { a: ['192.0.2.1'] },
  'b.test': { a: ['192.0.2.2'], aaaa: ['2001:db8::2'] }
}

const ask = (zone: Record<string, Entry>, uri: string, transport?: SipTransport, localAddress?: string): Promise<Located> => {
  const parsed = parseSipUri(uri)
  if (parsed === null) throw new Error(uri)
  return locate({ dns: createDns(createFakeClock(), createZone({ ...HOSTS, ...zone })), random: createSeededRandom(1) }, parsed, transport, localAddress)
}

/** `transport address port` of each, in order. */
const lines = (located: Located): readonly string[] => located.ok ? located.locations.map(({ transport, address, port }) => `${transport} ${address} ${port}`) : [`${located.reason}: ${located.detail}`]

const CASES: readonly { name: string; zone?: Record<string, Entry>; uri: string; transport?: SipTransport; localAddress?: string; want: readonly string[] }[] = [
  { name: 'an address is UDP at 5060', uri: 'sip:192.0.2.9', want: ['udp 192.0.2.9 5060'] },
  { name: 'an IPv6 address', uri: 'sip:[2001:db8::9]:5070', want: ['udp 2001:db8::9 5070'] },
  { name: 'an address of a sips URI is TLS at 5061', uri: 'sips:192.0.2.9', want: ['tls 192.0.2.9 5061'] },
  { name: 'the URI\'s transport counts', uri: 'sip:192.0.2.9;transport=TCP', want: ['tcp 192.0.2.9 5060'] },
  { name: 'the target\'s transport beats it', uri: 'sip:192.0.2.9;transport=tcp', transport: 'tls', want: ['tls 192.0.2.9 5061'] },
  { name: 'a sips URI with transport=tcp is TLS', uri: 'sips:192.0.2.9;transport=tcp', want: ['tls 192.0.2.9 5061'] },
  { name: 'a sips URI is never sent without TLS', uri: 'sips:192.0.2.9', transport: 'udp', want: ['local-error: a sips: URI is not sent over udp'] },
  { name: 'a transport that nobody has', uri: 'sip:192.0.2.9;transport=ws', want: ['local-error: transport ws is not supported, only udp, tcp and tls'] },
  { name: 'a name with a port has no services', zone: { '_sip._udp.a.test': { srv: [srv('b.test', 9)] } }, uri: 'sip:a.test:5080', want: ['udp 192.0.2.1 5080'] },
  { name: 'a name without services is an address', uri: 'sip:a.test', want: ['udp 192.0.2.1 5060'] },
  { name: 'both families, IPv4 first', uri: 'sip:b.test', want: ['udp 192.0.2.2 5060', 'udp 2001:db8::2 5060'] },
  { name: 'the family of the local address', uri: 'sip:b.test', localAddress: '::1', want: ['udp 2001:db8::2 5060'] },
  { name: 'no address of that family', uri: 'sip:a.test:5060', localAddress: '::1', want: ['dns: a.test: ENODATA'] },
  { name: 'NAPTR chooses the transport, by order and preference', zone: { 'x.test': { naptr: [naptr(90, 1, 'SIP+D2U', '_sip._udp.x.test'), naptr(50, 2, 'SIP+D2T', '_sip._tcp.x.test'), naptr(50, 1, 'SIPS+D2T', '_sips._tcp.x.test')] }, '_sips._tcp.x.test': { srv: [srv('a.test', 5071)] } }, uri: 'sip:x.test', want: ['tls 192.0.2.1 5071'] },
  { name: 'NAPTR records of other services and flags are passed over', zone: { 'x.test': { naptr: [naptr(1, 1, 'E2U+sip', '', 'u'), naptr(1, 1, 'SIP+D2S', '_sip._sctp.x.test'), naptr(2, 1, 'sip+d2t', '_sip._tcp.x.test', 'S')] }, '_sip._tcp.x.test': { srv: [srv('a.test', 5070)] } }, uri: 'sip:x.test', want: ['tcp 192.0.2.1 5070'] },
  { name: 'a transport that is written down needs no NAPTR', zone: { 'x.test': { fails: 'ESERVFAIL' }, '_sip._tcp.x.test': { srv: [srv('a.test', 5070)] } }, uri: 'sip:x.test;transport=tcp', want: ['tcp 192.0.2.1 5070'] },
  { name: 'without NAPTR, UDP is looked for first', zone: { '_sip._udp.x.test': { srv: [srv('a.test', 5062)] }, '_sip._tcp.x.test': { srv: [srv('b.test', 5063)] } }, uri: 'sip:x.test', want: ['udp 192.0.2.1 5062'] },
  { name: 'then TCP', zone: { '_sip._tcp.x.test': { srv: [srv('a.test', 5063)] } }, uri: 'sip:x.test', want: ['tcp 192.0.2.1 5063'] },
  { name: 'a sips URI looks for sips services only', zone: { '_sip._udp.x.test': { srv: [srv('a.test', 1)] }, '_sips._tcp.x.test': { srv: [srv('a.test', 5061)] } }, uri: 'sips:x.test', want: ['tls 192.0.2.1 5061'] },
  { name: 'priorities in order, every address of each', zone: { '_sip._udp.x.test': { srv: [srv('a.test', 5060, 20), srv('b.test', 5062, 10)] } }, uri: 'sip:x.test', want: ['udp 192.0.2.2 5062', 'udp 2001:db8::2 5062', 'udp 192.0.2.1 5060'] },
  { name: 'a server without an address is passed over', zone: { '_sip._udp.x.test': { srv: [srv('gone.test', 5060, 1), srv('a.test', 5060, 2)] } }, uri: 'sip:x.test', want: ['udp 192.0.2.1 5060'] },
  { name: 'no server has an address', zone: { '_sip._udp.x.test': { srv: [srv('gone.test', 5060)] } }, uri: 'sip:x.test', want: ['dns: gone.test: ENOTFOUND'] },
  { name: 'a target "." says that there is no such service', zone: { '_sip._udp.x.test': { srv: [srv('', 0)] } }, uri: 'sip:x.test', want: ['dns: _sip._udp.x.test: the service is decidedly not there (RFC 2782)'] },
  { name: 'a resolver that fails at SRV is no absence', zone: { '_sip._udp.a.test': { fails: 'ESERVFAIL' } }, uri: 'sip:a.test', want: ['dns: _sip._udp.a.test: ESERVFAIL'] },
  { name: 'nor at NAPTR', zone: { 'a.test': { fails: 'ETIMEOUT' } }, uri: 'sip:a.test', want: ['dns: NAPTR of a.test: ETIMEOUT'] },
  { name: 'a resolver that knows no NAPTR', zone: { 'x.test': { fails: 'ENOTIMP' }, '_sip._udp.x.test': { srv: [srv('a.test', 5060)] } }, uri: 'sip:x.test', want: ['udp 192.0.2.1 5060'] },
  { name: 'what DNS doesn\'t know the hosts file may', zone: { 'pbx.lan': { machine: ['10.0.0.7'] } }, uri: 'sip:pbx.lan', want: ['udp 10.0.0.7 5060'] },
  { name: 'a name without a dot is the machine\'s', zone: { pbx: { machine: ['10.0.0.8', '::1'], a: ['192.0.2.66'] } }, uri: 'sip:pbx', want: ['udp 10.0.0.8 5060', 'udp ::1 5060'] },
  { name: 'the machine\'s answer is of the local address\' family, too', zone: { pbx: { machine: ['10.0.0.8', '::1'] } }, uri: 'sip:pbx', localAddress: '::1', want: ['udp ::1 5060'] },
  { name: 'nobody knows it', uri: 'sip:nowhere.test', want: ['dns: nowhere.test: ENOTFOUND'] },
  { name: 'at most sixteen addresses', zone: { 'many.test': { a: Array.from({ length: 40 }, (_, index) => `192.0.2.${index}`) } }, uri: 'sip:many.test:5060', want: Array.from({ length: 16 }, (_, index) => `udp 192.0.2.${index} 5060`) }
]

test('where a target is (RFC 3263 §4)', async (t) => {
  for (const { name, zone = {}, uri, transport, localAddress, want } of CASES) t.same(lines(await ask(zone, uri, transport, localAddress)), want, name)
})

test('within a priority, servers are drawn by weight (RFC 2782)', (t) => {
  const first = new Map<string, number>()
  const records = [srv('heavy', 1, 1, 60), srv('light', 1, 1, 20), srv('zero', 1, 1, 0), srv('last', 1, 2, 0)]
  for (let turn = 0; turn < 4000; turn++) {
    const ordered = orderSrv(records, systemRandom).map(({ name }) => name)
    first.set(ordered[0] ?? '', (first.get(ordered[0] ?? '') ?? 0) + 1)
    if (ordered.length !== 4 || ordered[3] !== 'last' || new Set(ordered).size !== 4) t.fail(ordered.join())
  }
  t.ok((first.get('heavy') ?? 0) > 2800 && (first.get('heavy') ?? 0) < 3200, `heavy first: ${first.get('heavy')} of 4000`)
  t.ok((first.get('light') ?? 0) > 800 && (first.get('light') ?? 0) < 1200, `light first: ${first.get('light')} of 4000`)
  t.same(orderSrv(['a', 'b'].map((name) => srv(name, 1, 1, 0)), { fraction: () => 0.99 }).map(({ name }) => name), ['a', 'b'], 'all weights 0')
  t.end()
})

test('answers are kept for their time and no longer', async (t) => {
  const clock = createFakeClock()
  const zone = createZone({ 'a.test': { a: ['192.0.2.1'], ttl: 20 }, 'short.test': { a: ['192.0.2.2'], ttl: 0 }, '_sip._udp.a.test': { srv: [srv('a.test', 1)] }, 'bad.test': { fails: 'ESERVFAIL' }, pbx: { machine: ['10.0.0.1'] } })
  const dns = createDns(clock, zone)
  const count = async (what: () => Promise<unknown>, afterMs: number): Promise<boolean> => {
    const before = zone.asked.length
    await clock.advance(afterMs)
    await what()
    return zone.asked.length > before
  }
  const cases: readonly { name: string; what: () => Promise<unknown>; keptMs: number }[] = [
    { name: 'a TTL', what: () => dns.addresses('a.test', 4), keptMs: 20_000 },
    { name: 'a TTL of 0: one second', what: () => dns.addresses('short.test', 4), keptMs: 1000 },
    { name: 'SRV', what: () => dns.srv('_sip._udp.a.test'), keptMs: SERVICE_TTL_MS },
    { name: 'no such record', what: () => dns.addresses('a.test', 6), keptMs: 10_000 },
    { name: 'no such name', what: () => dns.naptr('gone.test'), keptMs: 10_000 },
    { name: 'a failure', what: () => dns.naptr('bad.test'), keptMs: 2000 },
    { name: 'the machine', what: () => dns.machine('pbx'), keptMs: 30_000 }
  ]
  for (const { name, what, keptMs } of cases) {
    t.equal(await count(what, 0), true, `${name}: asked`)
    t.equal(await count(what, keptMs - 1), false, `${name}: kept`)
    t.equal(await count(what, 1), true, `${name}: asked again`)
  }
  zone.entries['slow.test'] = { silent: true }
  void dns.addresses('slow.test', 4)
  t.equal(await count(async () => { void dns.addresses('slow.test', 4) }, 60_000), false, 'a question that is open is not asked twice')
})

test('a record that comes is seen after the negative answer\'s time', async (t) => {
  const clock = createFakeClock()
  const zone = createZone({})
  const dns = createDns(clock, zone)
  t.match(await dns.addresses('new.test', 4), { kind: 'absent', code: 'ENOTFOUND' })
  zone.entries['new.test'] = { a: ['192.0.2.5'] }
  await clock.advance(10_000)
  t.same(await dns.addresses('new.test', 4), { kind: 'found', records: ['192.0.2.5'] })
})
