/** A driver that is called by itself, without a journal before it. */
import type { AdminState, ApplyResult } from '../../src/core/observation.ts'
import type { GatewayDriver, Permit } from '../../src/ports.ts'

/** It may write at once. */
export const permitted: Permit = async () => null

/** One change by itself. */
export async function applyOne (driver: GatewayDriver, name: string, desired: AdminState, signal: AbortSignal, permit: Permit = permitted): Promise<ApplyResult> {
  const [end] = await driver.apply([{ interface: name, desired, permit }], signal)
  if (end === undefined) throw new Error('a change without an end')
  return end
}
