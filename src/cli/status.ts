/** `pointsman status`: what an operator reads at three in the morning. Trunks first. */
import type { EvidenceStatus, GatewayStatus, InterfaceStatus, PauseStatus, Status, TrunkStatus } from '../core/status.ts'
import { askApi } from './api-client.ts'
import { FAILED, OK, PROBLEMS } from './command.ts'
import type { Command } from './command.ts'
import { API, operands, OUTPUT } from './options.ts'
import { columns, instant, json, plain } from './print.ts'

export const status: Command = {
  name: 'status',
  operands: '',
  summary: 'Which trunk carries calls, on what, and what holds it.',
  description: 'Exit code 3 when a trunk does not carry calls, nobody can tell, or nothing can be stored.',
  options: { ...API, ...OUTPUT },
  run: async (invocation) => {
    const { values, positionals, io } = invocation
    operands(positionals, 0)
    const reply = await askApi(invocation, 'api/v1/status')
    if (!reply.ok) {
      io.stderr(`pointsman: ${reply.message}\n`)
      return FAILED
    }
    const now = reply.body as Status
    io.stdout(values['output'] === 'json' ? json(now) : renderStatus(now))
    return now.storeProblem === null && now.trunks.every(({ carrying }) => carrying === 'yes') ? OK : PROBLEMS
  }
}

const CARRYING: Readonly<Record<TrunkStatus['carrying'], string>> = { yes: 'carries calls', no: 'DOES NOT CARRY CALLS', unknown: 'UNKNOWN' }

/** One block for trunks, pauses, interfaces and gateways each. */
export function renderStatus (now: Status): string {
  const observing = now.mode === 'observe' ? 'Mode observe: Pointsman plans and records, and touches nothing.\n\n' : ''
  const broken = now.storeProblem === null ? '' : `NOTHING CAN BE STORED: ${plain(now.storeProblem)}\nNotifications are refused, and no gateway is touched.\n\n`
  const blocks = [
    brakeLines(now.brake),
    trunkLines(now.trunks),
    block('Paused', now.pauses.map(pauseRow)),
    block('Interfaces', now.trunks.flatMap((trunk) => trunk.interfaces.map((item) => interfaceRow(trunk, item)))),
    block('Gateways', now.gateways.map(gatewayRow))
  ]
  return broken + observing + blocks.filter((text) => text !== '').join('\n')
}

function block (title: string, rows: readonly (readonly string[])[]): string {
  return rows.length === 0 ? '' : `${title}:\n${columns(rows, '  ')}`
}

/** The command that releases a held trunk stands on a line of its own, ready to be copied. */
function trunkLines (trunks: readonly TrunkStatus[]): string {
  const lines = columns(trunks.map(({ id, carrying, sentence }) => [id, CARRYING[carrying], sentence])).split('\n')
  return trunks.map(({ release }, index) => `${lines[index] ?? ''}\n${release === null ? '' : columns([['released by:', release]], '    ')}`).join('')
}

function brakeLines (brake: Status['brake']): string {
  if (brake === null) return ''
  return `THE BRAKE IS ENGAGED since ${instant(brake.sinceMs)}, nothing moves by itself: ${plain(brake.causes.join(', '))}\n    released by:  pointsman release --reason …\n`
}

function pauseRow ({ scope, actor, reason, atMs, untilMs }: PauseStatus): readonly string[] {
  return [scope, `by ${actor} since ${instant(atMs)}`, untilMs === null ? 'without an end' : `until ${instant(untilMs)}`, reason]
}

function interfaceRow ({ id, binding }: TrunkStatus, item: InterfaceStatus): readonly string[] {
  const enabled = item.enabled === null ? 'never observed' : item.enabled ? 'enabled' : 'disabled'
  const notes = [
    ...(item.desired ? ['wanted'] : []),
    ...(item.registered === null ? [] : [item.registered ? 'registered' : 'not registered']),
    ...(binding?.holder === item.key ? ['holds the binding'] : []),
    ...(item.debt ? ['should be off and can\'t be reached'] : []),
    ...(item.usable ? [] : ['not usable']),
    ...item.because,
    ...item.evidence.filter(({ verdict }) => verdict !== 'up').map(evidenceText)
  ]
  return [id, item.key, enabled, item.health, [...new Set(notes)].join(', ')]
}

function evidenceText ({ kind, verdict, reason }: EvidenceStatus): string {
  return `${kind} ${verdict}${reason === '' ? '' : ` (${reason})`}`
}

/** What it says about itself and a person should know. */
function conditionText (condition: GatewayStatus['condition']): readonly string[] {
  if (condition === null) return []
  const { alarms, registrationFailed, resetRequired, role } = condition
  return [
    ...role === null ? [] : [`${role} PBX`],
    ...alarms === 0 ? [] : [`${alarms} ${alarms === 1 ? 'alarm' : 'alarms'}${registrationFailed ? ', a registration failed' : ''}`],
    ...resetRequired === true ? ['a change waits for its restart'] : []
  ]
}

function gatewayRow ({ id, driver, answers, reason, lastAnswerAtMs, condition }: GatewayStatus): readonly string[] {
  if (answers === 'up') return [id, driver, ['answers', ...conditionText(condition)].join('; ')]
  const last = lastAnswerAtMs === null ? 'never answered' : `last answer ${instant(lastAnswerAtMs)}`
  return [id, driver, `${answers === 'down' ? 'DOES NOT ANSWER' : 'unknown'}: ${reason === null ? '' : `${reason}, `}${last}`]
}
