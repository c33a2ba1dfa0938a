/**
 * A session at an innovaphone App service (AppWebsocket): challenge, login, and the key under which the Devices App lets requests
 * through to its devices. The key lives as long as the connection (13r1-SDK Devices.htm). Messages as public code sends them;
 * that the Devices App takes a login of this form from elsewhere than a PBX is not yet confirmed.
 */
import { createHash } from 'node:crypto'
import { WebSocket } from 'ws'
import type { DriverFailure } from '../core/observation.ts'
import type { Secret } from '../ports.ts'
import { failure } from './driver-failure.ts'
import { reasonOfCode } from './http-client.ts'

export interface AppAccount {
  /** `wss://host/domain/devices/innovaphone-devices`. */
  readonly url: string
  /** Name of the App, and its password in the App Platform Manager. */
  readonly app: string
  readonly password: Secret
  readonly domain: string
  /** PEM. */
  readonly ca?: string | undefined
  readonly insecureTls?: boolean | undefined
}

export interface AppSession {
  readonly ok: true
  /** Secret. */
  readonly key: string
  isOpen(): boolean
  close(): void
}

type Message = Readonly<Record<string, unknown>>

/** Longest message that is read [bytes]. */
const MAX_MESSAGE_BYTES = 256 * 1024

/** No user is named: the App itself logs in. */
export function loginOf ({ app, domain, password }: Omit<AppAccount, 'url'>, challenge: string): Message {
  const info = {}
  const digest = createHash('sha256').update([app, domain, '', '', '', JSON.stringify(info), challenge, password.reveal()].join(':')).digest('hex')
  return { mt: 'AppLogin', app, domain, sip: '', guid: '', dn: '', info, digest }
}

/** What is to be sent next; a session's key; or why it ends. */
function answerTo (message: Message, account: AppAccount): Message | string | DriverFailure | null {
  switch (message['mt']) {
    case 'AppChallengeResult': return typeof message['challenge'] === 'string' ? loginOf(account, message['challenge']) : failure('not-data', 'AppChallengeResult without a challenge')
    case 'AppLoginResult': return message['ok'] === true ? { mt: 'GetUserInfo', src: 'pointsman' } : failure('auth-failed', 'the Devices App refused the login')
    case 'GetUserInfoResult': return typeof message['key'] === 'string' && /^[\w-]+$/.test(message['key']) ? message['key'] : failure('not-data', 'GetUserInfoResult without a key')
    case 'Error': return failure('rpc-error', 'the Devices App answered with an error')
    default: return null // about something that we did not ask
  }
}

function parse (data: Buffer | string): Message | null {
  try {
    const value: unknown = JSON.parse(String(data))
    return typeof value === 'object' && value !== null ? value as Message : null
  } catch {
    return null // not JSON: the caller ends the session
  }
}

/** Ends by `signal`; never throws. */
export function openAppSession (account: AppAccount, signal: AbortSignal): Promise<AppSession | DriverFailure> {
  const { promise, resolve } = Promise.withResolvers<AppSession | DriverFailure>()
  const socket = new WebSocket(account.url, {
    maxPayload: MAX_MESSAGE_BYTES, perMessageDeflate: false, followRedirects: false, rejectUnauthorized: account.insecureTls !== true, ...account.ca === undefined ? {} : { ca: account.ca }
  })
  let isOpen = true
  const fail = (failed: DriverFailure): void => {
    isOpen = false
    resolve(failed)
    socket.terminate()
  }
  const onAbort = (): void => {
    const isDeadline = (signal.reason as { name?: unknown } | undefined)?.name === 'TimeoutError'
    fail(isDeadline ? failure('timeout', 'no session at the Devices App in time') : failure('aborted', 'cancelled'))
  }
  const onMessage = (data: Buffer | string): void => {
    const message = parse(data)
    const next = message === null ? failure('not-data', 'the Devices App sent no JSON') : answerTo(message, account)
    if (next === null) return
    if (typeof next === 'string') {
      // From here on the deadline of the caller that opened it is over.
      signal.removeEventListener('abort', onAbort)
      resolve({ ok: true, key: next, isOpen: () => isOpen, close: () => { isOpen = false; socket.terminate() } })
    } else if ('ok' in next) fail(next as DriverFailure)
    else socket.send(JSON.stringify(next))
  }
  socket.on('open', () => { socket.send(JSON.stringify({ mt: 'AppChallenge' })) })
  socket.on('message', onMessage)
  socket.on('unexpected-response', (_request, { statusCode = 0 }) => { fail(failure(statusCode === 401 || statusCode === 403 ? 'auth-failed' : statusCode >= 300 && statusCode < 400 ? 'redirect' : 'http-status', `HTTP ${statusCode}`)) })
  socket.on('error', (error) => { fail(failure(reasonOfCode((error as { code?: string }).code ?? ''), 'the session at the Devices App broke')) })
  socket.on('close', () => {
    isOpen = false
    resolve(failure('reset', 'the Devices App closed the session'))
  })
  if (signal.aborted) onAbort()
  else signal.addEventListener('abort', onAbort, { once: true })
  return promise
}
