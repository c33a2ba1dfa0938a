/** The client side of one non-INVITE transaction over UDP (RFC 3261 §17.1.2), with the caller's deadline as Timer F. */
import type { Clock } from '../ports.ts'
import { decodeMessage, type SipResponse } from './codec.ts'
import { topViaBranch } from './guard.ts'
import type { UdpFlow } from './udp-transport.ts'

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
  /** The deadline passed, or the caller aborted. `provisional`: the last 1xx; `strays`: datagrams that were not for us. */
  | { readonly kind: 'ended'; readonly provisional: number | null; readonly strays: number }
  /** The socket reported an error; `code` is its `errno` name. */
  | { readonly kind: 'network'; readonly code: string }
  /** A datagram with our branch is no response to this request. */
  | { readonly kind: 'malformed'; readonly detail: string }

export type TransactionResult = TransactionEnd & { readonly retransmissions: number }

/**
 * Sends the request and waits for its final response until `signal` aborts. Timer E: 500 ms, doubled up to 4 s; after a
 * 1xx it goes on every 4 s. A datagram is matched by its branch before it is parsed (its source by the connected flow);
 * what doesn't match is dropped, so late and repeated responses do nothing. Never throws; takes the flow's listener.
 */
export const runClientTransaction = async (clock: Clock, flow: UdpFlow, request: TransactionRequest, signal: AbortSignal): Promise<TransactionResult> => {
  const finished = new AbortController()
  const stop = AbortSignal.any([signal, finished.signal])
  let end: TransactionEnd | null = null
  let provisional: number | null = null
  let strays = 0
  let retransmissions = 0
  const finish = (reached: TransactionEnd): void => {
    end ??= reached
    finished.abort()
  }
  flow.listen({
    onError: (code) => { finish({ kind: 'network', code }) },
    onDatagram: (bytes) => {
      if (topViaBranch(bytes) !== request.branch) { strays++; return }
      const read = readResponse(bytes, request)
      if (typeof read === 'string') finish({ kind: 'malformed', detail: read })
      else if (read.status < 200) provisional = read.status
      else finish({ kind: 'response', response: read })
    }
  })
  if (!stop.aborted) flow.send(request.bytes)
  for (let intervalMs = T1_MS; ;) {
    await clock.sleep(intervalMs, stop)
    if (stop.aborted) break
    flow.send(request.bytes)
    retransmissions++
    intervalMs = provisional === null ? Math.min(intervalMs * 2, T2_MS) : T2_MS
  }
  flow.listen(null)
  return { ...end ?? { kind: 'ended', provisional, strays }, retransmissions }
}

/** The response to this request, or why the datagram is none. */
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
