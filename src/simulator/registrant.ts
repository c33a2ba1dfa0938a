/** Keeps one account registered from a gateway's SIP address: REGISTER, refresh at half the lifetime, retry after a failure. */
import type { Clock, Random } from '../ports.ts'
import { encodeRequest, firstValue } from '../sip/codec.ts'
import type { SipResponse } from '../sip/codec.ts'
import { parseContacts } from '../sip/contact.ts'
import { chooseChallenge, formatCredentials, parseChallenges } from '../sip/digest.ts'
import type { DigestChallenge } from '../sip/digest.ts'
import { parsePeer } from './sip-endpoint.ts'
import type { SipEndpoint } from './sip-endpoint.ts'

export interface RegistrantOptions {
  readonly endpoint: SipEndpoint
  /** `username@domain`. */
  readonly account: string
  readonly password: string
  /** Carrier as `host:port`; with anything else nothing is ever sent. */
  readonly proxy: string
  /** Wanted lifetime [s]. */
  readonly expires: number
  /** Pause after a refused or unanswered REGISTER [ms]. */
  readonly retryMs: number
  /** Longest wait for an answer [ms]. */
  readonly answerMs: number
  readonly clock: Clock
  readonly random: Random
}

export interface Registrant {
  /** The last REGISTER succeeded and its lifetime isn't over. */
  registered(): boolean
  /** Ends the refreshes; `unregister` also removes the Contact at the carrier, in the background. */
  stop(how: { readonly unregister: boolean }): void
}

/** First try, answer to a challenge, answer to a stale nonce. */
const MAX_TRIES = 3

/** Starts at once. */
export const createRegistrant = (options: RegistrantOptions): Registrant => {
  const { endpoint, account, password, proxy, retryMs, answerMs, clock, random } = options
  const stopped = new AbortController()
  const callId = random.hex(12)
  const fromTag = random.hex(6)
  const peer = parsePeer(proxy)
  const uri = `sip:${proxy}`
  const username = account.split('@')[0] ?? ''
  const hostPort = `${endpoint.host}:${endpoint.port}`
  const contactUri = `sip:${username}@${hostPort}`
  let cseq = 0
  let challenge: DigestChallenge | null = null
  let nonceCount = 0
  let registeredUntilMs = 0

  const authorization = (): readonly (readonly [string, string])[] => {
    if (challenge === null) return []
    nonceCount += 1
    return [['Authorization', formatCredentials(challenge, { username, password, method: 'REGISTER', uri, cnonce: random.hex(8), nonceCount })]]
  }
  const send = async (expires: number, signal: AbortSignal): Promise<SipResponse | null> => {
    const branch = `z9hG4bK${random.hex(16)}`
    cseq += 1
    const encoded = encodeRequest({
      method: 'REGISTER',
      uri,
      via: [`SIP/2.0/UDP ${hostPort};branch=${branch};rport`],
      from: `<sip:${account}>;tag=${fromTag}`,
      to: `<sip:${account}>`,
      callId,
      cseq,
      headers: [['Contact', `<${contactUri}>;expires=${expires}`], ['Expires', String(expires)], ...authorization()]
    })
    return encoded.ok && peer !== null ? endpoint.request(encoded.bytes, branch, peer, answerMs, signal) : null
  }
  /** The 2xx, or null for everything else. */
  const register = async (expires: number, signal: AbortSignal): Promise<SipResponse | null> => {
    for (let tries = 1; tries <= MAX_TRIES; tries += 1) {
      const wasSigned = challenge !== null
      const response = await send(expires, signal)
      if (response === null || response.status < 300) return response
      if (response.status !== 401) return null
      const next = chooseChallenge(parseChallenges(response.headers.get('www-authenticate') ?? []))
      challenge = next
      nonceCount = 0
      // A challenge to a signed request that isn't stale means that the password is wrong.
      if (next === null || (wasSigned && !next.stale)) return null
    }
    return null
  }
  const grantedSeconds = (response: SipResponse): number => {
    const contacts = parseContacts(response.headers.get('contact') ?? [], firstValue(response, 'expires')) ?? []
    return contacts.find((contact) => contact.hostPort === hostPort)?.expiresSeconds ?? 0
  }
  const keepRegistered = async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      const response = await register(options.expires, signal)
      const granted = response === null ? 0 : grantedSeconds(response)
      registeredUntilMs = granted === 0 ? 0 : clock.now() + granted * 1_000
      await clock.sleep(granted === 0 ? retryMs : granted * 500, signal)
    }
  }

  void keepRegistered(stopped.signal)
  return {
    registered: () => clock.now() < registeredUntilMs,
    stop: ({ unregister }) => {
      stopped.abort()
      registeredUntilMs = 0
      if (unregister) void register(0, new AbortController().signal)
    }
  }
}
