/** Worker thread: plays whole stories. Apart from the test runner's hooks on every promise, and beside other threads. */
import { join } from 'node:path'
import { parentPort } from 'node:worker_threads'
import { play } from '../../src/rehearsal/play.ts'
import type { Played } from '../../src/rehearsal/play.ts'
import type { VetoReason } from '../../src/core/reasons.ts'
import { leaveOut } from '../helpers/leave-out.ts'
import { configure } from './configuration.ts'
import { readStory } from './read-story.ts'

/** @property without - the interlock that is left out, to see that this matters */
export interface Order { readonly folder: string; readonly name: string; readonly directory: string; readonly without?: VetoReason }
/** How one variant went. */
export interface Performance { readonly variant: string; readonly played: Played; readonly tookMs: number }
export type Reply = { readonly name: string; readonly performances: readonly Performance[] } | { readonly name: string; readonly error: string }

// An abort makes an exception whose trace nobody reads; there are many of them.
Error.stackTraceLimit = 3

async function perform ({ folder, name, directory, without }: Order): Promise<Reply> {
  const { timeline, variants } = readStory(folder, name)
  const performances: Performance[] = []
  const putBack = without === undefined ? () => {} : leaveOut(without)
  for (const variant of variants) {
    const startedMs = performance.now()
    const config = await configure({ kind: variant.kind, query: variant.query !== 'no query', configuration: timeline.configuration ?? {}, directory: join(directory, name, variant.name) })
    const played = await play(timeline, variant, config, Object.keys(variant.expected.looks ?? {}))
    performances.push({ variant: variant.name, played, tookMs: performance.now() - startedMs })
  }
  putBack()
  return { name, performances }
}

parentPort?.on('message', (order: Order) => {
  void perform(order)
    .catch((error: unknown): Reply => ({ name: order.name, error: error instanceof Error ? error.stack ?? error.message : String(error) }))
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    .then((reply) => { parentPort?.postMessage(reply) })
})
