import { test } from 'tap'
import type { Config } from '../../src/config/config.ts'
import { loadConfig } from '../../src/config/load.ts'
import { drivers } from '../../src/drivers/registry.ts'
import { discover } from '../../src/exporter/discovery.ts'
import { createFindProbe } from '../../src/exporter/find-probe.ts'

const FILE = `
probes:
  options: {method: OPTIONS, timeout: 1s}
  slow: {method: OPTIONS, interval: 1m, timeout: 10s}
targets:
  - {uri: 'sip:sbc.acme.example', probe: options, labels: {site: berlin}}
  - {uri: 'sip:192.0.2.1', probe: slow}
  - {uri: 'sip:192.0.2.2', probe: slow, on_demand: true}
  - {uri: 'sip:192.0.2.2', probe: options, on_demand: true}
exporter: {allow: [10.0.0.0/8, 172.16.0.1, '2001:db8::/32', gw.acme.example]}
`

const load = async (testdir: string): Promise<Config> => {
  const loaded = await loadConfig(`${testdir}/pointsman.yaml`, drivers)
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems))
  return loaded.config
}

test('what may be probed, and by which module', async (t) => {
  const find = createFindProbe(await load(t.testdir({ 'pointsman.yaml': FILE })))
  const cases: { name: string; target?: string; module?: string; want: string | RegExp }[] = [
    { name: 'a configured target, by its own module', target: 'sip:sbc.acme.example', want: 'options sip:sbc.acme.example' },
    { name: 'in another spelling', target: 'SIP:SBC.acme.example', want: 'options sip:sbc.acme.example' },
    { name: 'without its scheme', target: '192.0.2.1', want: 'slow sip:192.0.2.1' },
    { name: 'by another module', target: 'sip:192.0.2.1', module: 'options', want: 'options sip:192.0.2.1' },
    { name: 'one with two modules needs a choice', target: '192.0.2.2', want: /give `module`, one of: options, slow/ },
    { name: 'and takes it', target: '192.0.2.2', module: 'slow', want: 'slow sip:192.0.2.2' },
    { name: 'an address in an allowed network', target: 'sip:10.20.30.40:5070', module: 'options', want: 'options sip:10.20.30.40:5070' },
    { name: 'with several modules it needs a choice', target: 'sip:10.20.30.40', want: /give `module`/ },
    { name: 'an allowed address', target: '172.16.0.1', module: 'options', want: 'options sip:172.16.0.1' },
    { name: 'its neighbour', target: '172.16.0.2', module: 'options', want: /neither configured/ },
    { name: 'an allowed IPv6 network', target: 'sip:[2001:db8::5]', module: 'options', want: 'options sip:[2001:db8::5]' },
    { name: 'another IPv6 network', target: 'sip:[2001:db9::5]', module: 'options', want: /neither configured/ },
    { name: 'an allowed network in IPv6 clothes is that network', target: 'sip:[::ffff:10.1.2.3]', module: 'options', want: 'options sip:[::ffff:10.1.2.3]' },
    { name: 'an allowed name', target: 'gw.acme.example', module: 'options', want: 'options sip:gw.acme.example' },
    { name: 'a name below it', target: 'x.gw.acme.example', module: 'options', want: /neither configured/ },
    { name: 'a name that ends like it', target: 'evilgw.acme.example', module: 'options', want: /neither configured/ },
    { name: 'a user part changes nothing', target: 'sip:10.1.1.1@192.0.2.9', module: 'options', want: /neither configured/ },
    { name: 'loopback', target: '127.0.0.1', module: 'options', want: /neither configured/ },
    { name: 'the cloud\'s metadata', target: '169.254.169.254', module: 'options', want: /neither configured/ },
    { name: 'an unknown module', target: '192.0.2.1', module: 'nonsense', want: /no such module; known: options, slow/ },
    { name: 'a module with an object\'s name', target: '192.0.2.1', module: 'constructor', want: /no such module/ },
    { name: 'no target', want: /`target` is missing/ },
    { name: 'an empty target', target: '', want: /`target` is missing/ },
    { name: 'no SIP address', target: 'http://192.0.2.1/', module: 'options', want: /`target` / },
    { name: 'a line break', target: 'sip:192.0.2.1\r\nX: y', module: 'options', want: /`target` / }
  ]
  for (const { name, target, module, want } of cases) {
    const found = find(target, module)
    if (typeof want === 'string') t.equal(found.ok ? found.probe.id : found.message, want, name)
    else t.match(found.ok ? found.probe.id : found.message, want, name)
  }
  t.match(find('127.0.0.1', 'options'), { kind: 'forbidden' })
  t.match(find('', 'options'), { kind: 'malformed' })
})

test('a module with an account asks configured targets only, and REGISTER is never asked for', async (t) => {
  const config = await load(t.testdir({ 'pointsman.yaml': FILE }))
  const options = config.modules.get('options')
  if (options === undefined) throw new Error('no module')
  const secret = { reveal: () => 'x', toString: () => '<secret>' as const, toJSON: () => '<secret>' as const }
  const modules = new Map([['options', { ...options, request: { method: 'OPTIONS' as const, credentials: { username: 'u', password: secret } } }]])
  const find = createFindProbe({ ...config, modules })
  t.match(find('sip:sbc.acme.example', 'options'), { ok: true })
  t.match(find('10.1.1.1', 'options'), { ok: false, kind: 'forbidden', message: /has an account/ })
  t.match(find('192.0.2.1', 'options'), { ok: false, kind: 'forbidden' }, 'configured, but with another module')
  const register = new Map([['options', { ...options, request: { method: 'REGISTER' as const, operation: 'query' as const, credentials: { username: 'u', password: secret } } }]])
  t.match(createFindProbe({ ...config, modules: register })('sip:sbc.acme.example', 'options'), { ok: false, kind: 'forbidden', message: /sends REGISTER/ }, 'not even a configured one')
})

test('service discovery lists every target with its module and labels, and who probes it', async (t) => {
  t.same(discover(await load(t.testdir({ 'pointsman.yaml': FILE }))), [
    { targets: ['sip:sbc.acme.example'], labels: { site: 'berlin', __meta_pointsman_module: 'options', __meta_pointsman_scheduled: 'true' } },
    { targets: ['sip:192.0.2.1'], labels: { __meta_pointsman_module: 'slow', __meta_pointsman_scheduled: 'true' } },
    { targets: ['sip:192.0.2.2'], labels: { __meta_pointsman_module: 'slow', __meta_pointsman_scheduled: 'false' } },
    { targets: ['sip:192.0.2.2'], labels: { __meta_pointsman_module: 'options', __meta_pointsman_scheduled: 'false' } }
  ])
})
