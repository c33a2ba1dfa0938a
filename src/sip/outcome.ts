/** What an attempt and a probe amount to: the response judged by the policy, the addresses put together. Pure. */
import { judgeCode, judgeQuality, type AlivePolicy } from '../core/judgement.ts'
import { ALIVE_PROBE_REASONS, INCONCLUSIVE_PROBE_REASONS } from '../core/reasons.ts'
import type { AddressOutcome, ProbeOutcome, ProbePhases, SipTarget } from '../ports.ts'
import type { Authenticated } from './authorization.ts'
import type { SipResponse } from './codec.ts'
import { splitList, parseNameAddress } from './grammar.ts'
import { listedContacts, retryAfterMs } from './register.ts'

/** What the answer says, apart from what its way took. */
export type Answer = Pick<AddressOutcome, 'reason' | 'code' | 'detail' | 'registrationExpiresMs' | 'bindings' | 'retryAfterMs'>

/** What the way took. */
export type Way = Pick<AddressOutcome, 'durationMs' | 'retransmissions' | 'phases' | 'transport' | 'address' | 'certificateExpiresAtMs'>

const NOTHING = { code: null, registrationExpiresMs: null, bindings: null, retryAfterMs: null } as const

export const NO_PHASES: ProbePhases = { resolveMs: null, connectMs: null, tlsMs: null, firstResponseMs: null }

export const failedAnswer = (failure: Pick<Answer, 'reason' | 'detail'>): Answer => ({ ...NOTHING, reason: failure.reason, detail: failure.detail })

/** `404 Not Found`; a redirect with where it leads. Peers' phrases are cut off. */
const describe = (response: SipResponse): string => {
  const line = `${response.status} ${response.reason.slice(0, 80)}`.trim()
  if (response.status < 300 || response.status > 399) return line
  const [first] = splitList(response.headers.get('contact') ?? []) ?? []
  const uri = first === undefined ? null : parseNameAddress(first)?.uri.slice(0, 120)
  return uri == null ? line : `${line}, to ${uri}, which is not followed`
}

/** @param own - the Contact that we bound: the lifetime that is told is its own, not that of any binding */
export const toAnswer = (ended: Authenticated, policy: AlivePolicy, method: 'OPTIONS' | 'REGISTER', own: string | null = null): Answer => {
  if (ended.kind === 'ended') return ended.ended.ok ? judge(ended.ended.response, policy, method, own) : failedAnswer(ended.ended)
  const { response } = ended
  const isAlive = method === 'OPTIONS' && judgeCode(policy, response.status, false) === 'alive'
  const why = { refused: 'the credentials were refused', unanswerable: 'challenged in a form that is not supported', endless: 'challenged again and again' }[ended.kind]
  return { ...NOTHING, reason: isAlive ? 'alive' : 'auth-failed', code: response.status, detail: `${describe(response)}: ${why}` }
}

const judge = (response: SipResponse, policy: AlivePolicy, method: 'OPTIONS' | 'REGISTER', own: string | null): Answer => {
  const { status } = response
  const pauseMs = retryAfterMs(response)
  const reason = judgeCode(policy, status, pauseMs !== null)
  const answer: Answer = { ...NOTHING, reason, code: status, detail: describe(response), retryAfterMs: pauseMs }
  if (method === 'OPTIONS') return answer
  if (status === 403) return { ...answer, reason: 'auth-failed' }
  if (status !== 200) return answer
  const contacts = listedContacts(response)
  if (contacts === null) return { ...answer, reason: 'malformed', detail: 'unreadable response: a Contact' }
  const ends = contacts.filter(({ uri }) => own === null || uri === own).flatMap(({ expiresSeconds }) => expiresSeconds === null ? [] : [expiresSeconds * 1000])
  return { ...answer, bindings: contacts.length, registrationExpiresMs: ends.length === 0 ? null : Math.max(...ends) }
}

/** Field by field: two objects spread into one cost more than all the rest of this file. */
export const toAddressOutcome = (answer: Answer, way: Way, policy: AlivePolicy): AddressOutcome => {
  const { reason, code, detail, registrationExpiresMs, bindings, retryAfterMs: pauseMs } = answer
  const { durationMs, retransmissions, phases, transport, address, certificateExpiresAtMs } = way
  return {
    reason, code, detail, registrationExpiresMs, bindings, retryAfterMs: pauseMs,
    durationMs, retransmissions, phases, transport, address, certificateExpiresAtMs,
    degraded: judgeQuality(policy, reason, durationMs, retransmissions)
  }
}

/** A probe that didn't come to an address. */
export const withoutAddress = (failure: Pick<Answer, 'reason' | 'detail'>, durationMs: number, phases: ProbePhases = NO_PHASES): ProbeOutcome => ({
  ...failedAnswer(failure), durationMs, retransmissions: 0, degraded: null, phases, transport: null, address: null, certificateExpiresAtMs: null, addresses: []
})

/**
 * The outcome of a target from those of its addresses; the address that decides lends the rest. An address that this
 * machine can't use at all (IPv6 without a route) decides nothing while another one can be used.
 * `any`: alive as soon as one is. `all`: not alive as soon as one isn't. What is inconclusive stands between the two.
 */
export const combine = (outcomes: readonly [AddressOutcome, ...AddressOutcome[]], health: SipTarget['health']): ProbeOutcome => {
  const [first] = outcomes
  if (outcomes.length === 1) return { ...first, addresses: outcomes }
  const usable = outcomes.filter(({ reason }) => reason !== 'local-error')
  const alive = usable.filter(({ reason }) => ALIVE_PROBE_REASONS.has(reason))
  const well = alive.find(({ degraded }) => degraded === null)
  const degraded = alive.find((outcome) => outcome.degraded !== null)
  const inconclusive = usable.find(({ reason }) => INCONCLUSIVE_PROBE_REASONS.has(reason))
  const failed = usable.find(({ reason }) => !ALIVE_PROBE_REASONS.has(reason) && !INCONCLUSIVE_PROBE_REASONS.has(reason))
  const deciding = health === 'all' ? failed ?? inconclusive ?? degraded ?? well : well ?? degraded ?? inconclusive ?? failed
  return { ...deciding ?? first, addresses: outcomes }
}

