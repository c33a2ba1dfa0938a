/** Reads options, and the ones that several commands have. */
import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import type { DurationMs } from '../core/topology.ts'
import { parseDuration } from '../config/duration.ts'
import { UsageError } from './command.ts'
import type { Option, Values } from './command.ts'

export const OUTPUT: Readonly<Record<string, Option>> = { output: { value: 'text|json', help: 'Form of the output.', default: 'text' } }

/** Where Pointsman's API is, and who asks. */
export const API: Readonly<Record<string, Option>> = {
  url: { value: 'URL', help: 'Pointsman\'s address; default: $POINTSMAN_URL or http://127.0.0.1:9867.' },
  'token-file': { value: 'FILE', help: 'File with the operator\'s bearer token; default: $POINTSMAN_TOKEN_FILE.' }
}

/** @throws {UsageError} for an unknown option, a missing value, or `--output` that isn't known */
export function readArguments (args: readonly string[], options: Readonly<Record<string, Option>>): { values: Values; positionals: string[] } {
  try {
    const config = Object.fromEntries(Object.entries(options).map(([name, option]) => [name, { type: option.value === undefined ? 'boolean' as const : 'string' as const }]))
    const { values, positionals } = parseArgs({ args: [...args], options: { ...config, help: { type: 'boolean', short: 'h' } }, allowPositionals: true })
    const defaults = Object.fromEntries(Object.entries(options).flatMap(([name, option]) => option.default === undefined ? [] : [[name, option.default]]))
    const all: Values = { ...defaults, ...values }
    if ('output' in options && all['output'] !== 'text' && all['output'] !== 'json') throw new UsageError('--output must be text or json')
    return { values: all, positionals }
  } catch (error) {
    if (error instanceof TypeError && 'code' in error) throw new UsageError(firstSentence(error.message))
    throw error
  }
}

/** parseArgs adds advice about `--` that helps nobody here. */
function firstSentence (message: string): string {
  return message.split('. ')[0] ?? message
}

/** The option's text; undefined when it wasn't given. */
export function text (values: Values, name: string): string | undefined {
  const value = values[name]
  return typeof value === 'string' ? value : undefined
}

/** @throws {UsageError} when it wasn't given */
export function requiredText (values: Values, name: string): string {
  const value = text(values, name)
  if (value === undefined || value.trim() === '') throw new UsageError(`--${name} is required`)
  return value
}

/** @throws {UsageError} when it is no duration above 0 */
export function duration (values: Values, name: string): DurationMs {
  const ms = parseDuration(text(values, name) ?? '')
  if (ms === null || ms === 0) throw new UsageError(`--${name} must be a duration like 500ms or 2s`)
  return ms
}

/** @throws {UsageError} when there are more operands than the command takes */
export function operands (positionals: readonly string[], most: number): readonly string[] {
  const extra = positionals[most]
  if (extra !== undefined) throw new UsageError(`unexpected argument '${extra}'`)
  return positionals
}

/**
 * A secret's file without the line break at its end.
 * @throws {UsageError} when it can't be read or is empty
 */
export async function readSecretFile (file: string): Promise<string> {
  const content = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`${file} can't be read (${error.code ?? 'unknown error'})`)
  })
  const secret = content.replace(/\r?\n$/, '')
  if (secret === '') throw new UsageError(`${file} is empty`)
  return secret
}
