/** One attempt at one address: a flow from the pool, a conversation on it, and what both took. */
import type { Clock, Random, SipTarget, SipTrace } from '../ports.ts'
import { createConversation, createIdentity, toExchangeFailure, type Conversation, type ExchangeFailure, type Identity } from './conversation.ts'
import { NO_SET_UP, type FlowOpened, type SetUp } from './flow.ts'
import type { FlowPool, Leased } from './flow-pool.ts'
import type { Limit } from './limit.ts'
import type { Location, LocatePorts } from './location.ts'
import { openStreamFlow } from './stream-transport.ts'
import { openUdpFlow } from './udp-transport.ts'
import type { SipUri } from './uri.ts'

export interface SipPorts extends LocatePorts {
  readonly clock: Clock
  readonly random: Random
  readonly pool: FlowPool
  readonly trace?: SipTrace
}

export interface Attempt {
  readonly target: SipTarget
  readonly uri: SipUri
  readonly location: Location
  /** User of From and To when the target names no address; null: From is this machine. */
  readonly user: string | null
  /** Default: a new one. */
  readonly identity?: Identity
  readonly limit: Limit
}

export interface Attempted<Result> {
  readonly result: Result
  readonly setUp: SetUp
  /** Null: there was no flow. */
  readonly conversation: Conversation | null
}

/**
 * Lets `talk` send on a flow to the location; what fails before the first packet goes to `fail`.
 * A kept connection that the peer had closed meanwhile is no failure: it is made anew, once.
 *
 * @param isAnswered - whether the result was made from a final response; then a kept flow stays
 */
export const attempt = async <Result>(
  ports: SipPorts, parts: Attempt, talk: (conversation: Conversation) => Promise<Result>,
  fail: (failure: ExchangeFailure) => Result, isAnswered: (result: Result) => boolean
): Promise<Attempted<Result>> => {
  for (;;) {
    const leased = await lease(ports, parts)
    if (!leased.ok) return { result: fail(toOpenFailure(leased, parts)), setUp: leased.setUp, conversation: null }
    const { flow, isReused, end } = leased.lease
    const { clock, random } = ports
    const conversation = createConversation({ ...parts, clock, random, flow, identity: parts.identity ?? createIdentity(random) })
    const result = await talk(conversation)
    const wasStale = isReused && !flow.isOpen() && conversation.firstResponseMs() === null && !parts.limit.isOver()
    end(isAnswered(result))
    if (!wasStale) return { result, setUp: isReused ? NO_SET_UP : flow.setUp, conversation }
  }
}

/** Before the first packet every error of UDP is of this machine: an address that is not ours, no route, no free socket. */
const toOpenFailure = ({ failure }: FlowOpened & { readonly ok: false }, { location, limit }: Attempt): ExchangeFailure => {
  const isLocal = failure.kind === 'network' && !limit.isOver() && (location.transport === 'udp' || failure.code === 'ENETUNREACH')
  return isLocal ? { ok: false, reason: 'local-error', detail: `socket: ${failure.code}` } : toExchangeFailure(failure, limit)
}

const lease = ({ clock, pool, trace }: SipPorts, { target, uri, location, limit }: Attempt): Leased | Promise<Leased> => {
  const { transport } = location
  const tls = target.tls ?? {}
  const serverName = tls.serverName ?? uri.host
  const mode = target.connection ?? (transport === 'udp' ? 'reuse' : 'fresh')
  const key = mode === 'fresh' ? null : `${transport} ${location.address} ${location.port} ${target.localAddress ?? ''} ${target.localPort ?? ''}${transport === 'tls' ? ` ${serverName} ${settingsId(tls)}` : ''}`
  return pool.lease(key, () => {
    const local = { ...target.localAddress === undefined ? {} : { address: target.localAddress }, ...target.localPort === undefined ? {} : { port: target.localPort } }
    return transport === 'udp'
      ? openUdpFlow(location, local, trace)
      : openStreamFlow(clock, location, { transport, serverName, tls, local, ...trace === undefined ? {} : { trace } }, limit)
  })
}

/** TLS settings hold secrets, so they are named by a number; those of a new configuration are new ones. */
const settingsIds = new WeakMap<object, number>()
let lastId = 0
const settingsId = (settings: object): number => {
  const known = settingsIds.get(settings)
  if (known !== undefined) return known
  lastId++
  settingsIds.set(settings, lastId)
  return lastId
}
