/** The committed dashboards are the generated ones and keep the rules of grafana/dashboard-linter. */
import { readFileSync } from 'node:fs'
import { test } from 'tap'
import { renderDashboards } from '../../grafana/generate.ts'
import { COUNTERS } from '../../src/metrics/catalogue.ts'
import { unknownMetrics } from '../helpers/metric-names.ts'

interface Query { readonly expr: string, readonly refId?: string, readonly legendFormat?: string, readonly datasource?: { readonly uid: string } }
interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly description?: string
  readonly datasource?: { readonly uid: string }
  readonly gridPos: { readonly x: number, readonly y: number, readonly w: number, readonly h: number }
  readonly fieldConfig?: { readonly defaults: { readonly unit?: string, readonly links?: readonly { readonly url: string }[] } }
  readonly targets?: readonly Query[]
}
interface Variable {
  readonly type: string
  readonly name: string
  readonly label?: string
  readonly multi?: boolean
  readonly allValue?: string
  readonly refresh?: number
  readonly query: string | { readonly query: string }
}
interface Dashboard {
  readonly title: string
  readonly uid: string
  readonly editable: boolean
  readonly panels: readonly Panel[]
  readonly templating: { readonly list: readonly Variable[] }
  readonly annotations: { readonly list: readonly { readonly expr?: string, readonly datasource?: { readonly uid: string } }[] }
}

const read = (name: string): string => readFileSync(new URL(`../../grafana/dashboards/${name}`, import.meta.url), 'utf8')
const parse = (text: string): Dashboard => JSON.parse(text) as Dashboard
const dataPanels = (dashboard: Dashboard): readonly Panel[] => dashboard.panels.filter(({ type }) => type !== 'row' && type !== 'text')
const overlap = (a: Panel['gridPos'], b: Panel['gridPos']): boolean => a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h
const counters: ReadonlySet<string> = new Set(COUNTERS.map(({ name }) => name))

/** Every selector of a metric in a query, as `name` and `labels`. */
function selectors (expression: string): readonly { readonly name: string, readonly labels: string }[] {
  return [...expression.matchAll(/(pointsman_[a-z0-9_]+)(?:\{([^}]*)\})?/g)].map((match) => ({ name: match[1] ?? '', labels: match[2] ?? '' }))
}

for (const [name, generated] of renderDashboards()) {
  const dashboard = parse(read(name))

  test(`${name} is what npm run gen writes`, async (t) => {
    t.equal(read(name), generated)
  })

  test(`${name} can't be edited in the browser and has an identity`, async (t) => {
    t.equal(dashboard.editable, false)
    t.match(dashboard.uid, /^pointsman-[a-z]+$/)
    t.ok(dashboard.title.length > 0)
    t.same(new Set(dashboard.panels.map(({ id }) => id)).size, dashboard.panels.length)
  })

  test(`${name} has the variables that the linter asks for`, async (t) => {
    const byName = new Map(dashboard.templating.list.map((variable) => [variable.name, variable]))
    t.same(dashboard.templating.list.filter(({ type }) => type === 'datasource').map(({ name, label, query }) => ({ name, label, query })),
      [{ name: 'datasource', label: 'Data Source', query: 'prometheus' }])
    for (const [variable, label] of [['job', 'Job'], ['instance', 'Instance'], ['trunk', 'Trunk']]) {
      t.match(byName.get(variable ?? ''), { type: 'query', label, multi: true, allValue: '.+', refresh: 2 })
    }
    for (const { type, query } of dashboard.templating.list) {
      if (type === 'query' && typeof query !== 'string') t.match(query.query, /^label_values\(pointsman_[a-z_]+(\{[^}]*\})?, [a-z]+\)$/)
    }
  })

  test(`${name}: every panel says what it shows, in a unit, from the variable's data source`, async (t) => {
    t.ok(dataPanels(dashboard).length > 5)
    for (const panel of dataPanels(dashboard)) {
      t.ok(panel.title !== '', `panel ${panel.id} has a title`)
      t.match(panel.description, /^[A-Z].*\.$/s, panel.title)
      t.ok(panel.fieldConfig?.defaults.unit, `${panel.title} has a unit`)
      t.equal(panel.datasource?.uid, '${datasource}', panel.title)
      t.ok((panel.targets ?? []).length > 0, `${panel.title} has a query`)
    }
    for (const { datasource } of dashboard.annotations.list) t.equal(datasource?.uid, '${datasource}')
  })

  test(`${name}: panels don't lie over one another`, async (t) => {
    for (const [index, panel] of dashboard.panels.entries()) {
      t.ok(panel.gridPos.x + panel.gridPos.w <= 24, panel.title)
      t.same(dashboard.panels.slice(index + 1).filter((other) => overlap(panel.gridPos, other.gridPos)).map(({ title }) => title), [], panel.title)
    }
  })

  test(`${name}: queries name existing metrics, choose job and instance, and aggregate counters`, async (t) => {
    const queries = dataPanels(dashboard).flatMap((panel) => (panel.targets ?? []).map((query) => ({ ...query, panel: panel.title })))
    for (const { expr, panel, refId, legendFormat, datasource } of queries) {
      t.same(unknownMetrics(expr), [], panel)
      t.ok(refId, panel)
      t.ok(legendFormat, panel)
      t.equal(datasource?.uid, '${datasource}', panel)
      for (const { name: metric, labels } of selectors(expr)) {
        t.match(labels, /job=~"\$job"/, `${panel}: ${metric}`)
        t.match(labels, /instance=~"\$instance"/, `${panel}: ${metric}`)
        if (counters.has(metric) || metric.endsWith('_bucket')) {
          t.match(expr, new RegExp(String.raw`(?:rate|increase)\(${metric}\{[^}]*\}\[\$__rate_interval\]\)`), `${panel}: ${metric}`)
        }
      }
    }
    for (const { expr } of dashboard.annotations.list) t.same(unknownMetrics(expr ?? ''), [])
  })

  test(`${name}: a click on a decision leads to Pointsman`, async (t) => {
    const links = dataPanels(dashboard).flatMap((panel) => panel.fieldConfig?.defaults.links ?? []).map(({ url }) => url)
    t.ok(links.length > 0)
    t.same([...new Set(links)], ['${pointsman_url}/api/v1/decisions?trunk=${__field.labels.trunk}'])
  })
}
