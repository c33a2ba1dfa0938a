import { test } from 'tap'
import { parseContent, parseZone, zoneUrl } from '../../src/drivers/powerdns-zone.ts'

const NAME = '_sip._udp.lab.example'
const zone = (more: object, rrsets: readonly object[] = [{ name: `${NAME}.`, type: 'SRV', ttl: 30, records: [{ content: '10 100 5060 A.lab.example.', disabled: false }] }]): string => JSON.stringify({ kind: 'Native', soa_edit_api: '', rrsets, ...more })

test('a record as the API writes it', async (t) => {
  t.same(parseContent('10 100 5060 SBC.lab.example.', true), { priority: 10, weight: 100, port: 5060, target: 'sbc.lab.example', hidden: true })
  for (const text of ['', '10 100 5060', '10 100 x a.', '10 100 5060 a. b.', '100000 1 1 a.x']) t.equal(parseContent(text, false), null, text)
})

test('the set of one name in a zone', async (t) => {
  t.same(parseZone(zone({}), NAME), { set: { name: NAME, ttl: 30, records: [{ priority: 10, weight: 100, port: 5060, target: 'a.lab.example', hidden: false }] }, isDeaf: false })
  t.same(parseZone(zone({}, [{ name: `${NAME}.`, type: 'TXT', ttl: 30, records: [] }]), NAME)?.set.records, [], 'another type')
  t.same(parseZone(zone({}), '_sip._tcp.lab.example')?.set.records, [], 'another name')
  for (const text of ['', 'null', '{}', '[]', '{"rrsets":7}', zone({}, [{ name: `${NAME}.`, type: 'SRV', ttl: 'x', records: [] }]), zone({}, [{ name: `${NAME}.`, type: 'SRV', ttl: 1, records: [{ content: 'x' }] }])]) t.equal(parseZone(text, NAME), null, text)
})

test('a change that would reach nobody is known beforehand', async (t) => {
  const isDeaf = (more: object): unknown => parseZone(zone(more), NAME)?.isDeaf
  t.equal(isDeaf({ kind: 'Native', soa_edit_api: '' }), false, 'nobody copies it')
  t.equal(isDeaf({ kind: 'Master', soa_edit_api: '' }), true, 'its secondaries would see no new serial number')
  t.equal(isDeaf({ kind: 'Primary', soa_edit_api: 'DEFAULT' }), false)
  t.equal(isDeaf({ kind: 'Slave', soa_edit_api: 'DEFAULT' }), true, 'its primary would undo it')
})

test('the address of a zone', async (t) => {
  t.equal(zoneUrl({ url: 'http://127.0.0.1:8081/', zone: 'Lab.Example.' }), 'http://127.0.0.1:8081/api/v1/servers/localhost/zones/lab.example.')
})
