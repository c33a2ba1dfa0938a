/** One notification about many gateways: planned together, and yet each sees what was admitted before it. */
import { test } from 'tap'
import type { Topology } from '../../src/core/topology.ts'
import { eachAlone } from '../../src/drivers/each-alone.ts'
import { createEngine } from '../../src/engine/engine.ts'
import type { AdminState } from '../../src/core/observation.ts'
import type { GatewayDriver } from '../../src/ports.ts'
import { createFakeClock, createSeededRandom } from '../../src/rehearsal/fake-clock.ts'
import { createMemoryStore } from '../../src/rehearsal/memory-store.ts'
import { buildOutcome, NO_PROBES } from '../../src/rehearsal/outcome.ts'
import { buildTopology, ruleOf } from '../helpers/build-world.ts'
import { silent, unmeasured } from '../helpers/engine-rig.ts'

/** Each trunk has a pair of gateways of its own. */
const TRUNKS = ['one', 'two', 'three', 'four', 'five', 'six']

function createPairs (): Topology {
  const pairs = TRUNKS.map((id) => buildTopology({ names: [`${id}-a`, `${id}-b`], onSecond: 'replace', trunk: { id }, rules: [ruleOf('disable', 'none')] }))
  const [first] = pairs
  if (first === undefined) throw new Error('no trunks')
  return {
    ...first,
    gateways: new Map(pairs.flatMap(({ gateways }) => [...gateways])),
    trunks: new Map(pairs.flatMap(({ trunks }) => [...trunks.values()].map((trunk) => [trunk.id, trunk] as const))),
    probes: new Map(pairs.flatMap(({ probes }) => [...probes]))
  }
}

test('the brake counts what the same notification has moved already', async (t) => {
  const clock = createFakeClock()
  const topology = createPairs()
  const driverOf = (id: string): GatewayDriver => {
    let admin: AdminState = id.endsWith('-a') ? 'enabled' : 'disabled'
    return {
      observe: async (names) => ({ ok: true, interfaces: new Map(names.map((name) => [name, { present: true, admin, registered: admin === 'enabled', path: 'up' }])) }),
      apply: eachAlone(async ({ desired, permit }) => {
        const refused = await permit()
        if (refused === null) admin = desired
        return refused ?? { ok: true, activated: true }
      }),
      reregister: async () => ({ ok: true }),
      close: async () => {}
    }
  }
  const sip = { probe: () => Promise.reject(new Error('not asked')), release: async () => {}, queryBindings: () => Promise.reject(new Error('not asked')), changeBindings: () => Promise.reject(new Error('not asked')), close: async () => {} }
  const gateways = [...topology.gateways.keys()].map((id) => ({ id, driver: driverOf(id), timeoutMs: 2000, interfaces: ['SIP1'] }))
  const engine = createEngine(
    { mode: 'automatic', topology, gateways, queries: [], alertmanagers: [], heartbeat: null },
    { clock, random: createSeededRandom(3), store: createMemoryStore(), sip, metrics: unmeasured, log: silent, version: 'test', probes: NO_PROBES }
  )
  await engine.start()
  const pass = async (seconds: number): Promise<void> => {
    for (let second = 0; second < seconds; second++) {
      for (const id of topology.probes.keys()) engine.probed(id, buildOutcome({ reason: 'alive', code: 200 }), clock.now())
      await clock.advance(1000)
    }
  }
  // Every standby was read within the last 5 s, so that the first plan admits.
  await pass(42)
  const alerts = TRUNKS.map((trunk) => ({
    status: 'firing' as const, labels: { alertname: 'SipTrunkDown', trunk, gateway: `${trunk}-a` }, annotations: {}, startsAt: new Date(clock.now()).toISOString(), endsAt: '0001-01-01T00:00:00Z', generatorURL: ''
  }))
  const taken = engine.receive({ version: '4', groupKey: '{}', truncatedAlerts: 0, status: 'firing', receiver: 'p', groupLabels: {}, commonLabels: {}, commonAnnotations: {}, externalURL: '', alerts })
  await clock.settle()
  t.ok((await taken).ok)
  await pass(60)
  const moved = TRUNKS.filter((id) => engine.world.trunks.get(id)?.wanted === `${id}-b/SIP1`)
  // 12 gateways: three incidents.
  t.equal(moved.length, 3, moved.join(', '))
  t.ok(engine.world.fleet.brake !== null, 'it is engaged')
  const stopped = engine.stop()
  await clock.advance(10_000)
  await stopped
})
