/** A whole file of tests: read, checked, played. */
import { dirname, isAbsolute, join } from 'node:path'
import type { Problem } from '../config/config.ts'
import type { LoadResult } from '../config/load.ts'
import { rehearse } from './rehearse.ts'
import type { Rehearsed } from './rehearse.ts'
import { checkNames, readTestFile } from './test-file.ts'

export type TestReport =
  /** Nothing was played. `file` is the one that has the problems. */
  | { readonly ok: false; readonly file: string; readonly problems: readonly Problem[] }
  | { readonly ok: true; readonly tests: readonly Rehearsed[] }

/**
 * @param load - reads a configuration whose secrets need not be there
 * @param told - called after each test
 */
export async function runTests (file: string, load: (file: string) => Promise<LoadResult>, told: (test: Rehearsed) => void): Promise<TestReport> {
  const read = await readTestFile(file)
  if (!read.ok) return { ok: false, file, problems: read.problems }
  const { file: content, reporter } = read.value
  const configFile = isAbsolute(content.config) ? content.config : join(dirname(file), content.config)
  const loaded = await load(configFile)
  if (!loaded.ok) return { ok: false, file: configFile, problems: loaded.problems }
  checkNames(content, loaded.config, reporter)
  if (reporter.unsound().length > 0) return { ok: false, file, problems: reporter.problems() }
  const tests: Rehearsed[] = []
  for (const test of content.tests) {
    const rehearsed = await rehearse(loaded.config, content.mode, test)
    tests.push(rehearsed)
    told(rehearsed)
  }
  return { ok: true, tests }
}
