import { test } from 'tap'
import { createLogger, LOG_FORMATS, type LoggerOptions } from '../../src/logging/logger.ts'
import type { Log } from '../../src/ports.ts'
import { createSecret } from '../../src/secret.ts'

const CANARY = 'canary-log-7f3a'

/** A logger whose lines are kept. */
function capture (options: Partial<LoggerOptions> = {}): { log: Log; text: () => string; entries: () => Record<string, unknown>[] } {
  let text = ''
  const log = createLogger({ level: 'debug', format: 'json', ...options }, { write: (line) => { text += line } })
  return { log, text: () => text, entries: () => text.trim().split('\n').map((line) => JSON.parse(line)) }
}

test('a line is one JSON object with level by name, ISO time, component, fields and message', (t) => {
  const { log, entries } = capture()
  log.child({ component: 'executor' }).warn({ trunk: 'acme', durationMs: 12 }, 'switchover refused')
  const [{ time, ...rest } = {}] = entries()
  t.same(rest, { level: 'warn', component: 'executor', trunk: 'acme', durationMs: 12, msg: 'switchover refused' })
  t.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  t.end()
})

test('lines below the level are not written', (t) => {
  const { log, entries } = capture({ level: 'warn' })
  log.debug({}, 'a')
  log.info({}, 'b')
  log.warn({}, 'c')
  log.error({}, 'd')
  t.same(entries().map(({ msg }) => msg), ['c', 'd'])
  t.end()
})

const clientError = Object.assign(new Error(`GET https://pointsman:${CANARY}@10.0.1.10/cfg.txt failed`), {
  code: 'ECONNREFUSED',
  config: { auth: { username: 'pointsman', password: CANARY }, headers: { Authorization: `Basic ${CANARY}` } },
  request: { _header: CANARY }
})
const cycle: Record<string, unknown> = { token: CANARY }
cycle['self'] = cycle

const leaks: readonly (readonly [name: string, fields: object])[] = [
  ['a wrapped secret', { value: createSecret(CANARY) }],
  ['a wrapped secret in a list in a map', { list: [new Map([['x', createSecret(CANARY)]])] }],
  ['a password at the top', { password: CANARY }],
  ['a token four levels deep', { a: { b: { c: { d: { token: CANARY } } } } }],
  ['headers in any spelling', { headers: { Authorization: CANARY, 'proxy-authorization': CANARY, 'Set-Cookie': [CANARY], 'X-Api-Key': CANARY } }],
  ['keys that end in a secret word', { sipPassword: CANARY, am_token: CANARY, 'client-secret': CANARY }],
  ['an account in a URL', { url: `http://am:${CANARY}@127.0.0.1:9093/api` }],
  ['an innovaphone\'s registration', { body: `<reg cn="_ACTIVE_" pwd="${CANARY}"/>`, pwd: CANARY, 'gk-pwd': CANARY }],
  ['a request of its administration page', { path: `/PHONE/USER-UI/mod_cmd.xml?cmd=x&gk-pwd=${CANARY}&gk-pwd*=${CANARY}&op=OK` }],
  ['an HTTP client\'s error', { err: clientError }],
  ['an error as the cause of another', { err: new Error('read failed', { cause: clientError }) }],
  ['an error as the fields themselves', clientError],
  ['an object that contains itself', cycle],
  ['something too deep to look at', { a: { b: { c: { d: { e: { f: { g: { h: { i: CANARY } } } } } } } } }]
]

for (const format of LOG_FORMATS) {
  test(`no secret reaches a line written as ${format}`, (t) => {
    for (const [name, fields] of leaks) {
      const { log, text } = capture({ format })
      log.child({ component: 'drivers' }).error(fields, 'read failed')
      t.match(text(), 'read failed', `${name}: a line is written`)
      t.equal(text().includes(CANARY), false, `${name} is hidden`)
      t.equal(text().indexOf('\n'), text().length - 1, `${name}: it is one line`)
    }
    t.end()
  })
}

test('an error keeps what helps: name, message, code, stack and cause', (t) => {
  const { log, entries } = capture()
  log.error({ err: new TypeError('outer', { cause: Object.assign(new Error('inner'), { code: 'EPIPE' }) }) }, 'failed')
  t.match(entries()[0], { err: { type: 'TypeError', message: 'outer', stack: /logger\.test\.ts/, cause: { type: 'Error', message: 'inner', code: 'EPIPE' } } })
  t.end()
})

test('the caller\'s object is not changed', (t) => {
  const { log } = capture()
  const fields = { headers: { authorization: 'Bearer x' }, list: [1] }
  log.info(fields, 'sent')
  t.same(fields, { headers: { authorization: 'Bearer x' }, list: [1] })
  t.end()
})

test('logfmt quotes what could be misread', (t) => {
  const { log, text } = capture({ format: 'logfmt' })
  log.child({ component: 'inbox' }).info({ trunk: 'acme', detail: 'a "b" = c', list: [1, 2], none: null }, 'alert stored')
  t.match(text(), /^ts=\S+ level=info component=inbox msg="alert stored" trunk=acme detail="a \\"b\\" = c" list=\[1,2\] none=null\n$/)
  t.end()
})

test('on a terminal, text from outside can neither start a line nor send control sequences', (t) => {
  const { log, text } = capture({ format: 'pretty' })
  log.child({ component: 'inbox' }).warn({ label: 'a\n12:00:00 \u001B[2J\u009B2J' }, 'first\nsecond')
  const shown = text()
  t.match(shown, /^\d\d:\d\d:\d\d\.\d{3} .*WARN .* inbox: first second label="a\\n12:00:00 \\u001b\[2J\\u009b2J"\n$/)
  t.end()
})
