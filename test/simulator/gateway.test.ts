import { test } from 'tap'
import type { Test } from 'tap'
import type { GatewayFaults } from '../../src/simulator/gateway-faults.ts'
import { createSimulatedPair } from '../../src/simulator/world.ts'
import type { SimulatedPair, SimulatedPairOptions } from '../../src/simulator/world.ts'
import { createFakeClock, createSeededRandom } from '../../src/rehearsal/fake-clock.ts'
import type { FakeClock } from '../../src/rehearsal/fake-clock.ts'
import { createSipWire, digestHeader, httpGet, sipLines, until } from './wire.ts'
import type { HttpReply } from './wire.ts'

interface Stage {
  readonly pair: SimulatedPair
  readonly clock: FakeClock
  /** GET at gateway A with Basic. */
  readonly get: (path: string, waitMs?: number) => Promise<HttpReply>
  /** `/!config …` at gateway A. */
  readonly config: (...commands: readonly string[]) => Promise<void>
}

const basic = (username: string, password: string): string => `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
const commandPath = (command: string): string => `/!${encodeURIComponent(command)}`

/** A is registered when it starts. */
const createStage = async (t: Test, options: Partial<SimulatedPairOptions> = {}): Promise<Stage> => {
  const clock = createFakeClock()
  const pair = await createSimulatedPair({ clock, random: createSeededRandom(1), expires: 10, retryMs: 1_000, answerMs: 1_500, ...options })
  t.teardown(() => pair.stop())
  const { username, password } = pair.management
  const get = (path: string, waitMs = 1_000): Promise<HttpReply> => httpGet(`${pair.a.url}${path}`, basic(username, password), waitMs)
  const config = async (...commands: readonly string[]): Promise<void> => {
    for (const command of commands) t.match(await get(commandPath(`config ${command}`)), { status: 200 }, command)
  }
  if (options.enabled?.a !== false) await until('A registers', () => pair.a.state('SIP1').registered)
  return { pair, clock, get, config }
}

const cfgText = async (stage: Stage): Promise<string> => {
  const reply = await stage.get('/cfg.txt')
  return 'body' in reply ? reply.body : reply.error
}

/** The first interface line as cfg.txt shows it, without `config change `. */
const readLine = async (stage: Stage): Promise<string> => /^config change (RELAY0 SIP1\b.*)\r$/m.exec(await cfgText(stage))?.[1] ?? ''
const disabledLine = async (stage: Stage): Promise<string> => (await readLine(stage)).replace('SIP1', 'SIP1 /disabled')

/** Moves time on in half seconds until it is so, with the real packets in between. */
const advanceUntil = async ({ clock }: Stage, what: string, limitMs: number, isSo: () => boolean): Promise<number> => {
  for (let passed = 0; passed <= limitMs; passed += 500) {
    for (let turn = 0; turn < 4; turn += 1) {
      await new Promise((resolve) => { setTimeout(resolve, 2) })
      if (isSo()) return passed
    }
    await clock.advance(500)
  }
  throw new Error(`did not happen: ${what}`)
}

test('gateway: cfg.txt has comments, variables and one line per object, CRLF, and no password', async (t) => {
  const stage = await createStage(t)
  const text = await cfgText(stage)
  t.match(text, new RegExp([
    '^# pbx-a configuration', '# 13r3 sr5 IP811\\[simulated\\]', 'vars create RELAY0/SIP1/PWD pc [0-9a-f]{32}', 'config change CMD0 /name pbx-a',
    'config change IP0 /no-dhcp', `config change RELAY0 SIP1 /name acme /id 4930123%40acme.example /proxy 127.0.0.1:${stage.pair.carrier.port} /expires 10`, '$'
  ].join('\r\n')))
  t.notMatch(text, stage.pair.account.password)
  t.match(await httpGet(`${stage.pair.b.url}/cfg.txt`, basic('pointsman', 'pbx-secret')), { status: 200, body: /^config change RELAY0 SIP1 \/disabled \/name acme /m })
})

const STATES: readonly {
  readonly name: string
  /** `LINE` stands for the interface's line with the flag. */
  readonly commands: readonly string[]
  readonly reboot?: true
  readonly state: Readonly<Record<'stored' | 'flash' | 'running', string>>
}[] = [
  { name: 'change alone is stored and still runs as before', commands: ['change LINE'], state: { stored: 'disabled', flash: 'enabled', running: 'enabled' } },
  { name: 'change and write without activate still runs as before', commands: ['change LINE', 'write'], state: { stored: 'disabled', flash: 'disabled', running: 'enabled' } },
  { name: 'what was written runs after a reboot', commands: ['change LINE', 'write'], reboot: true, state: { stored: 'disabled', flash: 'disabled', running: 'disabled' } },
  { name: 'change, write, activate disables it for good', commands: ['change LINE', 'write', 'activate'], reboot: true, state: { stored: 'disabled', flash: 'disabled', running: 'disabled' } },
  { name: 'activate without write disables it', commands: ['change LINE', 'activate'], state: { stored: 'disabled', flash: 'enabled', running: 'disabled' } },
  { name: 'activate without write is lost at a reboot', commands: ['change LINE', 'activate'], reboot: true, state: { stored: 'enabled', flash: 'enabled', running: 'enabled' } },
  { name: 'add sets one flag', commands: ['add RELAY0 SIP1 /disabled', 'activate'], state: { stored: 'disabled', flash: 'enabled', running: 'disabled' } },
  { name: 'rem takes it away', commands: ['add RELAY0 SIP1 /disabled', 'rem RELAY0 SIP1 /disabled'], state: { stored: 'enabled', flash: 'enabled', running: 'enabled' } }
]

for (const { name, commands, reboot, state } of STATES) {
  test(`gateway: ${name}`, async (t) => {
    const stage = await createStage(t)
    const { a } = stage.pair
    const before = await readLine(stage)
    const line = await disabledLine(stage)
    await stage.config(...commands.map((command) => command.replace('LINE', line)))
    if (reboot === true) a.reboot()
    t.match(a.state('SIP1'), state)
    const isRunning = state.running === 'enabled'
    await until('it registers as it runs', () => a.state('SIP1').registered === isRunning)
    const shown = await readLine(stage)
    t.equal(shown.replace(' /disabled', ''), before, 'nothing else of the line changed')
    t.equal(shown.includes(' /disabled'), state.stored === 'disabled', 'cfg.txt shows what is stored')
  })
}

test('gateway: cfg.txt shows the running configuration where the device is told to', async (t) => {
  const stage = await createStage(t, { cfgShows: 'running' })
  const line = await disabledLine(stage)
  await stage.config(`change ${line}`)
  t.notMatch(await cfgText(stage), '/disabled')
  await stage.config('activate')
  t.match(await cfgText(stage), 'SIP1 /disabled')
})

test('gateway: a switchover frees the carrier only when the old binding has run out, unless disabling un-registers', async (t) => {
  for (const { unregisterOnDisable, limitMs } of [{ unregisterOnDisable: false, limitMs: 12_000 }, { unregisterOnDisable: true, limitMs: 2_000 }]) {
    const stage = await createStage(t, { unregisterOnDisable })
    const { a, b, carrier } = stage.pair
    a.administrator('config add RELAY0 SIP1 /disabled')
    a.administrator('config activate')
    b.administrator('config rem RELAY0 SIP1 /disabled')
    b.administrator('config activate')
    const passed = await advanceUntil(stage, 'B registers', limitMs, () => b.state('SIP1').registered)
    t.same(stage.pair.holders(), ['b'])
    t.equal(carrier.overlaps(), 0)
    t.equal(passed >= 9_000, !unregisterOnDisable, `B after ${passed} ms`)
    await stage.pair.stop()
  }
})

test('gateway: a changed line that stays enabled registers anew without leaving the carrier', async (t) => {
  const stage = await createStage(t, { unregisterOnDisable: true })
  await stage.config('add RELAY0 SIP1 /comment new', 'activate')
  await until('A registers anew', () => stage.pair.carrier.events().length >= 2)
  t.same(stage.pair.carrier.events().map((event) => event.type), ['registered', 'refreshed'])
})

test('gateway: an enabled interface refreshes at half its lifetime and stays registered', async (t) => {
  const stage = await createStage(t, { nonceLifetimeMs: 4_000 })
  const refreshed = (): number => stage.pair.carrier.events().filter((event) => event.type === 'refreshed').length
  t.equal(await advanceUntil(stage, 'the first refresh', 6_000, () => refreshed() === 1), 5_000)
  await advanceUntil(stage, 'the third refresh', 12_000, () => refreshed() === 3)
  t.same(stage.pair.carrier.events().map((event) => event.type), ['registered', 'refreshed', 'refreshed', 'refreshed'])
})

test('gateway: a refused registration raises an alarm and is tried again', async (t) => {
  const stage = await createStage(t)
  const { a, b, carrier } = stage.pair
  const alarms = '/LOG0/FAULT/mod_cmd.xml?cmd=xml-alarms'
  t.match(await stage.get(alarms), { status: 200, body: '<faults></faults>' })
  carrier.inject({ rejectedContacts: [a.contact] })
  await advanceUntil(stage, 'A is refused', 6_000, () => !a.state('SIP1').registered)
  t.match(await stage.get(alarms), { body: /type="alarm" severity="2" code="0x00010002" time="2026-[^"]+"><text>[^<]*SIP1</ })
  carrier.clear()
  await advanceUntil(stage, 'A registers again', 2_000, () => a.state('SIP1').registered)
  t.equal(b.state('SIP1').registered, false)
})

test('gateway: refused credentials cost one REGISTER per retry', async (t) => {
  const stage = await createStage(t, { enabled: { a: false, b: false } })
  const { a, carrier } = stage.pair
  a.administrator(`config change RELAY0 SIP1 /id 4930999%40acme.example /proxy 127.0.0.1:${carrier.port} /expires 10`)
  a.administrator('config activate')
  const refused = (): number => carrier.events().filter((event) => event.code === 401).length
  await advanceUntil(stage, 'four refusals', 4_000, () => refused() === 4)
  t.equal(stage.clock.monotonicMs(), 3_000)
  t.equal(a.state('SIP1').registered, false)
})

test('gateway: its SIP address answers OPTIONS, unless it is silent or dead', async (t) => {
  const { pair } = await createStage(t)
  const wire = await createSipWire(Number(pair.a.contact.split(':')[1]))
  t.teardown(() => wire.close())
  const options = async (): Promise<number | null> => (await wire.send(sipLines('OPTIONS', pair.a.sipUri, pair.a.sipUri, []), 60))?.code ?? null
  t.equal(await options(), 200)
  t.equal((await wire.send(sipLines('MESSAGE', pair.a.sipUri, pair.a.sipUri, [])))?.code, 405)
  await pair.a.inject({ uplink: 'cut' })
  t.equal(await options(), 200, 'uplink cut: only the carrier is cut off')
  await pair.a.inject({ sip: 'silent' })
  t.equal(await options(), null, 'silent')
  await pair.a.clear()
  t.equal(await options(), 200, 'over')
  await pair.a.kill()
  t.equal(await options(), null, 'dead')
  await pair.a.revive()
  t.equal(await options(), 200, 'alive again')
})

test('gateway: with its uplink cut it loses the registration and gets it back', async (t) => {
  const stage = await createStage(t)
  const { a } = stage.pair
  for (const cut of [() => a.inject({ uplink: 'cut' }), async () => { stage.pair.carrier.inject({ dropped: [a.contact] }) }]) {
    await cut()
    await advanceUntil(stage, 'the binding runs out', 12_000, () => stage.pair.holders().length === 0)
    t.equal(a.state('SIP1').registered, false)
    await a.clear()
    stage.pair.carrier.clear()
    await advanceUntil(stage, 'A registers again', 4_000, () => a.state('SIP1').registered)
  }
})

test('gateway: killed and revived it boots what is in flash and registers by itself', async (t) => {
  const stage = await createStage(t)
  const { a } = stage.pair
  a.administrator('config add RELAY0 SIP1 /disabled')
  a.administrator('config activate')
  await a.kill()
  t.match(await stage.get('/cfg.txt'), { error: 'ECONNREFUSED' })
  await a.revive()
  t.match(await stage.get('/cfg.txt'), { status: 200 })
  t.match(a.state('SIP1'), { stored: 'enabled', running: 'enabled' })
  await until('A registers', () => a.state('SIP1').registered)
})

const REPLIES: readonly { readonly name: string; readonly path: string; readonly expected: object; readonly anonymous?: true }[] = [
  { name: 'an unknown module', path: '/SIP1/mod_cmd.xml', expected: { status: 200, body: '?\r\n' } },
  { name: 'an unknown command', path: '/!config%20shred', expected: { status: 200, body: '?\r\n' } },
  { name: 'a command for an unknown module', path: '/!config%20add%20FOO0%20/x', expected: { status: 200, body: '?\r\n' } },
  { name: 'a path that it hasn\'t', path: '/RELAY0/state', expected: { status: 404 } },
  { name: 'a path with broken escapes', path: '/!config%2', expected: { status: 400 } },
  { name: 'box_info.xml, without an account', path: '/CMD0/box_info.xml', expected: { status: 200, body: '<sys version="13r3' }, anonymous: true },
  { name: 'anything else without an account', path: '/cfg.txt', expected: { status: 401 }, anonymous: true }
]

test('gateway: what it answers', async (t) => {
  const { pair, get } = await createStage(t)
  for (const { name, path, expected, anonymous } of REPLIES) {
    t.match(anonymous === true ? await httpGet(`${pair.a.url}${path}`, null) : await get(path), expected, name)
  }
  t.same(pair.a.requests.map((request) => request.status), REPLIES.map(({ expected }) => 'status' in expected ? expected.status : null))
})

test('gateway: Basic, Digest and the form-based login', async (t) => {
  const anonymous = async (pair: SimulatedPair): Promise<HttpReply> => httpGet(`${pair.a.url}/cfg.txt`, null)
  const challengeOf = (reply: HttpReply): string => 'header' in reply ? reply.header('www-authenticate') ?? '' : ''
  const plain = await createStage(t)
  t.equal(challengeOf(await anonymous(plain.pair)), 'Basic realm="innovaphone"')
  plain.pair.a.rotatePassword('other')
  t.match(await plain.get('/cfg.txt'), { status: 401 }, 'after the password was changed')

  const digest = await createStage(t, { auth: 'digest' })
  t.match(await digest.get('/cfg.txt'), { status: 401 }, 'Basic where Digest is wanted')
  const authorization = digestHeader(challengeOf(await anonymous(digest.pair)), { ...digest.pair.management, method: 'GET', uri: '/cfg.txt' })
  t.match(await httpGet(`${digest.pair.a.url}/cfg.txt`, authorization), { status: 200 })
  t.match(await httpGet(`${digest.pair.a.url}/cfg.txt`, authorization), { status: 401 }, 'the same count again')

  const form = await createStage(t, { auth: 'form' })
  t.match(await form.get('/cfg.txt'), { status: 200, body: /<form method="post"/ })
})

const FILE_FAULTS: readonly { readonly name: string; readonly faults: Partial<GatewayFaults>; readonly label?: string; readonly disabled?: true; readonly expected: object }[] = [
  { name: 'truncated: it ends in the middle of the line', faults: { cfg: 'truncated' }, expected: { status: 200, body: /config change RELAY0 SIP1 [^\r]*[^\r\n]$/ } },
  { name: 'broken off: the connection is lost in the middle of the line', faults: { cfg: 'broken-off' }, expected: { error: 'ECONNRESET' } },
  { name: 'the interface is absent', faults: { cfg: 'absent' }, expected: { status: 200, body: /IP0 \/no-dhcp\r\n$/ } },
  { name: 'the interface is there twice and contradicts itself', faults: { cfg: 'duplicated' }, expected: { body: /SIP1 \/name [^\r]*\r\nconfig change RELAY0 SIP1 \/disabled \/name / } },
  { name: 'a password is masked', faults: { cfg: 'masked' }, expected: { body: /SIP1 .* \/pwd \*+\r\n/ } },
  { name: 'the flag stands in the middle', faults: { flagPosition: 'middle' }, disabled: true, expected: { body: /SIP1 \/name acme \/id \S+ \/disabled \/proxy/ } },
  { name: 'the flag stands at the end', faults: { flagPosition: 'last' }, disabled: true, expected: { body: /SIP1 \/name .* \/disabled\r\n/ } },
  { name: 'a value contains the flag\'s name', faults: {}, label: 'x/disabledy', expected: { body: /SIP1 \/name x\/disabledy / } },
  { name: 'HTML instead of the file', faults: { reply: 'html' }, expected: { status: 200, body: /^<html>/ } },
  { name: 'a redirect instead of the file', faults: { reply: 'redirect' }, expected: { status: 302 } },
  { name: 'an error instead of the file', faults: { reply: 'error' }, expected: { status: 500 } },
  { name: 'refused connection', faults: { http: 'dead' }, expected: { error: 'ECONNREFUSED' } },
  { name: 'silence', faults: { http: 'frozen' }, expected: { error: 'silent' } }
]

for (const { name, faults, label, disabled, expected } of FILE_FAULTS) {
  test(`gateway: cfg.txt under a fault: ${name}`, async (t) => {
    const stage = await createStage(t, label === undefined ? {} : { label })
    if (disabled === true) stage.pair.a.administrator('config add RELAY0 SIP1 /disabled')
    await stage.pair.a.inject(faults)
    t.match(await stage.get('/cfg.txt', 80), expected)
    t.equal(stage.pair.a.state('SIP1').running, 'enabled', 'what runs is untouched')
    await stage.pair.a.clear()
    t.match(await cfgText(stage), /RELAY0 SIP1 .*\r\n$/)
  })
}

const COMMAND_FAULTS: readonly { readonly name: string; readonly faults: Partial<GatewayFaults>; readonly answers: readonly string[]; readonly state: object }[] = [
  { name: 'ignored change', faults: { ignored: ['change'] }, answers: ['200', '200', '200'], state: { stored: 'enabled', flash: 'enabled', running: 'enabled' } },
  { name: 'ignored write', faults: { ignored: ['write'] }, answers: ['200', '200', '200'], state: { stored: 'disabled', flash: 'enabled', running: 'disabled' } },
  { name: 'ignored activate', faults: { ignored: ['activate'] }, answers: ['200', '200', '200'], state: { stored: 'disabled', flash: 'disabled', running: 'enabled' } },
  { name: 'connection reset before activate takes effect', faults: { activate: 'reset-before' }, answers: ['200', '200', 'ECONNRESET'], state: { running: 'enabled' } },
  { name: 'connection reset after activate took effect', faults: { activate: 'reset-after' }, answers: ['200', '200', 'ECONNRESET'], state: { running: 'disabled' } },
  { name: 'HTML instead of execution', faults: { reply: 'html' }, answers: ['200', '200', '200'], state: { stored: 'enabled', running: 'enabled' } }
]

for (const { name, faults, answers, state } of COMMAND_FAULTS) {
  test(`gateway: commands under a fault: ${name}`, async (t) => {
    const stage = await createStage(t)
    const line = await disabledLine(stage)
    await stage.pair.a.inject(faults)
    const seen: string[] = []
    for (const command of [`config change ${line}`, 'config write', 'config activate']) {
      const reply = await stage.get(commandPath(command))
      seen.push('error' in reply ? reply.error : String(reply.status))
    }
    t.same(seen, answers)
    t.match(stage.pair.a.state('SIP1'), state)
  })
}

test('gateway: what arrived while it was frozen is executed after the thaw, not after a power cut', async (t) => {
  for (const { thaws, flash } of [{ thaws: true, flash: 'disabled' }, { thaws: false, flash: 'enabled' }]) {
    const stage = await createStage(t)
    const { a } = stage.pair
    a.administrator('config add RELAY0 SIP1 /disabled')
    await a.inject({ http: 'frozen' })
    t.match(await stage.get(commandPath('config write'), 50), { error: 'silent' })
    t.equal(a.state('SIP1').flash, 'enabled')
    if (!thaws) await a.kill()
    await a.clear()
    if (!thaws) await a.revive()
    t.match(await stage.get('/cfg.txt'), { status: 200 })
    t.equal(a.state('SIP1').flash, flash)
  }
})

test('gateway: slow, it answers when its time has come', async (t) => {
  const { pair, clock, get } = await createStage(t)
  await pair.a.inject({ http: 'slow', slowMs: 3_000 })
  const reply = get('/cfg.txt')
  await until('the request arrived', () => pair.a.requests.length === 1)
  await clock.advance(2_999)
  t.equal(pair.a.requests[0]?.status, null)
  await clock.advance(1)
  t.match(await reply, { status: 200 })
})

test('gateway: another administrator edits the line right after it was read, once', async (t) => {
  const stage = await createStage(t)
  await stage.pair.a.inject({ editAfterRead: true })
  t.notMatch(await cfgText(stage), '/comment')
  t.match(await cfgText(stage), /RELAY0 SIP1 .* \/comment edited\r\n/)
  t.equal(stage.pair.a.faults().editAfterRead, false)
  t.throws(() => { stage.pair.a.administrator('config shred') }, { message: 'not a command of this device: config shred' })
})

test('pair: with a carrier that replaces, two enabled gateways take the binding from one another', async (t) => {
  const stage = await createStage(t, { onSecond: 'replace', enabled: { a: true, b: true } })
  const replaced = (): number => stage.pair.carrier.events().filter((event) => event.type === 'replaced').length
  await advanceUntil(stage, 'they flip', 12_000, () => replaced() >= 2)
  t.equal(stage.pair.holders().length, 1)
  t.equal(stage.pair.carrier.overlaps(), 0)
})
