/**
 * Who holds the registration, measured: a rule on own health alone (no Prometheus), a dead gateway that is still registered
 * with and without fencing, and the handover in one message; each with calls, and with calls on the way back.
 */
import type { TrunkStatus } from '../../src/core/status.ts'
import type { JournalRecord } from '../../src/ports.ts'
import { startCalls, startPbx } from './calls.ts'
import type { CallCount } from './calls.ts'
import { createGateway, RPC_TOKEN, startCarrier } from './kamailio.ts'
import type { Account, Carrier, Gateway } from './kamailio.ts'
import { createSipService } from './network.ts'
import { apiUsers, startPointsman, writeSecret } from './pointsman.ts'
import type { Pointsman } from './pointsman.ts'
import type { Stage } from './processes.ts'
import { median, seconds } from './report.ts'
import type { Report } from './report.ts'
import { withStatus } from './rounds.ts'
import { ADDRESSES, EXPIRES_SECONDS } from './scene.ts'
import { sleep, until } from './wait.ts'

const CALL_RATE = 20
const CALLS_AROUND_MS = 1000
const ROUND_MS = 30_000
/** A is usable for this long before the way back is asked for. */
const STEADY_MS = 2000
const POLL_MS = 20

/** One trunk with its two gateways, and what is done to A. */
interface Kind {
  readonly trunk: string
  readonly title: string
  readonly second: Account['second']
  readonly registration: Readonly<Record<string, unknown>>
  readonly network: string
  readonly fault: 'sip-dead' | 'killed'
  /** Rounds when nobody asks for more, and the most that are played. */
  readonly few: number
  readonly most: number
}

const KINDS: readonly Kind[] = [
  { trunk: 'own', title: 'A\'s SIP service dead, carrier replaces', second: 'replace', registration: {}, network: '127.0.31', fault: 'sip-dead', few: 2, most: 100 },
  { trunk: 'own-swap', title: 'the same with handover: swap', second: 'replace', registration: { handover: 'swap' }, network: '127.0.32', fault: 'sip-dead', few: 1, most: 100 },
  { trunk: 'wait', title: 'A killed and still registered, carrier rejects: waiting for the expiry', second: 'reject', registration: {}, network: '127.0.33', fault: 'killed', few: 1, most: 8 },
  { trunk: 'fence', title: 'the same with fencing', second: 'reject', registration: { fencing: true }, network: '127.0.34', fault: 'killed', few: 1, most: 100 },
  { trunk: 'swap', title: 'the same with handover: swap', second: 'reject', registration: { handover: 'swap' }, network: '127.0.35', fault: 'killed', few: 1, most: 100 }
]

interface Pair {
  readonly kind: Kind
  readonly account: Account
  readonly a: Gateway
  readonly b: Gateway
  inject(): Promise<void>
  mend(): Promise<void>
}

interface Scene {
  readonly stage: Stage
  readonly carrier: Carrier
  readonly pointsman: Pointsman
  readonly pairs: readonly Pair[]
}

const createPair = (stage: Stage, kind: Kind): Pair => {
  const account = { user: `acc-${kind.trunk}`, password: `password-of-${kind.trunk}`, second: kind.second }
  const gateway = (side: 'a' | 'b', host: number): Gateway => createGateway(stage, {
    name: `${kind.trunk}-${side}`, ip: `${kind.network}.${host}`, carrier: ADDRESSES.carrier, pbx: ADDRESSES.pbx, account, expiresSeconds: EXPIRES_SECONDS, retrySeconds: 2
  })
  const a = gateway('a', 1)
  const service = createSipService(a.ip)
  return {
    kind,
    account,
    a,
    b: gateway('b', 2),
    inject: () => kind.fault === 'killed' ? a.kill() : service.cut(),
    mend: () => kind.fault === 'killed' ? a.start() : service.restore()
  }
}

const configOf = (stage: Stage, pairs: readonly Pair[]): Record<string, unknown> => ({
  mode: 'automatic',
  web: { users: apiUsers(stage) },
  // No Prometheus, no Alertmanager: Pointsman's own eyes.
  rules: [{ name: 'own-eyes', when: { health: 'down', for: '0s' }, demand: 'disable' }],
  interlocks: { spacing: ['0s'], warmup: '5s', cooldown: '1s', hold: '1s', brake: { incidents: 1000, per_day: 10_000 }, latch: { switchovers: 100, per: '1m' }, panic_share: 1 },
  gateways: Object.fromEntries(pairs.flatMap(({ kind, a, b }) => [a, b].map((gateway, index) => [`${kind.trunk}-${index === 0 ? 'a' : 'b'}`, {
    driver: 'kamailio', url: `http://${gateway.ip}:8080/RPC`, token_file: writeSecret(stage, 'rpc', RPC_TOKEN), dispatcher_group: 1,
    timeout: '250ms', observe: { interval: '250ms', fall: 2, rise: 2 }, registers_within: '5s'
  }]))),
  probes: {
    options: { method: 'OPTIONS', interval: '250ms', timeout: '250ms', fall: 2, rise: 2, local_address: ADDRESSES.probes },
    ...Object.fromEntries(pairs.map(({ kind, account }) => [`binding-${kind.trunk}`, {
      method: 'REGISTER', operation: 'query', username: account.user, password_file: writeSecret(stage, account.user, account.password), interval: '5s', doubt_interval: '500ms', timeout: '500ms'
    }]))
  },
  trunks: Object.fromEntries(pairs.map(({ kind, account, a, b }) => [kind.trunk, {
    type: 'exclusive',
    registration: {
      auth: 'register', on_second: kind.second, expires: `${EXPIRES_SECONDS}s`, aor: `sip:${account.user}@carrier.test`, registrar: `sip:${ADDRESSES.carrier}`,
      query: `binding-${kind.trunk}`, ...kind.registration
    },
    interfaces: [a, b].map((gateway, index) => ({
      gateway: `${kind.trunk}-${index === 0 ? 'a' : 'b'}`, interface: account.user, sip: `sip:${gateway.ip}`, contact: `${gateway.ip}:5060`, carrier: `sip:${ADDRESSES.carrier}`, probe: 'options'
    }))
  }]))
})

const isRested = async ({ pointsman }: Scene, pair: Pair): Promise<boolean> => {
  const status = await pointsman.trunk(pair.kind.trunk)
  const [a, b] = status.interfaces
  return status.active === a?.key && a?.health === 'up' && b?.usable === true && status.switchover === null && status.binding?.holder === a.key
}

const startHandoverScene = async (stage: Stage): Promise<Scene> => {
  const pairs = KINDS.map((kind) => createPair(stage, kind))
  const carrier = await startCarrier(stage, ADDRESSES.carrier, pairs.map(({ account }) => account), EXPIRES_SECONDS)
  await startPbx(stage, ADDRESSES.pbx)
  for (const { a, b } of pairs) await Promise.all([a.start(), b.start()])
  for (const { a, account } of pairs) {
    await a.rpc('uac.reg_enable', ['l_uuid', a.record])
    await until(`registration of ${account.user}`, async () => await carrier.holder(account.user) === a.ip, 5000)
  }
  const pointsman = await startPointsman(stage, 'pointsman-handover', ADDRESSES.pointsman, configOf(stage, pairs))
  const scene = { stage, carrier, pointsman, pairs }
  for (const pair of pairs) await until(`rest of ${pair.kind.trunk}`, () => isRested(scene, pair), ROUND_MS, 100)
  return scene
}

/** Moments after the fault [ms]; null: not seen. */
interface Moments {
  readonly down: number | null
  readonly admitted: number | null
  readonly proven: number | null
  readonly enabled: number | null
  /** The carrier sends calls to B. */
  readonly bound: number | null
  /** B's own REGISTER was accepted. */
  readonly online: number | null
  readonly verified: number | null
}

const timeOf = (records: readonly JournalRecord[], type: string, data: Readonly<Record<string, unknown>>): number | null =>
  records.find((record) => record.type === type && Object.entries(data).every(([key, value]) => record.data[key] === value))?.atMs ?? null

/** Polls the carrier and B themselves; what Pointsman did is taken from its journal. */
const watch = async ({ carrier, pointsman }: Scene, pair: Pair, faultAtMs: number): Promise<Moments> => {
  const seen: { down: number | null, bound: number | null, online: number | null, decision: string | null } = { down: null, bound: null, online: null, decision: null }
  const since = (): number => Date.now() - faultAtMs
  let records: readonly JournalRecord[] = []
  while (since() < ROUND_MS) {
    const [status, holder, registration] = await Promise.all([pointsman.trunk(pair.kind.trunk), carrier.holder(pair.account.user), pair.b.registration()])
    if (status.interfaces[0]?.health === 'down') seen.down ??= since()
    if (holder === pair.b.ip) seen.bound ??= since()
    if (registration?.online === true) seen.online ??= since()
    seen.decision ??= status.switchover?.decision ?? null
    if (seen.decision !== null && status.switchover === null) {
      records = await pointsman.decision(seen.decision)
      if (timeOf(records, 'ended', {}) !== null && seen.online !== null) break
    }
    await sleep(POLL_MS)
  }
  const after = (atMs: number | null): number | null => atMs === null ? null : atMs - faultAtMs
  return {
    down: seen.down,
    admitted: after(timeOf(records, 'admitted', {})),
    proven: after(timeOf(records, 'phase', { phase: 'enabling' })),
    enabled: after(timeOf(records, 'outcome', { command: 'enabled', result: 'done' })),
    bound: seen.bound,
    online: seen.online,
    verified: after(timeOf(records, 'ended', { result: 'verified' }))
  }
}

interface Round {
  readonly moments: Moments
  /** Before the fault was mended. */
  readonly status: TrunkStatus
  readonly calls: CallCount
  readonly back: { readonly boundMs: number | null, readonly calls: CallCount }
  readonly wrote: readonly string[]
}

const withCalls = async <T>(scene: Scene, pair: Pair, work: () => Promise<T>): Promise<{ readonly result: T, readonly calls: CallCount }> => {
  const caller = await startCalls(scene.stage, { from: ADDRESSES.caller, carrier: ADDRESSES.carrier, account: pair.account.user, rate: CALL_RATE })
  await sleep(CALLS_AROUND_MS)
  const result = await work()
  await sleep(CALLS_AROUND_MS)
  return { result, calls: await caller.finish() }
}

/** Asks for the way back, and sees when the carrier sends calls to A again. */
const failBack = async (scene: Scene, pair: Pair): Promise<number | null> => {
  const startMs = Date.now()
  const { code, answer } = await scene.pointsman.command('failback', { trunk: pair.kind.trunk, reason: 'the fault of the round is mended' })
  if (code !== 200 && code !== 202) throw new Error(`failback of ${pair.kind.trunk}: ${code} ${answer}`)
  let boundMs: number | null = null
  await until(`rest of ${pair.kind.trunk} after the failback`, async () => {
    if (boundMs === null && await scene.carrier.holder(pair.account.user) === pair.a.ip) boundMs = Date.now() - startMs
    return await isRested(scene, pair)
  }, ROUND_MS).catch((cause: unknown) => withStatus(scene, pair.kind.trunk, cause))
  return boundMs
}

const waitUntilSteady = async (scene: Scene, pair: Pair): Promise<void> => {
  let since: number | null = null
  await until(`usable ${pair.kind.trunk}-a`, async () => {
    const status = await scene.pointsman.trunk(pair.kind.trunk)
    const usable = status.interfaces[0]?.usable === true && status.interfaces[0].health === 'up' && status.switchover === null && !status.interfaces.some((i) => i.debt)
    since = usable ? since ?? performance.now() : null
    return since !== null && performance.now() - since > STEADY_MS
  }, ROUND_MS, 100).catch((cause: unknown) => withStatus(scene, pair.kind.trunk, cause))
}

const playRound = async (scene: Scene, pair: Pair): Promise<Round> => {
  const startMs = Date.now()
  const there = await withCalls(scene, pair, async () => {
    const faultAtMs = Date.now()
    await pair.inject()
    return watch(scene, pair, faultAtMs)
  })
  const status = await scene.pointsman.trunk(pair.kind.trunk)
  await pair.mend()
  await waitUntilSteady(scene, pair)
  const back = await withCalls(scene, pair, () => failBack(scene, pair))
  const decisions = (await scene.pointsman.decisions(pair.kind.trunk)).filter(({ atMs }) => atMs >= startMs)
  const records = await Promise.all(decisions.map(({ id }) => scene.pointsman.decision(id)))
  const wrote = records.flat().filter(({ type, data }) => type === 'command' && (data['command'] === 'fence' || data['command'] === 'swap')).map(({ data }) => String(data['command']))
  return { moments: there.result, status, calls: there.calls, back: { boundMs: back.result, calls: back.calls }, wrote }
}

const minus = (later: number | null, earlier: number | null): number | null => later === null || earlier === null ? null : Math.max(0, later - earlier)

/** The gateway's own timer: from the read-back of the enable to its own REGISTER. */
const timerOf = ({ online, enabled }: Moments): number | null => minus(online, enabled)

const HEADINGS = [
  'kind', 'round', 'fault>down', '>admitted', '>proven', '>B enabled', '>B\'s own REGISTER (its timer)', 'fault>calls go to B', 'fault>B registered', 'without timer', '>verified',
  'calls', 'lost', 'back: >calls go to A', 'calls', 'lost', 'wrote'
]

const row = (kind: Kind, number: number, { moments, calls, back, wrote }: Round): readonly (string | number)[] => [
  kind.trunk, number, seconds(moments.down), seconds(minus(moments.admitted, moments.down)), seconds(minus(moments.proven, moments.admitted)), seconds(minus(moments.enabled, moments.proven)),
  seconds(timerOf(moments)), seconds(moments.bound), seconds(moments.online), seconds(minus(moments.online, timerOf(moments))), seconds(minus(moments.verified, moments.online)),
  calls.placed, calls.lost, seconds(back.boundMs), back.calls.placed, back.calls.lost, wrote.join(' ')
]

const middleOf = (rounds: readonly Round[], value: (round: Round) => number | null): number => median(rounds.map((round) => value(round) ?? ROUND_MS))

/** @param asked - rounds of each kind; null: a few */
export const playHandovers = async (report: Report, stage: Stage, asked: number | null): Promise<void> => {
  report.section(`Handover: rule on own health, probes at 250 ms with fall 2, expires ${EXPIRES_SECONDS} s, ${CALL_RATE} calls/s`)
  const scene = await startHandoverScene(stage)
  const played = new Map<string, readonly Round[]>()
  for (const pair of scene.pairs) {
    const { kind } = pair
    report.note(`${kind.trunk}: ${kind.title}`)
    // The carrier has to list B once before its Contact is known: the first move is never a swap.
    if (kind.registration['handover'] === 'swap') await playRound(scene, pair)
    const rounds: Round[] = []
    const count = Math.min(asked ?? kind.few, kind.most)
    for (let number = 1; number <= count; number += 1) {
      const round = await playRound(scene, pair)
      rounds.push(round)
      report.check(round.moments.verified !== null && round.moments.bound !== null, `${kind.trunk}, round ${number}: on B, registered and verified; and back on A`, { moments: round.moments, status: round.status })
    }
    played.set(kind.trunk, rounds)
  }
  report.table(HEADINGS, KINDS.flatMap((kind) => (played.get(kind.trunk) ?? []).map((round, index) => row(kind, index + 1, round))))
  judge(report, (trunk) => played.get(trunk) ?? [])
}

const judge = (report: Report, of: (trunk: string) => readonly Round[]): void => {
  const total = (trunk: string): number => middleOf(of(trunk), ({ moments }) => moments.online)
  report.table(['kind', 'rounds', 'median fault>calls go to B', 'median fault>B registered', 'median its timer', 'median without timer', 'median lost', 'median back>calls go to A', 'median lost on the way back'],
    KINDS.map(({ trunk }) => [
      trunk, of(trunk).length, seconds(middleOf(of(trunk), ({ moments }) => moments.bound)), seconds(total(trunk)), seconds(middleOf(of(trunk), ({ moments }) => timerOf(moments))),
      seconds(middleOf(of(trunk), ({ moments }) => minus(moments.online, timerOf(moments)))), middleOf(of(trunk), ({ calls }) => calls.lost),
      seconds(middleOf(of(trunk), ({ back }) => back.boundMs)), middleOf(of(trunk), ({ back }) => back.calls.lost)
    ]))
  const own = middleOf(of('own'), ({ moments }) => minus(moments.online, timerOf(moments)))
  report.check(own <= 1500, `own eyes: median fault > B registered without the gateway's timer: ${seconds(own)}, limit ${seconds(1500)}`)
  const more = total('fence') - total('own')
  report.check(more <= 1500, `dead and still registered, fenced: ${seconds(Math.max(0, more))} more than own eyes (median), limit ${seconds(1500)}`)
  report.check(total('fence') < total('wait'), `fencing is a head start: ${seconds(total('fence'))} instead of ${seconds(total('wait'))} (median)`)
  for (const trunk of ['own-swap', 'swap']) report.check(of(trunk).every(({ wrote }) => wrote.filter((command) => command === 'swap').length >= 2), `${trunk}: each round there and back by swap`)
  report.check(of('fence').every(({ wrote }) => wrote.includes('fence')), 'fence: each round by fencing')
}
