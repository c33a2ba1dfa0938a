/** Signatures of DNS messages by a shared key (TSIG, RFC 8945). Pure: time comes as an argument. */
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Secret } from '../ports.ts'
import { decodeName, encodeName, encodeRaw } from './dns-message.ts'
import type { DnsResponse } from './dns-message.ts'

export const TSIG_ALGORITHMS = ['hmac-sha224', 'hmac-sha256', 'hmac-sha384', 'hmac-sha512'] as const
export type TsigAlgorithm = typeof TSIG_ALGORITHMS[number]

export interface TsigKey {
  readonly name: string
  readonly algorithm: TsigAlgorithm
  /** Base64, as `tsig-keygen` prints it. */
  readonly secret: Secret
}

/** Difference of clocks that is accepted [s] (RFC 8945 §10). */
const FUDGE_S = 300

interface Signature {
  readonly keyName: string
  readonly algorithm: string
  readonly timeS: number
  readonly fudgeS: number
  readonly mac: Buffer
  readonly error: number
  readonly other: Buffer
}

function hash (key: TsigKey, parts: readonly Buffer[]): Buffer {
  const hmac = createHmac(key.algorithm.replace('hmac-', ''), Buffer.from(key.secret.reveal(), 'base64'))
  for (const part of parts) hmac.update(part)
  return hmac.digest()
}

/** The variables that are signed beside the message (RFC 8945 §4.3.3). */
function variables ({ keyName, algorithm, timeS, fudgeS, error, other }: Omit<Signature, 'mac'>): Buffer {
  const fixed = Buffer.alloc(6)
  fixed.writeUInt16BE(255, 0)
  return Buffer.concat([encodeName(keyName), fixed, encodeName(algorithm), times(timeS, fudgeS), uint16(error), uint16(other.length), other])
}

function times (timeS: number, fudgeS: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeUIntBE(timeS, 0, 6)
  bytes.writeUInt16BE(fudgeS, 6)
  return bytes
}

function uint16 (value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16BE(value)
  return bytes
}

export interface Signed {
  readonly bytes: Buffer
  /** Needed to check the answer. */
  readonly mac: Buffer
}

/** Adds the signature as the message's last record. @param nowS - seconds since 1970 */
export function sign (message: Buffer, key: TsigKey, nowS: number): Signed {
  const unsigned = { keyName: key.name, algorithm: key.algorithm, timeS: nowS, fudgeS: FUDGE_S, error: 0, other: Buffer.alloc(0) }
  const mac = hash(key, [message, variables(unsigned)])
  const data = Buffer.concat([encodeName(key.algorithm), times(nowS, FUDGE_S), uint16(mac.length), mac, message.subarray(0, 2), uint16(0), uint16(0)])
  const bytes = Buffer.concat([message, encodeRaw(key.name, 'TSIG', data)])
  bytes.writeUInt16BE(message.readUInt16BE(10) + 1, 10)
  return { bytes, mac }
}

export type TsigVerdict = 'right' | 'unsigned' | 'wrong'

/** Whether the answer was signed with our key, to our request, within the time. */
export function verify (bytes: Buffer, response: DnsResponse, key: TsigKey, requestMac: Buffer, nowS: number): TsigVerdict {
  const last = response.additionals.at(-1)
  if (last?.type !== 'TSIG' || response.lastRecordAt === null || !(last.data instanceof Uint8Array)) return 'unsigned'
  const signature = parse(last.name, Buffer.from(last.data))
  if (signature === null) return 'wrong'
  const message = Buffer.from(bytes.subarray(0, response.lastRecordAt))
  message.writeUInt16BE(message.readUInt16BE(10) - 1, 10)
  const expected = hash(key, [uint16(requestMac.length), requestMac, message, variables(signature)])
  const isOurs = signature.keyName === key.name.replace(/\.$/, '').toLowerCase() && signature.algorithm === key.algorithm
  const isRight = isOurs && signature.mac.length === expected.length && timingSafeEqual(signature.mac, expected)
  return isRight && signature.error === 0 && Math.abs(nowS - signature.timeS) <= signature.fudgeS ? 'right' : 'wrong'
}

function parse (keyName: string, data: Buffer): Signature | null {
  const algorithm = decodeName(data, 0)
  if (algorithm === null) return null
  try {
    const at = algorithm.end
    const macEnd = at + 10 + data.readUInt16BE(at + 8)
    const otherEnd = macEnd + 6 + data.readUInt16BE(macEnd + 4)
    if (otherEnd !== data.length) return null
    return {
      keyName: keyName.toLowerCase(), algorithm: algorithm.name, timeS: data.readUIntBE(at, 6), fudgeS: data.readUInt16BE(at + 6), mac: data.subarray(at + 10, macEnd),
      error: data.readUInt16BE(macEnd + 2), other: data.subarray(macEnd + 6, otherEnd)
    }
  } catch {
    return null
  }
}
