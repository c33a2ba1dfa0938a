import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { loadApart } from '../src/config-loader.ts'
import { loadConfig } from '../src/config/load.ts'
import { drivers } from '../src/drivers/registry.ts'
import type { Secret } from '../src/ports.ts'

const TEXT = `
gateways:
  pbx-a: {driver: innovaphone, url: http://127.0.0.1:1, username: admin, password_file: password}
  pbx-b: {driver: innovaphone, url: http://127.0.0.1:2, username: admin, password_env: POINTSMAN_TEST_PASSWORD}
probes:
  options: {method: OPTIONS}
trunks:
  acme:
    type: exclusive
    registration: {auth: register, aor: 'sip:acme@sbc.test', registrar: 'sip:127.0.0.1', on_second: replace, expires: 300s}
    interfaces:
      - {gateway: pbx-a, interface: SIP1, sip: 'sip:127.0.0.1', contact: '127.0.0.1:5060', probe: options}
      - {gateway: pbx-b, interface: SIP1, sip: 'sip:127.0.0.2', contact: '127.0.0.2:5060', probe: options}
`
/** Comments that make a file a large one. */
const PADDING = '# nothing\n'.repeat(30_000)

/** Threads that the work starts. */
const threadsOf = async (work: () => Promise<unknown>): Promise<number> => {
  let threads = 0
  const count = (): void => { threads++ }
  process.on('worker', count)
  await work()
  process.removeListener('worker', count)
  return threads
}

test('a large file gives the same as a small one, from a thread of its own', async (t) => {
  const folder = t.testdir({ 'password': 'open sesame\n' })
  process.env['POINTSMAN_TEST_PASSWORD'] = 'open sesame'
  t.teardown(() => { delete process.env['POINTSMAN_TEST_PASSWORD'] })
  for (const [name, content] of [['small', TEXT], ['large', `${TEXT}${PADDING}`], ['large-bad', `${PADDING}${TEXT}nonsense: 1\n`]] as const) writeFileSync(join(folder, name), content)
  const file = (name: string): string => join(folder, name)

  t.equal(await threadsOf(() => loadApart(file('small'))), 0)
  t.equal(await threadsOf(() => loadApart(file('large'))), 1)
  for (const name of ['large', 'large-bad']) {
    const [apart, here] = [await loadApart(file(name)), await loadConfig(file(name), drivers)]
    t.same(apart, here, name)
    t.equal(apart.ok, name === 'large', name)
  }
  const large = await loadApart(file('large'))
  const secrets = large.ok ? large.config.gateways.flatMap(({ settings }) => 'password' in settings ? [settings['password'] as Secret] : []) : []
  t.equal(secrets.length, 2)
  for (const secret of secrets) t.same([secret.reveal(), JSON.stringify(secret)], ['open sesame', '"<secret>"'])
})

test('a thread that dies is a problem of the file, and the next one is read again', async (t) => {
  const folder = t.testdir({ 'password': 'open sesame\n', 'large': `${TEXT}${PADDING}`.replace('password_env: POINTSMAN_TEST_PASSWORD', 'password_file: password') })
  t.match(await loadApart(join(folder, 'large'), { maxOldGenerationSizeMb: 8 }), { ok: false, problems: [{ message: /^the file can't be read: the thread/ }] })
  t.equal((await loadApart(join(folder, 'large'))).ok, true)
})

test('a file that is not there is a problem of the file', async (t) => {
  t.match(await loadApart(join(t.testdir({}), 'none')), { ok: false, problems: [{ message: 'there is no such file' }] })
})
