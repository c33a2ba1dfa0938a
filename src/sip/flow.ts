/** A flow: one UDP socket or stream connection between us and one peer, over which requests go and responses come. */
import type { DurationMs, EpochMs } from '../core/topology.ts'
import type { SipTarget, SipTransport } from '../ports.ts'
import { topViaBranch } from './guard.ts'
import type { RequestTemplate } from './request-template.ts'

export interface Endpoint {
  /** Literal IP address, IPv6 without brackets. */
  readonly address: string
  readonly port: number
}

/** Why a flow can't be used any more. `code`: an `errno` name, an OpenSSL code, or `CLOSED` when the peer ended the connection. */
export type FlowFailure =
  | { readonly kind: 'network'; readonly code: string }
  | { readonly kind: 'tls'; readonly detail: string }
  | { readonly kind: 'malformed'; readonly detail: string }

export interface FlowListener {
  /** One whole message whose top Via has the listener's branch. */
  readonly onMessage: (bytes: Uint8Array) => void
  readonly onFailure: (failure: FlowFailure) => void
}

/** What the set-up of a connection took and showed. */
export interface SetUp {
  readonly connectMs: DurationMs | null
  readonly tlsMs: DurationMs | null
  readonly certificateExpiresAtMs: EpochMs | null
}

export const NO_SET_UP: SetUp = { connectMs: null, tlsMs: null, certificateExpiresAtMs: null }

export interface Flow {
  readonly transport: SipTransport
  /** The address and port that the peer sees (before any NAT). */
  readonly local: Endpoint
  readonly remote: Endpoint
  readonly setUp: SetUp
  /**
   * The last first OPTIONS that went over it, and whose it was. Kept here, not in a WeakMap: the garbage collector goes
   * through the entries of one while everything else stands still, 30 ms for ten thousand targets.
   */
  sent: { readonly target: SipTarget; readonly template: RequestTemplate } | null
  /** Failures come through the listeners. */
  send(bytes: Uint8Array): void
  /** Messages with this branch go to `listener` until the returned function is called. */
  attach(branch: string, listener: FlowListener): () => void
  /** Messages so far that nobody waited for. */
  strays(): number
  isOpen(): boolean
  /** May be called twice. */
  close(): void
}

export type FlowOpened = { readonly ok: true; readonly flow: Flow } | { readonly ok: false; readonly failure: FlowFailure; readonly setUp: SetUp }

/** `errno` name or OpenSSL code of an error of the socket layer. */
export const errorCode = (error: unknown): string => {
  const code = error instanceof Error && 'code' in error ? error.code : null
  return typeof code === 'string' ? code : 'EUNKNOWN'
}

/**
 * Hands each message to the one who waits for its branch. A message is matched before anything of it is parsed: what nobody
 * waits for is dropped. A class, as are the flows of UDP: ten thousand are kept, and a closure for each of their functions
 * would be most of their memory.
 */
export class Dispatcher {
  /** Null while nobody listens: most of the time, at most of the thousands of flows. */
  #listeners: Map<string, FlowListener> | null = null
  #strays = 0

  attach (branch: string, listener: FlowListener): () => void {
    const listeners = this.#listeners ??= new Map()
    listeners.set(branch, listener)
    return () => {
      listeners.delete(branch)
      if (listeners.size === 0 && this.#listeners === listeners) this.#listeners = null
    }
  }

  strays (): number {
    return this.#strays
  }

  deliver (bytes: Uint8Array): void {
    const listener = this.#listeners?.get(topViaBranch(bytes) ?? '')
    if (listener === undefined) this.#strays++
    else listener.onMessage(bytes)
  }

  fail (failure: FlowFailure): void {
    for (const listener of this.#listeners?.values() ?? []) listener.onFailure(failure)
  }
}
