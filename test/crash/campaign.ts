/** Lanes side by side, and their figures in one report. */
import { join } from 'node:path'
import { runLane } from './lane.ts'
import type { LaneOptions, LaneReport } from './lane.ts'

export interface CampaignOptions extends Pick<LaneOptions, 'kinds'> {
  readonly directory: string
  readonly kills: number
  readonly lanes: number
  readonly seed: number
  readonly progress?: (line: string) => void
}

export interface CampaignReport {
  readonly lanes: readonly LaneReport[]
  readonly seconds: number
}

/** Two runs at once don't meet: each has loopback networks of its own. */
function network (lane: number): string {
  return `127.${64 + process.pid % 128}.${(Math.floor(process.pid / 128) * 4 + lane) % 256}`
}

export async function runCampaign ({ directory, kills, lanes, seed, kinds, progress }: CampaignOptions): Promise<CampaignReport> {
  const start = performance.now()
  const reports = await Promise.all(Array.from({ length: lanes }, (_none, lane) => runLane({
    directory: join(directory, `lane-${lane}`),
    network: network(lane),
    compileCache: join(directory, 'compile-cache'),
    kills: Math.floor(kills / lanes) + (lane < kills % lanes ? 1 : 0),
    seed: seed + lane,
    ...(kinds === undefined ? {} : { kinds }),
    ...(progress === undefined ? {} : { progress: (line: string) => { progress(`lane ${lane}: ${line}`) } })
  })))
  return { lanes: reports, seconds: (performance.now() - start) / 1000 }
}
