/**
 * What a record of Kamailio's uac module says, pure. Seen with 5.6.3 (test/fixtures/drivers/kamailio-5.6.3.json), agrees with
 * its uac_reg.c. Bits of `flags`: 1 disabled, 2 a REGISTER is under way, 4 online, 8 credentials sent, 16 touched by the timer.
 *
 *   what happened                                                        flags  expires   admin
 *   loaded from the database with flags 1, or reg_refresh of such a row   1     > 0       disabled
 *   the same after reg_disable, also after reg_unregister + reg_disable   1     ≥ 0       disabled
 *   enabled, the timer has not run yet                                    0     > 0       enabled
 *   REGISTER sent, no answer yet                                          18    > 0       enabled
 *   registered                                                            20    > 0       enabled
 *   refused or silence, reg_retry_interval > 0                            16    > 0       enabled
 *   refused or silence, reg_retry_interval 0 (the default)                17    > 0       self-disabled
 *   reg_disable alone while registered: the carrier keeps the binding     21    > 0       disabled
 *   reg_unregister + reg_disable (ours)                                   17    0         disabled
 *   reg_unregister alone, reg_retry_interval 0                           17    0         disabled
 *   reg_unregister alone, reg_retry_interval > 0: never registers again   16    0         enabled, not registered
 *
 * One state is ambiguous: reg_disable alone, by hand, of a record that was tried and is not registered reads 17 with
 * expires > 0, as if it had given up by itself. It is judged `self-disabled`, since missing a lost registration is worse;
 * the commands that leave no doubt are in kamailio-by-hand.ts.
 */
import type { Observation } from '../core/observation.ts'

/** Calls that change a record. */
export type WriteMethod = 'uac.reg_unregister' | 'uac.reg_disable' | 'uac.reg_enable' | 'uac.reg_refresh'

const DISABLED = 1
const ONLINE = 4
const TOUCHED = 16

/** Longest time from an enable to the REGISTER with the default `reg_timer_interval` of 90 s: 87 s were seen. */
export const REGISTERS_WITHIN_S = 100

/** The part of `uac.reg_info` that matters. The rest holds the account's password in clear text and is dropped. */
export interface Registration {
  readonly flags: number
  /** Wanted lifetime [s]; 0 after reg_unregister. */
  readonly expires: number
  /** Until the next REGISTER is due [s]; negative when it is overdue. */
  readonly diffExpires: number
}

/** Reads the result of `uac.reg_info`; null when it isn't one of this record. */
export function parseRegistration (result: unknown, uuid: string): Registration | null {
  if (typeof result !== 'object' || result === null) return null
  const { l_uuid: name, flags, expires, diff_expires: diffExpires } = result as Readonly<Record<string, unknown>>
  if (name !== uuid || typeof flags !== 'number' || typeof expires !== 'number' || typeof diffExpires !== 'number') return null
  return { flags, expires, diffExpires }
}

/** Administrative state by the table above. */
export function adminOf ({ flags, expires }: Registration): Observation['admin'] {
  if ((flags & DISABLED) === 0) return 'enabled'
  const gaveUp = (flags & TOUCHED) !== 0 && (flags & ONLINE) === 0 && expires > 0
  return gaveUp ? 'self-disabled' : 'disabled'
}

/** Registered by Kamailio's word. Null right after an enable of a registered one: due, and the timer has not run yet. */
export function registeredOf ({ flags, expires, diffExpires }: Registration): boolean | null {
  if ((flags & DISABLED) !== 0 || (flags & ONLINE) === 0 || expires === 0) return false
  if (diffExpires > 0) return true
  return diffExpires > -REGISTERS_WITHIN_S ? null : false
}

/**
 * Whether the carrier may hold a binding of this record. Not for one that was never tried: a careless registrar could take
 * a standby's un-REGISTER as the whole account's.
 */
export function mayBeBound ({ flags, expires }: Registration): boolean {
  return expires > 0 && ((flags & DISABLED) === 0 || (flags & TOUCHED) !== 0)
}

/** After reg_unregister a record never registers again until reg_refresh reads it anew from the database. */
export function needsRefresh ({ expires }: Registration): boolean {
  return expires === 0
}

/** reg_refresh alone takes the bare name; with the attribute it would look for a record called `l_uuid`. */
export function paramsOf (method: WriteMethod, uuid: string): readonly string[] {
  return method === 'uac.reg_refresh' ? [uuid] : ['l_uuid', uuid]
}
