/** Devices for the `http` driver: one that is made up, and three that answer as the vendors' documents say (deploy/examples/http-*.yaml). */
import { loadConfig } from '../../src/config/load.ts'
import { drivers } from '../../src/drivers/registry.ts'
import type { Stub } from './stubs.ts'
import type { Answer, Asked } from './unruly-server.ts'

const JSON_TYPE = { 'Content-Type': 'application/json' }
const json = (value: unknown, status = 200): Answer => ({ status, headers: JSON_TYPE, body: JSON.stringify(value) })

/** Of a driver whose account is checked: the credentials are those of the contract test. */
const BASIC = `Basic ${Buffer.from('pointsman:canary-one').toString('base64')}`
const REFUSED: Answer = { status: 401, headers: { 'WWW-Authenticate': 'Basic realm="device"' }, body: '' }

/** Settings for the made-up device, without its url. */
export const lineDevice = {
  read: {
    path: '/api/lines',
    enabled: { json: 'lines[name={{interface}}].admin', equals: 'up' },
    disabled: { json: 'lines[name={{interface}}].admin', equals: 'down' },
    absent: { json: 'lines[name={{interface}}]', not: true },
    registered: { json: 'lines[name={{interface}}].registered', equals: true },
    reaches: { json: 'lines[name={{interface}}].carrier', regex: '^reach' },
    calls: { json: 'lines[name={{interface}}].calls' }
  },
  enable: [{ method: 'PUT', path: '/api/lines/{{interface}}', headers: JSON_TYPE, body: '{"admin":"up"}', expect: { json: 'result', equals: 'ok' } }],
  disable: [{ method: 'PUT', path: '/api/lines/{{interface}}', headers: JSON_TYPE, body: '{"admin":"down"}', expect: { json: 'result', equals: 'ok' } }],
  reregister: [{ method: 'POST', path: '/api/lines/{{interface}}/register' }],
  running_state: true
}

/** Its key stands in a header field of its own. */
export function lineStub (): Stub {
  const lines = [
    { name: 'line+1', admin: 'up', registered: true, carrier: 'reachable', calls: 0, secret: 'sip-canary' },
    { name: 'line2', admin: 'down', registered: false, carrier: 'reachable', calls: 0, secret: 'sip-canary' }
  ]
  return {
    answer: ({ method, path, body, headers }, isIgnored) => {
      if (headers['x-api-key'] !== 'canary-one') return { status: 403, body: '' }
      if (method === 'GET' && path === '/api/lines') return json({ lines })
      const one = new URL(path, 'http://x').searchParams.get('of')
      if (method === 'GET' && one !== null) return json({ lines: lines.filter(({ name }) => name === one) })
      const line = lines.find(({ name }) => path.startsWith(`/api/lines/${encodeURIComponent(name)}`))
      if (line === undefined) return json({ error: 'no such line' }, 404)
      if (method === 'PUT' && !isIgnored) line.admin = (JSON.parse(body) as { admin: string }).admin
      return json({ result: 'ok' })
    },
    isWrite: ({ method }) => method !== 'GET',
    runs: (name) => lines.some((line) => line.name === name && line.admin === 'up')
  }
}

/** Which interfaces are on, by the name in the example; and the value of its variable. */
function states (variable: Readonly<Record<string, string>>) {
  const on = new Map([['acme', true], ['beta', false]])
  const named = (value: string): string | undefined => Object.entries(variable).find(([, each]) => each === value)?.[0]
  return { on, named }
}

/** Oracle: token, lock, session agents, save and activate. A change counts when it was activated. */
export function oracleStub (): Stub & { readonly isLocked: () => boolean } {
  const { on, named } = states({ acme: '10.0.9.1', beta: '10.0.9.2' })
  const edited = new Map(on)
  let isLocked = false
  const agent = (hostname: string, state: boolean): string => `<?xml version='1.0' encoding='UTF-8' standalone='yes'?>
<response><data><configElement><elementType>session-agent</elementType>
  <attribute><name>hostname</name><value>${hostname}</value></attribute>
  <attribute><name>state</name><value>${state ? 'enabled' : 'disabled'}</value></attribute>
</configElement></data></response>
`
  const execute = ({ method, path, body }: Asked, isIgnored: boolean): Answer => {
    const url = new URL(path, 'http://x')
    const [, version, section, part] = /^\/rest\/(v1\.\d)\/(\w+)\/(\w+)$/.exec(url.pathname) ?? []
    if (version === undefined || section !== 'configuration') return { status: 404, body: '' }
    if (part === 'lock') { isLocked = true; return { status: 204, body: '' } }
    if (part === 'unlock') { isLocked = false; return { status: 204, body: '' } }
    const hostname = method === 'GET' ? url.searchParams.get('hostname') : /<name>hostname<\/name><value>([^<]*)</.exec(body)?.[1]
    const name = named(hostname ?? '')
    if (part === 'configElements') {
      if (name === undefined) return { status: 404, body: '' }
      if (method === 'GET') return { headers: { 'Content-Type': 'application/xml' }, body: agent(hostname!, edited.get(name)!) }
      if (!isLocked) return { status: 403, body: '' }
      if (!isIgnored) edited.set(name, body.includes('<value>enabled</value>'))
      return { body: '' }
    }
    if (url.searchParams.get('action') === 'activate' && !isIgnored) for (const [each, state] of edited) on.set(each, state)
    return { body: '' }
  }
  return {
    answer: (asked, isIgnored) => {
      if (/^\/rest\/v1\.\d\/auth\/token$/.test(asked.path)) return asked.authorization === BASIC && asked.method === 'POST' ? { headers: { 'Content-Type': 'application/xml' }, body: '<response><data><accessToken>canary-token</accessToken></data></response>' } : REFUSED
      return asked.authorization === 'Bearer canary-token' ? execute(asked, isIgnored) : { status: 401, body: '' }
    },
    isWrite: ({ method, path }) => method !== 'GET' && !path.includes('/auth/'),
    runs: (name) => on.get(name) === true,
    isLocked: () => isLocked
  }
}

/** Cisco: a presence leaf, set by PATCH and removed by DELETE. */
export function cubeStub (): Stub {
  const { on, named } = states({ acme: '100', beta: '200' })
  const base = '/restconf/data/Cisco-IOS-XE-native:native/dial-peer/Cisco-IOS-XE-voice:voice='
  return {
    answer: ({ method, path, body, authorization }, isIgnored) => {
      if (authorization !== BASIC) return REFUSED
      const [tag = '', leaf] = path.startsWith(base) ? path.slice(base.length).split('/') : []
      const name = named(tag)
      if (name === undefined) return { status: 404, headers: { 'Content-Type': 'application/yang-data+json' }, body: '{"errors":{"error":[{"error-tag":"invalid-value"}]}}' }
      if (method === 'GET') return { headers: { 'Content-Type': 'application/yang-data+json' }, body: JSON.stringify({ 'Cisco-IOS-XE-voice:voice': { tag, 'description': 'carrier', ...on.get(name) === true ? {} : { shutdown: [null] } } }) }
      if (method === 'DELETE' && leaf === 'shutdown') {
        if (on.get(name) === true) return { status: 404, body: '' }
        if (!isIgnored) on.set(name, true)
      } else if (method === 'PATCH' && body.includes('"shutdown": [null]')) {
        if (!isIgnored) on.set(name, false)
      } else return { status: 405, body: '' }
      return { status: 204, body: '' }
    },
    isWrite: ({ method }) => method !== 'GET',
    runs: (name) => on.get(name) === true
  }
}

/** AudioCodes: a script in, its output back. The script's language is the example's: words in capitals. */
export function audiocodesStub (): Stub {
  const { on, named } = states({ acme: 'carrier-acme', beta: 'carrier-beta' })
  const scriptOf = (body: string): string => /\r\n\r\n(.*)\r\n--pointsman--\r\n?$/s.exec(body)?.[1] ?? ''
  return {
    answer: ({ method, path, body, authorization }, isIgnored) => {
      if (authorization !== BASIC) return REFUSED
      if (method === 'POST' && path === '/api/v1/actions/saveConfiguration') return { body: '' }
      if (method !== 'PUT' || path !== '/api/v1/files/cliScript/incremental') return json({ error: 'no such path' }, 404)
      const [, verb, group = ''] = /^(SHOW THE STATE OF|PUT|TAKE) (\S+)/.exec(scriptOf(body)) ?? []
      const name = named(group)
      if (verb === undefined) return json({ description: 'script incorrect' }, 400)
      if (name !== undefined && verb !== 'SHOW THE STATE OF' && !isIgnored) on.set(name, verb === 'PUT')
      const output = name === undefined ? `${group} unknown` : `${group}   ${on.get(name) === true ? 'enabled' : 'disabled'}`
      return json({ description: 'Incremental CLI Script file was loaded.', output: `# show\n${output}\n` })
    },
    isWrite: ({ body, path }) => path.endsWith('saveConfiguration') || !body.includes('SHOW THE STATE OF'),
    runs: (name) => on.get(name) === true
  }
}

/** Gateway of an example in deploy/, with the variables that the stubs know; `gamma` is an interface that they don't have. */
export async function exampleSettings (name: 'oracle-sbc' | 'cisco-cube' | 'audiocodes'): Promise<Readonly<Record<string, unknown>>> {
  const loaded = await loadConfig(new URL(`../../deploy/examples/http-${name}.yaml`, import.meta.url).pathname, drivers, {}, 'optional')
  if (!loaded.ok) throw new Error(loaded.problems.map(({ line, message }) => `${line}: ${message}`).join('\n'))
  const { ca: _ca, url: _url, ...settings } = loaded.config.gateways[0]!.settings
  const [variable = ''] = Object.keys((settings['interfaces'] as Record<string, Record<string, string>>)['acme'] ?? {})
  const values = { 'oracle-sbc': ['10.0.9.1', '10.0.9.2', '10.0.9.9'], 'cisco-cube': ['100', '200', '900'], audiocodes: ['carrier-acme', 'carrier-beta'] }[name]
  return { ...settings, interfaces: Object.fromEntries(values.map((value, index) => [['acme', 'beta', 'gamma'][index]!, { [variable]: value }])) }
}
