/**
 * Small worlds of who holds the registration: every way in which a carrier knows its gateways, every thing that may be
 * written to its registrar, every fault of A, B and the registrar, each lived through until it is at rest. What must hold:
 * no two registered at once, nothing written to the registrar without leave or against a living gateway, at most three
 * times; and the trunk comes to B when it can.
 */
import { test } from 'tap'
import type { ListedContact } from '../../src/core/binding.ts'
import { A, B, buildAlert, NOW, SECOND, TELLS_ALL } from '../helpers/build-world.ts'
import { createModelTrunk } from '../helpers/model-trunk.ts'
import type { ModelRegistrar, ModelTrunk } from '../helpers/model-trunk.ts'

const CARRIERS = [
  { name: 'auth ip', auth: 'ip', onSecond: 'reject', unproven: 'page' },
  { name: 'reject', auth: 'register', onSecond: 'reject', unproven: 'page' },
  { name: 'replace, page', auth: 'register', onSecond: 'replace', unproven: 'page' },
  { name: 'replace, act', auth: 'register', onSecond: 'replace', unproven: 'act' },
  { name: 'coexist, page', auth: 'register', onSecond: 'coexist', unproven: 'page' },
  { name: 'coexist, act', auth: 'register', onSecond: 'coexist', unproven: 'act' }
] as const
const WRITES = [
  { fencing: false, handover: 'separate', known: false },
  { fencing: true, handover: 'separate', known: false },
  { fencing: false, handover: 'swap', known: true },
  { fencing: false, handover: 'swap', known: false },
  { fencing: true, handover: 'swap', known: true }
] as const
const REGISTRARS: readonly (ModelRegistrar & { readonly calibrated: boolean })[] = [
  { query: 'lists', change: 'obeys', calibrated: true },
  { query: 'lists', change: 'refuses', calibrated: true },
  { query: 'lists', change: 'lies', calibrated: true },
  { query: 'lists', change: 'silent', calibrated: true },
  { query: 'nothing', change: 'obeys', calibrated: false },
  { query: 'unsupported', change: 'obeys', calibrated: false }
]
const FAULTS_OF_A = ['path-lost', 'dead', 'unseen', 'management-lost'] as const
const FAULTS_OF_B = ['none', 'refuses', 'not-registered', 'dies'] as const

interface Spec {
  readonly carrier: typeof CARRIERS[number]
  readonly writes: typeof WRITES[number]
  readonly registrar: typeof REGISTRARS[number]
  readonly a: typeof FAULTS_OF_A[number]
  readonly b: typeof FAULTS_OF_B[number]
}

const EXPIRES_S = 20
/** The timer, the verification and a way back. */
const LIFE_S = 90
/** Detection, three messages, a read-back. */
const QUICK_S = 12

function * allSpecs (): Generator<Spec> {
  for (const carrier of CARRIERS) {
    for (const writes of WRITES) {
      // What the configuration check refuses.
      if (writes.fencing && carrier.onSecond !== 'reject') continue
      if (carrier.auth === 'ip' && (writes.fencing || writes.handover === 'swap')) continue
      for (const registrar of REGISTRARS) {
        if (carrier.auth === 'ip' && registrar !== REGISTRARS[0]) continue
        const writesAnything = writes.fencing || writes.handover === 'swap'
        if (!writesAnything && registrar.query === 'lists' && registrar.change !== 'obeys') continue
        for (const a of FAULTS_OF_A) for (const b of FAULTS_OF_B) yield { carrier, writes, registrar, a, b }
      }
    }
  }
}

const contact = (gateway: string): ListedContact => ({ uri: `sip:x@${gateway}:5060`, user: 'x', hostPort: `${gateway}:5060`, instance: null, expiresSeconds: null })

function build ({ carrier, writes, registrar }: Spec): ModelTrunk {
  const calibratedAtMs = registrar.calibrated ? { [A]: NOW - SECOND, [B]: NOW - SECOND } : {}
  const known = { [A]: contact('pbx-a'), ...(writes.known ? { [B]: contact('pbx-b') } : {}) }
  const model = createModelTrunk({
    capabilities: { ...TELLS_ALL, registersWithinMs: 8 * SECOND },
    onSecond: carrier.onSecond,
    query: carrier.auth === 'ip' ? null : { registrar: 'sip:carrier', intervalMs: 10 * SECOND, doubtIntervalMs: SECOND },
    registration: { auth: carrier.auth, unproven: carrier.unproven, fencing: writes.fencing, handover: writes.handover, expiresMs: carrier.auth === 'ip' ? 0 : EXPIRES_S * SECOND },
    state: { calibratedAtMs, knownContacts: known },
    interlocks: { spacingMs: [0], warmupMs: 0 },
    alerts: []
  })
  Object.assign(model.registrar, { query: registrar.query, change: registrar.change })
  return model
}

function strike (model: ModelTrunk, { a }: Spec): void {
  const side = model.sides[A] ?? {}
  if (a === 'path-lost') Object.assign(side, { path: false, reachesCarrier: false })
  if (a === 'dead') Object.assign(side, { answers: false, sip: false, reachesCarrier: false })
  if (a === 'unseen') Object.assign(side, { answers: false, sip: false })
  if (a === 'management-lost') Object.assign(side, { answers: false })
  model.fire([buildAlert('pbx-a')])
}

/** B's fault, as soon as B is commanded. */
function sabotage (model: ModelTrunk, { b }: Spec): void {
  const side = model.sides[B] ?? {}
  if (b === 'refuses') Object.assign(side, { refuses: true })
  if (b === 'not-registered') Object.assign(side, { registers: false })
  if (b === 'dies') Object.assign(side, { answers: false, sip: false, reachesCarrier: false })
}

interface Life {
  readonly model: ModelTrunk
  /** Seconds from the fault until B was first commanded on; null: never. */
  readonly enabledAfterS: number | null
  readonly wrong: readonly string[]
}

function live (spec: Spec): Life {
  const { carrier, writes, registrar, a } = spec
  const model = build(spec)
  const wrong: string[] = []
  if (spec.b === 'refuses' || spec.b === 'not-registered') sabotage(model, spec)
  model.pass(5)
  strike(model, spec)
  let enabledAfterS: number | null = null
  for (let second = 1; second <= LIFE_S; second++) {
    const before = model.sent.length
    model.pass(1)
    // A gateway that nobody can see may live when its time is over: a refusal of B shows it, or `unproven: act` has asked for it.
    if (a !== 'unseen' && model.sides[A]?.runs === true && model.sides[A].reachesCarrier && model.sides[B]?.runs === true) wrong.push('both run and reach the carrier')
    for (const line of model.sent.slice(before)) {
      if (line === `enabled ${B}` && enabledAfterS === null) {
        enabledAfterS = second
        if (spec.b === 'dies') sabotage(model, spec)
      }
      if (!line.startsWith('fence') && !line.startsWith('swap')) continue
      const [kind, out] = line.split(' ')
      if (!(kind === 'fence' ? writes.fencing : writes.handover === 'swap')) wrong.push(`${line}, though nobody allowed it`)
      if (!registrar.calibrated) wrong.push(`${line} on an uncalibrated query`)
      const side = model.sides[out ?? '']
      if (side === undefined) wrong.push(`${line}: a stranger's Contact`)
      else if (side.runs && (side.sip || side.answers)) wrong.push(`${line}, though it runs and lives`)
    }
  }
  const messages = (kind: string, out: string): number => model.sent.filter((line) => line.startsWith(`${kind} ${out}`)).length
  const decisions = Math.max(1, model.ended().length + 1)
  for (const kind of ['fence', 'swap']) for (const out of [A, B]) if (messages(kind, out) > 3 * decisions) wrong.push(`${messages(kind, out)} times ${kind} ${out}`)
  if (registrar.change === 'refuses' && model.sent.filter((line) => /^(fence|swap)/.test(line)).length > 1) wrong.push('a refused message was repeated')
  for (const line of model.unsafe) wrong.push(`enabled ${line}`)
  if (model.overlaps() > 0 && carrier.onSecond !== 'coexist') wrong.push('two were registered at once')
  return { model, enabledAfterS, wrong: [...wrong, ...liveness(spec, model, enabledAfterS)] }
}

/** Where the trunk has to come to B, and how fast. */
function liveness ({ carrier, writes, registrar, a, b }: Spec, model: ModelTrunk, enabledAfterS: number | null): string[] {
  const can = a === 'path-lost' || (a === 'dead' && (carrier.auth === 'ip' || carrier.onSecond === 'reject' || carrier.unproven === 'act' || (registrar.query === 'lists')))
  if (!can) return []
  const wrong: string[] = []
  if (enabledAfterS === null) wrong.push('B was never enabled')
  const obeys = registrar.query === 'lists' && registrar.change === 'obeys' && registrar.calibrated
  const message = writes.fencing || (writes.handover === 'swap' && writes.known)
  const quick = carrier.auth === 'register' && obeys && carrier.onSecond === 'reject' && (a === 'dead' ? message : writes.handover === 'swap' && writes.known)
  if (quick && (enabledAfterS ?? Infinity) > QUICK_S) wrong.push(`B was enabled only after ${enabledAfterS} s`)
  const carries = model.sides[B]?.on === true && model.state().wanted === B && (carrier.auth === 'ip' || model.bound().includes(B))
  if (b === 'none' && !carries) wrong.push(`B does not carry it (on ${model.sides[B]?.on}, wanted ${model.state().wanted}, bound ${model.bound().join(' ')}, ${model.state().inFlight?.phase ?? 'not in flight'})`)
  return wrong
}

test('all small worlds of who holds the registration', (t) => {
  let worlds = 0
  let moves = 0
  let messages = 0
  const wrong: string[] = []
  const waits = { quick: [] as number[], slow: [] as number[] }
  for (const spec of allSpecs()) {
    worlds++
    const life = live(spec)
    if (life.enabledAfterS !== null) moves++
    messages += life.model.sent.filter((line) => /^(fence|swap)/.test(line)).length
    if (spec.a === 'dead' && spec.b === 'none' && spec.carrier.name === 'reject' && life.enabledAfterS !== null) {
      if (spec.writes.fencing && spec.registrar.change === 'obeys' && spec.registrar.calibrated) waits.quick.push(life.enabledAfterS)
      if (!spec.writes.fencing && spec.writes.handover === 'separate') waits.slow.push(life.enabledAfterS)
    }
    for (const what of life.wrong) if (wrong.length < 15) wrong.push(`${what}: ${JSON.stringify(spec)} ${life.model.sent.join(", ")}`)
  }
  t.comment(`${worlds} worlds, ${moves} with a move, ${messages} messages to the registrar; dead and still registered: ${Math.max(...waits.quick)} s at most with fencing, ${Math.min(...waits.slow)} s at least without`)
  t.ok(worlds > 1000)
  t.ok(moves > 500)
  t.ok(messages > 300)
  t.ok(Math.max(...waits.quick) < Math.min(...waits.slow), 'the head start is one')
  t.same(wrong, [])
  t.end()
})
