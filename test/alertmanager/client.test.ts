import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'tap'
import { createAlertmanagerClient } from '../../src/alertmanager/client.ts'
import type { Secret } from '../../src/ports.ts'

const secret = (text: string): Secret => ({ reveal: () => text, toString: () => '<secret>', toJSON: () => '<secret>' })
const open = { username: null, password: null, token: null }

/** A server that answers as told; `url` ends without a slash. */
const serve = async (t: { teardown(end: () => void): void }, answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> => {
  const server = createServer(answer).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => { server.closeAllConnections(); server.close() })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test('asks for all firing alerts, with the account it was given', async (t) => {
  const seen: IncomingMessage[] = []
  const url = await serve(t, (request, response) => { seen.push(request); response.end('[{"fingerprint":"größe"}]') })
  const signal = AbortSignal.timeout(5000)
  t.same(await createAlertmanagerClient({ url, ...open }).alerts(signal), { ok: true, alerts: [{ fingerprint: 'größe' }] })
  await createAlertmanagerClient({ url: `${url}/am/`, ...open, username: 'pointsman', password: secret('pä:ss') }).alerts(signal)
  await createAlertmanagerClient({ url: `${url}/am`, ...open, token: secret('t0ken') }).alerts(signal)
  t.same(seen.map((request) => [request.method, request.url, request.headers.authorization]), [
    ['GET', '/api/v2/alerts?active=true&silenced=true&inhibited=true&unprocessed=true', undefined],
    ['GET', '/am/api/v2/alerts?active=true&silenced=true&inhibited=true&unprocessed=true', `Basic ${Buffer.from('pointsman:pä:ss').toString('base64')}`],
    ['GET', '/am/api/v2/alerts?active=true&silenced=true&inhibited=true&unprocessed=true', 'Bearer t0ken']
  ])
})

test('whatever goes wrong is told in one line, without secrets', async (t) => {
  const cases: ReadonlyArray<readonly [string, (request: IncomingMessage, response: ServerResponse) => void, RegExp]> = [
    ['a refused account', (_, response) => { response.writeHead(401).end('t0ken') }, /answered with HTTP status 401$/],
    ['a starting server', (_, response) => { response.writeHead(503).end() }, /HTTP status 503$/],
    ['a page', (_, response) => { response.end('<html>') }, /did not answer with a JSON list$/],
    ['an object', (_, response) => { response.end('{}') }, /did not answer with a JSON list$/],
    ['a redirect, which is not followed', (_, response) => { response.writeHead(302, { location: '/elsewhere' }).end() }, /sent no usable answer$/],
    ['a broken connection', (request) => { request.socket.destroy() }, /can't be reached \(\w+\)$/],
    ['an answer that breaks off', (request, response) => { response.writeHead(200, { 'content-length': '100' }); response.write('[', () => { request.socket.destroy() }) }, /can't be reached \(\w+\)$/],
    ['silence', () => {}, /did not answer in time$/],
    ['an answer that stops', (_, response) => { response.writeHead(200).write('[') }, /did not answer in time$/]
  ]
  for (const [what, answer, detail] of cases) {
    const url = await serve(t, answer)
    const client = createAlertmanagerClient({ url, ...open, token: secret('t0ken') })
    const result = await client.alerts(AbortSignal.timeout(what.includes('silence') || what.includes('stops') ? 200 : 5000))
    t.match(result, { ok: false, detail }, what)
    t.ok(!result.ok && result.detail.startsWith(`Alertmanager ${new URL(url).host} `), result.ok ? 'accepted' : result.detail)
    t.equal(JSON.stringify(result).includes('t0ken'), false)
  }
})

test('nobody there, no URL, a password in the URL, a token that is no header', async (t) => {
  const cases: ReadonlyArray<readonly [Parameters<typeof createAlertmanagerClient>[0], RegExp]> = [
    [{ url: 'http://127.0.0.1:1', ...open }, /127.0.0.1:1 (refused the connection|sent no usable answer)$/],
    [{ url: 'am.example', ...open }, /the configured URL is not a URL$/],
    [{ url: 'http://anna:secret@127.0.0.1:9', ...open }, /^Alertmanager 127.0.0.1:9 sent no usable answer$/],
    [{ url: 'http://127.0.0.1:9', ...open, token: secret('secret\n') }, /^Alertmanager 127.0.0.1:9 [^:]+$/]
  ]
  for (const [options, detail] of cases) {
    const result = await createAlertmanagerClient(options).alerts(AbortSignal.timeout(2000))
    t.match(result, { ok: false, detail })
    t.equal(JSON.stringify(result).includes('secret'), false)
  }
})

test('a list without end is cut off', async (t) => {
  let isClosed = false
  const url = await serve(t, (_, response) => {
    response.on('close', () => { isClosed = true })
    const pour = (): void => { if (!isClosed) response.write(Buffer.alloc(4 * 2 ** 20, ' '), pour) }
    pour()
  })
  t.match(await createAlertmanagerClient({ url, ...open }).alerts(AbortSignal.timeout(20_000)), { ok: false, detail: /sent more than 64 MiB$/ })
})
