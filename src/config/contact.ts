/** `contact` of an interface: how the carrier's list of bindings names it. */
import type { ContactPattern } from '../core/topology.ts'
import { parseContact } from './address.ts'
import type { InterfaceFile } from './schema.ts'

/** The same contact in one spelling: default port filled in, instance without quotes and angle brackets. Null: none is given. */
export function contactPattern (contact: InterfaceFile['contact'] | null): ContactPattern | null {
  if (contact === undefined || contact === null) return null
  const { host_port: hostPort, user, instance } = typeof contact === 'string' ? { host_port: contact } : contact
  return {
    ...(hostPort === undefined ? {} : { hostPort: canonical(hostPort) }),
    ...(user === undefined ? {} : { user }),
    ...(instance === undefined ? {} : { instance: instance.replace(/^"?<?|>?"?$/g, '') })
  }
}

function canonical (hostPort: string): string {
  const parsed = parseContact(hostPort)
  return parsed.ok ? parsed.value : hostPort
}
