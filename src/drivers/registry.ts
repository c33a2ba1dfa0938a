/** All kinds of gateways. A new driver is one file and one line here (README.md). */
import type { GatewayDriver } from '../ports.ts'
import { asterisk } from './asterisk.ts'
import { beacon } from './beacon.ts'
import type { ByHand, DriverKind, DriverPorts } from './contract.ts'
import { freeswitch } from './freeswitch.ts'
import { http } from './http.ts'
import { innovaphone } from './innovaphone.ts'
import { kamailio } from './kamailio.ts'
import { opensips } from './opensips.ts'
import { powerdns } from './powerdns.ts'
import { rfc2136 } from './rfc2136.ts'

const KINDS = [
  innovaphone,
  kamailio,
  opensips,
  freeswitch,
  asterisk,
  http,
  powerdns,
  rfc2136,
  beacon
]

/** By the name that `gateways.<id>.driver` has. */
export const drivers: ReadonlyMap<string, DriverKind> = new Map<string, DriverKind>(KINDS.map((kind) => [kind.name, kind as unknown as DriverKind]))

/**
 * Makes the driver of one gateway.
 *
 * @param settings - validated by the kind's schema, secrets resolved
 */
export function createDriver (name: string, settings: Readonly<Record<string, unknown>>, ports: DriverPorts): GatewayDriver {
  const kind = drivers.get(name)
  if (kind === undefined) throw new Error(`unknown driver ${name}`)
  return kind.create(settings, ports)
}

/**
 * How a person drives this gateway by hand.
 *
 * @param login - name of the shell function that reaches it
 */
export function byHand (gateway: { readonly driver: string; readonly settings: Readonly<Record<string, unknown>>; readonly sources: Readonly<Record<string, string>> }, login: string): ByHand {
  const kind = drivers.get(gateway.driver)
  if (kind === undefined) throw new Error(`unknown driver ${gateway.driver}`)
  return kind.byHand({ ...gateway.settings, ...gateway.sources }, login)
}
