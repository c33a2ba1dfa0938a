import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Test } from 'tap'
import { test } from 'tap'
import { systemClock, systemRandom } from '../../src/clock.ts'
import { cli } from '../../src/cli/cli.ts'
import type { CliDependencies } from '../../src/cli/command.ts'
import { renderStatus } from '../../src/cli/status.ts'
import { loadConfig } from '../../src/config/load.ts'
import { prospectOf } from '../../src/core/prospect.ts'
import { recordPlan } from '../../src/core/record-plan.ts'
import { byHand, drivers } from '../../src/drivers/registry.ts'
import { createHttpServer } from '../../src/http/server.ts'
import { NO_EXPORTER } from '../helpers/no-exporter.ts'
import { createReadableMetrics } from '../helpers/readable-metrics.ts'
import type { Log } from '../../src/ports.ts'
import { runTests } from '../../src/rehearsal/run-tests.ts'
import { createSecret } from '../../src/secret.ts'
import { createSipClient } from '../../src/sip/client.ts'
import { A, buildAlert, buildWorld, DOWN, NOW, sipOf } from '../helpers/build-world.ts'
import { createFakeEngine } from '../helpers/fake-engine.ts'
import { AT_MS, buildInterface, buildStatus, buildTrunk } from '../helpers/status.ts'
import { createFakeUas } from '../sip/fake-uas.ts'

const EXAMPLE = new URL('../../deploy/examples/demo.yaml', import.meta.url).pathname

interface Ran { code: number; out: string; err: string; served: unknown[] }

/** Runs the command line as main.ts does, with its output caught. */
async function pointsman (argv: readonly string[], env: Record<string, string> = {}): Promise<Ran> {
  const ran: Ran = { code: -1, out: '', err: '', served: [] }
  const deps: CliDependencies = {
    version: '1.2.3',
    clock: systemClock,
    loadConfig: (file, secrets) => loadConfig(file, drivers, process.env, secrets),
    byHand, createDriver: () => null, runBeacon: () => Promise.reject(new Error('not this')),
    createSipClient: (trace) => createSipClient({ clock: systemClock, random: systemRandom, ...trace === undefined ? {} : { trace } }),
    run: async (options) => {
      ran.served.push(options)
      return 0
    },
    testRules: (file, told) => runTests(file, (config) => loadConfig(config, drivers, process.env, 'optional'), told),
    demo: async (options) => {
      ran.served.push(options)
      return 1
    }
  }
  ran.code = await cli(argv, { stdout: (text) => { ran.out += text }, stderr: (text) => { ran.err += text }, env }, deps)
  return ran
}

/** A Pointsman whose engine is the test's, on a real port, with an operator's token in a file. */
async function serve (t: Test) {
  const engine = createFakeEngine()
  const log: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => log }
  const server = createHttpServer({
    engine,
    users: [{ name: 'anna', role: 'operator', token: createSecret('anna-token'), password: null }],
    metrics: createReadableMetrics({ version: '1' }),
    log,
    clock: systemClock,
    ...NO_EXPORTER,
    reload: async () => ({ ok: true })
  })
  t.teardown(() => server.close())
  const { port } = await server.listen('127.0.0.1', 0)
  const tokenFile = join(t.testdir({ token: 'anna-token\n' }), 'token')
  return { engine, url: `http://127.0.0.1:${port}`, access: [`--url=http://127.0.0.1:${port}`, `--token-file=${tokenFile}`], tokenFile }
}

test('wrong usage is exit code 2, one line on stderr, and no effect', async (t) => {
  const cases: { argv: string[]; want: RegExp }[] = [
    { argv: ['explode'], want: /unknown command 'explode'/ },
    { argv: ['status', '--colour'], want: /Unknown option '--colour'/ },
    { argv: ['status', 'acme'], want: /unexpected argument 'acme'/ },
    { argv: ['status', '--output=xml'], want: /--output must be text or json/ },
    { argv: ['status', '--url=pbx'], want: /--url must be an address/ },
    { argv: ['status', '--token-file=/nowhere/token'], want: /\/nowhere\/token can't be read \(ENOENT\)/ },
    { argv: ['run', 'now'], want: /unexpected argument 'now'/ },
    { argv: ['run', '--config.file'], want: /argument missing/ },
    { argv: ['run', '--log.level=loud'], want: /--log.level must be debug or info or warn or error/ },
    { argv: ['run', '--log.format=xml'], want: /--log.format must be json or pretty/ },
    { argv: ['run', '--web.listen-address=here'], want: /--web.listen-address must be HOST:PORT/ },
    { argv: ['check-config'], want: /FILE is missing/ },
    { argv: ['pause'], want: /--reason is required/ },
    { argv: ['pause', '--reason', ' '], want: /--reason is required/ },
    { argv: ['pause', '--reason=x', '--trunk=a', '--gateway=b'], want: /--trunk or --gateway, not both/ },
    { argv: ['pause', '--reason=x', '--for=1h', '--until=2026-01-01'], want: /--for or --until, not both/ },
    { argv: ['adopt', '--reason=x'], want: /TRUNK is missing/ },
    { argv: ['adopt', 'acme', '--trunk=beta', '--reason=x'], want: /two trunks/ },
    { argv: ['adopt', 'acme'], want: /--reason is required/ },
    { argv: ['pin', 'acme', '--reason=x'], want: /INTERFACE is missing/ },
    { argv: ['pin', 'acme', 'pbx-a/SIP1', 'pbx-b/SIP1', '--reason=x'], want: /unexpected argument 'pbx-b\/SIP1'/ },
    { argv: ['pin', 'acme', 'pbx-a/SIP1', '--for=1h', '--until=2050-01-01', '--reason=x'], want: /--for or --until, not both/ },
    { argv: ['switchover', 'acme', '--i-know=pbx-a/SIP1', '--reason=x'], want: /--i-know must be like pbx-a\/SIP1-is-off/ },
    { argv: ['switchover', 'acme', '--i-know=-is-off', '--reason=x'], want: /--i-know must be like/ },
    { argv: ['approve', 'acme'], want: /--reason is required/ },
    { argv: ['release', 'acme', '--reason=x'], want: /unexpected argument 'acme'/ },
    { argv: ['probe'], want: /TARGET is missing/ },
    { argv: ['probe', 'sips:10.0.0.1;transport=udp'], want: /TARGET is a sips: URI with transport=udp/ },
    { argv: ['probe', 'sip:127.0.0.1', '--method=INVITE'], want: /--method must be OPTIONS or REGISTER/ },
    { argv: ['probe', 'sip:127.0.0.1', '--timeout=soon'], want: /--timeout must be a duration/ },
    { argv: ['probe', 'sip:127.0.0.1', '--method=REGISTER'], want: /--username is required/ }
  ]
  for (const { argv, want } of cases) {
    await t.test(argv.join(' '), async (t) => {
      const { code, out, err, served } = await pointsman(argv)
      t.equal(code, 2)
      t.match(err, want)
      t.equal(err.trimEnd().split('\n').length, 1)
      t.equal(out, '')
      t.same(served, [])
    })
  }
})

test('help names every command and every option', async (t) => {
  const { code, out } = await pointsman(['--help'])
  t.equal(code, 0)
  const names = [...out.matchAll(/^ {2}([a-z-]+) {2,}/gm)].map(([, name = '']) => name)
  t.same(names, ['run', 'check-config', 'status', 'decisions', 'explain', 'journal', 'pause', 'resume', 'switchover', 'failback', 'abort', 'pin', 'unpin', 'approve', 'reject', 'ack', 'release', 'adopt', 'reassert', 'manual', 'test-rules', 'replay', 'probe', 'beacon', 'demo'])
  for (const name of names) {
    const help = await pointsman([name, '--help'])
    t.equal(help.code, 0)
    t.match(help.out, new RegExp(`^Usage: pointsman ${name} `, 'm'))
    t.match(help.out, /^ {2}--/m, name)
  }
  t.match((await pointsman(['run', '--help'])).out, /--config\.file=FILE +The configuration\. Default: pointsman\.yaml\./)
})

test('run', async (t) => {
  const defaults = { configFile: 'pointsman.yaml', listen: null, logLevel: 'info', logFormat: null }
  const cases: { argv: string[]; want: object }[] = [
    { argv: ['run'], want: defaults },
    { argv: [], want: defaults },
    { argv: ['--config.file=a.yaml'], want: { ...defaults, configFile: 'a.yaml' } },
    { argv: ['run', '--config.file', 'a.yaml', '--web.listen-address', '127.0.0.1:80', '--log.level=warn', '--log.format=json'], want: { configFile: 'a.yaml', listen: { host: '127.0.0.1', port: 80 }, logLevel: 'warn', logFormat: 'json' } },
    { argv: ['run', '--web.listen-address=:9867'], want: { ...defaults, listen: { host: '::', port: 9867 } } },
    { argv: ['run', '--web.listen-address=[::1]:9867'], want: { ...defaults, listen: { host: '::1', port: 9867 } } }
  ]
  for (const { argv, want } of cases) {
    const { code, served } = await pointsman(argv)
    t.equal(code, 0)
    t.same(served, [want], argv.join(' '))
  }
  const version = await pointsman(['--version'])
  t.equal(version.out, `pointsman 1.2.3 (node ${process.version})\n`)
  t.same(version.served, [])
  const demo = await pointsman(['demo', '--once'])
  t.same(demo, { code: 1, out: '', err: '', served: [{ once: true }] })
})

test('check-config is the server\'s own loader', async (t) => {
  await t.test('a good file', async (t) => {
    for (const argv of [['check-config', EXAMPLE], ['--config.check', `--config.file=${EXAMPLE}`]]) {
      const { code, out, served } = await pointsman(argv)
      t.equal(code, 0)
      t.match(out, /demo\.yaml: valid: 1 trunks, 2 gateways, \d+ rules, 0 targets\n$/)
      t.same(served, [])
    }
  })

  await t.test('a bad one: all problems with their places, exit code 3', async (t) => {
    const file = join(t.testdir(), 'bad.yaml')
    writeFileSync(file, 'mode: sometimes\ncolour: red\n')
    for (const argv of [['check-config', file], ['run', '--config.check', '--config.file', file]]) {
      const { code, out } = await pointsman(argv)
      t.equal(code, 3)
      t.match(out, `${file}:1:7: error: `)
      t.match(out, `${file}:2:`)
    }
    const { code, out } = await pointsman(['check-config', file, '--output=json'])
    t.equal(code, 3)
    t.match(JSON.parse(out), { file, ok: false, problems: [{ severity: 'error', line: 1 }] })
  })

  await t.test('a missing one', async (t) => {
    const { code, out } = await pointsman(['check-config', '/nowhere/pointsman.yaml'])
    t.equal(code, 3)
    t.match(out, /no such file/)
  })
})

test('status', async (t) => {
  await t.test('one line per trunk first', async (t) => {
    const { engine, access, url } = await serve(t)
    const { code, out } = await pointsman(['status', ...access])
    t.equal(code, 0)
    t.equal(out.split('\n')[0], 'acme  carries calls  carries calls on pbx-a/SIP1')
    t.match((await pointsman(['status'], { POINTSMAN_URL: `${url}/` })).out, out, 'the address may come from the environment, and reading needs no token')
    const json = await pointsman(['status', '--output=json', ...access])
    t.same(JSON.parse(json.out), buildStatus())
    engine.answers.status = buildStatus({ trunks: [buildTrunk({ carrying: 'unknown' })] })
    t.equal((await pointsman(['status', ...access])).code, 3, 'a trunk that doesn\'t surely carry calls is a problem found')
  })

  t.match(renderStatus(buildStatus({ brake: { sinceMs: AT_MS, causes: ['gateway pbx-a', 'gateway pbx-b'], decision: 'd-1' } })),
    /^THE BRAKE IS ENGAGED since 2023-11-14 22:13:20Z, nothing moves by itself: gateway pbx-a, gateway pbx-b\n {4}released by: {2}pointsman release --reason …\n\nacme/)

  t.equal(renderStatus(buildStatus({
    mode: 'observe',
    pauses: [{ scope: 'trunk/beta', actor: 'anna', reason: 'line\nbroken', atMs: AT_MS, untilMs: AT_MS + 60_000 }],
    trunks: [
      buildTrunk({ carrying: 'no', sentence: 'on pbx-a/SIP1, which is down (sip); held by paused', release: 'pointsman resume --trunk acme --reason …' }),
      buildTrunk({
        id: 'longer',
        binding: null,
        interfaces: [buildInterface('pbx-b', { enabled: null, health: 'unknown', usable: false, debt: true, because: ['never observed'], evidence: [{ kind: 'carrier', verdict: 'down', reason: 'timeout', atMs: AT_MS }] })]
      })
    ],
    gateways: [
      { id: 'pbx-a', driver: 'innovaphone', answers: 'down', lastAnswerAtMs: AT_MS, reason: 'auth-failed', condition: null },
      { id: 'pbx-b', driver: 'innovaphone', answers: 'up', lastAnswerAtMs: AT_MS, reason: null, condition: { alarms: 2, registrationFailed: true, resetRequired: true, role: 'active' } },
      { id: 'kam', driver: 'kamailio', answers: 'unknown', lastAnswerAtMs: null, reason: null, condition: null }
    ]
  })), `Mode observe: Pointsman plans and records, and touches nothing.

acme    DOES NOT CARRY CALLS  on pbx-a/SIP1, which is down (sip); held by paused
    released by:  pointsman resume --trunk acme --reason …
longer  carries calls         carries calls on pbx-a/SIP1

Paused:
  trunk/beta  by anna since 2023-11-14 22:13:20Z  until 2023-11-14 22:14:20Z  line broken

Interfaces:
  acme    pbx-a/SIP1  enabled         up       wanted, registered, holds the binding, path unknown (alive)
  acme    pbx-b/SIP1  disabled        up       path unknown (alive)
  longer  pbx-b/SIP1  never observed  unknown  should be off and can't be reached, not usable, never observed, carrier down (timeout)

Gateways:
  pbx-a  innovaphone  DOES NOT ANSWER: auth-failed, last answer 2023-11-14 22:13:20Z
  pbx-b  innovaphone  answers; active PBX; 2 alarms, a registration failed; a change waits for its restart
  kam    kamailio     unknown: never answered
`, 'a bad night')
})

test('the operator\'s commands', async (t) => {
  const cases: { argv: string[]; want: object }[] = [
    { argv: ['pause'], want: { verb: 'pause', scope: 'global', untilMs: null } },
    { argv: ['pause', '--trunk=acme', '--until=2050-01-01T00:00:00Z'], want: { verb: 'pause', scope: 'trunk/acme', untilMs: Date.UTC(2050, 0, 1) } },
    { argv: ['resume', '--gateway', 'pbx-a'], want: { verb: 'resume', scope: 'gateway/pbx-a' } },
    { argv: ['failback', 'acme'], want: { verb: 'failback', trunk: 'acme' } },
    { argv: ['adopt', '--trunk', 'acme'], want: { verb: 'adopt', trunk: 'acme' } },
    { argv: ['switchover', 'acme'], want: { verb: 'switchover', trunk: 'acme', to: null, override: [], knownOff: [], force: false } },
    {
      argv: ['switchover', 'acme', '--to=pbx-b/SIP1', '--override', 'brake, panic', '--i-know=pbx-a/SIP1-is-off', '--force'],
      want: { verb: 'switchover', trunk: 'acme', to: 'pbx-b/SIP1', override: ['brake', 'panic'], knownOff: ['pbx-a/SIP1'], force: true }
    },
    { argv: ['abort', 'acme'], want: { verb: 'abort', trunk: 'acme' } },
    { argv: ['pin', 'acme', 'pbx-a/SIP1'], want: { verb: 'pin', trunk: 'acme', interface: 'pbx-a/SIP1', untilMs: null } },
    { argv: ['pin', '--trunk=acme', 'pbx-a/SIP1', '--until=2050-01-01T00:00:00Z'], want: { verb: 'pin', trunk: 'acme', interface: 'pbx-a/SIP1', untilMs: Date.UTC(2050, 0, 1) } },
    { argv: ['unpin', 'acme'], want: { verb: 'unpin', trunk: 'acme' } },
    { argv: ['approve', 'acme', '--decision=d-7'], want: { verb: 'approve', trunk: 'acme', decision: 'd-7' } },
    { argv: ['reject', 'acme', '--decision=d-7'], want: { verb: 'reject', trunk: 'acme', decision: 'd-7' } },
    { argv: ['ack', 'acme'], want: { verb: 'ack', trunk: 'acme' } },
    { argv: ['release'], want: { verb: 'release' } },
    { argv: ['reassert', 'acme'], want: { verb: 'reassert', trunk: 'acme' } }
  ]
  for (const { argv, want } of cases) {
    await t.test(argv.join(' '), async (t) => {
      const { engine, access } = await serve(t)
      const { code, out } = await pointsman([...argv, '--reason', 'planned work', ...access])
      t.equal(code, 0)
      t.equal(out, 'done (decision d-1)\n')
      t.same(engine.calls, [['operate', want, 'anna', 'planned work']])
    })
  }

  await t.test('pause --for counts from the server\'s clock', async (t) => {
    const { engine, access } = await serve(t)
    await pointsman(['pause', '--for=2h', '--reason=x', ...access])
    const [, command] = engine.calls[0] as [string, { untilMs: number }]
    t.ok(Math.abs(command.untilMs - Date.now() - 7_200_000) < 10_000)
  })

  await t.test('approve looks the proposal up, shows it, and names it', async (t) => {
    const { engine, access } = await serve(t)
    const approve = ['approve', 'acme', '--reason=x', ...access]
    t.match(await pointsman(approve), { code: 1, out: '', err: 'pointsman: nothing is proposed for acme\n' })
    t.match(await pointsman(['reject', 'beta', '--reason=x', ...access]), { code: 1, err: 'pointsman: there is no trunk beta\n' })
    t.match(await pointsman(['approve', 'acme', '--reason=x', '--url=http://127.0.0.1:1']), { code: 1, err: /can't be reached/ })
    t.same(engine.calls, [], 'nothing was sent')
    const proposal = { decision: 'd-9', from: 'pbx-a/SIP1', to: 'pbx-b/SIP1', cause: 'alert', sinceMs: AT_MS, needsApproval: true, answer: null } as const
    engine.answers.status = buildStatus({ trunks: [buildTrunk({ proposal })] })
    const { code, out, err } = await pointsman(approve)
    t.same([code, out, err], [0, 'done (decision d-1)\n', 'proposal d-9: from pbx-a/SIP1 to pbx-b/SIP1 (alert), since 2023-11-14 22:13:20Z\n'])
    t.same(engine.calls, [['operate', { verb: 'approve', trunk: 'acme', decision: 'd-9' }, 'anna', 'x']])
  })

  await t.test('one that is refused says why, exit code 1', async (t) => {
    const { engine, access, url, tokenFile } = await serve(t)
    engine.answers.operate = { ok: false, kind: 'refused', detail: 'no-better: pbx-a/SIP1: sip', vetoes: ['no-better'], release: 'pointsman switchover acme --override no-better --reason …' }
    t.match(await pointsman(['failback', 'acme', '--reason=x', ...access]), { code: 1, out: '', err: 'pointsman: no-better: pbx-a/SIP1: sip\n    all the same: pointsman switchover acme --override no-better --reason …\n' })
    t.match(await pointsman(['failback', 'acme', '--reason=x', `--url=${url}`]), { code: 1, err: /\(see --token-file\)/ })
    t.match(await pointsman(['failback', 'acme', '--reason=x'], { POINTSMAN_URL: url, POINTSMAN_TOKEN_FILE: tokenFile }), { code: 1, err: /no-better/ })
    t.match(await pointsman(['pause', '--reason=x', '--for=soon', ...access]), { code: 1, err: /duration/ })
    const json = await pointsman(['adopt', 'acme', '--reason=x', '--url=http://127.0.0.1:1'])
    t.match(json, { code: 1, err: 'pointsman: Pointsman can\'t be reached at http://127.0.0.1:1/: ' })
  })
})

test('the token goes only where the operator pointed: no redirect is followed', async (t) => {
  const { tokenFile } = await serve(t)
  const paths: unknown[] = []
  const redirecting = createServer((request, reply) => {
    paths.push(request.url)
    reply.writeHead(307, { location: '/elsewhere' }).end()
  })
  await new Promise<void>((resolve) => { redirecting.listen(0, '127.0.0.1', resolve) })
  t.teardown(() => { redirecting.close() })
  const { port } = redirecting.address() as AddressInfo
  t.equal((await pointsman(['pause', '--reason=x', `--url=http://127.0.0.1:${port}`, `--token-file=${tokenFile}`])).code, 1)
  t.same(paths, ['/api/v1/commands/pause'])
})

test('explain', async (t) => {
  const { engine, access, tokenFile } = await serve(t)
  const alerts = [buildAlert('pbx-a')]
  const observing = buildWorld({ evidence: { [sipOf(A)]: DOWN }, alerts, trunk: { mode: 'observe' } })
  const idle = { ...observing, alertsByTrunk: new Map() }
  engine.answers.explain = { ok: true, atMs: NOW, alerts: [{ fingerprint: 'f1', name: 'SipTrunkDown', reason: 'stored', detail: null, trunks: ['acme'] }], trunks: [prospectOf(observing, 'acme', NOW)] }
  const dir = join(tokenFile, '..')
  writeFileSync(join(dir, 'f.json'), '{"version":"4"}')
  writeFileSync(join(dir, 'broken.json'), '{')
  const told = await pointsman(['explain', '--notification', join(dir, 'f.json'), '--at=2026-01-31T02:30:00Z', ...access])
  t.equal(told.code, 0)
  t.same(engine.calls, [['explain', { notification: { version: '4' }, atMs: Date.UTC(2026, 0, 31, 2, 30) }]])
  for (const line of [/^judged at 2026-01-01 00:00:00Z$/m, /^alert {2}SipTrunkDown {2}stored {2}speaks about acme$/m, /^acme \(mode observe\): on pbx-a\/SIP1, which is down \(sip-lost\)/m, /^ {2}demand +disable-SipTrunkDown: disable pbx-a\/SIP1 \(SipTrunkDown\), evidence probe: confirmed$/m,
    /^ {2}proposal +pbx-a\/SIP1 → pbx-b\/SIP1 \(alert\)$/m, /^ {2}veto +mode: /m, /^ {2}pass +paused, pin, /m, /^ {2}outcome +held: nothing is sent; in mode automatic: first disabled pbx-a\/SIP1$/m]) t.match(told.out, line)
  engine.answers.explain = { ok: true, atMs: NOW, alerts: [], trunks: [prospectOf(idle, 'acme', NOW)] }
  t.match((await pointsman(['explain', 'acme', ...access])).out, /proposal +nothing is to be moved\n +outcome +nothing to decide: nothing is sent/)
  t.match(JSON.parse((await pointsman(['explain', '--output=json', ...access])).out), { trunks: [{ trunk: 'acme', result: 'nothing' }] })
  t.match(await pointsman(['explain', '--notification', join(dir, 'broken.json'), ...access]), { code: 2, err: /is not JSON/ })
  t.match(await pointsman(['explain', '--notification', join(dir, 'none.json'), ...access]), { code: 2, err: /ENOENT/ })
  t.match(await pointsman(['explain', '--at=soon', ...access]), { code: 1, err: /`at` must be an instant/ })
})

test('journal', async (t) => {
  const { engine, access } = await serve(t)
  engine.answers.journal = [{ decision: 'd-1', atMs: 1, trunk: 'acme', type: 'proposed', data: {} }]
  const all = await pointsman(['journal', '--trunk=acme', '--since=2h', ...access])
  t.match(all, { code: 0, out: '{"decision":"d-1","atMs":1,"trunk":"acme","type":"proposed","data":{}}\n', err: '' })
  t.match(engine.calls, [['journal', { trunk: 'acme', sinceMs: Number }]])
  t.match(await pointsman(['journal', '--type=weather', ...access]), { code: 1, err: /`type` must be one of: snapshot, / })
})

test('replay', async (t) => {
  const world = buildWorld({ evidence: { [sipOf(A)]: DOWN }, alerts: [buildAlert('pbx-a')] })
  const records = recordPlan(world, 'acme', 'd1', NOW).lines.map((line) => ({ ...line, trunk: 'acme', atMs: NOW }))
  const lines = (list: readonly object[]): string => list.map((record) => `${JSON.stringify(record)}\n`).join('')
  const dir = t.testdir({
    'good.jsonl': `\n${lines(records)}`,
    'other.jsonl': lines(records.map((r) => r.type === 'admitted' ? { ...r, data: { ...r.data, to: 'pbx-z/SIP1' } } : r)),
    'broken.jsonl': `${lines(records)}{"decision":`,
    'empty.jsonl': '',
    'cut.jsonl': lines(records.slice(0, 1)),
    secret: 'x',
    'pointsman.yaml': `gateways:
  pbx-a: {driver: kamailio, url: 'http://10.0.1.10:8080/RPC', token_file: secret}
  pbx-b: {driver: kamailio, url: 'http://10.0.2.10:8080/RPC', token_file: secret}
probes: {options: {method: OPTIONS}}
trunks:
  acme:
    type: exclusive
    registration: {auth: register, expires: 300s}
    interfaces:
      - {gateway: pbx-a, interface: SIP1, sip: 'sip:pbx-a', carrier: 'sip:carrier', probe: options}
      - {gateway: pbx-b, interface: SIP1, sip: 'sip:pbx-b', carrier: 'sip:carrier', probe: options}
`
  })
  t.match(await pointsman(['replay', join(dir, 'good.jsonl')]), { code: 0, out: '1 moments: 1 the same, 0 different, 0 not readable\n' })
  const other = await pointsman(['replay', join(dir, 'other.jsonl')])
  t.match(other, { code: 3, out: /^2026-\S+ \S+ {2}acme {2}d1\n- .*"to":"pbx-z\/SIP1".*\n\+ .*"to":"pbx-b\/SIP1".*\n1 moments: 0 the same, 1 different/ })
  t.match(JSON.parse((await pointsman(['replay', '--output=json', join(dir, 'other.jsonl')])).out), { moments: 1, differences: [{ kind: 'recorded-otherwise', decision: 'd1' }] })
  const judged = await pointsman(['replay', '--config.file', join(dir, 'pointsman.yaml'), join(dir, 'good.jsonl')])
  t.match(judged, { code: 0, out: /- admitted: pbx-a\/SIP1 → pbx-b\/SIP1 \(alert\)\n\+ nothing to decide\n1 moments/ })
  t.match(await pointsman(['replay', join(dir, 'broken.jsonl')]), { code: 1, err: /broken\.jsonl:\d+:1: this is not a journal record/ })
  t.match(await pointsman(['replay', join(dir, 'empty.jsonl')]), { code: 1, err: /has no snapshot/ })
  t.match(await pointsman(['replay', join(dir, 'cut.jsonl')]), { code: 3, out: /can't be decided again: the records after/ })
  t.match(await pointsman(['replay', join(dir, 'none.jsonl')]), { code: 1, err: /can't be read \(ENOENT\)/ })
  t.match(await pointsman(['replay', '--config.file', join(dir, 'good.jsonl'), join(dir, 'good.jsonl')]), { code: 3, err: /error: / })
  t.match(await pointsman(['replay']), { code: 2 })
})

test('decisions', async (t) => {
  const { engine, access } = await serve(t)
  const list = await pointsman(['decisions', '--trunk=acme', '--limit=5', ...access])
  t.same(list, { code: 0, out: '2023-11-14 22:13:20Z  acme  ended  d-1  pbx-a did not answer.\n', err: '', served: [] })
  t.same(engine.calls, [['decisions', { trunk: 'acme', limit: 5 }]])
  const one = await pointsman(['decisions', 'd-1', ...access])
  t.equal(one.out, '2023-11-14T22:13:20.000Z  proposed  {"why":"alert"}\n')
  t.match(await pointsman(['decisions', 'd-9', ...access]), { code: 1, err: 'pointsman: no decision d-9\n' })
  t.match(JSON.parse((await pointsman(['decisions', '--output=json', ...access])).out), { decisions: [{ id: 'd-1' }] })
  engine.answers.decisions = []
  t.equal((await pointsman(['decisions', ...access])).out, 'no decisions\n')
})

test('probe', async (t) => {
  await t.test('OPTIONS: alive is exit code 0', async (t) => {
    const uas = await createFakeUas(t, ({ reply }) => { reply({ status: 200 }) })
    const { code, out } = await pointsman(['probe', uas.uri])
    t.equal(code, 0)
    t.match(out, /^sip:127\.0\.0\.1:\d+: alive: 200 .* \(\d+\.\d ms\)\n  reason /)
    t.equal((await pointsman(['probe', uas.uri.slice('sip:'.length)])).code, 0, 'without sip:')
    t.match(JSON.parse((await pointsman(['probe', uas.uri, '--output=json'])).out), { target: uas.uri, reason: 'alive', code: 200 })
  })

  await t.test('OPTIONS: not alive is exit code 1', async (t) => {
    const silent = await createFakeUas(t, () => {})
    t.match(await pointsman(['probe', silent.uri, '--timeout=600ms']), { code: 1, out: /timeout: .*sent again/ })
    const busy = await createFakeUas(t, ({ reply }) => { reply({ status: 503 }) })
    t.match(await pointsman(['probe', busy.uri]), { code: 1, out: /bad-code: 503/ })
  })

  await t.test('REGISTER: tells who holds the binding, sends no Contact, shows no password', async (t) => {
    const uas = await createFakeUas(t, ({ reply }) => { reply({ status: 200 }) })
    const file = join(t.testdir({ password: 'geheim\n' }), 'password')
    const argv = ['probe', uas.uri, '--method=register', '--username=4930123', `--password-file=${file}`]
    const { code, out } = await pointsman(argv)
    t.equal(code, 0)
    t.match(out, /^sip:4930123@127\.0\.0\.1:\d+: nobody is registered\n$/)
    t.equal(uas.requests[0]?.method, 'REGISTER')
    t.notOk(uas.requests[0]?.headers.has('contact'))
    const refusing = await createFakeUas(t, ({ reply }) => { reply({ status: 403 }) })
    const refused = await pointsman(['probe', refusing.uri, ...argv.slice(2)])
    t.match(refused, { code: 1, out: /refused with 403/ })
    t.notOk((out + refused.out + refused.err).includes('geheim'))
  })
})
