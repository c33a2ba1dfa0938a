/**
 * Any device with an HTTP API, described by the configuration: requests that read, enable and disable an interface, and what their
 * answers say. Nothing in a request comes from an alert. What an answer must hold is checked, and what isn't as described is a
 * failure: a page instead of data never counts as a state or as done.
 */
import type { ApplyResult, DriverFailure, Observation, ObserveResult } from '../core/observation.ts'
import type { Change, Clock, GatewayDriver, Random } from '../ports.ts'
import type { DriverKind, InterfaceKind } from './contract.ts'
import { during, failure, statusFailure } from './driver-failure.ts'
import { eachAlone } from './each-alone.ts'
import { withCredentials } from './http-auth.ts'
import type { Credentials } from './http-auth.ts'
import { httpByHand } from './http-by-hand.ts'
import { createHttpClient, MAX_CONNECTIONS } from './http-client.ts'
import type { HttpRequest, HttpResponse, HttpResult, Send } from './http-client.ts'
import { capture, matches } from './http-match.ts'
import type { Match } from './http-match.ts'
import { checkHttpSettings, HTTP_SCHEMA } from './http-settings.ts'
import type { HttpSettings, ReadTemplate, RequestTemplate } from './http-settings.ts'
import { asIs, fill } from './http-template.ts'
import type { Variables } from './http-template.ts'
import { readThenAsk, readUntil } from './read-then-write.ts'

const anyInterface: InterfaceKind = {
  named: 'any name, with its variables in `interfaces`',
  takes: () => true,
  switches: 'what the requests in `enable` and `disable` switch',
  readBack: 'the request in `read`',
  confirmed: 'nothing by itself; the examples for AudioCodes, Oracle and Cisco follow documentation and are not yet confirmed on a device',
  capabilities: ({ read, reregister, running_state: running, registers, unregisters, persistent }) => {
    const tells = (key: keyof ReadTemplate): boolean => typeof read === 'object' && read !== null && key in read
    return {
      registers: registers !== false, reportsRegistration: tells('registered'), reportsPath: tells('reaches'), reportsCalls: tells('calls'), readsRunningState: running === true,
      reregisters: reregister !== undefined, unregisters: unregisters === true, persistent: persistent !== false, reportsAlarms: false, registersWithinMs: 30_000
    }
  }
}

/** How long the reading may take to show what was done [ms]. */
const PAUSES_MS = [100, 200, 400, 800] as const
/** For the requests that come after a failed one when its time is over [ms]. */
const FINALLY_MS = 2_000

function authenticated ({ token, token_header: header, username, password, auth = 'auto' }: HttpSettings, send: Send, random: Random): Send {
  if (token !== undefined && header !== undefined) return (request) => send({ ...request, headers: { ...request.headers, [header]: token.reveal() } })
  const credentials: Credentials = token !== undefined ? { scheme: 'bearer', token } : username === undefined || password === undefined ? { scheme: 'none' } : { scheme: auth, username, password }
  return withCredentials(send, credentials, random)
}

/** One request of the device's description, as data; what is not as described is a failure. */
async function exchange (send: Send, base: string, template: RequestTemplate, variables: Variables, reads: boolean, signal: AbortSignal): Promise<HttpResponse | DriverFailure> {
  const { method = 'GET', path, headers = {}, body } = template
  const response = await send({
    method, url: `${base}${fill(path, variables, encodeURIComponent)}`, reads, signal,
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, fill(value, variables, asIs)])),
    ...body === undefined ? {} : { body: fill(body, variables, asIs) }
  })
  const failed = response.ok ? answerFailure(response, template, variables) : response
  if (failed !== null) return reads ? { ...failed, effect: 'none' } : failed
  return response
}

function answerFailure (response: HttpResponse, { status, expect }: RequestTemplate, variables: Variables): DriverFailure | null {
  const isDone = status?.includes(response.status) ?? (response.status >= 200 && response.status < 300)
  if (!isDone) return statusFailure(response) ?? failure('not-data', `HTTP ${response.status} instead of ${status?.join(' or ') ?? '2xx'}`, 'unknown')
  const text = response.body.toString('utf8')
  if (expect !== undefined) return matches(expect, variables, text) ? null : failure('not-data', 'the answer is not as expected', 'unknown')
  return /^\s*<(!doctype|html)/i.test(text) ? failure('not-data', 'a web page instead of an answer', 'unknown') : null
}

/**
 * A session: its token is fetched when there is none, and once more when it is refused. A refused request was not executed.
 * Requests side by side share it: a device with room for one session would else end the first with the second.
 *
 * @param account - sends with the account, for the login alone
 * @param send - sends without it
 */
function withSession (login: NonNullable<HttpSettings['login']>, account: Send, send: Send, base: string): Send {
  let token: string | null = null
  let pending: Promise<DriverFailure | null> | null = null
  const logInNow = async (signal: AbortSignal): Promise<DriverFailure | null> => {
    token = null
    const response = await exchange(account, base, login, {}, true, signal)
    if (!response.ok) return during('login', response, 'none')
    const found = capture(login.token, {}, response.body.toString('utf8'))
    if (found === null || !/^[!-~]+$/.test(found)) return failure('not-data', 'login: no token in the answer')
    token = found
    return null
  }
  const logIn = (signal: AbortSignal): Promise<DriverFailure | null> => {
    pending ??= logInNow(signal).finally(() => { pending = null })
    return pending
  }
  const sendWith = (request: HttpRequest): Promise<HttpResult> => send({ ...request, headers: { ...request.headers, Authorization: `Bearer ${token}` } })
  return async (request) => {
    const known = token
    const failed = known === null ? await logIn(request.signal) : null
    if (failed !== null) return failed
    const result = await sendWith(request)
    if (known === null || !result.ok || result.status !== 401) return result
    // Somebody else may have a new one already.
    return (token === null || token === known ? await logIn(request.signal) : null) ?? sendWith(request)
  }
}

type Seen = { readonly ok: true; readonly observation: Observation } | DriverFailure

const ABSENT: Observation = { present: false, admin: 'disabled', registered: null, path: null }

/** What an answer to `read` says. */
function judge (template: ReadTemplate, variables: Variables, text: string): Seen {
  const says = (match: Match | undefined): boolean | undefined => match === undefined ? undefined : matches(match, variables, text)
  if (says(template.absent) === true) return { ok: true, observation: ABSENT }
  const isEnabled = matches(template.enabled, variables, text)
  if (isEnabled === matches(template.disabled, variables, text)) return failure('not-data', `read: the answer says ${isEnabled ? 'both enabled and disabled' : 'neither enabled nor disabled'}`)
  const reaches = says(template.reaches)
  const calls = template.calls === undefined ? null : capture(template.calls, variables, text)
  if (template.calls !== undefined && (calls === null || !/^\d{1,9}$/.test(calls))) return failure('not-data', 'read: no number of calls in the answer')
  return {
    ok: true,
    observation: {
      present: true, admin: isEnabled ? 'enabled' : 'disabled', registered: says(template.registered) ?? null,
      path: reaches === undefined ? null : reaches ? 'up' : 'down', ...calls === null ? {} : { calls: Number(calls) }
    }
  }
}

function createDriver (settings: HttpSettings, { clock, random }: { readonly clock: Clock; readonly random: Random }): GatewayDriver {
  const { read: template, login, running_state: showsRunning = false } = settings
  const base = settings.url.replace(/\/+$/, '')
  const client = createHttpClient({ ca: settings.ca, insecureTls: settings.insecure_tls })
  const account = authenticated(settings, client.send, random)
  const send = login === undefined ? account : withSession(login, account, client.send, base)

  /** Null: the configuration has no such interface. */
  const variablesOf = (name: string): Variables | null => {
    const { interfaces } = settings
    if (interfaces === undefined) return { interface: name }
    return Object.hasOwn(interfaces, name) ? { ...interfaces[name], interface: name } : null
  }

  const read = async (name: string, signal: AbortSignal, asked = new Map<string, Promise<HttpResponse | DriverFailure>>()): Promise<Seen> => {
    const variables = variablesOf(name)
    if (variables === null) return { ok: true, observation: ABSENT }
    // An answer about all interfaces is asked for once.
    const request: RequestTemplate = { ...template, status: [...template.status ?? [200, 201, 202, 203, 204, 206], 404] }
    const key = JSON.stringify([fill(template.path, variables, encodeURIComponent), fill(template.body ?? '', variables, asIs), fill(JSON.stringify(template.headers ?? {}), variables, asIs)])
    const question = asked.get(key) ?? exchange(send, base, request, variables, true, signal)
    asked.set(key, question)
    const response = await question
    if (!response.ok) return during('read', response)
    return response.status === 404 && template.status?.includes(404) !== true ? { ok: true, observation: ABSENT } : judge(template, variables, response.body.toString('utf8'))
  }

  /** The requests in their order; null: all were answered as described. */
  const run = async (steps: readonly RequestTemplate[], step: string, variables: Variables, signal: AbortSignal): Promise<DriverFailure | null> => {
    for (const [index, template] of steps.entries()) {
      const response = await exchange(send, base, template, variables, false, signal)
      if (!response.ok) return during(steps.length === 1 ? step : `${step}, request ${index + 1}`, response, index === 0 ? response.effect : 'unknown')
    }
    return null
  }

  const runAll = async (steps: readonly RequestTemplate[], step: string, variables: Variables, signal: AbortSignal): Promise<DriverFailure | null> => {
    const failed = await run(steps, step, variables, signal)
    // Where the very first one was refused or not delivered there is nothing to be undone.
    if (settings.finally === undefined || failed?.effect === 'none') return failed
    if (signal.aborted) {
      // The device is not left locked; nobody waits for it any more.
      void run(settings.finally, 'finally', variables, clock.deadline(FINALLY_MS))
      return failed
    }
    const last = await run(settings.finally, 'finally', variables, signal)
    return failed ?? (last === null ? null : { ...last, effect: 'unknown' })
  }

  const apply = async ({ interface: name, desired, permit }: Change, signal: AbortSignal): Promise<ApplyResult> => {
    const variables = variablesOf(name)
    const before = await readThenAsk(() => read(name, signal), permit, clock)
    if (!before.ok) return before
    if (variables === null || !before.observation.present) return failure('no-interface', `the device has no ${name}`)
    // What is stored may not be running yet.
    if (before.observation.admin === desired && showsRunning) return { ok: true, activated: true }
    const failed = await runAll(desired === 'enabled' ? settings.enable : settings.disable, desired === 'enabled' ? 'enable' : 'disable', variables, signal)
    if (failed !== null) return failed
    const isReached = (seen: { readonly observation: Observation }): boolean => seen.observation.present && seen.observation.admin === desired
    const after = await readUntil(() => read(name, signal), isReached, PAUSES_MS, clock, signal)
    if (!after.ok) return { ...after, effect: 'unknown' }
    return isReached(after) ? { ok: true, activated: true } : failure('no-effect', 'all requests were answered, the interface is as before', 'unknown')
  }

  return {
    observe: async (interfaces, signal): Promise<ObserveResult> => {
      const asked = new Map<string, Promise<HttpResponse | DriverFailure>>()
      const ends = await Promise.all(interfaces.map((name) => read(name, signal, asked)))
      const observed = new Map<string, Observation>()
      for (const [index, end] of ends.entries()) {
        if (!end.ok) return end
        observed.set(interfaces[index]!, end.observation)
      }
      return { ok: true, interfaces: observed }
    },
    apply: eachAlone(apply, MAX_CONNECTIONS),
    reregister: async (name, signal) => {
      const variables = variablesOf(name)
      const before = await read(name, signal)
      if (!before.ok) return before
      if (variables === null || !before.observation.present) return failure('no-interface', `the device has no ${name}`)
      if (settings.reregister === undefined) return failure('rpc-error', 'the configuration has no "reregister"')
      if (before.observation.admin === 'disabled') return failure('rpc-error', 'the interface is disabled; only an enable may make it register')
      return await runAll(settings.reregister, 'reregister', variables, signal) ?? { ok: true }
    },
    close: () => {
      client.close()
      return Promise.resolve()
    }
  }
}

/** The kind `http`. */
export const http: DriverKind<HttpSettings> = {
  name: 'http',
  schema: HTTP_SCHEMA,
  interfaces: [anyInterface],
  check: checkHttpSettings,
  byHand: httpByHand,
  create: createDriver
}
