/** Looks at Pointsman and at the simulated world again and again, and tells each step once, in the order of its time. */
import type { EpochMs } from '../core/topology.ts'
import type { Clock } from '../ports.ts'
import type { SimulatedPair } from '../simulator/world.ts'
import type { PointsmanClient } from './pointsman-client.ts'
import type { DemoSetup } from './setup.ts'
import { stepsOf } from './timeline.ts'
import type { Step } from './timeline.ts'

export interface Follow {
  /** The step from which times count; told first. */
  readonly first: Step
  readonly tell: (step: Step) => void
  /** Ends the following, together with `signal`. */
  readonly isEnd: (steps: readonly Step[]) => boolean
}

export interface Surroundings {
  readonly setup: DemoSetup
  readonly pair: SimulatedPair
  readonly client: PointsmanClient
  readonly clock: Clock
}

const LOOK_MS = 50
/** A step is told this late, since a journal record may become visible after a later event at the carrier. */
const LAG_MS = 300

/** Every step from `first` on, by time. Ends when `isEnd` says so or `signal` aborts; never rejects on a failed look. */
export async function follow ({ first, tell, isEnd }: Follow, { setup, pair, client, clock }: Surroundings, signal: AbortSignal): Promise<readonly Step[]> {
  const originMs = first.atMs
  const seen = new Map<string, Step>([[first.key, first]])
  const told = new Set<string>()
  const context = {
    originMs,
    interfaceOf: (hostPort: string) => [setup.a, setup.b].find((side) => side.contact === hostPort)?.key ?? null
  }
  const all = (): readonly Step[] => [...seen.values()].sort((x, y) => x.atMs - y.atMs)
  const tellUntil = (untilMs: EpochMs): void => {
    for (const step of all()) {
      if (step.atMs > untilMs || told.has(step.key)) continue
      told.add(step.key)
      tell(step)
    }
  }
  const look = async (): Promise<void> => {
    const carrier = pair.carrier.events()
    const records = await client.records(originMs)
    const status = await client.status()
    const trunk = status.trunks.find(({ id }) => id === setup.trunk.id)
    if (trunk === undefined) return
    for (const step of stepsOf({ atMs: status.atMs, trunk, carrier, records }, context)) {
      if (!seen.has(step.key)) seen.set(step.key, step)
    }
  }
  tellUntil(originMs)
  while (!signal.aborted && !isEnd(all())) {
    // A look that fails is made up for by the next one.
    await look().catch(() => undefined)
    tellUntil(clock.now() - LAG_MS)
    await clock.sleep(LOOK_MS, signal)
  }
  await look().catch(() => undefined)
  tellUntil(Infinity)
  return all()
}
