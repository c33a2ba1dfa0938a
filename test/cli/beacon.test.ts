import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { cli } from '../../src/cli/cli.ts'
import { systemClock } from '../../src/clock.ts'
import { loadConfig } from '../../src/config/load.ts'
import { byHand, drivers } from '../../src/drivers/registry.ts'

interface Ran { code: number; err: string; served: unknown[] }

const never = (): never => { throw new Error('not this') }

async function pointsman (argv: readonly string[]): Promise<Ran> {
  const ran: Ran = { code: -1, err: '', served: [] }
  ran.code = await cli(argv, { stdout: () => {}, stderr: (text) => { ran.err += text }, env: {} }, {
    version: 'test', clock: systemClock, byHand, createDriver: never, createSipClient: never, run: never, testRules: never, demo: never,
    loadConfig: (file, secrets) => loadConfig(file, drivers, {}, secrets),
    runBeacon: async ({ gateway, listen, follow }) => {
      ran.served.push({ gateway: gateway.id, listen, follow: follow.href })
      return 0
    }
  })
  return ran
}

test('beacon: the second one is told what it is, or what is wrong', async (t) => {
  const beaconOf = (id: string): string => `  ${id}: {driver: beacon, listen: ['udp:10.0.9.9:${id === 'east' ? 5060 : 5061}'], realm: b, username: u, password_env: NOWHERE${id === 'west' ? ", second: ['tcp:10.0.7.9:5060']" : ''}}`
  const fileWith = (...beacons: readonly string[]): string => {
    const file = join(t.testdir(), 'pointsman.yaml')
    writeFileSync(file, `gateways:\n${beacons.map(beaconOf).join('\n')}\n  pbx-a: {driver: kamailio, url: 'http://127.0.0.1:9/RPC', token_env: NOWHERE}\nprobes:\n  options: {method: OPTIONS}\ntargets:\n  - {uri: 'sip:127.0.0.1', probe: options}\n`)
    return file
  }
  const flags = ['--follow=http://127.0.0.1:9867', '--listen=udp:10.0.8.9:5060,tcp:10.0.8.9:5060']
  const one = await pointsman(['beacon', `--config.file=${fileWith('east')}`, ...flags])
  t.same([one.code, one.served], [0, [{ gateway: 'east', listen: ['udp:10.0.8.9:5060', 'tcp:10.0.8.9:5060'], follow: 'http://127.0.0.1:9867/' }]], one.err)
  const two = fileWith('east', 'west')
  t.match(await pointsman(['beacon', `--config.file=${two}`, ...flags]), { code: 2, err: /--gateway must be one of: east, west/ })
  t.match(await pointsman(['beacon', `--config.file=${two}`, '--gateway=west', ...flags]), { code: 0, served: [{ gateway: 'west' }] })
  t.match(await pointsman(['beacon', `--config.file=${two}`, '--gateway=west', flags[0]!]), { code: 0, served: [{ listen: ['tcp:10.0.7.9:5060'] }] }, 'where the file says')
  t.match(await pointsman(['beacon', `--config.file=${two}`, '--gateway=east', flags[0]!]), { code: 2, err: /--listen is missing/ })
  t.match(await pointsman(['beacon', `--config.file=${two}`, '--gateway=pbx-a', ...flags]), { code: 2 })
  t.match(await pointsman(['beacon', `--config.file=${two}`, '--gateway=west', '--follow=ftp://x', flags[1]!]), { code: 2, err: /--follow/ })
  t.match(await pointsman(['beacon', `--config.file=${two}`, '--gateway=west', flags[0]!, '--listen=10.0.8.9']), { code: 2, err: /is not like udp:10\.0\.8\.9:5060/ })
})
