/** Compares, after the end, what the gateways were sent with what the journal admits. */
import { DatabaseSync } from 'node:sqlite'
import type { BookedAlert } from '../../src/core/alert-book.ts'
import type { JournalRecord } from '../../src/ports.ts'
import { SIDES } from './stage.ts'
import type { TrunkStage } from './stage.ts'

export interface Stored {
  readonly journal: readonly JournalRecord[]
  readonly book: ReadonlyMap<string, BookedAlert>
  /** `PRAGMA integrity_check`. */
  readonly integrity: string
}

/** Reads the store of a Pointsman that has ended. */
export function readStore (path: string): Stored {
  const database = new DatabaseSync(path, { readOnly: true })
  try {
    const rows = database.prepare('SELECT decision, at_ms AS atMs, trunk, type, data FROM journal ORDER BY id').all() as unknown as (Omit<JournalRecord, 'data'> & { readonly data: string })[]
    const entries = database.prepare('SELECT value FROM entry WHERE key >= ? AND key < ?').all('alert/', 'alert0') as unknown as { readonly value: string }[]
    const alerts = entries.map(({ value }) => JSON.parse(value) as BookedAlert)
    return {
      journal: rows.map((row) => ({ ...row, data: JSON.parse(row.data) as Record<string, unknown> })),
      book: new Map(alerts.map((alert) => [alert.fingerprint, alert])),
      integrity: String(Object.values(database.prepare('PRAGMA integrity_check').get() ?? {})[0])
    }
  } finally {
    database.close()
  }
}

/** Commands that no admitted decision covers. */
export function unadmitted (journal: readonly JournalRecord[]): readonly string[] {
  const wrong: string[] = []
  const byDecision = new Map<string, JournalRecord[]>()
  for (const record of journal) byDecision.set(record.decision, [...byDecision.get(record.decision) ?? [], record])
  for (const [decision, records] of byDecision) {
    let run: { readonly from: unknown; readonly to: unknown; back: boolean; ended: boolean } | null = null
    let owed = false
    for (const { type, data } of records) {
      if (type === 'admitted') run = { from: data['from'], to: data['to'], back: false, ended: false }
      if (type === 'phase' && data['phase'] === 'rolling-back' && run !== null) run.back = true
      if (type === 'ended' && run !== null) run.ended = true
      if (type === 'debt') owed = true
      if (type !== 'command') continue
      const { interface: key, command, because } = data
      const on = run === null ? null : run.back ? run.from : run.to
      const asDebt = because === 'debt' && command !== 'enabled' && (owed || run !== null)
      const asMove = run !== null && !run.ended && (command === 'disabled' ? key !== on : key === on)
      if (!asDebt && !asMove) wrong.push(`${decision}: ${String(command)} ${String(key)} is not admitted`)
    }
  }
  return wrong
}

const VERBS = ['change', 'write', 'activate'] as const
/** A request that left before the kill arrives within this. [ms] */
const ON_ITS_WAY_MS = 150

export interface Writes {
  /** Writes that the gateways got. */
  readonly count: number
  readonly wrong: readonly string[]
}

/**
 * Every write must belong to the last command of its interface in the journal: in its direction, each step of it once, and
 * sent by the process that journalled it.
 * @param killedAtMs - ascending
 */
export function judgeWrites (stages: readonly TrunkStage[], journal: readonly JournalRecord[], killedAtMs: readonly number[]): Writes {
  const wrong: string[] = []
  let count = 0
  for (const { kind, pair } of stages) {
    for (const side of SIDES) {
      const key = `${kind.name}-${side}/${pair.interfaceName}`
      const commands = journal.filter((r) => r.type === 'command' && r.data['interface'] === key && r.data['command'] !== 'reregister')
      const done = new Set<string>()
      for (const request of pair[side].requests) {
        const verb = VERBS.find((v) => request.path.startsWith(`/!config ${v}`))
        if (verb === undefined || request.status === 401) continue
        count += 1
        const at = commands.findLastIndex((command) => command.atMs <= request.atMs)
        const command = commands[at]
        const what = `${key} at ${new Date(request.atMs).toISOString()}: ${verb}`
        if (command === undefined) { wrong.push(`${what} without a command in the journal`); continue }
        const direction = / \/disabled( |$)/.test(request.path) ? 'disabled' : 'enabled'
        if (verb === 'change' && direction !== command.data['command']) wrong.push(`${what} ${direction}, the journal says ${String(command.data['command'])}`)
        if (done.has(`${at} ${verb}`)) wrong.push(`${what} a second time for one command`)
        done.add(`${at} ${verb}`)
        const killed = killedAtMs.find((atMs) => atMs >= command.atMs)
        if (killed !== undefined && killed < request.atMs - ON_ITS_WAY_MS) wrong.push(`${what} for a command of a process that was killed ${request.atMs - killed} ms before`)
      }
    }
  }
  return { count, wrong }
}

export interface Unneeded { readonly atMs: number; readonly text: string }

/** Switchovers by an alert away from an interface that nothing had struck. */
export function unneeded (stages: readonly TrunkStage[], journal: readonly JournalRecord[]): readonly Unneeded[] {
  return journal.filter((r) => r.type === 'admitted' && r.data['cause'] === 'alert').flatMap(({ decision, atMs, trunk, data }) => {
    const stage = stages.find((s) => s.kind.name === trunk)
    const struck = stage?.struck.some((s) => data['from'] === `${stage.kind.name}-${s.side}/${stage.pair.interfaceName}` && s.sinceMs <= atMs && atMs <= s.untilMs + 5000)
    return struck === true ? [] : [{ atMs, text: `${decision} at ${new Date(atMs).toISOString()}: off ${String(data['from'])}, which nothing had struck` }]
  })
}
