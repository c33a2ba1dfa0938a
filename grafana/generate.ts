/** Writes the dashboards beside their sources: `npm run gen`. The JSON is committed; a test compares it. */
import { writeFile } from 'node:fs/promises'
import { trunksDashboard } from './dashboards/trunks.ts'

/** File name in grafana/dashboards and content of every dashboard. */
export function renderDashboards (): ReadonlyMap<string, string> {
  return new Map([['trunks.json', `${JSON.stringify(trunksDashboard(), null, 2)}\n`]])
}

if (import.meta.main) {
  for (const [name, text] of renderDashboards()) await writeFile(new URL(`dashboards/${name}`, import.meta.url), text)
}
