/** One probe of one target: every address of it, or the first one, and what they amount to. */
import { isIP } from 'node:net'
import type { AddressOutcome, ProbeOutcome, SipProbe } from '../ports.ts'
import { attempt, type SipPorts } from './attempt.ts'
import { createAuthorizer, type Authenticated } from './authorization.ts'
import type { Bindings } from './bindings.ts'
import type { Conversation, Identity } from './conversation.ts'
import type { Courtesy } from './courtesy.ts'
import type { Limit } from './limit.ts'
import type { Location } from './location.ts'
import { combine, failedAnswer, NO_PHASES, toAddressOutcome, toAnswer, withoutAddress, type Answer } from './outcome.ts'
import { retryAfterMs, sendBind, sendQuery } from './register.ts'
import { findTarget } from './target.ts'
import { formatHostPort, type SipUri } from './uri.ts'

export interface ProbePorts extends SipPorts {
  readonly courtesy: Courtesy
  readonly bindings: Bindings
}

/** What is sent to one address, and what the answers mean. */
interface Script {
  /** User of From and To; null: no account. */
  readonly user: string | null
  readonly identity?: Identity
  readonly talk: (conversation: Conversation) => Promise<Authenticated>
  /** The Contact that `talk` binds; null: none. */
  readonly ownContact: () => string | null
}

export const probeTarget = async (ports: ProbePorts, probe: SipProbe, limit: Limit): Promise<ProbeOutcome> => {
  const { target, request } = probe
  const startedMs = ports.clock.monotonicMs()
  const took = (): number => ports.clock.monotonicMs() - startedMs
  const heldBack = request.method === 'REGISTER' ? ports.courtesy.heldBack(target.uri, request.credentials) : null
  if (heldBack !== null) return withoutAddress({ reason: 'held-back', detail: heldBack }, 0)
  const found = await findTarget(ports, target, limit)
  if (!found.ok) return withoutAddress(found, took(), { ...NO_PHASES, resolveMs: took() })
  const resolveMs = isIP(found.uri.host) === 0 ? took() : null
  const script = writeScript(ports, probe)
  const at = (location: Location): Promise<AddressOutcome> => probeLocation(ports, probe, script, { uri: found.uri, location, limit, resolveMs })
  const [first, ...others] = found.locations
  // A registrar is asked once, however many addresses it has.
  const isSingle = others.length === 0 || target.resolve === 'first' || request.method === 'REGISTER'
  return combine(isSingle ? [await at(first)] : await Promise.all([at(first), ...others.map(at)]), target.health)
}

interface Place {
  readonly uri: SipUri
  readonly location: Location
  readonly limit: Limit
  /** Null: the address was written down. */
  readonly resolveMs: number | null
}

const probeLocation = async (ports: ProbePorts, { target, request, policy }: SipProbe, script: Script, { uri, location, limit, resolveMs }: Place): Promise<AddressOutcome> => {
  const startedMs = ports.clock.monotonicMs()
  const { result, setUp, conversation } = await attempt<Answer>(
    ports, { target, uri, location, user: script.user, limit, ...script.identity === undefined ? {} : { identity: script.identity } },
    (talking) => script.talk(talking).then((ended) => {
      remember(ports.courtesy, target.uri, request, ended)
      return toAnswer(ended, policy, request.method, script.ownContact())
    }),
    failedAnswer, ({ code }) => code !== null)
  return toAddressOutcome(result, {
    durationMs: (resolveMs ?? 0) + ports.clock.monotonicMs() - startedMs,
    retransmissions: conversation?.retransmissions() ?? 0,
    phases: { resolveMs, connectMs: setUp.connectMs, tlsMs: setUp.tlsMs, firstResponseMs: conversation?.firstResponseMs() ?? null },
    transport: location.transport,
    address: formatHostPort(location.address, location.port),
    certificateExpiresAtMs: (conversation?.flow.setUp ?? setUp).certificateExpiresAtMs
  }, policy)
}

const writeScript = ({ random, courtesy, bindings }: ProbePorts, { target, request }: SipProbe): Script => {
  const ownContact = (): null => null
  if (request.method === 'OPTIONS') {
    const { credentials } = request
    const headers = (conversation: Conversation) => [['Contact', `<${target.contact ?? conversation.contact('pointsman')}>`], ['Accept', 'application/sdp']] as const
    if (credentials === undefined || courtesy.isRefused(credentials)) {
      return { user: null, ownContact, talk: (conversation) => conversation.send('OPTIONS', () => headers(conversation)).then((ended) => ({ kind: 'ended', ended })) }
    }
    const signed = { method: 'OPTIONS', uri: target.uri }
    return { user: credentials.username, ownContact, talk: (conversation) => createAuthorizer(random, credentials).send(signed, (added) => conversation.send('OPTIONS', () => [...headers(conversation), ...added])) }
  }
  const { credentials } = request
  const user = credentials.username
  if (request.operation === 'query') return { user, ownContact, talk: (conversation) => sendQuery(conversation, createAuthorizer(random, credentials), target.uri) }
  const binding = bindings.of(target, credentials)
  return { user, identity: binding.identity, ownContact: () => binding.contact, talk: (conversation) => sendBind(conversation, binding, target.uri, request.expiresSeconds) }
}

/** A refusal is remembered for good, the pause that a registrar asks for until its end. */
const remember = (courtesy: Courtesy, registrar: string, request: SipProbe['request'], ended: Authenticated): void => {
  const response = ended.kind === 'ended' ? (ended.ended.ok ? ended.ended.response : null) : ended.response
  if (response === null || request.credentials === undefined) return
  if (ended.kind === 'refused' || (request.method === 'REGISTER' && response.status === 403)) courtesy.refused(request.credentials)
  const pauseMs = request.method === 'REGISTER' ? retryAfterMs(response) : null
  if (pauseMs !== null) courtesy.pause(registrar, pauseMs)
}
