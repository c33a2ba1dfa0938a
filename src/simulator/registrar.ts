/** The carrier's table of bindings (RFC 3261 §10.3) with its policy for a second contact. No wire, no digest. */
import type { Clock } from '../ports.ts'

/** `reject`: 403 for a second contact; `replace`: the second one throws the first out; `coexist`: both stay bound. */
export type SecondContactPolicy = 'reject' | 'replace' | 'coexist'

export interface Binding {
  /** URI as registered. */
  readonly uri: string
  /** `host:port` with the default port filled in; what makes two contacts the same. */
  readonly hostPort: string
  readonly expiresAtMs: number
  readonly callId: string
  readonly cseq: number
}

export interface ContactChange {
  readonly uri: string
  readonly hostPort: string
  /** Wanted lifetime [s]; 0 removes, null leaves it to the registrar. */
  readonly expiresSeconds: number | null
}

/** An authenticated REGISTER. No contacts: a query. */
export interface Registration {
  readonly aor: string
  readonly callId: string
  readonly cseq: number
  readonly contacts: readonly ContactChange[] | '*'
}

/** One thing that happened to the table. */
export interface RegistrarEvent {
  readonly atMs: number
  readonly type: 'registered' | 'refreshed' | 'unregistered' | 'replaced' | 'expired' | 'refused'
  readonly aor: string
  /** Contact `host:port`; null when the request named none. */
  readonly hostPort: string | null
  /** Status code of a refusal. */
  readonly code?: number
}

export type RegisterResult =
  | { readonly ok: true; readonly bindings: readonly Binding[] }
  | { readonly ok: false; readonly code: 403 | 423 | 500 }

export interface RegistrarOptions {
  readonly onSecond: SecondContactPolicy
  /** Shortest lifetime that is accepted [s]; shorter ones get 423. */
  readonly minExpires: number
  /** Longest lifetime that is granted [s], and the default. */
  readonly maxExpires: number
  readonly clock: Pick<Clock, 'now'>
}

export interface Registrar {
  /** Applies all contacts of one request, or none. */
  register(request: Registration): RegisterResult
  bindings(aor: string): readonly Binding[]
  /** Notes a refusal that was decided elsewhere. */
  refused(aor: string, hostPort: string | null, code: number): void
  events(): readonly RegistrarEvent[]
  /** How often an account came to have two contacts bound at once. Impossible with `reject` and `replace`. */
  overlaps(): number
}

const without = (bindings: readonly Binding[], hostPort: string): readonly Binding[] =>
  bindings.filter((binding) => binding.hostPort !== hostPort)

/** Makes an empty table. Bindings end by the clock, without a timer: each access first drops what is over. */
export const createRegistrar = (options: RegistrarOptions): Registrar => {
  const { onSecond, minExpires, maxExpires, clock } = options
  const table = new Map<string, readonly Binding[]>()
  const events: RegistrarEvent[] = []
  let overlaps = 0

  const note = (type: RegistrarEvent['type'], aor: string, hostPort: string | null, atMs = clock.now()): void => {
    events.push({ atMs, type, aor, hostPort })
  }
  const alive = (aor: string): readonly Binding[] => {
    const now = clock.now()
    const all = table.get(aor) ?? []
    const over = all.filter((binding) => binding.expiresAtMs <= now)
    for (const binding of over) note('expired', aor, binding.hostPort, binding.expiresAtMs)
    const left = over.length === 0 ? all : all.filter((binding) => binding.expiresAtMs > now)
    table.set(aor, left)
    return left
  }
  const refuse = (aor: string, hostPort: string | null, code: 403 | 423 | 500): RegisterResult => {
    events.push({ atMs: clock.now(), type: 'refused', aor, hostPort, code })
    return { ok: false, code }
  }
  const commit = (aor: string, before: readonly Binding[], after: readonly Binding[], removed: ReadonlySet<string>): RegisterResult => {
    for (const { hostPort } of before) {
      if (after.every((binding) => binding.hostPort !== hostPort)) note(removed.has(hostPort) ? 'unregistered' : 'replaced', aor, hostPort)
    }
    for (const binding of after) {
      if (before.includes(binding)) continue
      note(before.some((old) => old.hostPort === binding.hostPort) ? 'refreshed' : 'registered', aor, binding.hostPort)
    }
    if (after.length > 1 && before.length < 2) overlaps += 1
    table.set(aor, after)
    return { ok: true, bindings: after }
  }
  const applyContacts = (request: Registration, before: readonly Binding[], contacts: readonly ContactChange[]): RegisterResult => {
    const { aor, callId, cseq } = request
    const kept = contacts.filter((contact) => contact.expiresSeconds !== 0)
    const removed = new Set(contacts.filter((contact) => contact.expiresSeconds === 0).map((contact) => contact.hostPort))
    let after = before
    for (const { uri, hostPort, expiresSeconds } of contacts) {
      after = without(after, hostPort)
      if (expiresSeconds === 0) continue
      const lifetime = Math.min(expiresSeconds ?? maxExpires, maxExpires)
      if (lifetime < minExpires) return refuse(aor, hostPort, 423)
      after = [...after, { uri, hostPort, callId, cseq, expiresAtMs: clock.now() + lifetime * 1_000 }]
    }
    if (onSecond === 'replace' && kept.length > 0) after = after.slice(-1)
    if (onSecond === 'reject' && kept.length > 0 && after.length > 1) return refuse(aor, kept.at(-1)?.hostPort ?? null, 403)
    return commit(aor, before, after, removed)
  }

  return {
    register: (request) => {
      const before = alive(request.aor)
      const { contacts, callId, cseq } = request
      if (contacts.length === 0) return { ok: true, bindings: before }
      // A message that was overtaken by a later one of the same sender must not undo it (RFC 3261 §10.3 step 7).
      if (before.some((binding) => binding.callId === callId && binding.cseq >= cseq)) return refuse(request.aor, null, 500)
      if (contacts === '*') return commit(request.aor, before, [], new Set(before.map((binding) => binding.hostPort)))
      return applyContacts(request, before, contacts)
    },
    bindings: alive,
    refused: (aor, hostPort, code) => { events.push({ atMs: clock.now(), type: 'refused', aor, hostPort, code }) },
    events: () => {
      for (const aor of table.keys()) alive(aor)
      return events
    },
    overlaps: () => overlaps
  }
}
