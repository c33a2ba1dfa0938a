import { test } from 'tap'
import { systemRandom as random } from '../../src/clock.ts'
import { chooseChallenge, formatCredentials, parseChallenges } from '../../src/sip/digest.ts'
import { createDigestAuthority, SERVER_ALGORITHMS } from '../../src/sip/digest-authority.ts'
import type { ServerAlgorithm } from '../../src/sip/digest-authority.ts'

const REALM = 'beta.example'
const URI = 'sip:beta.example'

function rig (algorithms: readonly [ServerAlgorithm, ...ServerAlgorithm[]] = ['MD5', 'SHA-256']) {
  const time = { nowMs: 1_700_000_000_000 }
  const authority = createDigestAuthority({ realm: REALM, algorithms, nonceLifetimeMs: 30_000, clock: { now: () => time.nowMs } as never, random })
  const check = (authorization: string | undefined, uri = URI, method = 'REGISTER') => authority.check({ method, uri, authorization }, (name) => name === '4930999' ? 'right' : undefined).kind
  const answer = (more: { challenge?: string; password?: string; username?: string; count?: number; uri?: string; method?: string } = {}): string => {
    const challenge = chooseChallenge(parseChallenges([more.challenge ?? authority.challenges(false)[0]]))
    if (challenge === null) throw new Error('no challenge')
    return formatCredentials(challenge, { username: more.username ?? '4930999', password: more.password ?? 'right', method: more.method ?? 'REGISTER', uri: more.uri ?? URI, cnonce: 'c', nonceCount: more.count ?? 1 })
  }
  return { time, authority, check, answer }
}

test('every algorithm that is offered is accepted, in the order in which it is offered', async (t) => {
  for (const algorithm of SERVER_ALGORITHMS) {
    const { check, answer, authority } = rig([algorithm])
    t.match(authority.challenges(false)[0], `algorithm=${algorithm}`)
    t.equal(check(answer()), 'right', algorithm)
  }
  const both = rig(['SHA-256', 'MD5'])
  const [first, second] = both.authority.challenges(false)
  t.match([first, second], [/SHA-256/, /MD5/])
  t.equal(both.check(both.answer({ challenge: second! })), 'right', 'the second one')
  const one = rig(['SHA-256'])
  const other = rig(['MD5'])
  t.equal(one.check(other.answer()), 'wrong', 'one that is not offered')
})

test('what is not right', async (t) => {
  const { time, check, answer, authority } = rig()
  t.equal(check(undefined), 'missing')
  t.equal(check('Basic abc'), 'missing')
  t.equal(check(answer().replace(REALM, 'other.example')), 'missing', 'credentials for another realm')
  t.equal(check(answer({ password: 'wrong' })), 'wrong')
  t.equal(check(answer({ username: 'nobody' })), 'wrong', 'no such account')
  t.equal(check(answer({ username: 'nobody', password: '' })), 'wrong', 'no such account, no password')
  t.equal(check(answer({ uri: 'sip:elsewhere' })), 'wrong', 'signed for another URI')
  t.equal(check(answer({ method: 'INVITE' })), 'wrong', 'signed for another method')
  t.equal(check(answer().replaceAll(/, (qop|nc|cnonce)=[^,]*/g, '')), 'wrong', 'without qop')
  const challenge = authority.challenges(false)[0]
  t.equal(check(answer({ challenge })), 'right')
  t.equal(check(answer({ challenge })), 'stale', 'replayed')
  t.equal(check(answer({ challenge, count: 2 })), 'right', 'the next count')
  t.equal(check(answer({ challenge, count: 2 })), 'stale', 'the same count')
  t.equal(check(answer({ challenge, count: 1 })), 'stale', 'an older count')
  t.equal(check(answer({ challenge: challenge.replace(/nonce="(.)/, (_, first: string) => `nonce="${first === '1' ? '2' : '1'}`) })), 'stale', 'a nonce that is not ours')
  t.equal(check(answer({ challenge: challenge.replace(/nonce="[^"]*"/, 'nonce="zzz"') })), 'stale', 'no nonce at all')
  time.nowMs += 30_001
  t.equal(check(answer({ challenge, count: 3 })), 'stale', 'too old')
  t.match(authority.challenges(true)[0], 'stale=true')
})

test('a nonce whose count was forgotten is not accepted again', async (t) => {
  const { check, answer, authority } = rig()
  const first = authority.challenges(false)[0]
  t.equal(check(answer({ challenge: first })), 'right')
  for (let index = 0; index < 1_000; index++) check(answer())
  t.equal(check(answer({ challenge: first })), 'stale', 'replayed after a thousand others')
})
