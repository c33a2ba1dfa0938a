/**
 * Every effect of Pointsman on one page; types only. The core decides, these do.
 * `core` never imports this file; `engine` imports only `core` and this file.
 */
import type { BindingAnswer, ContactChange } from './core/binding.ts'
import type { AlivePolicy, Degradation } from './core/judgement.ts'
import type { AdminState, ApplyResult, ConditionResult, DriverFailure, Observation, ObserveResult } from './core/observation.ts'
import type { ProbeReason } from './core/reasons.ts'
import type { DurationMs, EpochMs, TrunkId } from './core/topology.ts'

/** What ends a wait or a probe early: the part of an AbortSignal that this takes. */
export interface StopSignal {
  readonly aborted: boolean
  addEventListener(type: 'abort', run: () => void, options: { readonly once: true }): void
  removeEventListener(type: 'abort', run: () => void): void
}

export interface Clock {
  /** Wall clock. For anything that is stored or compared across restarts. */
  now(): EpochMs
  /** Monotonic clock, for durations. */
  monotonicMs(): number
  /** This run of the machine and the time since its start, by a clock that nobody sets; null: the machine doesn't tell. */
  boot(): { readonly id: string; readonly upMs: number } | null
  /** Resolves after `ms`, or at once when `signal` aborts. Never rejects. */
  sleep(ms: DurationMs, signal?: StopSignal): Promise<void>
  /** Calls `run` once after `ms`, unless the returned function is called before. The cheap form of the other two. */
  after(ms: DurationMs, run: () => void): () => void
  /** A signal that aborts after `ms` (and at once when `parent` does). */
  deadline(ms: DurationMs, parent?: AbortSignal): AbortSignal
}

export interface Random {
  /** Lower-case hexadecimal string of `bytes` random bytes. */
  hex(bytes: number): string
  /** Uniform in [0, 1). */
  fraction(): number
}

// ---- SIP -----------------------------------------------------------------------------------------------------------

export type SipTransport = 'udp' | 'tcp' | 'tls'

/** TLS towards one target. PEM texts; the files were read by the configuration. */
export interface TlsSettings {
  /** Name that is asked for (SNI) and that the certificate must have; default: the URI's host. */
  readonly serverName?: string
  /** Issuers that are trusted; default: those of Node.js. */
  readonly ca?: string
  /** Our own certificate, with its key. */
  readonly certificate?: string
  readonly key?: Secret
  /** Default: TLSv1.2. */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3'
  /** The peer's certificate is not checked at all. */
  readonly insecure?: boolean
}

/** Where a request goes and who it says it is from. */
export interface SipTarget {
  /** Request-URI, for example `sip:10.0.1.10` or `sip:sbc.acme.example:5070`. Its host is where the packet goes. */
  readonly uri: string
  /** Default: by the URI and, for a name without a port, by NAPTR and SRV (RFC 3263). */
  readonly transport?: SipTransport
  /** Local address to send from; default: any. */
  readonly localAddress?: string
  /** Local port to send from; default: any. */
  readonly localPort?: number
  /** `fresh`: a connection for each probe, so that its set-up is probed, too (default of TCP and TLS); `reuse`: kept while it works (default of UDP). */
  readonly connection?: 'reuse' | 'fresh'
  /** `all` (default): every address of the name is probed; `first`: only the first one by RFC 3263. */
  readonly resolve?: 'first' | 'all'
  /** With several addresses: alive when `any` (default) or when `all` of them are. */
  readonly health?: 'any' | 'all'
  readonly tls?: TlsSettings
  /** URI of From and To; default: made from the local address and the target. */
  readonly aor?: string
  /** URIs instead of `aor` for one of the two. */
  readonly from?: string
  readonly to?: string
  /** URI of the Contact of an OPTIONS. */
  readonly contact?: string
  readonly userAgent?: string
  /** Further header fields, as they are. */
  readonly headers?: readonly (readonly [name: string, value: string])[]
}

/** Shows each message as it goes over the wire. */
export type SipTrace = (direction: 'sent' | 'received', way: {
  readonly transport: SipTransport
  readonly local: { readonly address: string; readonly port: number }
  readonly remote: { readonly address: string; readonly port: number }
}, bytes: Uint8Array) => void

export interface SipCredentials {
  readonly username: string
  /** Never logged, never part of an error. */
  readonly password: Secret
}

export type ProbeRequest =
  /** Without credentials a challenge is an answer like any other. */
  | { readonly method: 'OPTIONS'; readonly credentials?: SipCredentials }
  /** Asks for the bindings; changes nothing (RFC 3261 §10.2.3). */
  | { readonly method: 'REGISTER'; readonly operation: 'query'; readonly credentials: SipCredentials }
  /** Binds our own Contact, refreshes it with each probe; `release` and `close` remove it. */
  | { readonly method: 'REGISTER'; readonly operation: 'bind'; readonly credentials: SipCredentials; readonly expiresSeconds: number }

/** Everything about one probe but its timing. */
export interface SipProbe {
  readonly target: SipTarget
  readonly request: ProbeRequest
  readonly policy: AlivePolicy
}

/** Where the time went [ms]; null: it didn't come to that. */
export interface ProbePhases {
  readonly resolveMs: DurationMs | null
  /** TCP handshake; null for UDP and for a connection that was there. */
  readonly connectMs: DurationMs | null
  readonly tlsMs: DurationMs | null
  /** From the first request's first byte to its first response, provisional ones included. */
  readonly firstResponseMs: DurationMs | null
}

/** How one attempt at one address ended. */
export interface AddressOutcome {
  readonly reason: ProbeReason
  /** SIP status code; null without a final response. */
  readonly code: number | null
  /** The whole attempt, name and connection included. */
  readonly durationMs: number
  readonly retransmissions: number
  /** One line for people. */
  readonly detail: string
  /** Alive, but not well; null: well, or not alive. */
  readonly degraded: Degradation | null
  readonly phases: ProbePhases
  readonly transport: SipTransport | null
  /** `host:port` that was probed; null: it didn't come to that. */
  readonly address: string | null
  /** End of the peer's TLS certificate, the earliest of its chain as sent. */
  readonly certificateExpiresAtMs: EpochMs | null
  /** Remaining lifetime of our own binding (`bind`), or of the one that ends last (`query`). */
  readonly registrationExpiresMs: DurationMs | null
  /** Number of bindings that the registrar lists. */
  readonly bindings: number | null
  /** The pause that the peer asked for (Retry-After). */
  readonly retryAfterMs: DurationMs | null
}

/** How a probe ended: the address that decided, and every one that was probed. */
export interface ProbeOutcome extends AddressOutcome {
  /** In the order of RFC 3263; empty when it didn't come to an address. */
  readonly addresses: readonly AddressOutcome[]
}

export interface SipClient {
  /** One probe of one target. Never throws. */
  probe(probe: SipProbe, timeoutMs: DurationMs, signal: StopSignal): Promise<ProbeOutcome>
  /** The probe is not made any more: what its `bind` bound is un-bound. Never throws. */
  release(probe: SipProbe): Promise<void>
  /** REGISTER without a Contact: returns the bindings, changes nothing (RFC 3261 §10.2.3). Never throws. */
  queryBindings(target: SipTarget, credentials: SipCredentials, timeoutMs: DurationMs, signal: AbortSignal): Promise<BindingAnswer>
  /**
   * One REGISTER that removes (0 s) and adds Contacts: the registrar takes all of them or none (RFC 3261 §10.3). What it
   * lists in its answer are the bindings after it. A write to a live account. Never throws.
   */
  changeBindings(target: SipTarget, credentials: SipCredentials, changes: readonly ContactChange[], timeoutMs: DurationMs, signal: AbortSignal): Promise<BindingAnswer>
  close(): Promise<void>
}

// ---- Gateways ------------------------------------------------------------------------------------------------------

/**
 * To be asked right before the first byte that changes anything: resolves when the command is on disk. Null: write now.
 * A failure: don't write, and return it.
 */
export type Permit = () => Promise<DriverFailure | null>

/** What is to become of one interface. */
export interface Change {
  readonly interface: string
  readonly desired: AdminState
  readonly permit: Permit
}

/**
 * Adapter to one gateway. Every method: one attempt, ends by `signal`'s deadline, never throws, returns data.
 * Idempotent: applying what is already so is a success.
 */
export interface GatewayDriver {
  /** Reads the named interfaces with the account that also writes. */
  observe(interfaces: readonly string[], signal: AbortSignal): Promise<ObserveResult>
  /**
   * Makes several changes, of different interfaces, in as few requests as the gateway allows; never waits for one to make
   * another. May read before a change's `permit` allows to write, so that the read and the sync of the disk take place side
   * by side. A driver whose changes have nothing to do with each other: `eachAlone` (drivers/each-alone.ts).
   *
   * @returns the end of each change, in their order
   */
  apply(changes: readonly Change[], signal: AbortSignal): Promise<readonly ApplyResult[]>
  /** Makes the interface register anew; `no-interface` or `rpc-error` where the gateway can't. */
  reregister(interfaceName: string, signal: AbortSignal): Promise<{ readonly ok: true } | DriverFailure>
  /** What the gateway says about itself as a whole; only where the kind declares `reportsAlarms`. */
  condition?(signal: AbortSignal): Promise<ConditionResult>
  close(): Promise<void>
}

// ---- Beacons -------------------------------------------------------------------------------------------------------

export interface ListenAddress {
  readonly transport: 'udp' | 'tcp'
  /** IP address. */
  readonly host: string
  /** 0: any free one. */
  readonly port: number
}

export interface BeaconSettings {
  readonly listen: readonly ListenAddress[]
  readonly realm: string
  /** The standby's account. */
  readonly username: string
  readonly password: Secret
  /** In the order in which they are offered. */
  readonly algorithms: readonly ['MD5' | 'SHA-256' | 'SHA-512-256', ...('MD5' | 'SHA-256' | 'SHA-512-256')[]]
  /** Longest lifetime that is granted. */
  readonly expiresMs: DurationMs
  /** There is a second beacon that the standby may be at. */
  readonly hasSecond: boolean
  /** What a refused standby gets: a 503, or nothing. */
  readonly refusal: 'answer' | 'silence'
}

/** One beacon: the registrar that a standby stays at (core/beacon.ts). */
export interface BeaconStation {
  /** Takes settings, also while it runs. @returns ends it, unless it was configured anew meanwhile */
  configure(settings: BeaconSettings): () => Promise<void>
  /** It refuses, or accepts, from now on. */
  turn(refuses: boolean): void
  refuses(): boolean
  /** What it tells of its standby; not ok: it listens nowhere. */
  look(): { readonly ok: true; readonly observation: Observation } | { readonly ok: false; readonly detail: string }
  /** Where it listens. */
  addresses(): readonly ListenAddress[]
}

/** A value that no log, metric, reply or error may show. `reveal()` is called only where it goes on the wire. */
export interface Secret {
  reveal(): string
  toString(): '<secret>'
  toJSON(): '<secret>'
}

// ---- Store ---------------------------------------------------------------------------------------------------------

/** Grows with every commit; 0 means "does not exist". */
export type Revision = number

export interface StoreEntry {
  readonly key: string
  /** JSON value. */
  readonly value: unknown
  /** Revision of the commit that wrote this value. */
  readonly revision: Revision
}

export interface StoreWrite {
  readonly key: string
  /** JSON value; null deletes. */
  readonly value: unknown
  /** The revision that the key must have now (compare-and-set); 0: it must not exist. */
  readonly expect: Revision
}

export type CommitResult =
  | { readonly ok: true; readonly revision: Revision }
  | { readonly ok: false; readonly reason: 'conflict'; readonly key: string }
  | { readonly ok: false; readonly reason: 'unavailable'; readonly detail: string }

/** One line of the append-only journal. All lines of one decision share its id. */
export interface JournalRecord {
  readonly decision: string
  readonly atMs: EpochMs
  readonly trunk: TrunkId | null
  /** For example `proposed`, `vetoed`, `admitted`, `command`, `outcome`, `phase`, `ended`, `operator`, `alert-refused`. */
  readonly type: string
  /** JSON object; no secrets. */
  readonly data: Readonly<Record<string, unknown>>
}

/** Which records of the journal. */
export interface JournalFilter {
  readonly decision?: string
  readonly trunk?: TrunkId
  readonly type?: string
  /** From this instant on. */
  readonly sinceMs?: EpochMs
  /** Before this instant. */
  readonly untilMs?: EpochMs
}

export interface JournalQuery extends JournalFilter {
  /** In the order of writing, or against it. */
  readonly order: 'oldest-first' | 'newest-first'
  /** `next` of the page before; absent: from the beginning. */
  readonly from?: number
  /** At most this many records. */
  readonly limit: number
}

export interface JournalPage {
  readonly records: readonly JournalRecord[]
  /**
   * Where to go on; null: that was all. A page may be short, even empty, and not the last one: the store looks at a bounded
   * number of records for each, so that no question holds up a commit.
   */
  readonly next: number | null
}

/** What may be forgotten of the journal. */
export interface Retention {
  /** Older records. */
  readonly beforeMs: EpochMs
  /** The oldest ones beyond this number. */
  readonly maxRecords: number
}

/** Durable state. A commit is atomic and on disk before its promise resolves. */
export interface Store {
  /** All entries whose key starts with `prefix`, by key. */
  read(prefix: string): Promise<readonly StoreEntry[]>
  commit(writes: readonly StoreWrite[], journal: readonly JournalRecord[]): Promise<CommitResult>
  /** Entries as they are committed from now on, until `signal` aborts. A deleted key has `value: null`. */
  watch(prefix: string, signal: AbortSignal): AsyncIterable<StoreEntry>
  journal(query: JournalQuery): Promise<JournalPage>
  /** Forgets some of the oldest records, a bounded number at once. Returns how many; 0: nothing is left to forget, or it failed. */
  prune(retention: Retention): Promise<number>
  /** Why nothing becomes durable at present, by the last commit; null: it does. */
  problem(): string | null
  close(): Promise<void>
}

// ---- Alertmanager --------------------------------------------------------------------------------------------------

/** One alert as `GET /api/v2/alerts` lists it or a webhook brings it, before any judgement. */
export interface AlertmanagerClient {
  /** Asks one Alertmanager for its active, silenced and inhibited alerts; the raw JSON array, or why not. */
  alerts(signal: AbortSignal): Promise<{ readonly ok: true; readonly alerts: readonly unknown[] } | { readonly ok: false; readonly detail: string }>
}

/** A dead man's switch. */
export interface Heartbeat {
  /** One attempt, ends by `signal`'s deadline, never throws. `detail` names no secret. */
  beat(signal: AbortSignal): Promise<{ readonly ok: true } | { readonly ok: false; readonly detail: string }>
}

// ---- Telemetry -----------------------------------------------------------------------------------------------------

/** Events that are counted. Gauges are read from the engine's status at scrape time. Names live in metrics/catalogue.ts. */
export interface Metrics {
  increment(name: string, labels?: Readonly<Record<string, string>>): void
  /** @param seconds - duration [s] */
  observe(name: string, seconds: number, labels?: Readonly<Record<string, string>>): void
}

/** The part of pino that we use. Message constant and lower case; data in fields. */
export interface Log {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
  child(bindings: { readonly component: string }): Log
}
