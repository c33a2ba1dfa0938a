/** The closed list of what the journal records. All records of one decision share its id and tell its story in order. */
import type { Note } from './plan.ts'

export type RecordType = Note['type'] | 'snapshot' | 'outcome' | 'operator' | 'alert-refused'

export const RECORD_TYPES: Readonly<Record<RecordType, string>> = {
  snapshot: 'what a plan was made from: the trunk\'s part of configuration, state, evidence and alerts',
  proposed: 'a move is wanted: from, to, cause, and the demands behind it',
  vetoed: 'the interlocks and waits that hold it, each time that they change; in mode observe also what would have been done',
  withdrawn: 'it is no longer needed',
  expired: 'nobody has approved it in time; it is proposed anew under another id',
  admitted: 'no interlock holds it: a switchover begins; with the interfaces as they were before',
  phase: 'a step of a switchover has begun',
  command: 'a command to a gateway, recorded before its first byte',
  outcome: 'how a command ended',
  ended: 'how a switchover ended; with the interfaces as they are after it',
  baseline: 'the first state that was seen, and whether it is a legal one',
  drift: 'somebody changed a gateway',
  debt: 'an interface that should be off and could not be reached; paid, or turned round',
  pin: 'a pin ended by itself: its time is over, or its interface left the configuration',
  brake: 'one incident too many: the brake has engaged, with its causes',
  panic: 'Pointsman distrusts its own view of the world, or trusts it again',
  watchdog: 'the watchdog\'s alert is lost, or back',
  operator: 'an operator\'s order: who, what, why, and whether it was taken',
  'alert-refused': 'alerts that no rule can use'
}

/** With these the journal keeps what the plan was made from. */
export const RECORDED_WITH_SNAPSHOT: ReadonlySet<RecordType> = new Set(['proposed', 'vetoed', 'withdrawn', 'admitted'])

export function isRecordType (text: string): text is RecordType {
  return Object.hasOwn(RECORD_TYPES, text)
}
