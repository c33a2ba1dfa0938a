/** Seeded choices, so that a run can be repeated: the same seed gives the same inputs. */
import { createSeededRandom } from '../../src/rehearsal/fake-clock.ts'

export interface Dice {
  /** True in `share` of the cases (0 to 1). */
  chance(share: number): boolean
  /** Whole number from 0 to `below` - 1. */
  int(below: number): number
  pick<T>(list: readonly T[]): T
}

export function createDice (seed: number): Dice {
  const { fraction } = createSeededRandom(seed)
  const int = (below: number): number => Math.floor(fraction() * below)
  return {
    chance: (share) => fraction() < share,
    int,
    pick: (list) => {
      if (list.length === 0) throw new Error('nothing to pick from')
      return list[int(list.length)]!
    }
  }
}
