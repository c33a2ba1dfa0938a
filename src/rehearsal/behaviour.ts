/** What a kind of gateway does of itself, from what its driver declares. */
import type { DriverCapabilities } from '../core/topology.ts'
import type { Behaviour } from './model-gateway.ts'

/** A gateway of this kind, as its capabilities tell. @param expiresSeconds - lifetime that it asks for */
export function behaviourOf (capabilities: DriverCapabilities, registersWithinMs: number, expiresSeconds: number): Behaviour {
  const { reportsRegistration: tells, unregisters, persistent } = capabilities
  // One that lets a timer register gives up after a failure, as Kamailio does by default.
  return tells
    ? { tickSeconds: Math.max(1, Math.floor(registersWithinMs / 1000 * 0.9)), refreshSeconds: Math.min(93, expiresSeconds / 2), retrySeconds: null, unregisters, tells, boots: persistent ? 'stored' : 'disabled' }
    : { tickSeconds: null, refreshSeconds: expiresSeconds / 2, retrySeconds: 30, unregisters, tells, boots: 'stored' }
}
