/**
 * The way to an innovaphone through the Devices App, for gateways that take no account by HTTP or can't be reached directly:
 * `<devices>/passthrough/<serial>/<session key>/<path>` (13r1-SDK Devices.htm; n-tho/sipScheduler). The commands stay the same.
 */
import type { DriverFailure } from '../core/observation.ts'
import type { Secret } from '../ports.ts'
import { openAppSession } from './app-websocket.ts'
import type { AppSession } from './app-websocket.ts'
import { during, failure } from './driver-failure.ts'
import type { Send } from './http-client.ts'
import type { Ask } from './innovaphone-http.ts'

export interface DevicesAccess {
  /** The App's own URL: `https://host/domain/devices/innovaphone-devices`. */
  readonly url: string
  readonly username: string
  readonly password: Secret
  readonly domain?: string
  readonly ca?: string
  readonly insecure_tls?: boolean
}

/** What the passthrough answers to a session that is over is not documented: each of these is taken for it. */
const SESSION_IS_OVER: ReadonlySet<number> = new Set([401, 403, 404])

/** @param serial - of the gateway: its MAC address */
export function createDevicesAsk (access: DevicesAccess, serial: string, send: Send): { readonly ask: Ask; close(): void } {
  const { url, username: app, password, domain = '', ca, insecure_tls: insecureTls } = access
  const service = url.replace(/\/+$/, '')
  const base = `${service.slice(0, service.lastIndexOf('/'))}/passthrough/${serial.toLowerCase()}`
  let session: Promise<AppSession | DriverFailure> | null = null

  /** One session at a time, opened when it is needed. */
  const open = async (signal: AbortSignal): Promise<AppSession | DriverFailure> => {
    const awaited = session
    const known = await awaited
    if (known?.ok === true && known.isOpen()) return known
    // Somebody else may have opened a new one meanwhile.
    if (session === awaited) session = null
    session ??= openAppSession({ url: service.replace(/^http/, 'ws'), app, password, domain, ca, insecureTls }, signal)
    return session
  }
  const end = async (): Promise<void> => {
    const awaited = session
    const known = await awaited
    if (session === awaited) session = null
    if (known?.ok === true) known.close()
  }

  const once: Ask = async (path, reads, signal) => {
    const opened = await open(signal)
    if (!opened.ok) return during('logging in at the Devices App', opened, 'none')
    const response = await send({ method: 'GET', url: `${base}/${opened.key}${path}`, reads, signal })
    if (!response.ok || !SESSION_IS_OVER.has(response.status)) return response
    await end()
    return failure('auth-failed', `the Devices App does not let the request through: HTTP ${response.status}`)
  }
  return {
    ask: async (path, reads, signal) => {
      const first = await once(path, reads, signal)
      // The session may just have ended: a read is tried once more, with a new one.
      return !first.ok && first.reason === 'auth-failed' && reads && !signal.aborted ? once(path, reads, signal) : first
    },
    close: () => { void end() }
  }
}
