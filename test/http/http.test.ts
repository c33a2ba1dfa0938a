import { connect } from 'node:net'
import type { Test } from 'tap'
import { test } from 'tap'
import type { UserConfig } from '../../src/config/config.ts'
import type { HttpDependencies, ReloadResult } from '../../src/http/dependencies.ts'
import { createHttpServer } from '../../src/http/server.ts'
import { NO_EXPORTER } from '../helpers/no-exporter.ts'
import { createReadableMetrics } from '../helpers/readable-metrics.ts'
import type { Log } from '../../src/ports.ts'
import { createSecret } from '../../src/secret.ts'
import { systemClock } from '../../src/clock.ts'
import { createFakeEngine } from '../helpers/fake-engine.ts'
import { AT_MS, buildStatus, buildTrunk } from '../helpers/status.ts'

const WEBHOOK: UserConfig = { name: 'alertmanager', role: 'webhook', token: createSecret('am-token'), password: createSecret('am-password') }
const OPERATOR: UserConfig = { name: 'anna', role: 'operator', token: createSecret('anna-token'), password: createSecret('pass:word') }
const basic = (name: string, password: string): string => `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`
const REMOTE = '10.1.2.3'
const BODY = { version: '4', alerts: [] }

function createLog (): { log: Log; lines: unknown[][] } {
  const lines: unknown[][] = []
  const write = (level: string) => (fields: object, message: string): void => { lines.push([level, message, fields]) }
  const log: Log = { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error'), child: () => log }
  return { log, lines }
}

function setUp (t: Test, { users = [WEBHOOK, OPERATOR] }: { users?: readonly UserConfig[] } = {}) {
  const engine = createFakeEngine()
  const metrics = createReadableMetrics({ version: '1.2.3' })
  const { log, lines } = createLog()
  const reloads: { result: ReloadResult; count: number } = { result: { ok: true }, count: 0 }
  const deps: HttpDependencies = {
    engine,
    users,
    metrics,
    log,
    clock: { ...systemClock, now: () => AT_MS },
    ...NO_EXPORTER,
    reload: async () => {
      reloads.count += 1
      return reloads.result
    }
  }
  const server = createHttpServer(deps)
  t.teardown(() => server.close())
  return { engine, metrics, lines, reloads, server, app: server.app }
}

test('the webhook', async (t) => {
  await t.test('stores first and then answers what became of each alert', async (t) => {
    const { app, engine } = setUp(t)
    for (const type of ['application/json', 'application/json; charset=utf-8', 'application/vnd.grafana+json']) {
      const reply = await app.inject({ method: 'POST', url: '/api/v1/alerts', headers: { authorization: 'Bearer am-token', 'content-type': type }, payload: JSON.stringify(BODY) })
      t.equal(reply.statusCode, 200, type)
      t.same(reply.json(), { alerts: [{ fingerprint: 'f1', reason: 'stored' }] })
    }
    t.same(engine.calls, [['receive', BODY], ['receive', BODY], ['receive', BODY]])
    t.equal((await app.inject({ method: 'POST', url: '/api/v1/alerts/', headers: { authorization: 'Bearer am-token' }, payload: BODY })).statusCode, 200, 'a slash at the end is no redirect')
  })

  await t.test('tells by its status whether sending again helps', async (t) => {
    const { app, engine, metrics } = setUp(t)
    const post = (payload: string | object, headers: Record<string, string> = {}) =>
      app.inject({ method: 'POST', url: '/api/v1/alerts', headers: { authorization: 'Bearer am-token', 'content-type': 'application/json', ...headers }, payload })
    const cases: { name: string; prepare?: () => void; payload?: string | object; headers?: Record<string, string>; status: number; body: object }[] = [
      { name: 'not JSON', payload: '{"version":', status: 400, body: { error: 'malformed', message: /JSON/ } },
      { name: 'an empty body', payload: '', status: 400, body: { error: 'malformed', message: /empty/ } },
      { name: 'not a notification', prepare: () => { engine.answers.receive = { ok: false, kind: 'malformed', detail: 'version must be "4"' } }, status: 400, body: { error: 'malformed', message: 'version must be "4"' } },
      { name: 'a form, as a browser could send it', payload: 'a=1', headers: { 'content-type': 'text/plain' }, status: 415, body: { error: 'unsupported-media-type' } },
      { name: 'wrong credentials', headers: { authorization: 'Bearer nobody' }, status: 401, body: { error: 'unauthorized' } },
      { name: 'a body beyond 32 MiB', payload: `"${'x'.repeat(33 * 1024 * 1024)}"`, status: 413, body: { error: 'too-large' } },
      { name: 'not durable', prepare: () => { engine.answers.receive = { ok: false, kind: 'unavailable', detail: 'disk full' } }, status: 503, body: { error: 'unavailable', message: 'disk full' } },
      { name: 'a bug', prepare: () => { engine.answers.receive = new Error('secret inside') }, status: 500, body: { error: 'internal', message: 'internal error; see the log' } },
      { name: 'still starting', prepare: () => { engine.answers.ready = false }, status: 503, body: { error: 'unavailable', message: 'still starting' } }
    ]
    for (const { name, prepare, payload = BODY, headers, status, body } of cases) {
      await t.test(name, async (t) => {
        prepare?.()
        const reply = await post(payload, headers)
        t.equal(reply.statusCode, status)
        t.match(reply.json(), body)
        t.equal(reply.headers['retry-after'], status === 503 ? '5' : undefined)
        t.notOk(reply.body.includes('secret inside'))
      })
    }
    engine.answers.ready = true
    engine.answers.receive = { ok: true, alerts: [] }
    await post(BODY)
    const { text } = await metrics.render(null)
    for (const [result, count] of [['accepted', 1], ['malformed', 4], ['refused', 1], ['too-large', 1], ['unavailable', 3]]) {
      t.ok(text.includes(`pointsman_notifications_total{result="${result}"} ${count}\n`), `${count} ${result}`)
    }
  })

  await t.test('drops a dangerous key, not the body that has it', async (t) => {
    const { app, engine } = setUp(t)
    const payload = '{"version":"4","alerts":[{"labels":{"__proto__":"x","trunk":"acme"}}]}'
    t.equal((await app.inject({ method: 'POST', url: '/api/v1/alerts', headers: { authorization: 'Bearer am-token', 'content-type': 'application/json' }, payload })).statusCode, 200)
    t.same(engine.calls, [['receive', { version: '4', alerts: [{ labels: { trunk: 'acme' } }] }]])
  })
})

test('who may do what', async (t) => {
  const alerts = { method: 'POST' as const, url: '/api/v1/alerts', payload: BODY }
  const pause = { method: 'POST' as const, url: '/api/v1/commands/pause', payload: { scope: 'global', reason: 'work' } }
  const reload = { method: 'POST' as const, url: '/-/reload' }
  const status = { method: 'GET' as const, url: '/api/v1/status' }
  const cases: { name: string; request: typeof alerts | typeof pause | typeof reload | typeof status; authorization?: string; headers?: Record<string, string>; from?: string; users?: UserConfig[]; want: number }[] = [
    { name: 'a webhook user posts alerts with its token', request: alerts, authorization: 'Bearer am-token', want: 200 },
    { name: 'the scheme may be written in any case', request: alerts, authorization: 'bearer am-token', want: 200 },
    { name: 'a webhook user posts alerts with its password', request: alerts, authorization: basic('alertmanager', 'am-password'), want: 200 },
    { name: 'an operator may post alerts too', request: alerts, authorization: 'Bearer anna-token', want: 200 },
    { name: 'a password may hold a colon', request: alerts, authorization: basic('anna', 'pass:word'), want: 200 },
    { name: 'a right password under another name is wrong', request: alerts, authorization: basic('anna', 'am-password'), want: 401 },
    { name: 'a password is no token', request: alerts, authorization: 'Bearer am-password', want: 401 },
    { name: 'an empty token is wrong', request: alerts, authorization: 'Bearer ', want: 401 },
    { name: 'an unknown scheme is wrong', request: alerts, authorization: 'Digest username="anna"', want: 401 },
    { name: 'broken Basic is wrong', request: alerts, authorization: 'Basic !!!', want: 401 },
    { name: 'nobody posts alerts without credentials', request: alerts, want: 401 },
    { name: 'nobody posts alerts without credentials, not even from here', request: alerts, from: '127.0.0.1', want: 401 },
    { name: 'without a webhook user this machine may post alerts', request: alerts, from: '127.0.0.9', users: [OPERATOR], want: 200 },
    { name: 'also over IPv6', request: alerts, from: '::1', users: [OPERATOR], want: 200 },
    { name: 'also over IPv4 in IPv6', request: alerts, from: '::ffff:127.0.0.1', users: [], want: 200 },
    { name: 'without a webhook user other machines may not', request: alerts, users: [OPERATOR], want: 403 },
    { name: 'a forwarded request is not from this machine', request: alerts, from: '127.0.0.1', headers: { 'x-forwarded-for': REMOTE }, users: [], want: 403 },
    { name: 'wrong credentials are wrong from everywhere', request: alerts, authorization: 'Bearer x', from: '127.0.0.1', users: [], want: 401 },
    { name: 'an operator gives commands', request: pause, authorization: 'Bearer anna-token', want: 200 },
    { name: 'a webhook user gives none', request: pause, authorization: 'Bearer am-token', want: 403 },
    { name: 'nobody gives commands without credentials', request: pause, from: '127.0.0.1', want: 401 },
    { name: 'without an operator there are no commands', request: pause, from: '127.0.0.1', users: [WEBHOOK], want: 403 },
    { name: 'an operator reloads', request: reload, authorization: 'Bearer anna-token', want: 200 },
    { name: 'this machine reloads', request: reload, from: '127.0.0.1', users: [], want: 200 },
    { name: 'other machines don\'t', request: reload, want: 401 },
    { name: 'a webhook user doesn\'t', request: reload, authorization: 'Bearer am-token', from: '127.0.0.1', want: 403 },
    { name: 'everybody reads the status', request: status, want: 200 }
  ]
  for (const { name, request, authorization, headers = {}, from = REMOTE, users, want } of cases) {
    await t.test(name, async (t) => {
      const { app, engine, reloads } = setUp(t, users === undefined ? {} : { users })
      const reply = await app.inject({ ...request, remoteAddress: from, headers: { ...headers, ...(authorization === undefined ? {} : { authorization }) } })
      t.equal(reply.statusCode, want, reply.body)
      t.equal(engine.calls.length + reloads.count, want === 200 && request !== status ? 1 : 0, 'what is refused has no effect')
      t.equal(reply.headers['www-authenticate'] !== undefined, want === 401)
      for (const secret of ['am-token', 'anna-token', 'am-password', 'pass:word']) t.notOk(reply.body.includes(secret))
    })
  }
})

test('commands', async (t) => {
  const post = (app: ReturnType<typeof setUp>['app'], verb: string, payload: object) =>
    app.inject({ method: 'POST', url: `/api/v1/commands/${verb}`, headers: { authorization: 'Bearer anna-token' }, payload })

  const good: { name: string; verb: string; body: object; want: unknown[] }[] = [
    { name: 'pause without an end', verb: 'pause', body: { scope: 'global', reason: 'work' }, want: ['operate', { verb: 'pause', scope: 'global', untilMs: null }, 'anna', 'work'] },
    { name: 'pause for a while', verb: 'pause', body: { scope: 'trunk/acme', for: '1h30m', reason: 'work' }, want: ['operate', { verb: 'pause', scope: 'trunk/acme', untilMs: AT_MS + 5_400_000 }, 'anna', 'work'] },
    { name: 'pause until an instant', verb: 'pause', body: { scope: 'gateway/pbx-a', until: '2026-01-01T00:00:00Z', reason: 'work' }, want: ['operate', { verb: 'pause', scope: 'gateway/pbx-a', untilMs: Date.UTC(2026, 0, 1) }, 'anna', 'work'] },
    { name: 'pause of a trunk with a name of all letters that the configuration allows', verb: 'pause', body: { scope: 'trunk/Beta.East_1', reason: 'work' }, want: ['operate', { verb: 'pause', scope: 'trunk/Beta.East_1', untilMs: null }, 'anna', 'work'] },
    { name: 'resume', verb: 'resume', body: { scope: 'global', reason: 'done' }, want: ['operate', { verb: 'resume', scope: 'global' }, 'anna', 'done'] },
    { name: 'failback', verb: 'failback', body: { trunk: 'acme', reason: 'primary is well' }, want: ['operate', { verb: 'failback', trunk: 'acme' }, 'anna', 'primary is well'] },
    { name: 'adopt', verb: 'adopt', body: { trunk: 'acme', reason: 'it is right' }, want: ['operate', { verb: 'adopt', trunk: 'acme' }, 'anna', 'it is right'] },
    { name: 'switchover', verb: 'switchover', body: { trunk: 'acme', reason: 'x' }, want: ['operate', { verb: 'switchover', trunk: 'acme', to: null, override: [], knownOff: [], force: false }, 'anna', 'x'] },
    {
      name: 'switchover with all that it can name',
      verb: 'switchover',
      body: { trunk: 'acme', to: 'pbx-b/SIP1', override: ['brake'], knownOff: ['pbx-a/SIP1'], force: true, reason: 'x' },
      want: ['operate', { verb: 'switchover', trunk: 'acme', to: 'pbx-b/SIP1', override: ['brake'], knownOff: ['pbx-a/SIP1'], force: true }, 'anna', 'x']
    },
    { name: 'pin', verb: 'pin', body: { trunk: 'acme', interface: 'pbx-a/SIP1', reason: 'x' }, want: ['operate', { verb: 'pin', trunk: 'acme', interface: 'pbx-a/SIP1', untilMs: null }, 'anna', 'x'] },
    { name: 'pin for a while', verb: 'pin', body: { trunk: 'acme', interface: 'pbx-a/SIP1', for: '1h', reason: 'x' }, want: ['operate', { verb: 'pin', trunk: 'acme', interface: 'pbx-a/SIP1', untilMs: AT_MS + 3_600_000 }, 'anna', 'x'] },
    { name: 'release', verb: 'release', body: { reason: 'x' }, want: ['operate', { verb: 'release' }, 'anna', 'x'] },
    ...(['unpin', 'abort', 'ack', 'reassert'] as const).map((verb) => ({ name: verb, verb, body: { trunk: 'acme', reason: 'x' }, want: ['operate', { verb, trunk: 'acme' }, 'anna', 'x'] })),
    ...(['approve', 'reject'] as const).map((verb) => ({ name: verb, verb, body: { trunk: 'acme', decision: 'd-7', reason: 'x' }, want: ['operate', { verb, trunk: 'acme', decision: 'd-7' }, 'anna', 'x'] }))
  ]
  for (const { name, verb, body, want } of good) {
    await t.test(`${name}, with the operator's name and reason`, async (t) => {
      const { app, engine } = setUp(t)
      const reply = await post(app, verb, body)
      t.equal(reply.statusCode, 200)
      t.same(reply.json(), { decision: 'd-1', detail: 'done' })
      t.same(engine.calls, [want])
    })
  }

  const bad: { name: string; verb: string; body: object; want: RegExp }[] = [
    { name: 'without a reason', verb: 'pause', body: { scope: 'global' }, want: /reason/ },
    { name: 'with a blank reason', verb: 'failback', body: { trunk: 'acme', reason: '  ' }, want: /reason/ },
    { name: 'without a scope', verb: 'resume', body: { reason: 'x' }, want: /scope/ },
    { name: 'with a scope that can\'t be', verb: 'pause', body: { scope: 'acme', reason: 'x' }, want: /scope/ },
    { name: 'with an unknown key', verb: 'adopt', body: { trunk: 'acme', reason: 'x', force: true }, want: /additional/ },
    { name: 'with a number for a trunk', verb: 'adopt', body: { trunk: 1, reason: 'x' }, want: /trunk/ },
    { name: 'with an override that is no list', verb: 'switchover', body: { trunk: 'acme', override: 'brake', reason: 'x' }, want: /override/ },
    { name: 'with an empty name for an interface', verb: 'switchover', body: { trunk: 'acme', knownOff: [''], reason: 'x' }, want: /knownOff/ },
    { name: 'with a word for a switch', verb: 'switchover', body: { trunk: 'acme', force: 'yes', reason: 'x' }, want: /force/ },
    { name: 'with an override where none can be', verb: 'failback', body: { trunk: 'acme', override: ['mode'], reason: 'x' }, want: /additional/ },
    { name: 'without an interface', verb: 'pin', body: { trunk: 'acme', reason: 'x' }, want: /interface/ },
    { name: 'with a pin that ends twice', verb: 'pin', body: { trunk: 'acme', interface: 'a/b', for: '1h', until: '2050-01-01T00:00:00Z', reason: 'x' }, want: /not both/ },
    { name: 'with a trunk where all are meant', verb: 'release', body: { trunk: 'acme', reason: 'x' }, want: /additional/ },
    { name: 'without the decision that is meant', verb: 'approve', body: { trunk: 'acme', reason: 'x' }, want: /decision/ },
    { name: 'with two ends', verb: 'pause', body: { scope: 'global', for: '1h', until: '2026-01-01T00:00:00Z', reason: 'x' }, want: /not both/ },
    { name: 'with a length that is none', verb: 'pause', body: { scope: 'global', for: 'soon', reason: 'x' }, want: /duration/ },
    { name: 'with a length beyond all calendars', verb: 'pause', body: { scope: 'global', for: '285616414y', reason: 'x' }, want: /duration/ },
    { name: 'with an end that is none', verb: 'pause', body: { scope: 'global', until: 'tomorrow', reason: 'x' }, want: /instant/ },
    { name: 'with an end in the past', verb: 'pause', body: { scope: 'global', until: '2001-01-01T00:00:00Z', reason: 'x' }, want: /past/ }
  ]
  for (const { name, verb, body, want } of bad) {
    await t.test(`${name} are refused, and say what is wrong`, async (t) => {
      const { app, engine } = setUp(t)
      const reply = await post(app, verb, body)
      t.equal(reply.statusCode, 400)
      t.match(reply.json(), { error: 'malformed', message: want })
      t.same(engine.calls, [])
    })
  }

  await t.test('that the engine refuses say why', async (t) => {
    const { app, engine } = setUp(t)
    for (const [kind, status, error] of [['unknown', 404, 'not-found'], ['refused', 409, 'refused'], ['unavailable', 503, 'unavailable']] as const) {
      engine.answers.operate = { ok: false, kind, detail: 'because', vetoes: ['no-better'], release: 'pointsman switchover acme --override no-better --reason …' }
      const reply = await post(app, 'failback', { trunk: 'acme', reason: 'x' })
      t.equal(reply.statusCode, status)
      t.same(reply.json(), { error, message: 'because', vetoes: ['no-better'], release: 'pointsman switchover acme --override no-better --reason …' })
    }
    engine.answers.ready = false
    t.equal((await post(app, 'failback', { trunk: 'acme', reason: 'x' })).statusCode, 503)
  })
})

test('what can be read', async (t) => {
  await t.test('the status, once there is one', async (t) => {
    const { app, engine } = setUp(t)
    t.same((await app.inject('/api/v1/status')).json(), buildStatus())
    engine.answers.ready = false
    t.equal((await app.inject('/api/v1/status')).statusCode, 503)
  })

  await t.test('the decisions, by trunk, time and number', async (t) => {
    const { app, engine } = setUp(t)
    t.same((await app.inject('/api/v1/decisions')).json(), { decisions: engine.answers.decisions, complete: true })
    await app.inject('/api/v1/decisions?trunk=acme&since=2h&limit=5')
    await app.inject('/api/v1/decisions?since=2023-01-01T00:00:00Z')
    await app.inject('/api/v1/decisions?until=1h&state=vetoed&cause=alert')
    t.same(engine.calls, [
      ['decisions', { limit: 50 }],
      ['decisions', { trunk: 'acme', sinceMs: AT_MS - 7_200_000, limit: 5 }],
      ['decisions', { sinceMs: Date.UTC(2023, 0, 1), limit: 50 }],
      ['decisions', { untilMs: AT_MS - 3_600_000, state: 'vetoed', cause: 'alert', limit: 50 }]
    ])
    for (const query of ['limit=0', 'limit=many', 'since=then', 'until=then', 'since=1h&until=2h', 'state=done', 'cause=weather', 'colour=red']) t.equal((await app.inject(`/api/v1/decisions?${query}`)).statusCode, 400, query)
  })

  await t.test('what would be decided: asked by an operator, or from this machine', async (t) => {
    const { app, engine } = setUp(t)
    const ask = (payload: object, options: { authorization?: string; from?: string } = { authorization: 'Bearer anna-token' }) => app.inject({
      method: 'POST', url: '/api/v1/explain', payload, remoteAddress: options.from ?? REMOTE, headers: options.authorization === undefined ? {} : { authorization: options.authorization }
    })
    t.same((await ask({ notification: BODY, trunk: 'acme', at: '2026-01-31T02:30:00Z' })).json(), { atMs: AT_MS, alerts: [], trunks: [] })
    t.same(engine.calls, [['explain', { notification: BODY, trunk: 'acme', atMs: Date.UTC(2026, 0, 31, 2, 30) }]])
    t.equal((await ask({}, { from: '127.0.0.1' })).statusCode, 200)
    t.equal((await ask({}, {})).statusCode, 401)
    t.equal((await ask({}, { authorization: 'Bearer am-token' })).statusCode, 403)
    for (const body of [{ at: 'soon' }, { at: '+275760-09-13T00:00:00Z' }, { trunk: 7 }, { colour: 'red' }]) t.equal((await ask(body)).statusCode, 400, JSON.stringify(body))
    engine.answers.explain = { ok: false, kind: 'malformed', detail: 'version must be "4"' }
    t.match((await ask({ notification: 7 })).json(), { error: 'malformed', message: 'version must be "4"' })
    engine.answers.explain = { ok: false, kind: 'unknown', detail: 'trunk x is not in the configuration' }
    t.equal((await ask({ trunk: 'x' })).statusCode, 404)
    engine.answers.ready = false
    t.equal((await ask({})).statusCode, 503)
  })

  await t.test('the journal, as a stream of JSON lines', async (t) => {
    const { app, engine } = setUp(t)
    const record = { decision: 'd-1', atMs: AT_MS, trunk: 'acme', type: 'proposed', data: { text: 'two\nlines' } }
    engine.answers.journal = [record, { ...record, trunk: null }]
    const reply = await app.inject('/api/v1/journal?trunk=acme&since=2h&until=1h&decision=d-1&type=proposed')
    t.equal(reply.headers['content-type'], 'application/x-ndjson; charset=utf-8')
    t.same(reply.body.split('\n').map((line) => line === '' ? null : JSON.parse(line) as unknown), [record, { ...record, trunk: null }, null])
    t.same(engine.calls, [['journal', { trunk: 'acme', sinceMs: AT_MS - 7_200_000, untilMs: AT_MS - 3_600_000, decision: 'd-1', type: 'proposed' }]])
    engine.answers.journal = []
    t.equal((await app.inject('/api/v1/journal')).body, '', 'an empty one')
    for (const query of ['since=then', 'type=weather', 'limit=5']) t.equal((await app.inject(`/api/v1/journal?${query}`)).statusCode, 400, query)
  })

  await t.test('one decision with all its records', async (t) => {
    const { app, engine } = setUp(t)
    t.same((await app.inject('/api/v1/decisions/d-1')).json(), { id: 'd-1', records: engine.answers.decision })
    const unknown = await app.inject('/api/v1/decisions/d-9')
    t.equal(unknown.statusCode, 404)
    t.match(unknown.json(), { error: 'not-found', message: 'no decision d-9' })
  })

  await t.test('metrics, in the format that the scraper asks for; before the start only what is counted', async (t) => {
    const { app, engine } = setUp(t)
    const text = await app.inject('/metrics')
    t.equal(text.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8')
    t.ok(text.body.includes('pointsman_trunk_active{'))
    const open = await app.inject({ url: '/metrics', headers: { accept: 'application/openmetrics-text' } })
    t.equal(open.headers['content-type'], 'application/openmetrics-text; version=1.0.0; charset=utf-8')
    engine.answers.ready = false
    const early = await app.inject('/metrics')
    t.equal(early.statusCode, 200)
    t.notOk(early.body.includes('pointsman_trunk_active{'))
  })

  await t.test('health and readiness', async (t) => {
    const { app, engine } = setUp(t)
    for (const path of ['/-/healthy', '/-/ready']) t.equal((await app.inject(path)).statusCode, 200, path)
    t.equal((await app.inject({ method: 'HEAD', url: '/-/healthy' })).statusCode, 200)
    engine.answers.ready = false
    engine.answers.healthy = false
    for (const path of ['/-/healthy', '/-/ready']) t.equal((await app.inject(path)).statusCode, 503, path)
  })

  await t.test('a page with one line per trunk, escaped, that may load nothing', async (t) => {
    const { app, engine } = setUp(t)
    engine.answers.status = buildStatus({
      brake: { sinceMs: AT_MS, causes: ['gateway <a>'], decision: 'd-1' },
      pauses: [{ scope: 'global', actor: 'anna', reason: '<b>work</b>', atMs: AT_MS, untilMs: null }],
      trunks: [buildTrunk({ carrying: 'no', sentence: 'held & <script>alert("1")</script>', release: 'pointsman adopt acme --reason \'…\'' })]
    })
    const reply = await app.inject('/')
    t.match(reply.headers['content-security-policy'], /^default-src 'none'; style-src 'sha256-/)
    t.ok(reply.body.includes('held &amp; &lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;'))
    t.ok(reply.body.includes('<code>pointsman adopt acme --reason &#39;…&#39;</code>'))
    t.ok(reply.body.includes('&lt;b&gt;work&lt;/b&gt;'))
    t.ok(reply.body.includes('The brake is engaged, nothing moves by itself: gateway &lt;a&gt;. <code>pointsman release</code>'))
    t.notOk(reply.body.includes('<script'))
    engine.answers.ready = false
    t.match((await app.inject('/')).body, /still starting/)
  })

  await t.test('an unknown path is a JSON error like every other', async (t) => {
    const reply = await setUp(t).app.inject('/nothing')
    t.equal(reply.statusCode, 404)
    t.same(reply.json(), { error: 'not-found', message: 'no such route: GET /nothing' })
  })

  await t.test('a broken path, too', async (t) => {
    const { app } = setUp(t)
    for (const url of ['/%', '/api/v1/decisions/%ff', `/api/v1/decisions/${'x'.repeat(200)}`]) {
      const reply = await app.inject(url)
      t.equal(reply.statusCode, 400, url)
      t.same(reply.json(), { error: 'malformed', message: 'the path is not valid, or a part of it is too long' })
    }
  })
})

test('a reload that fails says why and keeps running', async (t) => {
  const { app, reloads } = setUp(t)
  reloads.result = { ok: false, problems: ['pointsman.yaml:3:5: unknown key `colour`'] }
  const reply = await app.inject({ method: 'POST', url: '/-/reload' })
  t.equal(reply.statusCode, 500)
  t.match(reply.json(), { error: 'reload-failed', problems: ['pointsman.yaml:3:5: unknown key `colour`'] })
})

test('a bug is logged with its request, and not told', async (t) => {
  const { app, engine, lines } = setUp(t)
  engine.answers.receive = new Error('boom')
  await app.inject({ method: 'POST', url: '/api/v1/alerts', headers: { authorization: 'Bearer am-token' }, payload: BODY })
  t.match(lines, [['error', 'request failed', { method: 'POST', url: '/api/v1/alerts', err: { message: 'boom' } }]])
})

test('over real sockets', async (t) => {
  const { server, engine } = setUp(t)
  const { port, address } = await server.listen('127.0.0.1', 0)
  t.equal(address, '127.0.0.1')
  const headers = { authorization: 'Bearer am-token', 'content-type': 'application/json' }

  await t.test('the 10 MB of a big outage are accepted', async (t) => {
    const alerts = Array.from({ length: 500 }, (_, n) => ({ labels: { n: String(n) }, annotations: { text: 'x'.repeat(20_000) } }))
    const reply = await fetch(`http://127.0.0.1:${port}/api/v1/alerts`, { method: 'POST', headers, body: JSON.stringify({ ...BODY, alerts }) })
    t.equal(reply.status, 200)
    t.match(engine.calls.at(-1), ['receive', { alerts: { length: 500 } }])
    await reply.body?.cancel()
  })

  await t.test('40 MB are answered 413, not by a broken connection', async (t) => {
    const reply = await post(port, 40 * 1024 * 1024)
    t.match(reply, /^HTTP\/1.1 413 /)
    t.match(reply, /"error":"too-large"/)
  })

  await t.test('what is no HTTP is a JSON error like every other', async (t) => {
    const cases: { text: string; want: RegExp }[] = [
      { text: 'hello\r\n\r\n', want: /^HTTP\/1\.1 400 Bad Request\r\n[^]*\{"error":"malformed","message":"this is not a valid HTTP request"\}$/ },
      { text: `GET / HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(20_000)}\r\n\r\n`, want: /^HTTP\/1\.1 431 [^]*"error":"too-large"/ }
    ]
    for (const { text, want } of cases) t.match(await sendText(port, text), want)
  })

  await t.test('one connection serves many notifications', async (t) => {
    const reply = await fetch(`http://127.0.0.1:${port}/api/v1/alerts`, { method: 'POST', headers, body: JSON.stringify(BODY) })
    t.equal(reply.headers.get('connection'), 'keep-alive')
    await reply.body?.cancel()
  })

  await t.test('an address that is in use is an error', async (t) => {
    const second = setUp(t).server
    await t.rejects(second.listen('127.0.0.1', port), { code: 'EADDRINUSE' })
  })

  await t.test('closing ends idle connections at once', async (t) => {
    const startedMs = performance.now()
    await server.close()
    t.ok(performance.now() - startedMs < 2000)
    await t.rejects(fetch(`http://127.0.0.1:${port}/-/healthy`))
  })
})

/** Sends a body of that length as Go's client does, reading while writing; resolves with the reply when the server ends it. */
function post (port: number, length: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let reply = ''
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(`POST /api/v1/alerts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer am-token\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`)
      socket.write(Buffer.alloc(length, 0x20))
    })
    socket.on('data', (data) => { reply += data.toString() })
    socket.on('error', (error) => { if (reply === '') reject(error) })
    socket.on('close', () => { resolve(reply) })
  })
}

/** Sends what may be no HTTP; resolves with what came back until the server ended it. */
function sendText (port: number, text: string): Promise<string> {
  return new Promise((resolve) => {
    let reply = ''
    const socket = connect(port, '127.0.0.1', () => { socket.write(text) })
    socket.on('data', (data) => { reply += data.toString() })
    socket.on('error', () => {})
    socket.on('close', () => { resolve(reply) })
  })
}
