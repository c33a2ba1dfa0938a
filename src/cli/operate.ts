/** The operator's commands, as far as they are alike: who (the token), what, why. */
import { askApi } from './api-client.ts'
import { FAILED, OK, UsageError } from './command.ts'
import type { Command, ExitCode, Invocation, Option } from './command.ts'
import { API, operands, OUTPUT, requiredText, text } from './options.ts'
import { json, plain } from './print.ts'

export const REASON: Readonly<Record<string, Option>> = { reason: { value: 'TEXT', help: 'Why; it is journalled with your name. Required.' } }
export const SCOPE: Readonly<Record<string, Option>> = {
  trunk: { value: 'TRUNK', help: 'Only this trunk.' },
  gateway: { value: 'GATEWAY', help: 'Only this gateway.' }
}

/** Sends the command and prints what the engine says. */
export async function operate (invocation: Invocation, verb: string, body: Readonly<Record<string, string>>): Promise<ExitCode> {
  const { values, io } = invocation
  const reply = await askApi(invocation, `api/v1/commands/${verb}`, { ...body, reason: requiredText(values, 'reason') })
  if (!reply.ok) {
    io.stderr(`pointsman: ${plain(reply.message)}\n`)
    return FAILED
  }
  const { decision, detail } = reply.body as { decision: string; detail: string }
  io.stdout(values['output'] === 'json' ? json(reply.body) : `${plain(detail)} (decision ${decision})\n`)
  return OK
}

/** `global` unless a trunk or a gateway is named. */
export function scopeOf ({ values, positionals }: Invocation): string {
  operands(positionals, 0)
  const [trunk, gateway] = [text(values, 'trunk'), text(values, 'gateway')]
  if (trunk !== undefined && gateway !== undefined) throw new UsageError('give --trunk or --gateway, not both')
  return trunk !== undefined ? `trunk/${trunk}` : gateway !== undefined ? `gateway/${gateway}` : 'global'
}

/** A command about one trunk, named as operand or by `--trunk`. */
export function trunkCommand (verb: string, summary: string, description: string): Command {
  return {
    name: verb,
    operands: 'TRUNK',
    summary,
    description,
    options: { trunk: { value: 'TRUNK', help: 'The trunk, instead of the operand.' }, ...REASON, ...API, ...OUTPUT },
    run: async (invocation) => {
      const [operand] = operands(invocation.positionals, 1)
      const option = text(invocation.values, 'trunk')
      if (operand !== undefined && option !== undefined && operand !== option) throw new UsageError('two trunks are named')
      const trunk = operand ?? option
      if (trunk === undefined) throw new UsageError('TRUNK is missing')
      return operate(invocation, verb, { trunk })
    }
  }
}
