/** Plays one story against the configured installation on virtual time, and compares what came of it with what was expected. */
import { explainRecord } from '../core/explain.ts'
import type { Config } from '../config/config.ts'
import type { InterfaceKey, Topology, TrunkId } from '../core/topology.ts'
import type { JournalRecord } from '../ports.ts'
import { durationOf, happen, isDue, onlyTrunk, statusOf } from './happen.ts'
import { createInstallation } from './installation.ts'
import type { Installation } from './installation.ts'
import type { Expectation, Place, StoryEvent, StoryTest, TestFile } from './test-file.ts'

export interface Failure extends Place {
  readonly message: string
  /** When it showed, since the start; null: it is about the whole story. */
  readonly atMs: number | null
}

/** What happened at one instant, in words. */
export interface Happening { readonly atMs: number; readonly text: string }

export interface Rehearsed extends Place {
  readonly name: string
  readonly failures: readonly Failure[]
  /** In order. */
  readonly timeline: readonly Happening[]
}

const STEP_MS = 500
/** The first registration may take this long (a Kamailio's timer). [ms] */
const SETTLED_MS = 90_000

export async function rehearse (config: Config, mode: TestFile['mode'], test: StoryTest): Promise<Rehearsed> {
  const startMs = test.start === undefined ? Date.UTC(2026, 0, 1) : Date.parse(test.start)
  const world = createInstallation({
    config, mode, startMs,
    enabled: test.enabled ?? defaultEnabled(config.topology),
    registrar: test.registrar ?? 'lists',
    shippedAlerts: test.shipped_alerts ?? true
  })
  const watch = createWatch(world, test, startMs)
  const events = [...test.events]
  const untilMs = durationOf(test.until)
  let previousMs = 0
  await world.process.start()
  for (let nowMs = 0; nowMs <= untilMs; nowMs = world.clock.monotonicMs()) {
    for (let event = events[0]; event !== undefined && isDue(world, event, nowMs, previousMs); event = events[0]) {
      events.shift()
      previousMs = nowMs
      watch.tell(nowMs, `event: ${eventText(event)}`)
      const refusal = await happen(world, event)
      if (refusal !== null) watch.tell(nowMs, `refused: ${refusal}`)
    }
    await watch.look(nowMs)
    await world.step(STEP_MS)
  }
  await world.process.stop('stopped')
  const missed = events[0] === undefined ? [] : [{ line: test.line, column: test.column, atMs: null, message: `this never happened: ${eventText(events[0])}` }]
  return { name: test.name, line: test.line, column: test.column, failures: [...missed, ...watch.failures()], timeline: watch.timeline() }
}

function defaultEnabled (topology: Topology): readonly InterfaceKey[] {
  return [...topology.trunks.values()].flatMap(({ type, interfaces }) => (type === 'shared' ? interfaces : interfaces.slice(0, 1)).map((iface) => iface.key))
}

function eventText (event: StoryEvent): string {
  const { at: _, after: __, ...rest } = event
  return Object.entries(rest).map(([key, value]) => `${key} ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`).join(', ')
}

interface Watch {
  tell(atMs: number, text: string): void
  /** To be called at every step. */
  look(nowMs: number): Promise<void>
  failures(): readonly Failure[]
  timeline(): readonly Happening[]
}

type Seen = Pick<Expectation, 'carries' | 'wanted' | 'carrying' | 'vetoes' | 'waits'>

function createWatch (world: Installation, test: StoryTest, startMs: number): Watch {
  const happenings: Happening[] = []
  const trunks = [...world.topology.trunks.keys()]
  const carried = new Map<TrunkId, string>()
  const words = new Map(trunks.map((trunk) => [trunk, new Set<string>()]))
  const served = new Map(trunks.map((trunk) => [trunk, SETTLED_MS]))
  const silence = new Map(trunks.map((trunk) => [trunk, 0]))
  const found: Failure[] = []
  let open = test.expect.filter((each) => each.at !== undefined || each.by !== undefined)

  const seenOf = (trunk: TrunkId): Seen => {
    const status = statusOf(world, trunk)
    return {
      carries: world.carriedBy(trunk).join(' ') || 'none',
      ...(status?.wanted == null ? {} : { wanted: status.wanted }),
      carrying: status?.carrying ?? 'unknown',
      vetoes: (status?.vetoes ?? []).map(({ interlock }) => interlock).sort(),
      waits: (status?.waits ?? []).map(({ reason }) => reason).sort()
    }
  }
  const judge = (nowMs: number): void => {
    open = open.filter((each) => {
      const atMs = durationOf(each.at ?? each.by ?? '0s')
      if (each.at !== undefined && nowMs < atMs) return true
      const wrong = differences(each, seenOf(onlyTrunk(world.topology, each.trunk)))
      if (wrong.length === 0) return false
      if (each.by !== undefined && nowMs < atMs) return true
      found.push(...wrong.map((message) => ({ line: each.line, column: each.column, atMs: nowMs, message: `${each.at === undefined ? `by ${each.by ?? ''}` : `at ${each.at}`}: ${message}` })))
      return false
    })
  }
  let known = 0
  let last = { nowMs: 0, wallMs: startMs }
  /** Records bear the time on the wall, which may be set. */
  const read = async (nowMs: number): Promise<void> => {
    const { records } = await world.process.store().journal({ order: 'oldest-first', from: known, limit: 10_000 })
    for (const { atMs, trunk, type, data } of records) {
      const sinceMs = atMs - last.wallMs
      if (type !== 'snapshot') happenings.push({ atMs: sinceMs >= 0 && sinceMs <= nowMs - last.nowMs ? last.nowMs + sinceMs : nowMs, text: `${trunk === null ? '' : `${trunk}: `}${type}: ${explainRecord(type, data)}` })
    }
    known += records.length
    last = { nowMs, wallMs: world.clock.now() }
  }
  const ofTrunk = (trunk: TrunkId): readonly JournalRecord[] => world.process.store().allRecords().filter((record) => record.trunk === trunk)
  const overall = (each: Expectation): readonly string[] => {
    const trunk = onlyTrunk(world.topology, each.trunk)
    const records = ofTrunk(trunk)
    const seen = new Set([...words.get(trunk) ?? [], ...records.map(({ type }) => type)])
    const silentMs = silence.get(trunk) ?? 0
    return [
      ...listDifference('moves', each.moves, records.filter(({ type }) => type === 'ended').map(({ data }) => [data['cause'], data['result'], data['wanted'] ?? 'none'].join(' '))),
      ...listDifference('commands', each.commands, world.commands.filter((command) => command.trunk === trunk).map(({ text }) => text)),
      ...(each.silence !== undefined && silentMs > durationOf(each.silence) ? [`no interface was reached for ${seconds(silentMs)}, at most ${each.silence} expected`] : []),
      ...(each.seen ?? []).filter((word) => !seen.has(word)).map((word) => `${word} did not come up`),
      ...(each.never ?? []).filter((word) => seen.has(word)).map((word) => `${word} came up`)
    ]
  }

  return {
    tell: (atMs, text) => { happenings.push({ atMs, text }) },
    look: async (nowMs) => {
      await read(nowMs)
      for (const trunk of trunks) {
        const { carries = 'none', vetoes = [], waits = [] } = seenOf(trunk)
        if (carried.get(trunk) !== carries) happenings.push({ atMs: nowMs, text: `${trunk}: calls reach ${carries}` })
        carried.set(trunk, carries)
        if (carries !== 'none') served.set(trunk, Math.max(served.get(trunk) ?? 0, nowMs))
        silence.set(trunk, Math.max(silence.get(trunk) ?? 0, nowMs - (served.get(trunk) ?? 0)))
        const all = words.get(trunk)
        for (const word of [...vetoes, ...waits]) all?.add(word)
        if (statusOf(world, trunk)?.carrierDown === true) all?.add('carrier-down')
      }
      judge(nowMs)
    },
    failures: () => [
      ...found,
      ...test.expect.flatMap((each) => overall(each).map((message) => ({ line: each.line, column: each.column, atMs: null, message }))),
      ...trunks.filter((trunk) => world.carrierOf(trunk).overlaps() > 0 && world.topology.trunks.get(trunk)?.type === 'exclusive')
        .map((trunk) => ({ line: test.line, column: test.column, atMs: null, message: `${trunk}: two interfaces were registered at once` }))
    ].sort((a, b) => a.line - b.line || a.column - b.column),
    timeline: () => happenings.toSorted((a, b) => a.atMs - b.atMs)
  }
}

function differences (wanted: Seen, seen: Seen): readonly string[] {
  const sorted = (list: readonly string[] | undefined): string => [...list ?? []].sort().join(', ') || 'none'
  const wrong: string[] = []
  const compare = (what: string, want: string | undefined, got: string | undefined): void => {
    if (want !== undefined && want !== got) wrong.push(`${what}: expected ${want}, got ${got ?? 'nothing'}`)
  }
  compare('carries', wanted.carries === undefined ? undefined : wanted.carries.split(' ').sort().join(' '), seen.carries?.split(' ').sort().join(' '))
  compare('wanted', wanted.wanted, seen.wanted)
  compare('carrying', wanted.carrying, seen.carrying)
  compare('vetoes', wanted.vetoes === undefined ? undefined : sorted(wanted.vetoes), sorted(seen.vetoes))
  compare('waits', wanted.waits === undefined ? undefined : sorted(wanted.waits), sorted(seen.waits))
  return wrong
}

function listDifference (what: string, want: readonly string[] | undefined, got: readonly string[]): readonly string[] {
  return want === undefined || want.join('\n') === got.join('\n') ? [] : [`${what}: expected ${want.join('; ') || 'none'}, got ${got.join('; ') || 'none'}`]
}

function seconds (ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}
