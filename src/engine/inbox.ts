/** Takes notifications and the Alertmanagers' lists into the alert book: read, reduce, store, and only then answer. */
import { isFiring, receiveAlert, resyncBook } from '../core/alert-book.ts'
import type { AlertBook, BookedAlert, ReceivedAlert, ResyncInput } from '../core/alert-book.ts'
import { labelValue, matches } from '../core/labels.ts'
import { parseNotification } from '../core/notification.ts'
import type { Notification } from '../core/notification.ts'
import type { AlertReason } from '../core/reasons.ts'
import { bindAlert, refusalOf, trunksOf } from '../core/rules.ts'
import type { InterfaceKey, Topology, TrunkId } from '../core/topology.ts'
import type { AlertsByTrunk, TrunkState } from '../core/world.ts'
import type { Clock, JournalRecord, Log, Metrics, Random, Store } from '../ports.ts'
import { createAlertStore } from './alert-store.ts'
import type { AlertStore, Draft } from './alert-store.ts'
import type { PreviewedAlert, ReceiveResult } from './contract.ts'
import type { Controller } from './controller.ts'

export interface InboxOptions {
  readonly store: Store
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly metrics: Metrics
  /** The topology that counts now. */
  readonly topology: () => Topology
  /** Who was enabled from when; binds alerts that name no gateway. */
  readonly activeHistory: (trunk: TrunkId) => TrunkState['activeHistory']
  /** Plans these trunks as if `alerts` were known, to be stored by the same commit (controller.ts). */
  readonly join: Controller['join']
  /** Decisions about these trunks may be different now. Called after the change is durable. */
  readonly onChange: (trunks: ReadonlySet<TrunkId>) => void
  /** The book may be wrong until the Alertmanagers are asked: resync at once. */
  readonly onDoubt: () => void
  /** The watchdog's alert has arrived, firing. */
  readonly onWatchdog: () => void
  /** The watchdog lives, or none is configured: an alert's absence means something. */
  readonly watched: () => boolean
}

export interface Inbox {
  /** Reads the book from the store. Until then `receive` is unavailable. Throws when the store can't be read. */
  load(): Promise<void>
  /** Takes one webhook body (parsed JSON). Resolves when it is durable, or when it certainly is not taken. */
  receive(body: unknown): Promise<ReceiveResult>
  /** What `receive` would make of a body; nothing is stored. */
  preview(body: unknown): Preview
  /** Takes what the Alertmanagers list. False: it could not be stored. */
  reconcile(input: Omit<ResyncInput, 'watched'>): Promise<boolean>
  book(): AlertBook
  /** Firing alerts of each trunk; a trunk without any is missing. */
  alertsByTrunk(): ReadonlyMap<TrunkId, readonly BookedAlert[]>
  /** To be called after the topology was replaced. */
  topologyChanged(): void
}

export type Preview =
  | { readonly ok: false; readonly detail: string }
  | { readonly ok: true; readonly alerts: readonly PreviewedAlert[]; readonly byTrunk: AlertsByTrunk }

/** What became of one alert; `detail` only when it was refused. */
interface Item {
  readonly fingerprint: string | null
  readonly reason: AlertReason
  readonly detail: string | null
  /** Not just a repetition of what is known. */
  readonly isNews: boolean
}

/** Refused alerts that are described in one journal record; the rest is counted. */
const MAX_DESCRIBED = 20

export function createInbox (options: InboxOptions): Inbox {
  const alerts = createAlertStore(options)
  return {
    load: () => alerts.load(),
    receive: (body) => receive(options, alerts, body),
    preview: (body) => preview(options, alerts, body),
    reconcile: (input) => reconcile(options, alerts, input),
    book: () => alerts.book(),
    alertsByTrunk: () => alerts.byTrunk(),
    topologyChanged: () => { alerts.topologyChanged() }
  }
}

async function receive (options: InboxOptions, alerts: AlertStore, body: unknown): Promise<ReceiveResult> {
  const { log, metrics } = options
  const parsed = parseNotification(body)
  if (!parsed.ok) {
    log.warn({ detail: parsed.detail }, 'notification refused')
    return { ok: false, kind: 'malformed', detail: parsed.detail }
  }
  let items: readonly Item[] = []
  const stored = await alerts.submit((draft) => { items = bookNotification(options, draft, parsed) })
  if (!stored.ok) {
    log.error({ detail: stored.detail }, 'notification not stored')
    return { ok: false, kind: 'unavailable', detail: stored.detail }
  }
  if (isWatched(options.topology(), parsed)) options.onWatchdog()
  for (const { fingerprint, reason, detail } of items) {
    metrics.increment('pointsman_alerts_received_total', { reason })
    if (detail === null) log.debug({ fingerprint, reason }, 'alert received')
    else log.warn({ fingerprint, reason, detail }, 'alert refused')
  }
  return { ok: true, alerts: items.map(({ fingerprint, reason }) => ({ fingerprint, reason })) }
}

function preview (options: InboxOptions, alerts: AlertStore, body: unknown): Preview {
  const parsed = parseNotification(body)
  if (!parsed.ok) return { ok: false, detail: parsed.detail }
  let items: readonly Item[] = []
  const byTrunk = alerts.preview((draft) => { items = bookNotification(options, draft, parsed) })
  return {
    ok: true,
    byTrunk,
    alerts: parsed.alerts.map((item, index) => ({
      fingerprint: item.ok ? item.alert.fingerprint : item.fingerprint,
      name: item.ok ? labelValue(item.alert.labels, 'alertname') : '',
      reason: items[index]?.reason ?? 'malformed',
      detail: item.ok ? null : item.detail,
      trunks: item.ok ? trunksOf(item.alert.labels, options.topology()).trunks : []
    }))
  }
}

function isWatched ({ watchdog }: Topology, { alerts }: Notification): boolean {
  return watchdog !== null && alerts.some((item) => item.ok && item.alert.status === 'firing' && watchdog.match.every((matcher) => matches(matcher, item.alert.labels)))
}

function bookNotification (options: InboxOptions, draft: Draft, { alerts, truncated }: Notification): readonly Item[] {
  const items = alerts.map((item): Item => item.ok
    ? bookAlert(options, draft, item.alert)
    : { fingerprint: item.fingerprint, reason: 'malformed', detail: item.detail, isNews: true })
  // Alertmanager repeats itself; the journal tells each refusal once.
  const refused = items.filter(({ detail, isNews }) => detail !== null && isNews)
  if (refused.length > 0) draft.journal.push(refusalRecord(options, refused))
  if (truncated > 0) draft.doubt = true
  return items
}

/** An alert that no trunk can use is booked as well: a reload may bring its trunk. */
function bookAlert (options: InboxOptions, draft: Draft, alert: ReceivedAlert): Item {
  const topology = options.topology()
  const { booked, reason, changed } = receiveAlert(draft.entry(alert.fingerprint), alert, options.clock.now(), topology.resyncs)
  putEntry(options, draft, booked, changed)
  // A silenced alert sends no notification: when one comes, the silence may be over.
  if (reason === 'disputed' || (booked.suppressed && alert.status === 'firing')) draft.doubt = true
  const refusal = refusalOf(alert.labels, topology)
  const detail = refusal === null ? null : `labels ${shorten(JSON.stringify(alert.labels))}`
  return { fingerprint: alert.fingerprint, reason: refusal ?? reason, detail, isNews: changed }
}

function refusalRecord ({ random, clock }: InboxOptions, items: readonly Item[]): JournalRecord {
  const described = items.slice(0, MAX_DESCRIBED).map(({ fingerprint, reason, detail }) => ({ fingerprint, reason, detail }))
  return { decision: random.hex(8), atMs: clock.now(), trunk: null, type: 'alert-refused', data: { count: items.length, alerts: described } }
}

async function reconcile (options: InboxOptions, alerts: AlertStore, input: Omit<ResyncInput, 'watched'>): Promise<boolean> {
  const stored = await alerts.submit((draft) => {
    const book = draft.book()
    // An Alertmanager lists everything that fires in the company; only what a rule uses is ours.
    const listed = input.listed.filter(({ fingerprint, labels }) =>
      book.has(fingerprint) || trunksOf(labels, options.topology()).trunks.length > 0)
    for (const { booked, changed } of resyncBook(book, { ...input, listed, watched: options.watched() }, options.clock.now())) {
      putEntry(options, draft, booked, changed)
      // A list that a `resolved` has overtaken looks like a disputed alert: the next one tells.
      if (changed && booked.disputed) draft.doubt = true
    }
  })
  if (!stored.ok) options.log.error({ detail: stored.detail }, 'resync not stored')
  return stored.ok
}

function putEntry (options: InboxOptions, draft: Draft, alert: BookedAlert, changed: boolean): void {
  const { trunks, unbound } = trunksOf(alert.labels, options.topology())
  const bound = isFiring(alert) ? bindIn(options, alert, unbound) : alert.bound
  draft.put({ ...alert, bound })
  if (changed || bound !== alert.bound) for (const trunk of trunks) draft.trunks.add(trunk)
}

function bindIn (options: InboxOptions, alert: BookedAlert, trunks: readonly TrunkId[]): InterfaceKey | null {
  return trunks.map((trunk) => bindAlert(alert, options.activeHistory(trunk))).find((key) => key !== null) ?? alert.bound
}

function shorten (text: string): string {
  return text.length > 500 ? `${text.slice(0, 500)}…` : text
}
