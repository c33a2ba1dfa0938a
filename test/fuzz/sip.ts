/**
 * The SIP client's own sockets under fire: peers send mutated datagrams and streams before, instead of and after their
 * answers. Nothing may be thrown, nothing may hold up the loop, nothing may stay in memory, and the client still probes.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Worker } from 'node:worker_threads'
import { systemClock, systemRandom } from '../../src/clock.ts'
import { DEFAULT_POLICY } from '../../src/core/judgement.ts'
import { PROBE_REASONS } from '../../src/core/reasons.ts'
import type { SipClient, SipTarget } from '../../src/ports.ts'
import { createSecret } from '../../src/secret.ts'
import { createSipClient } from '../../src/sip/client.ts'
import { leakIn, SECRETS } from './canary.ts'
import { createDice, type Dice } from './random.ts'
import type { AttackerData } from './sip-attacker.ts'
import { startStopwatch } from './stopwatch.ts'
import type { Tally } from './tally.ts'

type Kind = AttackerData['kind']

/** Hostile at once. What they send while the loop is busy comes in one turn of it. */
const PEERS = 16
const TIMEOUT_MS = 1500
/** What the heap may grow between the first tenth of the inputs and the end [bytes]. */
const LARGEST_GROWTH = 8 * 2 ** 20

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const heapBytes = (): number => {
  collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** Watches how long each turn of the loop computes. */
const watchTurns = (): { longestMs: () => number; stop: () => void } => {
  let longestMs = 0
  let isRunning = true
  let elapsedMs = startStopwatch()
  const turn = (): void => {
    longestMs = Math.max(longestMs, elapsedMs())
    elapsedMs = startStopwatch()
    if (isRunning) setImmediate(turn)
  }
  setImmediate(turn)
  return { longestMs: () => longestMs, stop: () => { isRunning = false } }
}

/** @returns what it ended with */
async function sendOne (client: SipClient, target: SipTarget, dice: Dice, tally: Tally): Promise<string> {
  const signal = new AbortController().signal
  if (dice.chance(0.3)) {
    // New credentials each time: refused ones would not be sent again.
    const answer = await client.queryBindings(target, { username: 'fuzz', password: createSecret(SECRETS.stranger) }, TIMEOUT_MS, signal)
    if (leakIn(JSON.stringify(answer)) !== null) tally.fail('an answer shows a secret')
    return `query: ${answer.kind}`
  }
  const outcome = await client.probe({ target, request: { method: 'OPTIONS' }, policy: DEFAULT_POLICY }, TIMEOUT_MS, signal)
  if (!(outcome.reason in PROBE_REASONS) || outcome.detail.length > 400) tally.fail(`no outcome: ${JSON.stringify(outcome)}`)
  return `probe: ${outcome.reason}`
}

/** @param longestTurnMs - one turn of the loop that computes longer holds up everything else */
export async function fuzzSip (kind: Kind, inputs: number, seed: number, tally: Tally, longestTurnMs = 25): Promise<void> {
  const counter = new SharedArrayBuffer(4)
  const sent = new Int32Array(counter)
  const data: AttackerData = { kind, peers: PEERS, seed, counter }
  const attacker = new Worker(new URL('./sip-attacker.ts', import.meta.url), { workerData: data })
  const addresses = await new Promise<readonly { readonly address: string; readonly port: number }[]>((resolve, reject) => {
    attacker.once('message', resolve)
    attacker.once('error', reject)
  })
  const client = createSipClient({ clock: systemClock, random: systemRandom })
  const run = async ({ address, port }: { readonly address: string; readonly port: number }, index: number): Promise<void> => {
    const dice = createDice(seed + index)
    // Like the scheduler, which begins no two targets in one turn.
    await new Promise((resolve) => { setTimeout(resolve, index * 5) })
    while (Atomics.load(sent, 0) < inputs) {
      const transport = kind === 'datagrams' ? 'udp' : 'tcp'
      const before = Atomics.load(sent, 0)
      const startedMs = performance.now()
      const outcome = await sendOne(client, { uri: `sip:${address}:${port}`, transport, connection: dice.chance(0.3) ? 'fresh' : 'reuse' }, dice, tally)
      if (outcome === 'probe: local-error') tally.fail('a probe failed on this machine')
      // Waiting is the peer's; what computes too long is seen by the turns.
      tally.note(outcome, Math.min(performance.now() - startedMs, 999), () => `inputs from #${before}`)
    }
  }
  const running = Promise.all(addresses.map(run))
  // What was just loaded is compiled in the first tenth: no turn is judged until then.
  while (Atomics.load(sent, 0) < inputs / 10) await new Promise((resolve) => { setTimeout(resolve, 10) })
  const firstBytes = heapBytes()
  const turns = watchTurns()
  await running
  turns.stop()
  const grownBytes = heapBytes() - firstBytes
  await client.close()
  await attacker.terminate()
  const longestMs = turns.longestMs()
  tally.remark(`${Atomics.load(sent, 0)} mutated, longest turn ${longestMs.toFixed(1)} ms of computing, heap ${grownBytes < 0 ? '' : '+'}${(grownBytes / 2 ** 20).toFixed(1)} MiB`)
  if (longestMs > longestTurnMs) tally.fail(`a turn of the loop computed for ${longestMs.toFixed(1)} ms`)
  if (grownBytes > LARGEST_GROWTH) tally.fail(`the heap grew by ${(grownBytes / 2 ** 20).toFixed(1)} MiB`)
}
