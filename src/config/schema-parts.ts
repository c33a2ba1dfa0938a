/** The small parts that the schemas of the configuration are made of. */
import { type Static, type TObject, type TProperties, type TSchema, Type } from 'typebox'

/** Name of a gateway, probe, trunk or rule: part of URLs, metric labels and interface keys. */
export const NAME = { pattern: '^[A-Za-z0-9][A-Za-z0-9._-]*$' }

/** A mapping with exactly these keys. A key with a default may be left out of the file; after validation it is there. */
export function closed<Properties extends TProperties> (properties: Properties, options: { description?: string; default?: object } = {}): TObject<Properties> {
  const schema = Type.Object(properties, { additionalProperties: false, ...options })
  const required = ((schema.required ?? []) as readonly string[]).filter((key) => !('default' in (properties[key] ?? {})))
  return { ...schema, required } as TObject<Properties>
}

/** A mapping from names that the operator chooses. */
export function named<Value extends TSchema> (value: Value, description: string, options: { readonly default?: object } = {}): TSchema & { static: Record<string, Static<Value>> } {
  // A section that may be missing may be empty, too.
  const schema = { type: 'object', propertyNames: NAME, ...(options.default === undefined ? { minProperties: 1 } : options), additionalProperties: value, description }
  return Type.Unsafe<Record<string, Static<Value>>>(schema) as never
}

export function choice<const Values extends readonly string[]> (values: Values, options: { description: string; default?: Values[number] }) {
  return Type.Unsafe<Values[number]>({ ...Type.Enum([...values]), ...options })
}

export function text (format: string, description: string) {
  return Type.String({ format, description })
}

export function duration (description: string, fallback: string) {
  return Type.String({ format: 'positive-duration', description, default: fallback })
}

export function count (description: string, fallback: number) {
  return Type.Integer({ minimum: 1, maximum: 100, description, default: fallback })
}

/** The two ways to give a secret. */
export function secret<Name extends string> (name: Name, description: string) {
  const file = Type.Optional(Type.String({ minLength: 1, description: `${description}: file that holds it, relative to the configuration file` }))
  const env = Type.Optional(Type.String({ minLength: 1, description: `${description}: environment variable that holds it` }))
  return { [`${name}_file`]: file, [`${name}_env`]: env } as { [Key in `${Name}_file` | `${Name}_env`]: typeof file }
}

export const FALL = 'consecutive failures until the verdict is down; default 3'
export const RISE = 'consecutive successes until the verdict is up; default 2'
