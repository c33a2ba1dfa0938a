/**
 * A simulated innovaphone Devices App: AppWebsocket login, `GetUserInfo`, and the passthrough to the devices behind it. What it
 * answers to a session that is over is made up (401), as for a device that it does not know (404) or reach (502), or that breaks
 * its connection (so does the App).
 */
import { createHash } from 'node:crypto'
import { createServer, request as openRequest } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { WebSocketServer } from 'ws'
import type { WebSocket } from 'ws'
import type { Random } from '../ports.ts'

export interface DevicesAppOptions {
  readonly host: string
  readonly app: string
  readonly password: string
  readonly domain: string
  /** URL and account of each device, by its serial number in lower case. */
  readonly devices: ReadonlyMap<string, { readonly url: string; readonly authorization: string }>
  readonly random: Random
}

export interface DevicesAppFaults {
  /** Logins are answered `ok: false`. */
  readonly refuses: boolean
  /** Nothing is answered any more, by websocket or HTTP. */
  readonly silent: boolean
  /** Answers something else than JSON. */
  readonly nonsense: boolean
}

export interface SimulatedDevicesApp {
  /** URL of the App's service. */
  readonly url: string
  /** Sessions that were ever opened, with a key. */
  sessions(): number
  inject(faults: Partial<DevicesAppFaults>): void
  /** Ends every session, as a restart of the App does: its keys are over. */
  dropSessions(): void
  stop(): Promise<void>
}

type Message = Readonly<Record<string, unknown>>

/** Opens it on a free port. */
export const createSimulatedDevicesApp = async (options: DevicesAppOptions): Promise<SimulatedDevicesApp> => {
  const { app, password, domain, devices, random } = options
  const keys = new Map<WebSocket, string>()
  let faults: DevicesAppFaults = { refuses: false, silent: false, nonsense: false }
  let opened = 0

  const isRight = (login: Message, challenge: string): boolean => {
    const { sip = '', guid = '', dn = '', info, digest } = login
    const text = [app, domain, sip, guid, dn, JSON.stringify(info), challenge, password].map(String).join(':')
    return !faults.refuses && login['app'] === app && login['domain'] === domain && digest === createHash('sha256').update(text).digest('hex')
  }
  const answer = (socket: WebSocket, challenge: string, message: Message): Message | null => {
    switch (message['mt']) {
      case 'AppChallenge': return { mt: 'AppChallengeResult', challenge }
      case 'AppLogin': {
        const ok = isRight(message, challenge)
        if (ok) keys.set(socket, random.hex(16))
        return { mt: 'AppLoginResult', app, ok }
      }
      case 'GetUserInfo': {
        const key = keys.get(socket)
        if (key !== undefined) opened += 1
        return key === undefined ? { mt: 'Error' } : { mt: 'GetUserInfoResult', src: message['src'], key }
      }
      default: return null
    }
  }

  const passThrough = (request: IncomingMessage, response: ServerResponse): void => {
    if (faults.silent) return
    const [, serial = '', key = '', path = ''] = /^\/[^/]+\/devices\/passthrough\/([^/]+)\/([^/]+)(\/.*)$/.exec(request.url ?? '') ?? []
    const device = devices.get(serial)
    if (![...keys.values()].includes(key)) { response.writeHead(401).end('no session'); return }
    if (device === undefined) { response.writeHead(404).end('no such device'); return }
    const { hostname, port } = new URL(device.url)
    const forwarded = openRequest({ hostname, port, path, method: request.method, headers: { authorization: device.authorization } }, (answered) => {
      response.writeHead(answered.statusCode ?? 502, { 'content-type': answered.headers['content-type'] ?? 'text/plain' })
      answered.pipe(response)
      answered.on('error', () => { response.destroy() })
    })
    forwarded.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED') response.writeHead(502).end('the device does not answer')
      else request.socket.resetAndDestroy()
    })
    response.on('close', () => { forwarded.destroy() })
    forwarded.end()
  }

  const server = createServer(passThrough)
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', (socket) => {
    const challenge = random.hex(8)
    socket.on('close', () => { keys.delete(socket) })
    socket.on('message', (data) => {
      if (faults.silent) return
      const told = answer(socket, challenge, JSON.parse(String(data)) as Message)
      if (told !== null) socket.send(faults.nonsense ? '<html>' : JSON.stringify(told))
    })
  })
  const { promise, resolve } = Promise.withResolvers<void>()
  server.listen(0, options.host, resolve)
  await promise
  const dropSessions = (): void => {
    for (const socket of keys.keys()) socket.terminate()
    keys.clear()
  }
  return {
    url: `http://${options.host}:${(server.address() as AddressInfo).port}/${domain === '' ? 'domain' : domain}/devices/innovaphone-devices`,
    sessions: () => opened,
    inject: (changes) => { faults = { ...faults, ...changes } },
    dropSessions,
    stop: async () => {
      dropSessions()
      sockets.close()
      const closed = Promise.withResolvers<void>()
      server.close(() => { closed.resolve() })
      server.closeAllConnections()
      await closed.promise
    }
  }
}
