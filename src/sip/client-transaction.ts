/** The client side of one non-INVITE transaction (RFC 3261 §17.1.2), with the caller's deadline as Timer F. */
import type { DurationMs } from '../core/topology.ts'
import type { Clock } from '../ports.ts'
import { decodeMessage, type SipResponse } from './codec.ts'
import type { Flow, FlowFailure } from './flow.ts'
import type { Limit } from './limit.ts'

/** First retransmission interval (RFC 3261 §17.1.1.1) [ms]. */
export const T1_MS = 500
/** Longest retransmission interval [ms]. */
export const T2_MS = 4000

export interface TransactionRequest {
  readonly bytes: Uint8Array
  readonly branch: string
  readonly callId: string
  readonly cseq: number
  readonly method: string
}

export type TransactionEnd =
  | { readonly kind: 'response'; readonly response: SipResponse }
  /** The limit is over. `provisional`: the last 1xx; `strays`: messages that were not for us. */
  | { readonly kind: 'ended'; readonly provisional: number | null; readonly strays: number }
  /** The flow broke, or a message with our branch is no response to this request. */
  | { readonly kind: 'failed'; readonly failure: FlowFailure }

export type TransactionResult = TransactionEnd & {
  readonly retransmissions: number
  /** From the request to its first response, provisional ones included; null: none came. */
  readonly firstResponseMs: DurationMs | null
}

/**
 * Sends the request and waits for its final response until `limit` is over. On UDP, Timer E: 500 ms, doubled up to 4 s;
 * after a 1xx it goes on every 4 s. A message is matched by its branch before it is parsed; what doesn't match is dropped,
 * so late and repeated responses do nothing. Never throws.
 */
export const runClientTransaction = (clock: Clock, flow: Flow, request: TransactionRequest, limit: Limit): Promise<TransactionResult> => new Promise((resolve) => {
  const startedMs = clock.monotonicMs()
  const straysBefore = flow.strays()
  let provisional: number | null = null
  let firstResponseMs: number | null = null
  let retransmissions = 0
  let stopTimer = (): void => { /* no timer runs yet */ }
  const finish = (end: TransactionEnd): void => {
    stopTimer()
    stopWaiting()
    detach()
    resolve({ ...end, retransmissions, firstResponseMs })
  }
  const onOver = (): void => { finish({ kind: 'ended', provisional, strays: flow.strays() - straysBefore }) }
  if (limit.isOver()) {
    resolve({ kind: 'ended', provisional, strays: 0, retransmissions, firstResponseMs })
    return
  }
  const detach = flow.attach(request.branch, {
    onFailure: (failure) => { finish({ kind: 'failed', failure }) },
    onMessage: (bytes) => {
      firstResponseMs ??= clock.monotonicMs() - startedMs
      const read = readResponse(bytes, request)
      if (typeof read === 'string') finish({ kind: 'failed', failure: { kind: 'malformed', detail: read } })
      else if (read.status < 200) provisional = read.status
      else finish({ kind: 'response', response: read })
    }
  })
  const stopWaiting = limit.onOver(onOver)
  const retransmitAfter = (intervalMs: number): void => {
    stopTimer = clock.after(intervalMs, () => {
      flow.send(request.bytes)
      retransmissions++
      retransmitAfter(provisional === null ? Math.min(intervalMs * 2, T2_MS) : T2_MS)
    })
  }
  flow.send(request.bytes)
  if (flow.transport === 'udp') retransmitAfter(T1_MS)
})

/** The response to this request, or why the message is none. */
const readResponse = (bytes: Uint8Array, request: TransactionRequest): SipResponse | string => {
  const decoded = decodeMessage(bytes)
  if (!decoded.ok) return decoded.detail
  const { message } = decoded
  if (message.kind === 'request') return 'a request came back'
  if (message.via.length !== 1) return 'the response has several Vias'
  if (message.callId !== request.callId || message.cseq.number !== request.cseq || message.cseq.method !== request.method) {
    return 'Call-ID or CSeq is not that of the request'
  }
  return message
}
