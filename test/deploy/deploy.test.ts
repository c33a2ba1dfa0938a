/** deploy/ against the code and against itself: names that one file has from another one must exist there. */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { parseAllDocuments } from 'yaml'
import { loadConfig } from '../../src/config/load.ts'
import { FileSchema, GatewayKeys } from '../../src/config/schema.ts'
import { OptionsProbe, RegisterProbe } from '../../src/config/schema-probes.ts'
import { type Labels, matches, parseMatcher } from '../../src/core/labels.ts'
import { VETOES, WAITS } from '../../src/core/reasons.ts'
import { unitOptions } from '../bench/gaps.ts'
import { drivers } from '../../src/drivers/registry.ts'
import { COUNTERS } from '../../src/metrics/catalogue.ts'
import { unknownMetrics } from '../helpers/metric-names.ts'

const ROOT = join(import.meta.dirname, '../..')

interface AlertRule {
  readonly alert: string
  readonly expr: string
  readonly labels: { readonly severity: string }
  readonly annotations: { readonly summary: string; readonly description: string }
}
interface Route {
  readonly receiver: string
  readonly matchers?: readonly string[]
  readonly continue?: boolean
  readonly group_by?: readonly string[]
  readonly group_wait?: string
  readonly group_interval?: string
  readonly repeat_interval?: string
  readonly routes?: readonly Route[]
}
interface AlertmanagerFile {
  readonly route: Route
  readonly receivers: readonly { readonly name: string; readonly webhook_configs?: readonly Record<string, unknown>[] }[]
  readonly inhibit_rules?: readonly { readonly target_matchers: readonly string[] }[]
}
interface PointsmanFile { readonly rules: readonly { readonly name: string; readonly match: readonly string[] }[] }

function files (folder: string, pattern: RegExp): readonly string[] {
  return readdirSync(join(ROOT, folder), { recursive: true }).map((name) => join(folder, String(name))).filter((name) => pattern.test(name)).sort()
}

function text (file: string): string {
  return readFileSync(join(ROOT, file), 'utf8')
}

function yaml (file: string): unknown {
  return parseAllDocuments(text(file))[0]?.toJS()
}

/** Those on alerts. */
function pointsmanRules (file: string): PointsmanFile['rules'] {
  return (yaml(file) as PointsmanFile).rules.filter(({ match }) => match !== undefined)
}

function alertmanager (file: string): AlertmanagerFile {
  return yaml(file) as AlertmanagerFile
}

const YAML_FILES = [...files('deploy', /\.ya?ml$/), ...files('grafana', /\.ya?ml$/)]
const RULE_FILES = files('deploy/prometheus/rules', /\.yml$/)
const RULES = RULE_FILES.flatMap((file) => (yaml(file) as { groups: readonly { rules: readonly AlertRule[] }[] }).groups.flatMap(({ rules }) => rules))
/** Those that a user copies. */
const TEMPLATES = ['innovaphone-pair', 'srv-standby', 'srv-records'].map((name) => `deploy/examples/${name}.yaml`)
/** Of one driver each, with no more than it needs: without alerts. */
const DRIVER_TEMPLATES = ['asterisk-pair', 'http-audiocodes', 'http-cisco-cube', 'http-oracle-sbc'].map((name) => `deploy/examples/${name}.yaml`)
const EXAMPLES = ['deploy/examples/demo.yaml', ...TEMPLATES]
const ALERTMANAGER_FILES = ['deploy/alertmanager/alertmanager.yml', 'deploy/examples/demo-alertmanager.yml']

/** Labels of a shipped alert that are the same each time. */
function staticLabels (rule: AlertRule): Labels {
  return { alertname: rule.alert, severity: rule.labels.severity }
}

/** Whether alerts of this rule can match: labels that come from the series are taken as matching. */
function canMatch (rule: AlertRule, matchers: readonly string[]): boolean {
  return matchers.every((matcher) => {
    const parsed = parseMatcher(matcher)
    if (!parsed.ok) throw new Error(`${matcher}: ${parsed.message}`)
    return !Object.hasOwn(staticLabels(rule), parsed.matcher.name) || matches(parsed.matcher, staticLabels(rule))
  })
}

/** Shipped alerts that some rule of an example configuration uses. */
const USED = RULES.filter((rule) => EXAMPLES.some((file) => pointsmanRules(file).some(({ match }) => canMatch(rule, match))))

test('every YAML file can be read', async (t) => {
  t.ok(YAML_FILES.length > 8)
  for (const file of YAML_FILES) {
    t.same(parseAllDocuments(text(file)).flatMap((document) => [...document.errors, ...document.warnings].map(({ message }) => message)), [], file)
  }
})

test('every alert names existing metrics, has a severity and says what to do', async (t) => {
  t.same(RULES.length, new Set(RULES.map(({ alert }) => alert)).size, 'no alert twice')
  for (const { alert, expr, labels, annotations } of RULES) {
    t.same(unknownMetrics(expr), [], alert)
    t.match(alert, /^(?:SipTrunk|Pointsman|Watchdog$)[A-Za-z]*$/)
    t.match(labels.severity, /^(?:critical|warning|info|none)$/, alert)
    t.match(annotations.summary, /\S/, alert)
    t.match(annotations.description, /\.\s*$/, alert)
  }
})

test('label values in the alerts are ones that the metrics have', async (t) => {
  const known = new Map<string, readonly string[]>([
    ['pointsman_veto interlock', Object.keys(VETOES)],
    ['pointsman_wait reason', Object.keys(WAITS)],
    ['pointsman_interface_health state', ['up', 'down', 'unknown']],
    ['pointsman_binding_verdict verdict', ['held', 'held-by-other', 'none', 'unsupported', 'refused']],
    ...COUNTERS.flatMap(({ name, closed }) => Object.entries(closed ?? {}).map(([label, values]): [string, readonly string[]] => [`${name} ${label}`, values]))
  ])
  const used = RULES.flatMap(({ alert, expr }) => [...expr.matchAll(/(pointsman_\w+)\{([^}]*)\}/g)].flatMap(([, name, labels]) =>
    [...(labels ?? '').matchAll(/(\w+)\s*[!=]=?~?\s*"([^"]*)"/g)].map(([, label, values]) => ({ alert, key: `${name} ${label}`, values: (values ?? '').split('|') }))))
  t.ok(used.length > 5)
  for (const { alert, key, values } of used) {
    t.same(values.filter((value) => known.get(key)?.includes(value) !== true), [], `${alert}: ${key}`)
  }
})

test('every alert has a unit test that sees it fire', async (t) => {
  const tests = files('deploy/prometheus/tests', /\.yml$/).map(text).join('\n')
  for (const { alert } of RULES) t.ok(new RegExp(`ALERTS\\{alertname="${alert}",|alertname: ${alert}\\n +exp_alerts:`).test(tests), alert)
})

test('every rule of an example uses alerts that are shipped', async (t) => {
  for (const file of EXAMPLES) {
    for (const { name, match } of pointsmanRules(file)) t.ok(RULES.some((rule) => canMatch(rule, match)), `${file}: ${name}`)
  }
  t.same(USED.map(({ alert }) => alert), ['SipTrunkDown', 'SipTrunkRegistrationLost'])
})

test('alerts that a rule uses are only about enabled interfaces', async (t) => {
  for (const { alert, expr } of USED) {
    t.match(expr.replaceAll(/\s+/g, ' '), 'and on (instance, trunk, gateway, interface) pointsman_interface_enabled == 1', alert)
  }
})

test('inhibit rules never match an alert that a rule uses', async (t) => {
  for (const file of ALERTMANAGER_FILES) {
    for (const { target_matchers: matchers } of alertmanager(file).inhibit_rules ?? []) {
      t.same(USED.filter((rule) => canMatch(rule, matchers)).map(({ alert }) => alert), [], `${file}: ${matchers.join()}`)
      t.ok(RULES.some((rule) => canMatch(rule, matchers)), `${file}: ${matchers.join()} names a shipped alert`)
    }
  }
  t.ok(USED.some((rule) => canMatch(rule, ['severity="critical"', 'trunk="acme"'])), 'the check sees a matcher that would inhibit')
})

test('the route brings the trunks\' alerts and the watchdog to Pointsman at once, and the trunks\' alerts to people too', async (t) => {
  for (const file of ALERTMANAGER_FILES) {
    const { route, receivers } = alertmanager(file)
    const routesOf = (rule: AlertRule): readonly Route[] => {
      const hits = (route.routes ?? []).filter(({ matchers }) => canMatch(rule, matchers ?? []))
      const last = hits.findIndex((hit) => hit.continue !== true)
      return last === -1 ? hits : hits.slice(0, last + 1)
    }
    const group_interval = file.includes('demo') ? '1s' : '10s'
    for (const rule of USED) {
      t.match(routesOf(rule)[0], { receiver: 'pointsman', continue: true, group_by: ['alertname', 'trunk', 'gateway'], group_wait: '0s', group_interval, repeat_interval: '5m' }, file)
      t.equal(routesOf(rule).at(-1)?.receiver, file.includes('demo') ? 'nobody' : 'people', file)
    }
    for (const rule of RULES.filter(({ alert }) => alert === 'Watchdog')) {
      t.match(routesOf(rule)[0], { receiver: 'pointsman', continue: true, group_wait: '0s', group_interval: '1m', repeat_interval: '1m' }, file)
      t.equal(routesOf(rule).at(-1)?.receiver, 'nobody', file)
    }
    t.match(receivers.find(({ name }) => name === 'pointsman')?.webhook_configs, [{
      url: /:9867\/api\/v1\/alerts$/, send_resolved: true, max_alerts: 0, http_config: { follow_redirects: false, authorization: { credentials_file: String } }
    }], file)
  }
})

test('the files that the demo\'s configurations name exist', async (t) => {
  const named = ['demo.yaml', 'demo-alertmanager.yml', 'demo-prometheus.yml'].flatMap((file) =>
    [...text(`deploy/examples/${file}`).matchAll(/(?:_file: |^ {2}- (?=\.\.))([^\s}*]+)/gm)].map(([, name]) => name ?? ''))
  t.ok(named.length >= 7)
  for (const name of named) t.ok(existsSync(join(ROOT, 'deploy/examples', name)), name)
})

test('the image and the service run what the package has', async (t) => {
  const docker = text('deploy/Dockerfile')
  const copied = [...docker.matchAll(/^COPY (?!--from)(.*) \S+$/gm)].flatMap(([, sources]) => (sources ?? '').split(' '))
  for (const source of copied) t.ok(existsSync(join(ROOT, source)), source)
  const { engines, bin } = JSON.parse(text('package.json')) as { engines: { node: string }; bin: { pointsman: string } }
  t.same([...docker.matchAll(/^FROM (\S+)/gm)].map(([, image]) => image), Array(2).fill(`node:${engines.node.replace('>=', '')}-slim`))
  const options = [...unitOptions()]
  t.match(docker, `ENTRYPOINT ${JSON.stringify(['node', ...options, bin.pointsman]).replaceAll(',', ', ')}`)
  t.match(text('deploy/systemd/pointsman.service'), `node ${options.join(' ')} /opt/pointsman/${bin.pointsman} run --config.file=`)
  t.equal(execFileSync(process.execPath, [...options, '--print', '1 + 1'], { encoding: 'utf8' }).trim(), '2', 'this Node knows the options')
})

test('the example configurations are accepted without a warning', async (t) => {
  const demo = await loadConfig(join(ROOT, 'deploy/examples/demo.yaml'), drivers)
  t.same(demo.ok ? demo.warnings : demo.problems, [])
  for (const example of [...TEMPLATES, ...DRIVER_TEMPLATES]) {
    const secrets = [...text(example).matchAll(/_file: secrets\/([\w-]+)/g)].map(([, name]) => [name, `secret of ${name}`])
    const folder = t.testdir({ 'example.yaml': text(example), ...Object.fromEntries(['pbx', 'sbc', 'cube'].map((name) => [`${name}.pem`, 'a certificate'])), secrets: Object.fromEntries(secrets) })
    const loaded = await loadConfig(join(folder, 'example.yaml'), drivers)
    t.same(loaded.ok ? loaded.warnings : loaded.problems, [], example)
    t.equal(loaded.ok && [...loaded.config.topology.trunks.values()].every(({ mode }) => mode === 'observe'), true, example)
  }
})

test('times in the pair\'s example that the comment calls defaults are the defaults', async (t) => {
  const { probes, gateways, interlocks, rules } = yaml('deploy/examples/innovaphone-pair.yaml') as {
    probes: Record<string, Record<string, unknown>>
    gateways: Record<string, { timeout: string; observe: unknown; registers_within: string }>
    interlocks: unknown
    rules: readonly { match?: readonly string[]; evidence?: string }[]
  }
  const defaults = ({ properties }: { readonly properties: object }): Record<string, unknown> =>
    Object.fromEntries(Object.entries(properties as Record<string, { readonly default?: unknown; readonly properties?: object }>).flatMap(([key, { default: value, properties: own }]) =>
      value === undefined ? [] : [[key, own === undefined ? value : defaults({ properties: own })]]))
  for (const [name, schema] of [['options', OptionsProbe], ['binding', RegisterProbe]] as const) {
    const [written, usual] = [probes[name] ?? {}, defaults(schema)]
    t.ok(['interval', 'timeout'].every((key) => written[key] !== undefined), name)
    for (const [key, value] of Object.entries(written)) if (key in usual) t.same(value, usual[key], `${name}: ${key}`)
  }
  t.same(interlocks, defaults(FileSchema.properties.interlocks))
  for (const gateway of Object.values(gateways)) {
    t.match(gateway, defaults({ properties: { timeout: GatewayKeys.timeout } }))
    t.same(gateway.observe, defaults(GatewayKeys.observe))
    t.equal(gateway.registers_within, `${(drivers.get('innovaphone')?.interfaces[0].capabilities({}).registersWithinMs ?? 0) / 1000}s`)
  }
  for (const { match, evidence } of rules) t.equal(evidence, match === undefined ? undefined : 'probe')
})
