/** How the demo looks: plain text; colour only on a terminal. */
import type { Difference } from './differences.ts'
import { seconds } from './timeline.ts'
import type { Step, StepName } from './timeline.ts'

export interface Screen {
  /** One or more lines. */
  line(text?: string): void
  title(text: string): void
  table(rows: readonly (readonly string[])[]): void
  step(step: Step, originMs: number): void
  problem(text: string): void
}

const RED = 31
const GREEN = 32
const YELLOW = 33
const BOLD = 1
const COLORS: Readonly<Partial<Record<StepName, number>>> = { fault: RED, down: RED, refused: RED, ended: RED, waits: YELLOW, registered: GREEN, verified: GREEN }

export function createScreen (write: (text: string) => void, colors: boolean): Screen {
  const paint = (text: string, color: number | undefined): string => colors && color !== undefined ? `\u001B[${color}m${text}\u001B[0m` : text
  const line = (text = ''): void => { write(`${text}\n`) }
  return {
    line,
    title: (text) => { line(`\n${paint(text, BOLD)}\n`) },
    table: (rows) => {
      const widths = rows.reduce<readonly number[]>((most, row) => row.map((cell, index) => Math.max(most[index] ?? 0, cell.length)), [])
      for (const row of rows) line(`  ${row.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join('  ').trimEnd()}`)
    },
    step: (step, originMs) => { line(`  ${seconds(step.atMs - originMs).padStart(9)}  ${paint(step.name.padEnd(10), COLORS[step.name])}  ${step.text}`) },
    problem: (text) => { line(paint(text, RED)) }
  }
}

/** Rows of a table of values that aren't the default. */
export function differenceRows (differences: readonly Difference[]): readonly (readonly string[])[] {
  return differences.map(({ path, value, standard }) => [path, value, `(${standard})`])
}
