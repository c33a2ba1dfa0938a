/** The driver and SIP ports over the model: what goes over the wire, how long it takes, and how it fails. */
import type { ContactChange } from '../core/binding.ts'
import type { AdminState, DriverFailure, Observation, ObserveResult } from '../core/observation.ts'
import type { DriverReason } from '../core/reasons.ts'
import type { Clock, GatewayDriver, SipClient } from '../ports.ts'
import type { ModelCarrier } from './model-carrier.ts'
import type { Fault, ModelGateway } from './model-gateway.ts'
import { buildOutcome } from './outcome.ts'

/** What the model tells of Pointsman's doings. */
export interface Witness {
  /** A command's first byte leaves now. @param line - id of the model, as in the other two */
  sends(line: string, command: AdminState | 'reregister'): void
  /** A message that changes the carrier's bindings leaves now. */
  rebinds(changes: readonly ContactChange[]): void
  /** A gateway gave an answer; with what a read showed. */
  answered(line: string, observation: Observation | null): void
  /** A call to a gateway has ended: `ok`, or why it failed. */
  called(gateway: string, result: string): void
}

/** One run of the process; a killed one sends nothing any more. */
export interface Life { alive: boolean }

/** Pointsman's own way to everything. */
export interface Vantage { cut: boolean }

/** A canary's address in a story's configuration. */
const CANARY = 'sip:canary.example'
const READ_MS = 100
/** Change, write and activate take longer than a read. */
const WRITE_MS = 1000
const SLOW_READ_MS = 2000
const SLOW_WRITE_MS = 4000

/** Resolves when the call's deadline is over or Pointsman stops. */
async function silence (clock: Clock, signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await clock.sleep(3_600_000, signal)
}

function fail (reason: DriverReason, effect: 'none' | 'unknown' = 'none'): DriverFailure {
  return { ok: false, reason, detail: `the model says ${reason}`, effect }
}

/** Faults that silence a gateway's management, or refuse every call. */
const SILENCES = ['dead', 'unseen', 'frozen'] as const

/**
 * One gateway behind the driver port. What befalls one of its interfaces befalls a read of all of them.
 * @param id - of the gateway
 * @param lines - its interfaces, by their names
 */
export function createModelDriver (id: string, lines: ReadonlyMap<string, ModelGateway>, reregisters: boolean, around: { readonly clock: Clock; readonly life: Life; readonly vantage: Vantage; readonly witness: Witness }): GatewayDriver {
  const { clock, life, vantage, witness } = around
  const lineOf = (name: string): ModelGateway => {
    const line = lines.get(name)
    if (line === undefined) throw new Error(`no interface ${id}/${name}`)
    return line
  }
  const some = (asked: readonly ModelGateway[], fault: Fault): boolean => asked.some((line) => line.has(fault))
  /** Null: it answers. */
  const unanswered = async (asked: readonly ModelGateway[], signal: AbortSignal): Promise<DriverFailure | null> => {
    if (!life.alive || signal.aborted) return fail('aborted')
    if (vantage.cut || SILENCES.some((fault) => some(asked, fault))) {
      await silence(clock, signal)
      return life.alive ? fail('timeout') : fail('aborted')
    }
    if (some(asked, 'management-dead')) return fail('refused')
    if (!some(asked, 'account-refused')) return null
    for (const line of asked) witness.answered(line.id, null)
    return fail('auth-failed')
  }
  /** Sends a command and waits for its answer. */
  const command = async (line: ModelGateway, what: AdminState | 'reregister', signal: AbortSignal, execute: () => void): Promise<DriverFailure | null> => {
    if (life.alive && !signal.aborted) witness.sends(line.id, what)
    if (line.has('frozen') && life.alive && !line.has('unseen') && !vantage.cut) execute()
    const failed = await unanswered([line], signal)
    if (failed !== null) return line.has('frozen') && failed.reason === 'timeout' ? fail('timeout', 'unknown') : failed
    if (line.has('no-interface')) return fail('no-interface')
    if (line.has('refuses-commands')) {
      witness.answered(line.id, null)
      return fail('rpc-error')
    }
    await clock.sleep(line.has('slow') ? SLOW_WRITE_MS : WRITE_MS)
    // It was sent: it is executed, whatever became of the sender; unless the gateway lost its power meanwhile.
    if (!line.has('lies')) execute()
    if (signal.aborted || line.has('dead') || line.has('unseen')) return fail('timeout', 'unknown')
    witness.answered(line.id, null)
    return null
  }
  const counted = async <T extends { readonly ok: true } | DriverFailure>(call: () => Promise<T>): Promise<T> => {
    const result = await call()
    witness.called(id, result.ok ? 'ok' : result.reason)
    return result
  }
  return {
    observe: (names, signal) => counted(async (): Promise<ObserveResult> => {
      const asked = names.map(lineOf)
      const failed = await unanswered(asked, signal)
      if (failed !== null) return failed
      await clock.sleep(some(asked, 'slow') ? SLOW_READ_MS : READ_MS, signal)
      const late = await unanswered(asked, signal)
      if (late !== null) return late
      const interfaces = new Map(names.map((name) => [name, lineOf(name).read()]))
      for (const [name, observation] of interfaces) witness.answered(lineOf(name).id, observation)
      return { ok: true, interfaces }
    }),
    // One call, however many changes it carries.
    apply: async (changes, signal) => {
      const refusals = await Promise.all(changes.map(({ permit }) => permit()))
      const permitted = changes.filter((_, index) => refusals[index] === null)
      const ends = await Promise.all(permitted.map(({ interface: name, desired }) => command(lineOf(name), desired, signal, () => { lineOf(name).write(desired) })))
      if (permitted.length > 0) witness.called(id, ends.find((end) => end !== null)?.reason ?? 'ok')
      return changes.map((change, index) => refusals[index] ?? ends[permitted.indexOf(change)] ?? { ok: true, activated: true })
    },
    reregister: async (name, signal) => {
      if (!reregisters) return fail('rpc-error')
      return await counted(async () => await command(lineOf(name), 'reregister', signal, () => { lineOf(name).reregister() }) ?? { ok: true })
    },
    close: async () => {}
  }
}

/** OPTIONS to gateways and carrier, and the binding query. */
export function createModelSip (gateways: ReadonlyMap<string, ModelGateway>, carrier: ModelCarrier, around: { readonly clock: Clock; readonly vantage: Vantage; readonly witness: Witness }): SipClient {
  const { clock, vantage, witness } = around
  return {
    probe: async ({ target: { uri } }, timeoutMs, signal) => {
      const gateway = gateways.get(uri)
      // A canary is somebody else's, and lives as long as the way to it does.
      const alive = !vantage.cut && (uri === CANARY || (gateway === undefined ? carrier.alive() : gateway.voiceLives() && !gateway.has('unseen')))
      if (!alive) await clock.sleep(timeoutMs, signal)
      else if (gateway !== undefined) witness.answered(gateway.id, null)
      return alive
        ? buildOutcome({ reason: 'alive', code: 200, durationMs: 0, detail: '200 OK' })
        : buildOutcome({ reason: 'timeout', durationMs: timeoutMs, retransmissions: 3, detail: 'no answer' })
    },
    release: async () => {},
    queryBindings: async (_target, _credentials, timeoutMs, signal) => {
      const answer = vantage.cut ? 'silent' : carrier.query()
      if (answer !== 'silent') return answer
      await clock.sleep(timeoutMs, signal)
      return { kind: 'failed', reason: 'timeout', detail: 'no answer' }
    },
    changeBindings: async (_target, _credentials, changes, timeoutMs, signal) => {
      witness.rebinds(changes)
      const answer = vantage.cut ? 'silent' : carrier.change(changes)
      if (answer !== 'silent') return answer
      await clock.sleep(timeoutMs, signal)
      return { kind: 'failed', reason: 'timeout', detail: 'no answer' }
    },
    close: async () => {}
  }
}
