/** The printed commands do what the drivers do: they are run by a shell, against the simulated pair and a stub. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import type { Test } from 'tap'
import { cli } from '../../src/cli/cli.ts'
import { systemClock } from '../../src/clock.ts'
import { loadConfig } from '../../src/config/load.ts'
import { byHand, drivers } from '../../src/drivers/registry.ts'
import { manualPath, writeManual } from '../../src/manual/file.ts'
import type { Log } from '../../src/ports.ts'
import { simulate } from '../drivers/simulated-innovaphone.ts'
import { kamailioDispatcherStub, kamailioStub } from '../drivers/stubs.ts'
import { createUnrulyServer } from '../drivers/unruly-server.ts'
import { startPair, until } from '../helpers/running-pair.ts'
import { createShell, CURL } from '../helpers/shell.ts'

/** Everything that a shell, sed and curl's configuration give a meaning to. */
const PASSWORD = 'it\'s "a" \\secret\\ $HOME `x` & <z>'

interface Step { readonly title: string; readonly text: readonly string[]; readonly commands: readonly string[] }
interface Guide {
  readonly logins: readonly { readonly gateway: string; readonly command: string; readonly asks: string | null }[]
  readonly look: readonly Step[]
  readonly moves: readonly { readonly title: string; readonly steps: readonly Step[] }[]
  readonly after: Step
  readonly unreadable: readonly { readonly message: string }[]
}

interface Ran { readonly code: number; readonly out: string; readonly err: string }

/** The command line in this process. */
async function pointsman (...args: string[]): Promise<Ran> {
  let out = ''
  let err = ''
  const io = { stdout: (text: string) => { out += text }, stderr: (text: string) => { err += text }, env: {} }
  const never = (): never => { throw new Error('manual opens nothing') }
  const code = await cli(args, io, {
    version: 'test', clock: systemClock, loadConfig: (file, secrets) => loadConfig(file, drivers, {}, secrets), byHand, createDriver: never, createSipClient: never, run: never, runBeacon: never, testRules: never, demo: never
  })
  return { code, out, err }
}

const commandsOf = (steps: readonly Step[], ...titles: RegExp[]): readonly string[] => steps.filter(({ title }) => titles.some((want) => want.test(title))).flatMap(({ commands }) => commands)

/** A configuration with one exclusive trunk on two gateways. */
function configure (t: Test, gateways: Readonly<Record<string, string>>, more: { readonly type?: string; readonly registration?: string; readonly interfaces?: readonly string[]; readonly probes?: string } = {}): string {
  const directory = t.testdir()
  mkdirSync(join(directory, 'secrets'))
  writeFileSync(join(directory, 'secrets/pbx'), `${PASSWORD}\r\n`)
  writeFileSync(join(directory, 'secrets/carrier'), 'trunk-secret')
  const names = more.interfaces ?? ['SIP1', 'SIP1']
  const interfaces = Object.keys(gateways).map((id, index) => `      - {gateway: ${id}, interface: '${names[index]}', sip: 'sip:127.0.9.${index + 1}', contact: '127.0.9.${index + 1}:5060', carrier: 'sip:127.0.9.9', probe: options}`)
  const file = join(directory, 'pointsman.yaml')
  writeFileSync(file, `
gateways:
${Object.entries(gateways).map(([id, text]) => `  ${id}: ${text}`).join('\n')}
probes:
  options: {method: OPTIONS}
${more.probes ?? ''}
trunks:
  acme:
    type: ${more.type ?? 'exclusive'}
    registration: ${more.registration ?? '{auth: register, on_second: reject, expires: 300s}'}
    interfaces:
${interfaces.join('\n')}
`)
  return file
}

const box = (url: string, more = ''): string => `{driver: innovaphone, url: '${url}', username: 'po"int\\sman', password_file: secrets/pbx${more}}`

test(`a trunk is moved by the printed commands (${CURL} curl)`, async (t) => {
  const r = await startPair(t.testdir(), { mode: 'observe' })
  t.teardown(() => r.stop())
  await until('A holds', 8_000, () => r.pair.holders(), (holders) => holders.includes('a'))
  const shown = await pointsman('manual', 'acme', `--config.file=${r.configFile}`, '--output=json')
  t.equal(shown.code, 0, shown.err)
  const guide = JSON.parse(shown.out) as Guide
  const [move] = guide.moves
  if (move === undefined) throw new Error('no move')
  t.equal(move.title, 'from pbx-a/SIP1 to pbx-b/SIP1')
  const shell = createShell(join(r.configFile, '..'), CURL)
  const logins = guide.logins.map(({ command }) => command)
  t.equal((await shell.run([...logins, ...commandsOf(guide.look, /^Look at/)])).replaceAll(/^(?!SIP1).*\n/gm, ''), 'SIP1: enabled\nSIP1: disabled\n')
  t.match(await shell.run(commandsOf(guide.look, /^Ask/)), `registered: sip:4930123@${r.pair.a.contact}`)
  const lineBefore = r.pair.a.state('SIP1')
  t.match(await shell.run([...logins, ...commandsOf(move.steps, /^Disable/)]), /SIP1: disabled\n$/)
  t.match(r.pair.a.state('SIP1'), { stored: 'disabled', flash: 'disabled', running: 'disabled' })
  t.match(lineBefore, { stored: 'enabled' })
  await until('nobody holds', 10_000, () => r.pair.holders(), (holders) => holders.length === 0)
  t.match(await shell.run(commandsOf(move.steps, /^Wait/)), /nobody is registered/)
  await shell.run([...logins, ...commandsOf(move.steps, /^Enable/)])
  await until('B holds', 8_000, () => r.pair.holders(), (holders) => holders.includes('b'))
  const checked = await shell.run([...logins, ...commandsOf(move.steps, /^Check/)])
  t.match(checked, /SIP1: enabled/)
  t.match(checked, `registered: sip:4930123@${r.pair.b.contact}`)
  t.ok(shell.calls().split('\n').length > 8, 'curl was called')
  for (const secret of [r.pair.management.password, r.pair.account.password, 'operator-token']) t.notOk((shown.out + shown.err + shell.calls()).includes(secret), 'no secret is printed, or stands in a command line')
})

test('the text and the data say the same, and every line is for a shell', async (t) => {
  const file = configure(t, { 'pbx-a': box('http://127.0.0.1:9'), 'pbx_a': box('https://127.0.0.1:9/', ', ca_file: secrets/pbx, auth: digest') })
  const text = await pointsman('manual', 'acme', '--config.file', file)
  t.equal(text.code, 0, text.err)
  const guide = JSON.parse((await pointsman('manual', 'acme', '--config.file', file, '--output=json')).out) as Guide
  const lines = text.out.split('\n')
  const commands = [...guide.logins.map(({ command }) => command), ...[...guide.look, ...guide.moves.flatMap(({ steps }) => steps), guide.after].flatMap((step) => step.commands)]
  t.ok(commands.length > 20)
  t.same(lines.filter((line) => line !== '' && !line.startsWith('#')), commands, 'what is no comment is a command')
  t.same(guide.moves.map(({ title }) => title), ['from pbx-a/SIP1 to pbx_a/SIP1', 'from pbx_a/SIP1 to pbx-a/SIP1'])
  t.equal(new Set(guide.logins.map(({ command }) => command.split('(')[0])).size, 2, 'each gateway has a function of its own')
  t.match(guide.logins[1]?.command, /--cacert '.*secrets\/pbx' --digest/)
  for (const { asks } of guide.logins) t.match(asks, /-u 'po"int\\sman' "\$@"/, 'where the file can\'t be read, curl asks')
  execFileSync('sh', ['-n'], { input: text.out })
  t.match(text.out, /Wait 5m30s/)
  t.match(text.out, /pointsman adopt 'acme' --reason/)
  t.notOk(text.out.includes('secret\\'))
})

test('the waits are those of the carrier', async (t) => {
  const gateways = { 'pbx-a': box('http://127.0.0.1:9'), 'kam': '{driver: kamailio, url: \'http://127.0.0.1:9/RPC\'}' }
  const probes = '  binding: {method: REGISTER, operation: query, username: me, password_env: TRUNK_PASSWORD, local_address: 127.0.9.8}'
  const query = 'aor: \'sip:me@acme.example\', registrar: \'sip:127.0.9.9\', query: binding'
  const cases: readonly { name: string, registration: string, probes?: string, want: readonly RegExp[], not?: RegExp }[] = [
    { name: 'reject, no query', registration: '{auth: register, on_second: reject, expires: 300s}', want: [/5m30s \(expires 5m \+ 10 %\)/, /There is no query/, /last sign of life; its SIP address \(sip:127\.0\.9\.1\)/] },
    { name: 'reject is what counts when nothing is said', registration: '{auth: register, expires: 61s}', want: [/1m8s/] },
    { name: 'reject with a query', registration: `{auth: register, on_second: reject, expires: 60s, ${query}}`, probes, want: [/1m6s/, /pbx-a\/SIP1 \(127\.0\.9\.1:5060\) was listed before/], not: /There is no query/ },
    { name: 'replace', registration: '{auth: register, on_second: replace, expires: 60s}', want: [/go on at once/, /switch it off or pull its network cable/], not: /1m6s/ }
  ]
  for (const { name, registration, probes: more, want, not } of cases) {
    const file = configure(t, gateways, { registration, ...more === undefined ? {} : { probes: more } })
    const guide = JSON.parse((await pointsman('manual', 'acme', '--config.file', file, '--output=json')).out) as Guide
    const wait = guide.moves[0]?.steps.find(({ title }) => title === 'Wait')
    for (const pattern of want) t.match(wait?.text.join(' '), pattern, name)
    if (not !== undefined) t.notMatch(wait?.text.join(' '), not, name)
    t.same(wait?.commands, more === undefined ? [] : [`printf '%s\\n' "\${TRUNK_PASSWORD:?}" | pointsman probe --method=REGISTER --username='me' --password-file='/dev/stdin' --timeout=2s --aor='sip:me@acme.example' --local-address='127.0.9.8' 'sip:127.0.9.9'`], name)
    t.match(guide.moves[1]?.steps.find(({ title }) => title === 'Wait')?.text.join(' '), registration.includes('replace') ? /./ : /kam unregisters when it is disabled/)
  }
})

test('of a shared trunk each interface can be taken out and put in', async (t) => {
  const file = configure(t, { 'pbx-a': box('http://127.0.0.1:9'), 'pbx-b': box('http://127.0.0.1:9') }, { type: 'shared', registration: '{auth: register, on_second: coexist}' })
  const guide = JSON.parse((await pointsman('manual', 'acme', '--config.file', file, '--output=json')).out) as Guide
  t.same(guide.moves.map(({ title }) => title), ['take pbx-a/SIP1 out', 'put pbx-a/SIP1 in again', 'take pbx-b/SIP1 out', 'put pbx-b/SIP1 in again'])
  t.match(guide.moves[0]?.steps[0]?.text.join(' '), /Only while pbx-b\/SIP1 is enabled/)
  t.match(guide.moves[1]?.steps[1]?.text.join(' '), /registered within 30s/)
})

for (const curl of new Set(['own', CURL] as const)) {
  test(`Kamailio's records are switched and shown without their password (${curl} curl)`, async (t) => {
    const gateway = kamailioStub()
    const server = await createUnrulyServer(gateway)
    t.teardown(() => server.close())
    const file = configure(t, { kam: `{driver: kamailio, url: '${server.url}/RPC', token_file: secrets/pbx}`, other: `{driver: kamailio, url: '${server.url}/RPC', username: 'me', password_file: secrets/pbx}` }, { interfaces: ['trunk1', 'trunk2'] })
    const guide = JSON.parse((await pointsman('manual', 'acme', '--config.file', file, '--output=json')).out) as Guide
    const shell = createShell(join(file, '..'), curl)
    const logins = guide.logins.map(({ command }) => command)
    const looked = await shell.run([...logins, ...guide.look.flatMap(({ commands }) => commands)])
    t.match(looked, /^ *"expires":60\n *"flags":20\n *"expires":60\n *"flags":1\n$/)
    const steps = guide.moves[0]?.steps ?? []
    t.match(await shell.run([...logins, ...commandsOf(steps, /^Disable/)]), /"flags":17\n$/)
    t.equal(gateway.runs('trunk1'), false)
    await shell.run([...logins, ...commandsOf(steps, /^Enable/)])
    t.equal(gateway.runs('trunk2'), true)
    t.equal(server.asked[0]?.authorization, `Bearer ${PASSWORD}`, 'the token arrives as it is in the file')
    t.notOk(shell.calls().includes('secret\\'))
    t.match(guide.logins[0]?.asks, /read -r token <\/dev\/tty/)
  })
}

test('destinations of Kamailio, and an innovaphone that takes the flag only or captured requests', async (t) => {
  const gateway = kamailioDispatcherStub()
  const server = await createUnrulyServer({ ...gateway, answer: (asked, isIgnored) => {
    const answer = gateway.answer(asked, isIgnored)
    // As jsonrpcs sends it by default.
    return { ...answer, body: JSON.stringify(JSON.parse(String(answer.body)), null, '\t').replaceAll('": ', '":\t') }
  } })
  t.teardown(() => server.close())
  const names = ['dispatcher:1:sip:127.0.0.1:15060', 'dispatcher:1:sip:127.0.0.1:9;transport=udp']
  const kamailio = configure(t, { one: `{driver: kamailio, url: '${server.url}/RPC'}`, two: `{driver: kamailio, url: '${server.url}/RPC?'}` }, { interfaces: names, registration: '{auth: ip}' })
  const guide = JSON.parse((await pointsman('manual', 'acme', '--config.file', kamailio, '--output=json')).out) as Guide
  const shell = createShell(join(kamailio, '..'), CURL)
  const logins = guide.logins.map(({ command }) => command)
  t.equal(await shell.run([...logins, ...guide.look.flatMap(({ commands }) => commands)]), '"FLAGS":"AP"\n"FLAGS":"DX"\n')
  const steps = guide.moves[0]?.steps ?? []
  t.match(await shell.run([...logins, ...commandsOf(steps, /^Disable/)]), /"FLAGS":"DX"\n$/)
  await shell.run([...logins, ...commandsOf(steps, /^Enable/)])
  t.same(names.map((name) => gateway.runs(name)), [false, true])

  const raw = 'raw: {SIP1: {enable: \'/RELAY0/SIP1/mod_cmd.xml?cmd=form&disable=off\', disable: \'/RELAY0/SIP1/mod_cmd.xml?cmd=form&disable=on\'}}'
  for (const how of ['edit: add-rem', raw]) {
    const { gateway: pbx } = await simulate(t, {}, { username: 'po"int\\sman', password: PASSWORD })
    const file = configure(t, { 'pbx-a': box(pbx.url, `, ${how}`), 'pbx-b': box('http://127.0.0.1:9') })
    const own = JSON.parse((await pointsman('manual', 'acme', '--config.file', file, '--output=json')).out) as Guide
    const run = createShell(join(file, '..'), CURL)
    const moves = own.moves.map(({ steps: list }) => list)
    t.match(await run.run([...own.logins.map(({ command }) => command), ...commandsOf(moves[0] ?? [], /^Disable/)]), /SIP1: disabled\n$/, how)
    t.equal(pbx.state('SIP1').running, 'disabled', how)
    await run.run([...own.logins.map(({ command }) => command), ...commandsOf(moves[1] ?? [], /^Enable/)])
    t.equal(pbx.state('SIP1').running, 'enabled', how)
  }
})

test(`an account with odd characters, a line that may not be sent back (${CURL} curl)`, async (t) => {
  let config = ''
  const heard: { authorization: string, path: string }[] = []
  const server = await createUnrulyServer({
    answer: ({ authorization, path }) => {
      heard.push({ authorization, path })
      return { headers: { 'content-type': 'text/plain' }, body: path === '/cfg.txt' ? config : 'ok\r\n' }
    },
    isWrite: ({ path }) => path.startsWith('/!')
  })
  t.teardown(() => server.close())
  const file = configure(t, { a: box(server.url, ', auth: basic'), b: box('http://127.0.0.1:9') })
  const guide = JSON.parse((await pointsman('manual', 'acme', '--config.file', file, '--output=json')).out) as Guide
  const shell = createShell(join(file, '..'), CURL)
  const lines = [...guide.logins.map(({ command }) => command), ...commandsOf(guide.moves[0]?.steps ?? [], /^Disable/)]
  const cases: readonly { name: string, config: string, sent: string | null }[] = [
    { name: 'options and values stay as they are', config: 'config change RELAY0 SIP1 /name a%20b?c#d&e+f=g;h /x "[{y}]" /pw c$d`e\\f\r\n', sent: '/!config%20change%20RELAY0%20SIP1%20/disabled%20/name%20a%2520b%3Fc%23d%26e%2Bf%3Dg%3Bh%20/x%20%22%5B%7By%7D%5D%22%20/pw%20c$d%60e%5Cf' },
    { name: 'a flag that is there is not doubled, a value that looks like it is kept', config: 'config change RELAY0 SIP1 /disabled /x /disabledy\r\nconfig change RELAY0 SIP11 /x\r\n', sent: '/!config%20change%20RELAY0%20SIP1%20/disabled%20/x%20/disabledy' },
    { name: 'hidden values', config: 'config change RELAY0 SIP1 /pw ****\r\n', sent: null },
    { name: 'two lines', config: 'config change RELAY0 SIP1 /a\r\nconfig change RELAY0 SIP1 /b\r\n', sent: null },
    { name: 'no line', config: 'config change RELAY0 SIP2 /a\r\n', sent: null }
  ]
  for (const each of cases) {
    config = each.config
    heard.length = 0
    const output = await shell.run(lines)
    t.same(heard.map(({ path }) => path).filter((path) => path.startsWith('/!config%20change')), each.sent === null ? [] : [each.sent], each.name)
    t.equal(output.includes('STOP'), each.sent === null, `${each.name}: ${output}`)
  }
  t.equal(heard.find(({ authorization }) => authorization !== '')?.authorization, `Basic ${Buffer.from(`po"int\\sman:${PASSWORD}`).toString('base64')}`)
})

test('it needs no secret, and says which is missing', async (t) => {
  const file = configure(t, { a: box('http://127.0.0.1:9').replace('secrets/pbx', 'secrets/none'), b: '{driver: innovaphone, url: \'http://127.0.0.2:9\', username: me, password_env: NO_SUCH_VARIABLE}' })
  const ran = await pointsman('manual', 'acme', '--config.file', file, '--output=json')
  t.equal(ran.code, 0)
  t.match(ran.err, /pointsman\.yaml:3:\d+: warning: can't read the file "secrets\/none": there is no such file[^]*"NO_SUCH_VARIABLE" is not set/)
  const guide = JSON.parse(ran.out) as Guide
  t.equal(guide.unreadable.length, 2)
  t.match(guide.logins[1]?.command, /printf '%s\\n' "\$\{NO_SUCH_VARIABLE:\?\}"/)
})

test('wrong calls', async (t) => {
  const file = configure(t, { a: box('http://127.0.0.1:9'), b: box('http://127.0.0.2:9') })
  t.match(await pointsman('manual', 'nobody', '--config.file', file), { code: 1, err: /no trunk of that name; it has: acme/ })
  t.match(await pointsman('manual', '--config.file', file), { code: 2, err: /TRUNK is missing/ })
  writeFileSync(file, 'mode: [')
  t.match(await pointsman('manual', 'acme', '--config.file', file), { code: 3, out: '', err: /pointsman\.yaml:1:\d+: error:[^]*-manual\.txt/ })
})

test('the server keeps the text next to its store, and renews it at each reload', async (t) => {
  const r = await startPair(t.testdir(), { mode: 'observe' })
  t.teardown(() => r.stop())
  const path = join(r.configFile, '../pointsman-manual.txt')
  const first = await until('the file', 2_000, () => existsSync(path) ? readFileSync(path, 'utf8') : '', (text) => text !== '')
  t.equal(statSync(path).mode & 0o777, 0o600)
  const printed = await pointsman('manual', 'acme', '--config.file', r.configFile)
  t.equal(first, printed.out, 'with one trunk it is what the command prints')
  t.notOk(first.includes(r.pair.management.password))
  const config = readFileSync(r.configFile, 'utf8')
  writeFileSync(r.configFile, config.replace('  acme:', '  bravo:'))
  t.equal((await fetch(`${r.url()}/-/reload`, { method: 'POST', headers: { authorization: 'Bearer operator-token' } })).status, 200)
  t.match(readFileSync(path, 'utf8'), /Trunk bravo/)
})

test('a file that can\'t be written is a warning', async (t) => {
  const file = configure(t, { a: box('http://127.0.0.1:9'), b: box('http://127.0.0.2:9') })
  const loaded = await loadConfig(file, drivers)
  if (!loaded.ok) throw new Error('not loaded')
  const warned: object[] = []
  const log: Log = { debug: () => {}, info: () => {}, warn: (fields) => { warned.push(fields) }, error: () => {}, child: () => log }
  const directory = join(file, '..')
  await writeManual({ ...loaded.config, storePath: join(directory, 'nowhere/x.db') }, byHand, log)
  t.same(warned, [{ path: join(directory, 'nowhere/x-manual.txt'), code: 'ENOENT' }])
  t.equal(manualPath('/var/lib/pointsman.d/state'), '/var/lib/pointsman.d/state-manual.txt')
  // A link that somebody left is not followed.
  writeFileSync(join(directory, 'victim'), 'kept')
  symlinkSync(join(directory, 'victim'), `${manualPath(loaded.config.storePath)}.new`)
  await writeManual(loaded.config, byHand, log)
  t.equal(readFileSync(join(directory, 'victim'), 'utf8'), 'kept')
  t.match(readFileSync(manualPath(loaded.config.storePath), 'utf8'), /Trunk acme/)
  t.equal(warned.length, 1)
})
