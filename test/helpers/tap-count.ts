/** Counts the assertions of a TAP stream. */

export interface Counts {
  readonly passed: number
  readonly failed: number
}

const RESULT = /^( *)(not ok|ok)\b(.*)$/
const SUBTEST = /^( *)# Subtest\b/
const DIRECTIVE = / # (skip|todo)\b/i

/**
 * Counts what is asserted itself, not the lines that sum up a subtest, and not what was skipped.
 *
 * @returns null when the stream asserts nothing
 */
export const countTap = (stream: string): Counts | null => {
  const open = new Set<number>()
  let passed = 0
  let failed = 0
  for (const line of stream.split('\n')) {
    const subtest = SUBTEST.exec(line)
    if (subtest !== null) open.add(subtest[1]!.length)
    const result = RESULT.exec(line)
    if (result === null) continue
    const [, indent, verdict, rest] = result
    // The end of a subtest that was announced, or the head of one that follows in braces.
    if (open.delete(indent!.length) || rest!.endsWith('{') || DIRECTIVE.test(rest!)) continue
    if (verdict === 'ok') passed += 1
    else failed += 1
  }
  return passed + failed === 0 ? null : { passed, failed }
}
