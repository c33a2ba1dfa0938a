/** `pointsman explain`: what would happen now, and why. */
import { readFile } from 'node:fs/promises'
import type { Prospect } from '../core/prospect.ts'
import { WAITS } from '../core/reasons.ts'
import type { ExplainResult, PreviewedAlert } from '../engine/contract.ts'
import { askApi } from './api-client.ts'
import { FAILED, OK, UsageError } from './command.ts'
import type { Command } from './command.ts'
import { API, operands, OUTPUT, text } from './options.ts'
import { columns, instant, json, plain } from './print.ts'

export const explain: Command = {
  name: 'explain',
  operands: '[TRUNK]',
  summary: 'What would be decided now, and why: interlock by interlock.',
  description: `Without a notification it explains the trunks as they are. With one it tells what would come of it if it arrived now. The running
server judges it on a copy: nothing is stored, nothing is sent. --at judges at another instant with everything as fresh as now, so that
windows, cooldowns and holds can be looked at.`,
  options: {
    notification: { value: 'FILE', help: 'A notification as Alertmanager sends it (JSON).' },
    at: { value: 'TIME', help: 'Judge at this instant, for example 2026-01-31T02:30:00Z.' },
    ...API,
    ...OUTPUT
  },
  run: async (invocation) => {
    const { values, positionals, io } = invocation
    const [trunk] = operands(positionals, 1)
    const file = text(values, 'notification')
    const at = text(values, 'at')
    const reply = await askApi(invocation, 'api/v1/explain', {
      ...(file === undefined ? {} : { notification: await readJson(file) }),
      ...(trunk === undefined ? {} : { trunk }),
      ...(at === undefined ? {} : { at })
    })
    if (!reply.ok) {
      io.stderr(`pointsman: ${plain(reply.message)}\n`)
      return FAILED
    }
    io.stdout(values['output'] === 'json' ? json(reply.body) : renderExplanation(reply.body as Explained))
    return OK
  }
}

type Explained = Omit<Extract<ExplainResult, { ok: true }>, 'ok'>

async function readJson (file: string): Promise<unknown> {
  const content = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => { throw new UsageError(`${file} can't be read (${error.code ?? 'unknown error'})`) })
  try {
    return JSON.parse(content) as unknown
  } catch {
    throw new UsageError(`${file} is not JSON`)
  }
}

function renderExplanation ({ atMs, alerts, trunks }: Explained): string {
  const head = alerts.length === 0 ? '' : `${columns(alerts.map(alertRow))}\n`
  const none = trunks.length === 0 ? 'no rule maps this to a trunk: nothing would happen\n' : ''
  return `judged at ${instant(atMs)}\n\n${head}${none}${trunks.map(renderTrunk).join('\n')}`
}

function alertRow ({ fingerprint, name, reason, detail, trunks }: PreviewedAlert): readonly string[] {
  return ['alert', name === '' ? fingerprint ?? 'without a name' : name, reason, detail ?? (trunks.length === 0 ? 'no rule uses it' : `speaks about ${trunks.join(', ')}`)]
}

function renderTrunk (prospect: Prospect): string {
  const { trunk, mode, sentence, demands, proposal, interlocks, waits } = prospect
  const passing = interlocks.filter(({ verdict }) => verdict === 'pass').map(({ name }) => name)
  const until = (untilMs: number | null): string => untilMs === null ? '' : `, until ${instant(untilMs)}`
  const rows: readonly (readonly [string, string])[] = [
    ...demands.map((d) => ['demand', `${d.rule}: ${d.demand} ${d.interface ?? 'the whole trunk'}${d.alert === null ? ', by its own health' : ` (${d.alert.name})`}, evidence ${d.evidence}: ${d.confirmed ? 'confirmed' : 'not confirmed'}`] as const),
    ...(proposal === null ? [['proposal', 'nothing is to be moved'] as const] : [['proposal', `${proposal.from ?? 'nothing'} → ${proposal.to ?? 'nothing'} (${proposal.cause})`] as const]),
    ...interlocks.filter(({ verdict }) => verdict !== 'pass').map(({ name, verdict, sentence: why, untilMs }) => [verdict, `${name}: ${why}${until(untilMs)}`] as const),
    ...(passing.length === 0 ? [] : [['pass', passing.join(', ')] as const]),
    ...waits.map(({ reason, detail, untilMs }) => ['wait', `${reason}: ${WAITS[reason]} (${detail})${until(untilMs)}`] as const),
    ['outcome', outcome(prospect)]
  ]
  return `${plain(trunk)} (mode ${mode}): ${plain(sentence)}\n${columns(rows, '  ')}`
}

function outcome ({ result, commands, inAutomatic }: Prospect): string {
  const sends = (list: readonly string[]): string => list.length === 0 ? 'nothing is sent' : `first ${list.join(', ')}`
  const words: Readonly<Record<Prospect['result'], string>> = {
    nothing: 'nothing to decide',
    held: 'held',
    waits: 'waits, then goes on by itself',
    admitted: 'admitted',
    'under-way': 'a switchover is under way'
  }
  return `${words[result]}: ${sends(commands)}${inAutomatic === null ? '' : `; in mode automatic: ${sends(inAutomatic)}`}`
}
