/**
 * Watches a run of the model world and writes down what must never happen. It judges by what is true in the model, not by
 * what Pointsman believes.
 */
import { isDeepStrictEqual } from 'node:util'
import { planTrunk } from '../core/planner.ts'
import type { AdminState, Observation } from '../core/observation.ts'
import type { TrunkStatus } from '../core/status.ts'
import type { TrunkId } from '../core/topology.ts'
import type { World } from '../core/world.ts'
import type { Clock, JournalRecord } from '../ports.ts'
import type { Witness } from './model-driver.ts'
import type { ModelCarrier } from './model-carrier.ts'
import type { ModelGateway } from './model-gateway.ts'
import { createPace } from './pace.ts'

/** What Pointsman says and knows of the trunk that is watched. */
export interface Sight {
  readonly trunk: TrunkStatus
  readonly paused: boolean
  readonly world: World
}

export interface Invariants extends Witness {
  /** To be called at every step. */
  look(): void
  /** A person switched something at the gateway itself, to this state. */
  touched(gateway: string, state: AdminState): void
  /** A person said that all is well. */
  adopted(): void
  /** A person vouches for it to be off: true or not, nothing else has to prove it while it is silent. */
  vouched(gateway: string): void
  /** Must hold once a story has come to rest. */
  rests(): void
  readonly violations: readonly string[]
  /** Commands that left, in order, as `disabled pbx-a`. */
  readonly commands: readonly { readonly atMs: number; readonly text: string }[]
}

interface Rules {
  /** Is never set. */
  readonly clock: Clock
  readonly startMs: number
  /** Pointsman's own clock. */
  readonly plannerNow: () => number
  readonly trunk: TrunkId
  /** Its interfaces; their ids are interface keys. */
  readonly gateways: readonly ModelGateway[]
  readonly carrier: ModelCarrier
  /** Longest lifetime of a binding and a tenth. [ms] */
  readonly proofMs: number
  /** The gateways register; false: the carrier knows them by their addresses. */
  readonly registers: boolean
  /** Pointsman's own way to everything is cut. */
  readonly blind: () => boolean
  /** All interfaces are on at once; else one. */
  readonly shared: boolean
  /** The carrier refuses a second contact. */
  readonly rejects: boolean
  /** How often the same plan is made twice. [ms] */
  readonly planEveryMs: number
  /** Null while Pointsman does not run. */
  readonly see: () => Sight | null
  readonly journal: () => readonly JournalRecord[]
}

const READ_BACK_MS = 2000
/** Without an enabled interface outside of a switchover: until a restarted Pointsman has read its gateways. [ms] */
const LEFT_ALONE_MS = 30_000
/** Warm-up, read-backs, retries and one silent gateway, on top of a proof for one interface and then for the other. [ms] */
const SLACK_MS = 60_000
/** A gateway that answers again is noticed by its second good read; one that was silent may hold up the first. [ms] */
const NOTICED_MS = 8000
const WORD_MS = 15_000

/** Nobody can read it: no answer, or none to our account. */
function isSilent (gateway: ModelGateway): boolean {
  return gateway.has('dead') || gateway.has('unseen') || gateway.has('frozen') || gateway.has('management-dead') || gateway.has('account-refused')
}

/** Outside of mode automatic a person has said that this switchover may run; what it left behind is settled in mode approve, too. */
function isOrdered ({ mode, switchover }: TrunkStatus, journal: readonly JournalRecord[]): boolean {
  if (mode === 'automatic') return true
  if (switchover === null) return mode === 'approve'
  return journal.some(({ decision, type, data }) => decision === switchover.decision && type === 'admitted' &&
    (mode === 'approve' ? data['approvedBy'] !== undefined || BY_PERSON.has(String(data['cause'])) : overrode(data, 'mode')))
}

const BY_PERSON: ReadonlySet<string> = new Set(['operator', 'failback'])

function overrode (data: JournalRecord['data'], name: string): boolean {
  const { overridden } = data
  return Array.isArray(overridden) && overridden.some((veto: { readonly interlock?: unknown }) => veto.interlock === name)
}

export function createInvariants (rules: Rules): Invariants {
  const { clock, gateways, carrier, proofMs, see, journal } = rules
  const violations: string[] = []
  const pace = createPace()
  const commands: { atMs: number; text: string }[] = []
  const lastLife = new Map<string, number>()
  /** Since when every read showed it off, and the last such read. */
  const off = new Map<string, { readonly sinceMs: number; readonly atMs: number }>()
  /** What a person did; `seen`: a read has shown it. Silent before that, it can't be told from what the gateway did by itself. */
  const touched = new Map<string, { readonly state: AdminState; readonly seen: boolean }>()
  const vouched = new Set<string>()
  /** When its driver was last silent. */
  const silentAtMs = new Map<string, number>()
  /** When it was last seen without a binding. */
  const goneAtMs = new Map<string, number>()
  let goneSinceMs: number | null = null
  let idleSinceMs: number | null = null
  let overlaps = 0
  let plannedMs = 0

  const broken = (what: string): void => {
    const line = `${((clock.now() - rules.startMs) / 1000).toFixed(1)}s ${what}`
    if (violations.length < 20) violations.push(line)
  }

  /** Exclusive (safety 8.1): why `other` might still be registered; null: it is off, or proven off. */
  const mayRegister = (other: ModelGateway): string | null => {
    const nowMs = clock.now()
    // The registrar's word may be a few seconds old when a gateway comes back.
    const gone = rules.registers && (!carrier.bound().includes(other.contact) || nowMs - (goneAtMs.get(other.id) ?? -Infinity) <= WORD_MS)
    const read = off.get(other.id)
    const silent = isSilent(other) || nowMs - (silentAtMs.get(other.id) ?? 0) <= NOTICED_MS
    if (!silent && (read === undefined || nowMs - read.atMs > READ_BACK_MS)) return 'it answers and was not read back as off in the last 2 s'
    if (vouched.has(other.id) && isSilent(other)) return null
    if (read !== undefined && !other.runs()) return !rules.rejects || gone || nowMs - read.sinceMs >= proofMs ? null : 'its binding may live'
    if (read !== undefined && !silent) return 'it runs though it was read as off'
    return gone || nowMs - (lastLife.get(other.id) ?? 0) >= proofMs ? null : 'it is silent and nothing proves that it is off'
  }

  const sends: Witness['sends'] = (id, command) => {
    commands.push({ atMs: clock.now(), text: `${command} ${id}` })
    const sight = see()
    if (sight === null) { broken(`${command} ${id} while Pointsman does not run`); return }
    const { trunk, world } = sight
    if (!isOrdered(trunk, journal())) broken(`${command} ${id} in mode ${trunk.mode}`)
    if (trunk.switchover === null && sight.paused) broken(`${command} ${id} while paused`)
    const person = touched.get(id)
    if (person?.seen === true && person.state !== command) broken(`${command} ${id} undoes what a person did`)
    const told = journal().filter((r) => r.type === 'command' && r.data['command'] === command && r.data['interface'] === id).length
    const sent = commands.filter((c) => c.text === `${command} ${id}`).length
    // A debtor that refuses is commanded again and again: the journal is told once, the stored state each time.
    const stored = world.trunks.get(trunk.id)?.interfaces[id]?.command
    const repeated = command === 'disabled' && trunk.interfaces.some((i) => i.key === id && i.debt) && told > 0 && stored?.outcome === 'pending' && stored.desired === command
    if (told < sent && !repeated) broken(`${command} ${id} is not in the journal before its first byte`)
    if (rules.shared) {
      // Make before break.
      const left = gateways.filter((other) => other.id !== id && other.runs() && !touched.has(other.id))
      if (command === 'disabled' && left.length === 0) broken(`${command} ${id}, and nobody else runs`)
      return
    }
    if (command !== 'enabled') return
    for (const other of gateways) {
      const why = other.id === id ? null : mayRegister(other)
      if (why !== null) broken(`enabled ${id}, but ${other.id}: ${why}`)
    }
  }

  const answered = (id: string, seen: Observation | null): void => {
    const nowMs = clock.now()
    lastLife.set(id, nowMs)
    if (seen === null) return
    const person = touched.get(id)
    if (person !== undefined && (seen.admin === 'disabled') === (person.state === 'disabled')) touched.set(id, { ...person, seen: true })
    if (seen.present && seen.admin !== 'disabled') off.delete(id)
    else off.set(id, { sinceMs: off.get(id)?.sinceMs ?? nowMs, atMs: nowMs })
  }

  /** A message to the registrar: only Contacts of gateways that are off or show no life, told before its first byte. */
  const rebinds: Witness['rebinds'] = (changes) => {
    const idOf = (uri: string): string => gateways.find((gateway) => uri.endsWith(`@${gateway.contact}`))?.id ?? uri
    const outs = changes.filter((change) => change.expiresSeconds === 0).map((change) => idOf(change.uri))
    const ins = changes.filter((change) => change.expiresSeconds > 0).map((change) => idOf(change.uri))
    const command = ins.length > 0 ? 'swap' : 'fence'
    const text = [command, ...outs, ...ins].join(' ')
    commands.push({ atMs: clock.now(), text })
    const trunk = see()?.trunk
    if (trunk?.switchover == null || trunk.mode !== 'automatic') broken(`${text} outside of an admitted switchover`)
    const told = journal().filter((r) => r.type === 'command' && r.data['command'] === command).length
    if (told < commands.filter((c) => c.text.startsWith(command)).length) broken(`${text} is not in the journal before its first byte`)
    for (const id of outs) {
      const gateway = gateways.find((g) => g.id === id)
      if (gateway === undefined) broken(`${text}: a stranger's Contact`)
      else if (gateway.runs() && (gateway.voiceLives() && !gateway.has('unseen'))) broken(`${text}, though ${id} is on and lives`)
    }
  }

  const watchEmergency = (sight: Sight | null): void => {
    const trunk = sight?.trunk
    const mayAct = trunk !== undefined && trunk.mode === 'automatic' && sight?.paused === false && touched.size === 0 && (rules.shared || trunk.wanted !== null)
    const nowMs = clock.now()
    // What its gateway does while nobody can read it is not seen; what it has lost altogether nobody can enable.
    const unseen = rules.blind() || gateways.some((gateway) => (isSilent(gateway) || gateway.has('no-interface')) && (rules.shared || trunk?.wanted === gateway.id))
    if (!mayAct || unseen || gateways.some((gateway) => gateway.intends())) { goneSinceMs = null; idleSinceMs = null; return }
    goneSinceMs ??= nowMs
    idleSinceMs ??= nowMs
    const waits = trunk.waits.some((wait) => wait.reason === 'waiting-for-proof') || trunk.vetoes.some((veto) => veto.interlock === 'warm-up')
    if (trunk.switchover !== null || waits) idleSinceMs = nowMs
    if (nowMs - idleSinceMs <= LEFT_ALONE_MS && nowMs - goneSinceMs <= 2 * proofMs + SLACK_MS) return
    broken(`no interface is enabled for ${Math.round((nowMs - goneSinceMs) / 1000)} s`)
    goneSinceMs = null
    idleSinceMs = null
  }

  const plans = (world: World): void => {
    const [first, second] = [planTrunk(world, rules.trunk, 'fresh', rules.plannerNow()), planTrunk(world, rules.trunk, 'fresh', rules.plannerNow())]
    if (!isDeepStrictEqual(first, second)) broken('two plans differ')
  }

  return {
    sends,
    rebinds,
    answered,
    called: (id, result) => { if (result !== 'aborted') pace.called(id, clock.now(), result) },
    look: () => {
      const sight = see()
      for (const gateway of gateways) {
        if (isSilent(gateway)) silentAtMs.set(gateway.id, clock.now())
        if ((isSilent(gateway) || rules.blind()) && touched.get(gateway.id)?.seen === false) touched.delete(gateway.id)
        if (!carrier.bound().includes(gateway.contact)) goneAtMs.set(gateway.id, clock.now())
      }
      watchEmergency(sight)
      if (sight !== null && clock.now() - plannedMs >= rules.planEveryMs) {
        plannedMs = clock.now()
        plans(sight.world)
      }
      if (carrier.overlaps() > overlaps && !rules.shared) broken('two contacts are bound at once')
      overlaps = carrier.overlaps()
    },
    // In the middle of a switchover it can't be told from what the switchover did.
    touched: (id, state) => { if (see()?.trunk.switchover == null) touched.set(id, { state, seen: false }) },
    adopted: () => { touched.clear() },
    vouched: (id) => { vouched.add(id) },
    rests: () => {
      for (const excess of pace.excesses()) broken(`hammers ${excess}`)
      const sight = see()
      if (sight === null) return
      const { actions, state } = planTrunk(sight.world, rules.trunk, 'fresh', rules.plannerNow())
      const acts = actions.filter((action) => action.kind === 'apply' || action.kind === 'reregister')
      if (acts.length > 0) broken(`at rest, but plans ${JSON.stringify(acts)}`)
      if (state.inFlight !== null) broken('at rest, but a switchover is in flight')
    },
    violations,
    commands
  }
}
