/**
 * HTTP side of a simulated gateway: faults of the connection and the few paths that public sources show.
 * Paths: `/cfg.txt`, `/!config …`, `/LOG0/FAULT/mod_cmd.xml?cmd=xml-alarms`, `/CMD0/box_info.xml` (public),
 * `/PBX0/ADMIN/mod_cmd_login.xml?cmd=show&reg=…`. The body of a successful `/!config` is not documented anywhere; `ok` here is
 * a guess that no client may rely on. The administration UI's own request for a SIP interface is not documented either:
 * `/RELAY0/SIP1/mod_cmd.xml?cmd=form&disable=on` is made up, to try captured requests with.
 */
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Clock } from '../ports.ts'
import { truncatedFile } from './gateway-faults.ts'
import type { GatewayFaults } from './gateway-faults.ts'
import type { ConfigLine } from './cfg-text.ts'
import type { ManagementLogin } from './management-login.ts'

/** What the HTTP side asks of the device behind it. */
export interface ManagedDevice {
  /** The file as cfg.txt shows it now, before it is truncated by a fault. */
  cfgText(): string
  shownLines(): readonly ConfigLine[]
  /** Right after the text of cfg.txt was taken. */
  cfgWasRead(): void
  alarmsXml(): string
  boxInfoXml(): string
  /** The registrations with that name; null: it has no PBX. */
  registrationsXml(name: string): string | null
  /** Executes the text after `/!`; false when the device doesn't know it. */
  execute(command: string): boolean
}

/** One request as it arrived. */
export interface ManagementRequest {
  readonly atMs: number
  /** Path and query, decoded. */
  readonly path: string
  /** Null while unanswered or when the connection was broken. */
  readonly status: number | null
}

export interface ManagementOptions {
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  readonly clock: Clock
  readonly device: ManagedDevice
  readonly faults: () => GatewayFaults
  readonly admit: ManagementLogin
}

export interface ManagementServer {
  readonly port: number
  readonly requests: readonly ManagementRequest[]
  /** Applies a change of the fault `http`. */
  faultsChanged(): Promise<void>
  /** Drops every connection and what is still unexecuted. */
  close(): Promise<void>
  reopen(): Promise<void>
}

interface Answer {
  readonly status: number
  readonly body: string
  readonly headers?: Readonly<Record<string, string>>
  /** Characters of the body that are sent before the connection breaks. */
  readonly brokenAfter?: number
}

const HTML = { 'content-type': 'text/html' }
const XML = { 'content-type': 'text/xml' }
const TEXT = { 'content-type': 'text/plain' }
const LOGIN_FORM: Answer = { status: 200, headers: HTML, body: '<!DOCTYPE html><html><body><form method="post" action="login.htm"><input name="user"><input name="pwd" type="password"></form></body></html>' }
const UNKNOWN_MODULE: Answer = { status: 200, headers: TEXT, body: '?\r\n' }
const REPLY_FAULTS: Readonly<Record<Exclude<GatewayFaults['reply'], 'none'>, Answer>> = {
  html: { status: 200, headers: HTML, body: '<html><head><title>Advanced UI</title></head><body></body></html>' },
  redirect: { status: 302, headers: { location: '/index.htm' }, body: '' },
  error: { status: 500, headers: HTML, body: '<html><body>500 Internal Server Error</body></html>' }
}

const cfgAnswer = (device: ManagedDevice, faults: GatewayFaults): Answer => {
  const whole = device.cfgText()
  const part = truncatedFile(whole, device.shownLines())
  device.cfgWasRead()
  if (faults.cfg === 'truncated') return { status: 200, headers: TEXT, body: part }
  if (faults.cfg === 'broken-off') return { status: 200, headers: TEXT, body: whole, brokenAfter: part.length }
  return { status: 200, headers: TEXT, body: whole }
}

/** The decoded path, or null when its escapes are broken. */
const decodedPath = (url: string): string | null => {
  try {
    return decodeURIComponent(url)
  } catch {
    return null
  }
}

const route = (path: string, device: ManagedDevice, faults: GatewayFaults): Answer | 'reset' => {
  if (path === '/cfg.txt') return cfgAnswer(device, faults)
  if (path === '/LOG0/FAULT/mod_cmd.xml?cmd=xml-alarms') return { status: 200, headers: XML, body: device.alarmsXml() }
  const registration = /^\/PBX0\/ADMIN\/mod_cmd_login\.xml\?cmd=show&reg=(.*)$/.exec(path)?.[1]
  if (registration !== undefined) {
    const body = device.registrationsXml(registration)
    return body === null ? UNKNOWN_MODULE : { status: 200, headers: XML, body }
  }
  const form = /^\/RELAY0\/(SIP\d+)\/mod_cmd\.xml\?cmd=form&disable=(on|off)$/.exec(path)
  if (form !== null) {
    device.execute(`config ${form[2] === 'on' ? 'add' : 'rem'} RELAY0 ${form[1]} /disabled`)
    return { status: 200, headers: HTML, body: '<html><head><title>SIP</title></head><body></body></html>' }
  }
  if (path.startsWith('/!')) {
    const resets = path === '/!config activate' ? faults.activate : 'none'
    if (resets === 'reset-before') return 'reset'
    const known = device.execute(path.slice(2))
    if (resets === 'reset-after') return 'reset'
    return known ? { status: 200, headers: TEXT, body: 'ok\r\n' } : UNKNOWN_MODULE
  }
  if (/^\/[A-Z][^?]*\/mod_cmd\.xml(\?|$)/.test(path)) return UNKNOWN_MODULE
  return { status: 404, headers: HTML, body: '<html><body>404 Not Found</body></html>' }
}

const send = (response: ServerResponse, answer: Answer): void => {
  const { status, body, headers, brokenAfter } = answer
  response.writeHead(status, { ...headers, 'content-length': String(Buffer.byteLength(body)) })
  if (brokenAfter === undefined) response.end(body)
  else response.write(body.slice(0, brokenAfter), () => response.destroy())
}

/** Opens the server. */
export const createManagementServer = async (options: ManagementOptions): Promise<ManagementServer> => {
  const { clock, device, faults, admit } = options
  const requests: ManagementRequest[] = []
  let port = options.port
  let power = new AbortController()
  let thaw = Promise.withResolvers<void>()

  const answerTo = (request: IncomingMessage, path: string | null): Answer | 'reset' => {
    if (path === null || request.method !== 'GET') return { status: 400, headers: HTML, body: '<html><body>400 Bad Request</body></html>' }
    if (path === '/CMD0/box_info.xml') return { status: 200, headers: XML, body: device.boxInfoXml() }
    const admission = admit(request.method, request.url ?? '/', request.headers.authorization)
    if (!admission.ok && admission.challenge === null) return LOGIN_FORM
    if (!admission.ok) return { status: 401, headers: { ...HTML, 'www-authenticate': admission.challenge ?? '' }, body: '<html><body>401 Unauthorized</body></html>' }
    const replaced = faults().reply
    return replaced === 'none' ? route(path, device, faults()) : REPLY_FAULTS[replaced]
  }

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const signal = power.signal
    const path = decodedPath(request.url ?? '/')
    const index = requests.push({ atMs: clock.now(), path: path ?? request.url ?? '', status: null }) - 1
    while (faults().http === 'frozen' && !signal.aborted) await thaw.promise
    if (faults().http === 'slow') await clock.sleep(faults().slowMs, signal)
    if (signal.aborted) return
    const answer = answerTo(request, path)
    if (answer === 'reset') {
      request.socket.resetAndDestroy()
      return
    }
    requests[index] = { ...requests[index]!, status: answer.status }
    send(response, answer)
  }

  const server = createServer((request, response) => { void handle(request, response) })
  const open = async (): Promise<void> => {
    if (server.listening) return
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    server.once('error', reject)
    server.listen(port, options.host, resolve)
    await promise
    server.off('error', reject)
    port = (server.address() as AddressInfo).port
  }
  const shut = async (): Promise<void> => {
    power.abort()
    power = new AbortController()
    thaw.resolve()
    thaw = Promise.withResolvers()
    if (!server.listening) return
    const closed = Promise.withResolvers<void>()
    server.close(() => { closed.resolve() })
    server.closeAllConnections()
    await closed.promise
  }

  await open()
  return {
    port,
    requests,
    faultsChanged: async () => {
      if (faults().http === 'dead') await shut()
      else await open()
      if (faults().http === 'frozen') return
      thaw.resolve()
      thaw = Promise.withResolvers()
    },
    close: shut,
    reopen: open
  }
}
