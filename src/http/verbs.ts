/**
 * The operator's verbs as the API takes them: one closed schema each. README's table is made from this list; the command
 * line and the page send the same bodies.
 */
import { Type } from 'typebox'
import type { Static, TObject, TProperties } from 'typebox'
import { parseDuration } from '../config/duration.ts'
import type { EpochMs } from '../core/topology.ts'
import type { OperatorCommand } from '../engine/contract.ts'

/** A name of a trunk or gateway, as the configuration allows it. */
const ID = '[A-Za-z0-9][A-Za-z0-9._-]*'
/** Nothing can show a later one (ECMAScript: time values). */
const LAST_INSTANT_MS: EpochMs = 8.64e15

const Trunk = Type.String({ pattern: `^${ID}$`, description: 'the trunk' })
const Interface = Type.String({ minLength: 1, maxLength: 200, description: '`gateway/interface`' })
const ends = {
  for: Type.Optional(Type.String({ description: 'length as Prometheus duration, for example `2h`' })),
  until: Type.Optional(Type.String({ description: 'end as ISO 8601 instant' }))
}
const closed = { additionalProperties: false }

export type Understood = { readonly ok: true; readonly command: OperatorCommand } | { readonly ok: false; readonly message: string }

export interface Verb {
  readonly name: OperatorCommand['verb']
  /** What it does, in one sentence; for README. */
  readonly summary: string
  readonly body: TObject
  /** @param body - has passed the schema */
  readonly understand: (body: unknown, nowMs: EpochMs) => Understood
}

const understood = (command: OperatorCommand): Understood => ({ ok: true, command })

/** Every verb has a reason. */
function verb<P extends TProperties> (name: Verb['name'], summary: string, properties: P, understand: (body: Static<TObject<P>>, nowMs: EpochMs) => Understood): Verb {
  const body = Type.Object({ ...properties, reason: Type.String({ pattern: '\\S', maxLength: 500, description: 'why, for the journal' }) }, closed)
  return { name, summary, body, understand: (given, nowMs) => understand(given as Static<TObject<P>>, nowMs) }
}

/** Verbs that need only a trunk. */
function trunkVerb (name: 'unpin' | 'abort' | 'failback' | 'ack' | 'adopt' | 'reassert', summary: string): Verb {
  return verb(name, summary, { trunk: Trunk }, ({ trunk }) => understood({ verb: name, trunk }))
}

function answerVerb (name: 'approve' | 'reject', summary: string): Verb {
  const Decision = Type.String({ minLength: 1, maxLength: 100, description: 'the decision that is answered; another one is refused' })
  return verb(name, summary, { trunk: Trunk, decision: Decision }, ({ trunk, decision }) => understood({ verb: name, trunk, decision }))
}

const Scope = Type.String({ pattern: `^(global|trunk/${ID}|gateway/${ID})$`, description: '`global`, `trunk/NAME` or `gateway/NAME`' })

export const VERBS: readonly Verb[] = [
  verb('pause', 'stop automation; what was admitted goes on to its end', { scope: Scope, ...ends }, ({ scope, ...end }, nowMs) =>
    withEnd(end, nowMs, (untilMs) => ({ verb: 'pause', scope, untilMs }))),
  verb('resume', 'end the pause of exactly this scope', { scope: Scope }, ({ scope }) => understood({ verb: 'resume', scope })),
  verb('switchover', 'move a trunk; by default to the first usable other interface', {
    trunk: Trunk,
    to: Type.Optional(Interface),
    override: Type.Optional(Type.Array(Type.String({ maxLength: 40 }), { maxItems: 40, description: 'interlocks that it overrides, by name' })),
    knownOff: Type.Optional(Type.Array(Interface, { maxItems: 40, description: 'interfaces that you know to be off though their gateway is silent' })),
    force: Type.Optional(Type.Boolean({ description: 'don\'t wait for calls to end' }))
  }, ({ trunk, to = null, override = [], knownOff = [], force = false }) => understood({ verb: 'switchover', trunk, to, override, knownOff, force })),
  trunkVerb('failback', 'move a trunk back to its preferred interface'),
  trunkVerb('abort', 'turn back what is under way; what automation began also pauses the trunk'),
  verb('pin', 'keep a trunk on an interface; moves there first', { trunk: Trunk, interface: Interface, ...ends }, ({ trunk, interface: key, ...end }, nowMs) =>
    withEnd(end, nowMs, (untilMs) => ({ verb: 'pin', trunk, interface: key, untilMs }))),
  trunkVerb('unpin', 'end a pin'),
  answerVerb('approve', 'let a proposal go on (mode approve)'),
  answerVerb('reject', 'refuse a proposal (mode approve)'),
  trunkVerb('ack', 'acknowledge the latch, failed failbacks and refuted switchovers: automation may move the trunk back again'),
  verb('release', 'release the brake: what it counted counts no more', {}, () => understood({ verb: 'release' })),
  trunkVerb('adopt', 'take the gateways as they are for what is wanted'),
  trunkVerb('reassert', 'put the gateways back to what is wanted')
]

/** `for` and `until` as one instant; none: without an end. */
function withEnd ({ until, for: length }: { until?: string; for?: string }, nowMs: EpochMs, command: (untilMs: EpochMs | null) => OperatorCommand): Understood {
  if (until !== undefined && length !== undefined) return { ok: false, message: 'give `until` or `for`, not both' }
  if (length !== undefined) {
    const ms = parseDuration(length)
    return ms === null || ms === 0 || nowMs + ms > LAST_INSTANT_MS ? { ok: false, message: '`for` must be a duration like `30m` or `2h`' } : understood(command(nowMs + ms))
  }
  if (until === undefined) return understood(command(null))
  const untilMs = Date.parse(until)
  if (Number.isNaN(untilMs)) return { ok: false, message: '`until` must be an instant like `2026-01-31T18:00:00Z`' }
  return untilMs > nowMs ? understood(command(untilMs)) : { ok: false, message: '`until` lies in the past' }
}
