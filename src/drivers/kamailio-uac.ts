/**
 * Records of Kamailio's uac module (remote registration), named by their `l_uuid`. Facts that shape the calls:
 *
 * - `uac.reg_disable` sends nothing, the carrier keeps the binding until it expires. `uac.reg_unregister` sends the
 *   un-REGISTER (nobody sees its answer), sets the lifetime to 0 in memory and leaves the record enabled.
 *   Off is therefore reg_unregister + reg_disable; in between the lifetime of 0 keeps the timer from registering again.
 * - With a lifetime of 0, `uac.reg_enable` answers 200 and the record never registers. On is reg_refresh (reads the
 *   database row again, its flags too) where the lifetime is 0, then reg_enable.
 * - `uac.reg_enable` of an enabled record makes the next REGISTER due: that is `reregister`. reg_refresh would do it too,
 *   but a row with flags 1, as it should have, is off until the enable, and a lost enable would leave it off.
 * - All of it is lost in a restart: rows should have flags 1, so that Kamailio starts with the trunk off.
 */
import type { AdminState, ApplyResult, DriverFailure } from '../core/observation.ts'
import type { Change, Clock, GatewayDriver } from '../ports.ts'
import { failure } from './driver-failure.ts'
import type { Rpc } from './json-rpc.ts'
import { adminOf, mayBeBound, needsRefresh, paramsOf, parseRegistration, registeredOf } from './kamailio-registration.ts'
import type { Registration, WriteMethod } from './kamailio-registration.ts'
import { readThenAsk } from './read-then-write.ts'

export type Lookup = { readonly ok: true; readonly registration: Registration | null } | DriverFailure

export interface UacRecords {
  /** Null: there is no such record. */
  lookUp(uuid: string, signal: AbortSignal): Promise<Lookup>
  apply(change: Change, signal: AbortSignal): Promise<ApplyResult>
  readonly reregister: GatewayDriver['reregister']
}

/** The calls that lead to the wanted state, and no one that isn't needed. */
function callsFor (registration: Registration, desired: AdminState): readonly WriteMethod[] {
  if (desired === 'disabled') return [...mayBeBound(registration) ? ['uac.reg_unregister'] as const : [], 'uac.reg_disable']
  if (adminOf(registration) === 'enabled' && registeredOf(registration) === true) return []
  return [...needsRefresh(registration) ? ['uac.reg_refresh'] as const : [], 'uac.reg_enable']
}

export function createUacRecords (rpc: Rpc, clock: Clock): UacRecords {
  /** The filter must be `l_uuid`: one account may have several records. */
  const lookUp = async (uuid: string, signal: AbortSignal): Promise<Lookup> => {
    const reply = await rpc({ method: 'uac.reg_info', params: ['l_uuid', uuid], reads: true }, signal)
    if (reply.kind === 'error' && reply.code === 404) return { ok: true, registration: null }
    if (reply.kind !== 'result') return reply.failure
    const registration = parseRegistration(reply.result, uuid)
    return registration === null ? failure('not-data', 'uac.reg_info: no record in the answer') : { ok: true, registration }
  }

  /** Sends the calls; null: all were accepted. */
  const execute = async (uuid: string, methods: readonly WriteMethod[], signal: AbortSignal): Promise<DriverFailure | null> => {
    let isFirst = true
    for (const method of methods) {
      const reply = await rpc({ method, params: paramsOf(method, uuid), reads: false }, signal)
      // A refused un-REGISTER must not keep the record from being disabled.
      const isTolerated = method === 'uac.reg_unregister' && reply.kind === 'error'
      if (reply.kind !== 'result' && !isTolerated) return { ...reply.failure, effect: isFirst ? reply.failure.effect : 'unknown' }
      isFirst = false
    }
    return null
  }

  return {
    lookUp,
    apply: async ({ interface: uuid, desired, permit }, signal) => {
      const before = await readThenAsk(() => lookUp(uuid, signal), permit, clock)
      if (!before.ok) return before
      if (before.registration === null) return failure('no-interface', `no uac record ${uuid}`)
      const failed = await execute(uuid, callsFor(before.registration, desired), signal)
      if (failed !== null) return failed
      const after = await lookUp(uuid, signal)
      if (!after.ok) return { ...after, effect: 'unknown' }
      const isReached = after.registration !== null && (adminOf(after.registration) === 'disabled') === (desired === 'disabled') &&
        !(desired === 'enabled' && needsRefresh(after.registration))
      return isReached ? { ok: true, activated: true } : failure('no-effect', 'all calls were answered, the record is not as wanted', 'unknown')
    },
    reregister: async (uuid, signal) => {
      const before = await lookUp(uuid, signal)
      if (!before.ok) return before
      if (before.registration === null) return failure('no-interface', `no uac record ${uuid}`)
      if (adminOf(before.registration) === 'disabled') return failure('rpc-error', 'the record is disabled; only an enable may make it register')
      const refresh = needsRefresh(before.registration) ? ['uac.reg_refresh'] as const : []
      return await execute(uuid, [...refresh, 'uac.reg_enable'], signal) ?? { ok: true }
    }
  }
}
