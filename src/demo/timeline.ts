/** From what Pointsman's journal and status and the simulated carrier tell, the steps of a switchover as people read them. Pure. */
import { explainRecord } from '../core/explain.ts'
import { VETOES, WAITS } from '../core/reasons.ts'
import type { TrunkStatus } from '../core/status.ts'
import type { EpochMs, InterfaceKey } from '../core/topology.ts'
import type { JournalRecord } from '../ports.ts'
import type { RegistrarEvent } from '../simulator/registrar.ts'

/** The steps that a complete switchover must show. */
export type Milestone = 'fault' | 'down' | 'alert' | 'command' | 'decision' | 'off' | 'proof' | 'on' | 'registered' | 'verified'
/** All kinds of steps. */
export type StepName = Milestone | 'expired' | 'waits' | 'ended' | 'refused' | 'note'

export interface Step {
  /** The same step has the same key, however often it is seen. */
  readonly key: string
  readonly atMs: EpochMs
  readonly name: StepName
  /** The interface that it is about; for a decision the one that is moved to. */
  readonly subject: InterfaceKey | null
  readonly text: string
}

/** All that is known at one moment. */
export interface Snapshot {
  readonly atMs: EpochMs
  readonly trunk: TrunkStatus
  readonly records: readonly JournalRecord[]
  readonly carrier: readonly RegistrarEvent[]
}

export interface Context {
  /** Instant to which times in texts are relative. */
  readonly originMs: EpochMs
  /** Which interface a Contact belongs to. */
  interfaceOf(hostPort: string): InterfaceKey | null
}

/** `12.345 s`. */
export function seconds (ms: number): string {
  return `${(ms / 1000).toFixed(3)} s`
}

/** Every step since the origin that a snapshot shows. */
export function stepsOf (snapshot: Snapshot, context: Context): readonly Step[] {
  const { originMs } = context
  return [
    ...snapshot.carrier.filter((event) => event.atMs >= originMs).flatMap((event) => carrierSteps(event, context)),
    ...statusSteps(snapshot, context),
    ...snapshot.records.filter((record) => record.atMs >= originMs).flatMap((record) => recordSteps(record, snapshot, context))
  ]
}

function carrierSteps (event: RegistrarEvent, context: Context): readonly Step[] {
  const subject = event.hostPort === null ? null : context.interfaceOf(event.hostPort)
  const step = (name: StepName, text: string): readonly Step[] => [{ key: `${name} ${event.atMs} ${subject}`, atMs: event.atMs, name, subject, text }]
  switch (event.type) {
    case 'registered': return step('registered', `${subject} is registered at the carrier`)
    case 'expired': return step('expired', `the registration of ${subject} ends at the carrier: nobody refreshed it`)
    case 'replaced': return step('expired', `the carrier replaces the registration of ${subject}`)
    case 'unregistered': return step('expired', `${subject} takes its registration back`)
    case 'refused': return step('refused', `the carrier refuses ${subject ?? 'a REGISTER'} (${event.code})`)
    case 'refreshed': return []
  }
}

const LONG_WAITS: ReadonlySet<string> = new Set(['waiting-for-proof', 'waiting-for-answer', 'spacing'])

function statusSteps ({ trunk, atMs }: Snapshot, { originMs }: Context): readonly Step[] {
  const downs = trunk.interfaces.filter((iface) => iface.health === 'down').flatMap((iface): readonly Step[] => {
    const evidence = iface.evidence.filter((each) => each.verdict === 'down')
    const seenMs = Math.max(...evidence.map((each) => each.atMs ?? atMs))
    if (seenMs < originMs) return []
    return [{ key: `down ${iface.key}`, atMs: Math.min(seenMs, atMs), name: 'down', subject: iface.key, text: `${iface.key} is down: ${evidence.map((each) => each.reason).join(', ')}` }]
  })
  const run = trunk.switchover
  const waits = run === null ? [] : trunk.waits.filter((wait) => LONG_WAITS.has(wait.reason)).map((wait): Step => ({
    key: `waits ${run.decision} ${wait.reason}`,
    atMs,
    name: 'waits',
    subject: run.to,
    text: `${WAITS[wait.reason]}${wait.untilMs === null ? '' : `, at the latest at ${seconds(wait.untilMs - originMs)}`}`
  }))
  return [...downs, ...waits]
}

interface Demand { readonly alert: string | null; readonly rule: string; readonly fingerprint: string | null; readonly interface: InterfaceKey }
interface Held { readonly interlock?: string; readonly reason?: string; readonly detail: string }

function recordSteps (record: JournalRecord, { trunk }: Snapshot, { originMs }: Context): readonly Step[] {
  const { data, decision, atMs, type } = record
  const text = (key: string): string => typeof data[key] === 'string' ? data[key] : 'nothing'
  const step = (name: StepName, subject: string | null, words: string): Step => ({ key: `${name} ${decision} ${atMs} ${words}`, atMs, name, subject, text: words })
  // The plan that an alert sets off is made as soon as the alert is stored. It is the proposal, or at once the admission.
  const alerts = (data['demands'] as readonly Demand[] | undefined ?? []).filter(({ alert }) => alert !== null).map((demand): Step => {
    const started = trunk.alerts.find((alert) => alert.fingerprint === demand.fingerprint)?.startsAtMs
    const fired = started === undefined ? '' : ` (fired at ${seconds(started - originMs)})`
    return { key: `alert ${decision} ${demand.fingerprint ?? ''}`, atMs, name: 'alert', subject: demand.interface, text: `${demand.alert ?? ''} has arrived${fired}; rule ${demand.rule}: disable ${demand.interface}` }
  })
  switch (type) {
    case 'proposed': return alerts
    case 'vetoed': return held(data).map((sentence) => step('waits', text('to'), sentence))
    case 'operator': return [step('command', null, `${text('actor')} asks for ${text('verb')}: ${text('reason')}`)]
    case 'admitted': return [...alerts, step('decision', text('to'), `admitted: from ${text('from')} to ${text('to')} (decision ${decision})`)]
    case 'outcome': return outcome(data, text, step)
    case 'phase': return data['provenBy'] === undefined ? [] : [step('proof', null, proofSentence(text('provenBy')))]
    case 'ended': return [text('result') === 'verified' ? step('verified', text('wanted'), `${text('wanted')} is registered and answers`) : step('ended', text('wanted'), explainRecord(type, data))]
    case 'baseline': case 'command': case 'snapshot': return []
    default: return [step('note', null, explainRecord(type, data))]
  }
}

function outcome (data: JournalRecord['data'], text: (key: string) => string, step: (name: StepName, subject: string, words: string) => Step): readonly Step[] {
  const subject = text('interface')
  if (text('result') !== 'done') return [step('note', subject, `${text('command')} ${subject} failed: ${text('detail')}`)]
  switch (text('command')) {
    case 'disabled': return [step('off', subject, `${subject} is disabled, as its gateway shows`)]
    case 'enabled': return [step('on', subject, `${subject} is enabled, as its gateway shows`)]
    default: return [step('note', subject, `${text('command')} ${subject}`)]
  }
}

function held (data: JournalRecord['data']): readonly string[] {
  const all = [...data['vetoes'] as readonly Held[] | undefined ?? [], ...data['waits'] as readonly Held[] | undefined ?? []]
  const sentences: Readonly<Record<string, string>> = { ...VETOES, ...WAITS }
  return all.map(({ interlock, reason, detail }) => `${sentences[interlock ?? reason ?? ''] ?? ''} (${detail})`)
}

function proofSentence (by: string): string {
  switch (by) {
    case 'binding-gone': return 'the registrar no longer lists the old registration (asked after the interface was off)'
    case 'timer': return 'the old registration must be over: its lifetime and a tenth have passed'
    default: return `the old registration can't be in the way (${by})`
  }
}
