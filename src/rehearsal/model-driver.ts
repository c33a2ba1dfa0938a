/** The driver and SIP ports over the model: what goes over the wire, how long it takes, and how it fails. */
import type { ContactChange } from '../core/binding.ts'
import type { AdminState, DriverFailure, Observation, ObserveResult } from '../core/observation.ts'
import type { DriverReason } from '../core/reasons.ts'
import type { DriverCapabilities } from '../core/topology.ts'
import type { Clock, GatewayDriver, SipClient } from '../ports.ts'
import type { ModelCarrier } from './model-carrier.ts'
import type { ModelGateway } from './model-gateway.ts'
import { buildOutcome } from './outcome.ts'

/** What the model tells of Pointsman's doings. */
export interface Witness {
  /** A command's first byte leaves now. */
  sends(gateway: string, command: AdminState | 'reregister'): void
  /** A message that changes the carrier's bindings leaves now. */
  rebinds(changes: readonly ContactChange[]): void
  /** A gateway gave an answer; with what a read showed. */
  answered(gateway: string, observation: Observation | null): void
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

/** @param name - of the one interface that the model has */
export function createModelDriver (gateway: ModelGateway, name: string, capabilities: DriverCapabilities, around: { readonly clock: Clock; readonly life: Life; readonly vantage: Vantage; readonly witness: Witness }): GatewayDriver {
  const { clock, life, vantage, witness } = around
  /** Null: it answers. */
  const unanswered = async (signal: AbortSignal): Promise<DriverFailure | null> => {
    if (!life.alive || signal.aborted) return fail('aborted')
    if (gateway.has('dead') || gateway.has('unseen') || gateway.has('frozen') || vantage.cut) {
      await silence(clock, signal)
      return life.alive ? fail('timeout') : fail('aborted')
    }
    if (gateway.has('management-dead')) return fail('refused')
    if (!gateway.has('account-refused')) return null
    witness.answered(gateway.id, null)
    return fail('auth-failed')
  }
  /** Sends a command and waits for its answer. */
  const command = async (what: AdminState | 'reregister', signal: AbortSignal, execute: () => void): Promise<DriverFailure | null> => {
    if (life.alive && !signal.aborted) witness.sends(gateway.id, what)
    if (gateway.has('frozen') && life.alive && !gateway.has('unseen') && !vantage.cut) execute()
    const failed = await unanswered(signal)
    if (failed !== null) return gateway.has('frozen') && failed.reason === 'timeout' ? fail('timeout', 'unknown') : failed
    if (gateway.has('no-interface')) return fail('no-interface')
    if (gateway.has('refuses-commands')) {
      witness.answered(gateway.id, null)
      return fail('rpc-error')
    }
    await clock.sleep(gateway.has('slow') ? SLOW_WRITE_MS : WRITE_MS)
    // It was sent: it is executed, whatever became of the sender; unless the gateway lost its power meanwhile.
    if (!gateway.has('lies')) execute()
    if (signal.aborted || gateway.has('dead') || gateway.has('unseen')) return fail('timeout', 'unknown')
    witness.answered(gateway.id, null)
    return null
  }
  const counted = async <T extends { readonly ok: true } | DriverFailure>(call: () => Promise<T>): Promise<T> => {
    const result = await call()
    witness.called(gateway.id, result.ok ? 'ok' : result.reason)
    return result
  }
  return {
    capabilities,
    observe: (_names, signal) => counted(async (): Promise<ObserveResult> => {
      const failed = await unanswered(signal)
      if (failed !== null) return failed
      await clock.sleep(gateway.has('slow') ? SLOW_READ_MS : READ_MS, signal)
      const late = await unanswered(signal)
      if (late !== null) return late
      const observation = gateway.read()
      witness.answered(gateway.id, observation)
      return { ok: true, interfaces: new Map([[name, observation]]) }
    }),
    apply: async (_name, desired, signal, permit) => await permit() ??
      await counted(async () => await command(desired, signal, () => { gateway.write(desired) }) ?? { ok: true, activated: true }),
    reregister: async (_name, signal) => {
      if (!capabilities.reregisters) return fail('rpc-error')
      return await counted(async () => await command('reregister', signal, () => { gateway.reregister() }) ?? { ok: true })
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
