/** Everything that has to be green: lint, types, unit and integration tests, the lab. Last line: `N passed, N failed`. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

interface Counts {
  readonly passed: number
  readonly failed: number
}

/** What one part came to, and its lines that tell of a failure: said again at the end, since a CI often shows the end only. */
interface Played extends Counts {
  readonly failures: readonly string[]
}

interface Part {
  readonly title: string
  readonly command: string
  readonly args: readonly string[]
  /** Finds the counts; null: there are none, which is a failure. A part without it counts as one. */
  readonly count?: (output: string) => Counts | null
  /** Lines that are not printed. */
  readonly hides?: RegExp
}

const root = join(import.meta.dirname, '..')

/** tap's summary, for example `# { total: 3, pass: 2, fail: 1 }`; what is skipped is not passed. */
const countTap = (output: string): Counts | null => {
  const summary = [...output.matchAll(/# \{ total: \d+.*\}/g)].at(-1)?.[0]
  if (summary === undefined) return null
  const number = (name: string): number => Number(new RegExp(` ${name}: (\\d+)`).exec(summary)?.[1] ?? 0)
  return { passed: number('pass'), failed: number('fail') }
}

/** The lab's last line. */
const countLab = (output: string): Counts | null => {
  const last = [...output.matchAll(/^(\d+) passed, (\d+) failed$/gm)].at(-1)
  return last === undefined ? null : { passed: Number(last[1]), failed: Number(last[2]) }
}

const PARTS: readonly Part[] = [
  { title: 'lint', command: 'npm', args: ['run', '--silent', 'lint'] },
  { title: 'types', command: 'npm', args: ['run', '--silent', 'check'] },
  {
    title: 'unit and integration tests',
    command: 'npm',
    args: ['test', '--', '--reporter=tap'],
    count: countTap,
    // Thousands of passed assertions; what fails stays, with its diagnostics.
    hides: /^\s*$|^\s+(ok \d|\d+\.\.|# )|^# Subtest/
  },
  { title: 'lab', command: process.execPath, args: ['test/lab/run.ts'], count: countLab }
]

/** Runs a command, passes its output on, and returns it with the exit code (null: ended by a signal). */
const run = (part: Part): Promise<{ readonly code: number | null, readonly output: string }> => new Promise((resolve, reject) => {
  const child = spawn(part.command, [...part.args], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  createInterface({ input: child.stdout }).on('line', (line) => {
    output += `${line}\n`
    if (part.hides?.test(line) !== true) console.log(line)
  })
  child.once('error', reject)
  child.once('close', (code) => resolve({ code, output }))
})

/** The first ones tell enough. */
const FAILURES_SAID = 40
/** TAP's `not ok`, the lab's `NOT OK`. */
const FAILURE = /^\s*not ok\b/i

const play = async (part: Part): Promise<Played> => {
  console.log(`\n# ${part.title}`)
  const { code, output } = await run(part)
  if (part.count === undefined) return code === 0 ? { passed: 1, failed: 0, failures: [] } : { passed: 0, failed: 1, failures: output.split('\n') }
  const counts = part.count(output)
  if (counts === null || counts.passed + counts.failed === 0) return { passed: 0, failed: 1, failures: [`no counts; it ended with ${code}`] }
  const failures = output.split('\n').filter((line) => FAILURE.test(line))
  if (code === 0 || counts.failed > 0) return { ...counts, failures }
  return { ...counts, failed: 1, failures: [...failures, `nothing failed, but it ended with ${code}`] }
}

const all: Played[] = []
for (const part of PARTS) all.push(await play(part))
const passed = all.reduce((sum, one) => sum + one.passed, 0)
const failed = all.reduce((sum, one) => sum + one.failed, 0)
for (const [index, { failures }] of all.entries()) if (failures.length > 0) console.log(`\n# failed: ${PARTS[index]!.title}\n${failures.slice(0, FAILURES_SAID).join('\n')}`)
console.log(`\n${PARTS.map(({ title }, index) => `${title}: ${all[index]!.passed} passed, ${all[index]!.failed} failed`).join('\n')}\n`)
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
