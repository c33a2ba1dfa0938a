/** The name that Prometheus and Alertmanager give to a label set. */
import type { Labels } from './labels.ts'

const OFFSET_BASIS = 0xcbf29ce484222325n
const PRIME = 0x100000001b3n
const MASK = 0xffffffffffffffffn
const SEPARATOR = 0xff

/**
 * FNV-1a, 64 bits, over the labels sorted by name: name, 0xff, value, 0xff of each; 16 hexadecimal digits.
 * Source: prometheus/common `model/signature.go`, labelSetToFingerprint.
 */
export function fingerprintOf (labels: Labels): string {
  const encoder = new TextEncoder()
  const pairs = Object.entries(labels).map(([name, value]) => ({ name: encoder.encode(name), value: encoder.encode(value) }))
  let hash = OFFSET_BASIS
  for (const { name, value } of pairs.sort((a, b) => compareBytes(a.name, b.name))) {
    for (const byte of [...name, SEPARATOR, ...value, SEPARATOR]) hash = ((hash ^ BigInt(byte)) * PRIME) & MASK
  }
  return hash.toString(16).padStart(16, '0')
}

/** Go compares strings by their UTF-8 bytes, JavaScript by UTF-16 units. */
function compareBytes (a: Uint8Array, b: Uint8Array): number {
  const at = a.findIndex((byte, index) => byte !== b[index])
  return at === -1 ? a.length - b.length : (a[at] ?? 0) - (b[at] ?? -1)
}
