/** What must never happen, watched for every trunk of an installation. */
import type { TrunkStatus } from '../../../src/core/status.ts'
import type { InterfaceKey, TrunkId } from '../../../src/core/topology.ts'
import type { Installation } from '../../../src/rehearsal/installation.ts'
import type { Witness } from '../../../src/rehearsal/model-driver.ts'
import { createInvariants } from '../../../src/rehearsal/model-invariants.ts'
import type { Invariants, Sight } from '../../../src/rehearsal/model-invariants.ts'
import { createPace } from '../../../src/rehearsal/pace.ts'

export interface FleetWatch {
  readonly witness: Witness
  /** To be called once, when the installation is built. */
  attach(world: Installation): void
  /** To be called at every step. @returns the trunks as they are told now */
  look(): ReadonlyMap<TrunkId, TrunkStatus>
  rests(): void
  violations(): readonly string[]
}

const PROOF_MS = 330_000
/** Every plan is made twice, in turn. */
const PLAN_EVERY_MS = 60_000

export function createFleetWatch (): FleetWatch {
  const pace = createPace()
  const watches = new Map<TrunkId, Invariants>()
  const byLine = new Map<InterfaceKey, Invariants>()
  let world: Installation | null = null
  /** The trunks of this look; null: nobody looks now. */
  let looked: ReadonlyMap<TrunkId, TrunkStatus> | null = null

  const survey = (): ReadonlyMap<TrunkId, TrunkStatus> => new Map([...world?.process.engine()?.survey().trunks ?? []].map((trunk) => [trunk.id, trunk]))
  const see = (id: TrunkId): Sight | null => {
    const engine = world?.process.engine() ?? null
    const trunk = (looked ?? survey()).get(id)
    return engine === null || trunk === undefined ? null : { trunk, paused: engine.world.pauses.length > 0, world: engine.world }
  }
  const watchOf = (line: InterfaceKey): Invariants => {
    const watch = byLine.get(line)
    if (watch === undefined) throw new Error(`nobody watches ${line}`)
    return watch
  }

  return {
    witness: {
      sends: (line, command) => { watchOf(line).sends(line, command) },
      answered: (line, seen) => { watchOf(line).answered(line, seen) },
      rebinds: () => {},
      called: (gateway, result) => { if (result !== 'aborted') pace.called(gateway, world?.clock.now() ?? 0, result) }
    },
    attach: (installation) => {
      world = installation
      const { clock, topology, lines, carrierOf, process } = installation
      const startMs = clock.now()
      for (const { id, interfaces } of topology.trunks.values()) {
        const gateways = interfaces.flatMap(({ key }) => lines.get(key) ?? [])
        const watch = createInvariants({
          clock, startMs, plannerNow: clock.now, planEveryMs: PLAN_EVERY_MS, trunk: id, blind: () => installation.vantage.cut, shared: false, gateways, carrier: carrierOf(id), proofMs: PROOF_MS, rejects: true, registers: true,
          see: () => see(id), journal: () => process.store().allRecords().filter((record) => record.trunk === id)
        })
        watches.set(id, watch)
        for (const { key } of interfaces) byLine.set(key, watch)
      }
    },
    look: () => {
      const seen = survey()
      looked = seen
      for (const watch of watches.values()) watch.look()
      looked = null
      return seen
    },
    rests: () => {
      looked = survey()
      for (const watch of watches.values()) watch.rests()
      looked = null
    },
    violations: () => [...[...watches].flatMap(([id, { violations }]) => violations.map((line) => `${id}: ${line}`)), ...pace.excesses().map((line) => `hammers ${line}`)].slice(0, 40)
  }
}
