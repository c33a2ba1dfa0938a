/** What a kind of gateway has to offer to be in the registry. See README.md here for how to add one. */
import type { TObject } from 'typebox'
import type { DriverCapabilities } from '../core/topology.ts'
import type { Clock, GatewayDriver, Random } from '../ports.ts'

/**
 * One kind of gateway. `settings` are its own keys of the configuration (`gateways.<id>`), validated by `schema`, in
 * the file's spelling (snake_case). A pair of keys `x_file` / `x_env` in the schema arrives resolved as `x: Secret`.
 * A lone `x_file` names a file that is not secret, for example a certificate: it arrives as `x: string`, the file's text.
 * Formats that `schema` may use: `duration`, `positive-duration` (they arrive as text), `http-url`.
 */
export interface DriverKind<Settings = Record<string, unknown>> {
  readonly name: string
  /** TypeBox schema of the kind's own keys; `additionalProperties: false`. */
  readonly schema: TObject
  readonly capabilities: DriverCapabilities
  create(settings: Settings, ports: { readonly clock: Clock; readonly random: Random }): GatewayDriver
}
