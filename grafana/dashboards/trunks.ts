/** Dashboard "SIP trunks": which interface carries each trunk, what Pointsman decided and why, and the evidence behind it. */
import { AnnotationQueryBuilder, DashboardBuilder, DashboardCursorSync, DatasourceVariableBuilder, QueryVariableBuilder, RowBuilder, TextBoxVariableBuilder, VariableRefresh, VariableSort } from '@grafana/grafana-foundation-sdk/dashboard'
import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard'
import type { PanelText } from '../panels.ts'
import { bars, lines, stat, timeline } from '../panels.ts'
import { DATASOURCE, instantTarget, select, selectTrunk, target } from '../queries.ts'

const INTERFACE = 'trunk, gateway, interface'
const INTERFACE_LEGEND = '{{trunk}}: {{gateway}}/{{interface}}'

function panel (title: string, width: number, height: number, description: string): PanelText {
  return { title, width, height, description }
}

/** Health and administrative state in one number: 0 up, 1 unknown, 2 down; 3 more when enabled. */
const INTERFACE_STATE = [
  `max by (${INTERFACE}) (${selectTrunk('pointsman_interface_health', 'state="unknown"')})`,
  `+ 2 * max by (${INTERFACE}) (${selectTrunk('pointsman_interface_health', 'state="down"')})`,
  `+ 3 * max by (${INTERFACE}) (${selectTrunk('pointsman_interface_enabled')} or on (${INTERFACE}) 0 * ${selectTrunk('pointsman_interface_health', 'state="down"')})`
].join('\n')

/** Trunks without an interface that is enabled and not down: the alert SipTrunkOutOfService without its wait. */
const OUT_OF_SERVICE = [
  `count(group by (instance, trunk) (${selectTrunk('pointsman_interface_health')})`,
  `  unless on (instance, trunk) (${selectTrunk('pointsman_interface_enabled')} == 1`,
  `    unless on (instance, ${INTERFACE}) ${selectTrunk('pointsman_interface_health', 'state="down"')} == 1))`
].join('\n')

const OVERVIEW = [
  stat(panel('Trunks out of service', 6, 4, 'Trunks without an interface that is enabled and not down.'), instantTarget(OUT_OF_SERVICE, 'trunks'), true),
  stat(panel('Vetoes', 6, 4, 'Interlocks that hold a proposed switchover now.'), instantTarget(`sum(${selectTrunk('pointsman_veto')}) or vector(0)`, 'vetoes'), true),
  stat(panel('Fencing debts', 6, 4, 'Interfaces that should be off and can\'t be reached.'), instantTarget(`sum(${selectTrunk('pointsman_fencing_debt')})`, 'debts'), true),
  stat(panel('Alerts in the book', 6, 4, 'Alerts that Pointsman takes as firing.'), instantTarget(`sum(${select('pointsman_alerts')})`, 'alerts'), false)
]

const TRUNKS = [
  timeline(
    panel('Interfaces', 24, 9, 'Health of each interface by Pointsman\'s own evidence, and whether it is enabled on its gateway.'),
    target(INTERFACE_STATE, INTERFACE_LEGEND),
    {
      0: { text: 'off, up', color: 'light-blue' },
      1: { text: 'off, unknown', color: 'text' },
      2: { text: 'off, down', color: 'light-orange' },
      3: { text: 'enabled, up', color: 'green' },
      4: { text: 'enabled, unknown', color: 'yellow' },
      5: { text: 'enabled, down', color: 'red' }
    }
  ),
  timeline(
    panel('Active interface', 12, 7, 'The interface that is observed enabled, per trunk.'),
    target(`max by (${INTERFACE}) (${selectTrunk('pointsman_trunk_active')})`, INTERFACE_LEGEND),
    { 0: { text: ' ', color: 'transparent' }, 1: { text: 'active', color: 'green' } }
  ),
  timeline(
    panel('Holder of the registration', 12, 7, 'The interface whose Contact the carrier lists; only for trunks with a binding query.'),
    target(`max by (${INTERFACE}) (${selectTrunk('pointsman_binding_holder')})`, INTERFACE_LEGEND),
    { 0: { text: ' ', color: 'transparent' }, 1: { text: 'holds', color: 'blue' } }
  )
]

const DECISIONS = [
  bars(panel('Switchovers', 12, 8, 'Switchovers by cause, and failed ones by reason. Click one for the decisions of its trunk.'), [
    target(`sum by (trunk, cause) (increase(${selectTrunk('pointsman_switchovers_total')}[$__rate_interval]))`, '{{trunk}}: {{cause}}'),
    target(`sum by (trunk, reason) (increase(${selectTrunk('pointsman_switchover_failures_total')}[$__rate_interval]))`, '{{trunk}}: failed, {{reason}}')
  ]),
  lines(panel('Duration of switchovers', 12, 8, 'From the admission to the verified end.'), 's', [
    target(`histogram_quantile(0.5, sum by (le) (rate(${select('pointsman_switchover_duration_seconds_bucket')}[$__rate_interval])))`, 'median'),
    target(`histogram_quantile(0.99, sum by (le) (rate(${select('pointsman_switchover_duration_seconds_bucket')}[$__rate_interval])))`, '99 %')
  ]),
  timeline(
    panel('Vetoes', 12, 8, 'Interlocks that held a proposed switchover.'),
    target(`max by (trunk, interlock) (${selectTrunk('pointsman_veto')}) == 1`, '{{trunk}}: {{interlock}}'),
    { 1: { text: 'vetoes', color: 'orange' } }
  ),
  timeline(
    panel('Waits', 12, 8, 'What a decision waits for; a wait ends by itself.'),
    target(`max by (trunk, reason) (${selectTrunk('pointsman_wait')}) == 1`, '{{trunk}}: {{reason}}'),
    { 1: { text: 'waits', color: 'purple' } }
  )
]

const EVIDENCE = [
  lines(panel('Duration of probes', 12, 8, 'The last attempt of each probe.'), 's', [target(`max by (probe) (${select('pointsman_probe_duration_seconds')})`, '{{probe}}')]),
  lines(panel('Failed probes', 12, 8, 'Probes that did not end with alive, by reason.'), 'ops', [
    target(`sum by (probe, reason) (rate(${select('pointsman_probe_results_total', 'reason!="alive"')}[$__rate_interval])) > 0`, '{{probe}}: {{reason}}')
  ]),
  lines(panel('Requests to gateways', 12, 8, 'Reads and commands, by result.'), 'ops', [
    target(`sum by (gateway, operation, result) (rate(${select('pointsman_driver_requests_total')}[$__rate_interval])) > 0`, '{{gateway}}: {{operation}}, {{result}}')
  ]),
  lines(panel('Notifications', 12, 8, 'Webhook bodies by result, and the alerts in them by what became of them.'), 'ops', [
    target(`sum by (result) (rate(${select('pointsman_notifications_total')}[$__rate_interval]))`, 'notifications: {{result}}'),
    target(`sum by (reason) (rate(${select('pointsman_alerts_received_total')}[$__rate_interval]))`, 'alerts: {{reason}}')
  ])
]

const GATEWAYS = [
  timeline(
    panel('Management of gateways', 12, 8, 'Whether Pointsman can read each gateway, and so switch it.'),
    target(`max by (gateway) (${select('pointsman_gateway_answers')})`, '{{gateway}}'),
    { 0: { text: 'silent', color: 'red' }, 1: { text: 'answers', color: 'green' } }
  ),
  lines(panel('Alarms of gateways', 12, 8, 'Alarms that a gateway says are active, and whether one of them is about a registration; only of gateways that can tell.'), 'short', [
    target(`max by (gateway) (${select('pointsman_gateway_alarms')})`, '{{gateway}}: alarms'),
    target(`max by (gateway) (${select('pointsman_gateway_registration_alarm')}) > 0`, '{{gateway}}: a registration failed')
  ]),
  bars(panel('Changes of bindings', 12, 8, 'Fences and swaps at the carriers\' registrars, by what became of them.'), [
    target(`sum by (trunk, kind, result) (increase(${selectTrunk('pointsman_binding_changes_total')}[$__rate_interval]))`, '{{trunk}}: {{kind}}, {{result}}')
  ]),
  lines(panel('Standby at its beacon', 12, 8, 'How long a standby takes to leave its beacon once it may go; nothing is shown while it is not there.'), 's', [
    target(`max by (${INTERFACE}) (${selectTrunk('pointsman_standby_takeover_seconds')})`, INTERFACE_LEGEND)
  ])
]

/** A variable with values of a label. */
function labelVariable (name: string, label: string, query: string): QueryVariableBuilder {
  return new QueryVariableBuilder(name)
    .label(label)
    .datasource(DATASOURCE)
    .query({ qryType: 1, query, refId: name })
    .definition(query)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalAsc)
    .multi(true)
    .includeAll(true)
    .allValue('.+')
    .current({ selected: true, text: ['All'], value: ['$__all'] })
}

/** A Prometheus annotation: made from metrics, so that Grafana needs no access to Pointsman. */
function annotation (name: string, color: string, expression: string, title: string, text: string): AnnotationQueryBuilder {
  return new AnnotationQueryBuilder()
    .name(name).datasource(DATASOURCE).enable(true).iconColor(color)
    .expr(expression).titleFormat(title).textFormat(text).tagKeys('trunk').step('1m')
}

/** Panels and their queries with their identifiers, which the builders leave out. */
function numbered (dashboard: Dashboard): Dashboard {
  const panels = dashboard.panels?.map((panel, index) => {
    if (!('targets' in panel)) return { ...panel, id: index + 1 }
    return { ...panel, id: index + 1, targets: panel.targets?.map((query, position) => ({ refId: 'ABCDEF'.charAt(position), ...query })) ?? [] }
  })
  return { ...dashboard, panels: panels ?? [] }
}

/** Builds the dashboard. */
export function trunksDashboard (): Dashboard {
  const dashboard = new DashboardBuilder('SIP trunks')
    .uid('pointsman-trunks')
    .description('Which interface carries each trunk, what Pointsman decided and why, and the evidence behind it.')
    .tags(['pointsman', 'sip'])
    .readonly()
    .timezone('browser')
    .time({ from: 'now-6h', to: 'now' })
    .refresh('30s')
    .tooltip(DashboardCursorSync.Crosshair)
    .withVariable(new DatasourceVariableBuilder('datasource').label('Data Source').type('prometheus'))
    .withVariable(labelVariable('job', 'Job', 'label_values(pointsman_build_info, job)'))
    .withVariable(labelVariable('instance', 'Instance', 'label_values(pointsman_build_info{job=~"$job"}, instance)'))
    .withVariable(labelVariable('trunk', 'Trunk', 'label_values(pointsman_interface_health{job=~"$job", instance=~"$instance"}, trunk)'))
    .withVariable(new TextBoxVariableBuilder('pointsman_url').label('Pointsman').description('Address of Pointsman as your browser reaches it; for the links.').defaultValue('http://127.0.0.1:9867'))
    .annotation(annotation('Switchovers', 'purple', `sum by (trunk, cause) (increase(${selectTrunk('pointsman_switchovers_total')}[1m])) > 0`, 'Switchover of {{trunk}}', 'cause: {{cause}}'))
    .annotation(annotation('Failed switchovers', 'red', `sum by (trunk, reason) (increase(${selectTrunk('pointsman_switchover_failures_total')}[1m])) > 0`, 'Failed switchover of {{trunk}}', 'reason: {{reason}}'))
  for (const panel of OVERVIEW) dashboard.withPanel(panel)
  const rows: readonly (readonly [string, readonly Parameters<DashboardBuilder['withPanel']>[0][]])[] =
    [['Trunks', TRUNKS], ['Decisions', DECISIONS], ['Evidence', EVIDENCE], ['Gateways and carriers', GATEWAYS]]
  for (const [title, panels] of rows) {
    dashboard.withRow(new RowBuilder(title))
    for (const panel of panels) dashboard.withPanel(panel)
  }
  return numbered(dashboard.build())
}
