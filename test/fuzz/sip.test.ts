/** A small part of what `node test/fuzz/run.ts` does to the SIP client. */
import { test } from 'tap'
import { fuzzSip } from './sip.ts'
import { createTally } from './tally.ts'

/** Here the code is cold and other tests run beside it: four times what the whole run allows [ms]. */
const LONGEST_TURN_MS = 100

for (const [kind, inputs] of [['datagrams', 10_000], ['streams', 1000]] as const) {
  test(`${kind}: whatever comes ends a probe with an outcome, quickly, and nothing stays behind`, async (t) => {
    const tally = createTally(kind)
    await fuzzSip(kind, inputs, 1, tally, LONGEST_TURN_MS)
    t.ok(tally.inputs() >= inputs / 50, `${tally.inputs()} probes`)
    t.match(tally.report(), /probe: alive/)
    t.same(tally.failures, [])
  })
}
