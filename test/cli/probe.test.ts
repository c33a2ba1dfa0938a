import { join } from 'node:path'
import { test } from 'tap'
import { systemClock, systemRandom } from '../../src/clock.ts'
import { cli } from '../../src/cli/cli.ts'
import type { CliDependencies } from '../../src/cli/command.ts'
import { nagiosLine, nagiosState } from '../../src/cli/probe-nagios.ts'
import { outcomeText } from '../../src/cli/probe-text.ts'
import { traceLines } from '../../src/cli/probe-trace.ts'
import { loadConfig } from '../../src/config/load.ts'
import { DEFAULT_POLICY } from '../../src/core/judgement.ts'
import { byHand, drivers } from '../../src/drivers/registry.ts'
import type { AddressOutcome } from '../../src/ports.ts'
import { buildOutcome } from '../../src/rehearsal/outcome.ts'
import { createSipClient } from '../../src/sip/client.ts'
import { formatChallenge } from '../../src/sip/digest.ts'
import { createStreamUas, pem } from '../sip/fake-stream-uas.ts'
import { createFakeUas } from '../sip/fake-uas.ts'
import { createZone, type Entry } from '../sip/fake-zone.ts'

interface Ran { code: number; out: string; err: string }

async function pointsman (argv: readonly string[], zone: Record<string, Entry> = {}): Promise<Ran> {
  const ran: Ran = { code: -1, out: '', err: '' }
  const deps: CliDependencies = {
    version: '1.2.3', clock: systemClock, byHand, createDriver: () => { throw new Error('not this') },
    loadConfig: (file) => loadConfig(file, drivers, {}),
    run: () => Promise.reject(new Error('not this')),
    runBeacon: () => Promise.reject(new Error('not this')),
    testRules: () => Promise.reject(new Error('not this')),
    demo: () => Promise.reject(new Error('not this')),
    createSipClient: (trace) => createSipClient({ clock: systemClock, random: systemRandom, lookUps: createZone(zone), ...trace === undefined ? {} : { trace } })
  }
  ran.code = await cli(['probe', ...argv], { stdout: (text) => { ran.out += text }, stderr: (text) => { ran.err += text }, env: {} }, deps)
  return ran
}

test('--trace shows every message with its way, and no credentials', async (t) => {
  const uas = await createFakeUas(t, ({ request, reply }) => {
    if (request.headers.has('authorization')) reply({ status: 200, reason: 'OK' })
    else reply({ status: 401, headers: [['WWW-Authenticate', formatChallenge({ realm: 'acme', nonce: 'n', algorithm: 'SHA-256', stale: false })]] })
  })
  const file = join(t.testdir({ password: 'geheim\n' }), 'password')
  const { code, out } = await pointsman([uas.uri, '--trace', '--username=me', `--password-file=${file}`])
  t.equal(code, 0)
  t.match(out, new RegExp(`^\\d+\\.\\d ms {2}udp 127\\.0\\.0\\.1:\\d+ -> 127\\.0\\.0\\.1:${uas.port} {2}\\d+ bytes\\n {2}> OPTIONS ${uas.uri} SIP/2\\.0\\n`, 'm'))
  t.match(out, / {2}< SIP\/2\.0 401 Test\n/)
  t.match(out, / {2}< WWW-Authenticate: Digest realm="acme"/)
  t.match(out, / {2}> Authorization: Digest <secret>\n/)
  t.match(out, / {2}< SIP\/2\.0 200 OK\n/)
  t.equal(out.match(/ -> /g)?.length, 2)
  t.equal(out.match(/ <- /g)?.length, 2)
  t.notMatch(out, /geheim|response=|cnonce/)
})

test('credentials are left out of a trace in every spelling, and no control character comes through', (t) => {
  const cases = [
    { text: 'A: b\r\nAUTHORIZATION : Digest response="x"\r\nC: d', want: ['A: b', 'AUTHORIZATION : Digest <secret>', 'C: d'] },
    { text: 'Proxy-Authorization:Digest x="y"\r\n', want: ['Proxy-Authorization:Digest <secret>'] },
    { text: 'Authorization: Digest a="b",\r\n response="folded"\r\n\tmore="x"\r\nC: d', want: ['Authorization: Digest <secret>', 'C: d'] },
    { text: 'X: \u001b[2J\u0007y\r\n\r\nbody', want: ['X:  [2J y', '', 'body'] }
  ]
  for (const { text, want } of cases) t.same(traceLines(Buffer.from(text)), want, text)
  t.end()
})

test('a person reads the verdict, the reason, the way and where the time went', async (t) => {
  const ca = join(t.testdir({ 'ca.pem': pem('issuer') }), 'ca.pem')
  const uas = await createStreamUas(t, { cert: pem('server'), key: pem('server') }, ({ reply }) => { reply({ status: 200, reason: 'OK' }) })
  const { code, out } = await pointsman([`sip:127.0.0.1:${uas.port}`, '--transport=tls', `--ca-file=${ca}`])
  t.equal(code, 0)
  t.match(out, /^sip:127\.0\.0\.1:\d+: alive: 200 OK \(\d+\.\d ms\)\n/)
  t.match(out, /\n {2}address +127\.0\.0\.1:\d+ \(tls\)\n/)
  t.match(out, /\n {2}time +connect .*TLS .*first response/)
  t.match(out, /\n {2}certificate +ends 2099-01-01 00:00:00Z\n/)
  const untrusted = await pointsman([`sip:127.0.0.1:${uas.port}`, '--transport=tls'])
  t.match(untrusted, { code: 1, out: /: tls: the certificate is not accepted/ })
  t.match(await pointsman([`sip:127.0.0.1:${uas.port}`, '--transport=tls', '--insecure-tls']), { code: 0 })
})

test('every address is told when there are several', async (t) => {
  const uas = await createFakeUas(t, ({ reply }) => { reply({ status: 200 }) })
  await createFakeUas(t, () => { /* silent */ }, '127.0.0.2', uas.port)
  const zone = { 'pair.test': { a: ['127.0.0.2', '127.0.0.1'] } }
  const any = await pointsman([`pair.test:${uas.port}`, '--timeout=300ms'], zone)
  t.match(any, { code: 0, out: /alive: 200/ })
  t.match(any.out, /\n {2}addresses\n {4}127\.0\.0\.2:\d+ +udp +timeout .*\n {4}127\.0\.0\.1:\d+ +udp +alive/)
  t.match(await pointsman([`pair.test:${uas.port}`, '--timeout=300ms', '--health=all'], zone), { code: 1, out: /: timeout:/ })
  t.match(await pointsman([`pair.test:${uas.port}`, '--timeout=300ms', '--resolve=first'], zone), { code: 1 })
})

test('--nagios: one line with performance data, and the state as exit code', async (t) => {
  const uas = await createFakeUas(t, ({ reply }) => { reply({ status: 200, reason: 'OK | fine' }) })
  const fine = await pointsman([uas.uri, '--nagios', '--slow=1s'])
  t.equal(fine.code, 0)
  t.match(fine.out, /^SIP OK - alive: 200 OK \/ fine from 127\.0\.0\.1:\d+ \(udp\) \| time=\d+\.\d{6}s;1;;0 first_response=\d.* retransmissions=0;;;0\n$/)
  const late = await createFakeUas(t, ({ count, reply }) => { if (count === 2) reply({ status: 200 }) })
  t.match(await pointsman([late.uri, '--nagios']), { code: 1, out: /^SIP WARNING - alive, retransmitted: / })
  t.match(await pointsman([uas.uri, '--nagios', '--alive=404']), { code: 2, out: /^SIP CRITICAL - bad-code: 200/ })
  t.match(await pointsman(['nowhere.test', '--nagios']), { code: 3, out: /^SIP UNKNOWN - dns: .*ENOTFOUND/ })
  const file = join(t.testdir({ password: 'geheim\n' }), 'password')
  const registrar = await createFakeUas(t, ({ reply }) => { reply({ status: 200, headers: [['Contact', '<sip:a@b>;expires=9']] }) })
  t.match(await pointsman([registrar.uri, '--method=REGISTER', '--username=me', `--password-file=${file}`, '--nagios']), { code: 0, out: /bindings=1;;;0\n$/ })
})

test('states and texts of outcomes', (t) => {
  const cases: readonly { outcome: Partial<AddressOutcome> & Pick<AddressOutcome, 'reason'>; state: number; line: RegExp }[] = [
    { outcome: { reason: 'busy', code: 503, degraded: 'busy', retryAfterMs: 5000 }, state: 1, line: /: busy: / },
    { outcome: { reason: 'alive', code: 200, degraded: 'slow' }, state: 1, line: /: alive, slow: / },
    { outcome: { reason: 'tls', certificateExpiresAtMs: 0 }, state: 3, line: /certificate +ends 1970/ },
    { outcome: { reason: 'held-back', address: null, transport: null }, state: 3, line: /: held-back: / },
    { outcome: { reason: 'timeout', retransmissions: 2 }, state: 2, line: /sent again 2 times/ },
    { outcome: { reason: 'reset', detail: 'evil\u001b[0m\nSIP OK - alive' }, state: 2, line: /evil \[0m SIP OK/ }
  ]
  for (const { outcome, state, line } of cases) {
    const built = buildOutcome(outcome)
    t.equal(nagiosState(built), state, outcome.reason)
    t.match(outcomeText('sip:x', built), line)
    t.equal(nagiosLine(built, DEFAULT_POLICY).split('\n').length, 2, 'one line')
  }
  t.end()
})

test('--probe takes everything but the address from the configuration', async (t) => {
  const uas = await createFakeUas(t, ({ reply }) => { reply({ status: 404 }) })
  const dir = t.testdir({
    'pointsman.yaml': 'probes:\n  strict: {method: OPTIONS, alive: [strict], user_agent: Acme}\n  bound: {method: REGISTER, operation: bind, username: me, password_file: password, interval: 1m}\ntargets: [{uri: "sip:127.0.0.1:9", probe: strict}, {uri: "sip:127.0.0.1:9", probe: bound}]\n',
    password: 'geheim\n'
  })
  const from = `--config.file=${dir}/pointsman.yaml`
  t.match(await pointsman([uas.uri, '--probe=strict', from]), { code: 1, out: /bad-code: 404/ })
  t.same(uas.requests[0]?.headers.get('user-agent'), ['Acme'])
  t.match(await pointsman([uas.uri, '--probe=bound', from]), { code: 1 })
  t.equal(uas.requests.at(-1)?.headers.has('contact'), false, 'nothing is bound from here')
  t.match(await pointsman([uas.uri, '--probe=none', from]), { code: 2, err: /has no probe "none"/ })
  t.match(await pointsman([uas.uri, '--probe=strict', '--config.file=none.yaml']), { code: 2, err: /none.yaml has problems/ })
})

test('wrong usage', async (t) => {
  const cases = [
    { argv: ['--transport=sctp'], want: /--transport must be one of: udp, tcp, tls/ },
    { argv: ['--resolve=some'], want: /--resolve must be one of/ },
    { argv: ['--local-port=0'], want: /--local-port must be a port/ },
    { argv: ['--local-address=eth0'], want: /--local-address must be an IP address/ },
    { argv: ['--alive=ok'], want: /--alive must be/ },
    { argv: ['--slow=soon'], want: /--slow must be a duration/ },
    { argv: ['--from=me'], want: /--from must start with sip/ },
    { argv: ['--ca-file=/nowhere.pem'], want: /nowhere.pem can't be read \(ENOENT\)/ },
    { argv: ['--username=me'], want: /--password-file is required/ }
  ]
  for (const { argv, want } of cases) t.match(await pointsman(['sip:127.0.0.1:9', ...argv]), { code: 2, out: '', err: want }, argv.join())
})
