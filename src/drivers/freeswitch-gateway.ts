/**
 * What FreeSWITCH says about a gateway of mod_sofia, pure (xml_gateway_status and the states of mod_sofia.c, v1.10):
 *
 *   state                             admin
 *   REGED                             enabled, registered
 *   UNREGED, EXPIRED                  enabled, it registers within a second
 *   REGISTER, TRYING                  enabled, a REGISTER is under way, perhaps a refresh
 *   FAILED, FAIL_WAIT, TIMEOUT        enabled, refused or not answered, tried again
 *   UNREGISTER                        told to un-register, not done yet
 *   DOWN                              disabled; stays so until it is told to register, or its profile is restarted or scanned anew
 *   NOREG                             register=false: nothing that could be switched
 */
import type { Observation } from '../core/observation.ts'

export interface SofiaGateway {
  readonly profile: string
  readonly state: string
  /** `UP` or `DOWN`, by OPTIONS where `pings` is true. */
  readonly status: string
  /** It is asked by OPTIONS (`ping` in its configuration). */
  readonly pings: boolean
}

/** Absent: FreeSWITCH has none of that name. */
export type Reading = { readonly kind: 'gateway'; readonly gateway: SofiaGateway } | { readonly kind: 'absent' | 'truncated' | 'unreadable' }

/** Names that can stand in a command without meaning anything else there. */
export const NAME = /^[\w.+@:-]+$/

export const NOT_SWITCHABLE = 'NOREG'

export function parseGateway (text: string, name: string): Reading {
  if (/^Invalid Gateway!\s*$/.test(text)) return { kind: 'absent' }
  if (!text.startsWith('<?xml') || !text.includes('<gateway>')) return { kind: 'unreadable' }
  if (!text.includes('</gateway>')) return { kind: 'truncated' }
  const element = (tag: string): string | undefined => new RegExp(`<${tag}>([^<]*)</${tag}>`).exec(text)?.[1]
  const [own, profile, state, status] = ['name', 'profile', 'state', 'status'].map(element)
  if (own === undefined || profile === undefined || state === undefined || status === undefined) return { kind: 'unreadable' }
  // A gateway can be asked for by profile::name.
  if (own !== name && `${profile}::${own}` !== name) return { kind: 'unreadable' }
  return { kind: 'gateway', gateway: { profile, state, status, pings: Number(element('pingfreq')) > 0 } }
}

const REGISTERED: Readonly<Record<string, boolean | null>> = {
  REGED: true, UNREGED: false, EXPIRED: false, REGISTER: null, TRYING: null, FAILED: false, FAIL_WAIT: false, TIMEOUT: false, UNREGISTER: null, DOWN: false
}

/** A state that isn't known counts as enabled, and nobody can say whether it is registered. */
export function observationOf ({ state, status, pings }: SofiaGateway): Observation {
  const isUp = state === 'REGED' || state === NOT_SWITCHABLE
  const path = !pings || !isUp ? null : status === 'UP' ? 'up' : 'down'
  return { present: true, admin: state === 'DOWN' ? 'disabled' : 'enabled', registered: REGISTERED[state] ?? null, path }
}

/** Answer of `show calls count`; undefined: it doesn't say. */
export function callsOf (text: string): number | undefined {
  const digits = /^\s*(\d+) total\.\s*$/.exec(text)?.[1]
  return digits === undefined ? undefined : Number(digits)
}

/** Path and query of a command; its words are separated by blanks. */
export function commandPath (command: string, ...words: readonly string[]): string {
  return `/txtapi/${command}?${words.map(encodeURIComponent).join('%20')}`
}
