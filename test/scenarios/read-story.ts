/** A scenario folder: what happens (`timeline.yaml`) and what must come of it (`expected.yaml`). */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import type { Expected, Story, Timeline, Variant } from '../../src/rehearsal/story.ts'

/** Reads a folder. Expectations are merged from `all` over the kind and the query to `kind, query`. */
export function readStory (folder: string, name: string): Story {
  const read = (file: string): unknown => parse(readFileSync(join(folder, name, file), 'utf8'))
  const timeline = read('timeline.yaml') as Timeline
  const expected = read('expected.yaml') as Readonly<Record<string, Expected>>
  const { kinds = ['innovaphone', 'kamailio'], queries = ['no query', 'query lists'] } = timeline
  const known = new Set<string>(['all', ...kinds, ...queries, ...kinds.flatMap((kind) => queries.map((query) => `${kind}, ${query}`))])
  const stray = Object.keys(expected).find((key) => !known.has(key))
  if (stray !== undefined) throw new Error(`${name}: no variant is called "${stray}"`)
  const variants = kinds.flatMap((kind) => queries.map((query): Variant => ({
    name: `${kind}, ${query}`,
    kind,
    query,
    expected: { ...expected['all'], ...expected[kind], ...expected[query], ...expected[`${kind}, ${query}`] }
  })))
  return { name: name.replaceAll('-', ' '), timeline, variants }
}
