/** Questions and changes to registrars: who comes first, how many a second, and what comes too late. */
import { test } from 'tap'
import type { BindingAnswer } from '../../src/core/binding.ts'
import { createQuerier } from '../../src/engine/querier.ts'
import type { BindingChange, Querier } from '../../src/engine/querier.ts'
import type { Log, SipClient } from '../../src/ports.ts'
import { createFakeClock } from '../../src/rehearsal/fake-clock.ts'
import type { FakeClock } from '../../src/rehearsal/fake-clock.ts'
import { createSecret } from '../../src/secret.ts'

interface Rig {
  readonly clock: FakeClock
  readonly querier: Querier
  /** What left, as `query t1@0.5` (seconds). */
  readonly sent: readonly string[]
  /** How it ended, as `t1 listed`. */
  readonly ended: readonly string[]
  change(trunk: string, validMs?: number): BindingChange
  stop(): void
}

function createRig (registrarOf: (trunk: string) => string = () => 'sip:carrier'): Rig {
  const clock = createFakeClock()
  const stopping = new AbortController()
  const startMs = clock.monotonicMs()
  const sent: string[] = []
  const ended: string[] = []
  const quiet = (): void => {}
  const log: Log = { debug: quiet, info: quiet, warn: quiet, error: quiet, child: () => log }
  const answer = async (what: string, aor: string | undefined): Promise<BindingAnswer> => {
    sent.push(`${what} ${aor}@${(clock.monotonicMs() - startMs) / 1000}`)
    await clock.sleep(50)
    return { kind: 'listed', contacts: [] }
  }
  const sip: SipClient = {
    probe: () => Promise.reject(new Error('not asked')),
    release: () => Promise.resolve(),
    queryBindings: ({ aor }) => answer('query', aor),
    changeBindings: ({ aor }) => answer('change', aor),
    close: () => Promise.resolve()
  }
  const querier = createQuerier({ sip, clock, log }, {
    answered: (trunk, { kind }) => { ended.push(`${trunk} ${kind}`) },
    changed: ({ trunk }, { kind }) => { ended.push(`${trunk} ${kind}`) }
  }, stopping.signal)
  const trunks = ['t1', 't2', 't3', 't4', 't5', 't6']
  querier.update(trunks.map((trunk) => ({ trunk, target: { uri: registrarOf(trunk), aor: trunk }, credentials: { username: 'x', password: createSecret('x') }, timeoutMs: 1000 })))
  return {
    clock,
    querier,
    sent,
    ended,
    change: (trunk, validMs = 2000) => ({ trunk, changes: [{ uri: 'sip:a', expiresSeconds: 0 }], decision: 'd', notAfterMs: clock.now() + validMs }),
    stop: () => { stopping.abort() }
  }
}

test('two a second to one registrar, however many ask', async (t) => {
  const rig = createRig()
  for (const trunk of ['t1', 't2', 't3', 't4', 't5']) rig.querier.ask(trunk)
  rig.querier.ask('t5')
  await rig.clock.advance(5000)
  t.same(rig.sent, ['query t1@0', 'query t2@0.5', 'query t3@1', 'query t4@1.5', 'query t5@2'])
  rig.querier.ask('t1')
  await rig.clock.advance(100)
  t.equal(rig.sent.at(-1), 'query t1@5', 'after a pause at once')
})

test('changes go before questions that wait', async (t) => {
  const rig = createRig()
  for (const trunk of ['t1', 't2', 't3', 't4']) rig.querier.ask(trunk)
  rig.querier.change(rig.change('t5'))
  await rig.clock.advance(3000)
  t.same(rig.sent, ['query t1@0', 'change t5@0', 'query t2@1', 'query t3@1.5', 'query t4@2'])
})

test('a change waits for half a second at most, however many questions are asked', async (t) => {
  const rig = createRig()
  const ask = (): void => { for (const trunk of ['t1', 't2', 't3']) rig.querier.ask(trunk) }
  for (let tick = 0; tick < 20; tick++) {
    ask()
    await rig.clock.advance(100)
  }
  const atS = 2
  rig.querier.change(rig.change('t6'))
  await rig.clock.advance(1000)
  const sentAtS = Number(rig.sent.find((line) => line.startsWith('change'))?.split('@')[1])
  t.ok(sentAtS - atS <= 0.5, `${sentAtS - atS} s`)
  const times = rig.sent.map((line) => Number(line.split('@')[1]))
  t.ok(times.every((time, index) => index < 2 || time - (times[index - 2] ?? 0) >= 0.999), 'never more than two within a second')
})

test('another registrar has its own limit', async (t) => {
  const rig = createRig((trunk) => `sip:carrier-of-${trunk}`)
  for (const trunk of ['t1', 't2', 't3']) rig.querier.ask(trunk)
  await rig.clock.advance(10)
  t.equal(rig.sent.length, 3)
})

test('a change whose turn comes too late is not sent, and says so', async (t) => {
  const rig = createRig()
  for (const trunk of ['t1', 't2', 't3', 't4', 't5', 't6']) rig.querier.change(rig.change(trunk, 1500))
  await rig.clock.advance(5000)
  t.same(rig.sent, ['change t1@0', 'change t2@0', 'change t3@1', 'change t4@1'])
  t.same(rig.ended, ['t1 listed', 't2 listed', 't3 listed', 't4 listed', 't5 late', 't6 late'])
  rig.querier.change(rig.change('t-unknown'))
  await rig.clock.advance(10)
  t.equal(rig.ended.at(-1), 't-unknown late', 'a trunk that left the configuration')
})

test('a clock that is set makes nothing late or young', async (t) => {
  const rig = createRig()
  for (const trunk of ['t1', 't2', 't3']) rig.querier.change(rig.change(trunk))
  rig.clock.stepWallClock(3_600_000)
  await rig.clock.advance(1100)
  t.equal(rig.sent.at(-1), 'change t3@1')
})

test('when we stop nothing more is sent, and all that waits ends', async (t) => {
  const rig = createRig()
  for (const trunk of ['t1', 't2', 't3']) rig.querier.ask(trunk)
  for (const trunk of ['t4', 't5']) rig.querier.change(rig.change(trunk))
  await rig.clock.advance(10)
  const { length } = rig.sent
  rig.stop()
  const idle = rig.querier.idle()
  await rig.clock.advance(100)
  await idle
  t.equal(rig.sent.length, length)
  t.ok(rig.ended.includes('t5 late'))
})
