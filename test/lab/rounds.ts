/** The two tables: gateway A killed, and A's uplink cut; each round with calls, and back to A by the operator's failback. */
import type { TrunkStatus } from '../../src/core/status.ts'
import { startCalls } from './calls.ts'
import type { CallCount } from './calls.ts'
import { median, seconds } from './report.ts'
import type { Report } from './report.ts'
import { ADDRESSES, EXPIRES_SECONDS, isRested, keyOf } from './scene.ts'
import type { Pair, Scene } from './scene.ts'
import { proofWait, watchSwitchover } from './switchover.ts'
import type { Timeline, Watched } from './switchover.ts'
import { sleep, until } from './wait.ts'

const CALL_RATE = 20
/** Calls before the fault and after the end. */
const CALLS_AROUND_MS = 1500
/** A round that takes longer has failed. */
const ROUND_MS = 30_000

/** One kind of fault: how it is made, how it is mended, and how fast the switchover has to be. */
export interface Fault {
  readonly title: string
  readonly limitMs: number
  /** The wait for the proof is not held against the limit. */
  readonly withoutProof: boolean
  inject(pair: Pair): Promise<void>
  mend(pair: Pair): Promise<void>
}

export const GATEWAY_KILLED: Fault = {
  title: 'Gateway A killed',
  limitMs: 3500,
  withoutProof: true,
  inject: (pair) => pair.a.kill(),
  // Its record is disabled after the start: a gateway that comes back must not register by itself.
  mend: (pair) => pair.a.start()
}

export const UPLINK_CUT: Fault = {
  title: 'Uplink cut',
  limitMs: 6000,
  withoutProof: false,
  inject: (pair) => pair.uplink.cut(),
  mend: (pair) => pair.uplink.restore()
}

interface Round {
  readonly pair: Pair
  readonly timeline: Timeline
  /** Before the fault was mended. */
  readonly status: TrunkStatus
  readonly calls: CallCount
  readonly allowedLoss: number
}

const watchedOf = (scene: Scene, pair: Pair): Watched => ({
  trunk: pair.trunk,
  user: pair.account.user,
  carrier: scene.carrier,
  pointsman: scene.pointsman,
  a: { key: keyOf(pair, 'a'), ip: pair.a.ip },
  b: { key: keyOf(pair, 'b'), ip: pair.b.ip, enabled: async () => (await pair.b.registration())?.enabled ?? null }
})

/** A is usable for this long before the way back is asked for. */
const STEADY_MS = 3000

/** @throws Error - the cause, with the trunk's status: a run elsewhere leaves nothing else to look at */
export const withStatus = async (scene: Pick<Scene, 'pointsman'>, trunk: string, cause: unknown): Promise<never> => {
  throw new Error(`${String(cause)}: ${JSON.stringify(await scene.pointsman.trunk(trunk))}`, { cause })
}

/** Asks for the way back (the operator's `failback`) and waits until the trunk rests on A. */
export const failBack = async (scene: Pick<Scene, 'pointsman'>, trunk: string): Promise<void> => {
  // As a person would: not in the first moment in which A looks well (its dispatcher may not have finished judging the path).
  let since: number | null = null
  await until(`usable ${trunk}-a`, async () => {
    const status = await scene.pointsman.trunk(trunk)
    const usable = status.interfaces[0]?.usable === true && status.switchover === null
    since = usable ? since ?? performance.now() : null
    return since !== null && performance.now() - since > STEADY_MS
  }, ROUND_MS, 100).catch((cause: unknown) => withStatus(scene, trunk, cause))
  const { code, answer } = await scene.pointsman.command('failback', { trunk, reason: 'the fault of the round is mended' })
  if (code !== 200 && code !== 202) throw new Error(`failback of ${trunk}: ${code} ${answer}`)
  await until(`rest of trunk ${trunk} after the failback`, () => isRested(scene.pointsman, trunk), ROUND_MS, 100)
    .catch((cause: unknown) => withStatus(scene, trunk, cause))
}

const playRound = async (scene: Scene, pair: Pair, fault: Fault): Promise<Round> => {
  await until(`end of the alerts of ${pair.trunk}`, async () => (await scene.pointsman.trunk(pair.trunk)).alerts.length === 0, ROUND_MS, 100)
  const caller = await startCalls(scene.stage, { from: ADDRESSES.caller, carrier: ADDRESSES.carrier, account: pair.account.user, rate: CALL_RATE })
  await sleep(CALLS_AROUND_MS)
  const faultAt = performance.now()
  await fault.inject(pair)
  const timeline = await watchSwitchover(watchedOf(scene, pair), faultAt, ROUND_MS)
  await sleep(CALLS_AROUND_MS)
  const calls = await caller.finish()
  const status = await scene.pointsman.trunk(pair.trunk)
  await fault.mend(pair)
  const gapMs = timeline.registered ?? performance.now() - faultAt
  return { pair, timeline, status, calls, allowedLoss: Math.ceil((gapMs / 1000 + 1) * CALL_RATE) }
}

/** Never negative: what is polled is seen up to 20 ms late, what the journal tells is exact. */
const difference = (later: number | null, earlier: number | null): number | null => later === null || earlier === null ? null : Math.max(0, later - earlier)

const row = (number: number, { pair, timeline, calls, allowedLoss }: Round): (string | number)[] => {
  const { downSeen, alerted, admitted, enabled, registered, verified } = timeline
  const proof = proofWait(timeline)
  const net = registered === null ? null : registered - proof
  return [
    number, pair.retrySeconds, seconds(downSeen), seconds(difference(alerted, downSeen)), seconds(proof), seconds(difference(admitted, alerted === null ? null : alerted + proof)),
    seconds(difference(enabled, admitted)), seconds(difference(registered, enabled)), seconds(registered), seconds(net), seconds(difference(verified, registered)),
    calls.placed, calls.lost, allowedLoss, timeline.heldBy.join(' ')
  ]
}

const HEADINGS = [
  'round', 'retry', 'fault>down', '>alert', '+proof', '>decision', '>B enabled', '>B registered', 'fault>B registered', 'without proof', '>verified',
  'calls', 'lost', 'allowed', 'held by'
]

const judgeRound = (report: Report, name: string, { pair, timeline, status, calls, allowedLoss }: Round): void => {
  report.check(timeline.verified !== null && timeline.registered !== null, `${name}: ${pair.trunk} is on B, registered and verified`, { timeline, status })
  report.check(timeline.carrierUp, `${name}: Pointsman's own path to the carrier stayed up`, { timeline, status })
  report.check(calls.lost <= allowedLoss, `${name}: ${calls.lost} of ${calls.placed} calls lost, ${allowedLoss} allowed`)
}

/** Plays the rounds, alternating between the two pairs, and prints the table. */
export const playTable = async (report: Report, scene: Scene, fault: Fault, rounds: number): Promise<void> => {
  report.section(`${fault.title}: ${rounds} rounds, on_second: ${scene.second}, expires ${EXPIRES_SECONDS} s, ${CALL_RATE} calls/s`)
  const played: Round[] = []
  for (let number = 1; number <= rounds; number += 1) {
    const pair = scene.pairs[number % scene.pairs.length]!
    const round = await playRound(scene, pair, fault)
    played.push(round)
    judgeRound(report, `round ${number}`, round)
    await failBack(scene, pair.trunk)
    report.check(await scene.carrier.holder(pair.account.user) === pair.a.ip, `round ${number}: ${pair.trunk} is back on A by failback`)
  }
  report.table(HEADINGS, played.map((round, index) => row(index + 1, round)))
  const times = played.map(({ timeline }) => (timeline.registered ?? ROUND_MS) - (fault.withoutProof ? proofWait(timeline) : 0))
  const middle = median(times)
  const what = fault.withoutProof ? 'fault > B registered, without the printed wait for the proof' : 'fault > B registered'
  report.check(middle <= fault.limitMs, `median ${what}: ${seconds(middle)}, limit ${seconds(fault.limitMs)}`)
}
