/** What is wrong in a configuration file, gathered as a list and shown with its place. */
import type { Problem } from './config.ts'

/** A step into the file: the key of a mapping, or the index of a list. */
export type Step = string | number
export type Path = readonly Step[]

/** Where in the file a problem is shown: at the value, or at its key. */
export type Anchor = 'key' | 'value'

/** Finds the line and column of a path; of its nearest parent where the file doesn't have it. */
export type Locate = (path: Path, anchor: Anchor) => { readonly line: number; readonly column: number }

/** Gathers problems. Each call takes the path, one sentence, and what to do (null: the sentence says it). */
export interface Reporter {
  error(path: Path, message: string, hint?: string | null, anchor?: Anchor): void
  warn(path: Path, message: string, hint?: string | null, anchor?: Anchor): void
  /** Paths of the errors so far. */
  unsound(): readonly Path[]
  /** All problems, in the order of the file. */
  problems(): readonly Problem[]
}

export function createReporter (locate: Locate): Reporter {
  const found: Problem[] = []
  const unsound: Path[] = []
  const add = (severity: Problem['severity'], path: Path, message: string, hint: string | null, anchor: Anchor): void => {
    found.push({ severity, ...locate(path, anchor), path: renderPath(path), message: printable(message), hint: hint === null ? null : printable(hint) })
  }
  return {
    error: (path, message, hint = null, anchor = 'value') => {
      unsound.push(path)
      add('error', path, message, hint, anchor)
    },
    warn: (path, message, hint = null, anchor = 'value') => { add('warning', path, message, hint, anchor) },
    unsound: () => [...unsound],
    problems: () => found.toSorted((a, b) => a.line - b.line || a.column - b.column)
  }
}

/** For example `trunks.acme.interfaces[1].gateway`; the whole file is the empty text. A key that is no name is a `?`. */
export function renderPath (path: Path): string {
  return path.map((step, index) => typeof step === 'number' ? `[${step}]` : `${index === 0 ? '' : '.'}${isPlainName(step) ? step : '?'}`).join('')
}

/** Other keys are not repeated: `{password:x}` without the blank is a key that holds a password. */
export function isPlainName (key: string): boolean {
  return /^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$/.test(key)
}

/** Names in the file can hold what a terminal obeys, or be endless. */
function printable (text: string): string {
  const shown = text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}…` : text
  return shown.replaceAll(/[\p{Cc}\p{Cs}\u2028\u2029]/gu, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

const LONGEST_TEXT = 500

/** `file:line:column: error: message (hint)`: the form that editors and CI systems turn into a link. */
export function renderProblem (file: string, problem: Problem): string {
  const hint = problem.hint === null ? '' : ` (${problem.hint})`
  return `${file}:${problem.line}:${problem.column}: ${problem.severity}: ${problem.message}${hint}`
}

/** One line per problem, with a line break at the end of each; nothing for no problems. */
export function renderProblems (file: string, problems: readonly Problem[]): string {
  return problems.map((problem) => `${renderProblem(file, problem)}\n`).join('')
}

/**
 * The known name that was probably meant: at most two letters wrong (one in a short name).
 * @returns `did you mean "x"?`, or null
 */
export function suggest (wrong: string, known: Iterable<string>): string | null {
  const reach = wrong.length <= 4 ? 1 : 2
  let best: string | null = null
  let least = reach + 1
  for (const name of known) {
    if (Math.abs(name.length - wrong.length) > reach) continue
    const steps = distance(wrong.toLowerCase(), name.toLowerCase())
    if (steps < least) { best = name; least = steps }
  }
  return best === null ? null : `did you mean "${best}"?`
}

/** Optimal string alignment: insertions, deletions, replacements, and swaps of neighbours. */
function distance (a: string, b: string): number {
  let before: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const next = [row]
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1]
      let steps = Math.min(at(last, column) + 1, at(next, column - 1) + 1, at(last, column - 1) + (same ? 0 : 1))
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      if (swapped) steps = Math.min(steps, at(before, column - 2) + 1)
      next.push(steps)
    }
    before = last
    last = next
  }
  return at(last, b.length)
}

function at (row: readonly number[], column: number): number {
  return row[column] ?? Infinity
}
