import { test } from 'tap'
import { COUNTERS, GAUGES, HISTOGRAMS } from '../../src/metrics/catalogue.ts'
import { createReadableMetrics } from '../helpers/readable-metrics.ts'
import { AT_MS, buildInterface, buildProbe, buildStatus, buildTrunk } from '../helpers/status.ts'

const TEXT = 'text/plain; version=0.0.4; charset=utf-8'
const OPEN = 'application/openmetrics-text; version=1.0.0; charset=utf-8'
/** What Prometheus 3 sends. */
const PROMETHEUS = 'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2'

/** The lines of one metric, without comments. */
const lines = (text: string, name: string): string[] => text.split('\n').filter((line) => line === name || line.startsWith(`${name} `) || line.startsWith(`${name}{`))

test('the catalogue keeps Prometheus\' rules of naming', async (t) => {
  const all = [...GAUGES, ...COUNTERS, ...HISTOGRAMS]
  t.ok(all.length > 30)
  t.equal(new Set(all.map(({ name }) => name)).size, all.length, 'no name twice')
  for (const { name, help, labels } of all) {
    t.match(name, /^pointsman_[a-z]+(_[a-z]+)*$/, name)
    t.match(help, /^[A-Z].*\.$/, `help of ${name} is a sentence`)
    t.notOk(/_(ms|milliseconds|minutes|gauge|counter)\b/.test(name), `${name} uses base units and names no type`)
    t.equal(name.includes('_seconds'), help.includes('seconds') || name.includes('duration'), `${name} names its unit`)
    for (const label of labels) t.match(label, /^[a-z]+$/, `label ${label}`)
  }
  for (const { name } of COUNTERS) t.ok(name.endsWith('_total'), name)
  for (const { name } of [...GAUGES, ...HISTOGRAMS]) t.notOk(/_(total|count|sum|bucket)$/.test(name), name)
})

test('gauges are read from the status', async (t) => {
  const A = 'trunk="acme",gateway="pbx-a",interface="SIP1"'
  const B = 'trunk="acme",gateway="pbx-b",interface="SIP1"'
  const PROBE = 'probe="options sip:10.0.1.10"'
  const [probe] = buildStatus().probes
  if (probe === undefined) throw new Error('no probe')
  const cases: { name: string; status: ReturnType<typeof buildStatus>; want: string[]; absent?: string[] }[] = [
    {
      name: 'a healthy trunk',
      status: buildStatus(),
      want: [
        'pointsman_store_available 1', 'pointsman_mode{mode="automatic"} 1', 'pointsman_mode{mode="observe"} 0',
        `pointsman_interface_health{${A},state="up"} 1`, `pointsman_interface_health{${A},state="down"} 0`,
        `pointsman_interface_enabled{${A}} 1`, `pointsman_interface_enabled{${B}} 0`, `pointsman_interface_desired{${A}} 1`,
        `pointsman_interface_usable{${B}} 1`, `pointsman_interface_registered{${A}} 1`, `pointsman_fencing_debt{${A}} 0`,
        `pointsman_evidence_up{${A},evidence="carrier"} 1`, `pointsman_trunk_active{${A}} 1`, `pointsman_trunk_active{${B}} 0`,
        'pointsman_trunk_carrier_down{trunk="acme"} 0', 'pointsman_switchover_in_flight{trunk="acme"} 0',
        `pointsman_binding_holder{${A}} 1`, `pointsman_binding_holder{${B}} 0`, 'pointsman_binding_verdict{trunk="acme",verdict="held"} 1',
        `pointsman_probe_success{${PROBE}} 1`, `pointsman_probe_duration_seconds{${PROBE}} 0.012`,
        `pointsman_probe_status_code{${PROBE}} 200`, `pointsman_probe_last_timestamp_seconds{${PROBE}} 1700000000`,
        `pointsman_probe_last_success_timestamp_seconds{${PROBE}} 1700000000`, `pointsman_probe_retransmissions{${PROBE}} 0`,
        `pointsman_probe_phase_duration_seconds{${PROBE},phase="first-response"} 0.011`, `pointsman_probe_health{${PROBE},state="up"} 1`,
        `pointsman_probe_health{${PROBE},state="degraded"} 0`, `pointsman_probe_addresses{${PROBE}} 1`, `pointsman_probe_addresses_alive{${PROBE}} 1`,
        'pointsman_bindings{trunk="acme"} 1', 'pointsman_binding_expiry_timestamp_seconds{trunk="acme"} 1700000300',
        'pointsman_probe_scheduler_targets 1', 'pointsman_probe_scheduler_in_flight 0', 'pointsman_probe_scheduler_overdue_seconds 0',
        'pointsman_brake 0', 'pointsman_panic 0', 'pointsman_latch{trunk="acme"} 0',
        'pointsman_gateway_answers{gateway="pbx-a"} 1', 'pointsman_alerts 0', 'pointsman_resync_last_success_timestamp_seconds 1700000000',
        'pointsman_paused{scope="global"} 0', 'pointsman_paused{scope="trunk/acme"} 0', 'pointsman_paused{scope="gateway/pbx-a"} 0'
      ],
      absent: [
        `pointsman_interface_registered{${B}}`, `pointsman_evidence_up{${A},evidence="path"}`, 'pointsman_veto{', 'pointsman_wait{', 'phase="tls"', 'pointsman_probe_certificate_expiry_timestamp_seconds{',
        'pointsman_probe_registration_expiry_timestamp_seconds{', 'pointsman_probe_bindings{', 'pointsman_watchdog_lost', 'pointsman_watchdog_last_timestamp_seconds '
      ]
    },
    {
      name: 'a trunk in trouble',
      status: buildStatus({
        mode: 'observe',
        storeProblem: 'disk full',
        brake: { sinceMs: AT_MS, causes: ['gateway pbx-a'], decision: 'd1' },
        panicSinceMs: AT_MS,
        watchdog: { lastAtMs: AT_MS, lostSinceMs: AT_MS },
        alerts: 3,
        resyncedAtMs: null,
        pauses: [{ scope: 'trunk/acme', actor: 'anna', reason: 'work', atMs: AT_MS, untilMs: null }],
        gateways: [{ id: 'pbx-a', driver: 'innovaphone', answers: 'down', lastAnswerAtMs: null, reason: 'timeout', condition: { alarms: 3, registrationFailed: true, resetRequired: false, role: 'standby' } }, { id: 'pbx-b', driver: 'innovaphone', answers: 'unknown', lastAnswerAtMs: null, reason: null, condition: null }],
        probes: [{ ...probe, reason: 'timeout', code: null, durationMs: 2000 }],
        trunks: [buildTrunk({
          active: null,
          carrierDown: true,
          binding: null,
          latch: { sinceMs: AT_MS, because: 'x' },
          vetoes: [{ interlock: 'cooldown', sentence: 'x' }],
          waits: [{ reason: 'waiting-for-proof', untilMs: AT_MS }],
          switchover: { decision: 'd1', from: 'pbx-a/SIP1', to: 'pbx-b/SIP1', cause: 'alert', phase: 'enabling', admittedAtMs: AT_MS },
          interfaces: [buildInterface('pbx-a', { enabled: null, health: 'down', usable: false, debt: true, evidence: [{ kind: 'sip', verdict: 'down', reason: 'timeout', atMs: AT_MS }] })]
        })]
      }),
      want: [
        'pointsman_brake 1', 'pointsman_panic 1', 'pointsman_watchdog_lost 1', 'pointsman_watchdog_last_timestamp_seconds 1700000000', 'pointsman_latch{trunk="acme"} 1',
        'pointsman_store_available 0', 'pointsman_mode{mode="observe"} 1', `pointsman_interface_health{${A},state="down"} 1`, `pointsman_fencing_debt{${A}} 1`,
        `pointsman_evidence_up{${A},evidence="sip"} 0`, `pointsman_trunk_active{${A}} 0`, 'pointsman_trunk_carrier_down{trunk="acme"} 1',
        'pointsman_switchover_in_flight{trunk="acme"} 1', 'pointsman_veto{trunk="acme",interlock="cooldown"} 1',
        'pointsman_wait{trunk="acme",reason="waiting-for-proof"} 1', `pointsman_probe_success{${PROBE}} 0`, `pointsman_probe_status_code{${PROBE}} 0`,
        'pointsman_gateway_answers{gateway="pbx-a"} 0', 'pointsman_gateway_alarms{gateway="pbx-a"} 3', 'pointsman_gateway_registration_alarm{gateway="pbx-a"} 1',
        'pointsman_gateway_reset_required{gateway="pbx-a"} 0', 'pointsman_gateway_role{gateway="pbx-a",role="standby"} 1', 'pointsman_gateway_role{gateway="pbx-a",role="active"} 0', 'pointsman_paused{scope="trunk/acme"} 1', 'pointsman_alerts 3'
      ],
      absent: [
        `pointsman_interface_enabled{${A}}`, 'pointsman_binding_holder', 'pointsman_binding_verdict', 'pointsman_gateway_answers{gateway="pbx-b"}', 'pointsman_gateway_alarms{gateway="pbx-b"}', 'pointsman_gateway_role{gateway="pbx-b"',
        'pointsman_resync_last_success_timestamp_seconds ', B
      ]
    },
    {
      name: 'a probe of everything, by TLS, that is slow',
      status: buildStatus({
        probing: { targets: 10, inFlight: 3, overdueMs: 1500 },
        probes: [buildProbe({
          degraded: 'slow', retransmissions: 2, phases: { resolveMs: 1, connectMs: 2, tlsMs: 30, firstResponseMs: 400 }, addresses: 3, addressesAlive: 2, aliveAtMs: null,
          certificateExpiresAtMs: AT_MS + 1000, registrationExpiresAtMs: AT_MS + 2000, bindings: 2
        })]
      }),
      want: [
        `pointsman_probe_health{${PROBE},state="degraded"} 1`, `pointsman_probe_health{${PROBE},state="up"} 0`, `pointsman_probe_retransmissions{${PROBE}} 2`,
        ...['resolve"} 0.001', 'connect"} 0.002', 'tls"} 0.03', 'first-response"} 0.4'].map((end) => `pointsman_probe_phase_duration_seconds{${PROBE},phase="${end}`),
        `pointsman_probe_addresses{${PROBE}} 3`, `pointsman_probe_addresses_alive{${PROBE}} 2`,
        `pointsman_probe_certificate_expiry_timestamp_seconds{${PROBE}} 1700000001`, `pointsman_probe_registration_expiry_timestamp_seconds{${PROBE}} 1700000002`,
        `pointsman_probe_bindings{${PROBE}} 2`, 'pointsman_probe_scheduler_in_flight 3', 'pointsman_probe_scheduler_overdue_seconds 1.5'
      ],
      absent: ['pointsman_probe_last_success_timestamp_seconds{']
    },
    { name: 'a probe that never ran', status: buildStatus({ probes: [{ ...probe, lastAtMs: null }] }), want: [], absent: ['pointsman_probe_success{', 'pointsman_probe_last_timestamp_seconds{'] }
  ]
  for (const { name, status, want, absent = [] } of cases) {
    await t.test(name, async (t) => {
      const { text } = await createReadableMetrics({ version: '1.2.3' }).render(status)
      const shown = text.split('\n').filter((line) => !line.startsWith('#'))
      for (const line of want) t.ok(shown.includes(line), line)
      for (const start of absent) t.same(shown.filter((line) => line.includes(start)), [], `no ${start}`)
    })
  }
})

test('what is counted', async (t) => {
  await t.test('starts at 0 for every value of a closed list', async (t) => {
    const { text } = await createReadableMetrics({ version: '1' }).render(buildStatus())
    for (const line of [
      'pointsman_notifications_total{result="accepted"} 0', 'pointsman_alerts_received_total{reason="unknown-trunk"} 0', 'pointsman_store_commit_failures_total 0',
      'pointsman_probe_results_total{probe="options sip:10.0.1.10",reason="timeout"} 0', 'pointsman_switchovers_total{trunk="acme",cause="alert"} 0',
      'pointsman_driver_requests_total{gateway="pbx-a",operation="enable",result="ok"} 0', 'pointsman_driver_request_duration_seconds_count{operation="observe"} 0'
    ]) t.ok(text.includes(`${line}\n`), line)
  })

  await t.test('grows, and a duration falls into its bucket', async (t) => {
    const metrics = createReadableMetrics({ version: '1' })
    metrics.increment('pointsman_switchovers_total', { trunk: 'acme', cause: 'alert' })
    metrics.increment('pointsman_switchovers_total', { trunk: 'acme', cause: 'alert' })
    metrics.increment('pointsman_store_commits_total')
    metrics.observe('pointsman_switchover_duration_seconds', 3)
    const { text } = await metrics.render(buildStatus())
    t.ok(text.includes('pointsman_switchovers_total{trunk="acme",cause="alert"} 2\n'))
    t.ok(text.includes('pointsman_switchovers_total{trunk="acme",cause="failback"} 0\n'))
    t.ok(text.includes('pointsman_store_commits_total 1\n'))
    t.ok(text.includes('pointsman_switchover_duration_seconds_bucket{le="2"} 0\n'))
    t.ok(text.includes('pointsman_switchover_duration_seconds_bucket{le="5"} 1\n'))
  })

  await t.test('vanishes with its object, and what is left keeps its count', async (t) => {
    const metrics = createReadableMetrics({ version: '1' })
    for (const trunk of ['acme', 'beta']) {
      metrics.increment('pointsman_switchovers_total', { trunk, cause: 'alert' })
      metrics.increment('pointsman_switchover_failures_total', { trunk, reason: 'refuted' })
    }
    await metrics.render(buildStatus({ trunks: [buildTrunk(), buildTrunk({ id: 'beta' })] }))
    const { text } = await metrics.render(buildStatus({ probes: [] }))
    t.same(text.split('\n').filter((line) => line.includes('beta') || line.includes('probe="')), [])
    t.ok(text.includes('pointsman_switchovers_total{trunk="acme",cause="alert"} 1\n'))
    t.ok(text.includes('pointsman_switchover_failures_total{trunk="acme",reason="refuted"} 1\n'))
    metrics.increment('pointsman_switchovers_total', { trunk: 'beta', cause: 'alert' })
    t.ok((await metrics.render(buildStatus({ trunks: [buildTrunk({ id: 'beta' })] }))).text.includes('pointsman_switchovers_total{trunk="beta",cause="alert"} 1\n'), 'a new one starts anew')
  })

  await t.test('is not lost when it begins during a scrape, after its object was written', async (t) => {
    const metrics = createReadableMetrics({ version: '1' })
    const trunks = function * (): Generator<ReturnType<typeof buildTrunk>> {
      yield buildTrunk()
      metrics.increment('pointsman_switchovers_total', { trunk: 'acme', cause: 'alert' })
      yield buildTrunk({ id: 'beta' })
    }
    await metrics.render({ ...buildStatus(), trunks: trunks() })
    t.ok((await metrics.render(buildStatus())).text.includes('pointsman_switchovers_total{trunk="acme",cause="alert"} 1\n'))
  })

  await t.test('shows also what nobody listed', async (t) => {
    const metrics = createReadableMetrics({ version: '1' })
    metrics.increment('pointsman_switchover_failures_total', { trunk: 'acme', reason: 'unheard-of' })
    t.ok((await metrics.render(buildStatus())).text.includes('pointsman_switchover_failures_total{trunk="acme",reason="unheard-of"} 1\n'))
  })

  await t.test('must be in the catalogue, with its labels', async (t) => {
    const metrics = createReadableMetrics({ version: '1' })
    t.throws(() => { metrics.increment('pointsman_nothing_total') }, /no metric pointsman_nothing_total/)
    t.throws(() => { metrics.observe('pointsman_alerts', 1) }, /no metric/)
    t.throws(() => { metrics.increment('pointsman_switchovers_total', { colour: 'red' }) })
  })
})

test('the load of the configuration is shown: its last result, and the time of its last success', async (t) => {
  const metrics = createReadableMetrics({ version: '1' })
  t.same(lines((await metrics.render(null)).text, 'pointsman_config_last_reload_successful'), [])
  metrics.configLoaded(true, 5000)
  metrics.configLoaded(false, 9000)
  const { text } = await metrics.render(null)
  t.same(lines(text, 'pointsman_config_last_reload_successful'), ['pointsman_config_last_reload_successful 0'])
  t.same(lines(text, 'pointsman_config_last_reload_success_timestamp_seconds'), ['pointsman_config_last_reload_success_timestamp_seconds 5'])
})

test('the exposition', async (t) => {
  await t.test('is the text format, or OpenMetrics for who ranks that at least as high', async (t) => {
    const metrics = createReadableMetrics({ version: '1' })
    const cases: { accept: string | undefined; want: string }[] = [
      { accept: undefined, want: TEXT },
      { accept: '*/*', want: TEXT },
      { accept: 'text/html,text/plain', want: TEXT },
      { accept: PROMETHEUS, want: OPEN },
      { accept: 'application/openmetrics-text', want: OPEN },
      { accept: 'application/openmetrics-text;q=0.1,text/plain;q=0.9', want: TEXT },
      { accept: 'application/openmetrics-text;q=0', want: TEXT }
    ]
    for (const { accept, want } of cases) t.equal((await metrics.render(null, accept)).contentType, want, accept ?? 'no header')
  })

  await t.test('two scrapes at once, one of each format, don\'t mix', async (t) => {
    const metrics = createReadableMetrics({ version: '1' })
    const [open, text, again] = await Promise.all([metrics.render(buildStatus(), PROMETHEUS), metrics.render(buildStatus()), metrics.render(buildStatus(), PROMETHEUS)])
    t.ok(open.text.endsWith('# EOF\n'))
    t.ok(open.text.includes('# TYPE pointsman_notifications counter\n'))
    t.ok(open.text.includes('pointsman_notifications_total{result="accepted"} 0\n'))
    t.notOk(text.text.includes('# EOF'))
    t.ok(text.text.includes('# TYPE pointsman_notifications_total counter\n'))
    t.ok(text.text.includes('\npointsman_notifications_total{result="accepted"} 0\n'))
    t.equal(lines(again.text, 'pointsman_notifications_total').length, lines(open.text, 'pointsman_notifications_total').length)
  })

  await t.test('has a version, the process, and help and type for every metric', async (t) => {
    const { text } = await createReadableMetrics({ version: '1.2.3' }).render(buildStatus())
    t.ok(text.includes(`pointsman_build_info{version="1.2.3",node="${process.version}"} 1\n`))
    t.match(text, /^process_cpu_seconds_total /m)
    for (const { name } of [...GAUGES, ...COUNTERS, ...HISTOGRAMS]) t.match(text, new RegExp(`^# HELP ${name} .*\\n# TYPE ${name} `, 'm'))
    const names = new Set(text.split('\n').filter((line) => line !== '' && !line.startsWith('#')))
    t.equal(names.size, text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length, 'no series twice')
  })

  await t.test('one application does not see the other\'s counts', async (t) => {
    const [one, other] = [createReadableMetrics({ version: '1' }), createReadableMetrics({ version: '1' })]
    one.increment('pointsman_store_commits_total')
    t.ok((await other.render(null)).text.includes('pointsman_store_commits_total 0\n'))
  })
})

test('every series has the labels of the catalogue, in its order', async (t) => {
  const { text } = await createReadableMetrics({ version: '1' }).render(buildStatus({ probes: [buildProbe({ phases: { resolveMs: 1, connectMs: 1, tlsMs: 1, firstResponseMs: 1 } })] }))
  const catalogue = new Map<string, readonly string[]>([...GAUGES, ...COUNTERS].map(({ name, labels }) => [name, labels]))
  let seen = 0
  for (const [, name = '', labels = ''] of text.matchAll(/^(pointsman_\w+?)(?:\{(.*)\})? /gm)) {
    const wanted = catalogue.get(name)
    if (wanted === undefined) continue
    seen++
    t.same([...labels.matchAll(/(\w+)="/g)].map(([, label]) => label), wanted, name)
  }
  t.ok(seen > 100)
})

test('what an operator writes can\'t break the exposition', async (t) => {
  const { text } = await createReadableMetrics({ version: '1' }).render(buildStatus({ probes: [buildProbe({ id: 'odd "x\\y"\nz' })] }))
  t.ok(text.includes('pointsman_probe_success{probe="odd \\"x\\\\y\\"\\nz"} 1\n'))
})

test('a scrape of thousands lets the rest have its turns, and its families stay together', async (t) => {
  const status = buildStatus({ trunks: Array.from({ length: 3000 }, (_, index) => buildTrunk({ id: `trunk-${index}` })) })
  const metrics = createReadableMetrics({ version: '1' })
  await metrics.render(status)
  let turns = 0
  let isDone = false
  const count = (): void => {
    turns++
    if (!isDone) setImmediate(count)
  }
  setImmediate(count)
  const { text, chunks } = await metrics.render(status)
  isDone = true
  t.ok(turns > 10, `${turns} turns`)
  t.ok(chunks.length > 100, 'in pieces')
  const names = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name)
  t.equal(new Set(names).size, names.length, 'each family once')
  t.equal(lines(text, 'pointsman_trunk_carrier_down').length, 3000)
  const family = text.slice(text.indexOf('# TYPE pointsman_latch '), text.indexOf('# HELP pointsman_trunk_carrier_down '))
  t.equal(lines(family, 'pointsman_latch').length, 3000, 'all in one place')
})

test('OpenMetrics names the counters of objects as it does all others', async (t) => {
  const { text } = await createReadableMetrics({ version: '1' }).render(buildStatus(), PROMETHEUS)
  t.ok(text.includes('# TYPE pointsman_probe_results counter\n'))
  t.ok(text.includes('\npointsman_probe_results_total{probe="options sip:10.0.1.10",reason="alive"} 0\n'))
  t.equal(text.indexOf('# EOF\n'), text.length - 6, 'the end is at the end')
})
