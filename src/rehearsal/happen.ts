/** What an event of a story does to an installation, and when. */
import { parseDuration } from '../config/duration.ts'
import type { TrunkStatus } from '../core/status.ts'
import type { InterfaceKey, Topology, TrunkId } from '../core/topology.ts'
import type { OperatorCommand } from '../engine/contract.ts'
import type { Installation } from './installation.ts'
import type { StoryEvent } from './test-file.ts'

export function durationOf (text: string): number {
  return parseDuration(text) ?? 0
}

export function onlyTrunk (topology: Topology, trunk: string | undefined): TrunkId {
  return trunk ?? [...topology.trunks.keys()][0] ?? ''
}

export function statusOf (world: Installation, trunk: TrunkId): TrunkStatus | undefined {
  return world.process.engine()?.status().trunks.find(({ id }) => id === trunk)
}

/** Whether the event's moment has come. */
export function isDue (world: Installation, event: StoryEvent, nowMs: number, previousMs: number): boolean {
  if (event.at !== undefined) return nowMs >= durationOf(event.at)
  if (event.after !== undefined) return nowMs >= previousMs + durationOf(event.after)
  return statusOf(world, onlyTrunk(world.topology, event.trunk))?.switchover?.phase === event.when
}

/** Lets it happen. Returns why an order was not taken. */
export async function happen (world: Installation, event: StoryEvent): Promise<string | null> {
  const { gateway, interface: key, address, alert, prometheus, alertmanager, pointsman, operator } = event
  for (const line of gateway === undefined ? [] : world.linesOf(gateway)) {
    if (event.fault !== undefined) line.inject(event.fault)
    if (event.heals !== undefined) line.heal(event.heals)
    if (event.boots !== undefined) line.setBoots(event.boots)
  }
  if (key !== undefined) touch(world, key, event)
  if (address !== undefined) world.setAddressAlive(address, event.carrier === 'lives')
  if (alert !== undefined) world.monitoring.setAlert(alert, event.state !== 'ends')
  if (event.clock !== undefined) world.clock.stepWallClock((event.clock.startsWith('-') ? -1 : 1) * durationOf(event.clock.slice(1)))
  if (prometheus !== undefined) world.monitoring.setPrometheusAlive(prometheus === 'lives')
  const subject = world.process.subject()
  if (alertmanager === 'repeats' && subject !== null) world.monitoring.repeat(subject)
  else if (alertmanager !== undefined) world.monitoring.setAlertmanagerAlive(alertmanager === 'lives')
  if (pointsman === 'killed' || pointsman === 'stopped') await world.process.stop(pointsman)
  if (pointsman === 'starts') await world.process.start()
  if (pointsman === 'cut-off' || pointsman === 'connected') world.vantage.cut = pointsman === 'cut-off'
  if (operator === undefined) return null
  const engine = world.process.engine()
  if (engine === null) return 'Pointsman does not run'
  const result = await engine.operate(commandOf(world, event), 'operator', 'rehearsal')
  return result.ok ? null : result.detail
}

function touch (world: Installation, key: InterfaceKey, event: StoryEvent): void {
  const line = world.lines.get(key)
  const trunk = [...world.topology.trunks.values()].find(({ interfaces }) => interfaces.some((iface) => iface.key === key))
  if (line === undefined || trunk === undefined) throw new Error(`no interface ${key}`)
  if (event.fault !== undefined) line.inject(event.fault)
  if (event.heals !== undefined) line.heal(event.heals)
  if (event.calls !== undefined) line.setCalls(event.calls)
  if (event.person !== undefined) line.write(event.person === 'enables' ? 'enabled' : 'disabled')
  if (event.carrier !== undefined) world.carrierOf(trunk.id).setRejects(line.contact, event.carrier === 'rejects')
}

function commandOf (world: Installation, event: StoryEvent): OperatorCommand {
  const { operator: verb, scope = 'global', to, override = [], i_know: knownOff = [], force = false } = event
  const trunk = onlyTrunk(world.topology, event.trunk)
  switch (verb) {
    case 'pause': return { verb, scope, untilMs: null }
    case 'resume': return { verb, scope }
    case 'release': return { verb }
    case 'pin': return { verb, trunk, interface: to ?? '', untilMs: null }
    case 'switchover': return { verb, trunk, to: to ?? null, override, knownOff, force }
    case 'approve': case 'reject': return { verb, trunk, decision: statusOf(world, trunk)?.proposal?.decision ?? '' }
    case 'unpin': case 'abort': case 'failback': case 'ack': case 'adopt': case 'reassert': return { verb, trunk }
    default: throw new Error(`no order ${String(verb)}`)
  }
}
