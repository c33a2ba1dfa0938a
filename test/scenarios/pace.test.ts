/**
 * No gateway is hammered, whatever it refuses and whenever: in every phase of a switchover, while a debt is owed and before
 * anything happened, each gateway begins to answer 401 to all calls, or to refuse connections. The bounds and their reasons
 * are in src/rehearsal/pace.ts; the stories of matrix.test.ts are held to them as well.
 */
import { join } from 'node:path'
import { t, test } from 'tap'
import { createPace, PACE } from '../../src/rehearsal/pace.ts'
import { play } from '../../src/rehearsal/play.ts'
import type { Event } from '../../src/rehearsal/story.ts'
import { configure } from './configuration.ts'

t.setTimeout(180_000)

/** What happens until the moment at which a gateway begins to refuse. */
const MOMENTS: Readonly<Record<string, { readonly before: readonly Event[]; readonly refuses: Partial<Event>; readonly after?: readonly Event[] }>> = {
  'before the pre-flight': { before: [], refuses: { at: '3m' }, after: [{ after: '1s', gateway: 'a', fault: 'sip-dead' }] },
  'while disabling': { before: [{ at: '3m', gateway: 'a', fault: 'sip-dead' }], refuses: { when: 'disabling' } },
  'while proving': { before: [{ at: '3m', gateway: 'a', fault: 'sip-dead' }], refuses: { when: 'proving' } },
  'while enabling': { before: [{ at: '3m', gateway: 'a', fault: 'sip-dead' }], refuses: { when: 'enabling' } },
  'while verifying': { before: [{ at: '3m', gateway: 'a', fault: 'sip-dead' }], refuses: { when: 'verifying' } },
  'while a debt is owed': {
    before: [{ at: '3m', gateway: 'a', fault: 'dead' }, { gateway: 'a', boots: 'enabled', when: 'verifying' }, { after: '1m', gateway: 'a', heals: 'dead' }],
    refuses: { after: '1s' }
  }
}
const REFUSALS = ['account-refused', 'management-dead'] as const

test('the count knows a loop from a retry', async (t) => {
  const pace = createPace()
  for (let second = 0; second < 60; second++) {
    pace.called('pbx-a', second * 1000, 'refused')
    if (second % 10 === 0) pace.called('pbx-a', second * 1000 + 500, 'auth-failed')
  }
  t.same(pace.excesses(), [])
  for (const ms of [60_000, 60_100, 60_200]) pace.called('pbx-a', ms, 'refused')
  t.same(pace.excesses(), ['pbx-a failuresPerSecond: 3'])
  for (let call = 0; call <= PACE.refusalsPerMinute; call++) pace.called('pbx-b', call * 5000, 'auth-failed')
  t.same(pace.excesses(), ['pbx-a failuresPerSecond: 3', 'pbx-b refusalsPerMinute: 10'])
})

for (const kind of ['innovaphone', 'kamailio'] as const) {
  for (const [moment, { before, refuses, after = [] }] of Object.entries(MOMENTS)) {
    test(`${kind}, ${moment}`, async (t) => {
      for (const gateway of ['a', 'b']) {
        for (const fault of REFUSALS) {
          const directory = join(t.testdir(), `${gateway}-${fault}`)
          // Without a query the proof takes its whole time, so that there is a moment in it.
          const query = moment === 'while proving' ? 'no query' : 'query lists'
          const config = await configure({ kind, query: query !== 'no query', configuration: {}, directory })
          const events: Event[] = [...before, { ...refuses, gateway, fault }, ...after]
          const { violations } = await play({ events, until: '20m' }, { kind, query }, config)
          t.same(violations.filter((line) => line.includes('hammers')), [], `${gateway}: ${fault}`)
        }
      }
    })
  }
}
