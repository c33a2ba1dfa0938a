/** What a driver reads from a gateway, and how an attempt to change it ended. Data, never exceptions. */
import type { DriverReason } from './reasons.ts'

/** State of one interface as the gateway tells it. */
export interface Observation {
  /** False: the gateway has no such interface. The other fields then mean nothing. */
  readonly present: boolean
  /**
   * Administrative state. `self-disabled`: the gateway gave the interface up after a failed registration, without a
   * command (counts as enabled with its registration lost).
   */
  readonly admin: 'enabled' | 'disabled' | 'self-disabled'
  /** Registered at the carrier by the gateway's own word; null: it can't tell. */
  readonly registered: boolean | null
  /** The carrier is reachable by the gateway's own word; null: it can't tell. */
  readonly path: 'up' | 'down' | null
  /** Calls in progress over the interface, or over its whole gateway where that is all it tells. Missing: it can't tell. */
  readonly calls?: number
  /** Why a change would be refused, as far as a read shows it. Missing: nothing speaks against it. */
  readonly obstacle?: DriverReason
  /** False: callers may not know of the last change yet (a DNS record's time to live). Missing: it is complete at once. */
  readonly settled?: boolean
  /** Of a standby at a beacon: until when it is bound there at most; null: it is not. Missing: it is at no beacon. */
  readonly boundUntilMs?: number | null
}

/** A failed attempt. `effect`: `none` nothing was changed for certain; `unknown` it may still be executed. */
export interface DriverFailure {
  readonly ok: false
  readonly reason: DriverReason
  /** One line for people; no secrets. */
  readonly detail: string
  readonly effect: 'none' | 'unknown'
}

/** One read of a gateway: an observation per asked interface name. */
export type ObserveResult = { readonly ok: true; readonly interfaces: ReadonlyMap<string, Observation> } | DriverFailure

/** What a gateway says about itself as a whole. */
export interface GatewayCondition {
  /** Alarms that are active now. */
  readonly alarms: number
  /** One of them says that a registration at a carrier failed. */
  readonly registrationFailed: boolean
  /** A change of its configuration waits for a restart; null: it can't tell. */
  readonly resetRequired: boolean | null
  /** Its role in a pair of PBXs, as far as its registrations show it; null: it can't tell. */
  readonly role: 'active' | 'standby' | null
}

export type ConditionResult = { readonly ok: true; readonly condition: GatewayCondition } | DriverFailure

/**
 * A change that was accepted. `activated`: the gateway answered the command that makes the change run
 * (always true for gateways whose read shows the running state).
 */
export type ApplyResult = { readonly ok: true; readonly activated: boolean } | DriverFailure

export type AdminState = 'enabled' | 'disabled'
