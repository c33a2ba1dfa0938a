import { readFileSync } from 'node:fs'
import { createServer as createTlsServer } from 'node:https'
import { createServer as createTcpServer } from 'node:net'
import type { AddressInfo, Server } from 'node:net'
import { test } from 'tap'
import type { Test } from 'tap'
import { systemClock as clock, systemRandom as random } from '../../src/clock.ts'
import { withCredentials } from '../../src/drivers/http-auth.ts'
import type { Credentials } from '../../src/drivers/http-auth.ts'
import { createHttpClient } from '../../src/drivers/http-client.ts'
import type { HttpRequest } from '../../src/drivers/http-client.ts'
import { createSecret } from '../../src/secret.ts'
import { createDigestAuthority } from '../../src/sip/digest-authority.ts'
import { createUnrulyServer } from './unruly-server.ts'
import type { Answer, Asked, UnrulyServer } from './unruly-server.ts'

const PEM = (name: string): string => readFileSync(new URL(`../fixtures/drivers/${name}`, import.meta.url), 'utf8')
const get = (url: string, more: Partial<HttpRequest> = {}): HttpRequest => ({ method: 'GET', url, reads: true, signal: AbortSignal.timeout(5_000), ...more })

async function serve (t: Test, answer: (asked: Asked) => Answer): Promise<UnrulyServer> {
  const server = await createUnrulyServer({ answer, isWrite: () => true })
  t.teardown(() => server.close())
  return server
}

function client (t: Test, options: Parameters<typeof createHttpClient>[0] = {}) {
  const made = createHttpClient(options)
  t.teardown(() => made.close())
  return made
}

async function listening (t: Test, server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  return (server.address() as AddressInfo).port
}

test('connections are reused; one that the peer closed meanwhile costs a read nothing', async (t) => {
  const server = await serve(t, () => ({ body: 'x' }))
  const { send } = client(t)
  for (let round = 0; round < 5; round++) t.match(await send(get(server.url)), { ok: true, status: 200 })
  t.equal(server.connections(), 1)
  for (let round = 0; round < 5; round++) {
    // The request is on its way before the client hears of the closing.
    const result = send(get(server.url))
    server.closeIdle()
    t.match(await result, { ok: true, status: 200 })
  }
})

test('a proxy that the environment names is never used', async (t) => {
  const [server, proxy] = [await serve(t, () => ({ body: 'x' })), await serve(t, () => ({ body: 'proxy' }))]
  const named = ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY']
  const exceptions = ['no_proxy', 'NO_PROXY']
  const before = { ...process.env }
  t.teardown(() => {
    for (const name of [...named, ...exceptions]) {
      const value = before[name]
      if (value === undefined) Reflect.deleteProperty(process.env, name)
      else process.env[name] = value
    }
  })
  for (const name of named) process.env[name] = proxy.url
  for (const name of exceptions) Reflect.deleteProperty(process.env, name)
  for (const scheme of ['http:', 'HTTP:']) t.match(await client(t).send(get(server.url.replace('http:', scheme))), { ok: true, body: Buffer.from('x') }, scheme)
  for (const scheme of ['https:', 'HTTPS:']) t.match(await client(t).send(get(server.url.replace('http:', scheme))), { ok: false, reason: 'tls' }, scheme)
  t.equal(proxy.connections(), 0)
})

test('a write that meets a closing connection is not repeated', async (t) => {
  let requests = 0
  const server = createTcpServer((socket) => {
    let answered = false
    socket.on('error', () => {}).on('data', () => {
      requests += 1
      if (answered) { socket.resetAndDestroy(); return }
      answered = true
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx')
    })
  })
  const url = `http://127.0.0.1:${await listening(t, server)}/`
  const { send } = client(t)
  t.match(await send(get(url)), { ok: true })
  t.match(await send(get(url, { reads: false })), { ok: false, reason: 'reset', effect: 'unknown' })
  t.equal(requests, 2)
  t.match(await send(get(url)), { ok: true })
  t.match(await send(get(url)), { ok: true }, 'a read is, on a new connection')
  t.equal(requests, 5)
})

test('a write that waited for a connection of others has arrived, too', async (t) => {
  const server = await createUnrulyServer({ answer: ({ path }) => ({ body: path }), isWrite: ({ path }) => path.startsWith('/write') })
  t.teardown(() => server.close())
  server.misbehave('silent', 'writes')
  const { send } = client(t)
  // More reads than there are connections: the writes get one that served another request.
  const reads = Array.from({ length: 8 }, (_, index) => send(get(`${server.url}/${index}`)))
  const writes = [1, 2].map((index) => send(get(`${server.url}/write${index}`, { reads: false, signal: AbortSignal.timeout(300) })))
  for (const result of await Promise.all(reads)) t.match(result, { ok: true })
  for (const result of await Promise.all(writes)) t.match(result, { ok: false, reason: 'timeout', effect: 'unknown' })
  t.ok(server.connections() <= 4)
})

test('what went wrong on the wire has a reason, and an effect for writes', async (t) => {
  const http10 = (body: string) => createTcpServer((socket) => { socket.on('error', () => {}).once('data', () => socket.end(body)) })
  const closed = createTcpServer()
  const closedPort = await listening(t, closed)
  await new Promise((resolve) => closed.close(resolve))
  const big = await serve(t, () => ({ body: Buffer.alloc(5 * 1024 * 1024) }))
  const cases = [
    { name: 'refused', url: `http://127.0.0.1:${closedPort}/`, want: { ok: false, reason: 'refused', effect: 'none' } },
    { name: 'no such host', url: 'http://nothing.invalid/', want: { ok: false, reason: 'unreachable', effect: 'none' } },
    { name: 'not HTTP', url: `http://127.0.0.1:${await listening(t, http10('SSH-2.0-x\r\n'))}/`, want: { ok: false, reason: 'not-data', effect: 'unknown' } },
    { name: 'TLS expected, plain HTTP found', url: `https://127.0.0.1:${await listening(t, http10('HTTP/1.0 200 OK\r\n\r\nx'))}/`, want: { ok: false, reason: 'tls', effect: 'none' } },
    { name: 'closed without a word', url: `http://127.0.0.1:${await listening(t, http10(''))}/`, want: { ok: false, reason: 'reset', effect: 'unknown' } },
    { name: 'more than can be read', url: big.url, want: { ok: false, reason: 'not-data', effect: 'unknown' } },
    { name: 'HTTP/1.0 without a length', url: `http://127.0.0.1:${await listening(t, http10('HTTP/1.0 401 Unauthorized\r\n\r\nno'))}/`, want: { ok: true, status: 401 } }
  ]
  const { send } = client(t)
  for (const { name, url, want } of cases) t.match(await send(get(url, { reads: false })), want, name)
})

test('a certificate is accepted only when it is known and fits', async (t) => {
  const secure = (pem: string) => listening(t, createTlsServer({ key: PEM(pem), cert: PEM(pem) }, (_, response) => { response.end('x') }))
  const right = `https://127.0.0.1:${await secure('tls-127.0.0.1.pem')}/`
  const wrongName = `https://127.0.0.1:${await secure('tls-other.test.pem')}/`
  const cases = [
    { name: 'unknown issuer', url: right, options: {}, want: { ok: false, reason: 'tls', effect: 'none' } },
    { name: 'known issuer', url: right, options: { ca: PEM('tls-127.0.0.1.pem') }, want: { ok: true } },
    { name: 'scheme in capitals', url: right.replace('https', 'HTTPS'), options: { ca: PEM('tls-127.0.0.1.pem') }, want: { ok: true } },
    { name: 'another issuer', url: right, options: { ca: PEM('tls-other.test.pem') }, want: { ok: false, reason: 'tls' } },
    { name: 'known issuer, wrong name', url: wrongName, options: { ca: PEM('tls-other.test.pem') }, want: { ok: false, reason: 'tls', effect: 'none' } },
    { name: 'insecure on demand', url: wrongName, options: { insecureTls: true }, want: { ok: true } }
  ]
  for (const { name, url, options, want } of cases) t.match(await client(t, options).send(get(url, { reads: false })), want, name)
})

test('credentials go out as the gateway asks for them', async (t) => {
  const account = { username: 'anna', password: createSecret('pass:word') }
  const basicValue = `Basic ${Buffer.from('anna:pass:word').toString('base64')}`
  const digestAuthorities = (['MD5', 'SHA-256'] as const).map((algorithm) => createDigestAuthority({ realm: 'r', algorithms: [algorithm], nonceLifetimeMs: 60_000, clock, random }))
  const digestGateway = (asked: Asked): Answer => {
    const request = { method: asked.method, uri: asked.path, authorization: asked.authorization }
    const verdicts = digestAuthorities.map((authority) => authority.check(request, (name) => name === 'anna' ? 'pass:word' : undefined))
    if (verdicts.some(({ kind }) => kind === 'right')) return { body: 'in' }
    const stale = verdicts.some(({ kind }) => kind === 'stale')
    return { status: 401, headers: { 'WWW-Authenticate': `Basic realm="r", ${digestAuthorities.map((one) => one.challenges(stale)[0]).join(', ')}` }, body: '' }
  }
  const basicGateway = ({ authorization }: Asked): Answer =>
    authorization === basicValue ? { body: 'in' } : { status: 401, headers: { 'WWW-Authenticate': 'Basic realm="r"' }, body: '' }
  const bearerGateway = ({ authorization }: Asked): Answer => ({ status: authorization === 'Bearer tok' ? 200 : 401, body: '' })
  const cases: readonly { name: string; gateway: (asked: Asked) => Answer; credentials: Credentials; statuses: number[]; requests: number }[] = [
    { name: 'basic, at once on loopback', gateway: basicGateway, credentials: { scheme: 'auto', ...account }, statuses: [200, 200], requests: 2 },
    { name: 'basic, wrong password', gateway: basicGateway, credentials: { scheme: 'auto', username: 'anna', password: createSecret('x') }, statuses: [401], requests: 1 },
    { name: 'digest never falls back to basic', gateway: basicGateway, credentials: { scheme: 'digest', ...account }, statuses: [401], requests: 1 },
    { name: 'digest, one challenge for all requests', gateway: digestGateway, credentials: { scheme: 'digest', ...account }, statuses: [200, 200, 200], requests: 4 },
    { name: 'auto turns to digest', gateway: digestGateway, credentials: { scheme: 'auto', ...account }, statuses: [200, 200], requests: 3 },
    { name: 'digest, wrong password', gateway: digestGateway, credentials: { scheme: 'digest', username: 'anna', password: createSecret('x') }, statuses: [401, 401], requests: 4 },
    { name: 'basic alone', gateway: digestGateway, credentials: { scheme: 'basic', ...account }, statuses: [401], requests: 1 },
    { name: 'bearer', gateway: bearerGateway, credentials: { scheme: 'bearer', token: createSecret('tok') }, statuses: [200, 200], requests: 2 },
    { name: 'none', gateway: bearerGateway, credentials: { scheme: 'none' }, statuses: [401], requests: 1 }
  ]
  for (const { name, gateway, credentials, statuses, requests } of cases) {
    const server = await serve(t, gateway)
    const send = withCredentials(client(t).send, credentials, random)
    for (const status of statuses) t.match(await send(get(`${server.url}/a%20b?c=d`, { reads: false })), { ok: true, status }, name)
    t.equal(server.asked.length, requests, `${name}: requests`)
  }
})

test('over plain HTTP to another host nothing goes out before it is asked for', async (t) => {
  const sent: (string | undefined)[] = []
  const send = withCredentials((request) => {
    const authorization = request.headers?.Authorization
    sent.push(authorization)
    return Promise.resolve({ ok: true, status: authorization === undefined ? 401 : 200, headers: { 'www-authenticate': 'Basic realm="r"' }, body: Buffer.alloc(0) })
  }, { scheme: 'auto', username: 'anna', password: createSecret('p') }, random)
  await send(get('http://10.0.1.10/cfg.txt'))
  t.match(sent, [undefined, /^Basic /])
  await send(get('https://10.0.1.10/cfg.txt'))
  t.match(sent, [undefined, /^Basic /, /^Basic /])
  t.equal(sent.length, 3)
})
