import { test } from 'tap'
import type { ApplyResult } from '../../src/core/observation.ts'
import { eachAlone } from '../../src/drivers/each-alone.ts'
import type { Change } from '../../src/ports.ts'

const changes = Array.from({ length: 10 }, (_, n): Change => ({ interface: `i${n}`, desired: 'disabled', permit: async () => null }))
const { signal } = new AbortController()

test('no more changes are under way than there are connections, so that no permit waits for one', async (t) => {
  const begun: string[] = []
  let [now, most] = [0, 0]
  const apply = eachAlone(async (change): Promise<ApplyResult> => {
    begun.push(change.interface)
    most = Math.max(most, ++now)
    await new Promise((resolve) => { setTimeout(resolve, begun.length % 3) })
    now--
    return change.interface === 'i7' ? { ok: false, reason: 'timeout', detail: '', effect: 'unknown' } : { ok: true, activated: false }
  }, 4)
  const ends = await apply(changes, signal)
  t.equal(most, 4)
  t.same(begun, changes.map((change) => change.interface), 'in their order')
  t.same(ends.map(({ ok }) => ok), changes.map((change) => change.interface !== 'i7'), 'each has its own end')
})

test('without a limit all begin at once', async (t) => {
  let begun = 0
  const { promise, resolve } = Promise.withResolvers<void>()
  const ends = eachAlone(async (): Promise<ApplyResult> => {
    if (++begun === changes.length) resolve()
    await promise
    return { ok: true, activated: false }
  })(changes, signal)
  t.equal((await ends).length, 10)
})
