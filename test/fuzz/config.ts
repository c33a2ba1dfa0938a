/** Configuration files: good ones, changed as data, as lines, as text and as bytes. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { parse, stringify } from 'yaml'
import { systemClock, systemRandom } from '../../src/clock.ts'
import type { Config, Problem } from '../../src/config/config.ts'
import { loadConfig } from '../../src/config/load.ts'
import { renderProblems } from '../../src/config/problems.ts'
import { createDriver, drivers } from '../../src/drivers/registry.ts'
import { leakIn, SECRETS, writeSecrets } from './canary.ts'
import { createDice } from './random.ts'
import type { Dice } from './random.ts'
import { startStopwatch } from './stopwatch.ts'
import { CONFIGURATION } from './subject.ts'
import type { Tally } from './tally.ts'
import { shorten } from './tally.ts'
import { mutate, mutateBytes, mutateText, toJson } from './values.ts'

/** The same with blocks instead of braces, an anchor, a merge and comments. */
const BLOCKS = `%YAML 1.2
---
# comment
${stringify(parse(CONFIGURATION)).replace('probes:\n', 'probes:\n  spare: &spare { method: OPTIONS, fall: 2 } # anchor\n  same: { <<: *spare, rise: 3 }\n  other: *spare\n')}`

const DATA: unknown = parse(CONFIGURATION)

/** Pieces that YAML gives a meaning to. */
const PIECES: readonly string[] = [
  '&a ', '*a', '*box', '<<: *box', '!!binary ', '!!set ', '!!omap ', '!!timestamp ', '!!float ', '!!null ', '!!merge ', '!!js/function ', '!local ', '!<tag:yaml.org,2002:str> ', '? ', ': ', '- ', '- - - ', '|\n', '>-\n', '|9\n', '"', '\'', '[', ']', '{', '}', '#', ' #',
  '---\n', '...\n', '%YAML 9.9\n', '%TAG ! tag:x,2000:\n', '\t', '\r', '\u0085', '\u2028', '\uFEFF', '\u0000', '~', 'null', '.inf', '-.nan', '0x1F', '0o17', '1e999', '2026-01-01', 'yes', '__proto__: {polluted: 1}\n', 'constructor: {prototype: {polluted: 1}}\n',
  'a: &l [x]\nb: &m [*l, *l, *l, *l, *l, *l, *l, *l]\nc: &n [*m, *m, *m, *m, *m, *m, *m, *m]\nd: [*n, *n, *n, *n, *n, *n, *n, *n]\n', 'loop: &loop [*loop]\n', 'loop: &loop {<<: *loop}\n'
]

function mutateLines (dice: Dice, text: string): string {
  const lines = text.split('\n')
  for (let change = dice.pick([1, 1, 2, 4]); change > 0; change--) {
    const at = dice.int(lines.length)
    const line = lines[at] ?? ''
    switch (dice.int(7)) {
      case 0: lines.splice(at, 1); break
      case 1: lines.splice(at, 0, line); break
      case 2: lines[at] = `${' '.repeat(dice.int(5))}${line}`; break
      case 3: lines[at] = line.trimStart(); break
      case 4: lines.splice(at, 0, lines[dice.int(lines.length)] ?? ''); break
      case 5: {
        const column = dice.int(line.length + 1)
        lines[at] = line.slice(0, column) + dice.pick(PIECES) + line.slice(column)
        break
      }
      default: lines[at] = line.replace(/: .*/, `: ${dice.pick(PIECES)}`)
    }
  }
  return lines.join(dice.chance(0.05) ? '\r\n' : '\n')
}

function nested (dice: Dice): string {
  const depth = dice.pick([50, 500, 3_000, 20_000])
  const name = dice.pick(['gateways', 'rules', 'trunks', 'x'])
  return dice.pick([
    `${name}: ${'['.repeat(depth)}`, `${name}: ${'['.repeat(depth)}${']'.repeat(depth)}`, `${name}: ${'{a: '.repeat(depth)}1${'}'.repeat(depth)}`, `${name}:\n${Array.from({ length: Math.min(depth, 1_000) }, (_, level) => `${' '.repeat(level + 1)}a:`).join('\n')}`,
    `${name}: ${'- '.repeat(depth)}1`, `- ${'- '.repeat(depth)}1`, `${name}: ${'!!x '.repeat(depth)}1`, `${name}: ${'"x'.repeat(depth)}`, `${name}: [${'*a,'.repeat(depth)}]`, `${name}: &a [${'*a,'.repeat(depth)}]`,
    `${name}: {${Array.from({ length: Math.min(depth, 2_000) }, (_, key) => `k${key}: v`).join()}}`, `${'x'.repeat(depth)}: 1`, `${name}: "${'\\u00e9'.repeat(depth)}"`, `rules: [{name: x, match: ['a=~"${'('.repeat(depth)}${')'.repeat(depth)}"']}]`,
    `rules: [{name: x, match: ['a=~"${'(x{1,900}){1,900}'.repeat(Math.min(depth, 50))}"'], target: {trunk: acme}, demand: disable}]`, `rules: [{name: x, match: ['a=~"${'(a*)*'.repeat(Math.min(depth, 500))}"'], target: {trunk: acme}, demand: disable}]`
  ])
}

/** A secret in the file itself, where people put it by mistake. Its key and place are left alone. */
function plant (data: unknown, dice: Dice): void {
  if (typeof data !== 'object' || data === null) return
  const root = data as Record<string, Record<string, Record<string, unknown>> & unknown[]>
  const put = (parent: unknown, key: string, value: unknown): void => {
    if (typeof parent === 'object' && parent !== null && !Array.isArray(parent)) Object.assign(parent, { [key]: value })
  }
  const gateway = root['gateways']?.['pbx-a']
  const url = `https://pointsman:${SECRETS.gateway}@10.0.1.10`
  dice.pick([
    () => { put(gateway, 'password', SECRETS.gateway) }, () => { put(gateway, 'password_file', { text: SECRETS.gateway }) }, () => { put(gateway, 'url', url) }, () => { put(gateway, 'url', [url]) },
    () => { put(root['probes']?.['binding'], 'password', SECRETS.carrier) }, () => { put(root['alertmanagers']?.[0], 'token', SECRETS.alertmanager) }, () => { put(root['alertmanagers']?.[0], 'url', url) },
    () => { put(root['web'], 'password', SECRETS.password) }, () => { put(root['web']?.['users']?.[0 as never], 'token', SECRETS.webhook) }, () => { put(root, 'token', { value: SECRETS.operator }) }
  ])()
}

/** A secret in the file itself, and one slip of the finger on its line: nobody must read it in a log then. */
function slip (dice: Dice): string {
  const [name, key] = dice.pick([['gateway', 'password'], ['carrier', 'password'], ['webhook', 'token'], ['alertmanager', 'token']] as const)
  const lines = dice.pick([CONFIGURATION, BLOCKS]).replace(`${key}_file: secrets/${name}`, `${key}: ${SECRETS[name]}`).split('\n')
  const at = lines.findIndex((line) => line.includes(SECRETS[name]))
  const line = lines[at] ?? ''
  const column = dice.int(line.length)
  lines[at] = line.slice(0, column) + dice.pick(['', '', ' ', ...':,#{}[]"\'&*!|>-?'.split('')]) + line.slice(column + dice.int(2))
  return lines.join('\n')
}

function textOf (dice: Dice): Buffer {
  const kind = dice.int(21)
  if (kind === 20) return Buffer.from(slip(dice))
  if (kind < 8) {
    const data = mutate(dice, structuredClone(DATA))
    if (dice.chance(0.4)) plant(data, dice)
    if (dice.chance(0.3)) return Buffer.from(toJson(data))
    // What is nested deeper than the writer can follow is written as JSON.
    try {
      return Buffer.from(stringify(data, { indent: 1 + dice.int(8), lineWidth: dice.pick([0, 20, 80]), aliasDuplicateObjects: dice.chance(0.5) }))
    } catch {
      return Buffer.from(toJson(data))
    }
  }
  const base = dice.pick([CONFIGURATION, BLOCKS])
  if (kind < 13) return Buffer.from(mutateLines(dice, base))
  if (kind < 17) return Buffer.from(mutateText(dice, base))
  if (kind < 19) return mutateBytes(dice, Buffer.from(base))
  return Buffer.from(dice.chance(0.5) ? `${base}${nested(dice)}\n` : `${nested(dice)}\n${base}`)
}

/** What is wrong with a list of problems as people and programs read it. */
function judgeProblems (file: string, problems: readonly Problem[], lines: number): string | null {
  const text = renderProblems(file, problems)
  const leak = leakIn(text) ?? leakIn(JSON.stringify(problems))
  if (leak !== null) return `a problem shows ${leak}: ${shorten(text)}`
  if (text.split('\n').length !== problems.length + 1) return `a problem is more than one line: ${shorten(text)}`
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  if (/[\u0000-\u0009\u000B-\u001F\u007F-\u009F]/.test(text)) return `a problem holds control characters: ${shorten(text)}`
  const lost = problems.find(({ line, column }) => !(line >= 1 && line <= lines + 1 && column >= 1))
  return lost === undefined ? null : `a problem without a place: ${JSON.stringify(lost)}`
}

/** What was taken must be usable, and show no secret. */
async function judgeConfig (config: Config): Promise<string | null> {
  const shown = inspect([config.users, config.alertmanagers, config.bindings, config.topology], { depth: null })
  if (leakIn(shown) !== null) return 'the configuration shows a secret'
  for (const { driver, settings } of config.gateways) await createDriver(driver, settings, { clock: systemClock, random: systemRandom }).close()
  return null
}

/** Loads `inputs` files, each to be found again by its number under the same seed. */
export async function fuzzConfig (directory: string, inputs: number, seed: number, tally: Tally): Promise<void> {
  writeSecrets(directory)
  const file = join(directory, 'fuzzed.yaml')
  const env = { ANNA: SECRETS.password, EMPTY: '' }
  for (let number = 0; number < inputs; number++) {
    const bytes = number === 0 ? Buffer.from(CONFIGURATION) : number === 1 ? Buffer.from(BLOCKS) : textOf(createDice(seed + number))
    writeFileSync(file, bytes)
    const what = (): string => `#${number} ${bytes.toString('latin1')}`
    const elapsedMs = startStopwatch()
    const result = await loadConfig(file, drivers, env).catch((error: unknown) => error instanceof Error ? error : new Error(String(error)))
    const durationMs = elapsedMs()
    if (result instanceof Error) {
      tally.note('threw', durationMs, what)
      tally.fail(`${shorten(result.stack ?? result.message)} for ${shorten(what())}`)
      continue
    }
    const problems = result.ok ? result.warnings : result.problems
    tally.note(result.ok ? 'taken' : 'refused', durationMs, what)
    if (!result.ok && problems.length === 0) tally.fail(`refused without a reason: ${shorten(what())}`)
    const wrong = judgeProblems(file, problems, bytes.toString().split(/\r?\n/).length) ?? (result.ok ? await judgeConfig(result.config) : null)
    if (wrong !== null) tally.fail(`${wrong} for ${shorten(what())}`)
  }
}
