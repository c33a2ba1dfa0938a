/** A few kills of the real process; `node test/crash/run.ts` does hundreds. */
import { test } from 'tap'
import { runCampaign } from './campaign.ts'
import { KINDS } from './configuration.ts'

test('kill -9 under notifications and a switchover: nothing acknowledged is lost, no wrong action, the trunk moves', async (t) => {
  const kinds = KINDS.filter(({ name }) => name === 'coexisting').map((kind) => ({ ...kind, faults: ['sip', 'uplink'] as const }))
  const { lanes: [lane] } = await runCampaign({ directory: t.testdir(), kills: 3, lanes: 1, seed: 5, kinds })
  t.ok(lane !== undefined && lane.acknowledged > 0 && lane.writes > 0 && lane.decidedAgain > 0, 'something happened')
  t.same(lane?.missing, [], 'every acknowledged alert is in the book')
  t.same(lane?.wrong, [], 'the journal admits every write')
  t.same(lane?.violations, [], 'exclusive')
  t.same(lane?.failures, [])
  t.ok(lane?.needed.length !== 0 && lane?.needed.every(({ movedMs }) => movedMs !== null), 'every needed switchover was completed')
})
