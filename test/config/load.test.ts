import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'tap'
import { parse, stringify } from 'yaml'
import { loadConfig, type LoadResult } from '../../src/config/load.ts'
import { renderPath, renderProblem, renderProblems, type Path } from '../../src/config/problems.ts'
import { ENV, kinds } from './kinds.ts'

const FIXTURES = join(import.meta.dirname, '../fixtures/config')

async function names (folder: string, extension: string): Promise<string[]> {
  const files = await readdir(join(FIXTURES, folder))
  return files.filter((name) => name.endsWith(extension)).map((name) => name.slice(0, -extension.length)).sort()
}

async function expectation (folder: string, name: string): Promise<string> {
  return await readFile(join(FIXTURES, folder, `${name}.txt`), 'utf8').catch(() => '')
}

function shown (name: string, result: LoadResult): string {
  return renderProblems(`${name}.yaml`, result.ok ? result.warnings : result.problems)
}

test('each good file loads, with exactly the warnings beside it', async (t) => {
  const good = await names('good', '.yaml')
  t.ok(good.length > 0)
  for (const name of good) {
    const result = await loadConfig(join(FIXTURES, 'good', `${name}.yaml`), kinds, ENV)
    t.equal(result.ok, true, name)
    t.equal(shown(name, result), await expectation('good', name), name)
  }
  t.same((await names('good', '.txt')).filter((name) => !good.includes(name)), [], 'warnings without a file')
})

test('each bad file is refused, with exactly the problems beside it', async (t) => {
  const bad = await names('bad', '.yaml')
  t.ok(bad.length > 0)
  t.same(await names('bad', '.txt'), bad, 'a text for each file, and a file for each text')
  for (const name of bad) {
    const result = await loadConfig(join(FIXTURES, 'bad', `${name}.yaml`), kinds, ENV)
    t.equal(result.ok, false, name)
    t.equal(shown(name, result), await expectation('bad', name), name)
  }
})

test('a file that is not there, or is no file, is a problem', async (t) => {
  t.same(await loadConfig(join(FIXTURES, 'none.yaml'), kinds), {
    ok: false,
    problems: [{ severity: 'error', line: 1, column: 1, path: '', message: 'there is no such file', hint: null }]
  })
  t.match(await loadConfig(FIXTURES, kinds), { ok: false, problems: [{ message: 'the file can\'t be read (EISDIR)' }] })
})

test('the configuration is what the file says, with defaults, in one spelling', async (t) => {
  const file = join(FIXTURES, 'good/pair-of-pbx.yaml')
  const result = await loadConfig(file, kinds, ENV)
  if (!result.ok) throw new Error('the file did not load')
  const { config } = result
  t.match(config, {
    file,
    mode: 'automatic',
    web: { host: '127.0.0.1', port: 9867 },
    storePath: join(FIXTURES, 'good/pointsman.db'),
    alertmanagers: [{ url: 'http://127.0.0.1:9093', username: null, password: null, token: null }],
    users: [{ name: 'alertmanager', role: 'webhook', password: null }, { name: 'anna', role: 'operator' }]
  })
  t.same(config.users.map(({ token }) => token?.reveal()), ['canary-am-token-7f3a', 'canary-anna-token-7f3a'], 'the line break at the end is no part of a secret')
  t.equal(config.users[1]?.password?.reveal(), 'canary-anna-7f3a', 'from the environment')
  const [first] = config.gateways
  t.match(first, { id: 'pbx-a', driver: 'box', timeoutMs: 5000, settings: { url: 'https://10.0.1.10', username: 'pointsman', auth: 'basic', insecure_tls: false, ca: /^-----BEGIN/ } })
  t.same(Object.keys(first?.settings ?? {}).filter((key) => /_(?:file|env)$|^(?:driver|timeout|observe)$/.test(key)), [], 'only the kind\'s own keys, resolved')
  t.same(config.probes.map(({ id, target }) => [id, target]), [
    ['options sip:10.0.1.10', { uri: 'sip:10.0.1.10', localAddress: '10.0.9.9' }],
    ['options sip:sbc.acme.example', { uri: 'sip:sbc.acme.example', localAddress: '10.0.9.9' }],
    ['options sip:10.0.2.10', { uri: 'sip:10.0.2.10', localAddress: '10.0.9.9' }]
  ], 'a target that two interfaces spell differently is one probe')
  t.match(config.bindings, [{ trunk: 'acme', target: { uri: 'sip:registrar.acme.example', aor: 'sip:4930123@acme.example' }, credentials: { username: '4930123' }, timeoutMs: 2000 }])
  t.equal(config.bindings[0]?.credentials.password.reveal(), 'canary-acme-7f3a')
})

test('the topology holds thresholds, intervals and interlocks in milliseconds', async (t) => {
  const result = await loadConfig(join(FIXTURES, 'good/pair-of-pbx.yaml'), kinds, ENV)
  if (!result.ok) throw new Error('the file did not load')
  const { topology } = result.config
  t.match(topology.gateways.get('pbx-a'), { observe: { intervalMs: 10_000, timeoutMs: 5000, fall: 3, rise: 2 } })
  t.match(topology.trunks.get('acme')?.interfaces, [{ registersWithinMs: 45_000 }, { registersWithinMs: 30_000, capabilities: { reportsRegistration: true } }], 'the driver\'s time where the file has none')
  t.same(topology.trunks.get('acme')?.registration, {
    auth: 'register', onSecond: 'reject', expiresMs: 300_000, query: { registrar: 'sip:registrar.acme.example', intervalMs: 150_000, doubtIntervalMs: 5000 },
    unproven: 'page', fencing: false, handover: 'separate'
  }, 'the registrar is asked at least twice in a binding\'s lifetime')
  t.match(topology.trunks.get('acme')?.interfaces[1], {
    key: 'pbx-b/SIP1', gateway: 'pbx-b', name: 'SIP1', sipProbe: 'options sip:10.0.2.10', carrierProbe: 'options sip:sbc.acme.example',
    contact: { hostPort: '10.0.2.10:5060', user: '4930123', instance: 'urn:uuid:1' }
  })
  t.match(topology.interlocks, { warmupMs: 120_000, cooldownMs: 600_000, spacingMs: [0, 60_000, 120_000, 240_000, 600_000], maxGapMs: 15_000 })
  t.match(topology.rules, [{ name: 'trunk-down', match: [{ name: 'alertname' }, { operator: '=~' }], target: { trunk: '{trunk}', gateway: '{gateway}', interface: '{interface}' }, evidence: 'probe' }])
  t.equal(topology.resyncs, true)
})

test('left out keys have safe values', async (t) => {
  const result = await loadConfig(join(FIXTURES, 'good/only-required-keys.yaml'), kinds, ENV)
  if (!result.ok) throw new Error('the file did not load')
  const { config } = result
  t.match(config, { mode: 'observe', web: { host: '127.0.0.1', port: 9867 }, users: [], alertmanagers: [], bindings: [], topology: { rules: [], resyncs: false } })
  t.match(config.topology.trunks.get('acme'), { mode: 'observe', failback: { policy: 'manual', window: null, drainMs: null }, emergency: false, minEnabled: 1, registration: { onSecond: 'reject', query: null } })
  t.match(config.topology.interlocks, { warmupMs: 120_000, cooldownMs: 600_000, spacingMs: [0, 60_000, 120_000, 240_000, 600_000], maxGapMs: 15_000 })
  t.same(config.topology.probes.get('options sip:10.0.1.10'), { fall: 3, rise: 2, intervalMs: 5000, timeoutMs: 2000 })
  t.throws(() => { (config.topology.interlocks as { cooldownMs: number }).cooldownMs = 0 }, 'frozen')
  t.throws(() => { (config.topology.trunks.get('acme') as { minEnabled: number }).minEnabled = 0 }, 'frozen inside a map')
})

test('a probe is what the file says: whom it is from, what counts, and its secrets', async (t) => {
  const result = await loadConfig(join(FIXTURES, 'good/probes.yaml'), kinds, ENV)
  if (!result.ok) throw new Error('the file did not load')
  const [everything, pair, holder, account] = result.config.probes
  const { tls, headers, ...target } = everything?.target ?? { uri: '' }
  t.same(target, {
    uri: 'sips:sbc.acme.example', transport: 'tls', connection: 'reuse', localAddress: '10.0.9.9', localPort: 5061, resolve: 'first',
    from: 'sip:pbx@acme.example', to: 'sip:ping@acme.example', contact: 'sip:pbx@10.0.9.9', userAgent: 'PBX 13r3'
  })
  t.same(headers, [['X-Tenant', 'acme'], ['Route', '<sip:edge.acme.example;lr>']])
  t.match(tls, { serverName: 'sbc.acme.example', ca: /^-----BEGIN/, certificate: /^-----BEGIN/, minVersion: 'TLSv1.3' })
  t.match(tls?.key?.reveal(), /^-----BEGIN/)
  t.notMatch(JSON.stringify(result.config.probes.map(({ request, target: { tls: own } }) => [request, own?.key])), /canary|BEGIN/, 'no secret is printed')
  t.same(everything?.policy, { alive: [[200, 479], [490, 502], [504, 699]], busy: true, slowMs: 500, retransmitted: 1 })
  t.same(everything?.thresholds, { fall: 4, rise: 3, intervalMs: 10_000, fastIntervalMs: 2000, timeoutMs: 3000 })
  t.match(everything?.request, { method: 'OPTIONS', credentials: { username: 'pbx' } })
  t.same(pair?.target, { uri: 'sip:sbc.acme.example', transport: 'tcp', health: 'all' })
  t.same(pair?.policy.alive, [[200, 299], [404, 404]])
  t.match(holder, { target: { aor: 'sip:4930123@acme.example' }, request: { method: 'REGISTER', operation: 'query', credentials: { username: '4930123' } }, policy: { alive: [[200, 299]] } })
  t.match(account, { request: { method: 'REGISTER', operation: 'bind', expiresSeconds: 120 }, policy: { alive: [[200, 200]] } })
  t.equal(account?.request.credentials?.password.reveal(), 'canary-acme-7f3a')
  t.same([...result.config.modules.keys()], ['everything', 'pair'], 'nobody else may have a REGISTER sent')
})

test('a trunk can be more careful than the whole, never less', async (t) => {
  const dir = t.testdir()
  const text = await readFile(join(FIXTURES, 'good/only-required-keys.yaml'), 'utf8')
  const cases = [['observe', 'automatic', 'observe'], ['automatic', 'observe', 'observe'], ['automatic', 'automatic', 'automatic']] as const
  for (const [global, own, effective] of cases) {
    const file = join(dir, `${global}-${own}.yaml`)
    await writeFile(file, `mode: ${global}\n${text.replace('type: exclusive', `type: exclusive\n    mode: ${own}`)}`)
    const result = await loadConfig(file, kinds, ENV)
    t.equal(result.ok && result.config.topology.trunks.get('acme')?.mode, effective, `${global} and ${own}`)
    const warned = result.ok && result.warnings.some(({ path }) => path === 'trunks.acme.mode')
    t.equal(warned, global === 'observe' && own === 'automatic', 'a wish that has no effect is told')
  }
})

/** Every key of the data, as a path. */
function paths (value: unknown, path: Path = []): Path[] {
  if (Array.isArray(value)) return value.flatMap((each, index) => paths(each, [...path, index]))
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, each]) => [[...path, key], ...paths(each, [...path, key])])
}

function without (value: unknown, path: Path): unknown {
  const copy = structuredClone(value)
  delete valueAt(copy, path.slice(0, -1))[path.at(-1) as string]
  return copy
}

function valueAt (value: unknown, path: Path): any {
  return path.reduce<any>((at, step) => at[step], value)
}

function replaced (value: unknown, path: Path, by: unknown): unknown {
  const copy = structuredClone(value)
  valueAt(copy, path.slice(0, -1))[path.at(-1) as string] = by
  return copy
}

/** The keys that a file can't do without; the names that an operator chose are none. */
function isRequired (path: Path): boolean {
  const key = String(path.at(-1))
  const required: Readonly<Record<string, readonly string[]>> = {
    '': ['probes', 'trunks'],
    gateways: ['driver', 'url', 'username'],
    probes: ['method', 'operation', 'username'],
    trunks: ['type', 'registration', 'interfaces', 'auth', 'expires', 'aor', 'gateway', 'interface', 'sip', 'probe', 'contact'],
    rules: ['name', 'match', 'target', 'trunk', 'demand'],
    web: ['name', 'role'],
    alertmanagers: ['url']
  }
  return (required[path.length === 1 ? '' : String(path[0])] ?? []).includes(key)
}

test('without any required key there is a problem at its place, without any other one the file still loads or says why', async (t) => {
  const text = await readFile(join(FIXTURES, 'good/pair-of-pbx.yaml'), 'utf8')
  const dir = t.testdir({ good: {}, secrets: {} })
  for (const name of await readdir(join(FIXTURES, 'secrets'))) await writeFile(join(dir, 'secrets', name), await readFile(join(FIXTURES, 'secrets', name)))
  const file = join(dir, 'good/mutant.yaml')
  const value: unknown = parse(text)
  const all = paths(value)
  t.ok(all.filter(isRequired).length > 35)
  for (const path of all) {
    await writeFile(file, stringify(without(value, path)))
    const result = await loadConfig(file, kinds, ENV)
    const name = renderPath(path)
    if (isRequired(path)) {
      t.equal(result.ok, false, `refused without ${name}`)
      t.ok(!result.ok && result.problems.some((problem) => problem.severity === 'error' && problem.path === name), `told at ${name}`)
    } else if (!result.ok) {
      t.ok(result.problems.every(({ line, column, message }) => line > 0 && column > 0 && message !== ''), `refused with a reason without ${name}`)
    }
  }
})

test('a value of another type is a problem there, and never an exception', async (t) => {
  const dir = t.testdir()
  const file = join(dir, 'mutant.yaml')
  const value: unknown = parse(await readFile(join(FIXTURES, 'good/pair-of-pbx.yaml'), 'utf8'))
  for (const wrong of [null, 7, true, [], ['x', 7], {}, { x: [1] }]) {
    for (const path of paths(value)) {
      await writeFile(file, stringify(replaced(value, path, wrong)))
      const result = await loadConfig(file, kinds, ENV)
      const name = renderPath(path)
      // Some values fit: a list may be empty, and so on. The secrets' files are not there, so nothing loads.
      const isScalar = typeof valueAt(value, path) !== 'object'
      if (isScalar && typeof wrong === 'object') t.ok(!result.ok && result.problems.some((problem) => problem.path.startsWith(name)), `${name}: ${JSON.stringify(wrong)}`)
      else t.equal(result.ok, false, `${name}: ${JSON.stringify(wrong)}`)
    }
  }
})

test('no secret is in a problem, in the configuration as JSON, or in its inspection', async (t) => {
  const files = [...(await names('good', '.yaml')).map((name) => `good/${name}`), ...(await names('bad', '.yaml')).map((name) => `bad/${name}`)]
  let secrets = 0
  for (const name of files) {
    const result = await loadConfig(join(FIXTURES, `${name}.yaml`), kinds, ENV)
    t.equal(JSON.stringify(result).includes('canary'), false, name)
    if (!result.ok) continue
    const { gateways, users, bindings, alertmanagers, heartbeat } = result.config
    const text = JSON.stringify({ gateways, users, bindings, alertmanagers, heartbeat, topology: [...result.config.topology.gateways] })
    t.equal(text.includes('canary'), false, name)
    secrets += text.split('<secret>').length - 1
  }
  t.ok(secrets > 10, 'there were secrets to hide')
})

test('a problem shows as file:line:column, with the hint in parentheses', (t) => {
  const problem = { severity: 'error', line: 3, column: 7, path: 'trunks.acme', message: 'something is wrong', hint: 'do this' } as const
  t.equal(renderProblem('a.yaml', problem), 'a.yaml:3:7: error: something is wrong (do this)')
  t.equal(renderProblem('a.yaml', { ...problem, severity: 'warning', hint: null }), 'a.yaml:3:7: warning: something is wrong')
  t.end()
})
