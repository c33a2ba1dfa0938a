/** What the lab prints: sections, tables, and one line for each check, counted. */

export interface Report {
  section(title: string): void
  note(text: string): void
  /** @param seen - what was seen, told when the check failed */
  check(ok: boolean, sentence: string, seen?: unknown): void
  table(headings: readonly string[], rows: readonly (readonly (string | number)[])[]): void
  /** Checks so far. */
  counts(): { readonly passed: number, readonly failed: number }
}

/** Milliseconds for a table: `3.21 s`; a missing value is a dash. */
export const seconds = (ms: number | null): string => ms === null ? '-' : `${(ms / 1000).toFixed(2)} s`

/** Middle value; the mean of the two middle ones for an even number. */
export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

export const createReport = (write: (line: string) => void): Report => {
  let passed = 0
  let failed = 0
  return {
    section: (title) => write(`\n## ${title}`),
    note: (text) => write(text),
    check: (ok, sentence, seen) => {
      if (ok) passed += 1
      else failed += 1
      write(`${ok ? 'ok    ' : 'NOT OK'} ${sentence}${ok || seen === undefined ? '' : `: ${JSON.stringify(seen)}`}`)
    },
    table: (headings, rows) => {
      const lines = [headings, ...rows].map((row) => row.map(String))
      const widths = headings.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)))
      for (const line of lines) write(line.map((cell, column) => cell.padStart(widths[column]!)).join('  '))
    },
    counts: () => ({ passed, failed })
  }
}
