/** `pointsman probe --trace`: each message as it went over the wire, with its time; credentials are left out. */
import type { Clock, SipTrace } from '../ports.ts'
import type { Io } from './command.ts'
import { plain } from './print.ts'

/** What a header says instead of credentials. */
const CREDENTIALS = /^((?:Proxy-)?Authorization\s*:\s*\S*).*$/i

/** Lines of one message. A folded line of credentials is left out with them. */
export function traceLines (bytes: Uint8Array): readonly string[] {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
  const unfolded = text.replaceAll(/^((?:Proxy-)?Authorization\s*:[^\r\n]*)(?:\r?\n[ \t][^\r\n]*)+/gim, '$1')
  return unfolded.replace(/(?:\r?\n)+$/, '').split(/\r?\n/).map((line) => plain(line).replace(CREDENTIALS, '$1 <secret>'))
}

export function createTracer (clock: Clock, io: Io): SipTrace {
  const startedMs = clock.monotonicMs()
  return (direction, { transport, local, remote }, bytes) => {
    const host = ({ address, port }: typeof local): string => `${address.includes(':') ? `[${address}]` : address}:${port}`
    const arrow = direction === 'sent' ? '->' : '<-'
    io.stdout(`${(clock.monotonicMs() - startedMs).toFixed(1)} ms  ${transport} ${host(local)} ${arrow} ${host(remote)}  ${bytes.byteLength} bytes\n`)
    io.stdout(traceLines(bytes).map((line) => `  ${direction === 'sent' ? '>' : '<'} ${line}\n`).join(''))
    io.stdout('\n')
  }
}
