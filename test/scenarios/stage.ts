/** Hands stories to worker threads, one at a time to each. */
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { Order, Performance, Reply } from './player.ts'

export interface Stage {
  /** Plays a story when a thread is free. @throws when it could not be played */
  perform(order: Order): Promise<readonly Performance[]>
  close(): Promise<void>
}

export function createStage (): Stage {
  const workers = Array.from({ length: Math.min(4, availableParallelism()) }, () => new Worker(new URL('player.ts', import.meta.url), { execArgv: [], env: {} }))
  const tails = workers.map(() => Promise.resolve() as Promise<unknown>)
  const loads = workers.map(() => 0)

  const ask = (worker: Worker, order: Order): Promise<readonly Performance[]> => new Promise((resolve, reject) => {
    const settle = (end: () => void): void => {
      worker.off('message', onMessage)
      worker.off('error', onError)
      end()
    }
    const onError = (error: unknown): void => { settle(() => { reject(error instanceof Error ? error : new Error(String(error))) }) }
    const onMessage = (reply: Reply): void => {
      settle(() => {
        if ('error' in reply) reject(new Error(reply.error))
        else resolve(reply.performances)
      })
    }
    worker.on('message', onMessage)
    worker.on('error', onError)
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    worker.postMessage(order)
  })

  return {
    perform: async (order) => {
      const index = loads.indexOf(Math.min(...loads))
      const worker = workers[index]
      if (worker === undefined) throw new Error('no thread')
      loads[index] = (loads[index] ?? 0) + 1
      const played = (tails[index] ?? Promise.resolve()).then(() => ask(worker, order))
      tails[index] = played.catch(() => {})
      return await played
    },
    close: async () => { await Promise.all(workers.map((worker) => worker.terminate())) }
  }
}
