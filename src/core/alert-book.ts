/**
 * What is known about every alert: one entry per fingerprint, changed by notifications and by the lists of the
 * Alertmanagers. Pure: each function returns new entries. Notifications come late, twice and out of order, so entries are
 * compared by the sender's start and end, never by arrival. In doubt an alert counts as firing: that delays a failback and
 * moves nothing without evidence of our own.
 */
import type { Labels } from './labels.ts'
import type { AlertReason } from './reasons.ts'
import type { DurationMs, EpochMs, InterfaceKey } from './topology.ts'

/** One alert of a notification. */
export interface ReceivedAlert {
  readonly fingerprint: string
  readonly labels: Labels
  readonly status: 'firing' | 'resolved'
  readonly startsAtMs: EpochMs
  /** Null while firing. */
  readonly endsAtMs: EpochMs | null
}

/** One alert of an Alertmanager's list; all of them are firing. */
export interface ListedAlert {
  readonly fingerprint: string
  readonly labels: Labels
  readonly startsAtMs: EpochMs
  /** Silenced, inhibited, or not looked at yet by Alertmanager. */
  readonly suppressed: boolean
}

export interface BookedAlert {
  readonly fingerprint: string
  readonly labels: Labels
  /** As the sender says; may lie in our future when its clock is ahead. */
  readonly startsAtMs: EpochMs
  /** Null while firing. By absence: when we found it gone. */
  readonly endsAtMs: EpochMs | null
  readonly status: 'firing' | 'resolved'
  /** It fires with a start that is not after its last end: it needs evidence of our own, whatever the rule says. */
  readonly disputed: boolean
  /** Silenced or inhibited: still firing, but starts nothing new. */
  readonly suppressed: boolean
  /** First arrival of this start. */
  readonly firstSeenAtMs: EpochMs
  readonly lastSeenAtMs: EpochMs
  /** Since when successful resyncs don't list it; null: it is listed, or was not looked for. */
  readonly absentSinceMs: EpochMs | null
  /** The interface enabled when it started, for an alert that names none; null: not bound. */
  readonly bound: InterfaceKey | null
  /** Latest end known; a start that is not after it is disputed. */
  readonly lastEndsAtMs: EpochMs | null
}

export type AlertBook = ReadonlyMap<string, BookedAlert>

export interface Booking {
  readonly booked: BookedAlert
  readonly reason: AlertReason
  /** Something that decisions depend on is different now; false: only times of arrival. */
  readonly changed: boolean
}

export interface ResyncInput {
  readonly listed: readonly ListedAlert[]
  /** Every Alertmanager answered and every alert could be read; else absence proves nothing. */
  readonly complete: boolean
  /** The watchdog lives; else the absence of an alert that was certain may only mean that Prometheus is gone. */
  readonly watched: boolean
  /** When they were asked: what arrived since then can't be absent. */
  readonly askedAtMs: EpochMs
}

/** Absent in two successful resyncs at least this far apart is gone. */
export const ABSENCE_MS: DurationMs = 2 * 60_000
/** Resolved alerts are remembered this long, as Alertmanager does (`--data.retention`). */
export const RETENTION_MS: DurationMs = 5 * 24 * 3_600_000
/** An end further in our future than this is not believed: it would make every later start disputed. */
const MAX_SKEW_MS: DurationMs = 3_600_000
/** A resync renews the last arrival of an unchanged alert at most this often, so that it costs no writes. */
const RENEW_MS: DurationMs = 5 * 60_000

export function isFiring (alert: BookedAlert): boolean {
  return alert.status === 'firing'
}

/** Silenced or inhibited: it holds what is, but is no reason for a new switchover. */
export function startsNothingNew (alert: BookedAlert): boolean {
  return alert.suppressed || alert.status === 'resolved'
}

/** When it began by a clock that is not ahead of ours. */
export function startedAtMs (alert: BookedAlert): EpochMs {
  return Math.min(alert.startsAtMs, alert.firstSeenAtMs)
}

/**
 * Books one alert of a notification.
 * @param resyncs - an Alertmanager can be asked; false: a disputed alert must be ended by a later end
 */
export function receiveAlert (before: BookedAlert | undefined, received: ReceivedAlert, nowMs: EpochMs, resyncs: boolean): Booking {
  if (received.status === 'firing') return receiveFiring(before, received, nowMs)
  return receiveResolved(before, received, nowMs, resyncs)
}

function receiveFiring (before: BookedAlert | undefined, received: ReceivedAlert, nowMs: EpochMs): Booking {
  const { startsAtMs } = received
  if (before === undefined) return { booked: newEntry(received, nowMs), reason: 'stored', changed: true }
  if (before.status === 'firing' && startsAtMs <= before.startsAtMs) {
    // An earlier start while it fires: Alertmanager merged two Prometheus servers, or an older notification came late.
    const reason = startsAtMs < before.startsAtMs ? 'outdated' : before.disputed ? 'disputed' : 'repeated'
    return { booked: { ...before, lastSeenAtMs: nowMs, absentSinceMs: null }, reason, changed: false }
  }
  const disputed = before.lastEndsAtMs !== null && startsAtMs <= before.lastEndsAtMs
  const booked = startAgain(before, received, disputed, nowMs)
  return { booked, reason: disputed ? 'disputed' : 'stored', changed: true }
}

function receiveResolved (before: BookedAlert | undefined, received: ReceivedAlert, nowMs: EpochMs, resyncs: boolean): Booking {
  const toldMs = received.endsAtMs ?? received.startsAtMs
  const endsAtMs = Math.min(Math.max(toldMs, received.startsAtMs), nowMs + MAX_SKEW_MS)
  if (before === undefined) return { booked: end(newEntry(received, nowMs), endsAtMs, nowMs), reason: 'stored', changed: true }
  const isNewer = before.lastEndsAtMs === null || endsAtMs > before.lastEndsAtMs
  const seen: BookedAlert = { ...before, lastSeenAtMs: nowMs, lastEndsAtMs: isNewer ? endsAtMs : before.lastEndsAtMs }
  if (before.status === 'resolved') {
    if (!isNewer) return { booked: seen, reason: 'repeated', changed: false }
    return { booked: end(missed(seen, received, nowMs), endsAtMs, nowMs), reason: 'stored', changed: false }
  }
  // A disputed alert has outlived a `resolved` before: only the Alertmanager's own list ends it.
  if (before.disputed && (resyncs || !isNewer)) return { booked: seen, reason: 'disputed', changed: false }
  if (received.startsAtMs < before.startsAtMs && endsAtMs <= before.startsAtMs) return { booked: seen, reason: 'outdated', changed: false }
  return { booked: end(missed(seen, received, nowMs), endsAtMs, nowMs), reason: 'stored', changed: true }
}

export interface ResyncChange {
  readonly booked: BookedAlert
  readonly changed: boolean
}

/**
 * Compares the book with what the Alertmanagers list together.
 * Absence ends a disputed alert at once and any other after {@link ABSENCE_MS}, but only when `complete`.
 * @returns the entries to write; entries that stay as they are don't appear
 */
export function resyncBook (book: AlertBook, input: ResyncInput, nowMs: EpochMs): readonly ResyncChange[] {
  const listed = mergeListed(input.listed)
  const changes: ResyncChange[] = []
  for (const alert of listed.values()) {
    const change = resyncListed(book.get(alert.fingerprint), alert, nowMs)
    if (change !== null) changes.push(change)
  }
  if (!input.complete) return changes
  for (const booked of book.values()) {
    if (booked.status === 'resolved' || listed.has(booked.fingerprint)) continue
    // An arrival in our future was before the clock was set back, not after the question.
    if (booked.lastSeenAtMs >= input.askedAtMs && booked.lastSeenAtMs <= nowMs) continue
    const change = resyncAbsent(booked, input.watched, nowMs)
    if (change !== null) changes.push(change)
  }
  return changes
}

/** The same alert of several Alertmanagers: the latest start counts, and a silence in one of them is a silence. */
function mergeListed (alerts: readonly ListedAlert[]): ReadonlyMap<string, ListedAlert> {
  const merged = new Map<string, ListedAlert>()
  for (const alert of alerts) {
    const other = merged.get(alert.fingerprint)
    const startsAtMs = Math.max(alert.startsAtMs, other?.startsAtMs ?? alert.startsAtMs)
    merged.set(alert.fingerprint, { ...alert, startsAtMs, suppressed: alert.suppressed || other?.suppressed === true })
  }
  return merged
}

function resyncListed (before: BookedAlert | undefined, listed: ListedAlert, nowMs: EpochMs): ResyncChange | null {
  const received: ReceivedAlert = { ...listed, status: 'firing', endsAtMs: null }
  const booking = receiveFiring(before, received, nowMs)
  const booked = { ...booking.booked, suppressed: listed.suppressed }
  const changed = booking.changed || before?.suppressed !== listed.suppressed
  if (!changed && before !== undefined && before.absentSinceMs === null && Math.abs(nowMs - before.lastSeenAtMs) < RENEW_MS) return null
  return { booked, changed }
}

function resyncAbsent (before: BookedAlert, watched: boolean, nowMs: EpochMs): ResyncChange | null {
  const { absentSinceMs } = before
  if (!before.disputed && !watched) return absentSinceMs === null ? null : { booked: { ...before, absentSinceMs: null }, changed: false }
  // In our future: the clock was set back meanwhile, so count anew.
  const isFirst = absentSinceMs === null || absentSinceMs > nowMs
  if (before.disputed || (!isFirst && nowMs - absentSinceMs >= ABSENCE_MS)) return { booked: endByAbsence(before, nowMs), changed: true }
  return isFirst ? { booked: { ...before, absentSinceMs: nowMs }, changed: false } : null
}

/** Nobody told an end; its own start is the latest instant that certainly is not after it, by the sender's clock. */
function endByAbsence (before: BookedAlert, nowMs: EpochMs): BookedAlert {
  return { ...end(before, Math.max(before.lastEndsAtMs ?? before.startsAtMs, before.startsAtMs), before.lastSeenAtMs), endsAtMs: nowMs }
}

/** Resolved entries that nobody has mentioned for {@link RETENTION_MS}. */
export function outdatedEntries (book: AlertBook, nowMs: EpochMs): readonly string[] {
  return [...book.values()].filter((booked) => booked.status === 'resolved' && nowMs - booked.lastSeenAtMs > RETENTION_MS)
    .map(({ fingerprint }) => fingerprint)
}

function newEntry ({ fingerprint, labels, startsAtMs }: ReceivedAlert, nowMs: EpochMs): BookedAlert {
  return {
    fingerprint,
    labels,
    startsAtMs,
    endsAtMs: null,
    status: 'firing',
    disputed: false,
    suppressed: false,
    firstSeenAtMs: nowMs,
    lastSeenAtMs: nowMs,
    absentSinceMs: null,
    bound: null,
    lastEndsAtMs: null
  }
}

/** A known alert fires with another start, or again with its old one: then it stays bound as it was. */
function startAgain (before: BookedAlert, received: ReceivedAlert, disputed: boolean, nowMs: EpochMs): BookedAlert {
  const isSame = received.startsAtMs === before.startsAtMs
  return {
    ...newEntry(received, nowMs),
    disputed,
    suppressed: before.suppressed,
    firstSeenAtMs: isSame ? before.firstSeenAtMs : nowMs,
    bound: isSame ? before.bound : null,
    lastEndsAtMs: before.lastEndsAtMs
  }
}

/** The end of a later start, whose own arrival was missed: nothing known about the earlier start is true of it. */
function missed (before: BookedAlert, { startsAtMs }: ReceivedAlert, nowMs: EpochMs): BookedAlert {
  return startsAtMs > before.startsAtMs ? { ...before, startsAtMs, firstSeenAtMs: nowMs, bound: null } : before
}

function end (before: BookedAlert, endsAtMs: EpochMs, nowMs: EpochMs): BookedAlert {
  return {
    ...before,
    status: 'resolved',
    endsAtMs,
    disputed: false,
    suppressed: false,
    lastSeenAtMs: nowMs,
    absentSinceMs: null,
    lastEndsAtMs: Math.max(before.lastEndsAtMs ?? endsAtMs, endsAtMs)
  }
}
