import { test } from 'tap'
import { createWorldHolder } from '../../src/engine/world-holder.ts'
import { buildOutcome } from '../../src/rehearsal/outcome.ts'
import { A, buildTopology, NOW, sipOf } from '../helpers/build-world.ts'

test('a gateway that answers at any of its addresses lives, whatever the probe is judged to be', (t) => {
  const topology = buildTopology({})
  const silent = buildOutcome({ reason: 'timeout' })
  const cases = [
    { name: 'no address answers', outcome: silent, lives: false },
    { name: 'a 503 is an answer', outcome: buildOutcome({ reason: 'bad-code', code: 503 }), lives: true },
    { name: 'one of two addresses answers, and all should', outcome: { ...silent, addresses: [...silent.addresses, ...buildOutcome({ reason: 'alive', code: 200 }).addresses] }, lives: true },
    { name: 'nothing came to an address', outcome: { ...silent, addresses: [] }, lives: false }
  ]
  for (const { name, outcome, lives } of cases) {
    const holder = createWorldHolder(topology)
    holder.setTopology(topology, new Set(), NOW)
    holder.probed(sipOf(A), outcome, NOW + 7)
    t.equal(holder.world.trunks.get('acme')?.interfaces[A]?.lastLifeAtMs ?? null, lives ? NOW + 7 : null, name)
  }
  t.end()
})
