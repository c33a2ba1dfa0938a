/** Addresses that a beacon listens at, as they are written: `udp:10.0.9.9:5060`. */
import { isIP } from 'node:net'
import type { ListenAddress } from '../ports.ts'

/** Null: it is none. */
export function parseListenAddress (text: string): ListenAddress | null {
  const [, transport, v6, v4, port] = /^(udp|tcp):(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)):(\d{1,5})$/.exec(text) ?? []
  const host = v6 ?? v4 ?? ''
  return isIP(host) !== (v6 === undefined ? 4 : 6) || Number(port) > 65_535 ? null : { transport: transport as ListenAddress['transport'], host, port: Number(port) }
}
