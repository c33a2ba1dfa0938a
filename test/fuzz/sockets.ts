/**
 * A whole Pointsman on real sockets, with its real store and drivers. Its gateways and its Alertmanager give back every
 * request that they get, credentials included, in all places of an answer: nothing of it may come out.
 */
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { join } from 'node:path'
import { createApp } from '../../src/app.ts'
import { loadConfig } from '../../src/config/load.ts'
import { drivers } from '../../src/drivers/registry.ts'
import { createLogger } from '../../src/logging/logger.ts'
import { leakIn, SECRETS, writeSecrets } from './canary.ts'
import { createDice } from './random.ts'
import type { Dice } from './random.ts'
import { judge } from './replies.ts'
import { CONFIGURATION, createSink } from './subject.ts'
import type { Tally } from './tally.ts'
import { shorten } from './tally.ts'
import { anyText, mutateBytes, mutateText } from './values.ts'

/** A peer that hands everything back: in the status line, in headers and in the body. */
async function listenEcho (dice: Dice): Promise<Server> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => { chunks.push(chunk) })
    request.on('end', () => {
      const said = `${request.method} ${request.url} ${JSON.stringify(request.headers)} ${Buffer.concat(chunks).toString()}`
      const authorization = request.headers.authorization ?? 'none'
      if (dice.chance(0.3) && request.headers.authorization === undefined) {
        response.writeHead(401, { 'www-authenticate': `Basic realm="${request.url}"` }).end(said)
        return
      }
      const status = dice.pick([200, 200, 200, 302, 400, 403, 404, 500, 503])
      response.writeHead(status, `Not ${authorization}`, { location: `http://${authorization.replaceAll(' ', '')}/`, 'x-echo': authorization, 'content-type': dice.pick(['text/plain', 'application/json', 'text/html']) })
      response.end(dice.pick([said, `config change RELAY0 SIP1 /x ${said}\r\n`, JSON.stringify({ jsonrpc: '2.0', id: 1, error: { code: 500, message: said } }), JSON.stringify([{ labels: { alertname: said } }]), `<html>${said}</html>`]))
    })
  })
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  return server
}

const TOKEN = `Authorization: Bearer ${SECRETS.operator}\r\n`

function wellFormed (dice: Dice): string {
  const body = JSON.stringify({ version: '4', alerts: [], text: anyText(dice).slice(0, 2_000) })
  const json = `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n`
  return dice.pick([
    `POST /api/v1/alerts HTTP/1.1\r\nHost: x\r\n${TOKEN}${json}\r\n${body}`,
    `POST /api/v1/alerts HTTP/1.1\r\nHost: x\r\n${TOKEN}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n${Buffer.byteLength(body).toString(16)}\r\n${body}\r\n0\r\n\r\n`,
    `GET /api/v1/status HTTP/1.1\r\nHost: x\r\n\r\nGET /metrics HTTP/1.1\r\nHost: x\r\n\r\n`,
    `GET /api/v1/decisions?trunk=acme HTTP/1.1\r\nHost: x\r\nCookie: ${SECRETS.stranger}\r\n\r\n`,
    `GET / HTTP/1.0\r\n\r\n`
  ])
}

/** What HTTP parsers disagree about. */
const ODDITIES: readonly string[] = [
  'GET / HTTP/1.1\r\n\r\n', 'GET /\r\n\r\n', 'GET / HTTP/2.0\r\nHost: x\r\n\r\n', 'GET / HTTP/9.9\r\nHost: x\r\n\r\n', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'get / HTTP/1.1\r\nHost: x\r\n\r\n', 'FOO / HTTP/1.1\r\nHost: x\r\n\r\n',
  'GET  /  HTTP/1.1\r\nHost: x\r\n\r\n', 'GET /a b HTTP/1.1\r\nHost: x\r\n\r\n', 'GET \\ HTTP/1.1\r\nHost: x\r\n\r\n', 'GET * HTTP/1.1\r\nHost: x\r\n\r\n', 'OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n', 'CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n', 'TRACE / HTTP/1.1\r\nHost: x\r\n\r\n',
  'GET http://user:pass@other/api/v1/status HTTP/1.1\r\nHost: x\r\n\r\n', 'GET //other/ HTTP/1.1\r\nHost: x\r\n\r\n', 'GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n', 'GET /%ff HTTP/1.1\r\nHost: x\r\n\r\n', 'GET /\u0000 HTTP/1.1\r\nHost: x\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n', 'GET / HTTP/1.1\r\nHost: x\r\nbroken\r\n\r\n', 'GET / HTTP/1.1\r\nHost: x\r\n folded: y\r\n\r\n', 'GET / HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n', 'GET / HTTP/1.1\nHost: x\n\n',
  `GET / HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(20_000)}\r\n\r\n`, `GET /${'y'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, `GET / HTTP/1.1\r\nHost: x\r\n${'A: b\r\n'.repeat(3_000)}\r\n`,
  'POST /api/v1/alerts HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n{}', 'POST /api/v1/alerts HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 'POST /api/v1/alerts HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n',
  'POST /api/v1/alerts HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n', `POST /api/v1/alerts HTTP/1.1\r\nHost: x\r\n${TOKEN}Content-Type: application/json\r\nContent-Length: 99999999\r\n\r\n{`,
  `POST /api/v1/alerts HTTP/1.1\r\nHost: x\r\n${TOKEN}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n`, `POST /api/v1/alerts HTTP/1.1\r\nHost: x\r\n${TOKEN}Content-Type: application/json\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
  `POST /api/v1/alerts HTTP/1.1\r\nHost: x\r\n${TOKEN}Content-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n{}`, `POST /api/v1/alerts HTTP/1.1\r\nHost: x\r\n${TOKEN}Content-Type: application/json\r\nExpect: miracles\r\nContent-Length: 2\r\n\r\n{}`,
  'GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n', 'GET / HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n', `GET /metrics HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${SECRETS.stranger}\r\nAuthorization: Bearer x\r\n\r\n`,
  `POST /api/v1/commands/pause HTTP/1.1\r\nHost: x\r\nAuthorization: Basic ${SECRETS.stranger}\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`, '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00FC\u0003\u0003', '', '\r\n\r\n\r\n', '\u0000'.repeat(100)
]

function bytesOf (dice: Dice, number: number): Buffer {
  if (number < ODDITIES.length) return Buffer.from(ODDITIES[number]!, 'latin1')
  const text = dice.chance(0.5) ? wellFormed(dice) : dice.pick(ODDITIES)
  const kind = dice.int(4)
  if (kind === 0) return Buffer.from(text)
  return kind === 1 ? mutateBytes(dice, Buffer.from(text)) : Buffer.from(mutateText(dice, text))
}

/** What came before it is ended: we say that nothing more comes, and wait no longer than this [ms] for what is said. */
const PATIENCE_MS = 150

interface Exchange { readonly reply: string; readonly durationMs: number }

function exchange (port: number, bytes: Buffer, dice: Dice): Promise<Exchange> {
  return new Promise((resolve) => {
    const startedMs = performance.now()
    let firstMs: number | null = null
    const chunks: Buffer[] = []
    const socket = connect(port, '127.0.0.1', () => {
      const cut = dice.chance(0.3) ? dice.int(bytes.length + 1) : bytes.length
      socket.write(bytes.subarray(0, cut))
      if (dice.chance(0.05)) { socket.resetAndDestroy(); return }
      socket.write(bytes.subarray(cut))
      if (dice.chance(0.5)) socket.end()
    })
    const timer = setTimeout(() => { socket.destroy() }, PATIENCE_MS)
    socket.on('data', (chunk: Buffer) => {
      firstMs ??= performance.now()
      chunks.push(chunk)
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      clearTimeout(timer)
      resolve({ reply: Buffer.concat(chunks).toString(), durationMs: (firstMs ?? startedMs) - startedMs })
    })
  })
}

/** @returns the body (empty: none, or cut off), and what it takes of `rest` [bytes] */
function bodyOf (head: string, rest: string): { readonly body: string; readonly length: number } {
  if (/^transfer-encoding: chunked/im.test(head)) {
    const end = /\r\n0\r\n\r\n/.exec(rest)
    return { body: '', length: end === null ? rest.length : end.index + end[0].length }
  }
  const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0)
  const bytes = Buffer.from(rest).subarray(0, length)
  return { body: bytes.length === length ? bytes.toString() : '', length }
}

/** Cuts pipelined replies apart and judges each; the last one may be cut off by our impatience. */
function judgeReplies (reply: string): { readonly outcome: string; readonly problem: string | null } {
  if (reply === '') return { outcome: 'closed or silent', problem: null }
  const statuses: string[] = []
  let problem: string | null = leakIn(reply) === null ? null : 'the reply shows a secret'
  for (let rest = reply; rest !== '';) {
    const end = rest.indexOf('\r\n\r\n')
    const head = rest.slice(0, end)
    const status = /^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1]
    if (end === -1 || status === undefined) return { outcome: statuses.join(' '), problem: problem ?? 'no HTTP reply' }
    rest = rest.slice(end + 4)
    const { body, length } = bodyOf(head, rest)
    rest = Buffer.from(rest).subarray(length).toString()
    statuses.push(status)
    // What Node.js itself refuses has no body.
    if (body !== '') problem ??= judge(Number(status), /^content-type: (.*)$/im.exec(head)?.[1], body, 'GET', true)
    else if (Number(status) >= 500) problem ??= `status ${status}`
  }
  return { outcome: statuses.join(' '), problem }
}

/** Sends `inputs` pieces of HTTP, in bundles. */
export async function fuzzSockets (directory: string, inputs: number, seed: number, tally: Tally): Promise<void> {
  const dice = createDice(seed)
  const echo = await listenEcho(dice)
  const peer = `127.0.0.1:${(echo.address() as AddressInfo).port}`
  writeSecrets(directory)
  const file = join(directory, 'pointsman.yaml')
  writeFileSync(file, CONFIGURATION.replaceAll(/127\.0\.0\.[12]:9\b/g, peer).replaceAll('{driver:', '{observe: {interval: 200ms}, timeout: 200ms, driver:').replace('web:\n', 'web:\n  listen: 127.0.0.1:0\n'))
  const loaded = await loadConfig(file, drivers)
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems))
  const app = createApp(loaded.config, { log: createLogger({ level: 'debug', format: 'json' }, createSink(tally)), version: 'fuzz' })
  await app.start()
  const { port } = app.address()
  const BUNDLE = 20
  try {
    for (let number = 0; number < inputs; number += BUNDLE) {
      await Promise.all(Array.from({ length: Math.min(BUNDLE, inputs - number) }, async (_, at) => {
        const own = createDice(seed + number + at)
        const bytes = bytesOf(own, number + at)
        const { reply, durationMs } = await exchange(port, bytes, own)
        const { outcome, problem } = judgeReplies(reply)
        const what = (): string => `#${number + at} ${bytes.toString('latin1')}`
        tally.note(outcome, durationMs, what)
        if (problem !== null) tally.fail(`${problem}: ${shorten(reply)} for ${shorten(what())}`)
      }))
    }
    for (const path of ['/metrics', '/api/v1/status', '/api/v1/decisions', '/']) {
      const reply = await fetch(`http://127.0.0.1:${port}${path}`)
      if (leakIn(await reply.text()) !== null) tally.fail(`${path} shows a secret`)
    }
  } finally {
    await app.stop()
    echo.closeAllConnections()
    echo.close()
  }
}
