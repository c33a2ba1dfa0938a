/** Parts of the file whose keys depend on their kind: a gateway's driver, a probe's method, the form of a contact. */
import type { DriverCapabilities } from '../core/topology.ts'
import type { DriverKind, InterfaceKind } from '../drivers/contract.ts'
import { type Path, type Reporter, suggest } from './problems.ts'
import { ContactMapping, ContactText, GatewayKeys } from './schema.ts'
import { PROBE_SCHEMAS } from './schema-probes.ts'
import type { Validate } from './validate.ts'
import type { View } from './view.ts'

export type DriverRegistry = ReadonlyMap<string, DriverKind>

/** Which of its kind's interfaces a name is; null: it is none of them, or the driver is unknown. */
export function interfaceKindOf (registry: DriverRegistry, driver: string | undefined, name: string): InterfaceKind | null {
  return registry.get(driver ?? '')?.interfaces.find((kind) => kind.takes(name)) ?? null
}

/**
 * What is declared about an interface; null: nothing, since its gateway or its name is wrong, which is reported elsewhere.
 *
 * @param gateway - its section of the file
 */
export function capabilitiesOf (registry: DriverRegistry, gateway: Readonly<Record<string, unknown>> | null, name: string): DriverCapabilities | null {
  const driver = gateway?.['driver']
  return interfaceKindOf(registry, typeof driver === 'string' ? driver : undefined, name)?.capabilities(gateway ?? {}) ?? null
}

/** Validates each gateway, probe and contact against the schema of its kind, so that errors are about that one only. */
export function validateKinds (view: View, registry: DriverRegistry, validate: Validate, reporter: Reporter): void {
  for (const id of view.keys(['gateways'])) {
    const path = ['gateways', id]
    const name = kindOf(view, path, 'driver', [...registry.keys()], reporter)
    const kind = name === null ? undefined : registry.get(name)
    if (kind !== undefined) validate(gatewaySchema(kind), view.at(path), path)
  }
  for (const id of view.keys(['probes'])) {
    const path = ['probes', id]
    const name = kindOf(view, path, 'method', [...PROBE_SCHEMAS.keys()], reporter)
    const schema = name === null ? undefined : PROBE_SCHEMAS.get(name)
    if (schema !== undefined) validate(schema, view.at(path), path)
  }
  for (const path of contacts(view)) {
    const value = view.at(path)
    if (value !== null) validateContact(value, path, validate, reporter)
  }
}

const gatewaySchemas = new WeakMap<DriverKind, object>()

/** Schema of a gateway of one kind: the common keys and the driver's own. The same object each time, so it is compiled once. */
export function gatewaySchema (kind: DriverKind): object {
  const schema = gatewaySchemas.get(kind) ?? buildGatewaySchema(kind)
  gatewaySchemas.set(kind, schema)
  return schema
}

function buildGatewaySchema (kind: DriverKind): object {
  // TypeBox leaves `required` out when every key is optional.
  const { required = [] } = kind.schema as { readonly required?: readonly string[] }
  return { ...kind.schema, additionalProperties: false, properties: { ...GatewayKeys, ...kind.schema.properties }, required: ['driver', ...required] }
}

/** @returns the kind's name; null when there is none, or an unknown one, which is reported */
function kindOf (view: View, path: Path, key: string, known: readonly string[], reporter: Reporter): string | null {
  // Not a mapping: reported already.
  if (view.at(path) === null) return null
  const value = view.at([...path, key])
  if (value === null) {
    reporter.error([...path, key], `"${key}" is missing`, `one of: ${known.join(', ')}`)
    return null
  }
  if (typeof value === 'string' && known.includes(value)) return value
  const guess = typeof value === 'string' ? suggest(value, known) : null
  reporter.error([...path, key], `"${key}" must be one of: ${known.join(', ')}`, guess)
  return null
}

function contacts (view: View): readonly Path[] {
  return view.keys(['trunks']).flatMap((trunk) => {
    const list = ['trunks', trunk, 'interfaces']
    return view.indexes(list).map((index) => [...list, index, 'contact'])
  })
}

function validateContact (value: unknown, path: Path, validate: Validate, reporter: Reporter): void {
  const isMapping = typeof value === 'object' && !Array.isArray(value)
  validate(isMapping ? ContactMapping : ContactText, value, path)
  if (isMapping && value !== null && Object.keys(value).length === 0) {
    reporter.error(path, '"contact" is empty', 'give host_port, user or instance')
  }
}
