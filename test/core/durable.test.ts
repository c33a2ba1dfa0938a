/** What of a trunk's state is stored: a calm trunk is not written with each probe, and a restart never makes life look older. */
import { test } from 'tap'
import { fromDurable, toDurable } from '../../src/core/durable.ts'
import type { InterfaceState, TrunkState } from '../../src/core/world.ts'
import { A, B, buildInterface, buildWorld, MINUTE, NOW, SECOND } from '../helpers/build-world.ts'

const stateWith = (change: Partial<InterfaceState>): TrunkState => {
  const state = buildWorld({ interfaces: { [A]: buildInterface(true, change) } }).trunks.get('acme')
  if (state === undefined) throw new Error('no trunk')
  return state
}
/** The last life of A after a restart at `nowMs`. */
const restarted = (state: TrunkState, nowMs: number): number | null | undefined =>
  fromDurable(JSON.parse(JSON.stringify(toDurable(state))) as TrunkState, [A, B], nowMs).interfaces[A]?.lastLifeAtMs

test('signs of life of an interface that answers are not written', (t) => {
  const [earlier, later] = [stateWith({ lastLifeAtMs: NOW - 60 * MINUTE }), stateWith({ lastLifeAtMs: NOW })]
  t.same(toDurable(earlier), toDurable(later))
  t.equal(restarted(earlier, NOW + MINUTE), NOW + MINUTE, 'it may have lived until the restart')
  t.notSame(toDurable(stateWith({ lastLifeAtMs: null })), toDurable(later), 'the first one is')
  t.equal(restarted(stateWith({ lastLifeAtMs: null }), NOW + MINUTE), null)
  t.end()
})

test('the last sign of life of a silent one is stored at most 30 s late, never early', (t) => {
  for (const agoMs of [1, 29 * SECOND, 31 * SECOND, 10 * MINUTE]) {
    const lastLifeAtMs = NOW - agoMs
    const life = restarted(stateWith({ silentSince: true, lastLifeAtMs }), NOW + MINUTE) ?? 0
    t.ok(life >= lastLifeAtMs && life < lastLifeAtMs + 30 * SECOND, `${agoMs} ms ago`)
  }
  t.equal(restarted(stateWith({ silentSince: true, lastLifeAtMs: NOW }), NOW), NOW, 'not in the future')
  t.notSame(toDurable(stateWith({ silentSince: true, lastLifeAtMs: NOW })), toDurable(stateWith({ lastLifeAtMs: NOW })), 'what falls silent is written')
  t.end()
})
