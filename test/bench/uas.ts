/** The peers of the prober's bench: well-behaved SIP servers in a process of their own. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

export type UasOrder = 'report' | 'reset' | 'mute'

export interface UasReport {
  /** Targets that were ever asked. */
  readonly targets: number
  /** Of each target, since the last reset; without retransmissions. */
  readonly requests: readonly number[]
  /** Times between two requests to one target [ms]. */
  readonly gaps: readonly number[]
  readonly retransmissions: number
  /** Time since the request of the target that was not asked for the longest time [ms]. */
  readonly silentMs: number
}

export interface Uas {
  ask(order: UasOrder): Promise<UasReport>
  stop(): Promise<void>
}

/** Address of target number `index`: each has one of its own. */
export const targetAddress = (index: number): string => `127.${64 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`

/** @param first - number of its first target */
export const startUas = async (first: number, count: number): Promise<Uas> => {
  const child = fork(join(import.meta.dirname, 'uas-child.ts'), [String(first), String(count)], { serialization: 'advanced' })
  const kill = (): void => { child.kill('SIGKILL') }
  process.once('exit', kill)
  const [said] = await Promise.race([once(child, 'message'), once(child, 'exit')])
  if (said !== 'ready') throw new Error('the SIP servers of the bench ended at once')
  return {
    ask: async (order) => {
      const answer = once(child, 'message')
      child.send(order)
      return (await answer)[0] as UasReport
    },
    stop: async () => {
      process.removeListener('exit', kill)
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    }
  }
}
