/** One trunk's simulated carrier and gateways, struck and mended; and what is true there, whatever Pointsman believes. */
import { systemClock, systemRandom } from '../../src/clock.ts'
import { NO_GATEWAY_FAULTS } from '../../src/simulator/gateway-faults.ts'
import { NO_CARRIER_FAULTS } from '../../src/simulator/carrier.ts'
import { createSimulatedPair } from '../../src/simulator/world.ts'
import type { SimulatedPair } from '../../src/simulator/world.ts'
import { SLOW_MS } from './configuration.ts'
import type { Fault, TrunkKind } from './configuration.ts'

export type Side = 'a' | 'b'
export const SIDES = ['a', 'b'] as const
export const otherOf = (side: Side): Side => side === 'a' ? 'b' : 'a'

export interface TrunkStage {
  readonly kind: TrunkKind
  readonly pair: SimulatedPair
  strike(side: Side, fault: Fault): Promise<void>
  mend(side: Side): Promise<void>
  /** It has power and its interface is enabled in the running configuration. */
  live(side: Side): boolean
  /** Its stored and its running configuration differ: between `change` and `activate`. */
  halfDone(side: Side): boolean
  /** The only one that is live and whose Contact is bound; null: none, or not exactly one. */
  carrier(): Side | null
  /** Looks at the exclusiveness; to be called every few ms. */
  watch(): void
  readonly findings: Findings
  /** Spans in which a gateway was struck: `since` to `until`. */
  readonly struck: readonly Struck[]
  stop(): Promise<void>
}

export interface Struck { readonly side: Side; readonly fault: Fault; readonly sinceMs: number; untilMs: number }

export interface Return { readonly trunk: string; readonly sinceMs: number; lastedMs: number }

export interface Findings {
  /** Both live, or two Contacts bound, by an enable of ours. Must stay empty. */
  readonly violations: string[]
  /** Both live because a gateway came back: since when, and how long it lasted [ms]. */
  readonly returns: Return[]
}

/** A thawed gateway executes what it holds within this. [ms] */
const THAW_MS = 1000
/** A gateway may refresh between its last sign of life and its death; the tenth on top of such short lifetimes is less. [ms] */
const MARGIN_MS = 500

export async function createTrunkStage (kind: TrunkKind, hosts: { readonly carrier: string; readonly a: string; readonly b: string }): Promise<TrunkStage> {
  const pair = await createSimulatedPair({
    clock: systemClock,
    random: systemRandom,
    expires: kind.expires,
    retryMs: 300,
    answerMs: 600,
    onSecond: kind.carrier,
    // Below the ports that the system gives out: while a gateway is dead nobody else gets its own.
    carrier: { host: hosts.carrier, port: 15_060 },
    a: { host: hosts.a, sipPort: 15_061, httpPort: 18_081 },
    b: { host: hosts.b, sipPort: 15_062, httpPort: 18_082 }
  })
  const slow = { ...NO_GATEWAY_FAULTS, http: 'slow', slowMs: SLOW_MS } as const
  await Promise.all(SIDES.map((side) => pair[side].inject(slow)))
  const faults = new Map<Side, Struck>()
  const struck: Struck[] = []
  const power = new Map<Side, boolean>([['a', true], ['b', true]])
  /** Came back enabled and was not seen off since: what it does is its own state. */
  const returning = new Set<Side>()
  const thawedAtMs = new Map<Side, number>()
  const findings: Findings = { violations: [], returns: [] }
  const wasLive = new Set<Side>()
  let wereBoth = false
  let open: Return | null = null
  let seen = 0

  const live = (side: Side): boolean => power.get(side) === true && pair[side].state(pair.interfaceName).running === 'enabled'
  const bound = (side: Side): boolean => pair.holders().includes(side)
  const stamp = (): string => `${kind.name} ${new Date().toISOString()}`
  const told = (): string => [...faults.values()].map((f) => `${f.side} ${f.fault}`).join(', ') || 'none'
  /** Neither its SIP address nor its management answers. */
  const silent = (side: Side): boolean => faults.get(side)?.fault === 'frozen'

  const watchBindings = (): void => {
    const events = pair.carrier.events()
    for (; seen < events.length; seen += 1) {
      const event = events[seen]!
      const side = SIDES.find((s) => pair[s].contact === event.hostPort)
      if (event.type !== 'registered' || side === undefined) continue
      const other = otherOf(side)
      if (kind.carrier !== 'coexist' || returning.has(side) || returning.has(other)) continue
      const left = (pair.carrier.bindings(pair.account.aor).find((binding) => binding.hostPort === pair[other].contact)?.expiresAtMs ?? 0) - event.atMs
      if (left > MARGIN_MS) findings.violations.push(`${stamp()}: ${side} registered while the binding of ${other} had ${left} ms to live; struck: ${told()}`)
    }
  }
  const watchLive = (): void => {
    for (const side of SIDES) {
      if (!live(side)) returning.delete(side)
      // What it was sent before it froze is executed now.
      else if (Date.now() - (thawedAtMs.get(side) ?? 0) < THAW_MS && !wasLive.has(side)) returning.add(side)
      if (live(side)) wasLive.add(side)
      else wasLive.delete(side)
    }
    const both = live('a') && live('b')
    if (both && !wereBoth) {
      const back = SIDES.some((side) => returning.has(side))
      // A frozen gateway can't be asked; it is proven off for the carrier when its binding is gone.
      const proven = SIDES.some((side) => silent(side) && !bound(side))
      if (!back && !proven) findings.violations.push(`${stamp()}: both are live; struck: ${told()}; bound: ${pair.holders().join(', ')}`)
    }
    wereBoth = both
    // Beside a frozen one nobody can do anything: the clock runs from its return.
    const back = both && !SIDES.some(silent)
    if (back && open === null) {
      open = { trunk: kind.name, sinceMs: Date.now(), lastedMs: 0 }
      findings.returns.push(open)
    }
    if (open !== null) open.lastedMs = Date.now() - open.sinceMs
    if (!back) open = null
  }

  return {
    kind,
    pair,
    findings,
    struck,
    live,
    halfDone: (side) => {
      const { stored, running } = pair[side].state(pair.interfaceName)
      return power.get(side) === true && stored !== running
    },
    carrier: () => {
      const [only, second] = SIDES.filter((side) => live(side) && bound(side))
      return only === undefined || second !== undefined ? null : only
    },
    strike: async (side, fault) => {
      const record = { side, fault, sinceMs: Date.now(), untilMs: Infinity }
      struck.push(record)
      faults.set(side, record)
      switch (fault) {
        case 'uplink': pair.carrier.inject({ dropped: [pair[side].contact] }); break
        case 'rejected': pair.carrier.inject({ rejectedContacts: [pair[side].contact] }); break
        case 'sip': await pair[side].inject({ sip: 'silent' }); break
        case 'frozen': await pair[side].inject({ sip: 'silent', http: 'frozen' }); break
        case 'dead':
          power.set(side, false)
          await pair[side].kill()
      }
    },
    mend: async (side) => {
      const record = faults.get(side)
      if (record === undefined) return
      faults.delete(side)
      record.untilMs = Date.now()
      if (record.fault === 'dead') {
        await pair[side].revive()
        power.set(side, true)
      }
      if (record.fault === 'frozen') thawedAtMs.set(side, Date.now())
      if (live(side)) returning.add(side)
      pair.carrier.inject(NO_CARRIER_FAULTS)
      await pair[side].inject(slow)
    },
    watch: () => {
      watchBindings()
      watchLive()
    },
    stop: () => pair.stop()
  }
}
