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
export async function operate (invocation: Invocation, verb: string, body: Readonly<Record<string, unknown>>): Promise<ExitCode> {
  const { values, io } = invocation
  const reply = await askApi(invocation, `api/v1/commands/${verb}`, { ...body, reason: requiredText(values, 'reason') })
  if (!reply.ok) {
    io.stderr(`pointsman: ${plain(reply.message)}\n${releaseOf(reply.body)}`)
    return FAILED
  }
  const { decision, detail } = reply.body as { decision: string; detail: string }
  io.stdout(values['output'] === 'json' ? json(reply.body) : `${plain(detail)} (decision ${decision})\n`)
  return OK
}

/** The command line that would bring it about all the same, ready to be copied. */
function releaseOf (body: unknown): string {
  const release = typeof body === 'object' && body !== null && 'release' in body ? body.release : null
  return typeof release === 'string' ? `    all the same: ${plain(release)}\n` : ''
}

/** `--for` and `--until`, of what ends by itself. */
export const ENDS: Readonly<Record<string, Option>> = {
  for: { value: 'DURATION', help: 'End it after this time, for example 2h.' },
  until: { value: 'TIME', help: 'End it at this instant, for example 2026-01-31T18:00:00Z.' }
}

/** As the API takes it. @throws {UsageError} when both are given */
export function endOf ({ values }: Invocation): Readonly<Record<string, string>> {
  const [length, until] = [text(values, 'for'), text(values, 'until')]
  if (length !== undefined && until !== undefined) throw new UsageError('give --for or --until, not both')
  return { ...(length === undefined ? {} : { for: length }), ...(until === undefined ? {} : { until }) }
}

/** `global` unless a trunk or a gateway is named. */
export function scopeOf ({ values, positionals }: Invocation): string {
  operands(positionals, 0)
  const [trunk, gateway] = [text(values, 'trunk'), text(values, 'gateway')]
  if (trunk !== undefined && gateway !== undefined) throw new UsageError('give --trunk or --gateway, not both')
  return trunk !== undefined ? `trunk/${trunk}` : gateway !== undefined ? `gateway/${gateway}` : 'global'
}

/** Names in one option, with commas between them; none when it wasn't given. */
export function list ({ values }: Invocation, name: string): readonly string[] {
  return (text(values, name) ?? '').split(',').map((item) => item.trim()).filter((item) => item !== '')
}

const TRUNK: Readonly<Record<string, Option>> = { trunk: { value: 'TRUNK', help: 'The trunk, instead of the operand.' } }

/** The trunk, named as first operand or by `--trunk`, and the operands after it. @param more - at most so many */
export function trunkOf ({ values, positionals }: Invocation, more = 0): { readonly trunk: string; readonly rest: readonly string[] } {
  const option = text(values, 'trunk')
  const given = operands(positionals, 1 + more)
  // With --trunk the operand for it may be left out, but not be another one.
  const rest = option !== undefined && given[0] !== option && given.length <= more ? given : given.slice(1)
  const operand = rest === given ? undefined : given[0]
  if (operand !== undefined && option !== undefined && operand !== option) throw new UsageError('two trunks are named')
  const trunk = operand ?? option
  if (trunk === undefined) throw new UsageError('TRUNK is missing')
  return { trunk, rest }
}

/** A command about one trunk. */
export interface TrunkVerb {
  readonly name: string
  readonly summary: string
  readonly description: string
  /** Further operands, for example `INTERFACE`. */
  readonly operands?: readonly string[]
  readonly options?: Readonly<Record<string, Option>>
  /** What is sent besides trunk and reason. @param rest - the further operands that were given */
  readonly body?: (invocation: Invocation, trunk: string, rest: readonly string[]) => Readonly<Record<string, unknown>> | Promise<Readonly<Record<string, unknown>> | null>
}

/** Builds the command; a `body` of null means that it has said itself why there is nothing to send. */
export function trunkCommand ({ name, summary, description, operands: more = [], options = {}, body }: TrunkVerb): Command {
  return {
    name,
    operands: ['TRUNK', ...more].join(' '),
    summary,
    description,
    options: { ...TRUNK, ...options, ...REASON, ...API, ...OUTPUT },
    run: async (invocation) => {
      const { trunk, rest } = trunkOf(invocation, more.length)
      requiredText(invocation.values, 'reason')
      const wishes = body === undefined ? {} : await body(invocation, trunk, rest)
      return wishes === null ? FAILED : operate(invocation, name, { trunk, ...wishes })
    }
  }
}
