/** The one way from a file to a configuration: for the server, its reload, and check-config. */
import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { checkFile } from './check.ts'
import type { Config, Problem } from './config.ts'
import { type DriverRegistry, validateKinds } from './kinds.ts'
import { normalize } from './normalize.ts'
import { createReporter } from './problems.ts'
import { readYaml } from './read.ts'
import { type ReferenceTable, readReferences, referencesIn } from './references.ts'
import { type ConfigFile, FileSchema } from './schema.ts'
import { createValidate } from './validate.ts'
import { createView } from './view.ts'

export type LoadResult =
  | { readonly ok: true; readonly config: Config; readonly warnings: readonly Problem[] }
  /** Errors and warnings, in the order of the file. */
  | { readonly ok: false; readonly problems: readonly Problem[] }

/** A file without errors, not yet made into a configuration. */
export interface CheckedFile {
  readonly ok: true
  readonly value: ConfigFile
  readonly references: ReferenceTable
  readonly warnings: readonly Problem[]
}

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Reads and checks a configuration file and everything that it names. Changes nothing, opens no connection.
 * @param file - its path; relative paths in it start at its folder
 * @param env - environment variables for `*_env` keys
 * @param secrets - `optional`: one that can't be read is a warning. For what only reads the configuration, never for what sends.
 */
export async function loadConfig (file: string, registry: DriverRegistry, env: Environment = process.env, secrets: 'needed' | 'optional' = 'needed'): Promise<LoadResult> {
  const checked = await checkConfig(file, registry, env, secrets)
  return checked.ok ? completeLoad(checked, file, registry) : checked
}

/** The first and by far the longer part of `loadConfig`. */
export async function checkConfig (file: string, registry: DriverRegistry, env: Environment, secrets: 'needed' | 'optional'): Promise<CheckedFile | Extract<LoadResult, { ok: false }>> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => ({ code: error.code ?? 'unknown error' }))
  if (typeof text !== 'string') return { ok: false, problems: [unreadable(text.code)] }
  const read = readYaml(text)
  if (!read.ok) return read
  const reporter = createReporter(read.locate)
  const validate = createValidate(reporter)
  validate(FileSchema, read.value, [])
  validateKinds(createView(read.value, reporter), registry, validate, reporter)
  const view = createView(read.value, reporter)
  checkFile(view, registry, reporter)
  const references = await readReferences(view, registry, { directory: dirname(resolve(file)), env, optional: secrets === 'optional' }, reporter)
  if (reporter.unsound().length > 0) return { ok: false, problems: reporter.problems() }
  // Every key was validated above; `ConfigFile` is the type of what the schemas accept.
  return { ok: true, value: read.value as unknown as ConfigFile, references, warnings: reporter.problems() }
}

/** The second part. */
export function completeLoad ({ value, references, warnings }: CheckedFile, file: string, registry: DriverRegistry): LoadResult {
  return { ok: true, config: normalize(value, { file, directory: dirname(resolve(file)), registry, references: referencesIn(references) }), warnings }
}

function unreadable (code: string): Problem {
  const message = code === 'ENOENT' ? 'there is no such file' : `the file can't be read (${code})`
  return { severity: 'error', line: 1, column: 1, path: '', message, hint: null }
}
