/** CPU of one OPTIONS transaction: ours, bare datagrams with strings made by hand, and SIPp, against the same server. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Stage } from '../lab/processes.ts'
import type { CostReport } from './cost-child.ts'
import { startUas, targetAddress } from './uas.ts'

const AT_MOST = 3
/** Transactions per second: what ten thousand targets at ten seconds take. */
const RATE = 1000
const SECONDS = 10
const ROUNDS = 3
/** Under way at once, where the rate is as high as it gets. */
const WINDOW = 100
const CLOSED = 100_000
/** A prober runs for months: what compiling it to machine code takes in the first seconds is not counted, of neither. */
const WARM_UP = 30_000
/** By hand nothing is sent again: on a busy machine some are lost. */
const LEAST_GOOD = 0.9

const child = (who: 'ours' | 'bare', kind: 'open' | 'closed'): number => {
  const [count, size] = kind === 'open' ? [RATE * SECONDS, RATE] : [CLOSED, WINDOW]
  const printed = execFileSync(process.execPath, [join(import.meta.dirname, 'cost-child.ts'), who, targetAddress(0), kind, String(count), String(size), String(WARM_UP)], { encoding: 'utf8' })
  const { good, microseconds } = JSON.parse(printed) as CostReport
  if (good < count * LEAST_GOOD) throw new Error(`${who}: only ${good} of ${count} transactions were answered`)
  return microseconds
}

/** The shell's `times` tells the CPU of its ended children. */
const sipp = (stage: Stage, kind: 'open' | 'closed'): number => {
  const count = kind === 'open' ? RATE * SECONDS : CLOSED
  // Without an open-loop limit SIPp sends as fast as its window lets it.
  const rate = kind === 'open' ? ['-r', String(RATE)] : ['-r', '100000', '-l', String(WINDOW)]
  const command = ['sipp', targetAddress(0), '-sf', join(import.meta.dirname, 'sipp-options.xml'), '-i', '127.0.0.1', '-m', String(count), ...rate, '-nostdin'].join(' ')
  const folder = stage.folder('sipp')
  const printed = execFileSync('sh', ['-c', `${command} > sipp.out 2>&1; times`], { cwd: folder, encoding: 'utf8', env: { ...process.env, TERM: 'dumb' } })
  const good = Number([...readFileSync(join(folder, 'sipp.out'), 'utf8').matchAll(/Successful call +\| +\d+ +\| +(\d+)/g)].at(-1)?.[1] ?? 0)
  if (good < count * LEAST_GOOD) throw new Error(`sipp: only ${good} of ${count} transactions were answered`)
  const children = printed.trim().split('\n').at(-1) ?? ''
  const seconds = [...children.matchAll(/(\d+)m([\d.]+)s/g)].map(([, minutes, rest]) => Number(minutes) * 60 + Number(rest))
  if (seconds.length !== 2) throw new Error(`no CPU times of SIPp: ${printed}`)
  return seconds.reduce((a, b) => a + b) * 1e6 / count
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!

export const benchCost = async (stage: Stage): Promise<boolean> => {
  console.log(`\n## CPU of one OPTIONS transaction (user and system, the client's process; the first ${WARM_UP} not counted)`)
  const uas = await startUas(0, 1)
  const isMet = (['open', 'closed'] as const).map((kind) => {
    const rounds = Array.from({ length: ROUNDS }, () => ({ ours: child('ours', kind), bare: child('bare', kind), sipp: sipp(stage, kind) }))
    const [ours, bare, other] = (['ours', 'bare', 'sipp'] as const).map((who) => median(rounds.map((round) => round[who])))
    const load = kind === 'open' ? `${RATE}/s for ${SECONDS} s` : `${CLOSED} as fast as possible, ${WINDOW} under way`
    const met = ours! <= AT_MOST * bare! && ours! <= AT_MOST * other!
    console.log(`${load}: Pointsman ${ours!.toFixed(1)} µs, bare datagrams ${bare!.toFixed(1)} µs (${(ours! / bare!).toFixed(1)} times), SIPp ${other!.toFixed(1)} µs (${(ours! / other!).toFixed(1)} times); ` +
      `aim: at most ${AT_MOST} times each: ${met ? 'met' : 'missed'}`)
    return met
  })
  await uas.stop()
  return isMet.every(Boolean)
}
