/** One trunk's life during the kills: the interface that carries it is struck, the trunk has to move, the fault is mended. */
import type { Status, TrunkStatus } from '../../src/core/status.ts'
import { sleep } from '../lab/wait.ts'
import type { Fault } from './configuration.ts'
import type { Dice } from './dice.ts'
import { otherOf } from './stage.ts'
import type { Side, TrunkStage } from './stage.ts'

export interface Needed {
  readonly trunk: string
  readonly from: Side
  readonly fault: Fault
  readonly struckAtMs: number
  /** Null: the trunk did not get onto the other interface. */
  movedMs: number | null
  /** It got there only once nothing was killed any more. */
  onlyInPeace: boolean
  /** Where it stood when it was given up. */
  remark: string
}

export interface Scene {
  readonly needed: readonly Needed[]
  /** Strikes no more; resolves when the trunk rests, or with what it lacks. */
  finish(): Promise<string | null>
}

export interface SceneOptions {
  readonly stage: TrunkStage
  readonly dice: Dice
  readonly status: () => Promise<Status | null>
  /** Asks for a time without kills, and ends it. */
  readonly peace: (wanted: boolean) => void
}

/** A needed switchover has this long under fire, then as long in peace. */
const UNDER_FIRE_MS = 45_000
const IN_PEACE_MS = 50_000
const LOOK_MS = 100

export function startScene ({ stage, dice, status, peace }: SceneOptions): Scene {
  const needed: Needed[] = []
  const { kind } = stage
  const finishing = new AbortController()

  const trunk = async (): Promise<TrunkStatus | null> => (await status())?.trunks.find((t) => t.id === kind.name) ?? null
  /** Waits under fire, then in peace; `peaceful` tells which it took, null: neither was enough. */
  const reach = async (check: () => Promise<boolean>): Promise<'under-fire' | 'in-peace' | null> => {
    const start = Date.now()
    while (Date.now() - start < UNDER_FIRE_MS) {
      if (await check()) return 'under-fire'
      await sleep(LOOK_MS)
    }
    peace(true)
    try {
      const calm = Date.now()
      while (Date.now() - calm < IN_PEACE_MS) {
        if (await check()) return 'in-peace'
        await sleep(LOOK_MS)
      }
      return null
    } finally {
      peace(false)
    }
  }
  /** Carried by `side` alone, by truth and by what Pointsman says; null: by whichever. */
  const carried = (side: Side | null) => async (): Promise<boolean> => {
    const truth = stage.carrier()
    if (truth === null || (side !== null && truth !== side)) return false
    const now = await trunk()
    return now !== null && now.switchover === null && now.wanted === `${kind.name}-${truth}/${stage.pair.interfaceName}` && truth === stage.carrier()
  }
  const rested = async (): Promise<boolean> => {
    const truth = stage.carrier()
    if (truth === null || stage.live(otherOf(truth)) || !await carried(truth)()) return false
    const now = await trunk()
    const standby = now?.interfaces.find((i) => i.key !== now.wanted)
    const active = now?.interfaces.find((i) => i.key === now.wanted)
    return standby?.usable === true && !standby.debt && active?.health === 'up'
  }
  const describe = async (): Promise<string> => {
    const now = await trunk()
    const told = now === null ? 'no answer' : JSON.stringify({ ...now, alerts: now.alerts.length, interfaces: now.interfaces.map((i) => `${i.key} ${i.enabled ? 'on' : 'off'} ${i.health}: ${i.because.join(', ')}`) })
    const sides = (['a', 'b'] as const).map((side) => `${side} ${JSON.stringify(stage.pair[side].state(stage.pair.interfaceName))}`)
    return `bound: ${stage.pair.holders().join(',')}; ${sides.join('; ')}; status: ${told}`
  }

  const act = async (): Promise<string | null> => {
    if (await reach(rested) === null) return `${kind.name} does not come to rest: ${await describe()}`
    if (finishing.signal.aborted) return null
    const from = stage.carrier()
    if (from === null) return null
    const fault = dice.pick(kind.faults)
    const move: Needed = { trunk: kind.name, from, fault, struckAtMs: Date.now(), movedMs: null, onlyInPeace: false, remark: '' }
    needed.push(move)
    await stage.strike(from, fault)
    const reached = await reach(carried(otherOf(from)))
    if (reached === null) move.remark = await describe()
    else move.movedMs = Date.now() - move.struckAtMs
    move.onlyInPeace = reached === 'in-peace'
    await sleep(dice.between(0, 1500))
    await stage.mend(from)
    return reached === null ? `${kind.name} did not move off ${from} (${fault}): ${move.remark}` : null
  }
  const live = async (): Promise<string | null> => {
    while (!finishing.signal.aborted) {
      const failed = await act()
      if (failed !== null) return failed
      await sleep(dice.between(0, 500))
    }
    return await reach(rested) === null ? `${kind.name} does not come to rest: ${await describe()}` : null
  }
  const living = live()
  return {
    needed,
    finish: () => {
      finishing.abort()
      return living
    }
  }
}
