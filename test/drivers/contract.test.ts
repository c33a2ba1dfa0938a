import { readFileSync } from 'node:fs'
import tap, { test } from 'tap'
import type { Test } from 'tap'
import { systemClock as clock, systemRandom as random } from '../../src/clock.ts'
import type { DriverCapabilities } from '../../src/core/topology.ts'
import { createDriver, drivers } from '../../src/drivers/registry.ts'
import type { GatewayDriver } from '../../src/ports.ts'
import { createSecret } from '../../src/secret.ts'
import { createSimulatedDevicesApp } from '../../src/simulator/devices-app.ts'
import { createSimulatedGateway } from '../../src/simulator/innovaphone-gateway.ts'
import type { GatewayFaults } from '../../src/simulator/gateway-faults.ts'
import { asteriskStub } from './asterisk-stub.ts'
import { testContract } from './contract.ts'
import type { MakeSubject, Wire } from './contract-subject.ts'
import { createDnsStub, NOT_IN_DNS } from './dns-stub.ts'
import { freeswitchStub } from './freeswitch-stub.ts'
import { audiocodesStub, cubeStub, exampleSettings, lineDevice, lineStub, oracleStub } from './http-stubs.ts'
import { innovaphoneStub, kamailioDispatcherStub, kamailioStub, powerdnsStub } from './stubs.ts'
import { opensipsStub } from './opensips-stub.ts'
import type { Stub } from './stubs.ts'
import { createUnrulyServer } from './unruly-server.ts'
import type { Misbehaviour } from './unruly-server.ts'

const PASSWORD = 'canary-one'
const account = { username: 'pointsman', password: createSecret(PASSWORD) }
const accountSecrets = [PASSWORD, Buffer.from(`pointsman:${PASSWORD}`).toString('base64')]
/** What an innovaphone's line holds beside the password, too. */
const secrets = [...accountSecrets, 'acme.example']

const PEM = (name: string): string => readFileSync(new URL(`../fixtures/drivers/tls-${name}.pem`, import.meta.url), 'utf8')

/** Certificate of the gateway, and what the driver trusts. */
function certificates (wire: Wire): { readonly pem?: string; readonly ca?: string } {
  switch (wire) {
    case 'plain': return {}
    case 'tls': return { pem: PEM('127.0.0.1'), ca: PEM('127.0.0.1') }
    case 'wrong-name': return { pem: PEM('other.test'), ca: PEM('other.test') }
    case 'unknown-issuer': return { pem: PEM('127.0.0.1'), ca: PEM('other.test') }
  }
}

function capabilitiesOf (kind: string, settings: object, name: string): DriverCapabilities {
  const own = drivers.get(kind)?.interfaces.find((each) => each.takes(name))
  if (own === undefined) throw new Error(`no interface of ${kind} is named ${name}`)
  return own.capabilities({ ...settings })
}

function stubbed (kind: string, stub: () => Stub, path: string, settings: object, names: { on: string; off: string; absent: string }, own = secrets): MakeSubject {
  return async (t: Test, wire = 'plain') => {
    const gateway = stub()
    const { pem, ca } = certificates(wire)
    const server = await createUnrulyServer({ ...gateway, ...pem === undefined ? {} : { pem } })
    const driver = createDriver(kind, { url: `${server.url}${path}`, ...settings, ...ca === undefined ? {} : { ca } }, { clock, random })
    t.teardown(async () => { await driver.close(); await server.close() })
    return {
      driver, names, secrets: own, capabilities: capabilitiesOf(kind, settings, names.on), runs: gateway.runs,
      misbehave: (kind, only) => { server.misbehave(kind, only); return Promise.resolve(true) },
      paths: () => server.asked.map(({ path }) => path),
      switchOff: () => server.close()
    }
  }
}

/** What the simulator can do of it, as its own faults. */
const SIMULATED: Partial<Record<Misbehaviour, Partial<GatewayFaults>>> = {
  silent: { http: 'frozen' }, html: { reply: 'html' }, redirect: { reply: 'redirect' }, error: { reply: 'error' }, truncated: { cfg: 'broken-off' }
}
const SIMULATED_ON_WRITES: Partial<Record<Misbehaviour, Partial<GatewayFaults>>> = {
  ignored: { ignored: ['change', 'add', 'rem'] }, late: { activate: 'reset-after' }, 'reset-early': { activate: 'reset-before' }
}

/** A driver on its way to the simulator. */
type Connect = (t: Test, url: string) => Promise<{ readonly driver: GatewayDriver; readonly switchOff?: () => Promise<void> }>

const directly = (settings: object): Connect => async (t, url) => {
  const driver = createDriver('innovaphone', { url, ...account, ...settings }, { clock, random })
  t.teardown(() => driver.close())
  return { driver }
}

/** The gateway misbehaves behind the App, which passes its answers on. */
const throughDevicesApp: Connect = async (t, url) => {
  const device = '0090334100be'
  const authorization = `Basic ${Buffer.from(`pointsman:${PASSWORD}`).toString('base64')}`
  const app = await createSimulatedDevicesApp({ host: '127.0.0.1', app: 'devices', password: 'canary-app', domain: '', random, devices: new Map([[device, { url, authorization }]]) })
  const driver = createDriver('innovaphone', { url: app.url, username: 'devices', password: createSecret('canary-app'), device }, { clock, random })
  t.teardown(async () => { await driver.close(); await app.stop() })
  return { driver, switchOff: () => app.stop() }
}

const simulated = (connect: Connect): MakeSubject => async (t, wire = 'plain') => {
  if (wire !== 'plain') return null
  const line = { username: '4930123', domain: 'acme.example', password: 'sip-canary', proxy: '127.0.0.1:9', expires: 60 }
  const gateway = await createSimulatedGateway({
    name: 'pbx-a', host: '127.0.0.1', username: 'pointsman', password: PASSWORD, clock, random,
    interfaces: [{ ...line, name: 'SIP1', enabled: true, label: 'acme' }, { ...line, name: 'SIP2', enabled: false, label: 'acme' }]
  })
  t.teardown(() => gateway.stop())
  return {
    secrets: [...secrets, 'sip-canary', 'canary-app'], capabilities: capabilitiesOf('innovaphone', {}, 'SIP1'), names: { on: 'SIP1', off: 'SIP2', absent: 'SIP16' },
    runs: (name) => gateway.state(name).running === 'enabled',
    misbehave: async (kind, only) => {
      await gateway.clear()
      const faults = kind === null ? {} : (only === 'writes' ? SIMULATED_ON_WRITES : SIMULATED)[kind]
      await gateway.inject(faults ?? {})
      return faults !== undefined
    },
    switchOff: () => gateway.kill(),
    ...await connect(t, gateway.url)
  }
}

const TSIG_SECRET = Buffer.from('canary-tsig').toString('base64')

const dynamicUpdates: MakeSubject = async (t, wire = 'plain') => {
  if (wire !== 'plain') return null
  const record = { weight: 100, port: 5060 }
  const server = await createDnsStub('_sip._udp.lab.example', 'pointsman', TSIG_SECRET, [{ ...record, priority: 10, target: 'a.lab.example' }, { ...record, priority: 100, target: 'b.lab.example' }])
  const settings = { server: `127.0.0.1:${server.port}`, key_name: 'pointsman', key: createSecret(TSIG_SECRET), ...SRV }
  const driver = createDriver('rfc2136', settings, { clock, random })
  t.teardown(async () => { await driver.close(); await server.close() })
  return {
    driver, names: TARGETS, secrets: [TSIG_SECRET, 'canary-tsig'], capabilities: capabilitiesOf('rfc2136', settings, TARGETS.on),
    runs: (name) => server.lines().some(({ target, priority }) => target === name && priority < 100),
    misbehave: (kind, only) => {
      if (kind !== null && NOT_IN_DNS.has(kind)) return Promise.resolve(false)
      server.misbehave(kind, only)
      return Promise.resolve(true)
    },
    switchOff: () => server.close()
  }
}

const SRV = { zone: 'lab.example', records: ['_sip._udp.lab.example'] }
const TARGETS = { on: 'a.lab.example', off: 'b.lab.example', absent: 'c.lab.example' }

const subjects: readonly { name: string; kind: string; make: MakeSubject }[] = [
  { name: 'innovaphone, documented bytes', kind: 'innovaphone', make: stubbed('innovaphone', innovaphoneStub, '', account, { on: 'SIP1', off: 'SIP2', absent: 'SIP16' }) },
  { name: 'innovaphone, the simulator', kind: 'innovaphone', make: simulated(directly({})) },
  { name: 'innovaphone, the flag only', kind: 'innovaphone', make: simulated(directly({ edit: 'add-rem' })) },
  { name: 'innovaphone, captured requests', kind: 'innovaphone', make: simulated(directly({ raw: Object.fromEntries(['SIP1', 'SIP2', 'SIP16'].map((name) => [name, { enable: `/RELAY0/${name}/mod_cmd.xml?cmd=form&disable=off`, disable: `/RELAY0/${name}/mod_cmd.xml?cmd=form&disable=on` }])) })) },
  { name: 'innovaphone, through the Devices App', kind: 'innovaphone', make: simulated(throughDevicesApp) },
  {
    name: 'kamailio, recorded bytes', kind: 'kamailio',
    make: stubbed('kamailio', kamailioStub, '/RPC', { token: createSecret(PASSWORD), dispatcher_group: 1, dialogs: true }, { on: 'trunk1', off: 'trunk2', absent: 'nope' })
  },
  {
    name: 'kamailio, destinations, recorded bytes', kind: 'kamailio',
    make: stubbed('kamailio', kamailioDispatcherStub, '/RPC', { token: createSecret(PASSWORD) }, { on: 'dispatcher:1:sip:127.0.0.1:15060', off: 'dispatcher:1:sip:127.0.0.1:9;transport=udp', absent: 'dispatcher:2:sip:127.0.0.1:9;transport=udp' })
  },
  {
    name: 'http, a device that is made up', kind: 'http',
    make: stubbed('http', lineStub, '', { token: createSecret(PASSWORD), token_header: 'X-API-Key', ...lineDevice }, { on: 'line+1', off: 'line2', absent: 'line9' }, [PASSWORD, 'sip-canary'])
  },
  ...(['oracle-sbc', 'cisco-cube', 'audiocodes'] as const).map((name) => ({
    name: `http, the example for ${name}`, kind: 'http',
    make: async (t: Test, wire: Wire = 'plain') => stubbed('http', { 'oracle-sbc': oracleStub, 'cisco-cube': cubeStub, audiocodes: audiocodesStub }[name], '', { ...await exampleSettings(name), ...account }, { on: 'acme', off: 'beta', absent: 'gamma' }, [...accountSecrets, 'canary-token'])(t, wire)
  })),
  { name: 'powerdns, recorded bytes', kind: 'powerdns', make: stubbed('powerdns', powerdnsStub, '', { token: createSecret(PASSWORD), ...SRV }, TARGETS) },
  { name: 'rfc2136, a stub of a primary server', kind: 'rfc2136', make: dynamicUpdates },
  {
    name: 'opensips, registrants, documented bytes', kind: 'opensips',
    make: stubbed('opensips', () => opensipsStub(3), '/mi', account, { on: 'sip:4930123@acme.example', off: 'sip:4930124@acme.example', absent: 'sip:nobody@acme.example' }, accountSecrets)
  },
  {
    name: 'opensips 4, destinations, documented bytes', kind: 'opensips',
    make: stubbed('opensips', () => opensipsStub(4), '/mi', { ...account, version: 4 }, { on: 'dispatcher:1:sip:10.0.9.1:5060', off: 'dispatcher:1:sip:10.0.9.2:5060', absent: 'dispatcher:1:sip:10.0.9.9' })
  },
  {
    name: 'opensips, routed gateways, documented bytes', kind: 'opensips',
    make: stubbed('opensips', () => opensipsStub(3), '/mi', account, { on: 'drouting:gw1', off: 'drouting:gw2', absent: 'drouting:gw9' })
  },
  {
    name: 'freeswitch, documented bytes', kind: 'freeswitch',
    make: stubbed('freeswitch', freeswitchStub, '', account, { on: 'acme', off: 'acme2', absent: 'nope' }, [...accountSecrets, 'sbc.acme.example'])
  },
  {
    name: 'asterisk, recorded bytes', kind: 'asterisk',
    make: stubbed('asterisk', asteriskStub, '/asterisk', account, { on: 'acme', off: 'acme2', absent: 'nope' }, [...accountSecrets, 'sip-canary'])
  },
  {
    name: 'asterisk with endpoints, recorded bytes', kind: 'asterisk',
    make: stubbed('asterisk', asteriskStub, '/asterisk', account, { on: 'acme:out', off: 'acme2:out', absent: 'nope:out' }, [...accountSecrets, 'sip-canary'])
  }
]

// They mostly wait for deadlines.
tap.jobs = 4
for (const { name, make } of subjects) test(name, { buffered: true }, async (t) => testContract(t, make))

test('every kind of the registry is held to the contract', async (t) => {
  t.same([...new Set(subjects.map(({ kind }) => kind))].sort(), [...drivers.values()].filter(({ isOwnPart }) => isOwnPart !== true).map(({ name }) => name).sort())
})
