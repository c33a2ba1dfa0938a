/** `pointsman test-rules`: stories and what must come of them, played on virtual time with the real engine. */
import { renderProblems } from '../config/problems.ts'
import type { Rehearsed } from '../rehearsal/rehearse.ts'
import { OK, PROBLEMS, UsageError } from './command.ts'
import type { Command } from './command.ts'
import { operands, OUTPUT } from './options.ts'
import { columns, json, plain } from './print.ts'

export const testRules: Command = {
  name: 'test-rules',
  operands: 'FILE',
  summary: 'Play stories against a configuration, and compare what comes of them with what you expect.',
  description: `FILE names the configuration, the stories and the expectations; see deploy/examples/innovaphone-pair.test.yaml. Everything but
gateways, carriers and monitoring is what the server runs; time is virtual, nothing is sent, secrets need not be readable.
Exit code 3 when an expectation was not met, or a file has problems.`,
  options: { verbose: { help: 'Print the timeline of each story.' }, ...OUTPUT },
  run: async ({ values, positionals, io, deps }) => {
    const [file] = operands(positionals, 1)
    if (file === undefined) throw new UsageError('FILE is missing')
    const asJson = values['output'] === 'json'
    const report = await deps.testRules(file, (test) => { if (!asJson) io.stdout(renderTest(file, test, values['verbose'] === true)) })
    if (!report.ok) {
      if (asJson) io.stdout(json({ file: report.file, ok: false, problems: report.problems }))
      else io.stderr(renderProblems(report.file, report.problems))
      return PROBLEMS
    }
    const failed = report.tests.filter(({ failures }) => failures.length > 0).length
    io.stdout(asJson ? json({ file, ok: failed === 0, tests: report.tests }) : `${report.tests.length - failed} passed, ${failed} failed\n`)
    return failed === 0 ? OK : PROBLEMS
  }
}

/** Lines of the timeline that are shown before a failure, and after it. */
const BEFORE = 12
const AFTER = 3

function renderTest (file: string, { name, failures, timeline }: Rehearsed, verbose: boolean): string {
  const lines = (from: number, to?: number): string => columns(timeline.slice(Math.max(0, from), to).map(({ atMs, text }) => [clock(atMs), text]), '      ')
  const head = `${failures.length === 0 ? 'ok    ' : 'FAILED'}  ${plain(name)}\n`
  const wrong = failures.map(({ line, column, message, atMs }) => {
    const at = atMs === null ? timeline.length : timeline.findLastIndex((each) => each.atMs <= atMs) + 1
    return `  ${file}:${line}:${column}: ${plain(message)}\n${verbose ? '' : lines(at - BEFORE, at + AFTER)}`
  })
  return head + wrong.join('') + (verbose ? lines(0) : '')
}

/** `2m15.5s` since the start. */
function clock (ms: number): string {
  const minutes = Math.floor(ms / 60_000)
  return `${minutes === 0 ? '' : `${minutes}m`}${(ms % 60_000 / 1000).toFixed(1)}s`
}
