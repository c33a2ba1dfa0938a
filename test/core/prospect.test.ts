import { test } from 'tap'
import { laterWorld, prospectOf } from '../../src/core/prospect.ts'
import type { Prospect } from '../../src/core/prospect.ts'
import { A, B, buildAlert, buildWorld, DOWN, driverOf, MINUTE, NOW, SECOND, silentInterface, sipOf } from '../helpers/build-world.ts'
import type { WorldParts } from '../helpers/build-world.ts'

const troubled: WorldParts = { evidence: { [sipOf(A)]: DOWN }, alerts: [buildAlert('pbx-a')] }
const cases: readonly { readonly name: string; readonly world: WorldParts; readonly want: object; readonly vetoes?: readonly string[] }[] = [
  { name: 'all is well', world: {}, want: { proposal: null, result: 'nothing', interlocks: [], demands: [], commands: [], inAutomatic: null } },
  {
    name: 'a confirmed alert',
    world: troubled,
    want: { proposal: { from: A, to: B, cause: 'alert' }, result: 'admitted', commands: [`disabled ${A}`], demands: [{ rule: 'disable-SipTrunkDown', demand: 'disable', interface: A, confirmed: true }], sentence: `on ${A}, which is down (sip-lost)` },
    vetoes: []
  },
  { name: 'an alert that nothing confirms', world: { alerts: [buildAlert('pbx-a')] }, want: { result: 'held', commands: [], demands: [{ confirmed: false }], inAutomatic: null }, vetoes: ['confirm'] },
  { name: 'mode observe alone holds it', world: { ...troubled, trunk: { mode: 'observe' } }, want: { mode: 'observe', result: 'held', commands: [], inAutomatic: [`disabled ${A}`] }, vetoes: ['mode'] },
  { name: 'more than the mode holds it', world: { alerts: [buildAlert('pbx-a')], trunk: { mode: 'observe' } }, want: { result: 'held', inAutomatic: null }, vetoes: ['mode', 'confirm'] },
  {
    name: 'a dead gateway is waited for',
    world: { evidence: { [sipOf(A)]: DOWN, [driverOf(A)]: DOWN }, alerts: [buildAlert('pbx-a')], interfaces: { [A]: silentInterface(60 * SECOND) } },
    want: { result: 'waits', waits: [{ reason: 'waiting-for-proof', untilMs: Number }], commands: [] },
    vetoes: []
  },
  { name: 'reads that are some seconds old are made before', world: { ...troubled, interfaces: { [B]: { observed: { present: true, admin: 'disabled', registered: false, path: 'up', atMs: NOW - 9 * SECOND }, attempt: { atMs: NOW - 9 * SECOND, reason: null } } } }, want: { result: 'admitted', commands: [`disabled ${A}`] }, vetoes: [] },
  { name: 'a standby that could not be read is not', world: { ...troubled, interfaces: { [B]: { attempt: { atMs: NOW - SECOND, reason: 'auth-failed' } } } }, want: { result: 'held', commands: [] }, vetoes: ['no-better'] }
]
const vetoesOf = ({ interlocks }: Prospect): string[] => interlocks.filter(({ verdict }) => verdict === 'veto').map(({ name }) => name)

test('what would be decided', async (t) => {
  for (const { name, world, want, vetoes } of cases) {
    await t.test(name, async (t) => {
      const built = buildWorld(world)
      const before = JSON.stringify([...built.trunks])
      const prospect = prospectOf(built, 'acme', NOW)
      t.match(prospect, want)
      if (vetoes !== undefined) {
        t.ok(vetoes.every((veto) => vetoesOf(prospect).includes(veto)), vetoesOf(prospect).join(', '))
        t.equal(vetoesOf(prospect).length === 0, vetoes.length === 0)
        t.ok(prospect.interlocks.length > 10, 'every interlock is told, also those that agree')
        t.ok(prospect.interlocks.every(({ verdict, sentence }) => (verdict === 'pass') === (sentence === '')))
      }
      t.equal(JSON.stringify([...built.trunks]), before, 'the world is as it was')
    })
  }
})

test('at another instant', async (t) => {
  const cooling = buildWorld({ alerts: [buildAlert('pbx-a')], state: { movedAtMs: NOW - MINUTE }, topology: { rules: [{ ...buildWorld().topology.rules[0]!, evidence: 'none' }] } })
  t.ok(vetoesOf(prospectOf(cooling, 'acme', NOW)).includes('cooldown'))
  const later = NOW + 20 * MINUTE
  t.same(vetoesOf(prospectOf(laterWorld(cooling, later - NOW), 'acme', later)), [], 'the cooldown is over, and the evidence is as fresh as now')
  t.ok(vetoesOf(prospectOf(cooling, 'acme', later)).length > 0, 'without that everything would be stale')
  const dead = buildWorld({ evidence: { [sipOf(A)]: DOWN, [driverOf(A)]: DOWN }, alerts: [buildAlert('pbx-a')], interfaces: { [A]: silentInterface(60 * SECOND) } })
  t.match(prospectOf(laterWorld(dead, later - NOW), 'acme', later), { result: 'admitted', commands: [`enabled ${B}`] }, 'who is silent is silent long enough by then')
  const paused = buildWorld({ ...troubled, pauses: [{ scope: 'global', actor: 'anna', reason: 'x', atMs: NOW, untilMs: NOW + MINUTE }] })
  t.same(vetoesOf(prospectOf(paused, 'acme', NOW)), ['paused'])
  t.equal(prospectOf(laterWorld(paused, later - NOW), 'acme', later).result, 'admitted')
})
