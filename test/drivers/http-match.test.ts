import { test } from 'tap'
import { capture, matches, parsePath, regexProblem } from '../../src/drivers/http-match.ts'
import { escapeRegExp, fill, placeholders } from '../../src/drivers/http-template.ts'

const body = JSON.stringify({ state: 'up', count: 3, on: true, none: null, list: [{ name: 'a', state: 'down' }, { 'name': '10.0.0.1', 'x:y': [null] }], empty: {} })

test('a path leads to a value, or to nothing', async (t) => {
  const cases = [
    ['state', 'up'], ['count', '3'], ['on', 'true'], ['list[0].state', 'down'], ['list[name=a].state', 'down'], ['list[name={{who}}].name', 'a'],
    ['list[name=10.0.0.1].name', '10.0.0.1'], ['none', null], ['list', null], ['nothing', null], ['list[9].state', null], ['state.x', null], ['list.state', null], ['empty[0]', null], ['constructor', null], ['__proto__', null]
  ] as const
  for (const [json, want] of cases) t.equal(capture({ json }, { who: 'a' }, body), want, json)
  t.same(parsePath('a:b.c[0][d=e.f].g'), ['a:b', 'c', { index: 0 }, { key: 'd', value: 'e.f' }, 'g'])
  for (const path of ['', '.a', 'a..b', 'a[', 'a]', 'a[b', 'a.']) t.equal(parsePath(path), null, JSON.stringify(path))
})

test('an answer is as asked for only when it says so', async (t) => {
  const yes = [
    { json: 'state', equals: 'up' }, { json: 'count', equals: 3 }, { json: 'count', equals: '3' }, { json: 'on', equals: true }, { json: 'state', regex: '^u' }, { json: 'none' },
    { json: 'list[name={{who}}].state', equals: '{{what}}' }, { json: 'empty.shutdown', not: true }, { json: 'state', equals: 'down', not: true }, { regex: '"count":\\d' }, { regex: '"{{dot}}"' }
  ]
  const no = [
    { json: 'state', equals: 'down' }, { json: 'nothing' }, { json: 'state', regex: '^p' }, { json: 'list', regex: '.' }, { json: 'empty.shutdown' },
    { json: 'nothing.shutdown', not: true }, { json: 'state.x', not: true }, { json: 'state', not: true }, { regex: 'absent' }, { regex: 'absent', not: true }, {}, { equals: 'x' }
  ]
  const variables = { who: 'a', what: 'down', dot: '10.0.0.1' }
  for (const match of yes) t.equal(matches(match, variables, body), true, JSON.stringify(match))
  for (const match of no) t.equal(matches(match, variables, body), false, JSON.stringify(match))
  for (const text of ['', 'null', '[]', '"x"', '<html>', '{"a":']) t.equal(matches({ json: 'shutdown', not: true }, {}, text), text === '[]', `${text}: what is not data proves nothing`)
  t.equal(matches({ regex: '{{dot}}' }, variables, '10x0y0z1'), false, 'a variable is no expression')
  t.equal(matches({ regex: '^b +on$' }, {}, 'a off\nb  on\nc'), true, 'lines')
  t.same([capture({ regex: '<t>([^<]+)</t>' }, {}, 'x<t>tok</t>'), capture({ regex: 'o+' }, {}, 'foo'), capture({ regex: 'z' }, {}, 'foo'), capture({ json: 'state', regex: '(.)p' }, {}, body)], ['tok', 'oo', null, 'u'])
})

test('placeholders take variables of their own only', async (t) => {
  t.same(placeholders('/a/{{ b }}?{{c}}{{b}}{"x":{"y":1}}'), ['b', 'c'])
  t.equal(fill('{"a":{"b":"{{x}}"}}', { x: '1' }, (value) => value), '{"a":{"b":"1"}}')
  t.equal(fill('/{{x}}', { x: 'a/b c' }, encodeURIComponent), '/a%2Fb%20c')
  t.throws(() => fill('{{constructor}}', {}, (value) => value))
  t.equal(escapeRegExp('a.b+c'), 'a\\.b\\+c')
})

test('an expression is one that grep -E knows, too', async (t) => {
  for (const good of ['^a\\s*(b|c)+$', '\\d{2}', '[^<]+', '{{x}}\\.y', '\\(']) t.equal(regexProblem(good), null, good)
  for (const bad of ['(', '(?=a)', 'a*?', 'a\\b', '(a)\\1', '\\p{L}', '[\\d]', '[', '.*']) t.not(regexProblem(bad), null, bad)
})
