/**
 * The beacon under fire: mutated requests, with and without right credentials, while it accepts and while it refuses. Nothing
 * may be thrown, what it keeps stays bounded, no answer shows the password, and nobody is bound who does not know it.
 */
import { createAgent } from '../../src/beacon/agent.ts'
import type { AgentMemory } from '../../src/beacon/agent.ts'
import { createDesk } from '../../src/beacon/listener.ts'
import { systemClock, systemRandom } from '../../src/clock.ts'
import { newBeacon, turned } from '../../src/core/beacon.ts'
import { createSecret } from '../../src/secret.ts'
import { decodeMessage } from '../../src/sip/codec.ts'
import { chooseChallenge, formatCredentials, parseChallenges } from '../../src/sip/digest.ts'
import { leakIn, SECRETS } from './canary.ts'
import { createDice } from './random.ts'
import type { Dice } from './random.ts'
import { anyRequest, mutateSip } from './sip-messages.ts'
import type { Tally } from './tally.ts'

const REALM = 'beta.example'
const URI = 'sip:beta.example'

/** The last challenge, answered with the right password, a wrong one, or not at all. */
function credentials (dice: Dice, challenge: string, count: number, password: string): string {
  const chosen = chooseChallenge(parseChallenges([challenge]))
  if (chosen === null || dice.chance(0.2)) return ''
  return formatCredentials(chosen, { username: '4930999', password, method: dice.pick(['REGISTER', 'OPTIONS']), uri: URI, cnonce: 'c', nonceCount: count })
}

export async function fuzzBeacon (inputs: number, seed: number, tally: Tally): Promise<void> {
  const dice = createDice(seed)
  const memory: AgentMemory = { state: newBeacon(false, systemClock.now()) }
  const agent = createAgent({ listen: [], realm: REALM, username: '4930999', password: createSecret(SECRETS.carrier), algorithms: ['MD5', 'SHA-256'], expiresMs: 60_000, hasSecond: false, refusal: 'answer' }, memory, { clock: systemClock, random: systemRandom })
  const counts = new Map<string, number>()
  const desk = createDesk({ clock: systemClock, agent: () => agent, count: (result) => { counts.set(result, (counts.get(result) ?? 0) + 1) } }, { admits: () => true, trust: () => {}, trusts: () => true })
  let challenge = ''
  for (let index = 0; index < inputs; index++) {
    if (index % 500 === 0) memory.state = turned(memory.state, dice.chance(0.3), systemClock.now())
    const isKnowing = dice.chance(0.5)
    const text = anyRequest(dice, URI, credentials(dice, challenge, index + 1, isKnowing ? SECRETS.carrier : SECRETS.stranger))
    const bytes = Buffer.from(dice.chance(0.3) ? text : mutateSip(dice, text), 'latin1')
    const bound = memory.state.bindings
    const startedMs = performance.now()
    try {
      const reply = desk.handle(bytes, { address: '10.0.0.1', port: 1 + dice.int(65_535) })
      const answer = reply?.bytes.toString('latin1') ?? ''
      tally.note(answer === '' ? 'silence' : answer.slice(8, 11), performance.now() - startedMs, () => bytes.toString('latin1'))
      if (leakIn(answer) !== null && leakIn(bytes.toString('latin1')) === null) tally.fail('an answer shows a secret')
      if (reply !== null && !decodeMessage(reply.bytes).ok) tally.fail(`an answer that is no message: ${JSON.stringify(answer)}`)
      challenge = /WWW-Authenticate: (Digest [^\r]*)/i.exec(answer)?.[1] ?? challenge
    } catch (error) {
      tally.fail(`thrown at input #${index}: ${error instanceof Error ? error.stack ?? error.message : String(error)}`)
    }
    if (memory.state.bindings.length > 8) tally.fail('more bindings than there may be')
    if (!isKnowing && memory.state.bindings.some((binding) => !bound.includes(binding))) tally.fail(`bound without the password: ${JSON.stringify(bytes.toString('latin1'))}`)
    // The loop has other work.
    if (index % 1_000 === 999) await new Promise((resolve) => { setImmediate(resolve) })
  }
  tally.remark([...counts].sort(([a], [b]) => a < b ? -1 : 1).map(([result, count]) => `${result} ${count}`).join(', '))
  if ((counts.get('accepted') ?? 0) === 0) tally.fail('nobody was ever accepted')
}
