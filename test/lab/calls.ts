/** Calls placed by SIPp from the network side towards whoever is registered, and the PBX that takes them. */
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Running, Stage } from './processes.ts'
import { sleep } from './wait.ts'

export interface CallCount {
  readonly placed: number
  readonly answered: number
  readonly lost: number
}

export interface Caller {
  /** Ends the placing of calls, waits for those in progress, and counts. @throws Error - SIPp left no statistics */
  finish(): Promise<CallCount>
}

const scenario = (name: string): string => join(import.meta.dirname, 'sipp', `${name}.xml`)

/** Starts the PBX that answers every call. */
export const startPbx = (stage: Stage, ip: string): Promise<Running> => stage.start({
  name: 'pbx', command: 'sipp', args: ['-sf', scenario('pbx'), '-i', ip, '-p', '5060', '-nostdin', '-nd'], cwd: stage.folder('sipp')
})

/** Reads the cumulative counters of SIPp's last statistics line. */
const readCounts = (file: string): CallCount => {
  if (!existsSync(file)) throw new Error(`SIPp wrote no statistics (${file})`)
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
  const names = lines[0]!.split(';')
  const values = lines.at(-1)!.split(';')
  const counter = (name: string): number => {
    const value = Number(values[names.indexOf(name)])
    if (!Number.isInteger(value)) throw new Error(`SIPp's statistics have no ${name} (${file})`)
    return value
  }
  return { placed: counter('TotalCallCreated'), answered: counter('SuccessfulCall(C)'), lost: counter('FailedCall(C)') }
}

let sequence = 0

/** Starts placing calls. @param rate - calls a second */
export const startCalls = async (stage: Stage, options: { readonly from: string, readonly carrier: string, readonly account: string, readonly rate: number }): Promise<Caller> => {
  sequence += 1
  const name = `calls-${sequence}`
  const folder = stage.folder('sipp')
  const statistics = join(folder, `${name}.csv`)
  rmSync(statistics, { force: true })
  const caller = await stage.start({
    name,
    command: 'sipp',
    args: [
      '-sf', scenario('caller'), '-i', options.from, '-p', '5060', '-nostdin', '-s', options.account, '-r', String(options.rate), '-l', '1000',
      '-trace_stat', '-stf', statistics, '-fd', '1', `${options.carrier}:5060`
    ],
    cwd: folder
  })
  return {
    finish: async () => {
      // SIPp's soft exit: no new calls, wait for the open ones.
      process.kill(caller.pid, 'SIGUSR1')
      const ended = await Promise.race([caller.exited.then(() => true), sleep(10_000, false, { ref: false })])
      if (!ended) await caller.kill()
      const count = readCounts(statistics)
      // A call without an end is a lost one.
      return { ...count, lost: count.placed - count.answered }
    }
  }
}
