/** The help texts, made from the commands themselves. */
import type { Command, Option } from './command.ts'
import { columns } from './print.ts'

export function overview (commands: readonly Command[]): string {
  return `Pointsman lets the monitoring you already run drive the failover of your SIP trunks.

Usage: pointsman COMMAND [OPTIONS]
       pointsman [OPTIONS of run]

Commands:
${columns(commands.map(({ name, summary }) => [name, summary]), '  ')}
\`pointsman COMMAND --help\` tells the options of a command.
Exit code: 0 done, 1 failed, 2 wrong usage, 3 problems found.
`
}

export function commandHelp ({ name, operands, summary, description, options }: Command): string {
  const rows = Object.entries(options).map(([option, spec]) => [`--${option}${spec.value === undefined ? '' : `=${spec.value}`}`, optionHelp(spec)])
  return `${summary}

Usage: pointsman ${[name, operands, '[OPTIONS]'].filter((part) => part !== '').join(' ')}
${description === undefined ? '' : `\n${description}\n`}
Options:
${columns([...rows, ['--help', 'This text.']], '  ')}`
}

function optionHelp ({ help, default: fallback }: Option): string {
  return fallback === undefined ? help : `${help} Default: ${fallback}.`
}
