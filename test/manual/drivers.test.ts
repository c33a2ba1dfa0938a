/** What a driver tells a person to type does what the driver does: it is run by a shell against the driver's stub. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { byHand } from '../../src/drivers/registry.ts'
import { asteriskStub } from '../drivers/asterisk-stub.ts'
import { freeswitchStub } from '../drivers/freeswitch-stub.ts'
import { audiocodesStub, cubeStub, exampleSettings, lineDevice, lineStub, oracleStub } from '../drivers/http-stubs.ts'
import { opensipsStub } from '../drivers/opensips-stub.ts'
import type { Stub } from '../drivers/stubs.ts'
import { createUnrulyServer } from '../drivers/unruly-server.ts'
import { createShell, CURL } from '../helpers/shell.ts'

interface Subject {
  readonly driver: string
  readonly stub: Stub
  readonly path: string
  readonly settings?: Readonly<Record<string, unknown>>
  /** Key of the secret in `settings`, without `_file`; default: the password of an account. */
  readonly secret?: 'token'
  readonly on: string
  readonly off: string
  /** What a look prints, while it is enabled and disabled. */
  readonly enabled: RegExp
  readonly disabled: RegExp
}

const PASSWORD = 'canary-one'

const SUBJECTS: readonly Subject[] = [
  { driver: 'opensips', stub: opensipsStub(3), path: '/mi', on: 'sip:4930123@acme.example', off: 'sip:4930124@acme.example', enabled: /"state":"REGISTERED_STATE","enabled":"yes"/, disabled: /"enabled":"no"/ },
  { driver: 'opensips', stub: opensipsStub(4), path: '/mi', settings: { version: 4 }, on: 'dispatcher:1:sip:10.0.9.1:5060', off: 'dispatcher:1:sip:10.0.9.2:5060', enabled: /"state":"Active"/, disabled: /"state":"Inactive"/ },
  { driver: 'opensips', stub: opensipsStub(3), path: '/mi', on: 'drouting:gw1', off: 'drouting:gw2', enabled: /"State":"Active"/, disabled: /"State":"Disabled MI"/ },
  { driver: 'freeswitch', stub: freeswitchStub(), path: '', on: 'acme', off: 'acme2', enabled: /^acme2?: REGED\n$/, disabled: /^acme2?: DOWN\n$/ },
  { driver: 'asterisk', stub: asteriskStub(), path: '/asterisk', on: 'acme:out', off: 'acme2', enabled: /^acme2?: Registered\n$/, disabled: /^acme2?: Unregistered\n$/ },
  { driver: 'http', stub: lineStub(), path: '', settings: { ...lineDevice, read: { ...lineDevice.read, path: '/api/lines?of={{interface}}' }, token_header: 'X-API-Key' }, secret: 'token', on: 'line+1', off: 'line2', enabled: /"admin":"up"/, disabled: /"admin":"down"/ },
  { driver: 'http', stub: oracleStub(), path: '', settings: await exampleSettings('oracle-sbc'), on: 'acme', off: 'beta', enabled: /<value>enabled<.value>\n$/, disabled: /<value>disabled<.value>\n$/ },
  { driver: 'http', stub: cubeStub(), path: '', settings: await exampleSettings('cisco-cube'), on: 'acme', off: 'beta', enabled: /^$/, disabled: /"shutdown":\[null/ },
  { driver: 'http', stub: audiocodesStub(), path: '', settings: await exampleSettings('audiocodes'), on: 'acme', off: 'beta', enabled: /"output":"# show\\ncarrier-\w+ +enabled/, disabled: /"output":"# show\\ncarrier-\w+ +disabled/ }
]

test(`an interface is looked at, switched off and on (${CURL} curl)`, async (t) => {
  const directory = t.testdir()
  mkdirSync(join(directory, 'secrets'))
  writeFileSync(join(directory, 'secrets/pbx'), `${PASSWORD}\n`)
  for (const { driver, stub, path, settings = {}, secret, on, off, enabled, disabled } of SUBJECTS) {
    const authorizations = new Set<string>()
    const server = await createUnrulyServer({ ...stub, answer: (asked, isIgnored) => { authorizations.add(asked.authorization.split(' ')[0] ?? ''); return stub.answer(asked, isIgnored) } })
    const account = secret === 'token' ? { token_file: join(directory, 'secrets/pbx') } : { password_file: join(directory, 'secrets/pbx') }
    const hand = byHand({ driver, settings: { ...secret === 'token' ? {} : { username: 'pointsman' }, ...settings, url: `${server.url}${path}` }, sources: account }, 'gw')
    const shell = createShell(directory, CURL)
    const run = (commands: readonly string[]): Promise<string> => shell.run([hand.login.defines, ...commands])
    const name = `${driver} ${on}`
    const all = [on, off].flatMap((each) => [hand.observe(each), hand.apply(each, 'enabled'), hand.apply(each, 'disabled')])
    execFileSync('sh', ['-n'], { input: [hand.login.defines, ...all.flatMap(({ commands }) => commands)].join('\n') })
    t.match(await run(hand.observe(on).commands), enabled, `${name}: enabled`)
    t.match(await run(hand.observe(off).commands), disabled, `${name}: the other one is disabled`)
    await run(hand.apply(on, 'disabled').commands)
    t.equal(stub.runs(on), false, `${name}: off`)
    t.match(await run(hand.observe(on).commands), disabled, `${name}: and seen so`)
    await run(hand.apply(off, 'enabled').commands)
    t.equal(stub.runs(off), true, `${name}: the other one on`)
    t.match(await run(hand.observe(off).commands), enabled, `${name}: and seen so`)
    await run([...hand.apply(off, 'disabled').commands, ...hand.apply(on, 'enabled').commands])
    t.same([stub.runs(on), stub.runs(off)], [true, false], `${name}: and back`)
    t.ok(authorizations.has('Digest') || authorizations.has('Basic') || driver !== 'asterisk', `${name}: with the account`)
    t.notOk([shell.calls(), ...all.flatMap(({ commands, note }) => [...commands, note]), hand.login.defines, hand.login.asks].join().includes(PASSWORD), 'no secret in a line')
    await server.close()
  }
})

test('an account with several registrants is not switched by half a name', async (t) => {
  const stub = opensipsStub(3)
  const server = await createUnrulyServer(stub)
  t.teardown(() => server.close())
  const hand = byHand({ driver: 'opensips', settings: { url: server.url }, sources: {} }, 'gw')
  const shell = createShell(t.testdir(), CURL)
  await shell.run([hand.login.defines, ...hand.apply('sip:twice@acme.example', 'disabled').commands])
  t.notOk(server.asked.some((asked) => stub.isWrite(asked)))
  await shell.run([hand.login.defines, ...hand.apply('sip:twice@acme.example,sip:west.acme.example', 'disabled').commands])
  t.match(server.asked.findLast((asked) => stub.isWrite(asked))?.body, '"registrar":"sip:west.acme.example"')
})
