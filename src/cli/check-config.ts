/** `pointsman check-config`: the server's own loader, all problems at once. */
import { renderProblems } from '../config/problems.ts'
import { OK, PROBLEMS, UsageError } from './command.ts'
import type { Command, ExitCode, Invocation } from './command.ts'
import { operands, OUTPUT } from './options.ts'
import { json } from './print.ts'
import { probeGateways, renderProbed } from './probe-gateways.ts'

export const checkConfigCommand: Command = {
  name: 'check-config',
  operands: 'FILE',
  summary: 'Check a configuration file and all that it names.',
  description: 'Opens no connection, unless --probe-gateways is given: then each gateway is read once, and nothing is changed. Exit code 0 when it could be run (warnings are printed), 3 when it could not, or when a gateway is not as the file says.',
  options: { ...OUTPUT, 'probe-gateways': { help: 'Read each gateway with its account: does its driver understand it, and are the interfaces there?' } },
  run: async (invocation) => {
    const [file] = operands(invocation.positionals, 1)
    if (file === undefined) throw new UsageError('FILE is missing')
    return checkConfig(invocation, file, invocation.values['output'] === 'json' ? 'json' : 'text', invocation.values['probe-gateways'] === true)
  }
}

/** Prints every problem as `file:line:column: …`. @param probes - reads the gateways, too */
export async function checkConfig ({ io, deps }: Invocation, file: string, output: 'text' | 'json', probes = false): Promise<ExitCode> {
  const result = await deps.loadConfig(file)
  const problems = result.ok ? result.warnings : result.problems
  const gateways = result.ok && probes ? await probeGateways(result.config, deps.createDriver, deps.clock) : null
  const ok = result.ok && gateways?.every((gateway) => gateway.ok) !== false
  if (output === 'json') io.stdout(json({ file, ok, problems, ...gateways === null ? {} : { gateways } }))
  else {
    io.stdout(renderProblems(file, problems))
    if (result.ok) {
      const { topology, targets } = result.config
      io.stdout(`${file}: valid: ${topology.trunks.size} trunks, ${topology.gateways.size} gateways, ${topology.rules.length} rules, ${targets.length} targets\n`)
    }
    if (gateways !== null) io.stdout(renderProbed(gateways))
  }
  return ok ? OK : PROBLEMS
}
