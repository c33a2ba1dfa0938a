/**
 * The states of all trunks. Every probe brings a sign of life, every read of a gateway shows what the last one showed, and a
 * new state for each of them would be most of what the process allocates: their instants are put down here, and whoever
 * looks at a trunk's state gets it with them. What he gets is kept only when he sets it: a scrape looks at all of them, and
 * the garbage collector would have to move ten thousand states to the old generation, and out of it.
 */
import type { EpochMs, InterfaceKey, InterfaceTopology, ProbeId, Topology, TrunkId } from '../core/topology.ts'
import { withRepeatedRead } from '../core/observe.ts'
import { copyInterfaces, interfaceState } from '../core/world.ts'
import type { InterfaceState, TrunkState } from '../core/world.ts'

export class TrunkStates implements ReadonlyMap<TrunkId, TrunkState> {
  readonly #states = new Map<TrunkId, TrunkState>()
  /** When each SIP address answered last. */
  readonly #lives = new Map<ProbeId, EpochMs>()
  /** When each interface was read last, where the read showed nothing new. */
  readonly #reads = new Map<InterfaceKey, EpochMs>()
  readonly #heldByBrake = new Set<TrunkId>()
  readonly #moving = new Set<TrunkId>()
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
    let interfaces: Record<InterfaceKey, InterfaceState> | null = null
    for (const iface of this.#topology.trunks.get(id)?.interfaces ?? []) {
      const before = interfaceState(stored, iface.key)
      const after = this.#withLife(this.#withRead(before, iface), iface)
      if (after !== before) (interfaces ??= copyInterfaces(stored.interfaces))[iface.key] = after
    }
    return interfaces === null ? stored : { ...stored, interfaces }
  }

  /** Without the instants that are put down: for who looks at everything else. */
  peek (id: TrunkId): TrunkState | undefined {
    return this.#states.get(id)
  }

  /** All of them without the instants: a walk through thousands that copies nothing. */
  peekAll (): Iterable<TrunkState> {
    return this.#states.values()
  }

  set (id: TrunkId, state: TrunkState): void {
    this.#states.set(id, state)
    setMember(this.#heldByBrake, id, state.open?.held === 'brake')
    setMember(this.#moving, id, state.inFlight !== null)
  }

  delete (id: TrunkId): void {
    this.#states.delete(id)
    this.#heldByBrake.delete(id)
    this.#moving.delete(id)
  }

  /** Those whose last plan was held by the brake alone. */
  heldByBrake (): ReadonlySet<TrunkId> {
    return this.#heldByBrake
  }

  /** Those with a switchover under way. */
  moving (): ReadonlySet<TrunkId> {
    return this.#moving
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
    for (const [id, state] of this.entries()) this.#states.set(id, state)
    this.#lives.clear()
    this.#reads.clear()
  }

  #withRead (own: InterfaceState, { key }: InterfaceTopology): InterfaceState {
    const atMs = this.#reads.get(key)
    return atMs === undefined || atMs <= (own.attempt?.atMs ?? -Infinity) ? own : withRepeatedRead(own, atMs)
  }

  #withLife (own: InterfaceState, { sipProbe }: InterfaceTopology): InterfaceState {
    const atMs = this.#lives.get(sipProbe)
    // A later one, such as a binding that grew, stays.
    return atMs === undefined || atMs <= (own.lastLifeAtMs ?? -Infinity) ? own : { ...own, lastLifeAtMs: atMs, lifeByBinding: false }
  }
}

function setMember<T> (members: Set<T>, item: T, isMember: boolean): void {
  if (isMember) members.add(item)
  else members.delete(item)
}
