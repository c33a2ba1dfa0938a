/** One Pointsman with its trunks, killed again and again; what came of it. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createReplay } from '../../src/core/replay.ts'
import { sleep } from '../lab/wait.ts'
import { KINDS, SLOW_MS, writeConfiguration } from './configuration.ts'
import type { TrunkKind } from './configuration.ts'
import { createDice } from './dice.ts'
import type { Dice } from './dice.ts'
import { judgeWrites, readStore, unadmitted, unneeded } from './judge.ts'
import type { Unneeded } from './judge.ts'
import { createLedger } from './ledger.ts'
import { monitor, stream } from './monitoring.ts'
import { startScene } from './scene.ts'
import type { Needed } from './scene.ts'
import { createTrunkStage, SIDES } from './stage.ts'
import type { Return, TrunkStage } from './stage.ts'
import { createVictim } from './victim.ts'

/**
 * When it is struck: while it starts, at any instant of its work, in the midst of a change of a gateway, or in the same
 * turn in which a 2xx arrives.
 */
type Moment = 'start' | 'work' | 'change' | 'answer'

export interface LaneOptions {
  readonly directory: string
  /** Loopback network of its own, for example `127.0.120`. */
  readonly network: string
  readonly compileCache: string
  readonly kills: number
  readonly seed: number
  readonly kinds?: readonly TrunkKind[]
  readonly progress?: (line: string) => void
}

export interface LaneReport {
  readonly kills: Readonly<Record<Moment, number>>
  /** Kills that left a gateway with a changed and not activated configuration. */
  readonly halfDone: number
  readonly posted: number
  readonly acknowledged: number
  readonly promised: number
  readonly missing: readonly string[]
  readonly needed: readonly Needed[]
  readonly writes: number
  readonly wrong: readonly string[]
  readonly unneeded: readonly string[]
  /** The same right after this test itself stood still, and with it all that it simulates. */
  readonly unneededAfterStall: number
  readonly violations: readonly string[]
  readonly returns: readonly Return[]
  /** Trunks that did not rest at the end, ends of the process that nobody asked for, a damaged store. */
  readonly failures: readonly string[]
  readonly journal: number
  /** Moments of the journal that were decided again. */
  readonly decidedAgain: number
}

const MOMENTS: readonly (readonly [Moment, number])[] = [['start', 0.12], ['answer', 0.12], ['change', 0.36], ['work', 0.4]]
/** A change that does not come is not waited for longer. [ms] */
const CHANGE_WITHIN_MS = 2000
const WORK_MS = 1500
const START_MS = 600
/** The simulated world stood still: its silence is seen as a fault for a while. [ms] */
const STALL_MS = 120
const STALL_ECHO_MS = 2000

interface Stall { readonly sinceMs: number; readonly untilMs: number }
/** Reading, changing, writing, activating, reading back. */
const STEPS = 5

export async function runLane (options: LaneOptions): Promise<LaneReport> {
  const { directory, network, kinds = KINDS, kills } = options
  const dice = createDice(options.seed)
  await mkdir(directory, { recursive: true })
  const stages: TrunkStage[] = []
  for (const [index, kind] of kinds.entries()) {
    const host = (part: number): string => `${network}.${index * 3 + part}`
    stages.push(await createTrunkStage(kind, { carrier: host(1), a: host(2), b: host(3) }))
  }
  const listen = `${network}.200:19867`
  const configFile = await writeConfiguration(directory, listen, stages)
  const victim = createVictim({ configFile, url: `http://${listen}`, logFile: join(directory, 'pointsman.log'), compileCache: options.compileCache })
  const ending = new AbortController()
  let onAnswer: (() => void) | null = null
  const ledger = createLedger(victim, () => { onAnswer?.() })
  const stalls: Stall[] = []
  const watching = watch(stages, stalls, ending.signal)
  const peace = new Set<TrunkStage>()
  const gateways = kinds.flatMap(({ name }) => SIDES.map((side) => ({ trunk: name, gateway: `${name}-${side}` })))
  const failures: string[] = []
  const killedAtMs: number[] = []
  const counts: Record<Moment, number> = { start: 0, work: 0, change: 0, answer: 0 }
  let halfDone = 0
  let promisedAtKill = 0
  const checks: Promise<void>[] = []

  victim.start()
  await victim.ready()
  const senders = [monitor(victim, ledger, dice, ending.signal), stream(gateways, ledger, dice, ending.signal)]
  const scenes = stages.map((stage) => startScene({ stage, dice, status: victim.status, peace: (wanted) => { if (wanted) peace.add(stage); else peace.delete(stage) } }))

  const strike = async (): Promise<void> => {
    victim.strike()
    killedAtMs.push(Date.now())
    checks.push(sleep(2 * SLOW_MS).then(() => { if (stages.some((stage) => SIDES.some((side) => stage.halfDone(side)))) halfDone += 1 }))
    await victim.gone()
    promisedAtKill = ledger.promised()
  }
  const aMoment = async (moment: Moment): Promise<Moment> => {
    switch (moment) {
      case 'start': await sleep(dice.between(0, START_MS)); return 'start'
      case 'work': await sleep(dice.between(0, WORK_MS)); return 'work'
      case 'change': {
        const came = await changeArrives(stages)
        await sleep(dice.between(0, STEPS * SLOW_MS))
        return came ? 'change' : 'work'
      }
      case 'answer': {
        await sleep(dice.between(0, WORK_MS / 2))
        await Promise.race([new Promise<void>((resolve) => {
          onAnswer = () => { victim.strike(); resolve() }
        }), sleep(CHANGE_WITHIN_MS)])
        onAnswer = null
        return 'answer'
      }
    }
  }

  for (let number = 1; number <= kills; number += 1) {
    while (peace.size > 0) await sleep(100)
    const moment = pickMoment(dice)
    if (moment !== 'start') {
      await victim.ready()
      const known = (await victim.status())?.alerts
      if (known !== undefined && known < promisedAtKill) failures.push(`after kill ${number - 1} the book has ${known} of ${promisedAtKill} alerts`)
    }
    counts[await aMoment(moment)] += 1
    await strike()
    victim.start()
    if (number % 25 === 0) options.progress?.(`${number} of ${kills} kills, ${ledger.acknowledged()} acknowledged, ${scenes.flatMap((s) => s.needed).filter((n) => n.movedMs !== null).length} switchovers`)
  }
  await victim.ready()
  const ends = await Promise.all(scenes.map((scene) => scene.finish()))
  failures.push(...ends.filter((text) => text !== null))
  ending.abort()
  await Promise.all([...senders, ...checks, watching])
  await victim.stop()
  const stored = readStore(join(directory, 'pointsman.db'))
  if (stored.integrity !== 'ok') failures.push(`the store is damaged: ${stored.integrity}`)
  const replay = createReplay(null)
  const decided = [...stored.journal.flatMap((record) => replay.take(record)), ...replay.end()]
  failures.push(...decided.filter(({ kind }) => kind !== 'same').map((moment) => `decided otherwise again: ${JSON.stringify(moment).slice(0, 500)}`))
  const moves = unneeded(stages, stored.journal)
  const stalled = ({ atMs }: Unneeded): boolean => stalls.some((stall) => stall.sinceMs <= atMs && atMs - stall.untilMs < STALL_ECHO_MS)
  const writes = judgeWrites(stages, stored.journal, killedAtMs)
  await Promise.all(stages.map((stage) => stage.stop()))
  return {
    kills: counts,
    halfDone,
    posted: ledger.posted(),
    acknowledged: ledger.acknowledged(),
    promised: ledger.promised(),
    missing: ledger.missing(stored.book),
    needed: scenes.flatMap((scene) => scene.needed),
    writes: writes.count,
    wrong: [...writes.wrong, ...unadmitted(stored.journal)],
    unneeded: moves.filter((move) => !stalled(move)).map(({ text }) => text),
    unneededAfterStall: moves.filter(stalled).length,
    violations: stages.flatMap((stage) => stage.findings.violations),
    returns: stages.flatMap((stage) => stage.findings.returns),
    failures: [...failures, ...victim.surprises],
    journal: stored.journal.length,
    decidedAgain: decided.length
  }
}

function pickMoment (dice: Dice): Moment {
  let left = dice.fraction()
  for (const [moment, share] of MOMENTS) {
    left -= share
    if (left < 0) return moment
  }
  return 'work'
}

/** Waits for the next `change` that a gateway gets; false: none came. */
async function changeArrives (stages: readonly TrunkStage[]): Promise<boolean> {
  const lines = stages.flatMap(({ pair }) => [pair.a.requests, pair.b.requests]).map((requests) => ({ requests, seen: requests.length }))
  const end = Date.now() + CHANGE_WITHIN_MS
  while (Date.now() < end) {
    for (const line of lines) {
      for (; line.seen < line.requests.length; line.seen += 1) {
        if (line.requests[line.seen]!.path.startsWith('/!config change')) return true
      }
    }
    await sleep(2)
  }
  return false
}

async function watch (stages: readonly TrunkStage[], stalls: Stall[], signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    for (const stage of stages) stage.watch()
    const sinceMs = Date.now()
    await sleep(4)
    if (Date.now() - sinceMs > STALL_MS) stalls.push({ sinceMs, untilMs: Date.now() })
  }
}
