/** Plays sequences, counts the states that they come through, and shrinks one that goes wrong. */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { stringify } from 'yaml'
import type { Config } from '../../src/config/config.ts'
import { toDurable } from '../../src/core/durable.ts'
import type { TrunkState } from '../../src/core/world.ts'
import type { ModelWorld } from '../../src/rehearsal/model-world.ts'
import { play } from '../../src/rehearsal/play.ts'
import { configure } from '../scenarios/configuration.ts'
import { SETTINGS, timelineOf } from './sequence.ts'
import type { Sequence } from './sequence.ts'

export interface Failure { readonly sequence: Sequence; readonly wrong: readonly string[] }

export interface Explorer {
  /** @returns what went wrong; empty: nothing */
  explore(sequence: Sequence): Promise<readonly string[]>
  /** The shortest sequence that still goes wrong by leaving out events and pauses. */
  shrink(failure: Failure): Promise<Failure>
  /** What was come through: the durable state of the trunk without its instants and names, and what the gateways run. */
  states(): number
  sequences(): number
  /** Switchovers that ended, and commands that left: a search in which nothing happens finds nothing. */
  switchovers(): number
}

const DECISION = /^[0-9a-z]+-[0-9a-f]{8}$/

/** Instants and names of decisions make no other state. */
function withoutNames (key: string, value: unknown): unknown {
  if (key.endsWith('AtMs') || key.endsWith('SinceMs') || key.endsWith('Ms')) return value === null ? null : 'then'
  return typeof value === 'string' && DECISION.test(value) ? 'decision' : value
}

/** @param directory - an empty folder */
export function createExplorer (directory: string): Explorer {
  const configs = new Map<string, Promise<Config>>()
  const states = new Set<string>()
  let sequences = 0
  let switchovers = 0

  const configOf = ({ kind, query, setting }: Sequence): Promise<Config> => {
    const hasQuery = query !== 'no query'
    const name = [kind, hasQuery, setting].join('-')
    const known = configs.get(name) ?? configure({ kind, query: hasQuery, configuration: SETTINGS[setting]?.configuration ?? {}, directory: join(directory, name) })
    configs.set(name, known)
    return known
  }
  const watcher = (): (world: ModelWorld) => void => {
    let last: TrunkState | undefined
    let before = ''
    return ({ engine, gateways, carrier }) => {
      const state = engine()?.world.trunks.get('acme')
      const runs = [...gateways.values()].map((gateway) => `${String(gateway.runs())} ${String(carrier.bound().includes(gateway.contact))}`).join(' ')
      if (state === last && runs === before) return
      last = state
      before = runs
      states.add(createHash('sha1').update(state === undefined ? 'none' : JSON.stringify(toDurable(state), withoutNames)).update(runs).digest('base64'))
    }
  }
  const explore = async (sequence: Sequence): Promise<readonly string[]> => {
    sequences++
    try {
      const played = await play(timelineOf(sequence), sequence, await configOf(sequence), [], watcher())
      switchovers += played.ends.length
      return [...played.violations.filter((line) => !isPaceOfDefaults(line)), ...(played.serves ? [] : [`no call reaches the trunk at the end; ${played.runs} runs, ${played.bound} is registered`])]
    } catch (error) {
      return [error instanceof Error ? error.stack ?? error.message : String(error)]
    }
  }

  return {
    explore,
    shrink: async (failure) => {
      let best = failure
      for (let shorter = true; shorter;) {
        shorter = false
        for (const events of simpler(best.sequence.events)) {
          const sequence = { ...best.sequence, events }
          const wrong = await explore(sequence)
          if (wrong.length === 0 || !isSame(wrong, failure.wrong)) continue
          best = { sequence, wrong }
          shorter = true
          break
        }
      }
      return best
    },
    states: () => states.size,
    sequences: () => sequences,
    switchovers: () => switchovers
  }
}

/**
 * The bounds of pace.ts are about the default intervals, at which pace.test.ts holds them; here a gateway is read five times as
 * often, and gives up a call after 2 s. What is left to be found here is a loop.
 */
const LOOP = { callsPerSecond: 10, failuresPerSecond: 5, refusalsPerMinute: 60 } as const
function isPaceOfDefaults (line: string): boolean {
  const [, bound, count] = / hammers \S+ (\w+): (\d+)$/.exec(line) ?? []
  return bound !== undefined && Number(count) <= (LOOP[bound as keyof typeof LOOP] ?? 0)
}

/** The same thing went wrong, at whatever time. */
function isSame (some: readonly string[], others: readonly string[]): boolean {
  const kind = (line: string): string => line.replaceAll(/[\d.]+/g, '').replace(/;.*/, '').slice(0, 60)
  const kinds = new Set(others.map(kind))
  return some.some((line) => kinds.has(kind(line)))
}

function * simpler (events: Sequence['events']): Generator<Sequence['events']> {
  for (const index of events.keys()) {
    const [first, ...others] = events.filter((_, other) => other !== index)
    // The first one waits until all is settled.
    if (first !== undefined) yield [{ ...first, after: events[0]?.after ?? first.after }, ...others]
  }
}

/** As `timeline.yaml` of a scenario folder. */
export function asScenario (failure: Failure): string {
  const { kinds, queries, configuration, events, until } = timelineOf(failure.sequence)
  const flow = events.map((event) => `  - ${JSON.stringify(event)}`).join('\n')
  return `why: |\n${failure.wrong.map((line) => `  ${line.replaceAll('\n', '\n  ')}`).join('\n')}\n${stringify({ kinds, queries })}configuration: ${JSON.stringify(configuration)}\nevents:\n${flow}\nuntil: ${until}\n`
}
