/** Plays one variant of a fleet's story and reports what came of it. */
import type { Config } from '../../../src/config/config.ts'
import { countedIncidents } from '../../../src/core/incidents.ts'
import type { InterfaceKey, TrunkId } from '../../../src/core/topology.ts'
import { FAKE_START_MS } from '../../../src/rehearsal/fake-clock.ts'
import { durationOf, happen } from '../../../src/rehearsal/happen.ts'
import { createInstallation } from '../../../src/rehearsal/installation.ts'
import type { Installation } from '../../../src/rehearsal/installation.ts'
import type { StoryEvent } from '../../../src/rehearsal/test-file.ts'
import type { FleetEvent, FleetTimeline } from './story.ts'
import { createFleetWatch } from './watch.ts'

export interface FleetPlayed {
  readonly onStandby: number
  readonly silent: number
  /** From the first event until the last of those on their standby carries calls again; null: none moved. */
  readonly movedMs: number | null
  readonly ends: Readonly<Record<string, number>>
  readonly commands: Readonly<Record<string, number>>
  readonly incidents: number
  readonly brake: boolean
  /** By word, the number of trunks about which it came up. */
  readonly seen: ReadonlyMap<string, number>
  readonly violations: readonly string[]
  /** The journal of one trunk that moved or was touched last, for people who look for a cause. */
  readonly story: readonly string[]
}

const STEP_MS = 1000
const LOOK_MS = 5000

export async function playFleet (timeline: FleetTimeline, config: Config): Promise<FleetPlayed> {
  const watch = createFleetWatch()
  const trunks = [...config.topology.trunks.values()]
  const preferred = new Map(trunks.map(({ id, interfaces: [first] }) => [id, first?.key]))
  const world = createInstallation({ config, mode: null, enabled: trunks.flatMap(({ interfaces: [first] }) => first?.key ?? []), registrar: 'lists', shippedAlerts: true, startMs: FAKE_START_MS, witness: watch.witness })
  watch.attach(world)
  const events = timeline.events.flatMap((event) => spread(world, event))
  const firstMs = durationOf(events[0]?.at ?? '0s')
  const untilMs = durationOf(timeline.until)
  const carried = new Map<TrunkId, { readonly by: InterfaceKey | undefined; readonly sinceMs: number }>()
  const words = new Map<string, Set<TrunkId>>()
  const note = (word: string, trunk: TrunkId): void => { words.set(word, (words.get(word) ?? new Set()).add(trunk)) }
  let brake = false
  await world.process.start()
  for (let nowMs = 0; nowMs < untilMs; nowMs = world.clock.monotonicMs()) {
    for (let event = events[0]; event !== undefined && nowMs >= durationOf(event.at ?? '0s'); event = events[0]) {
      events.shift()
      const refusal = await happen(world, event)
      if (refusal !== null) throw new Error(refusal)
    }
    await world.step(STEP_MS)
    if (nowMs % LOOK_MS !== 0) continue
    for (const { id, vetoes, waits, carrierDown } of watch.look().values()) {
      for (const { interlock } of vetoes) note(interlock, id)
      for (const { reason } of waits) note(reason, id)
      if (carrierDown) note('carrier-down', id)
      const [by] = world.carriedBy(id)
      if (!carried.has(id) || carried.get(id)?.by !== by) carried.set(id, { by, sinceMs: nowMs })
    }
    brake ||= world.process.engine()?.world.fleet.brake != null
  }
  if (events.length > 0) throw new Error(`did not happen: ${JSON.stringify(events)}`)
  watch.rests()
  const engine = world.process.engine()
  const incidents = engine === null ? 0 : countedIncidents(engine.world, world.clock.now()).length
  const journal = world.process.store().allRecords()
  for (const { trunk, type } of journal) if (trunk !== null) note(type, trunk)
  await world.process.stop('stopped')
  const moved = [...carried].filter(([id, { by }]) => by !== undefined && by !== preferred.get(id))
  const told = world.commands.at(-1)?.trunk
  return {
    onStandby: moved.length,
    silent: [...carried.values()].filter(({ by }) => by === undefined).length,
    movedMs: moved.length === 0 ? null : Math.max(...moved.map(([, { sinceMs }]) => sinceMs)) - firstMs,
    ends: count(journal.filter(({ type }) => type === 'ended').map(({ data }) => `${String(data['cause'])} ${String(data['result'])}`)),
    commands: count(world.commands.map(({ text }) => text.replace(/ .*$/, ''))),
    incidents,
    brake,
    seen: new Map([...words].map(([word, ids]) => [word, ids.size])),
    violations: watch.violations(),
    story: journal.filter(({ trunk }) => trunk === told).map(({ atMs, decision, type, data }) => `${((atMs - FAKE_START_MS) / 1000).toFixed(1)}s ${decision} ${type} ${JSON.stringify(data)}`)
  }
}

function count (words: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1
  return counts
}

/** `preferred of pbx-01`: every interface there that its trunk prefers; `standby of pbx-01`: the others. */
function spread (world: Installation, { each, ...event }: FleetEvent): readonly StoryEvent[] {
  if (each === undefined) return [event]
  const [place, , gateway] = each.split(' ')
  const trunks = [...world.topology.trunks.values()]
  const keys = trunks.flatMap(({ interfaces }) => interfaces.filter((iface, index) => iface.gateway === gateway && (index === 0) === (place === 'preferred'))).map(({ key }) => key)
  if (keys.length === 0) throw new Error(`nothing is ${each}`)
  return keys.map((key) => ({ ...event, interface: key }))
}
