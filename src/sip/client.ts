/** The SIP client: probes by OPTIONS and REGISTER over UDP, TCP and TLS. Every way to end is data; nothing here throws. */
import type { BindingAnswer, ContactChange } from '../core/binding.ts'
import type { Clock, Random, SipClient, SipCredentials, SipTarget, SipTrace, StopSignal } from '../ports.ts'
import { attempt, type SipPorts } from './attempt.ts'
import { createAuthorizer } from './authorization.ts'
import { areContacts, sendChange, type SendRegister } from './binding-change.ts'
import { createBindings } from './bindings.ts'
import { createCourtesy } from './courtesy.ts'
import { createDns, nodeLookUps, type LookUps } from './dns.ts'
import { createFlowPool } from './flow-pool.ts'
import { createLimit, type Limit } from './limit.ts'
import { withoutAddress } from './outcome.ts'
import { probeTarget, type ProbePorts } from './probe.ts'
import { sendQuery, toBindingAnswer, toFailedAnswer } from './register.ts'
import { findTarget } from './target.ts'

export interface SipClientPorts {
  readonly clock: Clock
  readonly random: Random
  /** Default: those of Node.js, with the machine's name servers. */
  readonly lookUps?: LookUps
  readonly trace?: SipTrace
}

export const createSipClient = (given: SipClientPorts): SipClient => {
  const { clock, random } = given
  const dns = createDns(clock, given.lookUps ?? nodeLookUps())
  const pool = createFlowPool(clock)
  const ports: SipPorts = { clock, random, dns, pool, ...given.trace === undefined ? {} : { trace: given.trace } }
  const courtesy = createCourtesy(clock)
  const bindings = createBindings(ports)
  const probing: ProbePorts = { ...ports, courtesy, bindings }
  const inFlight = new Map<Limit, Promise<unknown>>()
  let isClosing = false

  /** Runs `work` within a limit of its own; `close` cancels it and waits for its end. */
  const within = async <Result>(timeoutMs: number, signal: StopSignal, work: (limit: Limit) => Promise<Result>): Promise<Result> => {
    const limit = createLimit(clock, timeoutMs, signal)
    if (isClosing) limit.cancel()
    const result = work(limit)
    inFlight.set(limit, result)
    try {
      return await result
    } finally {
      inFlight.delete(limit)
      limit.dispose()
    }
  }

  /** One REGISTER to the registrar's first address. */
  const ask = async (target: SipTarget, credentials: SipCredentials, limit: Limit, send: SendRegister): Promise<BindingAnswer> => {
    const found = await findTarget(ports, target, limit)
    courtesy.asked(target.uri)
    if (!found.ok) return toFailedAnswer(found)
    const [location] = found.locations
    const { result } = await attempt<BindingAnswer>(ports, { target, uri: found.uri, location, user: credentials.username, limit },
      async (conversation) => toBindingAnswer(await send(conversation, createAuthorizer(random, credentials), target.uri)),
      toFailedAnswer, ({ kind }) => kind !== 'failed')
    return result
  }

  const query = async (target: SipTarget, credentials: SipCredentials, limit: Limit): Promise<BindingAnswer> => {
    const answer = await ask(target, credentials, limit, sendQuery)
    if (answer.kind === 'refused') courtesy.refused(credentials)
    return answer
  }

  const change = async (target: SipTarget, credentials: SipCredentials, changes: readonly ContactChange[], limit: Limit): Promise<BindingAnswer> => {
    if (!areContacts(changes)) return { kind: 'failed', reason: 'local-error', detail: 'not a list of Contacts' }
    const answer = await ask(target, credentials, limit, sendChange(changes))
    // A 403 may mean this change only.
    if (answer.kind === 'refused' && answer.code !== 403) courtesy.refused(credentials)
    return answer
  }

  const probeNow: SipClient['probe'] = (probe, timeoutMs, signal) => within(timeoutMs, signal, (limit) => probeTarget(probing, probe, limit))

  /** The wait is not part of the probe's own time; an abort ends it. */
  const probeInTurn: SipClient['probe'] = async (probe, timeoutMs, signal) => {
    const isOurTurn = await within(LONGEST_TURN_MS, signal, (limit) => courtesy.turn(probe.target.uri, limit))
    if (!isOurTurn && !signal.aborted && !isClosing) return withoutAddress({ reason: 'held-back', detail: 'too many ask this registrar, which is asked at most twice a second' }, 0)
    return probeNow(probe, timeoutMs, signal)
  }

  return {
    probe: (probe, timeoutMs, signal) => {
      const { request, target } = probe
      const mustWait = request.method === 'REGISTER' && courtesy.heldBack(target.uri, request.credentials) === null
      return mustWait ? probeInTurn(probe, timeoutMs, signal) : probeNow(probe, timeoutMs, signal)
    },
    release: (probe) => bindings.release(probe),
    queryBindings: (target, credentials, timeoutMs, signal) => within(timeoutMs, signal, (limit) => query(target, credentials, limit)),
    changeBindings: (target, credentials, changes, timeoutMs, signal) => within(timeoutMs, signal, (limit) => change(target, credentials, changes, limit)),
    close: async () => {
      isClosing = true
      for (const limit of inFlight.keys()) limit.cancel()
      await Promise.allSettled(inFlight.values())
      await bindings.releaseAll()
      pool.close()
      dns.close()
    }
  }
}

/** Longer than any turn takes [ms]. */
const LONGEST_TURN_MS = 60_000
