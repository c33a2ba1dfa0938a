/** Ajv's findings as sentences for people. Values of the file are never repeated, except one of a closed list of words. */
import { Ajv, type ErrorObject } from 'ajv'
import { FORMATS } from './formats.ts'
import { isPlainName, type Path, type Reporter, type Step, suggest } from './problems.ts'

/** Parts of a JSON schema that the sentences need. */
interface SchemaPart {
  readonly type?: string
  readonly format?: string
  readonly description?: string
  readonly properties?: Readonly<Record<string, SchemaPart>>
}

/** Validates a part of the file at `path`, reports every problem, and fills in the schema's defaults. */
export type Validate = (schema: object, value: unknown, path: Path) => void

interface Finding {
  readonly path: Path
  readonly message: string
  readonly hint: string | null
  readonly anchor: 'key' | 'value'
}

/** Keywords whose errors come on top of those of their parts. */
const COMPOSED: ReadonlySet<string> = new Set(['anyOf', 'oneOf', 'if'])

/** One for the process: it keeps each schema that it compiled, so a reload is quick. */
const ajv = new Ajv({ allErrors: true, coerceTypes: false, useDefaults: true, verbose: true, strictTypes: false, logger: false })
for (const [name, check] of Object.entries(FORMATS)) ajv.addFormat(name, (text: string) => check(text) === null)

export function createValidate (reporter: Reporter): Validate {
  return (schema, value, base) => {
    const validate = ajv.compile(schema)
    if (validate(value)) return
    for (const error of validate.errors ?? []) {
      const path = [...base, ...stepsOf(error.instancePath, value)]
      const finding = isPartOfComposed(error) ? null : translate(error, path)
      if (finding !== null) reporter.error(finding.path, finding.message, finding.hint, finding.anchor)
    }
  }
}

/** The key in quotes, or "entry 2 of "users"". */
export function nameOf (path: Path): string {
  const last = path.at(-1)
  if (last === undefined) return 'the file'
  if (typeof last === 'number') return `entry ${last + 1} of ${nameOf(path.slice(0, -1))}`
  return isPlainName(last) ? `"${last}"` : 'this key\'s value'
}

/** A JSON pointer, with numbers for list indexes. */
function stepsOf (pointer: string, root: unknown): Path {
  let value: unknown = root
  return pointer.split('/').slice(1).map((text): Step => {
    const key = text.replaceAll('~1', '/').replaceAll('~0', '~')
    const step = Array.isArray(value) ? Number(key) : key
    value = (value as Record<Step, unknown> | undefined)?.[step]
    return step
  })
}

/** The branches of `anyOf` are judged together, and a bad name of a mapping is reported once. */
function isPartOfComposed (error: ErrorObject): boolean {
  return /\/(?:anyOf|oneOf)\/\d+\//.test(error.schemaPath) || error.propertyName !== undefined
}

function translate (error: ErrorObject, path: Path): Finding | null {
  const schema = (error.parentSchema ?? {}) as SchemaPart
  const params = error.params as Readonly<Record<string, unknown>>
  switch (error.keyword) {
    case 'additionalProperties': return unknownKey([...path, String(params['additionalProperty'])], schema)
    case 'required': return missingKey([...path, String(params['missingProperty'])], schema)
    case 'type': return wrongType(path, schema, error.data)
    case 'enum': return notOneOf(path, params['allowedValues'] as readonly string[], error.data)
    case 'const': return notOneOf(path, [String(params['allowedValue'])], error.data)
    case 'format': {
      const problem = FORMATS[String(params['format'])]?.(String(error.data)) ?? null
      return at(path, problem?.message ?? 'is not valid', problem?.hint ?? hintOf(schema))
    }
    case 'propertyNames': return {
      path: [...path, String(params['propertyName'])],
      message: 'this name has characters that are not allowed',
      hint: 'letters, digits, ".", "_" and "-"; the first one is a letter or digit',
      anchor: 'key'
    }
    default: return COMPOSED.has(error.keyword) ? composed(error, path) : limit(error, path, schema)
  }
}

function limit (error: ErrorObject, path: Path, schema: SchemaPart): Finding {
  const { limit } = error.params as { readonly limit?: number }
  switch (error.keyword) {
    case 'minimum': return at(path, `must be at least ${limit}`, null)
    case 'maximum': return at(path, `must be at most ${limit}`, null)
    case 'minItems': return at(path, 'has no entries', hintOf(schema))
    case 'minLength': return at(path, 'is empty', hintOf(schema))
    case 'minProperties': return at(path, 'has no entries', hintOf(schema))
    case 'pattern': return at(path, 'has characters that are not allowed', hintOf(schema))
    default: return at(path, 'is not valid', hintOf(schema))
  }
}

function unknownKey (path: Path, schema: SchemaPart): Finding {
  const key = String(path.at(-1))
  const known = Object.keys(schema.properties ?? {})
  if (known.includes(`${key}_file`) && known.includes(`${key}_env`)) {
    return { path, message: `"${key}" must not be written in the file`, hint: `use ${key}_file or ${key}_env`, anchor: 'key' }
  }
  return { path, message: isPlainName(key) ? `unknown key "${key}"` : 'unknown key', hint: suggest(key, known) ?? `allowed here: ${known.join(', ')}`, anchor: 'key' }
}

function missingKey (path: Path, schema: SchemaPart): Finding {
  const key = String(path.at(-1))
  return at(path, 'is missing', schema.properties?.[key]?.description ?? null)
}

const TYPE_NAMES: Readonly<Record<string, readonly [name: string, hint: string | null]>> = {
  string: ['text', 'put the value in quotes'],
  integer: ['a whole number', null],
  number: ['a number', null],
  boolean: ['true or false', 'without quotes'],
  array: ['a list', 'start each entry with "- "'],
  object: ['a mapping', 'write "key: value" lines, indented']
}

function wrongType (path: Path, schema: SchemaPart, data: unknown): Finding {
  if (data === null) return at(path, 'has no value', hintOf(schema))
  // A number instead of "5s": the sentence of the format says more than "must be text".
  const format = typeof data === 'object' ? null : FORMATS[schema.format ?? '']?.(JSON.stringify(data)) ?? null
  if (format !== null) return at(path, format.message, format.hint)
  const [name, hint] = TYPE_NAMES[schema.type ?? ''] ?? ['of another type', null]
  const isScalar = typeof data !== 'object'
  return at(path, `must be ${name}`, schema.type === 'string' && !isScalar ? hintOf(schema) : hint)
}

function notOneOf (path: Path, allowed: readonly string[], data: unknown): Finding {
  if (data === null) return at(path, 'has no value', `one of: ${allowed.join(', ')}`)
  const guess = typeof data === 'string' ? suggest(data, allowed) : null
  if (allowed.length === 1) return at(path, `must be "${allowed[0]}"`, guess === null ? 'this version supports nothing else' : null)
  return at(path, `must be one of: ${allowed.join(', ')}`, guess)
}

/** Alternatives: either of several keys, or one of several words. */
function composed (error: ErrorObject, path: Path): Finding {
  const branches = (Array.isArray(error.schema) ? error.schema : []) as readonly { readonly required?: readonly string[]; readonly const?: string }[]
  const words = branches.flatMap((branch) => branch.const ?? [])
  if (words.length > 0 && words.length === branches.length) return notOneOf(path, words, error.data)
  const keys = branches.flatMap((branch) => branch.required ?? [])
  return keys.length > 0 ? at(path, `needs one of: ${keys.join(', ')}`, null) : at(path, 'is not valid', null)
}

function at (path: Path, message: string, hint: string | null): Finding {
  return { path, message: `${nameOf(path)} ${message}`, hint, anchor: 'value' }
}

function hintOf (schema: SchemaPart): string | null {
  return schema.description ?? null
}
