/** Counts what became of the inputs, keeps the slowest, and gathers what must not be. */

export interface Tally {
  /** @param what - the input, for people: how to find it again */
  note (outcome: string, durationMs: number, what: () => string): void
  fail (problem: string): void
  /** One more line of the report. */
  remark (line: string): void
  readonly failures: readonly string[]
  inputs (): number
  report (): string
}

/** An input that computes longer [ms] blocks all others, and the control loop with them. */
const LONGEST_MS = 1_000
/** More of one kind tell nothing new. */
const MOST_FAILURES = 20

export function createTally (name: string): Tally {
  const counts = new Map<string, number>()
  const failures: string[] = []
  const remarks: string[] = []
  let slowest = { durationMs: 0, what: '' }
  let inputs = 0
  let totalMs = 0
  const fail = (problem: string): void => {
    if (failures.length < MOST_FAILURES) failures.push(`${name}: ${problem}`)
  }
  return {
    note: (outcome, durationMs, what) => {
      inputs++
      totalMs += durationMs
      counts.set(outcome, (counts.get(outcome) ?? 0) + 1)
      if (durationMs > slowest.durationMs) slowest = { durationMs, what: shorten(what()) }
      if (durationMs > LONGEST_MS) fail(`${durationMs.toFixed(0)} ms for ${shorten(what())}`)
    },
    fail,
    remark: (line) => { remarks.push(`  ${line}\n`) },
    failures,
    inputs: () => inputs,
    report: () => {
      const rows = [...counts].sort(([a], [b]) => a < b ? -1 : 1).map(([outcome, count]) => `  ${outcome.padEnd(28)} ${String(count).padStart(8)}`)
      return `${name}: ${inputs} inputs, ${failures.length} failures, mean ${(totalMs / Math.max(inputs, 1)).toFixed(2)} ms\n${rows.join('\n')}\n  slowest: ${slowest.durationMs.toFixed(1)} ms: ${slowest.what}\n${remarks.join('')}`
    }
  }
}

export function shorten (text: string): string {
  const clean = JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}… (${text.length} characters)` : text)
  return clean.slice(1, -1)
}
