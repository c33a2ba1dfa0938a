/**
 * FreeSWITCH by the commands of mod_xml_rpc over HTTP: an interface is a gateway of mod_sofia that registers. Built from
 * FreeSWITCH's source (v1.10), not yet confirmed on a server.
 *
 * - Every answer is HTTP 200, of a failed command too: only its text counts. `+OK` means noted; a second later the profile's
 *   worker does it.
 * - `unregister` sends the un-REGISTER, and the gateway stays DOWN without trying again until `register`.
 * - A restart, and a new scan of the profile, register again.
 */
import { Type } from 'typebox'
import type { ApplyResult, DriverFailure, Observation, ObserveResult } from '../core/observation.ts'
import type { Change, Clock, GatewayDriver, Random } from '../ports.ts'
import type { DriverKind, InterfaceKind } from './contract.ts'
import { during, failure, statusFailure } from './driver-failure.ts'
import { eachAlone } from './each-alone.ts'
import { freeswitchByHand } from './freeswitch-by-hand.ts'
import { callsOf, commandPath, NAME, NOT_SWITCHABLE, observationOf, parseGateway } from './freeswitch-gateway.ts'
import type { SofiaGateway } from './freeswitch-gateway.ts'
import { MAX_CONNECTIONS } from './http-client.ts'
import type { Send } from './http-client.ts'
import { readThenAsk, readUntil } from './read-then-write.ts'
import { ACCOUNT_KEYS, openWeb } from './web-access.ts'
import type { WebAccess } from './web-access.ts'

export interface FreeswitchSettings extends Omit<WebAccess, 'token'> {
  /** Where mod_xml_rpc listens, for example `http://10.0.5.10:8080`. */
  readonly url: string
}

const schema = Type.Object({
  url: Type.String({ format: 'http-url', description: 'where mod_xml_rpc listens, for example http://10.0.5.10:8080' }),
  ...ACCOUNT_KEYS
}, { additionalProperties: false })

const gateway: InterfaceKind = {
  named: 'the name of a gateway with `register=true`, or `profile::name`',
  takes: (name) => NAME.test(name),
  switches: 'a gateway of `mod_sofia`, by `sofia profile P unregister` and `register`',
  readBack: '`sofia xmlstatus gateway`',
  confirmed: 'built from its source (v1.10), not yet confirmed on a server',
  capabilities: () => ({
    // Of a gateway with `ping`; of another one there is no evidence.
    registers: true, reportsRegistration: true, reportsPath: 'while-on', reportsCalls: true, readsRunningState: true, reregisters: true, unregisters: true,
    persistent: false, reportsAlarms: false, registersWithinMs: 15_000
  })
}

type Found = { readonly ok: true; readonly gateway: SofiaGateway | null } | DriverFailure

/** The worker looks once a second. */
const PAUSES_MS = [100, 200, 300, 400, 500, 500, 500, 500] as const

function createCommands (send: Send, base: string) {
  const ask = async (step: string, path: string, reads: boolean, signal: AbortSignal): Promise<{ readonly ok: true; readonly text: string } | DriverFailure> => {
    const response = await send({ method: 'GET', url: `${base}${path}`, reads, signal })
    const failed = response.ok ? statusFailure(response) : response
    if (failed !== null) return during(step, failed, reads ? 'none' : failed.effect)
    return { ok: true, text: response.ok ? response.body.toString('latin1') : '' }
  }

  return {
    find: async (name: string, signal: AbortSignal): Promise<Found> => {
      const answer = await ask('xmlstatus', commandPath('sofia', 'xmlstatus', 'gateway', name), true, signal)
      if (!answer.ok) return answer
      const reading = parseGateway(answer.text, name)
      switch (reading.kind) {
        case 'gateway': return { ok: true, gateway: reading.gateway }
        case 'absent': return { ok: true, gateway: null }
        case 'truncated': return failure('truncated', 'xmlstatus: the answer ends before its end')
        case 'unreadable': return failure('not-data', 'xmlstatus: no status of the gateway (is mod_sofia loaded?)')
      }
    },
    calls: async (signal: AbortSignal): Promise<{ readonly ok: true; readonly calls: number } | DriverFailure> => {
      const answer = await ask('show calls', commandPath('show', 'calls', 'count'), true, signal)
      if (!answer.ok) return answer
      const calls = callsOf(answer.text)
      return calls === undefined ? failure('not-data', 'show calls: no number of calls') : { ok: true, calls }
    },
    tell: async (verb: 'register' | 'unregister', profile: string, name: string, signal: AbortSignal): Promise<DriverFailure | null> => {
      const answer = await ask(verb, commandPath('sofia', 'profile', profile, verb, name), false, signal)
      if (!answer.ok) return answer
      if (/^\+OK\s*$/.test(answer.text)) return null
      return /^(-ERR |Invalid |No gateway name)/.test(answer.text) ? failure('rpc-error', `${verb}: FreeSWITCH refused the command`) : failure('not-data', `${verb}: answered without +OK`, 'unknown')
    }
  }
}

function createDriver (settings: FreeswitchSettings, { clock, random }: { readonly clock: Clock; readonly random: Random }): GatewayDriver {
  const { send, close } = openWeb(settings, random)
  const { find, calls, tell } = createCommands(send, settings.url.replace(/\/+$/, ''))

  const observe = async (interfaces: readonly string[], signal: AbortSignal): Promise<ObserveResult> => {
    const [ongoing, ...found] = await Promise.all([calls(signal), ...interfaces.map((name) => find(name, signal))])
    if (!ongoing.ok) return ongoing
    const observed = new Map<string, Observation>()
    for (const [index, one] of found.entries()) {
      if (!one.ok) return one
      const state: Observation = one.gateway === null ? { present: false, admin: 'disabled', registered: null, path: null } : observationOf(one.gateway)
      observed.set(interfaces[index]!, { ...state, calls: ongoing.calls })
    }
    return { ok: true, interfaces: observed }
  }

  /** The gateway, when it is there and can be switched. */
  const switchable = async (name: string, signal: AbortSignal): Promise<{ readonly ok: true; readonly gateway: SofiaGateway } | DriverFailure> => {
    const found = await find(name, signal)
    if (!found.ok) return found
    if (found.gateway === null) return failure('no-interface', `FreeSWITCH has no gateway ${name}`)
    if (found.gateway.state === NOT_SWITCHABLE) return failure('rpc-error', `the gateway ${name} has register=false, so it can't be switched`)
    return { ok: true, gateway: found.gateway }
  }

  const apply = async ({ interface: name, desired, permit }: Change, signal: AbortSignal): Promise<ApplyResult> => {
    const before = await readThenAsk(() => switchable(name, signal), permit, clock)
    if (!before.ok) return before
    const isReached = ({ gateway }: { readonly gateway: SofiaGateway }): boolean => (gateway.state === 'DOWN') === (desired === 'disabled') && gateway.state !== 'UNREGISTER'
    // One that failed is told again: it need not wait for its next try.
    if (isReached(before) && (desired === 'disabled' || observationOf(before.gateway).registered !== false)) return { ok: true, activated: true }
    const failed = await tell(desired === 'enabled' ? 'register' : 'unregister', before.gateway.profile, name.split('::').at(-1)!, signal)
    if (failed !== null) return failed
    const after = await readUntil(() => switchable(name, signal), isReached, PAUSES_MS, clock, signal)
    if (!after.ok) return { ...after, effect: 'unknown' }
    return isReached(after) ? { ok: true, activated: true } : failure('no-effect', 'the command was answered +OK, the state is not as wanted', 'unknown')
  }

  return {
    observe,
    apply: eachAlone(apply, MAX_CONNECTIONS),
    reregister: async (name, signal) => {
      const before = await switchable(name, signal)
      if (!before.ok) return before
      if (['DOWN', 'UNREGISTER'].includes(before.gateway.state)) return failure('rpc-error', 'the gateway is off; only an enable may make it register')
      return await tell('register', before.gateway.profile, name.split('::').at(-1)!, signal) ?? { ok: true }
    },
    close
  }
}

/** The kind `freeswitch`. */
export const freeswitch: DriverKind<FreeswitchSettings> = {
  name: 'freeswitch',
  schema,
  interfaces: [gateway],
  byHand: freeswitchByHand,
  create: createDriver
}
