import { test } from 'tap'
import type { DriverFailure } from '../../src/core/observation.ts'
import { createSrvDriver } from '../../src/drivers/srv-driver.ts'
import type { SrvZone } from '../../src/drivers/srv-driver.ts'
import type { SrvSet } from '../../src/drivers/srv-records.ts'
import { createFakeClock } from '../../src/rehearsal/fake-clock.ts'
import { permitted } from '../helpers/permitted.ts'

const WRITE_MS = 3000

test('a change that waited for the one before asks once more whether it may be written', async (t) => {
  const clock = createFakeClock()
  const record = (target: string, priority: number) => ({ priority, weight: 100, port: 5060, target, hidden: false })
  let sets: readonly SrvSet[] = [{ name: '_sip._udp.acme.example', ttl: 30, records: [record('a', 10), record('b', 10), record('c', 100)] }]
  const zone: SrvZone = {
    read: async () => ({ ok: true, sets }),
    write: async (_before, after) => {
      await clock.sleep(WRITE_MS)
      sets = after
      return { ok: true }
    },
    close: () => {}
  }
  const driver = createSrvDriver(zone, { off: 'behind', priority: 10, behind: 100, weight: 100, ttl: null }, clock)
  const startMs = clock.now()
  const tooOld: DriverFailure = { ok: false, reason: 'aborted', detail: 'too old', effect: 'none' }
  const applied = driver.apply([
    { interface: 'a', desired: 'disabled', permit: permitted },
    { interface: 'c', desired: 'enabled', permit: async () => clock.now() - startMs > 2000 ? tooOld : null },
    { interface: 'b', desired: 'disabled', permit: permitted }
  ], new AbortController().signal)
  await clock.advance(3 * WRITE_MS)
  t.same(await applied, [{ ok: true, activated: true }, tooOld, { ok: true, activated: true }])
  t.same(sets[0]?.records.map(({ target, priority }) => `${target} ${priority}`), ['a 101', 'b 102', 'c 100'], 'and each is made from what the one before has left')
})
