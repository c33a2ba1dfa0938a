/** A standby that registers by local SRV records, the whole of Pointsman around its beacon, a restart in every state. */
import { createSocket } from 'node:dgram'
import { test } from 'tap'
import type { Test } from 'tap'
import { systemClock, systemRandom } from '../../src/clock.ts'
import type { SipTarget } from '../../src/ports.ts'
import { createSecret } from '../../src/secret.ts'
import { createSipClient } from '../../src/sip/client.ts'
import { startPair, until } from '../helpers/running-pair.ts'
import type { RunningPair } from '../helpers/running-pair.ts'

const CONTACT = 'sip:standby@127.0.0.1:5999'

async function freePort (): Promise<number> {
  const socket = createSocket('udp4')
  await new Promise<void>((resolve) => { socket.bind(0, '127.0.0.1', resolve) })
  const { port } = socket.address()
  await new Promise<void>((resolve) => { socket.close(resolve) })
  return port
}

interface Standby {
  /** What each turn met: the beacon's answer, and the carrier's where it went on. */
  readonly met: string[]
  stop (): Promise<void>
}

/** Registers each half second, for three seconds, at the first server that takes it. */
function startStandby (r: RunningPair, beaconPort: number): Standby {
  const sip = createSipClient({ clock: systemClock, random: systemRandom })
  const met: string[] = []
  const { username, password, aor } = r.pair.account
  const registerAt = async (target: SipTarget): Promise<string> => {
    const answer = await sip.changeBindings(target, { username, password: createSecret(password) }, [{ uri: CONTACT, expiresSeconds: 3 }], 400, new AbortController().signal)
    return answer.kind === 'listed' ? '200' : 'code' in answer ? String(answer.code) : answer.kind
  }
  const end = new AbortController()
  const run = async (): Promise<void> => {
    while (!end.signal.aborted) {
      const first = await registerAt({ uri: `sip:127.0.0.1:${beaconPort}`, transport: 'udp', aor: `sip:${username}@beacon.example` })
      met.push(first === '200' ? 'beacon' : `${first}, then carrier: ${await registerAt({ uri: r.pair.carrier.uri, aor })}`)
      await new Promise((resolve) => { setTimeout(resolve, 500) })
    }
  }
  const running = run()
  return { met, stop: async () => { end.abort(); await running; await sip.close() } }
}

async function rig (t: Test): Promise<{ r: RunningPair; standby: Standby; holder: () => string }> {
  const beaconPort = await freePort()
  const r = await startPair(t.testdir(), { type: 'srv', beaconPort })
  const standby = startStandby(r, beaconPort)
  t.teardown(async () => { await standby.stop(); await r.stop() })
  const holder = (): string => r.pair.carrier.bindings(r.pair.account.aor).map(({ uri }) => uri === CONTACT ? 'standby' : 'a').join(' ')
  return { r, standby, holder }
}

test('the standby stays at the beacon, takes over when A is dead, and comes back', { timeout: 90_000 }, async (t) => {
  const { r, standby, holder } = await rig(t)
  /** What it was answered; in the moment of a restart nobody answers, and it asks again. */
  const since = (length: number): string[] => [...new Set(standby.met.slice(length).filter((each) => !each.startsWith('failed')))]
  await until('rest', 15_000, () => r.trunk(), ({ active, interfaces, switchover }) => active === 'pbx-a/SIP1' && switchover === null && interfaces[1]?.usable === true && interfaces[1].takeoverMs !== null)
  t.equal(holder(), 'a')
  t.ok(((await r.trunk()).interfaces[1]?.takeoverMs ?? 0) <= 3_000)
  const before = standby.met.length
  await r.restart()
  await until('a look after the restart', 10_000, () => standby.met.length, (length) => length > before + 3)
  t.same(since(before), ['beacon'], 'after a restart the beacon accepts from its first answer on')
  t.equal(holder(), 'a')

  await r.pair.a.kill()
  await r.alert('firing', 'pbx-a', new Date().toISOString())
  await until('the standby carries', 30_000, () => r.trunk(), ({ active, switchover }) => active === 'standby/standby' && switchover === null)
  t.equal(holder(), 'standby')
  const gone = standby.met.length
  await r.restart()
  await until('a look after the restart', 10_000, () => standby.met.length, (length) => length > gone + 3)
  t.same(since(gone), ['503, then carrier: 200'], 'and refuses from its first answer on while the standby carries')
  t.equal((await r.records()).filter(({ type, data }) => type === 'command' && data['interface'] === 'standby/standby' && data['command'] === 'enabled').length, 1, 'told once, in the journal')

  await r.pair.a.revive()
  await until('A is usable', 20_000, () => r.trunk(), ({ interfaces, switchover }) => interfaces[0]?.usable === true && !interfaces[0].debt && switchover === null)
  await r.alert('resolved', 'pbx-a', new Date().toISOString())
  t.match(await r.command('failback', { trunk: 'acme', reason: 'mended' }), { status: /^20/ })
  await until('A carries', 30_000, () => r.trunk(), ({ active, switchover }) => active === 'pbx-a/SIP1' && switchover === null)
  t.equal(holder(), 'a')
  await until('the standby is back', 10_000, () => standby.met.at(-1), (last) => last === 'beacon')
})
