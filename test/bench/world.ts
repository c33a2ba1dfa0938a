/** What surrounds Pointsman in the bench: gateways that note when a write arrives, a carrier, an Alertmanager. One process, one clock. */
import { createSocket } from 'node:dgram'
import type { Socket } from 'node:dgram'
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'

/** An innovaphone has sixteen SIP interfaces, so a pair of gateways carries sixteen trunks. */
export const TRUNKS_PER_PAIR = 16
export const HTTP_PORT = 8080
export const CARRIER_IP = '127.0.32.1'
export const ALERTMANAGER_IP = '127.0.32.2'
/** Takes what curl sends for Debian's webhook. */
export const CURL_SINK_IP = '127.0.32.3'
/** Takes what the bare responder sends. */
export const BARE_SINK_IP = '127.0.32.7'

/** Where trunk number `index` (from 0) lives. */
export interface Place {
  readonly trunk: string
  readonly pair: number
  readonly interfaceName: string
  readonly aIp: string
  readonly bIp: string
}

/** A network of its own for each 254 pairs. */
const pairAddress = (network: number, pair: number): string => `127.${Math.floor((pair - 1) / 254)}.${network}.${(pair - 1) % 254 + 1}`

export const placeOf = (index: number): Place => {
  const pair = Math.floor(index / TRUNKS_PER_PAIR) + 1
  return { trunk: `trunk${String(index + 1).padStart(4, '0')}`, pair, interfaceName: `SIP${index % TRUNKS_PER_PAIR + 1}`, aIp: pairAddress(30, pair), bIp: pairAddress(31, pair) }
}

export interface BenchWorld {
  /** Resolves with the moment (`performance.now()`) at which a write to this interface arrived; at once if it has already. */
  arrival(ip: string, interfaceName: string, state: 'disabled' | 'enabled'): Promise<number>
  /** The SIP service of every gateway A ends: their address refuses packets from now on. */
  killSipOfA(): Promise<void>
  /** What the Alertmanager lists from now on. */
  listAlert(alert: object): void
  stop(): Promise<void>
}

const reply = (request: string): string => {
  const headers = request.split('\r\n').filter((line) => /^(via|v|from|f|to|t|call-id|i|cseq):/i.test(line)).map((line) => /^(to|t):/i.test(line) ? `${line};tag=bench` : line)
  return ['SIP/2.0 200 OK', ...headers, 'Content-Length: 0', '', ''].join('\r\n')
}

const answerOptions = (ip: string): Promise<Socket> => new Promise((resolve, reject) => {
  const socket = createSocket('udp4')
  socket.on('message', (message, peer) => socket.send(reply(message.toString('latin1')), peer.port, peer.address))
  socket.once('error', reject)
  socket.bind(5060, ip, () => resolve(socket))
})

const closeSocket = (socket: Socket): Promise<void> => new Promise((resolve) => {
  socket.close(() => resolve())
})

type Arrivals = ReturnType<typeof createArrivals>
const createArrivals = () => {
  const seen = new Map<string, number>()
  const waiting = new Map<string, (at: number) => void>()
  return {
    note: (key: string): void => {
      const at = performance.now()
      if (!seen.has(key)) seen.set(key, at)
      waiting.get(key)?.(at)
      waiting.delete(key)
    },
    wait: (key: string): Promise<number> => {
      const at = seen.get(key)
      return at === undefined ? new Promise((resolve) => waiting.set(key, resolve)) : Promise.resolve(at)
    }
  }
}

const keyOf = (ip: string, interfaceName: string, state: string): string => `${ip} ${interfaceName} ${state}`

/** Stored lines of every gateway, by address; gateways A start enabled, gateways B disabled. */
const createLines = (pairs: number): Map<string, Map<string, string>> => {
  const lines = (isA: boolean): Map<string, string> => new Map(Array.from({ length: TRUNKS_PER_PAIR }, (_, n) => {
    const name = `SIP${n + 1}`
    return [name, `config change RELAY0 ${name} ${isA ? '' : '/disabled '}/name bench /proxy ${CARRIER_IP}:5060`]
  }))
  const all = new Map<string, Map<string, string>>()
  for (let pair = 1; pair <= pairs; pair += 1) {
    all.set(pairAddress(30, pair), lines(true))
    all.set(pairAddress(31, pair), lines(false))
  }
  return all
}

const serveGateway = (lines: Map<string, string>, ip: string, arrivals: Arrivals, request: IncomingMessage, response: ServerResponse): void => {
  const command = decodeURIComponent(request.url ?? '')
  const change = /^\/!(config change RELAY0 (SIP\d+) .*)$/.exec(command)
  if (change !== null) {
    const [, line, name] = change
    arrivals.note(keyOf(ip, name!, / \/disabled( |$)/.test(line!) ? 'disabled' : 'enabled'))
    lines.set(name!, line!)
  }
  response.end(request.url === '/cfg.txt' ? `${[...lines.values()].join('\r\n')}\r\n` : '\r\n')
}

/** @param trunks - how many trunks the gateways have to carry */
export const createWorld = async (trunks: number): Promise<BenchWorld> => {
  const pairs = Math.ceil(trunks / TRUNKS_PER_PAIR)
  const gateways = createLines(pairs)
  const arrivals = createArrivals()
  const alerts: object[] = []
  const server: Server = createServer((request, response) => {
    const ip = request.socket.localAddress ?? ''
    const lines = gateways.get(ip)
    if (lines !== undefined) serveGateway(lines, ip, arrivals, request, response)
    else if (ip === CURL_SINK_IP || ip === BARE_SINK_IP) {
      arrivals.note(keyOf(ip, (request.url ?? '').slice(1), 'disabled'))
      response.end()
    } else response.setHeader('content-type', 'application/json').end(JSON.stringify(alerts))
  })
  await new Promise<void>((resolve) => server.listen(HTTP_PORT, '0.0.0.0', resolve))
  const addresses = (network: number): string[] => Array.from({ length: pairs }, (_, n) => pairAddress(network, n + 1))
  const sipOfA = await Promise.all(addresses(30).map(answerOptions))
  const sipOfOthers = await Promise.all([CARRIER_IP, ...addresses(31)].map(answerOptions))
  return {
    arrival: (ip, interfaceName, state) => arrivals.wait(keyOf(ip, interfaceName, state)),
    killSipOfA: async () => {
      await Promise.all(sipOfA.map(closeSocket))
    },
    listAlert: (alert) => {
      alerts.push({ ...alert, updatedAt: new Date().toISOString(), receivers: [{ name: 'pointsman' }], status: { state: 'active', silencedBy: [], inhibitedBy: [] } })
    },
    stop: async () => {
      server.closeAllConnections()
      server.close()
      await Promise.all(sipOfOthers.map(closeSocket))
    }
  }
}
