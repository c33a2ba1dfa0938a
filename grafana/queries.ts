/** The parts of a PromQL query that every panel shares. */
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus'

/** The one data source of all panels: a variable, so that the dashboard runs on any Grafana. */
export const DATASOURCE = { type: 'prometheus', uid: '${datasource}' }

/**
 * A selector with the labels that the dashboard's variables choose.
 * @param metric - metric name
 * @param matchers - more matchers, for example `state="down"`
 */
export function select (metric: string, ...matchers: string[]): string {
  return `${metric}{${['job=~"$job"', 'instance=~"$instance"', ...matchers].join(', ')}}`
}

/** A selector of a metric with the label `trunk`, limited to the chosen trunks. */
export function selectTrunk (metric: string, ...matchers: string[]): string {
  return select(metric, 'trunk=~"$trunk"', ...matchers)
}

/** One query over the shown time. @param legend - Grafana legend format, for example `{{trunk}}` */
export function target (expression: string, legend: string): DataqueryBuilder {
  return new DataqueryBuilder().datasource(DATASOURCE).expr(expression).legendFormat(legend).range()
}

/** One query at the end of the shown time, for single numbers. */
export function instantTarget (expression: string, legend: string): DataqueryBuilder {
  return new DataqueryBuilder().datasource(DATASOURCE).expr(expression).legendFormat(legend).instant()
}
