/** The figures of a campaign. */
import type { CampaignReport } from './campaign.ts'
import type { LaneReport } from './lane.ts'
import type { Needed } from './scene.ts'

const sum = (lanes: readonly LaneReport[], of: (lane: LaneReport) => number): number => lanes.reduce((total, lane) => total + of(lane), 0)
const all = <T>(lanes: readonly LaneReport[], of: (lane: LaneReport) => readonly T[]): readonly T[] => lanes.flatMap(of)

/** What must be empty: each line is a failure. */
export function failuresOf ({ lanes }: CampaignReport): readonly string[] {
  return [
    ...all(lanes, (lane) => lane.missing).map((line) => `lost: ${line}`),
    ...all(lanes, (lane) => lane.wrong).map((line) => `wrong action: ${line}`),
    ...all(lanes, (lane) => lane.violations).map((line) => `exclusive: ${line}`),
    ...all(lanes, (lane) => lane.unneeded).map((line) => `not needed: ${line}`),
    ...all(lanes, (lane) => lane.failures)
  ]
}

export function isGood (report: CampaignReport): boolean {
  return failuresOf(report).length === 0
}

/** Prints the figures, then what went wrong. */
export function printReport (report: CampaignReport, print: (line: string) => void): void {
  const { lanes, seconds } = report
  const kills = (moment: keyof LaneReport['kills']): number => sum(lanes, (lane) => lane.kills[moment])
  const needed = all(lanes, (lane) => lane.needed)
  const returns = all(lanes, (lane) => lane.returns).toSorted((a, b) => b.lastedMs - a.lastedMs)
  const moved = needed.filter((move) => move.movedMs !== null)
  print(`kills                     ${kills('work') + kills('start') + kills('change') + kills('answer')} in ${seconds.toFixed(0)} s: ${kills('work')} at any instant, ${kills('start')} while it started, ${kills('change')} in the midst of a change, ${kills('answer')} at an answer`)
  print(`between change, activate  ${sum(lanes, (lane) => lane.halfDone)} kills left a gateway there`)
  print(`notifications             ${sum(lanes, (lane) => lane.posted)} posted, ${sum(lanes, (lane) => lane.acknowledged)} acknowledged with 2xx for ${sum(lanes, (lane) => lane.promised)} alerts; lost ${sum(lanes, (lane) => lane.missing.length)}`)
  print(`writes to gateways        ${sum(lanes, (lane) => lane.writes)}; wrong ${sum(lanes, (lane) => lane.wrong.length)} (journal: ${sum(lanes, (lane) => lane.journal)} records)`)
  print(`decided again             ${sum(lanes, (lane) => lane.decidedAgain)} moments of the journal, from their snapshots`)
  print(`exclusive violations      ${sum(lanes, (lane) => lane.violations.length)} (gateways that came back beside the other one: ${returns.length}, longest ${((returns[0]?.lastedMs ?? 0) / 1000).toFixed(1)} s)`)
  print(`needed switchovers        ${needed.length}, completed ${moved.length}, of these only in peace ${moved.filter((move) => move.onlyInPeace).length}; ${times(moved)}`)
  for (const fault of new Set(needed.map((move) => move.fault))) {
    const its = needed.filter((move) => move.fault === fault)
    print(`  ${fault.padEnd(10)} ${its.length}, completed ${its.filter((move) => move.movedMs !== null).length}; ${times(its)}`)
  }
  print(`switchovers not needed    ${sum(lanes, (lane) => lane.unneeded.length)}, and ${sum(lanes, (lane) => lane.unneededAfterStall)} after this test itself stood still`)
  for (const move of moved.toSorted((a, b) => (b.movedMs ?? 0) - (a.movedMs ?? 0)).slice(0, 3)) print(`  slow: ${move.trunk} off ${move.from}, ${move.fault} at ${new Date(move.struckAtMs).toISOString()}, ${move.movedMs} ms`)
  for (const back of returns.slice(0, 3)) print(`  long: ${back.trunk} both on since ${new Date(back.sinceMs).toISOString()}, ${back.lastedMs} ms`)
  const failures = failuresOf(report)
  print(failures.length === 0 ? 'all good' : `${failures.length} failures:`)
  for (const line of failures.slice(0, 30)) print(`  ${line}`)
}

function times (moves: readonly Needed[]): string {
  const sorted = moves.flatMap((move) => move.movedMs === null ? [] : [move.movedMs]).sort((a, b) => a - b)
  const at = (part: number): string => ((sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0) / 1000).toFixed(1)
  return `median ${at(0.5)} s, slowest ${at(1)} s`
}
