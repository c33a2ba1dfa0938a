/** The wanted interface is off though nobody decided so, or gone from its gateway altogether. */
import { test } from 'tap'
import type { TrunkOrder } from '../../src/core/operator.ts'
import { A, B, TELLS_ALL } from '../helpers/build-world.ts'
import { createModelTrunk } from '../helpers/model-trunk.ts'
import type { ModelTrunk } from '../helpers/model-trunk.ts'

const VOLATILE = { ...TELLS_ALL, persistent: false }
const pinTo = (to: string): TrunkOrder => ({ verb: 'pin', trunk: 'acme', interface: to, untilMs: null })

/** A carries the trunk, and its gateway has it no more. */
function gone (capabilities = VOLATILE): ModelTrunk {
  const model = createModelTrunk({ capabilities })
  model.pass(40)
  model.sides[A]!.absent = true
  model.sides[A]!.on = model.sides[A]!.runs = false
  return model
}

test('one that restarted without it is enabled again where it is', (t) => {
  const model = createModelTrunk({ capabilities: VOLATILE })
  model.pass(40)
  model.sides[A]!.on = model.sides[A]!.runs = false
  model.pass(400)
  t.same([model.sent, model.state().wanted], [[`enabled ${A}`], A])
  t.end()
})

test('one that is gone is replaced when its absence has lasted', (t) => {
  const model = gone()
  model.pass(300)
  t.same(model.sent, [], 'its registration may live')
  t.same(model.last().waits.map((w) => w.reason), ['waiting-for-proof'])
  model.pass(120)
  t.same([model.sent, model.ended(), model.state().wanted, model.unsafe], [[`enabled ${B}`], ['verified'], B, []])
  model.sides[A]!.absent = false
  model.pass(60)
  t.equal(model.sent.length, 1, 'off again, it stays off')
  t.end()
})

test('it is back in time, or nobody else is usable, or a person decides: it is not replaced', (t) => {
  const back = gone()
  back.pass(60)
  back.sides[A]!.absent = false
  back.pass(600)
  t.same([back.sent, back.state().wanted], [[`enabled ${A}`], A])

  const alone = gone()
  alone.sides[B]!.path = false
  alone.pass(600)
  t.same(alone.sent, [])

  const removed = gone(TELLS_ALL)
  removed.pass(600)
  t.same([removed.sent, removed.last().vetoes.map((v) => v.interlock)], [[], ['drift']], 'where a change lasts, a person has made it')

  const pinned = createModelTrunk({ capabilities: VOLATILE })
  pinned.pass(40)
  pinned.order(pinTo(A))
  pinned.sides[A]!.absent = true
  pinned.pass(600)
  t.same(pinned.sent, [])
  t.end()
})
