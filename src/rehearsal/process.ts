/** One Pointsman on virtual time: its engine and its prober, which may be stopped, killed and started again on the same store. */
import type { TrunkStatus } from '../core/status.ts'
import { createEngine } from '../engine/engine.ts'
import type { EngineSetup, RunningEngine } from '../engine/engine.ts'
import type { Log, Metrics, Random, SipClient } from '../ports.ts'
import { createProbeScheduler } from '../probes/scheduler.ts'
import type { FakeClock } from './fake-clock.ts'
import { createMemoryStore } from './memory-store.ts'
import type { MemoryStore } from './memory-store.ts'
import type { Life } from './model-driver.ts'
import type { Subject } from './model-monitoring.ts'

export interface Process {
  /** Null while Pointsman does not run. */
  engine(): RunningEngine | null
  subject(): Subject | null
  /** The first trunk as it is told now; the whole status is a lot more. */
  trunk(): TrunkStatus | null
  store(): MemoryStore
  /** Nothing happens when it runs. */
  start(): Promise<void>
  /** The same configuration is loaded anew. */
  reload(): void
  /** Ends the process: in order, or as `kill -9` does. */
  stop(how: 'stopped' | 'killed'): Promise<void>
}

export interface ProcessOptions {
  readonly clock: FakeClock
  readonly random: Random
  readonly sip: () => SipClient
  readonly setup: (life: Life) => EngineSetup
  readonly probes: Parameters<ReturnType<typeof createProbeScheduler>['start']>[0]
}

const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => silent }
const unmeasured: Metrics = { increment: () => {}, observe: () => {} }

export function createProcess ({ clock, random, sip: createSip, setup, probes }: ProcessOptions): Process {
  let store = createMemoryStore()
  let running: { readonly engine: RunningEngine; readonly life: Life; end(): Promise<unknown> } | null = null
  return {
    engine: () => running?.engine ?? null,
    subject: () => {
      const now = running?.engine
      return now === undefined ? null : { status: () => now.status(), receive: async (body) => (await now.receive(body)).ok }
    },
    trunk: () => {
      for (const trunk of running?.engine.survey().trunks ?? []) return trunk
      return null
    },
    store: () => store,
    start: async () => {
      if (running !== null) return
      const life: Life = { alive: true }
      const sip = createSip()
      const scheduler = createProbeScheduler({ sip, clock, random, metrics: unmeasured, log: silent }, (id, outcome, atMs) => engine.probed(id, outcome, atMs))
      const engine = createEngine(setup(life), { clock, random, store, sip, metrics: unmeasured, log: silent, version: 'rehearsal', probes: scheduler })
      running = { engine, life, end: () => Promise.all([engine.stop(), scheduler.stop()]) }
      await engine.start()
      scheduler.start(probes)
    },
    reload: () => { if (running !== null) running.engine.replace(setup(running.life)) },
    stop: async (how) => {
      const ending = running
      if (ending === null) return
      running = null
      if (how === 'killed') {
        ending.life.alive = false
        const left = store
        store = left.reopen()
        void left.close()
      }
      const ended = ending.end()
      // A killed one is gone at once; its last bytes are still on the wire.
      if (how === 'killed') return
      await bringToEnd(clock, ended)
      store = store.reopen()
    }
  }
}

/** Moves time until calls that are under way have ended. */
async function bringToEnd (clock: FakeClock, work: Promise<unknown>): Promise<void> {
  const state = { ended: false }
  void work.then(() => { state.ended = true })
  for (let turn = 0; turn < 100 && !state.ended; turn++) await clock.advance(100)
}
