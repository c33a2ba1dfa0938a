/** `pointsman check-config`: the server's own loader, all problems at once. */
import { renderProblems } from '../config/problems.ts'
import { OK, PROBLEMS, UsageError } from './command.ts'
import type { Command, ExitCode, Invocation } from './command.ts'
import { operands, OUTPUT } from './options.ts'
import { json } from './print.ts'

export const checkConfigCommand: Command = {
  name: 'check-config',
  operands: 'FILE',
  summary: 'Check a configuration file and all that it names.',
  description: 'Opens no connection. Exit code 0 when it could be run (warnings are printed), 3 when it could not.',
  options: OUTPUT,
  run: async (invocation) => {
    const [file] = operands(invocation.positionals, 1)
    if (file === undefined) throw new UsageError('FILE is missing')
    return checkConfig(invocation, file, invocation.values['output'] === 'json' ? 'json' : 'text')
  }
}

/** Prints every problem as `file:line:column: …`. */
export async function checkConfig ({ io, deps }: Invocation, file: string, output: 'text' | 'json'): Promise<ExitCode> {
  const result = await deps.loadConfig(file)
  const problems = result.ok ? result.warnings : result.problems
  if (output === 'json') io.stdout(json({ file, ok: result.ok, problems }))
  else {
    io.stdout(renderProblems(file, problems))
    if (result.ok) {
      const { topology, targets } = result.config
      io.stdout(`${file}: valid: ${topology.trunks.size} trunks, ${topology.gateways.size} gateways, ${topology.rules.length} rules, ${targets.length} targets\n`)
    }
  }
  return result.ok ? OK : PROBLEMS
}
