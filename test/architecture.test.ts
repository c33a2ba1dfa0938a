/** Who may import whom. A rule that can't be broken by accident is worth more than one that is written down. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { test } from 'tap'

const SRC = resolve(import.meta.dirname, '../src')

interface Import { readonly from: string; readonly to: string; readonly typeOnly: boolean }

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts')).sort()
const source = (file: string): string => readFileSync(join(SRC, file), 'utf8')

const importsOf = (file: string): Import[] => [...source(file).matchAll(/^(?:import|export)\s+(type\s+)?[^'"]*?from\s+'([^']+)'|await import\('([^']+)'\)/gm)].map(([, typeOnly, from, late]) => {
  const name = from ?? late ?? ''
  return { from: file, to: name.startsWith('.') ? relative(SRC, resolve(SRC, dirname(file), name)) : name, typeOnly: typeOnly !== undefined }
})

const imports = files.flatMap(importsOf)
const folder = (file: string): string => file.includes('/') ? file.split('/')[0] ?? '' : file
const isOwn = (to: string): boolean => to.endsWith('.ts')

/** What each folder may import of ours, besides itself. `x.ts` names single files. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  core: [],
  'ports.ts': ['core'],
  'clock.ts': ['ports.ts'],
  'secret.ts': ['ports.ts'],
  'garbage-collection.ts': [],
  config: ['core', 'ports.ts', 'secret.ts', 'drivers/contract.ts'],
  sip: ['core', 'ports.ts'],
  probes: ['core', 'ports.ts'],
  drivers: ['core', 'ports.ts', 'shell.ts', 'sip/digest.ts', 'config/duration.ts', 'config/listen.ts'],
  store: ['core', 'ports.ts'],
  metrics: ['core', 'ports.ts'],
  logging: ['core', 'ports.ts'],
  alertmanager: ['core', 'ports.ts'],
  exporter: ['core', 'ports.ts', 'config', 'probes', 'metrics/probe-page.ts'],
  heartbeat: ['ports.ts'],
  engine: ['core', 'ports.ts'],
  http: ['core', 'ports.ts', 'engine/contract.ts', 'config/config.ts', 'config/duration.ts', 'exporter/exporter.ts', 'probes/history.ts'],
  cli: ['core', 'ports.ts', 'engine/contract.ts', 'config', 'manual', 'secret.ts', 'rehearsal/rehearse.ts', 'rehearsal/run-tests.ts'],
  manual: ['core', 'ports.ts', 'config', 'drivers/contract.ts', 'shell.ts'],
  rehearsal: ['core', 'ports.ts', 'config', 'drivers', 'engine', 'probes', 'store', 'simulator/registrar.ts'],
  beacon: ['core', 'ports.ts', 'sip'],
  simulator: ['ports.ts', 'sip/codec.ts', 'sip/digest-authority.ts', 'sip/digest.ts', 'sip/grammar.ts', 'sip/contact.ts', 'sip/uri.ts']
}
/** These tie everything together. */
const ROOTS = new Set(['app.ts', 'config-loader.ts', 'main.ts', 'demo'])

/** npm packages and the one file or folder that may import each. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  sip: ['sip/codec.ts'],
  axios: ['drivers/http-client.ts'],
  ws: ['drivers/app-websocket.ts', 'simulator/devices-app.ts'],
  'dns-packet': ['drivers/dns-message.ts'],
  fastify: ['http'],
  'prom-client': ['metrics'],
  pino: ['logging'],
  yaml: ['config'],
  ajv: ['config'],
  typebox: ['config', 'http', 'drivers', 'rehearsal']
}

test('the imports of src are read at all', (t) => {
  t.ok(files.length > 60, 'files')
  t.ok(imports.length > 300, 'imports')
  t.end()
})

test('folders import only what they may', (t) => {
  const wrong = imports.filter(({ from, to }) => {
    const own = folder(from)
    if (!isOwn(to) || ROOTS.has(own) || folder(to) === own) return false
    return ALLOWED[own]?.some((allowed) => allowed === to || allowed === folder(to)) !== true
  })
  t.same(wrong.map(({ from, to }) => `${from} imports ${to}`), [])
  t.end()
})

test('npm packages have their place', (t) => {
  const wrong = imports.filter(({ from, to }) => {
    if (isOwn(to) || to.startsWith('node:')) return false
    const name = to.startsWith('@') ? to : to.split('/')[0] ?? ''
    return PACKAGES[name]?.some((place) => place === from || place === folder(from)) !== true
  })
  t.same(wrong.map(({ from, to }) => `${from} imports ${to}`), [])
  t.end()
})

test('core and engine do no I/O', (t) => {
  const wrong = imports.filter(({ from, to }) => (folder(from) === 'core' || folder(from) === 'engine') && to.startsWith('node:'))
  t.same(wrong.map(({ from, to }) => `${from} imports ${to}`), [])
  t.same(imports.filter(({ from, typeOnly }) => from === 'ports.ts' && !typeOnly), [], 'ports are types only')
  t.end()
})

test('no cycles of files at run time', (t) => {
  const graph = new Map(files.map((file) => [file, importsOf(file).filter((i) => isOwn(i.to) && !i.typeOnly && !isInlineTypes(file, i.to)).map((i) => i.to)]))
  const done = new Set<string>()
  const cycles: string[] = []
  const visit = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) { cycles.push([...path.slice(path.indexOf(file)), file].join(' → ')); return }
    if (done.has(file)) return
    for (const next of graph.get(file) ?? []) visit(next, [...path, file])
    done.add(file)
  }
  for (const file of files) visit(file, [])
  t.same(cycles, [])
  t.end()
})

/** `import { type A, type B } from` is erased, too. */
function isInlineTypes (file: string, to: string): boolean {
  const names = [...source(file).matchAll(/^import\s+\{([^}]*)\}\s+from\s+'([^']+)'/gm)].filter(([, , from]) => relative(SRC, resolve(SRC, dirname(file), from ?? '')) === to)
  return names.length > 0 && names.every(([, list]) => (list ?? '').split(',').every((name) => name.trim() === '' || name.trim().startsWith('type ')))
}

test('time and randomness come from clock.ts', (t) => {
  const forbidden = /\b(Date\.now|new Date\(\)|setTimeout|setInterval|Math\.random|performance\.now|AbortSignal\.timeout)\b/
  const wrong = files.filter((file) => file !== 'clock.ts' && source(file).split('\n').some((line) => !/^\s*(\*|\/\/|\/\*)/.test(line) && forbidden.test(line)))
  t.same(wrong, [])
  t.end()
})

test('every source file is short enough to be read, and starts by saying what it is', (t) => {
  t.same(files.filter((file) => source(file).split('\n').length > 400), [], 'over 400 lines')
  t.same(files.filter((file) => !file.endsWith('.d.ts') && !/^(#!.*\n)?\/\*\*/.test(source(file))), [], 'no comment at the top')
  t.end()
})

test('no default exports and no barrels', (t) => {
  t.same(files.filter((file) => !file.endsWith('.d.ts') && /^export (default|\*)/m.test(source(file))), [])
  t.end()
})
