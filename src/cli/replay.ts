/** `pointsman replay`: an exported journal, planned again. */
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { renderProblems } from '../config/problems.ts'
import type { Topology } from '../core/topology.ts'
import { createReplay } from '../core/replay.ts'
import type { Judged, Recorded, Replayed } from '../core/replay.ts'
import { FAILED, OK, PROBLEMS, UsageError } from './command.ts'
import type { Command, ExitCode, Invocation } from './command.ts'
import { operands, OUTPUT, text } from './options.ts'
import { instant, json, plain } from './print.ts'

export const replay: Command = {
  name: 'replay',
  operands: 'JOURNAL',
  summary: 'Make the decisions of an exported journal again.',
  description: `JOURNAL is what \`pointsman journal\` wrote. For each moment at which something was decided it is planned again from what was
known then. Without a configuration the same must come out; exit code 3 when it doesn't. With --config.file it tells what another
configuration would have decided at these moments, each judged for itself, by what was known then.`,
  options: { 'config.file': { value: 'FILE', help: 'Judge by this configuration.' }, ...OUTPUT },
  run: async (invocation) => {
    const [file] = operands(invocation.positionals, 1)
    if (file === undefined) throw new UsageError('JOURNAL is missing')
    const configFile = text(invocation.values, 'config.file')
    if (configFile === undefined) return replayFile(invocation, file, null)
    const loaded = await invocation.deps.loadConfig(configFile, 'optional')
    if (loaded.ok) return replayFile(invocation, file, loaded.config.topology)
    invocation.io.stderr(renderProblems(configFile, loaded.problems))
    return PROBLEMS
  }
}

async function replayFile ({ io, values }: Invocation, file: string, topology: Topology | null): Promise<ExitCode> {
  const asJson = values['output'] === 'json'
  const counts: Record<Replayed['kind'], number> = { same: 0, 'recorded-otherwise': 0, 'judged-otherwise': 0, unreadable: 0 }
  const differences: Replayed[] = []
  const tell = (moments: readonly Replayed[]): void => {
    for (const moment of moments) {
      counts[moment.kind] += 1
      if (moment.kind === 'same') continue
      if (asJson) differences.push(moment)
      else io.stdout(renderMoment(moment))
    }
  }
  const again = createReplay(topology)
  const problem = await readRecords(file, (record) => { tell(again.take(record)) })
  if (problem !== null) {
    io.stderr(`pointsman: ${problem}\n`)
    return FAILED
  }
  tell(again.end())
  const moments = Object.values(counts).reduce((sum, count) => sum + count, 0)
  if (moments === 0) {
    io.stderr(`pointsman: ${file} has no snapshot, so nothing can be decided again\n`)
    return FAILED
  }
  const different = counts['recorded-otherwise'] + counts['judged-otherwise']
  io.stdout(asJson ? json({ moments, same: counts.same, unreadable: counts.unreadable, differences }) : `${moments} moments: ${counts.same} the same, ${different} different, ${counts.unreadable} not readable\n`)
  return counts.unreadable > 0 || counts['recorded-otherwise'] > 0 ? PROBLEMS : OK
}

/** Line by line, however long the file is. Returns what is wrong with it. */
async function readRecords (file: string, take: (record: Recorded) => void): Promise<string | null> {
  const stream = createReadStream(file, 'utf8')
  const lines = createInterface({ input: stream, crlfDelay: Infinity })
  let number = 0
  try {
    for await (const line of lines) {
      number += 1
      if (line.trim() === '') continue
      const record = parseRecord(line)
      if (record === null) return `${file}:${number}:1: this is not a journal record; a line must be as \`pointsman journal\` writes it`
      take(record)
    }
    return null
  } catch (error) {
    return `${file} can't be read (${error instanceof Error && 'code' in error ? String(error.code) : String(error)})`
  } finally {
    stream.destroy()
  }
}

function parseRecord (line: string): Recorded | null {
  try {
    const value = JSON.parse(line) as Partial<Recorded> | null
    const fits = typeof value?.decision === 'string' && typeof value.atMs === 'number' && typeof value.type === 'string' &&
      (value.trunk === null || typeof value.trunk === 'string') && typeof value.data === 'object' && value.data !== null
    return fits ? value as Recorded : null
  } catch {
    return null
  }
}

function renderMoment (moment: Exclude<Replayed, { readonly kind: 'same' }>): string {
  const head = `${instant(moment.atMs)}  ${plain(moment.trunk)}  ${plain(moment.decision)}\n`
  if (moment.kind === 'unreadable') return `${head}  can't be decided again: ${plain(moment.detail)}\n`
  const [was, now] = moment.kind === 'judged-otherwise'
    ? [[judgedText(moment.was)], [judgedText(moment.now)]]
    : [moment.was.filter((line) => !moment.now.includes(line)), moment.now.filter((line) => !moment.was.includes(line))]
  return head + [...was.map((line) => `- ${plain(line)}\n`), ...now.map((line) => `+ ${plain(line)}\n`)].join('')
}

function judgedText ({ result, from, to, cause, by }: Judged): string {
  if (result === 'no-trunk') return 'there is no such trunk'
  if (result === 'nothing') return 'nothing to decide'
  const move = `${from ?? 'nothing'} → ${to ?? 'nothing'} (${cause ?? ''})`
  if (result === 'under-way') return `under way: ${move}`
  return result === 'admitted' ? `admitted: ${move}` : `held: ${move} by ${by.join(', ') || 'the reads before it'}`
}
