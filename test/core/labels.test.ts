import { test } from 'tap'
import { labelValue, matches, parseMatcher } from '../../src/core/labels.ts'

const ALERT = { alertname: 'SipTrunkDown', severity: 'critical', trunk: 'acme', 'dotted.name': 'größe', empty: '' }

test('matchers as Alertmanager reads them', (t) => {
  const cases: ReadonlyArray<readonly [string, boolean, string]> = [
    ['alertname="SipTrunkDown"', true, 'an equal value'],
    ['alertname="siptrunkdown"', false, 'case counts'],
    ['alertname=SipTrunkDown', true, 'an unquoted value'],
    ['  alertname  =  "SipTrunkDown"  ', true, 'white space around the parts'],
    ['trunk!="acme"', false, 'not equal'],
    ['missing=""', true, 'a missing label is empty'],
    ['missing!="x"', true, 'a missing label is not x'],
    ['missing!=""', false, 'a missing label is not anything'],
    ['empty=""', true, 'an empty label equals a missing one'],
    ['constructor=""', true, 'no inherited property is a label'],
    ['severity=~"critical|page"', true, 'an alternative'],
    ['severity=~"crit"', false, 'expressions are anchored'],
    ['severity=~"crit|al"', false, 'each alternative is anchored'],
    ['severity=~".*"', true, 'anything'],
    ['missing=~".*"', true, 'anything takes a missing label'],
    ['missing=~".+"', false, 'at least one character does not'],
    ['severity!~"warn.*"', true, 'not matching'],
    ['severity!~"crit.*"', false, 'not matching what matches'],
    ['severity=~"(?i)CRITICAL"', true, 'a leading flag'],
    ['"dotted.name"="größe"', true, 'a quoted UTF-8 name'],
    ['"dotted.name"="gr\\u00f6\\u00DFe"', true, 'escapes as in Go'],
    ['trunk="\\x61\\143me"', true, 'byte escapes within ASCII'],
    ['trunk=~"[[a]cme"', true, 'an opening bracket in a class is itself'],
    ['trunk=~"(?P<x>ac)me"', true, 'a named group in RE2\'s spelling'],
    ['trunk=~"[]a]cme"', true, 'a closing bracket that stands first']
  ]
  for (const [text, expected, what] of cases) {
    const parsed = parseMatcher(text)
    t.equal(parsed.ok && matches(parsed.matcher, ALERT), expected, `${what}: ${text}`)
  }
  t.end()
})

test('expressions mean in JavaScript what they mean in RE2', (t) => {
  const cases: ReadonlyArray<readonly [string, string, boolean]> = [
    ['a.b', 'a\rb', true],
    ['a.b', 'a\nb', false],
    ['(?s)a.b', 'a\nb', true],
    ['a\\-b\\:c\\_d', 'a-b:c_d', true],
    ['[\\w\\-.]+', 'pbx-a.example', true],
    ['10\\.0\\.1\\.\\d+', '10.0.1.17', true],
    ['10\\.0\\.1\\.\\d+', '10a0.1.17', false],
    ['(a|b)?', '', true],
    ['a|b', 'ab', false]
  ]
  for (const [pattern, value, expected] of cases) {
    const parsed = parseMatcher(`l=~${JSON.stringify(pattern)}`)
    t.equal(parsed.ok && matches(parsed.matcher, { l: value }), expected, `${pattern} on ${JSON.stringify(value)}`)
  }
  t.end()
})

test('what is wrong with a matcher is said', (t) => {
  const cases: ReadonlyArray<readonly [string, RegExp]> = [
    ['', /label name is missing/],
    ['{a="b"}', /without braces/],
    ['""="x"', /label name is empty/],
    ['alertname', /one of = != =~ !~ is expected/],
    ['alertname == "x"', /value can't start with "="/],
    ['alertname > 5', /one of = != =~ !~/],
    ['alertname=', /value is missing/],
    ['alertname="x', /no closing double quote/],
    ['alertname="x" or', /unexpected "or" after the value/],
    ['alertname=two words', /unexpected "words"/],
    ['a="b", c="d"', /unexpected ", c=/],
    ['a="\\d"', /unknown escape \\d; a backslash is written \\\\/],
    ['a="\\xff"', /unknown escape \\x/],
    ['a="\\ud800"', /unknown escape \\u/],
    ['a="x\ny"', /line break/],
    ['a=~"("', /"\(" is not a regular expression/],
    ['a=~"a)|(b"', /is not a regular expression/],
    [`a=~"${'x'.repeat(70_000)}"`, /is not a regular expression: .*too large/s],
    ['a=~"(?=x)"', /look-around is not supported/],
    ['a=~"(?<!x)y"', /look-around is not supported/],
    ['a=~"(x)\\\\1"', /backreferences are not supported/],
    ['a=~"x(?i)y"', /flags are only supported at the start/],
    ['a=~"[[:alpha:]]"', /named classes/],
    ['a=~"a\\\\cme"', /escape \\c is not supported/],
    ['a=~"\\\\Qx\\\\E"', /escape \\Q is not supported/]
  ]
  for (const [text, message] of cases) {
    const parsed = parseMatcher(text)
    t.match(parsed.ok ? 'accepted' : parsed.message, message, text)
  }
  t.end()
})

test('a label set is read without its prototype', (t) => {
  const labels = JSON.parse('{"__proto__": "x", "trunk": "acme"}') as Record<string, string>
  t.equal(labelValue(labels, 'toString'), '')
  t.equal(labelValue(labels, '__proto__'), 'x')
  t.equal(labelValue(labels, 'trunk'), 'acme')
  t.end()
})
