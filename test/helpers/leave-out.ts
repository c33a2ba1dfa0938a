/** Switches one interlock off, in a test only: the product has no such flag. */
import { INTERLOCKS } from '../../src/core/interlocks.ts'
import type { Interlock } from '../../src/core/interlocks/judgement.ts'
import type { VetoReason } from '../../src/core/reasons.ts'

/** @returns puts it back */
export function leaveOut (name: VetoReason): () => void {
  const table = INTERLOCKS as Record<VetoReason, Interlock>
  const kept = table[name]
  table[name] = () => null
  return () => { table[name] = kept }
}
