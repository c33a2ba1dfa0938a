/**
 * How the line of one interface is edited, pure: what has to be sent, and whether the line that is read back shows it.
 *
 *   change    the whole line is sent back with or without the flag: what public code does on real devices (n-tho/sipScheduler)
 *   add-rem   only the flag is sent, so that nobody else's edit can be lost; the wiki recommends `config add` and `config rem`,
 *             no public source shows them with a line of two words such as `RELAY0 SIP1`
 *   raw       the requests of the administration UI, captured on the device (wiki, "mimicking the administration UI")
 */
import type { AdminState, DriverFailure } from '../core/observation.ts'
import { failure } from './driver-failure.ts'
import { adminOf, changeCommand, commandPath, haveSameOptions, isMasked, parseConfig, withAdmin } from './innovaphone-config-line.ts'
import type { ConfigLine, LineSearch } from './innovaphone-config-line.ts'

/** Captured paths with their query, percent-encoded. */
export interface RawRequests {
  readonly enable: string
  readonly disable: string
}

export type EditMode = 'change' | 'add-rem' | RawRequests

export interface Edit {
  readonly mode: EditMode
  readonly before: ConfigLine
  readonly wanted: ConfigLine
  /** What has to be sent; null: the line says so already. `step` names it without its values: they may be secret. */
  readonly request: { readonly path: string; readonly step: string } | null
}

/** The one line of an interface, or why it can't be written. */
export function writableLine (search: LineSearch, interfaceName: string): ConfigLine | DriverFailure {
  if (search.kind === 'one') return search.line
  if (search.kind === 'absent') return failure('no-interface', `cfg.txt has no line for ${interfaceName}`)
  if (search.kind === 'cut-off') return failure('truncated', `cfg.txt ends before the line of ${interfaceName}`)
  return failure('conflict', `cfg.txt has ${search.lines.length} lines for ${interfaceName}`)
}

export function isFailure (value: object): value is DriverFailure {
  return 'ok' in value && value.ok === false
}

/** @param text - cfg.txt */
export function planEdit (text: string, interfaceName: string, desired: AdminState, mode: EditMode): Edit | DriverFailure {
  const before = writableLine(parseConfig(text).find(interfaceName), interfaceName)
  if (isFailure(before)) return before
  if (adminOf(before) === desired) return { mode, before, wanted: before, request: null }
  if (mode === 'change' && isMasked(before)) return failure('line-masked', `the line of ${interfaceName} shows asterisks instead of a value; "edit: add-rem" needs no values`)
  const wanted = withAdmin(before, desired)
  return { mode, before, wanted, request: requestOf(mode, before, wanted, desired) }
}

function requestOf (mode: EditMode, before: ConfigLine, wanted: ConfigLine, desired: AdminState): Edit['request'] {
  if (mode === 'change') return { path: commandPath(changeCommand(wanted)), step: 'config change' }
  if (mode === 'add-rem') {
    const step = desired === 'disabled' ? 'config add' : 'config rem'
    return { path: commandPath([step, ...before.slice(0, 2), '/disabled'].join(' ')), step }
  }
  return { path: desired === 'disabled' ? mode.disable : mode.enable, step: 'the captured request' }
}

/** Whether somebody else edited the line between two readings. */
export function hasChanged (one: Edit, other: Edit): boolean {
  return adminOf(one.before) !== adminOf(other.before) || !haveSameOptions(one.before, other.before)
}

/** Judges the line that is read after the edit; null: it is as wanted. */
export function judgeEdit ({ before, wanted }: Edit, text: string, interfaceName: string): DriverFailure | null {
  const after = writableLine(parseConfig(text).find(interfaceName), interfaceName)
  if (isFailure(after)) return { ...after, effect: 'unknown' }
  if (!haveSameOptions(after, wanted)) return failure('conflict', 'the line was changed by somebody else meanwhile', 'unknown')
  if (adminOf(after) === adminOf(wanted)) return null
  return adminOf(after) === adminOf(before)
    ? failure('no-effect', 'all commands were answered, the line is as before', 'unknown')
    : failure('conflict', 'the line was switched back meanwhile', 'unknown')
}
