import { join } from 'node:path'
import { test } from 'tap'
import type { Test } from 'tap'
import { loadConfig } from '../../src/config/load.ts'
import { renderProblems } from '../../src/config/problems.ts'
import { drivers } from '../../src/drivers/registry.ts'
import type { Rehearsed } from '../../src/rehearsal/rehearse.ts'
import { runTests } from '../../src/rehearsal/run-tests.ts'
import type { TestReport } from '../../src/rehearsal/run-tests.ts'

const EXAMPLES = new URL('../../deploy/examples/', import.meta.url).pathname
const run = (file: string): Promise<TestReport> => runTests(file, (config) => loadConfig(config, drivers, {}, 'optional'), () => {})

/** Two trunks on two gateways and one carrier; beta's second interface reaches the carrier by another address. */
const CONFIG = `mode: automatic
alertmanagers: [{url: 'http://127.0.0.1:9093'}]
gateways:
  pbx-a: {driver: innovaphone, url: 'https://10.0.1.10', username: p, password_file: none}
  pbx-b: {driver: kamailio, url: 'http://10.0.2.10/RPC', token_file: none, dispatcher_group: 1, registers_within: 5s}
probes:
  options: {method: OPTIONS}
  binding: {method: REGISTER, operation: query, username: '1', password_file: none}
trunks:
  acme:
    type: exclusive
    registration: {auth: register, on_second: replace, expires: 120s, aor: 'sip:1@acme.example', query: binding}
    interfaces:
      - {gateway: pbx-a, interface: SIP1, sip: 'sip:10.0.1.10', contact: '10.0.1.10:5060', carrier: 'sip:sbc.example', probe: options}
      - {gateway: pbx-b, interface: u1, sip: 'sip:10.0.2.10', contact: {user: second}, carrier: 'sip:sbc.example', probe: options}
  beta:
    type: exclusive
    registration: {auth: register, on_second: replace, expires: 120s}
    interfaces:
      - {gateway: pbx-a, interface: SIP2, sip: 'sip:10.0.1.10', carrier: 'sip:sbc.example', probe: options}
      - {gateway: pbx-b, interface: u2, sip: 'sip:10.0.2.10', carrier: 'sip:other.example', probe: options}
rules:
  - {name: trunk-down, match: ['alertname=~"SipTrunkDown|Mine"'], target: {trunk: '{trunk}', gateway: '{gateway}'}, demand: disable}
`
const folder = (t: Test, tests: string, config = CONFIG): string => join(t.testdir({ 'pointsman.yaml': config, 'a.test.yaml': tests }), 'a.test.yaml')
async function play (t: Test, tests: string): Promise<readonly Rehearsed[]> {
  const report = await run(folder(t, tests))
  if (!report.ok) throw new Error(renderProblems(report.file, report.problems))
  return report.tests
}
const messages = (tests: readonly Rehearsed[]): string[] => tests.flatMap(({ failures }) => failures.map(({ line, column, message }) => `${line}:${column} ${message}`))

test('the shipped example holds', async (t) => {
  const report = await run(join(EXAMPLES, 'innovaphone-pair.test.yaml'))
  if (!report.ok) throw new Error(renderProblems(report.file, report.problems))
  t.ok(report.tests.length >= 7)
  t.same(messages(report.tests), [])
})

test('several trunks: a gateway takes its interfaces with it, a carrier address only its own ways', async (t) => {
  t.same(messages(await play(t, `config: pointsman.yaml
tests:
  - name: pbx-a loses its SIP service
    events: [{at: 3m, gateway: pbx-a, fault: sip-dead}]
    until: 8m
    expect:
      - {trunk: acme, by: 5m, carries: pbx-b/u1}
      - {trunk: beta, by: 5m, carries: pbx-b/u2}
      - {trunk: acme, moves: [alert verified pbx-b/u1], silence: 1m}
  - name: one address of the carrier dies
    events: [{at: 3m, address: 'sip:sbc.example', carrier: dies}]
    until: 8m
    expect:
      - {trunk: acme, at: 8m, carries: none}
      - {trunk: acme, commands: [], seen: [carrier-down]}
      - {trunk: beta, by: 6m, carries: pbx-b/u2}
  - name: the carrier refuses one interface
    events: [{at: 3m, interface: pbx-a/SIP1, carrier: rejects}]
    until: 12m
    expect:
      - {trunk: acme, by: 12m, carries: pbx-b/u1}
      - {trunk: beta, commands: []}
`)), [])
})

test('orders, an alert of one\'s own, and times', async (t) => {
  t.same(messages(await play(t, `config: pointsman.yaml
tests:
  - name: a person moves it, pauses it, and Pointsman is killed meanwhile
    shipped_alerts: false
    events:
      - {at: 3m, operator: switchover, trunk: acme, to: pbx-b/u1}
      - {when: verifying, trunk: acme, pointsman: killed}
      - {after: 10s, pointsman: starts}
      - {at: 6m, operator: pause, scope: trunk/acme}
      - {at: 6m, gateway: pbx-b, fault: sip-dead}
      - {after: 30s, alert: {alertname: Mine, trunk: acme, gateway: pbx-b}}
    until: 9m
    expect:
      - {trunk: acme, at: 5m, carries: pbx-b/u1, wanted: pbx-b/u1}
      - {trunk: acme, at: 9m, vetoes: [paused]}
      - {trunk: beta, commands: []}
`)), [])
})

test('a way back in its window, after the calls have ended, though the clock is set meanwhile', async (t) => {
  const config = CONFIG.replace("    type: exclusive\n    registration: {auth: register, on_second: replace, expires: 120s}", "    failback: {policy: automatic, window: '02:00-05:00', timezone: UTC}\n    type: exclusive\n    registration: {auth: register, on_second: replace, expires: 120s}")
    .replaceAll('pbx-a: {driver: innovaphone, url: \'https://10.0.1.10\', username: p, password_file: none}', 'pbx-a: {driver: kamailio, url: \'http://10.0.1.10/RPC\', token_file: none, dispatcher_group: 1, registers_within: 5s}')
  const report = await run(folder(t, `config: pointsman.yaml
tests:
  - name: back at night
    start: 2026-01-01T00:30:00Z
    events:
      - {at: 3m, gateway: pbx-a, fault: uplink-cut}
      - {at: 10m, gateway: pbx-a, heals: uplink-cut}
      - {at: 40m, clock: +60m}
      - {at: 41m, interface: pbx-b/u2, calls: 3}
    until: 90m
    expect:
      - {trunk: beta, by: 6m, carries: pbx-b/u2}
      - {trunk: beta, at: 39m, carries: pbx-b/u2}
      - {trunk: beta, by: 60m, carries: pbx-a/SIP2}
      - {trunk: acme, at: 90m, carries: pbx-b/u1}
`, config))
  if (!report.ok) throw new Error(renderProblems(report.file, report.problems))
  t.same(messages(report.tests), [])
})

test('a watchdog is sent while the monitoring lives, and missed when it is dead', async (t) => {
  const config = `${CONFIG}watchdog: {match: ['alertname="DeadMan"'], timeout: 3m}\n`
  const report = await run(folder(t, `config: pointsman.yaml
tests:
  - name: Prometheus dies, then pbx-a
    events: [{at: 3m, prometheus: dies}, {at: 15m, gateway: pbx-a, fault: sip-dead}]
    until: 20m
    expect: [{trunk: acme, never: [admitted]}]
  - name: it lives
    events: [{at: 15m, gateway: pbx-a, fault: sip-dead}]
    until: 20m
    expect: [{trunk: acme, by: 17m, carries: pbx-b/u1}]
`, config))
  if (!report.ok) throw new Error(renderProblems(report.file, report.problems))
  t.same(messages(report.tests), [])
})

test('what is not met is told with its place, what was expected and what came', async (t) => {
  const tests = await play(t, `config: pointsman.yaml
tests:
  - name: wrong hopes
    events: [{at: 3m, gateway: pbx-a, fault: sip-dead}]
    until: 4m
    expect:
      - {trunk: acme, at: 1m, carries: pbx-b/u1, vetoes: [paused]}
      - {trunk: acme, by: 3m, wanted: pbx-b/u1}
      - {trunk: acme, commands: [], silence: 1s}
      - {trunk: acme, seen: [drift], never: [admitted]}
`)
  const told = messages(tests)
  t.match(told[0], /^7:9 at 1m: carries: expected pbx-b\/u1, got pbx-a\/SIP1/)
  t.match(told[1], /^7:9 at 1m: vetoes: expected paused, got none/)
  t.match(told[2], /^8:9 by 3m: wanted: expected pbx-b\/u1, got pbx-a\/SIP1/)
  t.match(told[3], /^9:9 commands: expected none, got disabled pbx-a\/SIP1; enabled pbx-b\/u1/)
  t.match(told.find((line) => line.includes('reached')), /^9:9 no interface was reached for [0-9.]+ s, at most 1s expected/)
  t.match(told.filter((line) => line.startsWith('10:9')), ['10:9 drift did not come up', '10:9 admitted came up'])
  t.ok(tests[0]?.timeline.some(({ text }) => text === 'event: gateway pbx-a, fault sip-dead'))
  t.ok(tests[0]?.timeline.some(({ text }) => text.startsWith('acme: admitted: moves from pbx-a/SIP1')))
})

test('an event whose moment never comes is a failure', async (t) => {
  t.match(messages(await play(t, `config: pointsman.yaml
tests:
  - name: nothing moves
    events: [{when: verifying, trunk: acme, pointsman: killed}]
    until: 1m
    expect: [{trunk: acme, commands: []}]
`)), [/^3:11 this never happened: when verifying/])
})

test('the same story gives the same timeline', async (t) => {
  const story = `config: pointsman.yaml
tests:
  - name: twice
    events: [{at: 2m, gateway: pbx-a, fault: dead}]
    until: 5m
    expect: [{trunk: acme, by: 5m, carries: pbx-b/u1}]
`
  t.same(await play(t, story), await play(t, story))
})

test('all problems of a file at once, each with its place', async (t) => {
  const cases: readonly { readonly name: string; readonly tests: string; readonly config?: string; readonly want: readonly string[] }[] = [
    {
      name: 'keys and values',
      tests: `config: pointsman.yaml
mod: automatic
tests:
  - name: x
    events: [{at: soon, gateway: pbx-a, fault: tired}]
    until: 5m
    expect: [{trunk: acme, carries: 7}]
`,
      want: ['2:1: error: unknown key "mod" (did you mean "mode"?)', '5:19: error: "at" must be a duration (for example 500ms, 5s, 1h30m)', '5:48: error: "fault" must be one of:', '7:37: error: "carries" must be text']
    },
    {
      name: 'what does not fit together',
      tests: `config: pointsman.yaml
tests:
  - name: x
    events:
      - {gateway: pbx-a, fault: dead}
      - {at: 9m, gateway: pbx-a, fault: dead}
      - {at: 1m}
      - {at: 1m, gateway: pbx-a}
    until: 5m
    expect:
      - {trunk: acme}
      - {trunk: acme, carries: none}
      - {trunk: acme, at: 1m, commands: []}
      - {trunk: acme, seen: [weather]}
`,
      want: ['5:9: error: an event needs one of: at, after, when', '6:14: error: this is after the end of the story', '7:9: error: an event needs one of: gateway, interface,', '8:9: error: "gateway" needs one of: fault, heals, boots',
        '11:9: error: nothing is expected here', '12:9: error: carries, wanted, carrying, vetoes and waits need an instant', '13:9: error: moves, commands, silence, seen and never are about the whole story', '14:9: error: "weather" is no interlock, wait or type of record']
    },
    {
      name: 'names that the configuration does not have',
      tests: `config: pointsman.yaml
tests:
  - name: x
    enabled: [pbx-c/SIP1]
    events:
      - {at: 1m, gateway: pbx-c, fault: dead}
      - {at: 1m, address: 'sip:nobody', carrier: dies}
      - {at: 1m, operator: failback}
    until: 5m
    expect:
      - {at: 1m, carries: pbx-a/SIP9}
`,
      want: ['4:15: error: the configuration has no interface of this name', '6:27: error: the configuration has no gateway of this name', '7:27: error: the configuration has no carrier address of this name', '8:9: error: there are several trunks', '11:9: error: there are several trunks', '11:27: error: the configuration has no interface of this name']
    },
    { name: 'a configuration that has problems', tests: 'config: pointsman.yaml\ntests: [{name: x, events: [], until: 1m, expect: [{seen: [drift]}]}]\n', config: 'mode: fast\n', want: ['1:1: error: "probes" is missing', '1:7: error: "mode" must be one of:'] },
    { name: 'no YAML', tests: 'config: [', want: [': error: '] }
  ]
  for (const { name, tests, config, want } of cases) {
    await t.test(name, async (t) => {
      const report = await run(folder(t, tests, config))
      t.equal(report.ok, false)
      const text = report.ok ? '' : renderProblems(report.file.replace(/^.*\//, ''), report.problems)
      for (const line of want) t.ok(text.includes(line), `${line}\n${text}`)
    })
  }
  t.match(await run(join(t.testdir(), 'none.yaml')), { ok: false, problems: [{ message: 'there is no such file' }] })
})
