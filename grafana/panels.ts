/** The four kinds of panel that the dashboards are made of, with one look each. */
import { VizLegendOptionsBuilder, VizTooltipOptionsBuilder, LegendDisplayMode, LegendPlacement, TooltipDisplayMode, SortOrder, VisibilityMode, BigValueGraphMode, GraphDrawStyle } from '@grafana/grafana-foundation-sdk/common'
import { DashboardLinkBuilder, DashboardLinkType, FieldColorBuilder, FieldColorModeId, MappingType, ThresholdsConfigBuilder, ThresholdsMode } from '@grafana/grafana-foundation-sdk/dashboard'
import type { ValueMapping } from '@grafana/grafana-foundation-sdk/dashboard'
import type { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus'
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat'
import { PanelBuilder as TimelineBuilder } from '@grafana/grafana-foundation-sdk/statetimeline'
import { PanelBuilder as SeriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries'
import { DATASOURCE } from './queries.ts'

/** What every panel has. `width` in columns of 24. */
export interface PanelText {
  readonly title: string
  readonly description: string
  readonly width: number
  readonly height: number
}

/** How a value of a state timeline is shown. */
export interface State {
  readonly text: string
  readonly color: string
}

/** Link from a series with the label `trunk` to its decisions in Pointsman. */
function decisionsLink (): DashboardLinkBuilder {
  return new DashboardLinkBuilder('Decisions of this trunk')
    .type(DashboardLinkType.Link)
    .url('${pointsman_url}/api/v1/decisions?trunk=${__field.labels.trunk}')
    .targetBlank(true)
}

/** One number; `bad` colours it red from 1 on. */
export function stat (text: PanelText, query: DataqueryBuilder, bad: boolean): StatBuilder {
  const steps = [{ value: null, color: bad ? 'green' : 'text' }, ...(bad ? [{ value: 1, color: 'red' }] : [])]
  return new StatBuilder()
    .title(text.title).description(text.description).span(text.width).height(text.height)
    .datasource(DATASOURCE)
    .unit('none')
    .noValue('0')
    .graphMode(BigValueGraphMode.None)
    .thresholds(new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(steps))
    .withTarget(query)
}

/** States over time, one row per series. @param states - by value of the query */
export function timeline (text: PanelText, query: DataqueryBuilder, states: Readonly<Record<string, State>>): TimelineBuilder {
  const mapping: ValueMapping = {
    type: MappingType.ValueToText,
    options: Object.fromEntries(Object.entries(states).map(([value, state], index) => [value, { ...state, index }]))
  }
  return new TimelineBuilder()
    .title(text.title).description(text.description).span(text.width).height(text.height)
    .datasource(DATASOURCE)
    .unit('none')
    .mappings([mapping])
    .colorScheme(new FieldColorBuilder().mode(FieldColorModeId.Thresholds))
    .mergeValues(true)
    .showValue(VisibilityMode.Auto)
    .rowHeight(0.8)
    .fillOpacity(80)
    .legend(new VizLegendOptionsBuilder().displayMode(LegendDisplayMode.List).placement(LegendPlacement.Bottom).showLegend(false))
    .dataLinks([decisionsLink()])
    .withTarget(query)
}

/** Lines over time. */
export function lines (text: PanelText, unit: string, queries: readonly DataqueryBuilder[]): SeriesBuilder {
  return new SeriesBuilder()
    .title(text.title).description(text.description).span(text.width).height(text.height)
    .datasource(DATASOURCE)
    .unit(unit)
    .min(0)
    .fillOpacity(0)
    .legend(new VizLegendOptionsBuilder().displayMode(LegendDisplayMode.List).placement(LegendPlacement.Bottom).showLegend(true))
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending))
    .targets([...queries])
}

/** Events over time as bars, each with the link to its trunk's decisions. */
export function bars (text: PanelText, queries: readonly DataqueryBuilder[]): SeriesBuilder {
  return lines(text, 'none', queries).drawStyle(GraphDrawStyle.Bars).fillOpacity(80).dataLinks([decisionsLink()])
}
