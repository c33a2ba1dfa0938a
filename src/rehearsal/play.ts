/** Plays one variant of a story in the model world and reports what came of it. */
import type { Config } from '../config/config.ts'
import type { TrunkStatus } from '../core/status.ts'
import type { JournalRecord } from '../ports.ts'
import { FAKE_START_MS } from './fake-clock.ts'
import { createModelWorld } from './model-world.ts'
import type { ModelWorld } from './model-world.ts'
import type { ModelGateway } from './model-gateway.ts'
import type { QueryAnswer } from './model-carrier.ts'
import { giveOrder } from './order.ts'
import { milliseconds } from './story.ts'
import type { Event, Look, Timeline, Variant } from './story.ts'

export interface Played {
  readonly runs: string
  readonly bound: string
  readonly ends: readonly string[]
  readonly orders: readonly string[]
  readonly commands: readonly string[]
  readonly seen: ReadonlySet<string>
  readonly silenceMs: number
  /** Calls reach the trunk at the end. */
  readonly serves: boolean
  readonly rivals: readonly string[]
  readonly looks: Readonly<Record<string, Required<Look>>>
  readonly violations: readonly string[]
  /** One line per journal record, for people who look for a cause. */
  readonly story: readonly string[]
  readonly journal: readonly JournalRecord[]
}

const STEP_MS = 500
/** The first registration may take this long (Kamailio's timer). */
const SETTLED_MS = 90_000

const letterOf = (key: string | null): string => key === null ? 'none' : key.replace(/^pbx-/, '').replace(/\/.*$/, '')
const lettersOf = (gateways: ReadonlyMap<string, ModelGateway>, holds: (gateway: ModelGateway) => boolean): string =>
  [...gateways].filter(([, gateway]) => holds(gateway)).map(([letter]) => letter).join(' ') || 'none'

function gatewayAt (world: ModelWorld, letter: string | undefined): ModelGateway {
  const gateway = world.gateways.get(letter ?? '')
  if (gateway === undefined) throw new Error(`no gateway ${letter}`)
  return gateway
}

async function happen (world: ModelWorld, event: Event): Promise<void> {
  const { gateway: letter, person, carrier, prometheus, alert, calls, clock, alertmanager, pointsman, operator } = event
  if (letter !== undefined) {
    const gateway = gatewayAt(world, letter)
    if (event.fault !== undefined) gateway.inject(event.fault)
    if (event.heals !== undefined) gateway.heal(event.heals)
    if (event.boots !== undefined) gateway.setBoots(event.boots)
  }
  if (person !== undefined) {
    const [verb, at] = person.split(' ')
    const gateway = gatewayAt(world, at)
    // Nobody changes anything at a gateway that doesn't run; what is so already is not changed either.
    const runs = !gateway.has('dead') && !gateway.has('frozen')
    const state = verb === 'disables' ? 'disabled' : 'enabled'
    // Unseen, it can't be told from a restart.
    const seen = !gateway.has('unseen') && !gateway.has('management-dead') && !world.vantage.cut
    if (runs && seen && gateway.intends() === (state === 'disabled')) world.touched(gateway, state)
    if (runs) gateway.write(state)
  }
  if (carrier !== undefined) {
    const [verb, at] = carrier.split(' ')
    if (at === undefined) world.carrier.setAlive(verb === 'lives')
    else world.carrier.setRejects(gatewayAt(world, at).contact, verb === 'rejects')
  }
  if (event.changes !== undefined) world.carrier.setChangeAnswer(event.changes)
  if (alert !== undefined) {
    const [verb, at, name = 'SipTrunkDown'] = alert.split(' ')
    world.monitoring.setForeign(gatewayAt(world, at).id.replace(/\/.*$/, ''), name, verb === 'fires')
  }
  if (calls !== undefined) {
    const [at, number] = calls.split(' ')
    gatewayAt(world, at).setCalls(Number(number))
  }
  if (clock !== undefined) world.clock.stepWallClock((clock.startsWith('-') ? -1 : 1) * milliseconds(clock.replace(/^[+-]/, '')))
  if (prometheus !== undefined) world.monitoring.setPrometheusAlive(prometheus === 'lives')
  if (alertmanager === 'repeats' || alertmanager === 'late') {
    const subject = world.subject()
    if (subject !== null) world.monitoring.repeat(subject, alertmanager === 'late')
  } else if (alertmanager === 'loses') world.monitoring.lose()
  else if (alertmanager !== undefined) world.monitoring.setAlertmanagerAlive(alertmanager === 'lives')
  if (pointsman === 'killed' || pointsman === 'stopped') await world.stop(pointsman)
  if (pointsman === 'starts') await world.start()
  if (pointsman === 'reloads') world.reload()
  if (pointsman === 'cut-off' || pointsman === 'connected') world.vantage.cut = pointsman === 'cut-off'
  if (operator !== undefined) await giveOrder(world, operator)
}

/** Which event is next, and whether its moment has come. */
function isDue (event: Event, world: ModelWorld, previousMs: number): boolean {
  const nowMs = world.clock.monotonicMs()
  if (event.at !== undefined) return nowMs >= milliseconds(event.at)
  if (event.after !== undefined) return nowMs >= previousMs + milliseconds(event.after)
  return world.trunk()?.switchover?.phase === event.when
}

function lookAt (trunk: TrunkStatus | null): Required<Look> {
  if (trunk === null) return { wanted: null, usable: [], health: [], debts: [], vetoes: [], carrying: 'unknown', phase: null, release: null }
  return {
    wanted: trunk.wanted === null ? null : letterOf(trunk.wanted),
    usable: trunk.interfaces.filter((i) => i.usable).map((i) => letterOf(i.key)),
    health: trunk.interfaces.map((i) => i.health),
    debts: trunk.interfaces.filter((i) => i.debt).map((i) => letterOf(i.key)),
    vetoes: trunk.vetoes.map((v) => v.interlock),
    carrying: trunk.carrying,
    phase: trunk.switchover?.phase ?? null,
    release: trunk.release
  }
}

function describe (record: JournalRecord, startMs: number): string {
  return `${((record.atMs - startMs) / 1000).toFixed(1)}s ${record.decision} ${record.type} ${JSON.stringify(record.data)}`
}

function blame (vetoes: unknown): string {
  return Array.isArray(vetoes) && vetoes.length > 0 ? ` by ${vetoes.join(', ')}` : ''
}

/**
 * @param lookTimes - moments to look at, as in `looks`
 * @param onStep - called after each step of time
 */
export async function play (timeline: Timeline, variant: Pick<Variant, 'kind' | 'query'>, config: Config, lookTimes: readonly string[] = [], onStep: (world: ModelWorld) => void = () => {}): Promise<Played> {
  const { kind, query } = variant
  const { enabled = ['a'], starts } = timeline
  const startMs = starts === undefined ? FAKE_START_MS : Date.parse(starts)
  const answer = query === 'no query' ? null : query.slice('query '.length) as QueryAnswer
  const world = createModelWorld({ kind, query: answer, enabled, config, startMs })
  await world.start()
  const events = [...timeline.events]
  const untilMs = milliseconds(timeline.until)
  const seen = new Set<string>()
  const looks: Record<string, Required<Look>> = {}
  let previousMs = 0
  const registers = config.topology.trunks.get('acme')?.registration.auth !== 'ip'
  let silenceMs = 0
  let servedMs = SETTLED_MS
  let serves = false
  for (let nowMs = 0; nowMs < untilMs; nowMs = world.clock.monotonicMs()) {
    for (let event = events[0]; event !== undefined && isDue(event, world, previousMs); event = events[0]) {
      events.shift()
      previousMs = nowMs
      await happen(world, event)
    }
    for (const time of lookTimes) if (looks[time] === undefined && nowMs >= milliseconds(time)) looks[time] = lookAt(world.trunk())
    await world.step(STEP_MS)
    onStep(world)
    const trunk = world.trunk()
    for (const { interlock } of trunk?.vetoes ?? []) seen.add(interlock)
    for (const { reason } of trunk?.waits ?? []) seen.add(reason)
    if (trunk?.carrierDown === true) seen.add('carrier-down')
    serves = [...world.gateways.values()].some((g) => g.runs() && g.voiceLives() && !g.has('uplink-cut') && world.carrier.alive() && (!registers || world.carrier.bound().includes(g.contact)))
    if (serves) servedMs = Math.max(servedMs, nowMs)
    silenceMs = Math.max(silenceMs, nowMs - servedMs)
  }
  if (events.length > 0) throw new Error(`did not happen: ${JSON.stringify(events)}`)
  world.invariants.rests()
  const journal = world.store().allRecords()
  for (const record of journal) seen.add(record.type)
  await world.stop('stopped')
  return {
    runs: lettersOf(world.gateways, (gateway) => gateway.runs()),
    bound: lettersOf(world.gateways, (gateway) => world.carrier.bound().includes(gateway.contact)),
    ends: journal.filter((r) => r.type === 'ended').map(({ data }) => `${String(data['cause'])} ${String(data['result'])} ${letterOf(data['wanted'] as string | null)}`),
    orders: journal.filter((r) => r.type === 'operator').map(({ data }) => `${String(data['verb'])}: ${String(data['result'])}${blame(data['vetoes'])}`),
    commands: world.invariants.commands.map((c) => c.text.replaceAll(/pbx-|\/SIP1/g, '')),
    seen,
    silenceMs,
    serves,
    rivals: world.carrier.rivals().map((contact) => lettersOf(world.gateways, (gateway) => gateway.contact === contact)),
    looks,
    violations: world.invariants.violations,
    story: journal.map((record) => describe(record, startMs)),
    journal
  }
}
