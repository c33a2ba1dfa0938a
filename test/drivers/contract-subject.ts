/** What the drivers' contract is held against: a driver with a gateway that can misbehave. */
import type { Test } from 'tap'
import type { DriverCapabilities } from '../../src/core/topology.ts'
import type { GatewayDriver } from '../../src/ports.ts'
import type { Misbehaviour } from './unruly-server.ts'

/** A driver and the gateway that it drives. */
export interface Subject {
  readonly driver: GatewayDriver
  /** Interface names: one enabled, one disabled, one that the gateway doesn't have. */
  readonly names: { readonly on: string; readonly off: string; readonly absent: string }
  /** What its kind declares of the interface that is on. */
  readonly capabilities: DriverCapabilities
  /** Running state, past the driver. */
  runs(name: string): boolean
  /** False: this gateway can't misbehave so. */
  misbehave(kind: Misbehaviour | null, only?: 'writes'): Promise<boolean>
  /** Paths of the requests that arrived, where the gateway tells them. */
  readonly paths?: () => readonly string[]
  /** Nothing listens any more. */
  switchOff(): Promise<void>
  /** Texts that no result may hold. */
  readonly secrets: readonly string[]
}

/** `wrong-name`: its certificate is for another host; `unknown-issuer`: nobody trusted has signed it. */
export type Wire = 'plain' | 'tls' | 'wrong-name' | 'unknown-issuer'

/** Null: this gateway can't be had over that wire. */
export type MakeSubject = (t: Test, wire?: Wire) => Promise<Subject | null>

/** @throws Error - there is no such gateway */
export async function plain (t: Test, make: MakeSubject): Promise<Subject> {
  const subject = await make(t, 'plain')
  if (subject === null) throw new Error('every gateway can be had over a plain wire')
  return subject
}

export const later = (): AbortSignal => AbortSignal.timeout(10_000)
