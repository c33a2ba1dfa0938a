/** Files and environment variables that the configuration names: `password_file`, `token_env`, `ca_file` … */
import { readFile, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Secret } from '../ports.ts'
import { createSecret } from '../secret.ts'
import type { Path, Reporter } from './problems.ts'

export interface SecretSources {
  /** Folder that relative paths start from. */
  readonly directory: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** True: what can't be read is a warning, and an empty secret stands for it. Nothing may be sent then. */
  readonly optional: boolean
}

/** What the references of one mapping stand for: a `Secret` for `x_file` or `x_env`, text for a lone `x_file`. */
export type Resolved = ReadonlyMap<string, Secret | string>

/** Long enough for a chain of certificates; a larger file was not meant. */
const LARGEST_FILE = 256 * 1024

/** Stands for a secret that can't be read. */
const UNKNOWN = createSecret('')

const FILE_ERRORS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'no permission to read it',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of the path is not a folder'
}

/**
 * Reads what the references in `settings` name.
 * @param known - all keys that the schema allows here; they tell a secret (`x_file` and `x_env`) from a plain file
 * @param path - of `settings` in the file, for problems
 */
export async function resolveReferences (known: readonly string[], settings: Readonly<Record<string, unknown>>, path: Path, sources: SecretSources, strict: Reporter): Promise<Resolved> {
  const resolved = new Map<string, Secret | string>()
  const reporter: Reporter = sources.optional ? { ...strict, error: strict.warn } : strict
  for (const fileKey of known.filter((key) => key.endsWith('_file'))) {
    const name = fileKey.slice(0, -'_file'.length)
    const envKey = `${name}_env`
    const file = settings[fileKey]
    const variable = settings[envKey]
    if (typeof file === 'string' && typeof variable === 'string') {
      strict.error([...path, envKey], `"${fileKey}" and "${envKey}" are both given`, 'keep one of them')
      continue
    }
    if (typeof file === 'string') {
      const text = await readText(file, [...path, fileKey], sources, reporter)
      if (text === null) {
        if (sources.optional && known.includes(envKey)) resolved.set(name, UNKNOWN)
        continue
      }
      if (!known.includes(envKey)) { resolved.set(name, text); continue }
      const secret = checkSecret(text.replace(/^\uFEFF/, '').replace(/\r?\n$/, ''), `the file "${file}"`, [...path, fileKey], reporter)
      if (secret !== null || sources.optional) resolved.set(name, secret ?? UNKNOWN)
    } else if (typeof variable === 'string') {
      const secret = readVariable(variable, [...path, envKey], sources, reporter)
      if (secret !== null || sources.optional) resolved.set(name, secret ?? UNKNOWN)
    }
  }
  return resolved
}

/** Where secrets come from: `x_file` with its absolute path, `x_env` with the variable's name. */
export function sourcesOf (settings: Readonly<Record<string, unknown>>, directory: string): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(settings).flatMap(([key, value]) => {
    if (typeof value !== 'string') return []
    return key.endsWith('_file') ? [[key, resolve(directory, value)]] : key.endsWith('_env') ? [[key, value]] : []
  }))
}

async function readText (file: string, path: Path, sources: SecretSources, reporter: Reporter): Promise<string | null> {
  try {
    const full = resolve(sources.directory, file)
    const found = await stat(full)
    // A pipe would be waited for, a device read without end.
    if (!found.isFile() && !found.isDirectory()) {
      reporter.error(path, `the file "${file}" is a pipe, a socket or a device`, 'give a regular file')
      return null
    }
    const content = await readFile(full)
    if (content.length <= LARGEST_FILE) return content.toString('utf8')
    reporter.error(path, `the file "${file}" is larger than 256 KiB`, 'is it the right file?')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error'
    reporter.error(path, `can't read the file "${file}": ${FILE_ERRORS[code] ?? code}`, 'relative paths start at the folder of this file')
  }
  return null
}

function readVariable (variable: string, path: Path, sources: SecretSources, reporter: Reporter): Secret | null {
  const value = sources.env[variable]
  if (value !== undefined) return checkSecret(value, `the environment variable "${variable}"`, path, reporter)
  reporter.error(path, `the environment variable "${variable}" is not set`)
  return null
}

function checkSecret (value: string, source: string, path: Path, reporter: Reporter): Secret | null {
  if (value === '') {
    reporter.error(path, `${source} is empty`)
    return null
  }
  // It goes into headers: a line break would start another one.
  // oxlint-disable-next-line no-control-regex
  if (/[\u0000-\u001F\u007F]/.test(value)) {
    reporter.error(path, `${source} holds more than one line, or control characters`, 'only one line break, at its end, is allowed')
    return null
  }
  if (value.trim() !== value) reporter.warn(path, `${source} starts or ends with a blank`, 'it is part of the secret')
  return createSecret(value)
}
