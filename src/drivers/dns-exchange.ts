/**
 * One DNS message and its answer over TCP (RFC 7766): a connection says whether the message may have arrived, and nothing is
 * sent twice, which over UDP an update could be.
 */
import { connect } from 'node:net'
import type { DriverReason } from '../core/reasons.ts'
import type { DriverFailure } from '../core/observation.ts'
import { failure } from './driver-failure.ts'

const REASONS: Readonly<Record<string, DriverReason>> = {
  ECONNREFUSED: 'refused', ECONNRESET: 'reset', EPIPE: 'reset', ETIMEDOUT: 'timeout', EHOSTUNREACH: 'unreachable', ENETUNREACH: 'unreachable', EHOSTDOWN: 'unreachable',
  ENOTFOUND: 'unreachable', EAI_AGAIN: 'unreachable'
}

export interface DnsServer {
  readonly host: string
  readonly port: number
}

/** Reads `host` or `host:port`. */
export function serverOf (server: string): DnsServer {
  const [, host = server, port = '53'] = /^\[?(.*?)\]?(?::(\d{1,5}))?$/.exec(server) ?? []
  return { host, port: Number(port) }
}

/** @param reads - it changes nothing, so a failure's effect is `none` */
export function exchange (server: DnsServer, message: Buffer, reads: boolean, signal: AbortSignal): Promise<{ readonly ok: true; readonly bytes: Buffer } | DriverFailure> {
  return new Promise((resolve) => {
    let isSent = false
    let received = Buffer.alloc(0)
    if (signal.aborted) { resolve(endedBy(signal, false, false, 'none')); return }
    const socket = connect({ host: server.host, port: server.port, noDelay: true })
    const effect = (): DriverFailure['effect'] => reads || !isSent ? 'none' : 'unknown'
    const end = (result: { readonly ok: true; readonly bytes: Buffer } | DriverFailure): void => {
      signal.removeEventListener('abort', onAbort)
      socket.destroy()
      resolve(result)
    }
    const cutOff = (): DriverFailure => received.length > 0
      ? failure('truncated', 'the connection ended before the answer was complete', effect())
      : failure('reset', 'the connection ended without an answer', effect())
    const onAbort = (): void => { end(endedBy(signal, isSent, received.length > 0, effect())) }
    signal.addEventListener('abort', onAbort)
    socket.once('connect', () => {
      isSent = true
      const length = Buffer.alloc(2)
      length.writeUInt16BE(message.length)
      socket.write(Buffer.concat([length, message]))
    })
    socket.on('data', (chunk: Buffer) => {
      // At most 64 KiB and one chunk: the length has two bytes.
      received = Buffer.concat([received, chunk])
      if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return
      end({ ok: true, bytes: received.subarray(2, 2 + received.readUInt16BE(0)) })
    })
    socket.once('error', (error: NodeJS.ErrnoException) => {
      const code = error.code ?? ''
      end(received.length > 0 ? cutOff() : failure(REASONS[code] ?? 'local-error', code === '' ? 'no connection' : code, effect()))
    })
    socket.once('close', () => { end(cutOff()) })
  })
}

function endedBy (signal: AbortSignal, isSent: boolean, isAnswering: boolean, effect: DriverFailure['effect']): DriverFailure {
  const isDeadline = (signal.reason as { name?: unknown } | undefined)?.name === 'TimeoutError'
  if (!isDeadline) return failure('aborted', 'cancelled', effect)
  return failure('timeout', !isSent ? 'no connection in time' : isAnswering ? 'the answer was not complete in time' : 'no answer in time', effect)
}
