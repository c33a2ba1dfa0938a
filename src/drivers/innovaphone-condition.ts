/**
 * What an innovaphone says about itself as a whole. Forms of the answers as public code reads them on real devices: alarms and
 * the restart (hashfunktion/check_innovaphone), the roles of a pair of PBXs (n-tho/sipScheduler); event 0x00010002 is the
 * failed SIP registration of the vendor's course 12. Texts are only searched, never kept: a registration shows its password.
 */
import type { ConditionResult, GatewayCondition } from '../core/observation.ts'
import { during } from './driver-failure.ts'
import { readFailure } from './innovaphone-http.ts'
import type { Ask } from './innovaphone-http.ts'

const ALARMS = '/LOG0/FAULT/mod_cmd.xml?cmd=xml-alarms'
const BOX = '/CMD0/box_info.xml'
/** One registration by its name, so that no other one's password travels. */
const registrationOf = (name: string): string => `/PBX0/ADMIN/mod_cmd_login.xml?cmd=show&reg=${name}`

/** Active alarms; of one that failed to register somewhere the code stands in an attribute or in its text. */
export function alarmsOf (xml: string): Pick<GatewayCondition, 'alarms' | 'registrationFailed'> {
  const alarms = xml.split(/<(?=[\w-]+\s[^>]*\btype=")/).slice(1).filter((entry) => /^[^>]*\btype="alarm"/.test(entry))
  return { alarms: alarms.length, registrationFailed: alarms.some((alarm) => /\b(?:0x)?0*10002\b/i.test(alarm)) }
}

/** The attribute is there while a restart is needed; null: this is no box_info.xml. */
export function resetRequiredOf (xml: string): boolean | null {
  const sys = /<sys\b[^>]*>/.exec(xml)?.[0]
  if (sys === undefined) return null
  const value = /\breset-required="([^"]*)"/.exec(sys)?.[1]
  return value !== undefined && value !== '' && value !== 'false' && value !== '0'
}

/** Whether the PBX lists a registration; null: it has no PBX, or can't say. */
export function isListed (xml: string): boolean | null {
  return /<show\b/.test(xml) ? /<reg\b/.test(xml) : null
}

/** The standby is registered at the active PBX as `_STANDBY_`, and shows its own registration there as `_ACTIVE_`. */
export function roleOf (active: boolean | null, standby: boolean | null): GatewayCondition['role'] {
  if (standby === true && active !== true) return 'active'
  return active === true && standby !== true ? 'standby' : null
}

/** Without its alarms there is no condition; what else it can't tell is null. */
export async function readCondition (ask: Ask, signal: AbortSignal): Promise<ConditionResult> {
  const text = async (path: string): Promise<string> => {
    const response = await ask(path, true, signal)
    return response.ok && response.status < 300 ? response.body.toString('latin1') : ''
  }
  const alarms = await ask(ALARMS, true, signal)
  const failed = alarms.ok ? readFailure(alarms, /^\s*<\?xml|^\s*<[\w-]*(faults|alarms|log|xml)/i) : alarms
  if (failed !== null) return during('reading the alarms', failed, 'none')
  const body = alarms.ok ? alarms.body.toString('latin1') : ''
  const [box, active, standby] = [await text(BOX), await text(registrationOf('_ACTIVE_')), await text(registrationOf('_STANDBY_'))]
  return { ok: true, condition: { ...alarmsOf(body), resetRequired: resetRequiredOf(box), role: roleOf(isListed(active), isListed(standby)) } }
}
