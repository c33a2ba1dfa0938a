import { inspect } from 'node:util'
import * as fc from 'fast-check'
import { test } from 'tap'
import { collectCodes, parseCodes } from '../../src/config/codes.ts'
import { isLoopback, parseContact, parseHostPort, parseHttpUrl, parseSipUri, renderHostPort } from '../../src/config/address.ts'
import { formatDuration, parseDuration } from '../../src/config/duration.ts'
import { suggest } from '../../src/config/problems.ts'
import { readYaml } from '../../src/config/read.ts'
import { createSecret } from '../../src/secret.ts'

test('durations are read as Prometheus reads them', (t) => {
  const cases: readonly (readonly [string, number | null])[] = [
    ['0', 0], ['0s', 0], ['500ms', 500], ['5s', 5000], ['1h30m', 5_400_000], ['2d', 172_800_000], ['1w', 604_800_000], ['1y', 31_536_000_000],
    ['1y2w3d4h5m6s7ms', 31_536_000_000 + 1_209_600_000 + 259_200_000 + 14_400_000 + 300_000 + 6000 + 7],
    ['', null], ['5', null], ['s', null], ['5 s', null], ['-1s', null], ['1.5s', null], ['1m1h', null], ['1s1s', null], ['5S', null], ['5sec', null], [' 5s', null], ['9999999999999999y', null]
  ]
  for (const [text, ms] of cases) t.equal(parseDuration(text), ms, JSON.stringify(text))
  t.end()
})

test('durations are written as Prometheus writes them', (t) => {
  const cases: readonly (readonly [number, string])[] = [
    [0, '0s'], [1, '1ms'], [5000, '5s'], [90_000, '1m30s'], [5_400_000, '1h30m'], [604_800_000, '1w'], [691_200_000, '8d'], [31_536_000_000, '1y'], [31_536_000_001, '365d1ms'], [330_000, '5m30s']
  ]
  for (const [ms, text] of cases) t.equal(formatDuration(ms), text)
  const sameAgain = fc.property(fc.nat({ max: 10 ** 13 }), (ms) => parseDuration(formatDuration(ms)) === ms)
  t.same(fc.check(sameAgain).counterexample, null, 'what is written is read again')
  t.end()
})

test('host and port', (t) => {
  const cases: readonly (readonly [string, string | null])[] = [
    ['10.0.1.10', '10.0.1.10'], ['10.0.1.10:5060', '10.0.1.10:5060'], ['SBC.acme.example:5070', 'sbc.acme.example:5070'], ['[::1]', '[::1]'], ['[2001:DB8::1]:5060', '[2001:db8::1]:5060'],
    [':9867', ':9867'], ['localhost:0', 'localhost:0'], ['sbc_1.acme.example.', 'sbc_1.acme.example.'],
    ['::1', null], ['10.0.0.300', null], ['10.0.0', null], ['a:70000', null], ['a:b', null], ['[10.0.0.1]:5', null], ['a b', null], ['-a.example', null], ['a..b', null], ['a:', null], ['a:1:2', null]
  ]
  for (const [text, shown] of cases) {
    const parsed = parseHostPort(text)
    t.equal(parsed === null ? null : renderHostPort(parsed), shown, text)
  }
  t.end()
})

test('SIP URIs of one target have one spelling, and what is not supported is told', (t) => {
  const cases: readonly (readonly [string, string | RegExp])[] = [
    ['sip:10.0.1.10', 'sip:10.0.1.10'], ['SIP:SBC.acme.example', 'sip:sbc.acme.example'], ['SIP:SBC.acme.example;transport=UDP', 'sip:sbc.acme.example;transport=udp'], ['SIPS:a.example;Transport=TLS', 'sips:a.example;transport=tls'], ['sip:a.example;transport=tcp', 'sip:a.example;transport=tcp'], ['sip:ping@[::1]:5061', 'sip:ping@[::1]:5061'], ['sip:4930123@acme.example:5060', 'sip:4930123@acme.example:5060'],
    ['10.0.1.10', /start with sip/], ['tel:+4930123', /start with sip/], ['sips:a.example;transport=udp', /transport=udp/], ['sip:', /host/], ['sip:@a.example', /user part/], ['sip:a b@a.example', /user part/], ['sip:me:pw@a.example', /password/],
    ['sip:a.example:0', /host/], ['sip:a.example;transport=sctp', /transport/], ['sip:a.example;transport=tcp;lr', /parameter/], ['sip:a.example;maddr=10.0.0.1', /parameter/], ['sip:a.example?Subject=x', /headers/], ['sip:10.0.0.300', /host/]
  ]
  for (const [text, expected] of cases) {
    const parsed = parseSipUri(text)
    if (typeof expected === 'string') t.equal(parsed.ok && parsed.value.uri, expected, text)
    else t.match(!parsed.ok && parsed.message, expected, text)
  }
  t.end()
})

test('lists of SIP status codes', (t) => {
  const cases: readonly (readonly [readonly (string | number)[], readonly (readonly number[])[]])[] = [
    [['default'], [[200, 407], [409, 499], [501, 502], [505, 699]]],
    [['strict'], [[200, 200]]],
    [['2xx', 404], [[200, 299], [404, 404]]],
    [['2xx', '300-399'], [[200, 399]]],
    [['any-response', '!503'], [[200, 502], [504, 699]]],
    [['any-response', '!default'], [[408, 408], [500, 500], [503, 504]]],
    [['freeswitch'], [[200, 407], [409, 502], [504, 599]]],
    [['cube'], [[200, 502], [504, 504], [506, 699]]],
    [['audiocodes'], [[200, 699]]],
    [['!404'], [[200, 403], [405, 407], [409, 499], [501, 502], [505, 699]]],
    [['404', '!4xx'], []]
  ]
  for (const [list, want] of cases) t.same(collectCodes(list), want, list.join(' '))
  for (const text of ['', '!', '99', '700', '2xxx', '7xx', '2XX', '489-480', '200-', 'ok', '!!404', '4 xx', 'constructor']) t.equal(parseCodes(text), null, text)
  t.end()
})

test('contacts, URLs and loopback', (t) => {
  t.match(parseContact('10.0.1.10'), { ok: true, value: '10.0.1.10:5060' })
  t.match(parseContact('PBX.example:5070'), { ok: true, value: 'pbx.example:5070' })
  for (const text of ['sip:10.0.1.10', '<sip:10.0.1.10>', ':5060', '']) t.equal(parseContact(text).ok, false, text)
  for (const text of ['http://a', 'https://a.example:8443/RPC', 'http://[::1]:80']) t.equal(parseHttpUrl(text).ok, true, text)
  for (const text of ['a.example', 'ftp://a', 'http://', 'http://u:p@a', 'http://a/?q', 'http://a/#f', 'http://a b']) t.equal(parseHttpUrl(text).ok, false, text)
  for (const host of ['127.0.0.1', '127.8.9.10', '::1', '[::1]', 'LOCALHOST']) t.equal(isLoopback(host), true, host)
  for (const host of ['', '0.0.0.0', '::', '10.0.0.1', '127.example.com', 'localhost.example.com']) t.equal(isLoopback(host), false, host)
  t.end()
})

test('a wrong name gets the one that was probably meant, or none', (t) => {
  const known = ['timeout', 'observe', 'url', 'registers_within']
  const cases: readonly (readonly [string, string | null])[] = [
    ['timout', 'timeout'], ['tiemout', 'timeout'], ['Timeout', 'timeout'], ['register_within', 'registers_within'], ['ulr', 'url'], ['uri', 'url'], ['xyz', null], ['time', null], ['', null]
  ]
  for (const [wrong, meant] of cases) t.equal(suggest(wrong, known), meant === null ? null : `did you mean "${meant}"?`, wrong)
  t.equal(suggest('timeout', []), null)
  t.end()
})

test('a place is found through anchors and merge keys; what is not there shows its parent', (t) => {
  const read = readYaml('a: &x\n  b: 1\n  c: [7, {d: 8}]\ne:\n  <<: *x\n  b: 2\n"012": &y {<<: [*x, {z: 1}]}\nf: *y\n')
  if (!read.ok) throw new Error('not read')
  t.same(read.value, { a: { b: 1, c: [7, { d: 8 }] }, e: { b: 2, c: [7, { d: 8 }] }, '012': { b: 1, c: [7, { d: 8 }], z: 1 }, f: { b: 1, c: [7, { d: 8 }], z: 1 } })
  t.not(Reflect.get(read.value['e'] as object, 'c'), Reflect.get(read.value['a'] as object, 'c'), 'each use of an anchor is a copy')
  const places: readonly (readonly [(string | number)[], 'key' | 'value', string])[] = [
    [['a', 'b'], 'key', '2:3'], [['a', 'b'], 'value', '2:6'], [['a', 'c', 1, 'd'], 'value', '3:14'], [['e', 'b'], 'value', '6:6'], [['e', 'c', 0], 'value', '3:7'], [['012', 'z'], 'value', '7:25'], [['f', 'b'], 'value', '2:6'],
    [['a', 'none'], 'value', '1:1'], [['a', 'c', 5], 'value', '3:3'], [['e', 'none', 'deeper'], 'value', '4:1'], [[], 'value', '1:1'], [['none'], 'key', '1:1']
  ]
  for (const [path, anchor, place] of places) {
    const { line, column } = read.locate(path, anchor)
    t.equal(`${line}:${column}`, place, `${path.join('.')} ${anchor}`)
  }
  t.end()
})

test('no text makes the reader throw, and its problems have a place', (t) => {
  const yamlish = fc.array(fc.constantFrom('a', ': ', '- ', '\n', '  ', '\t', '"', '\'', '{', '}', '[', ']', '&x ', '*x', '!t ', '<<', ', ', '#', '---\n', '|', '>', '? ', '%', '@', '1', '~'), { maxLength: 30 }).map((parts) => parts.join(''))
  const property = fc.property(fc.oneof(yamlish, fc.string()), (text) => {
    const read = readYaml(text)
    return read.ok || (read.problems.length > 0 && read.problems.every(({ line, column, message }) => line > 0 && column > 0 && message !== ''))
  })
  t.same(fc.check(property, { numRuns: 500 }).counterexample, null)
  t.end()
})

test('what would take minutes, or more levels than a program can have, is refused at once', (t) => {
  const cases: readonly { name: string, text: string, want: RegExp }[] = [
    { name: 'an anchor that holds itself, 20,000 times', text: `a: &a [${'*a,'.repeat(20_000)}]`, want: /multiply without end/ },
    { name: 'anchors in anchors', text: `a: &a 1\nb: &b [${'*a,'.repeat(101)}]`, want: /multiply without end/ },
    { name: '20,000 unknown anchors', text: `a: [${'*a,'.repeat(20_000)}]`, want: /doesn't exist/ },
    { name: 'dashes', text: '- '.repeat(20_000), want: /nested too deeply/ },
    { name: 'brackets', text: `a: ${'['.repeat(20_000)}${']'.repeat(20_000)}`, want: /nested too deeply/ }
  ]
  for (const { name, text, want } of cases) {
    const startedMs = performance.now()
    const read = readYaml(text)
    t.ok(!read.ok && read.problems.length <= 20 && read.problems.every(({ message }) => want.test(message)), name)
    t.ok(performance.now() - startedMs < 5_000, name)
  }
  t.ok(readYaml(`a: &a 1\nb: &b [${'*a,'.repeat(100)}]`).ok, 'what people write is read')
  t.end()
})

test('a secret shows itself only when it is asked to', (t) => {
  const secret = createSecret('canary')
  t.equal(secret.reveal(), 'canary')
  for (const shown of [String(secret), 'a' + secret, JSON.stringify({ secret }), inspect(secret), inspect({ a: [secret] }, { showHidden: true, depth: 9 }), JSON.stringify(Object.entries(secret))]) {
    t.equal(shown.includes('canary'), false, shown)
  }
  t.equal(inspect(secret), '<secret>')
  t.end()
})
