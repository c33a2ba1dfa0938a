/** A story: what happens, and what must come of it. */
import type { ChangeAnswer, QueryAnswer } from './model-carrier.ts'
import type { Fault } from './model-gateway.ts'
import type { Kind } from './model-world.ts'

/** When: `at` since the start, `after` the event before it, or as soon as a switchover is in the phase `when`. */
export interface Event {
  readonly at?: string
  readonly after?: string
  readonly when?: string
  /** `a` or `b`, with one of the next three. */
  readonly gateway?: string
  readonly fault?: Fault
  readonly heals?: Fault
  readonly boots?: 'enabled' | 'disabled'
  /** For example `disables a`: by hand, at the gateway. */
  readonly person?: string
  /** `dies`, `lives`, `rejects a`, `accepts a`. */
  readonly carrier?: string
  /** What a message that changes the carrier's bindings gets from now on. */
  readonly changes?: ChangeAnswer
  readonly prometheus?: 'dies' | 'lives'
  /** Somebody's own alert about a gateway: `fires a`, `ends a`; with its name if it isn't SipTrunkDown: `fires a Maintenance`. */
  readonly alert?: string
  /** Calls in progress on a gateway from now on: `b 3`. */
  readonly calls?: string
  /** Pointsman's clock is set: `+90m`, `-10m`. */
  readonly clock?: string
  /** `repeats` its last notification, `late` the one before it, `loses` what it was about to send. */
  readonly alertmanager?: 'dies' | 'lives' | 'repeats' | 'late' | 'loses'
  /** `cut-off` and `connected`: its own way to everything. */
  readonly pointsman?: 'killed' | 'stopped' | 'starts' | 'reloads' | 'cut-off' | 'connected'
  /** As on the command line, with letters for interfaces: `switchover b --override no-better --i-know a`, `pin a`, `pause`, `approve`. */
  readonly operator?: string
}

export type QueryName = 'no query' | `query ${QueryAnswer}`

export interface Timeline {
  readonly why?: string
  /** Default: both kinds, without a query and with one that lists. */
  readonly kinds?: readonly Kind[]
  readonly queries?: readonly QueryName[]
  /** The clock on the wall at the start, as an ISO instant; default 2026-01-01T00:00:00Z. */
  readonly starts?: string
  /** Enabled at the start; default `[a]`. */
  readonly enabled?: readonly string[]
  readonly configuration?: object
  readonly events: readonly Event[]
  readonly until: string
}

/** What Pointsman says at one moment. */
export interface Look {
  readonly wanted?: string | null
  readonly usable?: readonly string[]
  readonly health?: readonly string[]
  readonly debts?: readonly string[]
  readonly vetoes?: readonly string[]
  readonly carrying?: string
  /** Of the switchover in flight. */
  readonly phase?: string | null
  readonly release?: string | null
}

export interface Expected {
  /** Interfaces that run at the end, by the model: `a`, `b`, `a b`, `none`. */
  readonly runs?: string
  /** Who is registered at the end. */
  readonly bound?: string
  /** Ended switchovers, in order: cause, result, and the interface wanted then. */
  readonly ends?: readonly string[]
  /** The operator's orders, in order: `pin: taken`, `switchover: refused by mode, no-better`. */
  readonly orders?: readonly string[]
  /** Commands that left, in order. */
  readonly commands?: readonly string[]
  /** Vetoes, waits and journal types that must, or must never, be seen. */
  readonly seen?: readonly string[]
  readonly never?: readonly string[]
  /** Longest time without a registered, reachable gateway after the first minute and a half. */
  readonly silence?: string
  /** REGISTERs refused because of another binding: `none` (default) or `allowed`. */
  readonly rivals?: 'none' | 'allowed'
  /** What Pointsman says at these times. */
  readonly looks?: Readonly<Record<string, Look>>
}

export interface Variant { readonly name: string; readonly kind: Kind; readonly query: QueryName; readonly expected: Expected }

export interface Story { readonly name: string; readonly timeline: Timeline; readonly variants: readonly Variant[] }

const FACTORS: Readonly<Record<string, number>> = { s: 1000, m: 60_000 }

/** `90s` or `12m` in ms. */
export function milliseconds (text: string): number {
  const [, digits, unit = ''] = /^(\d+(?:\.\d+)?)([sm])$/.exec(text) ?? []
  const factor = FACTORS[unit]
  if (digits === undefined || factor === undefined) throw new Error(`not a time: ${text}`)
  return Number(digits) * factor
}
