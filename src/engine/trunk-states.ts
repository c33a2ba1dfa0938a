/**
 * The states of all trunks. Every probe brings a sign of life, every read of a gateway shows what the last one showed, and a
 * new state for each of them would be most of what the process allocates: their instants are put down here, and get into a
 * trunk's state when somebody looks at it.
 */
import type { EpochMs, InterfaceKey, InterfaceTopology, ProbeId, Topology, TrunkId } from '../core/topology.ts'
import { recordRepeatedRead } from '../core/observe.ts'
import { interfaceState, withInterface } from '../core/world.ts'
import type { TrunkState } from '../core/world.ts'

export class TrunkStates implements ReadonlyMap<TrunkId, TrunkState> {
  readonly #states = new Map<TrunkId, TrunkState>()
  /** When each SIP address answered last. */
  readonly #lives = new Map<ProbeId, EpochMs>()
  /** When each interface was read last, where the read showed nothing new. */
  readonly #reads = new Map<InterfaceKey, EpochMs>()
  readonly #heldByBrake = new Set<TrunkId>()
  #topology: Topology

  constructor (topology: Topology) {
    this.#topology = topology
  }

  get size (): number {
    return this.#states.size
  }

  has (id: TrunkId): boolean {
    return this.#states.has(id)
  }

  /** With everything so far. */
  get (id: TrunkId): TrunkState | undefined {
    const stored = this.#states.get(id)
    if (stored === undefined) return undefined
    const state = (this.#topology.trunks.get(id)?.interfaces ?? []).reduce((before, iface) => this.#withLife(this.#withRead(before, iface), iface), stored)
    if (state !== stored) this.#states.set(id, state)
    return state
  }

  /** Without the instants that are put down: for who looks at everything else. */
  peek (id: TrunkId): TrunkState | undefined {
    return this.#states.get(id)
  }

  set (id: TrunkId, state: TrunkState): void {
    this.#states.set(id, state)
    if (state.open?.held === 'brake') this.#heldByBrake.add(id)
    else this.#heldByBrake.delete(id)
  }

  delete (id: TrunkId): void {
    this.#states.delete(id)
    this.#heldByBrake.delete(id)
  }

  /** Those whose last plan was held by the brake alone. */
  heldByBrake (): ReadonlySet<TrunkId> {
    return this.#heldByBrake
  }

  /** The SIP address has answered. */
  lives (probe: ProbeId, atMs: EpochMs): void {
    this.#lives.set(probe, atMs)
  }

  /** A read has shown the interface as it was (`isRepeatedRead`). */
  readAgain (key: InterfaceKey, atMs: EpochMs): void {
    this.#reads.set(key, atMs)
  }

  /** What was put down for the old topology is in the states before the new one counts. */
  setTopology (topology: Topology): void {
    this.#settle()
    this.#topology = topology
  }

  /** The wall clock was set. */
  clockSet (shift: (state: TrunkState) => TrunkState): void {
    this.#settle()
    for (const [id, state] of this.#states) this.#states.set(id, shift(state))
  }

  keys (): MapIterator<TrunkId> {
    return this.#states.keys()
  }

  * entries (): MapIterator<[TrunkId, TrunkState]> {
    for (const id of this.#states.keys()) {
      const state = this.get(id)
      if (state !== undefined) yield [id, state]
    }
  }

  * values (): MapIterator<TrunkState> {
    for (const [, state] of this.entries()) yield state
  }

  [Symbol.iterator] (): MapIterator<[TrunkId, TrunkState]> {
    return this.entries()
  }

  forEach (call: (state: TrunkState, id: TrunkId, states: ReadonlyMap<TrunkId, TrunkState>) => void): void {
    for (const [id, state] of this.entries()) call(state, id, this)
  }

  #settle (): void {
    for (const id of this.#states.keys()) this.get(id)
    this.#lives.clear()
    this.#reads.clear()
  }

  #withRead (state: TrunkState, { key }: InterfaceTopology): TrunkState {
    const atMs = this.#reads.get(key)
    return atMs === undefined || atMs <= (interfaceState(state, key).attempt?.atMs ?? -Infinity) ? state : recordRepeatedRead(state, key, atMs)
  }

  #withLife (state: TrunkState, { key, sipProbe }: InterfaceTopology): TrunkState {
    const atMs = this.#lives.get(sipProbe)
    // A later one, such as a binding that grew, stays.
    if (atMs === undefined || atMs <= (interfaceState(state, key).lastLifeAtMs ?? -Infinity)) return state
    return withInterface(state, key, { lastLifeAtMs: atMs, lifeByBinding: false })
  }
}
