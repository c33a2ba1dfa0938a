/** A story of many gateways and trunks: `timeline.yaml` and `expected.yaml` in a folder of test/fixtures/fleet. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import type { Kind } from '../../../src/rehearsal/model-world.ts'
import type { StoryEvent } from '../../../src/rehearsal/test-file.ts'

export interface Fleet {
  readonly gateways: number
  readonly carriers: number
  readonly trunks: number
  /** Both interfaces of a trunk at the same carrier (default), or the standby's at the next one. */
  readonly standby_carrier?: 'same' | 'other'
}

/** As in a file of tests, with the instant of each; `each` stands for every interface of a gateway: `preferred of pbx-01`. */
export type FleetEvent = StoryEvent & { readonly at: string; readonly each?: string }

export type FleetQuery = 'no query' | 'query lists'

export interface FleetTimeline {
  readonly why?: string
  readonly fleet: Fleet
  readonly configuration?: object
  readonly events: readonly FleetEvent[]
  readonly until: string
  /** Variants that `npm test` plays; the others: `node test/scenarios/fleet/run.ts`. */
  readonly always?: readonly string[]
}

/** What must come of it. Numbers of trunks unless said otherwise. */
export interface FleetExpected {
  /** Reached by calls over their standby at the end. */
  readonly on_standby?: number
  /** Reached by no call at the end. */
  readonly silent?: number
  /** From the first event until the last of those that moved carries calls again. */
  readonly within?: string
  /** Ended switchovers by cause and result. */
  readonly ends?: Readonly<Record<string, number>>
  /** Commands that left, by their word. */
  readonly commands?: Readonly<Record<string, number>>
  readonly incidents?: number
  readonly brake?: boolean
  /** Trunks about which each of these (vetoes, waits, types of records) came up. */
  readonly seen?: Readonly<Record<string, number>>
  readonly never?: readonly string[]
}

export interface FleetVariant { readonly name: string; readonly kind: Kind; readonly query: FleetQuery; readonly expected: FleetExpected }
export interface FleetStory extends FleetTimeline { readonly name: string; readonly variants: readonly FleetVariant[] }

const KINDS: readonly Kind[] = ['innovaphone', 'kamailio']
const QUERIES: readonly FleetQuery[] = ['no query', 'query lists']

/** Expectations are merged from `all` over the kind and the query to `kind, query`, as in the stories of two gateways. */
export function readFleetStory (folder: string, name: string): FleetStory {
  const read = (file: string): unknown => parse(readFileSync(join(folder, name, file), 'utf8'))
  const timeline = read('timeline.yaml') as FleetTimeline
  const expected = read('expected.yaml') as Readonly<Record<string, FleetExpected>>
  const names = KINDS.flatMap((kind) => QUERIES.map((query) => `${kind}, ${query}`))
  const known = new Set(['all', ...KINDS, ...QUERIES, ...names])
  const stray = [...Object.keys(expected), ...timeline.always ?? []].find((key) => !known.has(key))
  if (stray !== undefined) throw new Error(`${name}: no variant is called "${stray}"`)
  const variants = KINDS.flatMap((kind) => QUERIES.map((query): FleetVariant => ({
    name: `${kind}, ${query}`, kind, query, expected: { ...expected['all'], ...expected[kind], ...expected[query], ...expected[`${kind}, ${query}`] }
  })))
  return { ...timeline, name, variants }
}
