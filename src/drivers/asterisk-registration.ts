/**
 * What Asterisk's outbound registrations say, pure. Seen with 22.10.1 (test/fixtures/drivers/asterisk-22.10.1.json):
 *
 *   what happened                                                         Status
 *   started, or PJSIPRegister: waits up to max_random_initial_delay + 1 s   Unregistered
 *   registered                                                            Registered
 *   PJSIPUnregister, the un-REGISTER is not answered yet (up to 32 s)      Registered
 *   PJSIPUnregister, answered 200: stays so, also over a reload            Unregistered
 *   REGISTER refused, or not answered: tried again after retry_interval    Rejected
 *   PJSIPUnregister, refused or not answered: a REGISTER (!) after          Rejected
 *     retry_interval, unless PJSIPUnregister comes again before
 *
 * So no word alone says whether a registration is on. What we sent ourselves, and when, decides between the lines that look
 * alike; where it doesn't, it counts as on.
 */
import type { AdminState, Observation } from '../core/observation.ts'
import type { AmiMessage } from './asterisk-ami.ts'

/** From an un-REGISTER to the end of its transaction (RFC 3261 timer F), with some room [ms]. */
const TRANSACTION_MS = 35_000
/** Time to send another un-REGISTER after a look has shown that it is needed [ms]. */
const TO_ACT_MS = 5_000
/** How long it may take Asterisk to register by itself after its start with the default delay of 10 s [ms]. */
export const REGISTERS_WITHIN_MS = 20_000

/** `name`, or `name:endpoint` with the endpoint that calls over it use. */
export interface RegistrationName { readonly registration: string; readonly endpoint: string | null }

export function nameOf (name: string): RegistrationName {
  const [registration = '', endpoint] = name.split(':')
  return { registration, endpoint: endpoint ?? null }
}

/** The part of an `OutboundRegistrationDetail` that matters. */
export interface Registration {
  readonly status: string
  /** Earliest REGISTER after a failure [ms]. */
  readonly retryMs: number
  /** Longest wait from PJSIPRegister, or from the start, to the REGISTER [ms]. */
  readonly delayMs: number
}

/** The command that was accepted last, on the monotonic clock. */
export interface Sent { readonly desired: AdminState; readonly atMs: number }

export interface Memory {
  /** Null: none since Asterisk's start that we know of. */
  readonly sent: Sent | null
  /** When a restart of Asterisk was noticed; null: none was. */
  readonly restartedAtMs: number | null
  /** Longest time until the next look [ms]. */
  readonly nextLookMs: number
}

/** Null: there is none of that name; `several` can't be: names are unique. */
export function findRegistration (events: readonly AmiMessage[], name: string): Registration | null {
  const detail = events.find((event) => event.get('Event') === 'OutboundRegistrationDetail' && event.get('ObjectName') === name)
  if (detail === undefined) return null
  const seconds = (key: string): number => Number(detail.get(key) ?? Number.NaN)
  const retries = ['RetryInterval', 'ForbiddenRetryInterval', 'FatalRetryInterval'].map(seconds).filter((value) => value > 0)
  const delay = seconds('MaxRandomInitialDelay')
  return {
    status: detail.get('Status') ?? '',
    retryMs: retries.length === 0 ? 0 : Math.min(...retries) * 1_000,
    delayMs: ((Number.isFinite(delay) ? delay : 10) + 1) * 1_000
  }
}

/**
 * Administrative state and registration by the table above. One that was refused its un-REGISTER is called off only as long as
 * there will be another look, and time to act on it, before it tries again.
 */
export function stateOf ({ status, retryMs, delayMs }: Registration, { sent, restartedAtMs, nextLookMs }: Memory, nowMs: number): Pick<Observation, 'admin' | 'registered'> {
  const since = (atMs: number | null | undefined): number => atMs == null ? Infinity : nowMs - atMs
  const offSinceMs = sent?.desired === 'disabled' ? since(sent.atMs) : Infinity
  const onSinceMs = Math.min(sent?.desired === 'enabled' ? since(sent.atMs) : Infinity, since(restartedAtMs))
  switch (status) {
    case 'Registered': return { admin: 'enabled', registered: offSinceMs < TRANSACTION_MS ? null : true }
    case 'Unregistered': return { admin: onSinceMs < delayMs + TRANSACTION_MS ? 'enabled' : 'disabled', registered: false }
    case 'Rejected': return { admin: offSinceMs + nextLookMs + TO_ACT_MS < retryMs ? 'disabled' : 'enabled', registered: false }
    default: return { admin: 'enabled', registered: null }
  }
}

/** Of the carrier's contact, which Asterisk asks by OPTIONS where `qualify_frequency` is set. */
export function pathOf (events: readonly AmiMessage[]): Observation['path'] {
  const states = events.filter((event) => event.get('Event') === 'ContactStatusDetail').map((event) => event.get('Status'))
  if (states.includes('Reachable')) return 'up'
  return states.includes('Unreachable') ? 'down' : null
}

/** Channels of an endpoint; undefined: it doesn't say. */
export function channelsOf (events: readonly AmiMessage[]): number | undefined {
  return countOf(events.find((event) => event.get('Event') === 'EndpointDetail')?.get('ActiveChannels'))
}

/** A number of calls in digits. */
export function countOf (text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined
}

/** How far apart looks are: the longest of the last few gaps [ms]. Until there was one: the default `observe.interval`. */
export function createCadence (): { look(nowMs: number): void; gapMs(): number } {
  const looks: number[] = []
  return {
    look: (nowMs) => {
      looks.push(nowMs)
      if (looks.length > 5) looks.shift()
    },
    gapMs: () => looks.length < 2 ? 10_000 : Math.max(...looks.slice(1).map((atMs, index) => atMs - looks[index]!))
  }
}
