/** The command line: finds the command, reads its options, prints what went wrong. */
import { abort } from './abort.ts'
import { ack } from './ack.ts'
import { adopt } from './adopt.ts'
import { approve } from './approve.ts'
import { beacon } from './beacon.ts'
import { checkConfigCommand } from './check-config.ts'
import { OK, USAGE, UsageError } from './command.ts'
import type { CliDependencies, Command, ExitCode, Io } from './command.ts'
import { decisions } from './decisions.ts'
import { demo } from './demo.ts'
import { explain } from './explain.ts'
import { failback } from './failback.ts'
import { commandHelp, overview } from './help.ts'
import { journal } from './journal.ts'
import { readArguments } from './options.ts'
import { manual } from './manual.ts'
import { pause } from './pause.ts'
import { pin } from './pin.ts'
import { probe } from './probe.ts'
import { reassert } from './reassert.ts'
import { reject } from './reject.ts'
import { replay } from './replay.ts'
import { release } from './release.ts'
import { resume } from './resume.ts'
import { run } from './run.ts'
import { status } from './status.ts'
import { switchover } from './switchover.ts'
import { testRules } from './test-rules.ts'
import { unpin } from './unpin.ts'

const COMMANDS: readonly Command[] = [
  run, checkConfigCommand, status, decisions, explain, journal,
  pause, resume, switchover, failback, abort, pin, unpin, approve, reject, ack, release, adopt, reassert,
  manual, testRules, replay, probe, beacon, demo
]

/**
 * Runs one command.
 * @param argv - arguments without the program's name
 * @throws only for bugs
 */
export async function cli (argv: readonly string[], io: Io, deps: CliDependencies): Promise<ExitCode> {
  const [first] = argv
  if (first === '--help' || first === '-h' || first === 'help') {
    io.stdout(overview(COMMANDS))
    return OK
  }
  // Options only: the server, called as every exporter is.
  const direct = first === undefined || first.startsWith('-')
  const command = direct ? run : COMMANDS.find(({ name }) => name === first)
  if (command === undefined) {
    io.stderr(`pointsman: unknown command '${first}'; see pointsman --help\n`)
    return USAGE
  }
  try {
    const { values, positionals } = readArguments(direct ? argv : argv.slice(1), command.options)
    if (values['help'] === true) {
      io.stdout(commandHelp(command))
      return OK
    }
    return await command.run({ values, positionals, io, deps })
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    io.stderr(`pointsman ${command.name}: ${error.message}; see pointsman ${command.name} --help\n`)
    return USAGE
  }
}
