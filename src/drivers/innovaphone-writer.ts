/** Several interfaces of one innovaphone at once: one reading, the changes, one `write`, one `activate`, one reading. */
import type { ApplyResult, DriverFailure } from '../core/observation.ts'
import type { DriverReason } from '../core/reasons.ts'
import type { Change, Clock, GatewayDriver } from '../ports.ts'
import { during, failure } from './driver-failure.ts'
import { commandPath } from './innovaphone-config-line.ts'
import { hasChanged, isFailure, judgeEdit, planEdit } from './innovaphone-edit.ts'
import type { Edit, EditMode } from './innovaphone-edit.ts'
import { commandFailure, readConfig } from './innovaphone-http.ts'
import type { Ask } from './innovaphone-http.ts'
import { joinPermits, readThenAsk } from './read-then-write.ts'

/** What one reading comes to. */
interface Plans { readonly ok: true; readonly edits: ReadonlyMap<Change, Edit | DriverFailure> }

/** Failures that are about the one command, not about the gateway: the others go on. */
const OWN_FAILURES: ReadonlySet<DriverReason> = new Set(['rpc-error', 'http-status'])

const EDITED = failure('conflict', 'the line was changed right before the write: somebody else is at work')

/** @param modeOf - how the line of an interface is edited */
export function createWriter (ask: Ask, modeOf: (interfaceName: string) => EditMode, clock: Clock): GatewayDriver['apply'] {
  const plan = async (changes: readonly Change[], signal: AbortSignal): Promise<Plans | DriverFailure> => {
    const reading = await readConfig(ask, signal)
    if (!reading.ok) return reading
    return { ok: true, edits: new Map(changes.map((change) => [change, planEdit(reading.text, change.interface, change.desired, modeOf(change.interface))])) }
  }

  /** What may be written now, or why not. */
  const prepare = async (changes: readonly Change[], signal: AbortSignal): Promise<ReadonlyMap<Change, Edit | DriverFailure>> => {
    const { permit, refusalOf } = joinPermits(changes)
    const readings: Plans[] = []
    const found = await readThenAsk(async () => {
      const plans = await plan(changes, signal)
      if (plans.ok) readings.push(plans)
      return plans
    }, permit, clock)
    const judge = (change: Change): Edit | DriverFailure => {
      if (!found.ok) return refusalOf(change) ?? found
      const own = editOf(found, change)
      const first = readings[0] === undefined ? own : editOf(readings[0], change)
      if (isFailure(own)) return own
      return refusalOf(change) ?? (!isFailure(first) && hasChanged(first, own) ? EDITED : own)
    }
    return new Map(changes.map((change) => [change, judge(change)]))
  }

  const command = async (path: string, isRaw: boolean, signal: AbortSignal): Promise<DriverFailure | null> => {
    const response = await ask(path, false, signal)
    return response.ok ? commandFailure(response, isRaw) : response
  }

  /** Sends each change, those that switch something off first. @returns those that failed, and what broke the way to the gateway */
  const edit = async (edits: ReadonlyMap<Change, Edit>, signal: AbortSignal): Promise<{ readonly failures: Map<Change, DriverFailure>; readonly broken: DriverFailure | null }> => {
    const failures = new Map<Change, DriverFailure>()
    let broken: DriverFailure | null = null
    const inOrder = [...edits].toSorted(([one], [other]) => Number(one.desired === 'enabled') - Number(other.desired === 'enabled'))
    for (const [change, { request, mode }] of inOrder) {
      if (request === null) continue
      // Not sent at all.
      if (broken !== null) { failures.set(change, { ...broken, effect: 'none' }); continue }
      // Those before it took their time: what allowed it may be too old by now.
      const refused = await change.permit()
      if (refused !== null) { failures.set(change, refused); continue }
      const failed = await command(request.path, typeof mode === 'object', signal)
      if (failed === null) continue
      const told = during(request.step, failed)
      failures.set(change, told)
      if (!OWN_FAILURES.has(failed.reason)) broken = told
    }
    return { failures, broken }
  }

  /** Makes what is stored survive a restart, and run. Also without a change: it may not be written or running yet. */
  const finish = async (edits: ReadonlyMap<Change, Edit>, signal: AbortSignal): Promise<ReadonlyMap<Change, DriverFailure>> => {
    for (const step of edits.size === 0 ? [] : ['config write', 'config activate']) {
      const failed = await command(commandPath(step), false, signal)
      if (failed === null) continue
      return new Map([...edits].map(([change, { request }]) => [change, during(step, failed, request !== null || step === 'config activate' ? 'unknown' : failed.effect)]))
    }
    return new Map()
  }

  const write = async (edits: ReadonlyMap<Change, Edit>, signal: AbortSignal): Promise<ReadonlyMap<Change, DriverFailure>> => {
    const { failures, broken } = await edit(edits, signal)
    const left = new Map([...edits].filter(([change]) => !failures.has(change)))
    if (broken === null) return new Map([...failures, ...await finish(left, signal)])
    return new Map([...failures, ...[...left].map(([change, { request }]) => [change, { ...broken, effect: request === null ? 'none' : 'unknown' }] as const)])
  }

  const readBack = async (edits: ReadonlyMap<Change, Edit>, signal: AbortSignal): Promise<ReadonlyMap<Change, ApplyResult>> => {
    if (edits.size === 0) return new Map()
    const again = await readConfig(ask, signal)
    return new Map([...edits].map(([change, each]) => [change, !again.ok ? { ...again, effect: 'unknown' } : judgeEdit(each, again.text, change.interface) ?? { ok: true, activated: true }]))
  }

  return async (changes, signal) => {
    if (changes.length === 0) return []
    const prepared = await prepare(changes, signal)
    const edits = new Map([...prepared].flatMap(([change, each]) => isFailure(each) ? [] : [[change, each] as const]))
    const failures = await write(edits, signal)
    const ends = await readBack(new Map([...edits].filter(([change]) => !failures.has(change))), signal)
    return changes.map((change): ApplyResult => {
      const own = prepared.get(change)
      const end = own !== undefined && isFailure(own) ? own : failures.get(change) ?? ends.get(change)
      if (end === undefined) throw new Error('a change without an end')
      return end
    })
  }
}

function editOf (plans: Plans, change: Change): Edit | DriverFailure {
  const edit = plans.edits.get(change)
  if (edit === undefined) throw new Error('a change without a plan')
  return edit
}
