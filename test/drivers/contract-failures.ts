/** The part of the drivers' contract about gateways that misbehave: each failure has its reason and says what it may have done. */
import { inspect } from 'node:util'
import type { Test } from 'tap'
import { applyOne } from '../helpers/permitted.ts'
import { later, plain } from './contract-subject.ts'
import type { MakeSubject, Subject } from './contract-subject.ts'
import { ELSEWHERE } from './unruly-server.ts'
import type { Misbehaviour } from './unruly-server.ts'

const soon = (): AbortSignal => AbortSignal.timeout(250)
/** Only what never comes to an end has to run into its deadline. */
const untilItEnds = (kind: Misbehaviour): AbortSignal => kind === 'silent' || kind === 'slow-loris' ? soon() : later()
const atOnce = (): AbortSignal => AbortSignal.timeout(60)

const ALWAYS: readonly { kind: Misbehaviour; want: string | RegExp }[] = [
  { kind: 'silent', want: 'timeout' },
  { kind: 'slow-loris', want: 'timeout' },
  { kind: 'html', want: 'not-data' },
  { kind: 'empty', want: 'not-data' },
  { kind: 'null', want: 'not-data' },
  { kind: 'not-http', want: 'not-data' },
  { kind: 'redirect', want: 'redirect' },
  { kind: 'unauthorised', want: 'auth-failed' },
  { kind: 'error', want: 'http-status' },
  { kind: 'truncated', want: 'truncated' },
  { kind: 'reset-early', want: 'reset' },
  { kind: 'reset-midway', want: 'truncated' }
]

/** Where an answer's text proves nothing, only the reading after it says that nothing has changed. */
const UNPROVEN = /^(not-data|truncated|no-effect)$/

const ON_WRITES: readonly { kind: Misbehaviour; want: string | RegExp; effect: 'none' | 'unknown' }[] = [
  { kind: 'silent', want: 'timeout', effect: 'unknown' },
  { kind: 'slow-loris', want: 'timeout', effect: 'unknown' },
  { kind: 'html', want: 'not-data', effect: 'unknown' },
  { kind: 'empty', want: UNPROVEN, effect: 'unknown' },
  { kind: 'null', want: UNPROVEN, effect: 'unknown' },
  { kind: 'half', want: UNPROVEN, effect: 'unknown' },
  { kind: 'not-http', want: 'not-data', effect: 'unknown' },
  { kind: 'redirect', want: 'redirect', effect: 'none' },
  { kind: 'unauthorised', want: 'auth-failed', effect: 'none' },
  { kind: 'error', want: 'http-status', effect: 'unknown' },
  { kind: 'truncated', want: 'truncated', effect: 'unknown' },
  { kind: 'reset-early', want: 'reset', effect: 'unknown' },
  { kind: 'reset-midway', want: 'truncated', effect: 'unknown' },
  { kind: 'ignored', want: 'no-effect', effect: 'unknown' }
]

export async function survivesMisbehaviour (t: Test, make: MakeSubject): Promise<void> {
  for (const { kind, want } of ALWAYS) {
    const { driver, names, capabilities, runs, misbehave } = await plain(t, make)
    if (!await misbehave(kind)) continue
    t.match(await driver.observe([names.on], untilItEnds(kind)), { ok: false, reason: want, effect: 'none' }, `observe: ${kind}`)
    t.match(await applyOne(driver, names.on, 'disabled', untilItEnds(kind)), { ok: false, reason: want, effect: 'none' }, `apply: ${kind}`)
    if (capabilities.reregisters) t.match(await driver.reregister(names.on, untilItEnds(kind)), { ok: false, reason: want }, `reregister: ${kind}`)
    await misbehave(null)
    t.match(await driver.observe([names.on], later()), { ok: true }, `well again after ${kind}`)
    t.equal(runs(names.on), true, `nothing was switched by ${kind}`)
  }
  await readsHalvesRight(t, await plain(t, make))
}

/** Half an answer that looks whole: no answer, or the truth where it was in the first half. */
async function readsHalvesRight (t: Test, { driver, names, misbehave }: Subject): Promise<void> {
  if (!await misbehave('half')) return
  const result = await driver.observe([names.on], later())
  if (result.ok) t.match(result.interfaces.get(names.on), { present: true, admin: 'enabled' }, 'half an answer: the truth')
  else t.match(result, { reason: /^(not-data|truncated)$/, effect: 'none' }, 'half an answer')
}

export async function tellsUnknownFromNone (t: Test, make: MakeSubject): Promise<void> {
  for (const { kind, want, effect } of ON_WRITES) {
    const { driver, names, runs, misbehave } = await plain(t, make)
    if (!await misbehave(kind, 'writes')) continue
    t.match(await applyOne(driver, names.on, 'disabled', untilItEnds(kind)), { ok: false, reason: want, effect }, `a write: ${kind}`)
    t.equal(runs(names.on), true, `not executed: ${kind}`)
    await misbehave(null)
    t.match(await applyOne(driver, names.on, 'disabled', later()), { ok: true }, `the next attempt after ${kind}`)
    t.equal(runs(names.on), false, `executed at last: ${kind}`)
  }
}

export async function survivesLateSuccess (t: Test, { driver, names, runs, misbehave }: Subject): Promise<void> {
  t.equal(await misbehave('late', 'writes'), true)
  const result = await applyOne(driver, names.off, 'enabled', soon())
  t.match(result, { ok: false, reason: /^(timeout|reset)$/, effect: 'unknown' }, 'no answer: it may be on')
  await misbehave(null)
  t.match(await applyOne(driver, names.off, 'enabled', later()), { ok: true }, 'finished by the next attempt')
  t.equal(runs(names.off), true)
}

export async function endsWhenTold (t: Test, { driver, names, misbehave, switchOff }: Subject): Promise<void> {
  await misbehave('silent')
  const controller = new AbortController()
  const calls = [driver.observe([names.on], controller.signal), applyOne(driver, names.on, 'disabled', controller.signal)]
  setTimeout(() => controller.abort(), 30)
  for (const result of await Promise.all(calls)) t.match(result, { ok: false, reason: 'aborted', effect: 'none' })
  const started = performance.now()
  const before = await applyOne(driver, names.on, 'disabled', AbortSignal.abort())
  t.match(before, { ok: false, reason: 'aborted', effect: 'none' }, 'cancelled before it began')
  t.match(await driver.observe([names.on], AbortSignal.timeout(100)), { ok: false, reason: 'timeout', effect: 'none' })
  t.ok(performance.now() - started < 1_000, 'the deadline holds')
  await switchOff()
  t.match(await driver.observe([names.on], later()), { ok: false, reason: 'refused', effect: 'none' })
  t.match(await applyOne(driver, names.on, 'disabled', later()), { ok: false, reason: 'refused', effect: 'none' })
}

export async function cancelsMidway (t: Test, { driver, names, misbehave }: Subject): Promise<void> {
  if (!await misbehave('silent', 'writes')) return
  const controller = new AbortController()
  const permit = async (): Promise<null> => {
    setTimeout(() => controller.abort(), 150)
    return null
  }
  t.match(await applyOne(driver, names.on, 'disabled', controller.signal, permit), { ok: false, reason: 'aborted', effect: 'unknown' })
}

export async function staysInPlace (t: Test, { driver, names, misbehave, paths }: Subject): Promise<void> {
  for (const only of [undefined, 'writes'] as const) {
    if (!await misbehave('redirect', only)) continue
    t.match(await applyOne(driver, names.on, 'disabled', later()), { ok: false, reason: 'redirect', effect: 'none' })
  }
  t.notOk(paths?.().some((path) => path.startsWith(ELSEWHERE)), 'nobody went there')
}

export async function refusesCertificates (t: Test, make: MakeSubject): Promise<void> {
  const right = await make(t, 'tls')
  if (right === null) return
  t.match(await applyOne(right.driver, right.names.on, 'disabled', later()), { ok: true }, 'the right certificate')
  for (const wire of ['wrong-name', 'unknown-issuer'] as const) {
    const subject = await make(t, wire)
    if (subject === null) throw new Error('a gateway with TLS can have any certificate')
    const { driver, names, runs, paths } = subject
    t.match(await driver.observe([names.on], later()), { ok: false, reason: 'tls', effect: 'none' }, `observe: ${wire}`)
    t.match(await applyOne(driver, names.on, 'disabled', later()), { ok: false, reason: 'tls', effect: 'none' }, `apply: ${wire}`)
    t.match(await driver.reregister(names.on, later()), { ok: false, effect: 'none' }, `reregister: ${wire}`)
    t.same([paths?.() ?? [], runs(names.on)], [[], true], `${wire}: not a byte of the request went out`)
  }
}

/** What this process prints meanwhile; it is printed all the same. */
async function outputOf (run: () => Promise<void>): Promise<string> {
  let text = ''
  const streams = [process.stdout, process.stderr] as const
  const originals = streams.map((stream) => stream.write)
  for (const [index, stream] of streams.entries()) {
    stream.write = (chunk: string | Uint8Array, ...rest: unknown[]): boolean => {
      text += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString()
      return (originals[index] as (...args: unknown[]) => boolean).call(stream, chunk, ...rest)
    }
  }
  try {
    await run()
  } finally {
    for (const [index, stream] of streams.entries()) stream.write = originals[index]!
  }
  return text
}

export async function echoesNothing (t: Test, make: MakeSubject): Promise<void> {
  const told: unknown[] = []
  const secrets = new Set<string>()
  const output = await outputOf(async () => {
    for (const { kind } of [...ALWAYS, ...ON_WRITES]) {
      for (const only of [undefined, 'writes'] as const) {
        const subject = await plain(t, make)
        const { driver, names, misbehave } = subject
        await misbehave(kind, only)
        told.push(await driver.observe([names.on], atOnce()), await applyOne(driver, names.on, 'disabled', atOnce()), await driver.reregister(names.on, atOnce()), driver)
        for (const secret of subject.secrets) secrets.add(secret)
      }
    }
  })
  t.ok(told.length > 200 && secrets.size > 0)
  for (const secret of secrets) {
    for (const text of [JSON.stringify(told), inspect(told, { depth: 8 }), output]) t.notOk(text.includes(secret), 'no secret')
  }
}
