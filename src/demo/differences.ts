/** What a configuration sets otherwise than the defaults, found by walking the file beside the schemas that validate it. */
import { gatewaySchema } from '../config/kinds.ts'
import type { DriverRegistry } from '../config/kinds.ts'
import { FileSchema } from '../config/schema.ts'
import { PROBE_SCHEMAS } from '../config/schema-probes.ts'

export interface Difference {
  /** For example `trunks.acme.registration.expires`; `*` stands for all names of a mapping. */
  readonly path: string
  readonly value: string
  /** The default, or why there is none. */
  readonly standard: string
}

interface Schema {
  readonly type?: string
  readonly format?: string
  readonly default?: unknown
  readonly description?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: boolean | Schema
  readonly items?: Schema
}

type Mapping = Readonly<Record<string, unknown>>
interface Found { readonly steps: readonly string[]; readonly value: string; readonly standard: string }

/**
 * Names, addresses and secrets have no default and are left out; lengths of time are shown even if the file must set them.
 * @param file - the file's data as it was read, without defaults filled in
 */
export function differencesFromDefaults (file: Mapping, registry: DriverRegistry): readonly Difference[] {
  const found = walk(FileSchema as Schema, file, [], (path, value) => kindSchema(path, value, registry))
  return merged(found, file)
}

/** Gateways and probes are validated by the schema of their kind. */
function kindSchema (path: readonly string[], value: Mapping, registry: DriverRegistry): Schema | null {
  if (path.length !== 2) return null
  const kind = registry.get(String(value['driver']))
  if (path[0] === 'gateways') return kind === undefined ? null : gatewaySchema(kind)
  return path[0] === 'probes' ? PROBE_SCHEMAS.get(String(value['method'])) as Schema | undefined ?? null : null
}

function walk (schema: Schema, value: unknown, steps: readonly string[], special: (path: readonly string[], value: Mapping) => Schema | null): readonly Found[] {
  if (isMapping(value)) {
    const own = special(steps, value) ?? schema
    return Object.entries(value).flatMap(([key, child]) => {
      const rest = typeof own.additionalProperties === 'object' ? own.additionalProperties : undefined
      const next = own.properties?.[key] ?? rest
      return next === undefined ? [] : walk(next, child, [...steps, key], special)
    })
  }
  if (Array.isArray(value) && value.some(isMapping)) {
    const own: Found[] = 'default' in schema ? [{ steps, value: count(value.length), standard: 'default: none' }] : []
    return [...own, ...value.flatMap((item, index) => schema.items === undefined ? [] : walk(schema.items, item, [...steps, String(index)], special))]
  }
  return leaf(schema, value, steps)
}

function leaf (schema: Schema, value: unknown, steps: readonly string[]): readonly Found[] {
  if ('default' in schema) {
    return JSON.stringify(schema.default) === JSON.stringify(value) ? [] : [{ steps, value: show(value), standard: `default ${show(schema.default)}` }]
  }
  if (schema.format !== 'positive-duration') return []
  const told = /default: (.+)$/.exec(schema.description ?? '')?.[1]
  return [{ steps, value: show(value), standard: told === undefined ? 'no default' : `default: ${told}` }]
}

/** What all names of a mapping have alike is told once, with `*` for the name. */
function merged (found: readonly Found[], file: Mapping): readonly Difference[] {
  const shared = (one: Found): readonly Found[] => found.filter((other) => other.steps[0] === one.steps[0] && JSON.stringify([other.steps.slice(2), other.value, other.standard]) === JSON.stringify([one.steps.slice(2), one.value, one.standard]))
  const seen = new Set<string>()
  return found.flatMap((one) => {
    const [top = '', name, ...rest] = one.steps
    const names = isMapping(file[top]) ? Object.keys(file[top]).length : 0
    const all = name !== undefined && names > 1 && rest.length > 0 && shared(one).length === names
    const path = all ? [top, '*', ...rest].join('.') : one.steps.join('.')
    if (seen.has(path)) return []
    seen.add(path)
    return [{ path, value: one.value, standard: one.standard }]
  })
}

/** Intervals, waits and timeouts that two files of Prometheus or Alertmanager set otherwise. */
export function differingTimes (own: unknown, shipped: unknown, steps: readonly string[] = []): readonly Difference[] {
  if (typeof own !== 'object' || own === null) return []
  return Object.entries(own).flatMap(([key, value]): readonly Difference[] => {
    const other = typeof shipped === 'object' && shipped !== null ? (shipped as Mapping)[key] : undefined
    if (typeof value === 'object') return differingTimes(value, other, [...steps, key])
    if (!/(?:^|_)(?:interval|wait|timeout)$/.test(key) || value === other) return []
    return [{ path: [...steps, key].join('.'), value: show(value), standard: other === undefined ? 'shipped: not set' : `shipped: ${show(other)}` }]
  })
}

function isMapping (value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function count (entries: number): string {
  return entries === 1 ? '1 entry' : `${entries} entries`
}

function show (value: unknown): string {
  return Array.isArray(value) ? value.map(show).join(', ') : String(value)
}
